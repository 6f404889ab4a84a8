"""Long-polling by hand: what overlaps, what is cut off, what is malformed, and many packets at once."""

import json
import socket

import pytest

from tests.conformance.raw import POLLING, Polling, remember, request
from tests.conformance.servers import Server


def reason(server: Server, session: Polling) -> str:
    return str(server.logged("close", id=session.sid)["reason"])


def test_two_polls(server: Server) -> None:
    """The second is refused and the session ends; the first is released."""
    session = Polling(server)
    first = session.start_poll()
    # Whichever comes first over there.
    answers = sorted([session.start_poll().answer(), first.answer()], key=lambda answer: answer.status)
    assert [(answer.status, answer.text) for answer in answers] == [(200, "1"), (400, "")]
    assert not session.is_known
    assert reason(server, session) == "transport error"


def test_two_posts(server: Server) -> None:
    """The second is refused and the session ends, though the first is still on its way."""
    session = Polling(server)
    first = Unfinished(server, session)
    answer = request(server, "POST", session.target, "4x")
    assert (answer.status, answer.text) == (400, "")
    assert not session.is_known
    assert reason(server, session) == "transport error"
    first.close()


def test_aborted_poll(server: Server) -> None:
    session = Polling(server)
    session.push("4x")
    assert session.poll() == "4x"
    poll = session.start_poll()
    poll.abort()
    assert reason(server, session) == "transport error"
    assert not session.is_known


def test_aborted_post(server: Server) -> None:
    session = Polling(server)
    Unfinished(server, session).close()
    assert reason(server, session) == "transport error"
    assert not session.is_known


@pytest.mark.parametrize("body", ["abc", "", "4ok\x1e", "9", "4ok\x1exyz"])
def test_malformed_packets(server: Server, body: str) -> None:
    session = Polling(server)
    answer = request(server, "POST", session.target, body)
    assert (answer.status, answer.text) == (200, "ok")
    assert not session.is_known
    assert reason(server, session) == "parse error"


def test_binary_post(server: Server) -> None:
    """It belongs to revision 3."""
    session = Polling(server)
    answer = request(server, "POST", session.target, b"\x00\x04\xff4abc", {"Content-Type": "application/octet-stream"})
    assert (answer.status, answer.body) == (400, b"")
    assert not session.is_known
    assert reason(server, session) == "transport error"


def test_close_from_the_client(server: Server) -> None:
    session = Polling(server)
    poll = session.start_poll()
    session.push("1")
    answer = poll.answer()
    assert (answer.status, answer.text) == (200, "6")
    assert not session.is_known
    assert reason(server, session) == "transport close"


def test_packets_behind_a_close(server: Server) -> None:
    session = Polling(server)
    session.push("4one\x1e1\x1e4two")
    assert not session.is_known
    assert reason(server, session) == "transport close"


def test_close_from_the_server_with_a_poll_waiting(server: Server) -> None:
    session = Polling(server)
    poll = session.start_poll()
    session.push("4please close")
    assert poll.answer().text == "1"
    assert not session.is_known
    assert reason(server, session) == "forced close"


def test_close_from_the_server_between_two_polls(server: Server) -> None:
    """It waits for the next poll, which takes what is left and the news."""
    session = Polling(server)
    session.push("4last words\x1e4please close")
    received: list[str] = []
    while "1" not in received:
        received += session.poll().split("\x1e")
    assert [packet for packet in received if packet != "6"] == ["4last words", "1"]
    assert not session.is_known
    assert reason(server, session) == "forced close"


def test_wrong_direction_of_the_heartbeat(server: Server) -> None:
    session = Polling(server)
    session.push("2")
    assert not session.is_known
    assert reason(server, session) == "transport error"


def test_5000_packets_in_one_post(server: Server) -> None:
    session = Polling(server)
    session.push("\x1e".join(f"4{number}" for number in range(5000)))
    received: list[str] = []
    while len(received) < 5000:
        received += session.poll().split("\x1e")
    assert received == [f"4{number}" for number in range(5000)]


def test_text_and_binary(server: Server) -> None:
    session = Polling(server)
    session.push("4hello\x1ebAQIDBA==\x1eb\x1e4\x1ebAA==")
    received: list[str] = []
    while len(received) < 5:
        received += session.poll().split("\x1e")
    assert received == ["4hello", "bAQIDBA==", "b", "4", "bAA=="]


def test_jsonp(server: Server) -> None:
    """Only the digits of the index count."""
    target = f"/engine.io/?{POLLING}&j=7);alert(1"
    opening = request(server, "GET", target).text
    target += "&sid=" + json.loads(javascript(opening, 71)[1:])["sid"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    # The form escapes line feeds, and what looks like an escaped one.
    answer = request(server, "POST", target, "d=4a%5Cnb%5C%5Cnc%E2%80%A8%3C%22", form)
    assert (answer.status, answer.text) == (200, "ok")
    text = request(server, "GET", target).text
    assert javascript(text, 71) == '4a\nb\\nc\u2028<"'
    assert "\u2028" not in text


def javascript(text: str, index: int) -> str:
    """The payload of a JSONP response, which is a call with one string."""
    start, end = f"___eio[{index}](", ");"
    assert text.startswith(start)
    assert text.endswith(end)
    return str(json.loads(text[len(start) : -len(end)]))


class Unfinished:
    """A POST whose body does not come."""

    def __init__(self, server: Server, session: Polling) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port))
        head = f"POST {session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
        self._socket.sendall(head.encode() + b"4" + b"y" * 50)
        remember(self._socket)

    def close(self) -> None:
        """Cut the connection."""
        self._socket.close()
