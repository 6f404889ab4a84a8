"""What no client of revision 3 sends: it is refused, and nobody else is harmed.

The reference takes or overlooks most of it.
"""

import json

import pytest

from tests.conformance.old_raw import OCTET_STREAM, WEBSOCKET, OldPolling, OldWebSocket, binary_payload, opened
from tests.conformance.raw import WebSocket, request
from tests.conformance.servers import KINDS, Server

pytestmark = pytest.mark.parametrize(
    "server", [kind for kind in KINDS if kind not in {"reference", "uvloop"}], indirect=True, scope="session"
)

PAYLOADS: dict[str, tuple[bytes, dict[str, str]]] = {
    "hexadecimal": (b"0x2:4x", {}),
    "digits of another script": ("٢:4x".encode(), {}),
    "a space": (b" 2:4x", {}),
    "a fraction": (b"2.0:4x", {}),
    "not UTF-8 in a length": (b"\xff2:4x", {}),
    "ends within a character": ("2:4😀".encode(), {}),
    "bytes without their type": (b"9:bAQIDBA==", {}),
    "bytes that are no message": (b"4:b1AA", {}),
    "bytes that are not base64": (b"3:b4A", {}),
    "binary too long": (b"\x00\x03\xff4x", OCTET_STREAM),
    "binary with a huge length": (b"\x00" + b"\x09" * 100 + b"\xff4x", OCTET_STREAM),
    "binary with a length that does not end": (b"\x00\x02", OCTET_STREAM),
    "binary with no length": (b"\x00\xff4", OCTET_STREAM),
    "binary with digits as text": (b"\x002\xff4x", OCTET_STREAM),
    "binary of a third kind": (b"\x02\x02\xff4x", OCTET_STREAM),
    "binary of an unknown type": (b"\x01\x02\xff\x09x", OCTET_STREAM),
    "binary without a type": (b"\x01\x00\xff", OCTET_STREAM),
    "binary that is no message": (b"\x01\x01\xff\x02", OCTET_STREAM),
    "binary with the type as a digit": (b"\x01\x02\xff4x", OCTET_STREAM),
}


@pytest.fixture
def bystander(server: Server) -> OldWebSocket:
    """Somebody who is well-behaved."""
    return opened(server)


def is_served(websocket: OldWebSocket) -> None:
    websocket.send("4served")
    assert websocket.receive() == "4served"
    websocket.close()


@pytest.mark.parametrize(("body", "headers"), PAYLOADS.values(), ids=list(PAYLOADS))
def test_payload(server: Server, bystander: OldWebSocket, body: bytes, headers: dict[str, str]) -> None:
    session = OldPolling(server)
    answer = request(server, "POST", session.target, body, headers)
    assert (answer.status, answer.text) == (200, "ok")
    assert not session.is_known
    assert server.logged("close", id=session.sid)["reason"] == "parse error"
    is_served(bystander)


@pytest.mark.parametrize("frame", ["b", "b4A", "bAQI=", "b9AQI=", "b1", b"", b"\x09x", b"4x", b"\x02", b"\x00{}"])
def test_frame(server: Server, bystander: OldWebSocket, frame: str | bytes) -> None:
    websocket = WebSocket(server, f"/engine.io/?{WEBSOCKET}")
    sid = json.loads(str(websocket.receive())[1:])["sid"]
    websocket.send(frame)
    assert websocket.closed() == []
    assert server.logged("close", id=sid)["reason"] == "parse error"
    is_served(bystander)


def test_lengths_without_end(server: Server, bystander: OldWebSocket) -> None:
    """A megabyte of digits is looked at once, in either form."""
    for body, headers in ((b"1" * 1_000_000, {}), (b"\x00" + b"\x01" * 999_999, OCTET_STREAM)):
        session = OldPolling(server)
        assert request(server, "POST", session.target, body, headers).text == "ok"
        assert not session.is_known
    is_served(bystander)


def test_packets_that_say_nothing(server: Server, bystander: OldWebSocket) -> None:
    session = OldPolling(server)
    for body, headers in ((b"0:" * 20_000 + b"2:4x", {}), (binary_payload("6") * 20_000, OCTET_STREAM)):
        assert request(server, "POST", session.target, body, headers).text == "ok"
    assert session.poll() == "4x"
    is_served(bystander)


def test_peer_that_does_not_poll(server: Server) -> None:
    """What waits for it is bounded, as for any other: it is dropped with a reason of its own."""
    sender = opened(server, "/socket.io/")
    assert [sender.receive(), sender.receive()] == ["40", '42["auth",{}]']
    lazy = OldPolling(server, "/socket.io/")
    text = "x" * 400_000
    for _ in range(60):
        sender.send(f'421["tell",{{"to":"{lazy.sid}"}},"told","{text}"]')
        assert sender.receive() == "431[true]"
        if ended := server.entries(event="disconnect", id=lazy.sid):
            break
    else:
        raise AssertionError("everything is kept")
    assert ended[0]["reason"] == "slow consumer"
    sender.close()


def test_namespaces_without_end(server: Server) -> None:
    """A connection gets so many and no more, whatever they show."""
    websocket = opened(server, "/socket.io/")
    for number in range(300):
        websocket.send(f"40/room-{number}?n={number},")
    answers: list[str] = []
    while len(answers) < 301:
        packet = str(websocket.receive())
        if not packet.startswith("42"):
            answers.append(packet)
    accepted = [answer for answer in answers if answer.startswith("40")]
    assert len(accepted) <= 100
    assert '44/room-299,"Too many namespaces"' in answers
    websocket.close()


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        ("40//evil.example/custom,", '44//evil.example/custom,{"message":"Invalid namespace"}'),
        ("40/../custom,", '44/../custom,{"message":"Invalid namespace"}'),
        ("40/custom#x,", '44/custom#x,{"message":"Invalid namespace"}'),
        ("40/🦊,", '44/🦊,{"message":"Invalid namespace"}'),
        ("40/custom?%ff=%zz,", "40/custom,"),
    ],
)
def test_name_of_a_namespace(server: Server, packet: str, answer: str) -> None:
    """It is taken as it is; the reference makes a URL of it."""
    websocket = opened(server, "/socket.io/")
    websocket.send(packet)
    # Whether the answer or the event is first depends on what has come when "/" is joined.
    received = [str(websocket.receive()) for _ in range(3)]
    assert received[0] == "40"
    assert sorted(received[1:]) == sorted(['42["auth",{}]', answer])
    websocket.close()


def test_name_without_end(server: Server) -> None:
    websocket = opened(server, "/socket.io/")
    websocket.send("40/" + "x" * 100_000)
    assert websocket.closed() == ["40", '42["auth",{}]']


def test_pings_without_end(server: Server, bystander: OldWebSocket) -> None:
    """Each is answered, and nobody fetches the answers: what waits is bounded."""
    session = OldPolling(server)
    session.push("\x1e".join(["2"] * 5_000))
    payload = session.poll()
    assert set(payload.split("\x1e")) == {"3"}
    is_served(bystander)
