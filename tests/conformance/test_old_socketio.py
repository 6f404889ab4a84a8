"""Socket.IO for clients of 1.x and 2.x by hand: the packets of revision 4 of its protocol, on Engine.IO 3."""

import json

import pytest

from tests.conformance.old_raw import WEBSOCKET, OldPolling, OldWebSocket
from tests.conformance.servers import Server

REFUSED = '{"code":7,"why":["no token",null,{"☃":1.5}]}'


class Raw:
    """A WebSocket session below Socket.IO; what the server says to the connection to / has been taken."""

    def __init__(self, server: Server, path: str = "/socket.io/", query: str = "") -> None:
        self.websocket = OldWebSocket(server, f"{path}?{WEBSOCKET}{query}")
        self.sid = str(json.loads(str(self.websocket.receive())[1:])["sid"])
        assert self.receive() == "40"
        assert self.receive() == '42["auth",{}]'

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self.websocket.send(packet)

    def receive(self) -> str | bytes:
        return self.websocket.receive()

    def is_served(self) -> None:
        """Everything goes on; and nothing came in between."""
        self.send('42["message","served"]')
        assert self.receive() == '42["message-back","served"]'
        self.websocket.close()


@pytest.fixture
def raw(server: Server) -> Raw:
    return Raw(server)


# -- connect -----------------------------------------------------------------------------------------------------------


def test_the_server_connects_the_main_namespace(raw: Raw, server: Server) -> None:
    """Unasked; and the id is that of the session, which is all that the client knows."""
    entry = server.logged("connection", id=raw.sid)
    assert (entry["namespace"], entry["auth"]) == ("/", {})
    raw.is_served()


def test_over_polling(server: Server) -> None:
    session = OldPolling(server, "/socket.io/")
    received: list[str] = []
    while len(received) < 2:
        received += session.poll().split("\x1e")
    assert received == ["40", '42["auth",{}]']
    session.push('40/custom?a=b,\x1e42["message"]')
    while len(received) < 5:
        received += session.poll().split("\x1e")
    assert sorted(received[2:]) == ["40/custom,", '42/custom,["auth",{"a":"b"}]', '42["message-back"]']
    assert server.logged("connection", namespace="/custom", id=f"/custom#{session.sid}")["auth"] == {"a": "b"}


def test_a_client_need_not_wait(server: Server) -> None:
    """It is connected as soon as the session is open, whether the news have come or not."""
    websocket = OldWebSocket(server, f"/socket.io/?{WEBSOCKET}")
    websocket.receive()
    websocket.send('42["message",1]')
    assert [websocket.receive() for _ in range(3)] == ["40", '42["auth",{}]', '42["message-back",1]']
    websocket.close()


@pytest.mark.parametrize(
    ("packet", "auth"),
    [
        ("40/custom", "{}"),
        ("40/custom,", "{}"),
        ("40/custom?,", "{}"),
        ("40/custom?token=x&n=1,", '{"token":"x","n":"1"}'),
        ("40/custom?token=x", '{"token":"x"}'),
        ("40/custom?t=%C3%A4+b%26c%3D%2C%3F,", '{"t":"ä b&c=,?"}'),
        ("40/custom?a=1&a=2,", '{"a":"2"}'),
        ("40/custom?flag,", '{"flag":""}'),
        ("40/custom?a=b?c,", '{"a":"b?c"}'),
        ("40/custom?__proto__=1,", '{"__proto__":"1"}'),
    ],
)
def test_query_of_a_namespace(raw: Raw, server: Server, packet: str, auth: str) -> None:
    """It is no part of the name, and the answer names the bare namespace, without a payload."""
    raw.send(packet)
    assert raw.receive() == "40/custom,"
    assert raw.receive() == f'42/custom,["auth",{auth}]'
    entry = server.logged("connection", id=f"/custom#{raw.sid}")
    assert (entry["namespace"], entry["auth"]) == ("/custom", json.loads(auth))
    raw.send('42/custom,1["message-with-ack",1]')
    assert raw.receive() == "43/custom,1[1]"
    raw.is_served()


def test_query_of_the_transport_is_not_that_of_the_namespace(server: Server) -> None:
    raw = Raw(server, query="&extra=of+the+transport")
    raw.send("40/custom?extra=of+the+namespace,", '42/custom,3["handshake"]')
    assert raw.receive() == "40/custom,"
    assert raw.receive() == '42/custom,["auth",{"extra":"of the namespace"}]'
    answer = json.loads(str(raw.receive()).removeprefix("43/custom,3"))[0]
    assert (answer["query"], answer["auth"]) == ("of the transport", {"extra": "of the namespace"})
    raw.is_served()


def test_dynamic_namespaces(raw: Raw, server: Server) -> None:
    raw.send("40/room-1,", "40/dynamic?key=open,")
    received = [raw.receive() for _ in range(4)]
    assert sorted(map(str, received)) == [
        "40/dynamic,",
        "40/room-1,",
        '42/dynamic,["auth",{"key":"open"}]',
        '42/room-1,["auth",{}]',
    ]
    server.logged("connection", id=f"/dynamic#{raw.sid}")
    server.logged("connection", id=f"/room-1#{raw.sid}")
    raw.is_served()


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        ("40/admin,", f"44/admin,{REFUSED}"),
        ("40/admin?token=wrong,", f"44/admin,{REFUSED}"),
        ("40/bare", '44/bare,"bare"'),
        ("40/nowhere", '44/nowhere,{"message":"Invalid namespace"}'),
        ("40/nowhere?x=1,", '44/nowhere,{"message":"Invalid namespace"}'),
        ("40/dynamic-shut?key=shut,", '44/dynamic-shut,{"message":"Invalid namespace"}'),
    ],
)
def test_refusal(raw: Raw, packet: str, answer: str) -> None:
    raw.send(packet)
    assert raw.receive() == answer
    raw.is_served()


def test_tries_again(raw: Raw) -> None:
    raw.send("40/admin?token=wrong,")
    assert raw.receive() == f"44/admin,{REFUSED}"
    raw.send("40/admin?token=secret,")
    assert raw.receive() == "40/admin,"
    assert raw.receive() == '42/admin,["auth",{"token":"secret"}]'
    raw.is_served()


def test_refused_at_the_main_namespace(server: Server) -> None:
    """Nothing else is closed by that."""
    websocket = OldWebSocket(server, f"/members/socket.io/?{WEBSOCKET}")
    websocket.receive()
    assert websocket.receive() == '44["not you"]'
    websocket.send("40/custom,")
    assert [websocket.receive(), websocket.receive()] == ["40/custom,", '42/custom,["auth",{}]']
    websocket.close()


# -- packets -----------------------------------------------------------------------------------------------------------


def test_binary(raw: Raw) -> None:
    placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'
    raw.send(f'452-["message",{placeholders}]', b"\x01\x02", b"")
    assert [raw.receive() for _ in range(3)] == [f'452-["message-back",{placeholders}]', b"\x01\x02", b""]
    raw.send(f'452-7["message-with-ack",{placeholders}]', "b4AQI=", "b4")
    assert [raw.receive() for _ in range(3)] == [f"462-7[{placeholders}]", b"\x01\x02", b""]
    raw.is_served()


def test_binary_in_base64(server: Server) -> None:
    raw = Raw(server, query="&b64=1")
    raw.send('451-["message",{"_placeholder":true,"num":0}]', b"\x01\x02")
    assert [raw.receive(), raw.receive()] == ['451-["message-back",{"_placeholder":true,"num":0}]', "b4AQI="]
    raw.is_served()


def test_question_of_the_server(raw: Raw) -> None:
    raw.send('42["ask",5,"?"]')
    question = str(raw.receive())
    assert question.endswith('["question","?"]')
    raw.send(f'43{question[2 : question.index("[")]}["yes"]')
    assert raw.receive() == '42["answered","value","yes"]'
    raw.is_served()


def test_packets_for_a_namespace_with_its_query(raw: Raw) -> None:
    """Some clients name it so in every packet."""
    raw.send("40/custom?a=b,")
    assert [raw.receive(), raw.receive()] == ["40/custom,", '42/custom,["auth",{"a":"b"}]']
    raw.send('42/custom?a=b,1["message-with-ack"]')
    assert raw.receive() == "43/custom,1[]"
    raw.is_served()


# -- endings -----------------------------------------------------------------------------------------------------------


def test_leaves_and_joins_again(raw: Raw, server: Server) -> None:
    """The main namespace too: after its own disconnect, it is the client that asks. The ids stay the same."""
    raw.send("40/custom")
    assert [raw.receive(), raw.receive()] == ["40/custom,", '42/custom,["auth",{}]']
    for name, sid in (("", raw.sid), ("/custom,", f"/custom#{raw.sid}")):
        server.logged("connection", id=sid)
        raw.send("41" + name)
        assert server.logged("disconnect", id=sid)["reason"] == "client namespace disconnect"
        raw.send("40" + name)
        assert [raw.receive(), raw.receive()] == [f"40{name}", f'42{name}["auth",{{}}]']
        server.logged("connection", id=sid)
    raw.is_served()


def test_the_server_disconnects(raw: Raw, server: Server) -> None:
    raw.send("40/custom", '42/custom,["kick",false]')
    assert [raw.receive() for _ in range(3)] == ["40/custom,", '42/custom,["auth",{}]', "41/custom,"]
    assert server.logged("disconnect", id=f"/custom#{raw.sid}")["reason"] == "server namespace disconnect"
    raw.is_served()


@pytest.mark.parametrize(
    "packet", ["40", "40/,", "40?x=1", '42/custom,["message"]', "41/custom,", '44"x"', "4x", "42{}"]
)
def test_packet_that_ends_the_connection(raw: Raw, server: Server, packet: str) -> None:
    raw.send(packet)
    assert raw.websocket.closed() == []
    server.logged("disconnect", id=raw.sid)


def test_heartbeat_keeps_it_from_the_connect_timeout(server: Server) -> None:
    """There is one for clients that join no namespace; these have joined one from the beginning."""
    raw = Raw(server, "/suite/socket.io/")
    for _ in range(3):
        raw.send("2")
        assert raw.receive() == "3"
    raw.is_served()
