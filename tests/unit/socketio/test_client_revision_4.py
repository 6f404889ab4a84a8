"""The client and servers of Socket.IO 1.x and 2.x: revision 4 of the protocol, on revision 3 of Engine.IO."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.engineio import ConnectError, Response
from sansio_eio.errors import RemoteProtocolError
from sansio_eio.socketio import AckDisconnected
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.client_helpers import ClientLog, ClientNet

Dial = Callable[..., ClientNet]

OLDER = "the server speaks an older protocol: it is a Socket.IO 2.x server (see the option protocol), or sent no id"
NOT_ASKED = "a server of Socket.IO 1.x or 2.x is not asked for this namespace: what it has to see is for the query"
PLACEHOLDER = '{"_placeholder":true,"num":0}'


@pytest.fixture
def old(dial: Dial) -> Dial:
    """Make clients that are told to speak revision 3 of Engine.IO; their sessions have the id "e"."""

    def make(url: str = "http://server", **options: Any) -> ClientNet:
        return dial(url, protocol=3, **options)

    return make


def opened(net: ClientNet) -> ClientNet:
    """The session is open, and nothing has been said on it."""
    net.client.open()
    net.accept()
    return net


def revisions(net: ClientNet) -> list[str]:
    """The revision that each session of the client has asked for."""
    return [request.params["EIO"] for request in net.requests]


# -- the main namespace ------------------------------------------------------------------------------------------------


def test_the_server_connects_the_main_namespace_by_itself(old: Dial) -> None:
    net = old()
    log = ClientLog().watch(net.client).watch(net.socket)
    opening = net.client.open()
    net.accept()
    assert revisions(net) == ["3"]
    assert net.heard() == []
    assert log.taken() == [("open",)]
    assert not net.socket.connected
    net.say("0")
    assert opening.value is None
    assert net.socket.id == "e"
    assert log.taken() == [("connect",)]


def test_events_wait_for_that_both_ways(old: Dial) -> None:
    net = old()
    log = ClientLog().watch(net.socket, "early", "late")
    net.socket.emit("before", 1)
    opened(net)
    net.say('2["early"]', "0", '2["late"]')
    assert log.taken() == [("early",), ("connect",), ("late",)]
    assert net.heard() == ['2["before",1]']


def test_the_server_refuses_it(old: Dial) -> None:
    net = old()
    opening = net.client.open()
    net.accept()
    net.say('4"not you"')
    assert isinstance(opening.error, ConnectError)
    assert opening.error.message == "not you"
    assert not net.socket.active


def test_the_server_does_not_say_anything(old: Dial) -> None:
    net = old(connect_timeout=20.0)
    opening = net.client.open()
    net.accept()
    net.later(20.0)
    assert str(opening.error) == "timeout"
    net.say("0")
    assert net.socket.connected


@pytest.mark.parametrize("auth", [{"token": 1}, lambda: pytest.fail("it is not called")])
def test_auth_cannot_be_sent_to_it(old: Dial, auth: Any) -> None:
    net = opened(old(auth=auth))
    assert net.heard() == []
    assert net.failures() == [("the auth of /", f"LocalProtocolError: {NOT_ASKED}")]
    net.say("0")
    assert net.socket.connected


def test_no_auth_is_no_mistake(old: Dial) -> None:
    net = opened(old(auth={}))
    net.say("0")
    assert net.socket.connected


def test_it_comes_back(old: Dial) -> None:
    net = opened(old())
    net.say("0")
    net.lose()
    assert net.socket.id is None
    net.later(1.0)
    net.accept()
    assert net.heard() == []
    net.say("0")
    assert net.socket.id == "e"
    assert revisions(net) == ["3", "3"]


# -- other namespaces --------------------------------------------------------------------------------------------------


def test_another_namespace(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    # Socket.IO 2.x would forget the query of a CONNECT that comes before its own.
    assert net.heard() == []
    net.say("0")
    assert net.heard() == ["0/admin,"]
    assert not net.socket.connected
    net.say("0/admin,")
    assert net.socket.id == "/admin#e"
    assert list(net.client.sockets) == ["/admin"]


def test_the_main_namespace_says_no_and_the_others_are_asked_for(old: Dial) -> None:
    net = old()
    admin = net.client.of("/admin")
    opened(net)
    net.say('2["x"]', "31[]", "0/other,")
    assert net.heard() == []
    net.say('4"not you"')
    assert not net.socket.active
    assert net.heard() == ["0/admin,"]
    net.say("0/admin,")
    assert admin.connected


def test_the_main_namespace_says_nothing_and_so_the_others_get_nowhere(old: Dial) -> None:
    net = old("http://server/admin", connect_timeout=20.0)
    opening = net.client.open()
    net.accept()
    net.later(20.0)
    assert str(opening.error) == "timeout"
    assert net.heard() == []
    net.say("0")
    assert net.heard() == ["0/admin,"]
    net.say("0/admin,")
    assert net.socket.connected


def test_nobody_is_asked_for_when_the_client_is_closed_meanwhile(old: Dial) -> None:
    net = old("http://server/a", auth={"token": None})
    other = net.client.of("/b")
    net.client.on_error(lambda error, where: net.client.close())
    opened(net)
    net.say("0")
    assert net.heard() == []
    assert not other.active


def test_leaving_before_it_was_asked_for(old: Dial) -> None:
    net = old("http://server/admin", connect_timeout=20.0)
    net.client.of("/")
    opened(net)
    net.socket.disconnect()
    net.say("0")
    net.later(20.0)
    assert net.heard() == []


def test_the_session_ends_before_it_was_asked_for(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    net.lose()
    net.later(1.0)
    net.accept()
    assert net.heard() == []
    net.say("0")
    assert net.heard() == ["0/admin,"]


def test_auth_goes_into_the_query_of_the_namespace(old: Dial) -> None:
    auth = {"token": "a b&c,\u20ac", "count": 1, "ratio": 0.5, "yes": True, "no": False}
    net = opened(old("http://server/admin", auth=auth))
    net.say("0")
    assert net.heard() == ["0/admin?token=a+b%26c%2C%E2%82%AC&count=1&ratio=0.5&yes=true&no=false,"]
    net.say("0/admin,")
    assert net.socket.id == "/admin#e"


def test_auth_may_be_a_coroutine_function(old: Dial) -> None:
    gate = Gate()

    async def token() -> dict[str, Any]:
        return {"token": await gate}

    net = opened(old("http://server/admin", auth=token))
    net.say("0")
    assert net.heard() == []
    gate.open("c")
    assert net.heard() == ["0/admin?token=c,"]


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, b"x"])
def test_auth_that_a_query_has_no_form_for(old: Dial, value: Any) -> None:
    net = old("http://server/admin", auth={"token": value})
    opening = net.client.open()
    net.accept()
    net.say("0")
    assert net.heard() == []
    assert str(opening.error).startswith("auth has failed: ")
    assert not net.socket.active
    [(where, error)] = net.failures()
    assert where == "the auth of /admin"
    assert error.startswith("LocalProtocolError: ")


@pytest.mark.parametrize(
    ("error", "message", "data"),
    [
        ('"no"', "no", None),
        ('{"message":"no","data":{"a":1}}', "no", {"a": 1}),
        ('{"message":"Invalid namespace"}', "Invalid namespace", None),
        ('{"content":"Please retry later"}', "", {"content": "Please retry later"}),
        ('["a",1]', "", ["a", 1]),
        ("false", "", False),
    ],
)
def test_errors_are_any_value(old: Dial, error: str, message: str, data: Any) -> None:
    net = old("http://server/admin")
    opening = net.client.open()
    net.accept()
    net.say("0", f"4/admin,{error}")
    assert isinstance(opening.error, ConnectError)
    assert (opening.error.message, opening.error.data) == (message, data)
    assert not net.socket.active


def test_an_error_for_a_socket_that_is_connected_ends_nothing(old: Dial) -> None:
    net = opened(old())
    net.say("0", '4"a middleware of the socket has refused an event"')
    assert net.socket.connected


# -- the main namespace, later -----------------------------------------------------------------------------------------


def test_who_comes_later_is_there_at_once(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    net.say("0", "0/admin,", '2["for nobody"]')
    assert net.heard() == ["0/admin,"]
    main = net.client.of("/")
    log = ClientLog().watch(main, "for nobody", "x")
    assert (main.connected, main.id) == (True, "e")
    assert net.heard() == []
    net.say('2["x"]')
    assert log.taken() == [("connect",), ("x",)]


def test_who_comes_before_the_server_has_said_it_waits_for_that(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    main = net.client.of("/")
    assert net.heard() == []
    assert not main.connected
    net.say("0", "0/admin,")
    assert main.connected


@pytest.mark.parametrize("end", ["1", '4"not you"'])
def test_who_comes_when_the_server_has_changed_its_mind_has_to_ask(old: Dial, end: str) -> None:
    net = opened(old("http://server/admin"))
    net.say("0", "0/admin,", "31[]", '2["x"]', end)
    net.heard()
    main = net.client.of("/")
    assert not main.connected
    assert net.heard() == ["0"]
    net.say("0")
    assert main.id == "e"


def test_packets_of_namespaces_that_nobody_has_asked_for_mean_nothing(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    net.say("0/other,", "1/other,")
    main = net.client.of("/")
    assert not main.connected
    assert net.heard() == []
    net.say("0")
    assert main.connected
    assert net.heard() == ["0/admin,"]
    other = net.client.of("/other")
    assert net.heard() == ["0/other,"]
    assert not other.connected


def test_leaving_it_and_coming_back_on_the_same_session(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    log = ClientLog().watch(net.socket, "late")
    net.say("0", "0/admin,")
    net.heard()
    for _ in range(2):
        net.socket.disconnect()
        assert net.heard() == ["1"]
        net.say('2["late"]')
        net.socket.connect()
        assert net.heard() == ["0"]
        net.say('2["late"]')
        assert not net.socket.connected
        net.say("0")
        assert net.socket.id == "e"
    assert log.taken() == [("connect",), *[("disconnect", "io client disconnect"), ("connect",)] * 2]


def test_changing_ones_mind_before_the_server_has_said_it(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    net.heard()
    net.socket.disconnect()
    assert net.heard() == []
    net.say("0")
    assert net.heard() == ["0/admin,", "1"]
    net.socket.connect()
    assert net.heard() == ["0"]
    net.say("0")
    assert net.socket.connected


def test_changing_it_twice(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    net.heard()
    net.socket.disconnect()
    net.socket.connect()
    assert net.heard() == []
    net.say("0")
    # Not "1" and "0" in one go, for which Socket.IO 4 ends the whole session.
    assert net.heard() == ["0/admin,"]
    assert net.socket.connected


def test_a_server_without_middleware_does_not_answer_and_silence_is_one(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    log = ClientLog().watch(net.socket, "new")
    net.say("0", "0/admin,")
    net.socket.disconnect()
    net.socket.connect()
    assert net.heard() == ["0/admin,", "1", "0"]
    net.say('2["new",1]')
    net.later(0.75)
    assert not net.socket.connected
    net.later(0.25)
    assert net.socket.id == "e"
    net.say('2["new",2]')
    assert log.taken() == [
        ("connect",),
        ("disconnect", "io client disconnect"),
        ("new", 1),
        ("connect",),
        ("new", 2),
    ]
    # It may have been slow, and that is all.
    net.say("0")
    assert log.taken() == []
    # A server of Socket.IO 2.x says of an event of ours that its middleware does not like it.
    net.say('4"no"')
    assert net.socket.connected
    assert log.taken() == [("connect_error", "no")]


def rejoined(old: Dial) -> tuple[ClientNet, ClientLog]:
    """A client that has left "/" and asks for it again."""
    net = opened(old())
    net.client.of("/admin")
    net.say("0", "0/admin,")
    log = ClientLog().watch(net.socket)
    net.socket.disconnect()
    net.socket.connect()
    assert net.heard() == ["0/admin,", "1", "0"]
    assert log.taken()[-1] == ("disconnect", "io client disconnect")
    return net, log


def test_put_out_before_the_silence_is_over(old: Dial) -> None:
    net, log = rejoined(old)
    net.say("1")
    net.later(10.0)
    assert (net.socket.connected, net.socket.active) == (False, False)
    assert log.taken() == [("connect_error", "io server disconnect")]


def test_refused_when_the_silence_is_over(old: Dial) -> None:
    net, log = rejoined(old)
    net.later(1.0)
    question = net.socket.emit_with_ack("x")
    net.say('4"no"')
    assert (net.socket.connected, net.socket.active) == (False, False)
    assert isinstance(question.error, AckDisconnected)
    assert log.taken() == [("connect",), ("disconnect", "io server disconnect"), ("connect_error", "no")]


@pytest.mark.parametrize("packet", ['2["x"]', "30[]"])
def test_what_a_server_sends_confirms_the_silence(old: Dial, packet: str) -> None:
    net, log = rejoined(old)
    net.later(1.0)
    net.say(packet, '4"no"')
    assert net.socket.connected
    assert log.taken() == [("connect",), ("connect_error", "no")]


def test_silence_means_nothing_while_nothing_is_read(old: Dial) -> None:
    net, log = rejoined(old)
    net.client.engine.pause(True)
    net.later(5.0)
    assert log.taken() == []
    net.client.engine.pause(False)
    net.later(1.0)
    assert log.taken() == [("connect",)]


def test_changing_ones_mind_before_the_silence_is_over(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    net.say("0", "0/admin,")
    net.socket.disconnect()
    net.socket.connect()
    net.socket.disconnect()
    assert net.heard() == ["0/admin,", "1", "0"]
    net.later(1.0)
    assert net.heard() == ["1"]
    assert not net.socket.connected
    net.socket.connect()
    assert net.heard() == ["0"]
    net.later(1.0)
    assert net.socket.connected


def test_the_session_ends_before_the_silence_does(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    net.say("0", "0/admin,")
    net.socket.disconnect()
    net.socket.connect()
    net.lose()
    net.later(0.99)
    assert not net.socket.connected
    net.later(0.01)
    net.accept()
    net.later(5.0)
    assert not net.socket.connected
    net.say("0")
    assert net.socket.connected


def test_asking_may_be_impossible(old: Dial) -> None:
    net = old("http://server/admin")
    net.client.open()
    net.accept(max_payload=9)
    net.say("0", "0/admin,", "1")
    net.heard()
    net.engine.session.max_payload = 1
    main = net.client.of("/")
    assert not main.active
    net.later(5.0)
    assert not main.connected
    assert net.failures() == [("the auth of /", "LocalProtocolError: a message of 2 bytes: the server takes 1")]


def test_the_server_sends_it_away_and_it_comes_back(old: Dial) -> None:
    net = opened(old())
    net.client.of("/admin")
    net.say("0", "0/admin,", "1")
    assert not net.socket.active
    net.heard()
    net.socket.connect()
    assert net.heard() == ["0"]


def test_the_next_session_begins_anew(old: Dial) -> None:
    net = opened(old("http://server/admin"))
    net.say("0", "0/admin,")
    net.lose()
    main = net.client.of("/")
    net.later(1.0)
    net.accept()
    assert net.heard() == []
    assert not main.connected
    net.say("0")
    assert main.connected


# -- events ------------------------------------------------------------------------------------------------------------


def test_bytes_have_their_type_in_front(old: Dial) -> None:
    net = opened(old())
    net.socket.on("x", lambda data: data + b"\x03")
    net.say("0", f'51-7["x",{PLACEHOLDER}]', b"\x04\x01\x02")
    assert net.heard() == [f"61-7[{PLACEHOLDER}]", b"\x04\x01\x02\x03"]
    answer = net.socket.emit_with_ack("y", {"a": b"\x03"})
    assert net.heard() == [f'51-0["y",{{"a":{PLACEHOLDER}}}]', b"\x04\x03"]
    net.say(f"61-0[{PLACEHOLDER}]", b"\x04")
    assert answer.value == b""


# -- "auto" ------------------------------------------------------------------------------------------------------------


def test_an_old_server_behind_a_websocket_is_known_by_its_connect(dial: Dial) -> None:
    net = dial(protocol="auto", auth={"token": 1})
    log = ClientLog().watch(net.client).watch(net.socket)
    admin = net.client.of("/admin", auth={"token": 2})
    log.watch(admin)
    opening = net.client.open()
    net.socket.emit("kept")
    net.accept()
    assert net.heard() == ['0{"token":1}', '0/admin,{"token":2}']
    net.say("0")
    assert revisions(net) == ["4", "3"]
    assert not opening.done
    net.accept()
    assert net.heard() == []
    net.say("0")
    assert net.heard() == ["0/admin?token=2,", '2["kept"]']
    net.say("0/admin,")
    assert opening.value is None
    assert (net.socket.id, admin.id) == ("e", "/admin#e")
    assert log.taken() == [
        ("open",),
        ("close", "forced close"),
        ("open",),
        ("connect",),
        ("/admin connect",),
    ]
    assert net.failures() == [("the auth of /", f"LocalProtocolError: {NOT_ASKED}")]


def test_it_is_remembered(dial: Dial) -> None:
    net = opened(dial(protocol="auto"))
    net.say("0")
    net.accept()
    net.say("0")
    net.lose()
    net.later(1.0)
    assert revisions(net) == ["4", "3", "3"]
    net.accept()
    net.say("0")
    assert net.socket.connected


def test_a_new_server_in_its_place_is_asked_for_what_it_speaks(dial: Dial) -> None:
    net = opened(dial(protocol="auto"))
    net.say("0")
    net.accept()
    net.say("0")
    net.lose()
    net.later(1.0)
    net.engine.response_received(net.channel, Response(400, body=b"Unsupported protocol version"), now=net.now)
    net.accept()
    assert net.heard() == ["0"]
    net.admit()
    assert net.socket.id == "s1"
    net.lose()
    net.later(1.0)
    assert revisions(net) == ["4", "3", "3", "4", "4"]


def test_a_server_of_revision_5_is_taken_for_what_it_is(dial: Dial) -> None:
    net = opened(dial(protocol="auto"))
    assert net.heard() == ["0"]
    net.admit()
    # There are others that join a namespace without an id; this one does not belong to an old server.
    other = net.client.of("/other")
    net.say("0/other,")
    assert not other.active
    assert net.socket.connected
    assert revisions(net) == ["4"]


def test_a_server_without_ids_that_knows_the_revision_is_not_old(dial: Dial) -> None:
    net = dial(protocol="auto")
    opening = net.client.open()
    net.accept()
    net.say("0")
    net.engine.response_received(net.channel, Response(400, body=b"Unsupported protocol version"), now=net.now)
    net.accept()
    net.say("0")
    assert revisions(net) == ["4", "3", "4"]
    assert str(opening.error) == OLDER
    assert not net.socket.active


def test_who_has_left_meanwhile_is_not_connected_to_the_old_server(dial: Dial) -> None:
    net = dial(protocol="auto")
    admin = net.client.of("/admin")
    opened(net)
    net.socket.disconnect()
    net.say("0")
    net.accept()
    net.say("0")
    assert net.heard() == ["0/admin,"]
    net.say("0/admin,")
    assert (net.socket.connected, admin.connected) == (False, True)


def test_a_new_server_in_its_place_may_say_so_where_frames_should_be(dial: Dial) -> None:
    net = opened(dial(protocol="auto"))
    net.say("0")
    net.accept()
    net.say("0")
    net.lose()
    net.later(1.0)
    net.engine.websocket_accepted(net.channel, Response(101), now=net.now)
    net.lose(RemoteProtocolError("1002: Invalid attempt to fragment control frame"))
    net.accept()
    assert net.heard() == ["0"]
    net.admit()
    net.lose()
    net.later(1.0)
    assert revisions(net) == ["4", "3", "3", "4", "4"]


def test_closing_while_the_old_server_is_dialled(dial: Dial) -> None:
    net = dial(protocol="auto")
    opening = net.client.open()
    net.accept()
    net.say("0")
    net.client.close()
    net.pump()
    assert str(opening.error) == "io client disconnect"
    assert net.engine.over


@pytest.mark.parametrize("early", [False, True])
def test_an_old_server_is_known_while_auth_is_still_asked_for(dial: Dial, early: bool) -> None:
    gate = Gate()

    async def auth() -> dict[str, str]:
        await gate
        return {"token": "x"}

    net = dial("http://server/admin", protocol="auto", auth=auth)
    net.client.of("/")
    opened(net)
    net.say("0")
    net.accept()
    assert revisions(net) == ["4", "3"]
    if early:
        gate.open({})
    net.say("0")
    gate.open({})
    net.pump()
    assert net.heard()[-1] == "0/admin?token=x,"
    net.say("0/admin,")
    assert net.socket.id == "/admin#e"
    assert net.client.of("/").id == "e"


def test_a_server_that_understands_neither_is_dialled_once_more_and_no_further(dial: Dial) -> None:
    net = dial(protocol="auto")
    log = ClientLog().watch(net.socket)
    opened(net)
    net.say("0")
    net.lose(RemoteProtocolError("no frame"))
    opened(net)
    net.say("0")
    assert revisions(net) == ["4", "3", "4"]
    assert [event for event, *_ in log.taken()] == ["connect_error"]
    assert not net.socket.active


def test_the_old_server_is_gone_meanwhile(dial: Dial) -> None:
    net = dial(protocol="auto")
    log = ClientLog().watch(net.client).watch(net.socket)
    opened(net)
    net.say("0")
    log.taken()
    net.refuse(502)
    assert log.taken() == [
        ("error", "websocket error: the server has answered 502"),
        ("connect_error", "websocket error: the server has answered 502"),
    ]
    net.later(1.0)
    net.accept()
    net.say("0")
    assert net.socket.connected
    assert revisions(net) == ["4", "3", "3"]
