"""Socket.IO packets by hand, over a WebSocket: what is refused, what is tolerated, and that nobody else is harmed."""

import json

import pytest

from tests.conformance.raw import WEBSOCKET, WebSocket
from tests.conformance.servers import KINDS, Server

# Several of these end the process of the reference.
pytestmark = pytest.mark.parametrize(
    "server", [kind for kind in KINDS if kind != "reference"], indirect=True, scope="session"
)


class Raw:
    """A WebSocket session below Socket.IO; connected to the namespace /."""

    def __init__(self, server: Server) -> None:
        self.websocket = WebSocket(server, f"/socket.io/?{WEBSOCKET}")
        assert str(self.websocket.receive()).startswith("0")
        self.sid = self.join("/")

    def join(self, namespace: str) -> str:
        """Connect to a namespace; the id there."""
        suffix = "" if namespace == "/" else namespace + ","
        self.send("40" + suffix)
        answer = str(self.receive())
        assert answer.startswith("40" + suffix)
        assert self.receive() == f'42{suffix}["auth",{{}}]'
        return str(json.loads(answer[2 + len(suffix) :])["sid"])

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self.websocket.send(packet)

    def receive(self) -> str | bytes:
        return self.websocket.receive()

    def flood(self, packet: str) -> None:
        """Send it again and again until the peer takes no more; TimeoutError then."""
        self.websocket.hurry(0.5)
        for _ in range(200):
            self.websocket.send(packet)

    def is_served(self) -> None:
        """Everything goes on; and nothing came in between."""
        self.send('42["message","served"]')
        assert self.receive() == '42["message-back","served"]'


@pytest.fixture
def bystander(server: Server) -> Raw:
    """Somebody who is well-behaved."""
    return Raw(server)


@pytest.fixture
def raw(server: Server) -> Raw:
    """Somebody who is not."""
    return Raw(server)


@pytest.mark.parametrize(
    "packet",
    [
        '42["message",NaN]',
        '42["message",Infinity]',
        '42["message",-Infinity]',
        '42["message",1' + "0" * 5000 + "]",
        '42["message",' + "[" * 20_000 + "]" * 20_000 + "]",
        '42["message",' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "]",
        '42["message"]]',
        '42["message"',
        '42["message",\ufeff1]',
        "42[null]",
        "42[true]",
        "42[[]]",
        '42["removeListener"]',
        '42["connect_error",{}]',
        '421²["message"]',
        "42" + "9" * 400 + '["message"]',
        '42-1["message"]',
        '4299999999999999999999["message-with-ack"]',
        "43",
        "43[]",
        "430{}",
        "43/custom,0[]",
        "40/custom,[]",
        '40/custom,"auth"',
        "41/custom",
        '42/custom,["message"]',
        '42/nowhere,["message"]',
        "48",
        "4²",
        "4-1",
        "2",
        "",
        '451-["message"]',
        '45²-["message",{"_placeholder":true,"num":0}]',
        '4599999999999999999999-["message",{"_placeholder":true,"num":0}]',
    ],
)
def test_packet_that_ends_the_connection(raw: Raw, bystander: Raw, packet: str) -> None:
    raw.send(packet)
    if packet.startswith("451-"):
        raw.send("41")
    assert raw.websocket.closed() == []
    bystander.is_served()
    bystander.websocket.close()


@pytest.mark.parametrize("num", ["1", "-1", "0.5", '"0"', "true", "null", "[]", "1e99", '"constructor"'])
def test_placeholder_that_ends_the_connection(raw: Raw, bystander: Raw, num: str) -> None:
    raw.send(f'451-["message",{{"_placeholder":true,"num":{num}}}]', b"x")
    assert raw.websocket.closed() == []
    bystander.is_served()
    bystander.websocket.close()


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        ('42["message",{"_placeholder":true,"num":0}]', '42["message-back",{"_placeholder":true,"num":0}]'),
        ('42["message",{"a":1,"a":2}]', '42["message-back",{"a":2}]'),
        ('42["message","\\ud800"]', '42["message-back","\\ud800"]'),
        ('42["message",{"__proto__":1,"constructor":2}]', '42["message-back",{"__proto__":1,"constructor":2}]'),
        ('420["message-with-ack"]', "430[]"),
        ('42/,["message"]', '42["message-back"]'),
        ('42[ "message" , 1 ]', '42["message-back",1]'),
    ],
)
def test_packet_that_is_just_unusual(raw: Raw, packet: str, answer: str) -> None:
    raw.send(packet)
    assert raw.receive() == answer
    raw.is_served()
    raw.websocket.close()


@pytest.mark.parametrize("packet", ["430[]", "437[1,2]", "43999999[]", "5", "6", "0", '42["no such event"]', "42[7]"])
def test_packet_that_is_ignored(raw: Raw, packet: str) -> None:
    raw.send(packet)
    raw.is_served()
    raw.websocket.close()


def test_event_that_asks_for_an_answer_that_nobody_gives(raw: Raw) -> None:
    raw.send('421["no such event"]')
    raw.is_served()
    raw.websocket.close()


def test_two_answers(raw: Raw) -> None:
    """The first one counts."""
    raw.send('42["ask",5,"?"]')
    question = str(raw.receive())
    assert question.endswith('["question","?"]')
    number = question[2 : question.index("[")]
    raw.send(f"43{number}[1]", f"43{number}[2]")
    assert raw.receive() == '42["answered","value",1]'
    raw.is_served()
    raw.websocket.close()


def test_event_that_crosses_a_disconnect(raw: Raw) -> None:
    """The client cannot know yet that the server has disconnected it from the namespace."""
    raw.join("/custom")
    raw.send('42/custom,["kick",false]', '42/custom,["message"]', '42/custom,1["message-with-ack"]', "43/custom,0[]")
    assert raw.receive() == "41/custom,"
    raw.is_served()
    raw.websocket.close()


def test_leaves_and_joins_in_one_go(raw: Raw) -> None:
    raw.join("/custom")
    raw.send("41/custom", "40/custom")
    assert str(raw.receive()).startswith("40/custom,")
    assert raw.receive() == '42/custom,["auth",{}]'
    raw.is_served()
    raw.websocket.close()


def test_attachments_beside_other_frames_of_the_engine(server: Server) -> None:
    """A pong belongs to the layer below, and may come between."""
    raw = Raw(server)
    raw.send('452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', b"a", "3", b"b")
    assert raw.receive() == '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert [raw.receive(), raw.receive()] == [b"b", b"a"]
    raw.websocket.close()


def test_reason_of_a_parse_error(raw: Raw, server: Server) -> None:
    raw.send("47")
    raw.websocket.closed()
    assert server.logged("disconnect", id=raw.sid)["reason"] == "parse error"


def test_namespaces_without_end(raw: Raw, bystander: Raw) -> None:
    """A connection gets so many and no more."""
    for number in range(300):
        raw.send(f"40/room-{number},")
    answers: list[str] = []
    while len(answers) < 300:
        packet = str(raw.receive())
        if not packet.startswith("42/"):
            answers.append(packet)
    assert {answer[:2] for answer in answers} == {"40", "44"}
    assert sum(answer.startswith("40") for answer in answers) <= 100
    raw.send('42["message","served"]')
    while raw.receive() != '42["message-back","served"]':
        pass
    bystander.is_served()
    raw.websocket.close()
    bystander.websocket.close()


def test_peer_that_does_not_read(raw: Raw, bystander: Raw, server: Server) -> None:
    """What waits for it is bounded: it is dropped with a reason of its own, and the others are served."""
    text = "x" * 400_000
    for _ in range(60):
        bystander.send(f'421["tell",{{"to":"{raw.sid}"}},"told","{text}"]')
        assert bystander.receive() == "431[true]"
        if ended := server.entries(event="disconnect", id=raw.sid):
            break
    else:
        raise AssertionError("everything is kept")
    assert ended[0]["reason"] == "slow consumer"
    bystander.is_served()
    bystander.websocket.close()


def test_peer_that_does_not_read_its_own_echo(raw: Raw, bystander: Raw) -> None:
    """The server reads no more of it, in the end, than it can get rid of."""
    with pytest.raises(TimeoutError):
        raw.flood('42["message","' + "x" * 400_000 + '"]')
    bystander.is_served()
    bystander.websocket.close()
