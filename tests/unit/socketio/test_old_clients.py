"""Clients of revision 4 of the protocol, on sessions of Engine.IO 3, beside those of revision 5."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from sansio_eio.socketio import ConnectionRefused, Packet
from sansio_eio.socketio.packets import TEXT_PARSER, Parser
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.helpers import Client, Heard, Log, Net, ended

Serve = Callable[..., Net]


@pytest.fixture
def net(serve: Serve) -> Net:
    """A server for old and new clients, whose sessions are e1, e2 and so on."""
    ids = count(1)
    return serve(allow_eio3=True, generate_id=lambda _: f"e{next(ids)}")


def old_client(net: Net, query: str = "") -> Client:
    """An old client, on a WebSocket."""
    exchange = net.dial("EIO=3&transport=websocket" + query)
    exchange.messages.pop(0)
    heard = exchange.taken()
    client = Client(net, exchange)
    exchange.messages = heard
    return client


def refuse(message: str, data: Any = None) -> Callable[[object], None]:
    """A middleware that refuses everybody."""

    def middleware(_: object) -> None:
        raise ConnectionRefused(message, data)

    return middleware


# -- connecting --------------------------------------------------------------------------------------------------------


def test_the_main_namespace_is_joined_without_being_asked(net: Net) -> None:
    log = Log("x").watch(net.io)
    client = old_client(net, "&token=1")
    assert client.heard() == ["0"]
    [socket] = net.io.sockets.sockets.values()
    assert (socket.id, socket.handshake.auth, socket.handshake.query["token"]) == ("e1", {}, "1")
    client.say('2["x",1]', '21["x",2]')
    client.exchange.say("1")
    assert log.taken() == [("connection", "e1"), ("x", "e1", 1), ("x", "e1", 2), *ended("e1", "transport close")]
    assert client.heard() == ["31[]"]
    assert net.io.unjoined == set()


def test_the_answer_comes_before_what_handlers_emit(net: Net) -> None:
    net.io.on("connection", lambda socket: socket.emit("one"))
    assert old_client(net).heard() == ["0", '2["one"]']


def test_what_is_in_the_query_of_a_namespace_is_the_auth(net: Net) -> None:
    admin = net.io.of("/admin")
    log = Log("x").watch(admin)
    client = old_client(net)
    client.say("0/admin?token=a%2Cb&n=1&n=2&%zz=%ff,")
    assert client.heard() == ["0", "0/admin,"]
    [socket] = admin.sockets.values()
    assert (socket.id, socket.handshake.auth) == ("/admin#e1", {"token": "a,b", "n": "2", "%zz": "�"})
    assert socket.handshake.query == {"EIO": "3", "transport": "websocket"}
    client.say('2/admin,["x"]', '2/admin?token=other,["x"]', '2/admin?,4["x"]')
    client.say("1/admin?a=1,")
    assert log.taken() == [
        ("connection", "/admin#e1"),
        *[("x", "/admin#e1")] * 3,
        *ended("/admin#e1", "client namespace disconnect"),
    ]
    assert client.heard() == ["3/admin,4[]"]
    assert not client.closed


def test_a_namespace_can_be_left_and_joined_again(net: Net) -> None:
    net.io.of("/admin")
    client = old_client(net)
    for packet in ("0/admin", "1/admin,", "0/admin,", "1", "0"):
        client.say(packet)
    assert client.heard() == ["0", "0/admin,", "0/admin,", "0"]
    assert list(net.io.sockets.sockets) == ["e1"]


@pytest.mark.parametrize(
    ("message", "data", "sent"),
    [
        ("no", None, '"no"'),
        ("no", {"code": 1}, '{"code":1}'),
        ("no", ["a", None], '["a",null]'),
        ("no", "data", '"data"'),
        ("no", True, "true"),
        ("", None, '""'),
        ("no", {}, "{}"),
        ("no", "", '"no"'),
        ("no", 0, '"no"'),
        ("no", False, '"no"'),
    ],
)
def test_an_error_is_a_value(net: Net, message: str, data: Any, sent: str) -> None:
    net.io.of("/admin").use(refuse(message, data))
    client = old_client(net)
    client.say("0/admin?x=1,")
    assert client.heard() == ["0", f"4/admin,{sent}"]


def test_a_number_cannot_be_an_error(net: Net) -> None:
    # Behind the namespace, it would be the id of an acknowledgement.
    net.io.of("/admin").use(refuse("no", 5))
    client = old_client(net)
    client.say("0/admin,")
    assert client.heard() == ["0", '4/admin,"no"']
    [(where, _)] = net.failures()
    assert where == "the refusal of a client by a middleware of /admin"


def test_the_main_namespace_refuses_and_others_do_not(net: Net) -> None:
    net.io.use(refuse("not here"))
    net.io.of("/x")
    client = old_client(net)
    client.say("0/x")
    assert client.heard() == ['4"not here"', "0/x,"]
    client.say("0")
    assert client.heard() == ['4"not here"']


def test_other_refusals(net: Net) -> None:
    client = old_client(net)
    client.say("0/nowhere?a=1,")
    assert client.heard() == ["0", '4/nowhere,{"message":"Invalid namespace"}']
    net.io.of("/x").use(lambda _: 1 / 0)
    client.say("0/x")
    assert client.heard() == ['4/x,"Internal error"']
    assert len(net.failures()) == 1


def test_too_many_namespaces(serve: Serve) -> None:
    net = serve(allow_eio3=True, max_namespaces=1)
    net.io.of("/x")
    client = old_client(net)
    client.say("0/x")
    assert client.heard() == ["0", '4/x,"Too many namespaces"']


def test_a_connect_for_where_it_is_ends_the_connection(net: Net) -> None:
    client = old_client(net)
    client.say("0")
    assert client.closed


def test_one_that_comes_too_early_ends_the_connection(net: Net) -> None:
    gate = Gate()

    async def wait(_: object) -> None:
        await gate

    net.io.use(wait)
    client = old_client(net)
    client.say("0")
    assert client.closed
    gate.open()
    net.pump()
    assert net.io.sockets.sockets == {}


def test_a_name_with_a_question_mark_is_one_for_new_clients(net: Net) -> None:
    net.io.of("/a?b=1")
    client = net.client("0/a?b=1,")
    assert client.heard() == ['0/a?b=1,{"sid":"s1"}']
    client.say('2/a?b=1,0["x"]', '2/a?c,["x"]')
    assert client.closed


def test_the_name_is_limited_without_its_query(net: Net) -> None:
    net.io.of("/x")
    client = old_client(net)
    client.say(f"0/x?{'a' * 500},")
    assert client.heard() == ["0", "0/x,"]
    client.say(f"0/{'x' * 500},")
    assert client.closed


def test_a_query_is_not_longer_than_it_could_be_in_a_url(net: Net) -> None:
    net.io.of("/x")
    client = old_client(net)
    client.say(f"0/x?a={'b' * 8187},")
    assert client.heard() == ["0", "0/x,"]
    client.say("1/x", f"0/x?a={'b' * 8188},")
    assert client.closed


def test_the_id_of_the_session_is_not_written_down(net: Net) -> None:
    net.io.of("/x")
    net.io.engine.settings.generate_id = lambda _: "a-secret"
    client = old_client(net)
    client.say("0/x")
    sockets = [*net.io.sockets.sockets.values(), *net.io.of("/x").sockets.values()]
    assert [repr(socket) for socket in sockets] == [
        "<Socket a-se… of / connected>",
        "<Socket /x#a-se… of /x connected>",
    ]


def test_a_client_that_joins_nothing_is_disconnected(net: Net) -> None:
    net.io.use(refuse("no"))
    client = old_client(net)
    client.heard()
    net.later(44.9)
    assert not client.closed
    net.later(0.1)
    assert client.closed


# -- old and new clients together --------------------------------------------------------------------------------------


def everybody(net: Net) -> list[Client]:
    """A new client, an old one, and an old one that wants base64."""
    clients = [net.client("0"), old_client(net), old_client(net, "&b64=1")]
    for client in clients:
        client.heard()
    return clients


def heard(clients: list[Client]) -> list[Heard]:
    """What has come at each."""
    return [client.heard() for client in clients]


def test_each_has_its_own_form_of_a_broadcast(net: Net) -> None:
    net.io.on("connection", lambda socket: socket.join("room"))
    clients = everybody(net)
    net.io.to("room").emit("x", b"\x01\x02", "€")
    net.pump()
    packet = '51-["x",{"_placeholder":true,"num":0},"€"]'
    # Without the type of Engine.IO, where there is one in text.
    assert heard(clients) == [[packet, b"\x01\x02"], [packet, b"\x04\x01\x02"], [packet, "4AQI="]]


def test_each_form_is_made_once(serve: Serve) -> None:
    made: list[Packet] = []

    def encode(packet: Packet) -> tuple[str | bytes, ...]:
        made.append(packet)
        return TEXT_PARSER.encode(packet)

    net = serve(allow_eio3=True, parser=Parser(encode, TEXT_PARSER.decode))
    clients = [client for _ in range(3) for client in everybody(net)]
    made.clear()
    net.io.emit("x", b"data")
    net.pump()
    assert len(made) == 1
    frames = [client.exchange.frames[-1] for client in clients]
    # The same objects: made once, however many clients there are.
    assert [id(frame) for frame in frames] == [id(frame) for frame in frames[:3] * 3]
    net.io.emit("x", "only text")
    net.pump()
    assert len({id(client.exchange.frames[-1]) for client in clients}) == 1


def test_acknowledgements_of_all(net: Net) -> None:
    clients = everybody(net)
    answers = net.io.timeout(5.0).emit_with_ack("x")
    net.pump()
    assert heard(clients) == [['20["x"]']] * 3
    clients[0].say('30["new"]')
    clients[1].say('61-0[{"_placeholder":true,"num":0}]', b"\x04old")
    clients[2].say('61-0[{"_placeholder":true,"num":0}]')
    clients[2].exchange.say("b4AQI=")
    assert answers.value == ["new", b"old", b"\x01\x02"]


def test_rooms_and_exceptions(net: Net) -> None:
    clients = everybody(net)
    net.io.to("e2").emit("to")
    net.io.except_("e2").emit("except")
    net.io.sockets.sockets["e3"].broadcast.emit("broadcast")
    net.pump()
    assert heard(clients) == [
        ['2["except"]', '2["broadcast"]'],
        ['2["to"]', '2["broadcast"]'],
        ['2["except"]'],
    ]
    net.io.disconnect_sockets()
    net.pump()
    assert heard(clients) == [["1"]] * 3
