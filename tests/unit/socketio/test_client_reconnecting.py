"""How a client comes back when the connection is lost, or could not be made."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio import OnError
from sansio_eio.engineio import ConnectError, Response, SendRequest
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.client_helpers import ClientLog, ClientNet

Dial = Callable[..., ClientNet]


def watched(net: ClientNet) -> ClientLog:
    return ClientLog().watch(net.client).watch(net.socket)


def test_the_connection_is_lost_and_comes_back(dial: Dial) -> None:
    net = dial().connected()
    log = watched(net)
    net.lose()
    assert log.taken() == [("close", "transport close"), ("disconnect", "transport close")]
    assert (net.socket.active, net.socket.connected, net.socket.id) == (True, False, None)
    assert repr(net.client) == "<Client of server waiting>"
    net.later(0.999)
    assert len(net.requests) == 1
    net.later(0.001)
    assert len(net.requests) == 2
    assert log.taken() == [("reconnect_attempt", 1)]
    net.accept()
    assert log.taken() == [("open",), ("reconnect", 1)]
    net.admit()
    assert log.taken() == [("connect",)]
    # The next time it begins with the shortest wait again.
    net.lose()
    net.later(1.0)
    assert len(net.requests) == 3


def test_the_wait_grows_with_each_failure(dial: Dial) -> None:
    net = dial()
    log = watched(net)
    net.client.open()
    net.refuse()
    error = "websocket error: the server has answered 500"
    assert log.taken() == [("error", error), ("connect_error", error)]
    assert net.socket.active
    for number, delay in enumerate([1.0, 2.0, 4.0, 5.0, 5.0], 1):
        net.later(delay - 0.001)
        assert log.taken() == []
        net.later(0.001)
        assert log.taken() == [("reconnect_attempt", number)]
        net.lose(ConnectionRefusedError("nobody"))
        error = "websocket error: nobody"
        assert log.taken() == [("error", error), ("connect_error", error), ("reconnect_error", error)]
    net.later(5.0)
    net.accept()
    net.admit()
    assert log.taken() == [("reconnect_attempt", 6), ("open",), ("reconnect", 6), ("connect",)]


def test_open_fails_the_first_time_and_it_goes_on(dial: Dial) -> None:
    net = dial()
    opening = net.client.open()
    waiting = net.socket.wait_connected()
    net.refuse(403)
    for pending in (opening, waiting):
        assert isinstance(pending.error, ConnectError)
        assert pending.error.status == 403
    again = net.socket.wait_connected()
    net.later(1.0)
    net.accept()
    net.admit()
    assert again.value is None


def test_it_gives_up_after_so_many_attempts(dial: Dial) -> None:
    net = dial(reconnection_attempts=2)
    net.client.of("/b")
    log = watched(net)
    gone = net.client.of("/b").wait_disconnected()
    net.client.open()
    gone = net.socket.wait_disconnected()
    net.refuse()
    net.later(1.0)
    net.refuse()
    log.taken()
    net.later(2.0)
    net.refuse()
    error = "websocket error: the server has answered 500"
    assert log.taken() == [
        ("reconnect_attempt", 2),
        ("error", error),
        ("connect_error", error),
        # The reference's order.
        ("reconnect_failed",),
        ("reconnect_error", error),
    ]
    assert gone.value == "reconnect_failed"
    assert not net.socket.active
    net.later(100.0)
    assert len(net.requests) == 3
    # A new beginning.
    net.socket.connect()
    net.refuse()
    net.later(1.0)
    assert log.taken() == [("error", error), ("connect_error", error), ("reconnect_attempt", 1)]


@pytest.mark.parametrize("lost", [True, False])
def test_without_reconnection(dial: Dial, lost: bool) -> None:
    net = dial(reconnection=False)
    log = watched(net)
    net.client.open()
    gone = net.socket.wait_disconnected()
    if lost:
        net.accept()
        net.admit()
        net.lose()
        assert log.taken()[2:] == [("close", "transport close"), ("disconnect", "transport close")]
        assert gone.value == "transport close"
    else:
        net.refuse()
        error = "websocket error: the server has answered 500"
        assert log.taken() == [("error", error), ("connect_error", error)]
        assert gone.value == "connect_error"
    assert not net.socket.active
    net.later(100.0)
    assert len(net.requests) == 1
    net.socket.connect()
    net.accept()
    assert net.heard() == ["0"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda net: net.lose(), "transport close"),
        (lambda net: net.lose(RemoteProtocolError("wrong")), "transport error"),
        (lambda net: net.raw("1"), "transport close"),
        (lambda net: net.later(3e6), "ping timeout"),
        (lambda net: net.say("nonsense"), "parse error"),
        (lambda net: net.say('2["connect"]'), "parse error"),
        (lambda net: net.say(b"binary"), "parse error"),
        (lambda net: net.client.engine.close(), "forced close"),
    ],
)
def test_reasons_of_a_loss(dial: Dial, how: Callable[[ClientNet], Any], reason: str) -> None:
    net = dial().connected()
    log = watched(net)
    how(net)
    net.pump()
    assert log.taken()[:2] == [("close", reason), ("disconnect", reason)]
    assert net.socket.active
    net.later(1.0)
    net.accept()
    net.admit()
    assert net.socket.connected


def test_a_loss_before_the_answer_is_an_error_of_the_connect(dial: Dial) -> None:
    net = dial()
    log = watched(net)
    opening = net.client.open()
    net.accept()
    net.lose()
    assert log.taken() == [("open",), ("close", "transport close"), ("connect_error", "transport close")]
    assert isinstance(opening.error, ConnectError)
    assert net.socket.active


def test_attachments_that_do_not_come(dial: Dial) -> None:
    net = dial(attachment_timeout=7.0).connected()
    log = watched(net)
    net.say('52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"1")
    net.later(6.9)
    assert log.taken() == []
    net.later(0.1)
    assert log.taken() == [("close", "parse error"), ("disconnect", "parse error")]


def test_half_a_packet_does_not_survive_its_session(dial: Dial) -> None:
    net = dial().connected()
    log = ClientLog().watch(net.socket, "x")
    net.say('51-["x",{"_placeholder":true,"num":0}]')
    net.lose()
    net.later(1.0)
    net.accept()
    net.admit()
    net.say('2["x",1]')
    net.later(30.0)
    assert log.taken() == [("disconnect", "transport close"), ("connect",), ("x", 1)]


def test_what_comes_late_of_an_old_session_is_not_heard() -> None:
    """Over polling, a session may still be saying goodbye when the next one is wanted."""
    net = ClientNet(transports=["polling"])
    log = ClientLog().watch(net.client).watch(net.socket, "x")
    polling = Polling(net)
    net.client.open()
    polling.answer("GET", HELLO)
    polling.answer("POST", "ok")
    polling.answer("GET", '40{"sid":"s1"}')
    assert net.socket.connected
    net.socket.emit("y")
    polling.pump()
    net.socket.disconnect()
    net.socket.connect()
    polling.pump()
    assert repr(net.client) == "<Client of server opening>"
    polling.answer("GET", '42["x"]')
    assert polling.bodies() == [b"40", b'42["y"]']
    polling.answer("POST", "ok")
    polling.answer("POST", "ok")
    assert polling.bodies() == [b"40", b'42["y"]', b"41", b"1"]
    polling.answer("GET", HELLO)
    polling.answer("POST", "ok")
    polling.answer("GET", '40{"sid":"s2"}')
    assert net.socket.id == "s2"
    assert [line[0] for line in log.taken()] == ["open", "connect", "close", "disconnect", "open", "connect"]
    net.client.close()


HELLO = '0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}'


class Polling:
    """The other end of a client that polls."""

    def __init__(self, net: ClientNet) -> None:
        self.net = net
        self.requests: list[SendRequest] = []

    def pump(self) -> None:
        """Do what a driver does."""
        engine = self.net.client.engine
        engine.advance(now=self.net.now)
        for runnable in engine.take_runnable():
            assert runnable.step() is None
        for channel in engine.take_ready():
            self.requests += [asked for asked in engine.take_actions(channel) if isinstance(asked, SendRequest)]

    def answer(self, method: str, body: str) -> None:
        """Answer the newest request of this kind."""
        self.pump()
        channel = next(asked.channel for asked in reversed(self.requests) if asked.request.method == method)
        self.net.client.engine.response_received(channel, Response(200, [], body.encode()), now=self.net.now)
        self.pump()

    def bodies(self) -> list[bytes]:
        """What was sent."""
        self.pump()
        return [asked.request.body for asked in self.requests if asked.request.method == "POST"]


def test_the_last_socket_stops_what_goes_on(dial: Dial) -> None:
    net = dial().connected()
    log = watched(net)
    net.lose()
    log.taken()
    net.socket.disconnect()
    net.later(100.0)
    assert len(net.requests) == 1
    assert log.taken() == []
    net.socket.connect()
    net.pump()
    assert len(net.requests) == 2


def test_a_socket_that_is_connected_meanwhile_waits_for_the_next_attempt(dial: Dial) -> None:
    net = dial().connected()
    other = net.client.of("/b")
    other.disconnect()
    net.lose()
    other.connect()
    net.pump()
    assert len(net.requests) == 1
    net.later(1.0)
    net.accept()
    assert net.heard() == ["0", "0/b,"]


def test_only_active_sockets_come_back(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.admit("/b")
    other.disconnect()
    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == ["0"]


def test_a_function_for_headers_that_fails_is_a_failure_like_others(dial: Dial) -> None:
    net = dial(headers=lambda: 1 / 0)
    log = watched(net)
    net.client.open()
    net.pump()
    assert log.taken() == [
        ("error", "client error: division by zero"),
        ("connect_error", "client error: division by zero"),
    ]
    assert [where for where, _ in net.failures()] == ["the function for the headers or the query"]
    net.later(1.0)
    assert len(net.failures()) == 1


def test_ping_is_told(dial: Dial) -> None:
    net = dial().connected()
    pings: list[str] = []
    net.client.on("ping", lambda: pings.append("ping"))
    net.raw("2")
    assert net.heard() == ["Engine.IO:3"]
    assert pings == ["ping"]


def test_the_next_attempt_waits_for_the_news_to_be_taken(dial: Dial) -> None:
    net = dial(max_inbound=4).connected()
    gate = Gate()

    @net.socket.on("disconnect")
    async def stuck(reason: str) -> None:
        await gate

    net.lose()
    for _ in range(5):
        net.later(5.0)
        if net.client.engine.session is not None:
            net.refuse()
    requests = len(net.requests)
    net.later(1_000.0)
    assert len(net.requests) == requests
    gate.open()
    net.pump()
    net.accept()
    net.admit()
    assert net.socket.connected
    assert len(net.requests) == requests + 1


# -- what callbacks do in the middle of it ---------------------------------------------------------------------------


def test_who_waits_may_disconnect_and_connect(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.client.open()

    def give_up(_: object) -> None:
        net.socket.disconnect()
        other.disconnect()

    net.socket.wait_connected().add_done_callback(give_up)
    net.refuse()
    assert not net.socket.active
    net.later(100.0)
    assert len(net.requests) == 1
    net.client.open()

    def again(_: object) -> None:
        give_up(_)
        net.socket.connect()

    net.socket.wait_connected().add_done_callback(again)
    net.refuse()
    net.pump()
    assert len(net.requests) == 3
    net.accept()
    assert net.heard() == ["0"]


@pytest.mark.parametrize("early", [True, False])
def test_who_waits_for_the_end_may_connect_again(dial: Dial, early: bool) -> None:
    net = dial().connected()
    log = watched(net)
    again: list[object] = []

    def connect(_: object) -> None:
        if not again:
            again.append(_)
            net.socket.connect()

    if early:
        # Told in the middle, before it is said that the socket is not active.
        net.socket.emit_with_ack("x").add_done_callback(connect)
    else:
        net.socket.wait_disconnected().add_done_callback(connect)
    net.say("1")
    net.accept()
    net.admit()
    assert net.socket.connected
    assert log.taken() == [
        ("close", "forced close"),
        ("disconnect", "io server disconnect"),
        ("open",),
        ("connect",),
    ]


def test_who_connects_while_the_client_is_closed_opens_it_again(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.socket.emit_with_ack("x").add_done_callback(lambda _: (other.connect(), net.socket.connect()))
    net.client.close()
    # Both were closed after that.
    assert not net.socket.active
    assert not other.active
    net.pump()
    assert net.engine.over
    net.client.open()
    net.accept()
    once = [net.socket]
    other.wait_disconnected().add_done_callback(lambda _: once.pop().connect() if once else None)
    net.client.close()
    assert net.socket.active
    net.accept()
    assert net.heard() == ["0"]


# -- verdicts about errors -------------------------------------------------------------------------------------------


def fail(*_: object) -> None:
    raise ValueError("bug")


def test_close_after_an_error(dial: Dial) -> None:
    net = dial().connected()
    net.socket.on("x", fail)
    log = watched(net)
    net.client.on_error(lambda error, where: OnError.CLOSE)
    net.say('2["x"]')
    assert log.taken() == [("close", "forced close"), ("disconnect", "io client disconnect")]
    assert net.closed
    net.later(100.0)
    assert len(net.requests) == 1


def test_stop_after_an_error(dial: Dial) -> None:
    net = dial().connected()
    net.socket.on("x", fail)
    net.client.on_error(lambda error, where: OnError.STOP)
    net.say('2["x"]')
    assert [str(error) for error in net.stopped] == ["bug"]


def test_an_error_of_a_handler_is_reported(dial: Dial) -> None:
    net = dial().connected()
    net.socket.on("x", fail)
    net.client.on("close", fail)
    net.say('2["x"]')
    assert net.failures() == [("a handler of x", "ValueError: bug")]
    net.lose(RemoteProtocolError("wrong"))
    assert net.failures() == [("a handler of close", "ValueError: bug")]


@pytest.mark.parametrize("event", ["connect", "message", "disconnect"])
def test_events_that_a_client_does_not_have(dial: Dial, event: str) -> None:
    net = dial()
    with pytest.raises(LocalProtocolError, match="use its sockets"):
        net.client.on(event, fail)
    with pytest.raises(LocalProtocolError, match="use its sockets"):
        net.client.engine.on(event if event == "message" else "open", fail)


@pytest.mark.parametrize("event", ["disconnecting", "newListener"])
def test_events_that_a_socket_does_not_have(dial: Dial, event: str) -> None:
    net = dial()
    with pytest.raises(LocalProtocolError, match="connect, connect_error, disconnect"):
        net.socket.on(event, fail)


def test_jitter_that_fails_is_reported_and_the_longest_wait_is_used(dial: Dial) -> None:
    net = dial(jitter=lambda: 1 / 0, reconnection_delay_max=9.0).connected()
    net.lose()
    assert net.failures() == [("jitter", "ZeroDivisionError: division by zero")]
    net.later(8.9)
    assert len(net.requests) == 1
    net.later(0.1)
    assert len(net.requests) == 2


def test_attachments_that_are_too_large_together(dial: Dial) -> None:
    net = dial(max_message_size=120).connected()
    log = ClientLog().watch(net.socket)
    net.say('52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"x" * 30)
    assert net.socket.connected
    net.say(b"x" * 30)
    assert log.taken() == [("disconnect", "parse error")]
