"""The client machine against the server machine, over each transport and with each parser."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Iterator
from typing import Any

import pytest

from sansio_eio.engineio import ConnectError
from sansio_eio.engineio.client_settings import Protocol
from sansio_eio.socketio import Client, ConnectionRefused, Parser, Server, Socket
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.socketio.packets import TEXT_PARSER
from tests.unit.engineio.client_driving import ManualRuntime
from tests.unit.engineio.web import Web


class Pair:
    """A server, a client, and the web between them."""

    def __init__(self, transports: list[str], parser: Parser, protocol: Protocol) -> None:
        self.server = Server(parser=parser, allow_eio3=True)
        self.web = Web(self.server.engine)
        self.protocol = protocol
        self.client = Client(
            "http://server/chat",
            transports=transports,
            protocol=protocol,
            parser=parser,
            auth={"name": "x"},
            randomization_factor=0.0,
        )
        self.web.add(self.client.engine)
        self.chat = self.server.of("/chat")
        self.told: list[tuple[Any, ...]] = []
        self.sockets: list[Socket] = []
        self.chat.on("connection", self.sockets.append)
        self.chat.on("disconnect", lambda _, reason: self.told.append(("server", reason)))
        self.client.socket.on("disconnect", lambda reason: self.told.append(("client", reason)))

    def connected(self) -> Socket:
        """Connect; the server's socket."""
        opening = self.client.open()
        self.web.settle()
        assert opening.value is None
        return self.sockets[-1]


@pytest.fixture(params=[TEXT_PARSER, msgpack_parser()], ids=["text", "msgpack"])
def parser(request: pytest.FixtureRequest) -> Parser:
    parser: Parser = request.param
    return parser


@pytest.fixture(params=[4, 3])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    protocol: Protocol = request.param
    return protocol


@pytest.fixture(params=[["polling"], ["websocket"], ["polling", "websocket"]], ids=["polling", "websocket", "upgrade"])
def pair(request: pytest.FixtureRequest, parser: Parser, protocol: Protocol) -> Iterator[Pair]:
    pair = Pair(request.param, parser, protocol)
    yield pair
    pair.client.close()
    pair.web.advance(100.0)
    assert pair.client.engine.over
    assert pair.server.engine.sessions == {}
    assert pair.web.exchanges == []


def test_events_and_answers_both_ways(pair: Pair) -> None:
    pair.chat.on("echo", lambda _, *args: args)
    pair.client.socket.on("echo", lambda *args: args)
    early = pair.client.socket.emit_with_ack("echo", "early")
    socket = pair.connected()
    assert socket.handshake.auth == {"name": "x"}
    assert socket.id == pair.client.socket.id
    up = pair.client.socket.call("echo", 1, b"\0\xff", {"a": [b"2"]}, timeout=5.0)
    down = socket.emit_with_ack("echo", "é", b"\1")
    pair.web.settle()
    assert early.value == "early"
    assert up.value == (1, b"\0\xff", {"a": [b"2"]})
    assert down.value == ("é", b"\1")


def test_the_order_is_kept_on_the_way_from_polling_to_the_websocket(pair: Pair) -> None:
    came: list[tuple[int, Any]] = []
    pair.chat.on("up", lambda _, number, data: came.append((number, data)))
    numbers = iter(range(300))

    def emit() -> None:
        number = next(numbers, None)
        if number is not None:
            assert pair.client.socket.emit("up", number, b"x" * (number % 7))

    emit()
    pair.client.open()
    while pair.web.step():
        emit()
    for _ in range(300):
        emit()
    pair.web.settle()
    assert came == [(number, b"x" * (number % 7)) for number in range(300)]


def test_a_refusal(pair: Pair) -> None:
    @pair.chat.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("not you", {"name": socket.handshake.auth["name"]})

    opening = pair.client.open()
    unknown = pair.client.of("/unknown").wait_connected()
    pair.web.settle()
    assert isinstance(opening.error, ConnectError)
    # An old server has one place for both.
    message = "not you" if pair.protocol == 4 else ""
    assert (opening.error.message, opening.error.data) == (message, {"name": "x"})
    assert isinstance(unknown.error, ConnectError)
    assert unknown.error.message == "Invalid namespace"
    assert not pair.client.socket.active


@pytest.mark.parametrize("close", [False, True])
def test_the_server_disconnects(pair: Pair, close: bool) -> None:
    socket = pair.connected()
    last: list[int] = []
    pair.client.socket.on("last", last.append)
    socket.emit("last", 1)
    socket.disconnect(close=close)
    pair.web.settle()
    assert last == [1]
    assert sorted(pair.told) == [("client", "io server disconnect"), ("server", "server namespace disconnect")]
    pair.web.advance(60.0)
    assert not pair.client.socket.active
    again = pair.connected()
    assert again is not socket


def test_the_client_disconnects(pair: Pair) -> None:
    pair.connected()
    last: list[int] = []
    pair.chat.on("last", lambda _, number: last.append(number))
    pair.client.socket.emit("last", 1)
    pair.client.socket.disconnect()
    pair.web.settle()
    assert last == [1]
    assert sorted(pair.told) == [("client", "io client disconnect"), ("server", "client namespace disconnect")]


def test_the_client_closes(pair: Pair) -> None:
    pair.connected()
    last: list[int] = []
    pair.chat.on("last", lambda _, number: last.append(number))
    pair.client.socket.emit("last", 1)
    pair.client.close()
    pair.web.settle()
    assert last == [1]
    assert sorted(pair.told) == [("client", "io client disconnect"), ("server", "transport close")]


def test_the_connection_is_lost_and_comes_back(pair: Pair) -> None:
    first = pair.connected()
    asked = first.emit_with_ack("x")
    pair.web.cut()
    pair.web.settle()
    assert asked.error is not None
    assert pair.client.socket.emit("kept", 1)
    came: list[int] = []
    pair.chat.on("kept", lambda _, number: came.append(number))
    pair.web.advance(1.0)
    assert pair.sockets[-1] is not first
    assert pair.client.socket.connected
    assert came == [1]


def test_the_server_is_gone_for_a_while(pair: Pair) -> None:
    pair.connected()
    pair.web.is_dead = True
    pair.server.close()
    pair.web.advance(60.0)
    assert not pair.client.socket.connected
    assert pair.client.socket.active
    pair.web.is_dead = False
    # The next driver opens the server again.
    pair.server.engine.install(None)
    pair.server.engine.install(ManualRuntime())
    pair.web.advance(5.0)
    assert pair.client.socket.connected
