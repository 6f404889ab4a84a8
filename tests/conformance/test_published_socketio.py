"""The cases of the published black-box suite for Socket.IO, revision 5, with its settings and its application.

The application answers a connection with the event "auth" and the auth payload, "message" with "message-back", and
acknowledges "message-with-ack" with the arguments; there are the namespaces / and /custom; connect_timeout is 1 s.
"""

import json
from typing import Any

import pytest

from tests.conformance.raw import WEBSOCKET, WebSocket
from tests.conformance.servers import Server

PATH = "/suite/socket.io/"


class Raw:
    """A WebSocket session below Socket.IO that answers pings."""

    def __init__(self, server: Server) -> None:
        self.websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}")
        assert str(self.websocket.receive()).startswith("0")

    def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            self.websocket.send(packet)

    def receive(self) -> str | bytes:
        """The next packet that is no ping."""
        while (packet := self.websocket.receive()) == "2":
            self.websocket.send("3")
        return packet

    def connect(self, packet: str = "40") -> None:
        """Connect to a namespace, and take what the application says to that."""
        namespace = packet[2:].partition("{")[0]
        self.send(packet)
        answer = str(self.receive())
        start = "40" + (namespace.rstrip(",") + "," if namespace else "")
        assert answer.startswith(start)
        handshake = json.loads(answer[len(start) :])
        assert set(handshake) == {"sid"}
        assert isinstance(handshake["sid"], str)

    def closed(self) -> None:
        """Wait for the end."""
        assert all(packet == "2" for packet in self.websocket.closed())


@pytest.fixture
def raw(server: Server) -> Raw:
    return Raw(server)


@pytest.fixture
def main(raw: Raw) -> Raw:
    """Connected to the namespace /."""
    raw.connect()
    assert raw.receive() == '42["auth",{}]'
    return raw


# -- connect -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "auth"),
    [
        ("40", '42["auth",{}]'),
        ('40{"token":"123"}', '42["auth",{"token":"123"}]'),
        ("40/custom,", '42/custom,["auth",{}]'),
        ("40/custom", '42/custom,["auth",{}]'),
        ('40/custom,{"token":"abc"}', '42/custom,["auth",{"token":"abc"}]'),
    ],
)
def test_connects(raw: Raw, packet: str, auth: str) -> None:
    raw.connect(packet)
    assert raw.receive() == auth
    raw.websocket.close()


@pytest.mark.parametrize("packet", ["40/random", "40/random,"])
def test_unknown_namespace(raw: Raw, packet: str) -> None:
    raw.send(packet)
    assert raw.receive() == '44/random,{"message":"Invalid namespace"}'
    raw.websocket.close()


@pytest.mark.parametrize("packet", ["4abc", '42["message","too early"]', "40[]", '40"x"', "41"])
def test_invalid_handshake(raw: Raw, packet: str) -> None:
    raw.send(packet)
    raw.closed()


def test_no_handshake(server: Server) -> None:
    """The connection is closed after connect_timeout, however well its heart beats."""
    raw = Raw(server)
    with pytest.raises(AssertionError, match="closed with"):
        raw.receive()
    raw.websocket.closed()


def test_second_connect(main: Raw) -> None:
    main.send("40")
    main.closed()


# -- disconnect --------------------------------------------------------------------------------------------------------


def test_disconnects_from_the_main_namespace(main: Raw) -> None:
    main.send("41")
    assert main.websocket.receive() == "2"
    main.websocket.close()


def test_connects_then_disconnects_from_a_custom_namespace(main: Raw) -> None:
    main.connect("40/custom")
    assert main.receive() == '42/custom,["auth",{}]'
    main.send("41/custom", '42["message","message to main namespace"]')
    assert main.receive() == '42["message-back","message to main namespace"]'
    main.websocket.close()


# -- messages ----------------------------------------------------------------------------------------------------------


def test_text(main: Raw) -> None:
    main.send('42["message",1,"2",{"3":[true]}]')
    assert main.receive() == '42["message-back",1,"2",{"3":[true]}]'
    main.websocket.close()


ATTACHMENTS: list[Any] = [b"\x01\x02\x03", b"\x04\x05\x06"]
PLACEHOLDERS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


def test_binary(main: Raw) -> None:
    main.send(f'452-["message",{PLACEHOLDERS}]', *ATTACHMENTS)
    assert [main.receive() for _ in range(3)] == [f'452-["message-back",{PLACEHOLDERS}]', *ATTACHMENTS]
    main.websocket.close()


def test_text_with_an_ack(main: Raw) -> None:
    main.send('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert main.receive() == '43456[1,"2",{"3":[false]}]'
    main.websocket.close()


def test_binary_with_an_ack(main: Raw) -> None:
    main.send(f'452-789["message-with-ack",{PLACEHOLDERS}]', *ATTACHMENTS)
    assert [main.receive() for _ in range(3)] == [f"462-789[{PLACEHOLDERS}]", *ATTACHMENTS]
    main.websocket.close()


@pytest.mark.parametrize(
    "packet",
    [
        "4abc",
        "42{}",
        "42[]",
        '42"x"',
        '42abc["message-with-ack",1]',
        '42["connect",{}]',
        '42["disconnect"]',
        '42["disconnecting"]',
        '42["newListener"]',
        '44{"message":"x"}',
        "47",
        "4",
        '451-["message",{"_placeholder":true,"num":1}]',
        '451["message"]',
        '45-["message"]',
        '4511-["message"]',
    ],
)
def test_invalid_packet(main: Raw, packet: str) -> None:
    main.send(packet)
    if packet.startswith("451-"):
        main.send(b"\x00")
    main.closed()


@pytest.mark.parametrize("between", ['42["message"]', "40/custom", "41"])
def test_text_between_attachments(main: Raw, between: str) -> None:
    main.send(f'452-["message",{PLACEHOLDERS}]', b"\x00", between)
    main.closed()


def test_binary_out_of_the_blue(main: Raw) -> None:
    main.send(b"\x00")
    main.closed()
