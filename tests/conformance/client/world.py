"""What a scenario is given: servers, proxies, clients, and the waiting for what happens to these."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, cast

import pytest

from sansio_eio import Client, ClientSocket, ConnectError, EngineClient
from sansio_eio.engineio.client_session import ClientSession
from tests.conformance.client.adapters import Adapter
from tests.conformance.client.proxy import Network
from tests.conformance.client.servers import KINDS, OLD, SOCKETIO_4, PeerServer
from tests.conformance.processes import Inbox

TRANSPORTS: dict[str, tuple[str, ...]] = {
    "polling": ("polling",),
    "websocket": ("websocket",),
    "upgrade": ("polling", "websocket"),
}

#: For the scenarios that all servers meet, those of raw engine.io in each of its forms, and those of revision 3.
EVERYWHERE = pytest.mark.parametrize("kind", KINDS)
EVERY_ENGINE = pytest.mark.parametrize("kind", [SOCKETIO_4, *OLD])
OLD_SERVERS = pytest.mark.parametrize("kind", OLD)

_keys = count(1)


def causes(error: BaseException | None) -> set[type[BaseException]]:
    """The types of the exceptions that led to this one, as far as they are known."""
    found: set[type[BaseException]] = set()
    while error is not None:
        found.add(type(error))
        if isinstance(error, BaseExceptionGroup):
            for one in cast("BaseExceptionGroup[BaseException]", error).exceptions:
                found |= causes(one)
        error = error.__cause__
    return found


class Recording:
    """Everything that happens to one object, in order."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._inbox = Inbox()

    def note(self, event: str) -> Callable[..., None]:
        """A handler that records it."""

        def noted(*args: Any) -> None:
            self._inbox.put((event, *args))

        return noted

    async def expect(self, event: str) -> list[Any]:
        """Wait for the next event with this name; its arguments."""
        return (await self.expect_many(event, 1))[0]

    async def expect_many(self, event: str, number: int) -> list[list[Any]]:
        """The same for so many of them."""

        def take() -> list[list[Any]]:
            what = repr(event)
            return [list(self._inbox.take(lambda item: item[0] == event, what)[1:]) for _ in range(number)]

        return await self._adapter.blocking(take)

    def seen(self, event: str | None = None) -> list[Any]:
        """What has come and was not expected yet: the arguments of one event, or everything as tuples."""
        if event is None:
            return self._inbox.all(lambda _: True)
        return [list(item[1:]) for item in self._inbox.all(lambda item: item[0] == event)]


class Watched(Recording):
    """A `ClientSocket`, and what happens to it: connect, connect_error, disconnect, and the events of the server."""

    def __init__(self, adapter: Adapter, socket: ClientSocket) -> None:
        super().__init__(adapter)
        self.socket = socket
        for event in ("connect", "connect_error", "disconnect"):
            socket.on(event, self.note(event))

        def received(event: str, *args: Any) -> None:
            self._inbox.put((event, *args))

        socket.on_any(received)

    async def refused(self) -> ConnectError:
        """Wait for the next connect_error."""
        (error,) = await self.expect("connect_error")
        assert isinstance(error, ConnectError)
        return error


class WatchedClient(Watched):
    """A `Client` and the socket of its URL's namespace; `manager` is what happens to the client itself."""

    EVENTS = ("open", "close", "error", "ping", "reconnect", "reconnect_attempt", "reconnect_error", "reconnect_failed")

    def __init__(self, adapter: Adapter, client: Client) -> None:
        super().__init__(adapter, client.socket)
        self.client = client
        self.manager = Recording(adapter)
        for event in self.EVENTS:
            client.on(event, self.manager.note(event))

    def of(self, namespace: str, **options: Any) -> Watched:
        """Another namespace on the same connection."""
        return Watched(self._adapter, self.client.of(namespace, **options))

    @property
    def session(self) -> ClientSession:
        """The session that there is."""
        session = self.client.engine.session
        assert session is not None
        return session

    @property
    def transport(self) -> str:
        """The name of the transport at this moment."""
        return self.session.transport


class WatchedEngine(Recording):
    """An `EngineClient`, and what happens to it."""

    def __init__(self, adapter: Adapter, engine: EngineClient) -> None:
        super().__init__(adapter)
        self.engine = engine
        for event in ("open", "message", "close", "error", "ping"):
            engine.on(event, self.note(event))

    @property
    def session(self) -> ClientSession:
        """The session that there is."""
        session = self.engine.session
        assert session is not None
        return session


class World:
    """One server, one adapter, one way to use the transports."""

    def __init__(self, adapter: Adapter, server: PeerServer, transport: str, network: Network) -> None:
        self.adapter = adapter
        self.server = server
        self.transport = transport
        self.network = network
        #: For what the server collects, rooms, queries: no other scenario has it.
        self.key = f"{server.kind} {adapter.name} {transport} {next(_keys)}"
        self.protocol = server.protocol
        #: What clients are told of this. Revision 4 is the default.
        self.options: dict[str, Any] = {} if self.protocol == 4 else {"protocol": self.protocol}

    @property
    def last_transport(self) -> str:
        """What a session ends up with."""
        return TRANSPORTS[self.transport][-1]

    def client(self, namespace: str = "", *, url: str = "", **options: Any) -> WatchedClient:
        """A client of the server, or of something else at `url`."""
        options = {"transports": TRANSPORTS[self.transport], **self.options, **options}
        return WatchedClient(self.adapter, Client((url or self.server.url) + namespace, **options))

    def engine(self, *, url: str = "", **options: Any) -> WatchedEngine:
        """A raw Engine.IO client."""
        options = {"transports": TRANSPORTS[self.transport], **self.options, **options}
        return WatchedEngine(self.adapter, EngineClient(url or self.server.url, **options))

    def connect(self, watched: WatchedClient | WatchedEngine, **options: Any) -> AbstractAsyncContextManager[Any]:
        """The adapter's `connect`."""
        target = watched.client if isinstance(watched, WatchedClient) else watched.engine
        return self.adapter.connect(target, **options)

    async def failure(self, watched: WatchedClient | WatchedEngine, **options: Any) -> ConnectError:
        """What `connect` raises, where it cannot; nothing is left then."""
        with pytest.raises(ConnectError) as caught:
            async with self.connect(watched, **options):
                pytest.fail("connected")
        assert watched.seen("connect") == watched.seen("open") == []
        return caught.value

    def refusal(self, message: str, data: Any) -> tuple[str, Any]:
        """What a client is told of a refusal: in revision 3 it comes as the data alone, or else as the message."""
        if self.protocol == 4 or data is None:
            return message, data
        return (data, None) if isinstance(data, str) else ("", data)

    async def upgraded(self, socket: ClientSocket) -> None:
        """Wait until the session has its last transport, with one answer after the other. The last one came over it."""
        session = socket.client.engine.session
        assert session is not None
        while session.transport != self.last_transport:
            await socket.call("ask", timeout=10)
        await socket.call("ask", timeout=10)

    async def logged(self, event: str, **attributes: Any) -> Any:
        """Wait for an entry in the log of the server."""

        def take() -> Any:
            return self.server.logged(event, **attributes)

        return await self.adapter.blocking(take)

    async def collected(self, socket: ClientSocket) -> list[Any]:
        """What the server has collected for this scenario."""
        answer: list[Any] = await socket.call("collected", self.key, timeout=10)
        return answer
