"""The server as a whole: its options, closing it, and its parsers."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import logging
from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.engineio import OnError
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import Server, Socket, json_parser
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.socketio.parser import CONNECT, CONNECT_ERROR, EVENT, Packet
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.helpers import Client, Log, Net, ended

Serve = Callable[..., Net]


@pytest.mark.parametrize(
    "options",
    [
        {"connect_timeout": 0},
        {"ack_timeout": -1.0},
        {"attachment_timeout": float("inf")},
        {"max_attachments": 0},
        {"max_namespaces": 0},
        {"max_pending_acks": 0},
        {"max_unjoined": 0},
        {"path": "x"},
        {"ping_interval": 0},
    ],
)
def test_an_option_that_makes_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        Server(**options)


def test_what_is_mounted() -> None:
    io = Server()
    assert (io.path, io.engine.path, io.engine.engine) == ("/socket.io/", "/socket.io/", io.engine)
    assert Server(path="/chat").path == "/chat/"
    with pytest.raises(LocalProtocolError, match="sessions of this engine belong to"):
        io.engine.on("connection")


def test_public_ids_are_not_those_of_the_engine() -> None:
    net = Net()
    net.io = Server()
    net.app = net.io.engine
    client = net.client("0")
    [(socket_id, socket)] = net.io.sockets.sockets.items()
    assert len(socket_id) == 20
    assert socket_id != socket.connection.session.sid
    assert client.heard() == [f'0{{"sid":"{socket_id}"}}']


def test_closing_tells_everybody_and_sends_nobody_away(serve: Serve) -> None:
    net = serve()
    main, other = Log("x").watch(net.io), Log().watch(net.io.of("/b"))
    clients = [net.client("0"), net.client("0/b,", "0")]
    poller = net.polling()
    poller.post("40")
    for client in clients:
        client.heard()
    main.taken()
    other.taken()
    poll = poller.poll()
    assert poll.text == '40{"sid":"s4"}'
    poll = poller.poll()
    net.app.message_received(clients[0].exchange.channel, '42["x"]', now=net.now)
    net.io.close()
    net.pump()
    assert [client.heard() for client in clients] == [[], []]
    assert [client.closed for client in clients] == [True, True]
    assert poll.text == "1"
    reason = "server shutting down"
    assert sorted(main.taken()) == sorted([*ended("s1", reason), *ended("s3", reason), *ended("s4", reason)])
    assert other.taken() == ended("s2", reason)
    assert net.dial().response.status == 503
    assert net.app.next_deadline() is None
    net.io.close()
    net.pump()
    assert main.taken() == []


def test_closing_while_a_handler_and_a_middleware_run(serve: Serve) -> None:
    net = serve()
    gate, log = Gate(), Log().watch(net.io)

    @net.io.on("x")
    async def handler(socket: Socket) -> str:
        await gate
        return "late"

    client, _ = net.socket()
    client.say('20["x"]')

    @net.io.use
    async def check(socket: Socket) -> None:
        await gate

    poller = net.polling()
    poller.post("40")
    log.taken()
    net.io.close()
    gate.open()
    net.pump()
    assert client.heard() == []
    assert log.taken() == ended("s1", "server shutting down")
    net.later(30.0)
    assert net.app.sessions == {}
    assert net.app.next_deadline() is None


def test_a_server_that_was_closed_may_be_served_again(serve: Serve) -> None:
    net = serve()
    net.socket()
    net.io.close()
    net.pump()
    net.app.install(None)
    net.installed()
    client, _ = net.socket()
    assert not client.closed


def test_errors_without_a_hook_are_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    net = serve()
    net.io.engine.errors.hook = None

    @net.io.on("x")
    def fail(socket: Socket) -> None:
        raise ValueError("x")

    client, _ = net.socket()
    with caplog.at_level(logging.ERROR):
        client.say('2["x"]')
    assert [record.getMessage() for record in caplog.records] == ["error in a handler of x"]


def test_the_error_hook_is_a_decorator() -> None:
    io = Server()

    @io.on_error
    def failed(error: Exception, where: str) -> None: ...

    assert io.engine.errors.hook is failed


def failing(net: Net, verdict: OnError) -> Client:
    """A client whose event has raised, where the hook says this."""

    @net.io.on("x")
    def fail(socket: Socket) -> None:
        raise ValueError("x")

    net.io.on_error(lambda _error, _where: verdict)
    client, _ = net.socket()
    client.say('2["x"]')
    return client


def test_an_error_may_close_the_session(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    net = serve()
    reasons: list[str] = []
    net.io.on("disconnect", lambda _socket, reason: reasons.append(reason))
    assert failing(net, OnError.CLOSE).closed
    assert reasons == ["forced close"]
    assert [record.getMessage() for record in caplog.records] == ["error in a handler of x"]


def test_an_error_may_stop_the_server(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    net = serve()
    assert not failing(net, OnError.STOP).closed
    assert [str(error) for error in net.stopped] == ["x"]
    assert caplog.records == []


def test_an_error_cannot_stop_a_server_that_nothing_serves(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    net = serve(runtime=False)
    assert not failing(net, OnError.STOP).closed
    assert [record.getMessage() for record in caplog.records] == ["error in a handler of x"]


def test_the_callback_of_an_ack_belongs_to_its_session(serve: Serve) -> None:
    net = serve()
    net.io.on_error(lambda _error, _where: OnError.CLOSE)
    client, socket = net.socket()

    def fail(_: object) -> None:
        raise ValueError("x")

    socket.emit_with_ack("question").add_done_callback(fail)
    client.say("30[]")
    assert client.closed


def test_max_http_buffer_size_bounds_what_a_client_sends(serve: Serve) -> None:
    net = serve(max_http_buffer_size=1000)
    accepted = net.dial().accepted
    assert accepted is not None
    assert accepted.max_message_size == 1000


def test_another_depth_for_json(serve: Serve) -> None:
    net = serve(parser=json_parser(max_depth=3))
    log = Log("x").watch(net.io)
    client, _ = net.socket()
    log.taken()
    client.say('2["x",[[]]]', '2["x",[[[]]]]')
    assert log.taken() == [("x", "s1", [[]]), *ended("s1", "parse error")]


def test_no_more_attachments_than_allowed(serve: Serve) -> None:
    net = serve(max_attachments=1)
    client, _ = net.socket()
    client.say('52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    assert client.closed


def test_msgpack(serve: Serve) -> None:
    parser = msgpack_parser()
    net = serve(parser=parser)
    log = Log("x").watch(net.io)
    net.io.on("y", lambda socket, *args: args)

    def wire(packet: Packet) -> bytes:
        [data] = parser.encode(packet)
        assert isinstance(data, bytes)
        return data

    client = net.client()
    client.say(wire(Packet(CONNECT, "/")), wire(Packet(CONNECT, "/nowhere")))
    assert client.heard() == [
        wire(Packet(CONNECT, "/", {"sid": "s1"})),
        wire(Packet(CONNECT_ERROR, "/nowhere", {"message": "Invalid namespace"})),
    ]
    log.taken()
    client.say(wire(Packet(EVENT, "/", ["x", b"\0", {"a": 1}])), wire(Packet(EVENT, "/", ["y", b"\1"], 0)))
    assert log.taken() == [("x", "s1", b"\0", {"a": 1})]
    [acknowledged] = client.heard()
    assert parser.decode(acknowledged).data == [b"\1"]
    net.io.emit("z", b"\2")
    net.pump()
    assert client.heard() == [wire(Packet(EVENT, "/", ["z", b"\2"]))]
    client.say('2["x"]')
    assert client.closed
    assert log.taken() == ended("s1", "parse error")
