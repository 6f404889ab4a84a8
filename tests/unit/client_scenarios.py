"""What the `connect` of an event loop must do, on its virtual clock; asyncio and trio run all of it."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import pytest

from sansio_eio import ConnectError, EngineClient, LocalProtocolError, OnError, Pending
from sansio_eio.engineio import Mountable
from sansio_eio.socketio import Client, ClientSocket
from tests.unit.peers import TRANSPORT_MODES, URL, collector, echo, make_io, reasons_of

Dial: TypeAlias = Callable[[str, int], Awaitable[Any]]


class Way(Protocol):
    """A way to a server that is there, or not."""

    is_there: bool
    #: When it was tried.
    tried: list[float]

    async def dial(self, host: str, port: int) -> Any:
        """Connect, if it is there."""

    async def cut(self) -> None:
        """Nobody is there any more, also for those who are connected."""


@dataclass
class Face:
    """An adapter, and an event loop."""

    connect: Callable[..., AbstractAsyncContextManager[ClientSocket]]
    connect_engine: Callable[..., AbstractAsyncContextManager[EngineClient]]
    #: What connects to an application, as long as the body runs.
    served: Callable[[Mountable], AbstractAsyncContextManager[Dial]]
    make_way: Callable[[Dial], Way]
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]


Scenario: TypeAlias = Callable[[Face], Coroutine[Any, Any, None]]


class Received:
    """The messages that a client receives."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._messages: deque[str | bytes] = deque()
        self._more: Pending[None] = Pending(client)
        client.on("message", self._put)

    def _put(self, message: str | bytes) -> None:
        self._messages.append(message)
        self._more.resolve(None)

    async def get(self) -> str | bytes:
        """The next one."""
        if not self._messages:
            self._more = Pending(self._client)
            await self._more
        return self._messages.popleft()


async def ask(client: EngineClient, size: int = 1) -> None:
    """Send something, and get it back."""
    received = Received(client)
    for each in ("a", b"b", "c" * size):
        assert client.send(each)
        assert await received.get() == each


async def use(io: ClientSocket) -> None:
    """Have an answer, and an event."""
    assert await io.call("echo", 1, timeout=5.0) == 1
    io.emit("tell me", "something")
    async for event in io:
        assert event.args == ["something"]
        break


async def refuse(host: str, port: int) -> Any:
    """There is nobody."""
    raise ConnectionRefusedError(f"{host}:{port}")


# Engine.IO


async def messages(face: Face, transports: list[str]) -> None:
    ends: list[str] = []
    client = EngineClient(URL, transports=transports)
    reasons = reasons_of(client)
    async with face.served(echo(ends)) as dial:
        async with face.connect_engine(client, dial=dial) as same:
            assert same is client
            await ask(client, 900_000)
            assert client.session is not None
            assert client.session.transport == transports[-1]
        assert reasons == ["forced close"]
        assert client.session is None
        assert client.runtime is None
        await face.sleep(0.01)
        assert ends == ["transport close"]
    assert face.now() < 1.0


async def again_but_not_twice_at_the_same_time(face: Face) -> None:
    client = EngineClient(URL)
    async with face.served(echo()) as dial:
        for _ in range(2):
            async with face.connect_engine(client, dial=dial):
                await ask(client)
                with pytest.raises(LocalProtocolError):
                    async with face.connect_engine(client, dial=dial):
                        raise AssertionError
                await ask(client)


async def options_that_make_no_sense(face: Face) -> None:
    with pytest.raises(LocalProtocolError, match="options already: transports, auth"):
        async with face.connect(EngineClient(URL), transports=["polling"], auth=None):
            raise AssertionError
    with pytest.raises(LocalProtocolError, match="unix_path or dial"):
        async with face.connect(URL, unix_path="x", dial=refuse):
            raise AssertionError


async def what_is_sent_last_arrives(face: Face) -> None:
    received: list[str] = []
    for transport in ("polling", "websocket"):
        client = EngineClient(URL, transports=[transport])
        async with face.served(collector(received)) as dial, face.connect_engine(client, dial=dial):
            client.send(transport)
    assert received == ["polling", "websocket"]


async def a_dial_that_fails(face: Face) -> None:
    client = EngineClient(URL)
    with pytest.raises(ConnectError, match="xhr poll error") as raised:
        async with face.connect_engine(client, dial=refuse):
            raise AssertionError
    assert isinstance(raised.value.__cause__, ConnectionRefusedError)
    assert str(raised.value.__cause__) == "host.example:80"
    assert client.runtime is None
    assert face.now() < 1.0


async def without_waiting_the_body_begins_at_once(face: Face) -> None:
    client = EngineClient(URL)
    errors: list[ConnectError] = []
    client.on("error", errors.append)
    async with face.connect_engine(client, dial=refuse, wait=False):
        assert client.session is not None
        await face.sleep(0.01)
    assert [error.message for error in errors] == ["xhr poll error"]
    async with face.served(echo()) as dial, face.connect_engine(client, dial=dial, wait=False):
        await ask(client)


async def an_error_that_stops_it_while_it_connects(face: Face) -> None:
    client = EngineClient(URL)
    client.on_error(lambda _error, _where: OnError.STOP)

    @client.on("open")
    def opened() -> None:
        raise ValueError("mine")

    async with face.served(echo()) as dial:
        with pytest.raises(ValueError, match="mine"):
            async with face.connect_engine(client, dial=dial):
                await face.sleep(1000.0)
    assert face.now() < 1.0


# Socket.IO


async def events_and_answers(face: Face, transports: list[str]) -> None:
    log: list[str] = []
    async with face.served(make_io(log)) as dial:
        async with face.connect(URL, dial=dial, transports=transports) as io:
            assert io.connected
            assert await io.call("echo", 1, b"two", timeout=5.0) == (1, b"two")

            @io.on("question")
            async def answer(question: str) -> str:
                await face.sleep(1.0)
                return question.upper()

            assert await io.call("ask me", "why", timeout=5.0) == "WHY"
            for each in range(3):
                io.emit("tell me", each)
            told: list[Any] = []
            async for event in io:
                told.extend(event.args)
                if len(told) == 3:
                    io.disconnect()
            assert told == [0, 1, 2]
            assert not io.active
        assert log == ["client namespace disconnect"]


async def namespaces(face: Face) -> None:
    async with face.served(make_io()) as dial:
        async with face.connect(f"{URL}/admin", dial=dial, auth={"token": "right"}) as admin:
            assert admin.namespace == "/admin"
            other = admin.of("/")
            assert await other.call("echo", 1, timeout=5.0) == 1
        assert not other.active
        with pytest.raises(ConnectError, match="who are you") as raised:
            async with face.connect(f"{URL}/admin", dial=dial, auth={"token": "wrong"}):
                raise AssertionError
        assert raised.value.data == {"hint": 42}


async def a_client_that_is_connected_again(face: Face) -> None:
    reasons: list[str] = []
    client = Client(URL)
    client.socket.on("disconnect", reasons.append)
    other = client.of("/other")
    server = make_io()
    server.of("/other")
    async with face.served(server) as dial:
        for _ in range(3):
            async with face.connect(client, dial=dial) as same:
                assert same is client.socket
                assert other.connected
                assert await same.call("echo", 1, timeout=5.0) == 1
            assert not other.active
    assert reasons == ["io client disconnect"] * 3


async def a_handler_that_connects_again_at_the_end(face: Face) -> None:
    client = Client(URL)
    ended: list[str] = []

    @client.socket.on("disconnect")
    def disconnected(reason: str) -> None:
        ended.append(reason)
        client.socket.connect()

    async with face.served(make_io()) as dial:
        for _ in range(2):
            async with face.connect(client, dial=dial) as io:
                assert await io.call("echo", 1, timeout=5.0) == 1
            assert not client.socket.active
    assert ended == ["io client disconnect"] * 2


def client_of(**options: Any) -> Client:
    """A client that comes back after exactly 1, 2 and 4 seconds."""
    return Client(URL, randomization_factor=0.0, **options)


async def without_waiting_it_goes_on_trying(face: Face) -> None:
    async with face.served(make_io()) as dial:
        way = face.make_way(dial)
        with pytest.raises(ConnectError, match="xhr poll error"):
            async with face.connect(client_of(), dial=way.dial):
                raise AssertionError
        assert way.tried == [0.0]
        async with face.connect(client_of(), dial=way.dial, wait=False) as io:
            answer = io.emit_with_ack("echo", "early")
            await face.sleep(2.0)
            way.is_there = True
            assert await answer == "early"
            assert face.now() == pytest.approx(3.0)
        assert way.tried[:4] == [0.0, 0.0, 1.0, 3.0]
        await way.cut()


async def it_comes_back(face: Face, transports: list[str]) -> None:
    async with face.served(make_io()) as dial:
        way = face.make_way(dial)
        way.is_there = True
        async with face.connect(client_of(transports=transports), dial=way.dial) as io:
            await face.sleep(1.0)
            reasons: list[str] = []
            io.on("disconnect", reasons.append)
            for count in range(1, 4):
                await way.cut()
                await face.sleep(0.5)
                assert len(reasons) == count
                assert io.active
                answer = io.emit_with_ack("echo", "kept")
                await face.sleep(1.5)
                way.is_there = True
                assert await answer == "kept"
                await face.sleep(1.0)
            assert set(reasons) <= {"transport close", "transport error"}
        await way.cut()


async def a_server_that_goes_away_for_good(face: Face) -> None:
    async with face.served(make_io()) as dial:
        way = face.make_way(dial)
        way.is_there = True
        async with face.connect(client_of(reconnection_attempts=2), dial=way.dial) as io:
            begin = face.now()
            ended = io.wait_disconnected()
            await way.cut()
            async for event in io:
                raise AssertionError(event)
            assert await ended == "reconnect_failed"
            assert face.now() - begin == pytest.approx(3.0)


async def a_server_that_throws_it_out(face: Face) -> None:
    async with face.served(make_io()) as dial, face.connect(URL, dial=dial) as io:
        io.emit("throw me out")
        assert await io.wait_disconnected() == "io server disconnect"


async def an_error_that_stops_it(face: Face) -> None:
    log: list[str] = []
    last_words: list[bool] = []
    client = Client(URL)
    client.on_error(lambda _error, _where: OnError.STOP)

    @client.socket.on("told")
    async def told(text: str) -> None:
        await face.sleep(1.0)
        raise ValueError(text)

    async def body(io: ClientSocket) -> None:
        try:
            await face.sleep(1000.0)
        finally:
            last_words.append(io.emit("echo"))

    async with face.served(make_io(log)) as dial:
        client.socket.emit("tell me", "mine")
        with pytest.raises(ValueError, match="mine"):
            async with face.connect(client, dial=dial) as io:
                await body(io)
        assert face.now() == pytest.approx(1.0)
        await face.sleep(1.0)
    assert last_words == [True]
    assert len(log) == 1


ALWAYS = (
    again_but_not_twice_at_the_same_time,
    options_that_make_no_sense,
    what_is_sent_last_arrives,
    a_dial_that_fails,
    without_waiting_the_body_begins_at_once,
    an_error_that_stops_it_while_it_connects,
    namespaces,
    a_client_that_is_connected_again,
    a_handler_that_connects_again_at_the_end,
    without_waiting_it_goes_on_trying,
    a_server_that_goes_away_for_good,
    a_server_that_throws_it_out,
    an_error_that_stops_it,
)
ON_EACH_TRANSPORT = (messages, events_and_answers, it_comes_back)

SCENARIOS = pytest.mark.parametrize(
    "scenario",
    [
        *(pytest.param(each, id=each.__name__) for each in ALWAYS),
        *(
            pytest.param(partial(each, transports=transports), id=f"{each.__name__}-{name}")
            for each in ON_EACH_TRANSPORT
            for name, transports in TRANSPORT_MODES.items()
        ),
    ],
)
