"""Engine.IO 3 by hand: the exact bytes that only this revision has, and what becomes of peers that break its rules."""

import json
import socket

import pytest
from wsproto.utilities import LocalProtocolError

from tests.conformance.old_raw import (
    OCTET_STREAM,
    POLLING,
    WEBSOCKET,
    OldPolling,
    OldWebSocket,
    binary_payload,
    opened,
    text_payload,
)
from tests.conformance.raw import Polling, RefusedError, WebSocket, remember, request
from tests.conformance.servers import Server

PATH = "/engine.io/"
BAD_REQUEST = (400, {"code": 3, "message": "Bad request"})
UNSUPPORTED = (400, {"code": 5, "message": "Unsupported protocol version"})


def reason(server: Server, session: OldPolling) -> str:
    return str(server.logged("close", id=session.sid)["reason"])


def exchange(server: Server, session: OldPolling, payload: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Post a payload with one packet, and poll for its echo."""
    assert request(server, "POST", session.target, payload, headers).text == "ok"
    return request(server, "GET", session.target).body


# -- handshake ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [POLLING, f"{POLLING}&b64=1", "transport=polling", "EIO=5&transport=polling&b64=1"])
def test_opening_of_an_old_session(server: Server, query: str) -> None:
    answer = request(server, "GET", f"/old/engine.io/?{query}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert answer.headers["cache-control"] == "no-store"
    sid = answer.text.split('"')[3]
    assert len(sid) == 20
    server.logged("open", id=sid)
    expected = f'97:0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000}}'
    assert answer.text == expected


@pytest.mark.parametrize("query", [WEBSOCKET, "transport=websocket", "EIO=2&transport=websocket&b64=1"])
def test_opening_of_an_old_session_on_a_websocket(server: Server, query: str) -> None:
    websocket = OldWebSocket(server, f"/old/engine.io/?{query}")
    packet = str(websocket.receive())
    sid = json.loads(packet[1:])["sid"]
    assert packet == f'0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":60000}}'
    websocket.close()


@pytest.mark.parametrize("path", ["/new/engine.io/", "/new/socket.io/"])
def test_refused_where_old_clients_are_not_admitted(server: Server, path: str) -> None:
    for query in (POLLING, "transport=polling&b64=1", f"{POLLING}&j=0"):
        assert request(server, "GET", f"{path}?{query}").error == UNSUPPORTED
    try:
        # The reference takes the handshake before it looks at the revision.
        assert OldWebSocket(server, f"{path}?{WEBSOCKET}").closed() == []
    except RefusedError as refusal:
        if (refusal.status, refusal.body) != (400, "Unsupported protocol version"):
            raise


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("other", ["EIO=4&", "EIO=3&"])
def test_request_of_the_other_revision(server: Server, method: str, other: str) -> None:
    session = OldPolling(server) if other == "EIO=4&" else Polling(server)
    target = f"{PATH}?{other}transport=polling&sid={session.sid}"
    assert request(server, method, target, "1:6").error == BAD_REQUEST
    assert session.is_known


@pytest.mark.parametrize("other", ["EIO=4&", "EIO=3&", ""])
def test_upgrade_of_the_other_revision(server: Server, other: str) -> None:
    session = OldPolling(server) if other == "EIO=4&" else Polling(server)
    with pytest.raises(RefusedError) as refusal:
        WebSocket(server, f"{PATH}?{other}transport=websocket&sid={session.sid}")
    assert (refusal.value.status, refusal.value.body) == (400, "Bad request")
    session.push("4unharmed")
    assert session.poll() == "4unharmed"


def test_requests_that_name_no_revision(server: Server) -> None:
    """Which is this one."""
    session = OldPolling(server)
    session.target = f"{PATH}?transport=polling&sid={session.sid}"
    session.push("4x")
    assert session.poll() == "4x"


# -- payloads ----------------------------------------------------------------------------------------------------------

TEXTS = {
    "ascii": ("hello", "6:4hello"),
    "in 16 bits": ("€", "2:4€"),
    "in a surrogate pair": ("😀", "3:4😀"),
    "empty": ("", "1:4"),
    "like a payload": ("1:42:4x", "8:41:42:4x"),
    "the separator of revision 4": ("a\x1eb", "4:4a\x1eb"),
    "a newline": ("a\nb", "4:4a\nb"),
    "NUL": ("\0", "2:4\0"),
}


@pytest.mark.parametrize(("text", "payload"), TEXTS.values(), ids=list(TEXTS))
def test_text(server: Server, text: str, payload: str) -> None:
    session = OldPolling(server)
    assert exchange(server, session, payload.encode()).decode() == payload
    # And in the binary form, which comes back as text.
    assert exchange(server, session, binary_payload("4" + text), OCTET_STREAM).decode() == payload


BYTES = {
    "four": (b"\x01\x02\x03\x04", b"\x01\x05\xff\x04\x01\x02\x03\x04", "10:b4AQIDBA=="),
    "none": (b"", b"\x01\x01\xff\x04", "2:b4"),
    "ten": (b"\xff" * 10, b"\x01\x01\x01\xff\x04" + b"\xff" * 10, "18:b4/////////////w=="),
}


@pytest.mark.parametrize(("data", "binary", "base64"), BYTES.values(), ids=list(BYTES))
def test_bytes(server: Server, data: bytes, binary: bytes, base64: str) -> None:
    """As bytes, as long as the handshake did not ask for base64; they may come in either form."""
    session = OldPolling(server)
    assert exchange(server, session, base64.encode()) == binary
    assert exchange(server, session, binary, OCTET_STREAM) == binary
    session = Base64(server)
    assert exchange(server, session, base64.encode()).decode() == base64
    assert exchange(server, session, binary, OCTET_STREAM).decode() == base64


class Base64(OldPolling):
    """A session that has asked for base64."""

    revision = "EIO=3&b64=1"


def test_one_with_bytes_makes_all_of_them_binary(server: Server) -> None:
    """The lengths are in bytes then, and the texts are UTF-8."""
    session = OldPolling(server)
    session.push_bytes("4€😀", b"\x04\x00\xff", "4")
    answer = request(server, "GET", session.target)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.body == b"\x00\x08\xff4\xe2\x82\xac\xf0\x9f\x98\x80" + b"\x01\x03\xff\x04\x00\xff" + b"\x00\x01\xff4"


def test_all_of_them_text_stays_text(server: Server) -> None:
    session = OldPolling(server)
    session.push_bytes("4a", "4€")
    answer = request(server, "GET", session.target)
    assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=UTF-8", "2:4a2:4€")


def test_lone_surrogates(server: Server) -> None:
    """Half a character is written down by encoders of that time; it becomes U+FFFD, and nothing breaks."""
    session = OldPolling(server)
    payload = b"\x00\x06\xff4a\xed\xa0\x80b\x00\x02\xff4c"
    assert request(server, "POST", session.target, payload, OCTET_STREAM).text == "ok"
    assert session.poll() == "4a\ufffdb\x1e4c"


def test_5000_packets_in_one_post(server: Server) -> None:
    session = OldPolling(server)
    session.push("\x1e".join(f"4{number}" for number in range(5000)))
    received: list[str] = []
    while len(received) < 5000:
        received += session.poll().split("\x1e")
    assert received == [f"4{number}" for number in range(5000)]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compression_of_bytes(server: Server, encoding: str) -> None:
    session = OldPolling(server)
    session.push_bytes(b"\x04" + bytes(5000))
    answer = request(server, "GET", session.target, headers={"Accept-Encoding": encoding})
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-encoding"] == encoding
    assert len(answer.body) < 1000


def test_body_over_the_limit(server: Server) -> None:
    session = OldPolling(server, "/small/engine.io/")
    for headers in ({}, OCTET_STREAM):
        answer = request(server, "POST", session.target, b"997:4" + b"x" * 996, headers)
        assert (answer.status, answer.body) == (413, b"")
    assert exchange(server, session, b"996:4" + b"x" * 995) == b"996:4" + b"x" * 995


# -- on a WebSocket ----------------------------------------------------------------------------------------------------


def test_frames(server: Server) -> None:
    websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}")
    websocket.receive()
    for frame in ("4€😀", b"\x04\x01\x02", b"\x04", "4", "4a\x1eb"):
        websocket.send(frame)
        assert websocket.receive() == frame
    websocket.send("b4AQI=")
    assert websocket.receive() == b"\x04\x01\x02"
    websocket.close()


def test_frames_in_base64(server: Server) -> None:
    websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}&b64=1")
    websocket.receive()
    for frame in ("b4AQI=", b"\x04\x01\x02"):
        websocket.send(frame)
        assert websocket.receive() == "b4AQI="
    websocket.send("b4")
    assert websocket.receive() == "b4"
    websocket.close()


@pytest.mark.parametrize("polling", [OldPolling, Base64])
@pytest.mark.parametrize("in_base64", [False, True])
def test_each_transport_asks_for_itself(server: Server, polling: type[OldPolling], in_base64: bool) -> None:
    session = polling(server)
    candidate = WebSocket(server, f"{PATH}?{WEBSOCKET}&sid={session.sid}" + "&b64=1" * in_base64)
    candidate.send("2probe")
    assert candidate.receive() == "3probe"
    session.push("bAQI=")
    candidate.send("5")
    expected = "b4AQI=" if in_base64 else b"\x04\x01\x02"
    assert candidate.receive() == expected
    candidate.send(b"\x04\x01\x02")
    assert candidate.receive() == expected
    candidate.close()


# -- what breaks the rules ---------------------------------------------------------------------------------------------

MALFORMED: dict[str, tuple[bytes, dict[str, str]]] = {
    "nothing": (b"", {}),
    "no length": (b"4x", {}),
    "no packet": (b":", {}),
    "not a number": (b"x:4", {}),
    "negative": (b"-1:4", {}),
    "too long": (b"3:4x", {}),
    "ends in a length": (b"2:4x2", {}),
    "of revision 4": (b"4x\x1e4y", {}),
    "a huge length": (b"999999999999999999999999:4x", {}),
    "a length without end": (b"1" * 50_000, {}),
    "unknown type": (b"2:9x", {}),
    "binary with a length without end": (b"\x01" + b"\x09" * 50_000, OCTET_STREAM),
    "binary not UTF-8": (b"\x00\x03\xff4\xff\xfe", OCTET_STREAM),
    "text for binary": (b"2:4x", OCTET_STREAM),
}


@pytest.mark.parametrize(("body", "headers"), MALFORMED.values(), ids=list(MALFORMED))
def test_malformed_payload(server: Server, body: bytes, headers: dict[str, str]) -> None:
    session = OldPolling(server)
    answer = request(server, "POST", session.target, body, headers)
    assert (answer.status, answer.text) == (200, "ok")
    assert not session.is_known
    assert reason(server, session) == "parse error"


def test_what_comes_before_malformed_packets_counts(server: Server) -> None:
    session = OldPolling(server)
    note = text_payload("4please note this")
    assert request(server, "POST", session.target, f"{note}4:b4AA{note}2").text == "ok"
    assert reason(server, session) == "parse error"
    assert len(server.entries(event="noted", id=session.sid)) == 2


@pytest.mark.parametrize("frame", ["", "9", "x", "\0", "é"])
def test_malformed_frame(server: Server, frame: str | bytes) -> None:
    websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}")
    sid = json.loads(str(websocket.receive())[1:])["sid"]
    websocket.send(frame)
    assert websocket.closed() == []
    assert server.logged("close", id=sid)["reason"] == "parse error"


def test_bytes_in_a_payload_of_revision_4(server: Server) -> None:
    session = Polling(server)
    answer = request(server, "POST", session.target, binary_payload("4x"), OCTET_STREAM)
    assert (answer.status, answer.body) == (400, b"")
    assert not session.is_known


def test_wrong_direction_of_the_heartbeat(server: Server) -> None:
    session = OldPolling(server)
    session.push("3")
    assert not session.is_known
    assert reason(server, session) == "transport error"
    websocket = opened(server)
    websocket.send("3")
    assert websocket.closed() == []


def echo_for_ever(websocket: OldWebSocket) -> None:
    while True:
        websocket.send("4still here")
        assert websocket.receive() == "4still here"


def test_only_pings_put_the_deadline_off(server: Server) -> None:
    """A client that sends a lot but no pings is given up all the same."""
    websocket = opened(server, "/suite/engine.io/")
    websocket.send("2")
    assert websocket.receive() == "3"
    # It says nothing of its own accord: the end of this is that of the connection.
    with pytest.raises((AssertionError, OSError, LocalProtocolError)):
        echo_for_ever(websocket)


def test_packets_behind_a_close(server: Server) -> None:
    session = OldPolling(server)
    session.push("4one\x1e1\x1e4two")
    assert not session.is_known
    assert reason(server, session) == "transport close"


def test_close_from_the_server(server: Server) -> None:
    session = OldPolling(server)
    poll = session.start_poll()
    session.push("4please close")
    assert poll.answer().text == "1:1"
    assert not session.is_known
    assert reason(server, session) == "forced close"


def test_close_from_the_server_between_two_polls(server: Server) -> None:
    session = OldPolling(server)
    session.push_bytes(b"\x04last words", "4please close")
    received: list[str] = []
    while "1" not in received:
        received += session.poll().split("\x1e")
    assert [packet for packet in received if packet != "6"] == ["bbGFzdCB3b3Jkcw==", "1"]
    assert reason(server, session) == "forced close"


def test_posts_that_do_not_end(server: Server) -> None:
    """A length that promises more than comes is no reason to wait: the body says where it ends."""
    session = OldPolling(server)
    connection = socket.create_connection(("127.0.0.1", server.port), 5)
    remember(connection)
    head = f"POST {session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"
    connection.sendall(head.encode() + b"999999:4abcd")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert reason(server, session) == "parse error"
