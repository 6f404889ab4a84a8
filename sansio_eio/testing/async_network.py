"""The network on an event loop with a virtual clock: the same, with `await` before whatever lets it run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from sansio_eio.testing.client import EngineMember, Event, Member
from sansio_eio.testing.simulation import Simulation

if TYPE_CHECKING:
    from types import TracebackType

    from sansio_eio import engineio, socketio
    from sansio_eio.engineio import Response
    from sansio_eio.socketio import Auth
    from sansio_eio.testing.client import Line
    from sansio_eio.testing.options import ConnectOptions, PeerOptions
    from sansio_eio.testing.plain_request import Pairs

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

E = TypeVar("E", bound=Exception)


class AsyncNetwork(Simulation):
    """A `Network` on an event loop, for handlers that await anything: see there.

    `sansio_eio_asyncio.testing` and `sansio_eio_trio.testing` make it, with `open_network`. Time passes in `advance`;
    what the event loop's own clock does meanwhile happens on the way.
    """

    async def connect(self, namespace: str = "/", **options: Unpack[ConnectOptions]) -> AsyncClient:
        """A new Socket.IO client. When it is not let in, it is not `connected` and has a `connect_error`.

        Time passes only when it has to; after its `connect_timeout`, 20 seconds, no answer counts as a refusal. Raises
        LocalProtocolError for an unknown option, and where the path leads to an `EngineServer`.
        """
        wait = options.pop("wait", True)
        client = AsyncClient(self, *self._new_client(namespace, options))
        if wait:
            await self.let_in(client)
        return client

    async def connect_engine(self, **options: Unpack[PeerOptions]) -> AsyncEngineClient:
        """A new Engine.IO client; otherwise the same. The `path` of a Socket.IO server gives what is below it, raw."""
        wait = options.pop("wait", True)
        client = AsyncEngineClient(self, *self._new_engine_client(options))
        if wait:
            await self.let_in(client)
        return client

    async def attach(
        self, client: socketio.Client | engineio.EngineClient, *, name: str = "", wait: bool = True
    ) -> Line:
        """Connect a client of yours to the server, whatever host its URL names; what is returned has its faults.

        It is what `connect` of an adapter does: the client is opened; the network runs until it is connected, with
        `wait`, and raises ConnectError when it is refused. When the network closes, the client is closed, and can be
        used again. Until then its requests have no timestamps, and its delays are drawn from the `seed`.
        """
        return await self._attach(client, name, wait)

    async def request(self, method: str, target: str, headers: Pairs = (), body: bytes = b"") -> Response:
        """A plain HTTP request from outside, such as a page, a CORS preflight or a health check, and its response.

        The names of the response's headers are in lower case. Raises AssertionError when there is no response within
        20 seconds; time passes only when it has to.
        """
        return await self._request(method, target, headers, body)

    async def settle(self) -> None:
        """Have everything happen that can happen without time passing.

        Raises AssertionError for an exception of the application's code, and when that goes on for ever.
        """
        await self.settle_and_raise()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and stop on the way wherever something is due; it settles at the end. Raises as `settle`."""
        await self.advance_and_raise(seconds)

    async def expect_error(self, kind: type[E], *, within: float = 0.0) -> E:
        """The next exception of the application's code, which must be of this kind, and is then forgotten.

        Let `within` seconds pass for it. Raises AssertionError when there is none, or another one.
        """
        return await self._expect_error(kind, within)

    async def close(self) -> None:
        """Shut the server down in good order, and say what is wrong.

        Clients and handlers are given 10 seconds, sessions that wait for a poll their `close_timeout`. Raises
        AssertionError for exceptions of the application's code, and for handlers that do not end; they are cancelled.
        The application can be served again.
        """
        await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await (self._close() if error is None else self._abandon(error))


class AsyncClient(Member):
    """A Socket.IO client in one namespace of an `AsyncNetwork`. Made by `connect`."""

    async def of(self, namespace: str, *, auth: Auth = None, wait: bool = True) -> AsyncClient:
        """The one in another namespace of the same connection, connected if it is not; see `Network.connect`."""
        client = self._sibling(namespace, auth)
        if wait:
            await self._net.let_in(client)
        return client

    async def connect(self, *, wait: bool = True) -> None:
        """Come back, after the connection has been lost or closed, or the namespace left."""
        self.begin()
        if wait:
            await self._net.let_in(self)

    async def call(self, event: str | float, *args: Any, timeout: float = 0.0) -> Any:
        """Send an event, and give the answer: None, its one argument, or a tuple of several.

        Raises AssertionError when the answer has not come without time passing, or with `timeout` within so many
        seconds; AckDisconnected when the connection ends first.
        """
        return await self._calling(event, args, timeout)

    async def expect(self, event: str | float, *args: Any) -> Event:
        """Settle; the next event that was not looked at must be this one, and is then looked at."""
        await self._net.settle_and_raise()
        return self._next(self.received, (event, *args))

    async def expect_nothing(self) -> None:
        """Settle; every event must have been looked at."""
        await self._net.settle_and_raise()
        self._nothing(self.received)

    async def take(self) -> list[Event]:
        """Settle; all the events that were not looked at, and now are. It is there for a closed network, too."""
        await self._net.settle_if_open()
        return self._take(self.received)


class AsyncEngineClient(EngineMember):
    """An Engine.IO client of an `AsyncNetwork`. Made by `connect_engine`."""

    async def connect(self, *, wait: bool = True) -> None:
        """Come back, after the session has ended. Raises LocalProtocolError while there is one."""
        self.begin()
        if wait:
            await self._net.let_in(self)

    async def expect(self, message: str | bytes) -> None:
        """Settle; the next message that was not looked at must be this one, and is then looked at."""
        await self._net.settle_and_raise()
        self._next(self.messages, message)

    async def expect_nothing(self) -> None:
        """Settle; every message must have been looked at."""
        await self._net.settle_and_raise()
        self._nothing(self.messages)

    async def take(self) -> list[str | bytes]:
        """Settle; all the messages that were not looked at, and now are. It is there for a closed network, too."""
        await self._net.settle_if_open()
        return self._take(self.messages)
