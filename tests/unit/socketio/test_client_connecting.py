"""How a client's sockets get into their namespaces, and out of them."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.engineio import ConnectError, Outgoing, Response
from sansio_eio.errors import LocalProtocolError
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.client_helpers import ClientLog, ClientNet

Dial = Callable[..., ClientNet]

OLDER = "the server speaks an older protocol: it is a Socket.IO 2.x server (see the option protocol), or sent no id"


def error_of(pending: Any) -> str:
    """The ConnectError that something has ended with."""
    assert isinstance(pending.error, ConnectError)
    return str(pending.error)


# -- the main namespace --------------------------------------------------------------------------------------------


def test_a_client_connects(dial: Dial) -> None:
    net = dial()
    log = ClientLog().watch(net.client).watch(net.socket)
    assert not net.socket.active
    opening = net.client.open()
    assert net.socket.active
    net.accept()
    assert net.heard() == ["0"]
    assert net.requests[0].path == "/socket.io/"
    assert log.taken() == [("open",)]
    assert not opening.done
    assert (net.socket.id, net.socket.connected) == (None, False)
    net.say('0{"sid":"s1"}')
    assert opening.value is None
    assert (net.socket.id, net.socket.connected) == ("s1", True)
    assert log.taken() == [("connect",)]
    assert repr(net.socket) == "<ClientSocket of / connected>"
    assert repr(net.client) == "<Client of server open>"


def test_what_a_client_and_a_socket_look_like_before(dial: Dial) -> None:
    net = dial()
    assert repr(net.client) == "<Client of server closed>"
    assert repr(net.socket) == "<ClientSocket of / inactive>"
    net.socket.connect()
    assert repr(net.socket) == "<ClientSocket of / active>"


@pytest.mark.parametrize(("url", "namespace"), [("http://server/", "/"), ("ws://server/a/b?x=1", "/a/b")])
def test_the_path_of_the_url_is_the_namespace(dial: Dial, url: str, namespace: str) -> None:
    net = dial(url)
    assert net.socket.namespace == namespace
    assert net.client.of(namespace) is net.socket


def test_connect_and_open_again_change_nothing(dial: Dial) -> None:
    net = dial()
    net.socket.connect()
    net.socket.connect()
    net.accept()
    net.client.open()
    assert net.heard() == ["0"]
    net.admit()
    assert net.client.open().done
    assert net.heard() == []
    net.say('0{"sid":"s2"}', '4{"message":"late"}')
    assert net.socket.id == "s1"


# -- auth ----------------------------------------------------------------------------------------------------------


def test_auth_is_sent_and_may_be_changed(dial: Dial) -> None:
    net = dial(auth={"token": 1})
    net.client.open()
    net.accept()
    assert net.heard() == ['0{"token":1}']
    net.admit()
    net.socket.auth = None
    assert net.socket.auth is None
    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == ["0"]


def test_a_function_for_auth_is_called_at_every_connect(dial: Dial) -> None:
    tokens = iter("ab")
    net = dial(auth=lambda: {"token": next(tokens)})
    net.client.open()
    net.accept()
    assert net.heard() == ['0{"token":"a"}']
    net.admit()
    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == ['0{"token":"b"}']


def test_it_may_be_a_coroutine_function(dial: Dial) -> None:
    gate = Gate()

    async def token() -> dict[str, Any]:
        return {"token": await gate}

    net = dial(auth=token)
    net.client.open()
    net.accept()
    assert net.heard() == []
    gate.open("c")
    assert net.heard() == ['0{"token":"c"}']


def test_a_handler_may_wait_for_the_connect_that_needs_the_function(dial: Dial) -> None:
    net = dial(auth=lambda: None)
    net.connected()
    done: list[str] = []

    @net.socket.on("disconnect")
    async def disconnected(reason: str) -> None:
        await net.socket.wait_connected()
        done.append(reason)

    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == ["0"]
    net.admit()
    assert done == ["transport close"]
    net.socket.off("disconnect")


def test_what_the_function_says_too_late_is_not_used(dial: Dial) -> None:
    gates = [Gate(), Gate()]
    waiting = iter(gates)

    async def token() -> dict[str, Any]:
        return {"token": await next(waiting)}

    net = dial(auth=token)
    net.client.open()
    net.accept()
    net.lose()
    net.later(1.0)
    net.accept()
    # The first call has not ended, and there is one worker.
    gates[0].open("old")
    assert net.heard() == []
    gates[1].open("new")
    assert net.heard() == ['0{"token":"new"}']


def test_a_function_that_hangs_keeps_neither_others_nor_the_next_session_from_asking(dial: Dial) -> None:
    gate = Gate()
    calls: list[str] = []

    async def slow() -> None:
        calls.append("slow")
        await gate

    net = dial(auth=slow)
    net.client.of("/b", auth=lambda: calls.append("b"))
    net.client.open()
    net.accept()
    for _ in range(3):
        net.lose()
        net.later(5.0)
        net.accept()
    assert calls == ["b", "slow"] * 4
    assert net.heard() == ["0/b,"]
    gate.open()
    assert net.heard() == ["0"]


def test_the_calls_of_a_function_that_hangs_are_bounded(dial: Dial) -> None:
    gate = Gate()
    calls: list[int] = []

    async def slow() -> None:
        calls.append(1)
        await gate

    net = dial(auth=slow, connect_timeout=3.0)
    log = ClientLog().watch(net.socket)
    net.client.open()
    net.accept()
    net.later(3.0)
    assert log.taken() == [("connect_error", "timeout")]
    for _ in range(12):
        net.lose()
        net.later(1.0)
        net.accept()
    assert len(calls) == 10
    assert log.taken()[-1] == ("connect_error", "auth is being asked for too often at the same time")
    gate.open()
    net.pump()
    net.later(5.0)
    assert net.heard() == ["0"]


def test_a_function_that_raises_is_asked_again(dial: Dial) -> None:
    tokens = iter([OSError("no network"), "t"])

    def token() -> dict[str, Any]:
        found = next(tokens)
        if isinstance(found, Exception):
            raise found
        return {"token": found}

    net = dial(auth=token, reconnection_delay_max=7.0)
    log = ClientLog().watch(net.socket)
    opening = net.client.open()
    net.accept()
    assert net.failures() == [("the auth of /", "OSError: no network")]
    assert error_of(opening) == "auth has failed: no network"
    assert log.taken() == [("connect_error", "auth has failed: no network")]
    assert net.socket.active
    net.later(6.9)
    assert net.heard() == []
    net.later(0.1)
    assert net.heard() == ['0{"token":"t"}']
    net.admit()
    assert net.socket.connected


def test_a_function_that_raises_is_not_asked_again_where_nothing_is(dial: Dial) -> None:
    net = dial(auth=lambda: 1 / 0, reconnection=False)
    net.client.open()
    net.accept()
    assert len(net.failures()) == 1
    assert not net.socket.active


def test_a_function_that_has_failed_is_not_asked_for_a_socket_that_has_left(dial: Dial) -> None:
    net = dial(auth=lambda: 1 / 0)
    net.client.of("/b")
    net.client.open()
    net.accept()
    net.admit("/b")
    net.failures()
    net.socket.disconnect()
    net.later(10.0)
    assert net.failures() == []


@pytest.mark.parametrize(
    ("auth", "failure"),
    [
        (lambda: "text", "LocalProtocolError: auth is a dict or None, not str"),
        (lambda: {"a": {1}}, None),
        ({"a": {1}}, None),
        ({"a": "x" * 2_000}, "LocalProtocolError: a message of 2010 bytes: the server takes 1000"),
    ],
)
def test_auth_that_fails(dial: Dial, auth: Any, failure: str | None) -> None:
    net = dial(auth=auth)
    log = ClientLog().watch(net.client).watch(net.socket)
    opening = net.client.open()
    net.accept(max_payload=1_000)
    [(where, text)] = net.failures()
    assert where == "the auth of /"
    assert failure is None or text == failure
    assert error_of(opening).startswith("auth has failed: ")
    assert not net.socket.active
    assert net.heard() == []
    assert [line[0] for line in log.taken()] == ["open", "close", "connect_error"]
    assert net.closed


def test_a_function_that_fails_for_a_session_that_is_gone_is_only_reported(dial: Dial) -> None:
    gates = [Gate(), Gate()]
    waiting = iter(gates)

    async def token() -> None:
        await next(waiting)

    net = dial(auth=token)
    net.client.open()
    net.accept()
    net.lose()
    gates[0].open(error=ValueError("old"))
    net.later(1.0)
    assert net.failures() == [("the auth of /", "ValueError: old")]
    assert net.socket.active
    net.accept()
    gates[1].open()
    assert net.heard() == ["0"]


def test_a_function_that_nobody_awaits_is_closed() -> None:
    async def token() -> None:
        raise AssertionError("never")

    net = ClientNet(auth=token, runtime=False)
    net.client.open()
    net.pump()
    engine = net.engine
    engine.websocket_accepted(net.channel, Response(101), now=net.now)
    engine.message_received(net.channel, '0{"sid":"e","upgrades":[],"pingInterval":1,"pingTimeout":1}', now=net.now)
    for runnable in engine.take_runnable():
        rest = runnable.step()
        if rest is not None:
            rest.close()


@pytest.mark.parametrize("auth", ["text", 1, ["a"]])
def test_auth_must_be_something_that_can_be_sent(dial: Dial, auth: Any) -> None:
    with pytest.raises(LocalProtocolError):
        dial(auth=auth)
    net = dial()
    with pytest.raises(LocalProtocolError):
        net.socket.auth = auth
    with pytest.raises(LocalProtocolError):
        net.client.of("/x", auth=auth)
    assert net.socket.auth is None
    assert list(net.client.sockets) == ["/"]


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "message", "data"),
    [
        ('4{"message":"no","data":{"a":1}}', "no", {"a": 1}),
        ('4{"message":"no"}', "no", None),
        ('4"no"', "no", None),
        ('4{"data":1}', "", {"data": 1}),
        ('4{"message":1}', "", {"message": 1}),
        ('4["no",1]', "", ["no", 1]),
        ("4true", "", True),
        ("0", OLDER, None),
        ('0{"id":"x"}', OLDER, None),
        ('0{"sid":1}', OLDER, None),
        ('0{"sid":""}', OLDER, None),
        ("1", "io server disconnect", None),
    ],
)
def test_the_server_says_no(dial: Dial, packet: str, message: str, data: Any) -> None:
    net = dial()
    log = ClientLog().watch(net.client).watch(net.socket)
    errors: list[ConnectError] = []
    net.socket.on("connect_error", errors.append)
    opening = net.client.open()
    gone = net.socket.wait_disconnected()
    net.accept()
    net.heard()
    net.say(packet)
    [error] = errors
    assert (error.message, error.data, error.status) == (message, data, None)
    assert error_of(opening) == message
    assert gone.value == "connect_error"
    assert not net.socket.active
    assert log.taken() == [("open",), ("close", "forced close"), ("connect_error", message)]
    # There is no namespace left to be connected to.
    assert net.closed
    net.later(100.0)
    assert len(net.requests) == 1
    again = net.socket.wait_connected()
    net.socket.connect()
    net.accept()
    net.admit()
    assert again.done
    assert log.taken() == [("open",), ("connect",)]


# -- several namespaces --------------------------------------------------------------------------------------------


def test_namespaces_share_the_connection(dial: Dial) -> None:
    net = dial()
    admin = net.client.of("admin", auth={"a": 1})
    log = ClientLog().watch(net.socket).watch(admin, "x")
    opening = net.client.open()
    net.accept()
    assert net.heard() == ["0", '0/admin,{"a":1}']
    assert net.admit("/admin") == admin.id
    assert not opening.done
    net.admit()
    assert opening.done
    net.say('2/admin,["x",1]')
    assert log.taken() == [("/admin connect",), ("connect",), ("/admin x", 1)]
    assert len(net.requests) == 1


def test_of_connects_at_once_when_the_client_is_open(dial: Dial) -> None:
    net = dial().connected()
    other = net.socket.of("/b", auth={"a": 1})
    assert net.heard() == ['0/b,{"a":1}']
    assert net.socket.of("b", auth={"a": 2}) is other
    assert other.auth == {"a": 2}
    assert net.client.of("/b") is other
    assert other.auth == {"a": 2}
    assert net.heard() == []
    third = net.client.of("/c")
    net.heard()
    third.disconnect()
    # An existing one is left as it is.
    assert net.client.of("/c") is third
    assert not third.active


@pytest.mark.parametrize("name", ["/a,b", "x" * 200])
def test_not_a_namespace(dial: Dial, name: str) -> None:
    net = dial()
    with pytest.raises(LocalProtocolError, match="no comma"):
        net.client.of(name)


def test_one_that_is_refused_leaves_the_others(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    log = ClientLog().watch(net.socket).watch(other)
    opening = net.client.open()
    net.accept()
    net.say('4/b,{"message":"no"}')
    net.admit()
    assert error_of(opening) == "no"
    assert net.socket.connected
    assert not other.active
    assert not net.closed
    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == ["0"]
    assert log.taken() == [("/b connect_error", "no"), ("connect",), ("disconnect", "transport close")]


def test_packets_for_namespaces_that_nobody_knows_are_ignored(dial: Dial) -> None:
    net = dial().connected()
    net.say('2/x,["a"]', "1/x,", '0/x,{"sid":"y"}', "3/x,1[]")
    assert net.socket.connected
    assert net.heard() == []


# -- the end -------------------------------------------------------------------------------------------------------


def test_the_server_disconnects(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.admit("/b")
    log = ClientLog().watch(net.client).watch(net.socket).watch(other)
    gone = net.socket.wait_disconnected()
    net.say("1")
    assert gone.value == "io server disconnect"
    assert (net.socket.id, net.socket.connected, net.socket.active) == (None, False, False)
    assert log.taken() == [("disconnect", "io server disconnect")]
    net.say("1/b,")
    assert log.taken() == [("close", "forced close"), ("/b disconnect", "io server disconnect")]
    assert net.closed
    net.later(100.0)
    assert len(net.requests) == 1
    assert net.socket.wait_disconnected().value == "io server disconnect"


def test_the_client_disconnects(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.admit("/b")
    log = ClientLog().watch(net.client).watch(net.socket, "x").watch(other)
    gone = net.socket.wait_disconnected()
    net.socket.disconnect()
    net.socket.disconnect()
    assert not net.socket.connected
    assert gone.value == "io client disconnect"
    assert net.heard() == ["1"]
    assert log.taken() == [("disconnect", "io client disconnect")]
    net.say('2["x"]', "30[]", "1")
    assert log.taken() == []
    other.disconnect()
    net.pump()
    assert net.closed
    assert net.heard() == ["1/b,"]
    assert log.taken() == [("close", "forced close"), ("/b disconnect", "io client disconnect")]
    net.later(100.0)
    assert len(net.requests) == 1
    net.socket.connect()
    net.accept()
    assert net.heard() == ["0"]


def test_what_came_before_we_left_is_not_handled(dial: Dial) -> None:
    net = dial().connected()
    log = ClientLog()

    @net.socket.on("leave")
    def leave() -> None:
        net.socket.disconnect()

    @net.socket.on_any
    def listen(event: str) -> None:
        log.lines.append((event,))
        if event == "also":
            net.socket.disconnect()

    log.watch(net.socket, "x", "also")
    net.say('2["leave"]', '2["x"]')
    assert log.taken() == [("leave",), ("disconnect", "io client disconnect")]
    net.socket.connect()
    net.accept()
    net.admit()
    net.say('2["also"]', '2["x"]')
    assert log.taken() == [("connect",), ("also",), ("disconnect", "io client disconnect")]


def test_nobody_waits_for_a_socket_that_is_left_for_ever(dial: Dial) -> None:
    net = dial()
    net.client.open()
    waiting = net.socket.wait_connected()
    net.socket.disconnect()
    assert error_of(waiting) == "io client disconnect"
    assert net.socket.wait_disconnected().value == "io client disconnect"
    assert len(net.heard()) == 0


def test_a_session_that_is_being_opened_is_given_up_with_the_last_socket(dial: Dial) -> None:
    net = dial()
    log = ClientLog().watch(net.client).watch(net.socket)
    net.client.open()
    net.pump()
    net.socket.disconnect()
    net.pump()
    assert net.closed
    assert log.taken() == []


# -- an answer that is no longer wanted ------------------------------------------------------------------------------


def test_disconnected_before_the_answer(dial: Dial) -> None:
    net = dial().connected()
    other = net.client.of("/b")
    log = ClientLog().watch(other, "x")
    other.disconnect()
    assert net.heard() == ["0/b,"]
    net.say('2/b,["x"]')
    net.admit("/b")
    # So that the server does not keep somebody who is not there.
    assert net.heard() == ["1/b,"]
    assert log.taken() == []
    net.client.of("/c").disconnect()
    net.heard()
    net.say('4/c,{"message":"no"}')
    assert net.heard() == []


def test_and_connected_again_before_the_answer(dial: Dial) -> None:
    net = dial().connected()
    other = net.client.of("/b", auth={"a": 1})
    log = ClientLog().watch(other, "x")
    other.disconnect()
    other.connect()
    other.auth = {"a": 2}
    assert net.heard() == ['0/b,{"a":1}']
    net.say('2/b,["x"]')
    net.admit("/b")
    assert net.heard() == ["1/b,", '0/b,{"a":2}']
    # Still of the first one.
    net.say('2/b,["x"]', "1/b,")
    net.admit("/b")
    assert other.connected
    assert log.taken() == [("/b connect",)]
    net.client.of("/c").disconnect()
    net.client.of("/c").connect()
    net.heard()
    net.say('4/c,{"message":"no"}')
    assert net.heard() == ["0/c,"]


def test_left_and_connected_again_on_the_same_session(dial: Dial) -> None:
    net = dial()
    net.client.of("/b")
    net.connected()
    net.admit("/b")
    log = ClientLog().watch(net.socket, "x")
    net.socket.disconnect()
    net.socket.connect()
    assert net.heard() == ["1", "0"]
    net.say('2["x"]', "1")
    net.admit()
    assert net.socket.connected
    assert log.taken() == [("disconnect", "io client disconnect"), ("connect",)]


# -- before the answer ---------------------------------------------------------------------------------------------


def test_events_before_the_connect_come_behind_it(dial: Dial) -> None:
    net = dial()
    log = ClientLog().watch(net.socket, "x")
    net.client.open()
    net.accept()
    net.say('2["x",1]', '51-["x",{"_placeholder":true,"num":0}]', b"2", "30[]")
    assert log.taken() == []
    net.admit()
    # The reference's order.
    assert log.taken() == [("x", 1), ("x", b"2"), ("connect",)]


@pytest.mark.parametrize("options", [{"max_inbound": 2}, {"max_inbound_size": 20}])
def test_they_are_bounded(dial: Dial, options: dict[str, int]) -> None:
    net = dial(**options)
    log = ClientLog().watch(net.client).watch(net.socket, "x")
    net.client.open()
    net.accept()
    net.say('2["x",1]', '2["x",2]', '2["x",3]')
    assert log.taken() == [("open",), ("close", "parse error"), ("connect_error", "parse error")]
    assert net.closed
    net.later(1.0)
    net.accept()
    net.admit()
    assert log.taken() == [("reconnect_attempt", 1), ("open",), ("reconnect", 1), ("connect",)]


# -- close ---------------------------------------------------------------------------------------------------------


def test_close(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    opening = net.client.open()
    net.accept()
    net.admit()
    log = ClientLog().watch(net.client).watch(net.socket).watch(other)
    gone = net.socket.wait_disconnected(), other.wait_disconnected()
    net.socket.emit("last")
    net.heard()
    net.socket.emit("very last")
    net.client.close()
    net.client.close()
    assert net.heard() == ['2["very last"]']
    assert net.closed
    assert [pending.value for pending in gone] == ["io client disconnect", "io client disconnect"]
    assert error_of(opening) == "io client disconnect"
    assert log.taken() == [
        ("close", "forced close"),
        ("disconnect", "io client disconnect"),
        ("/b connect_error", "io client disconnect"),
    ]
    assert not net.socket.active
    assert not net.client.of("/c").active
    net.client.open()
    net.accept()
    assert net.heard() == ["0", "0/b,", "0/c,"]


def test_what_has_come_before_a_close_is_not_wanted_any_longer(dial: Dial) -> None:
    net = dial().connected()
    seen: list[int] = []

    @net.socket.on("x")
    def received(number: int) -> None:
        seen.append(number)
        net.client.close()

    net.say('2["x",1]', '2["x",2]')
    assert seen == [1]


def test_close_before_anything_is_there(dial: Dial) -> None:
    net = dial()
    net.client.close()
    assert net.engine.over
    waiting = net.socket.wait_connected()
    net.client.close()
    assert error_of(waiting) == "io client disconnect"


def test_a_close_in_the_middle_of_connecting_several(dial: Dial) -> None:
    net = dial(auth={"cannot": object()})
    net.client.on_error(lambda error, where: None)
    other = net.client.of("/b")
    net.client.open().add_done_callback(lambda _: net.client.close())
    net.accept()
    assert net.heard() == []
    assert net.closed
    assert not other.active


def test_a_server_that_does_not_answer_a_connect_in_time(dial: Dial) -> None:
    net = dial(connect_timeout=5.0)
    log = ClientLog().watch(net.socket)
    opening = net.client.open()
    net.accept()
    net.later(4.9)
    assert not opening.done
    net.later(0.2)
    assert error_of(opening) == "timeout"
    assert log.taken() == [("connect_error", "timeout")]
    # It may still answer.
    assert net.socket.active
    net.admit()
    assert net.socket.connected
    net.later(20.0)
    assert log.taken() == [("connect",)]


def test_an_answer_that_is_not_wanted_any_longer_is_not_waited_for(dial: Dial) -> None:
    net = dial(connect_timeout=5.0)
    other = net.client.of("/b")
    net.client.open()
    net.accept()
    net.admit()
    log = ClientLog().watch(other)
    other.disconnect()
    net.later(6.0)
    assert log.taken() == []


def test_leaving_a_namespace_while_the_session_says_goodbye(dial: Dial) -> None:
    net = dial(transports=["polling"])
    net.client.open()
    session = net.engine.session
    assert session is not None
    session.close()
    assert not session.insist(Outgoing(("4x",)))


def test_a_refusal_that_nobody_is_told_of_is_logged(dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    net = dial().connected()
    net.lose()
    net.later(1.0)
    net.accept()
    net.say('44{"message":"no"}'[1:])
    assert caplog.messages == ["/ is not connected any more, and nobody is told: no"]
    waiting = net.socket.wait_connected()
    assert error_of(waiting) == "no"
    assert repr(waiting.error) == "ConnectError('no')"
