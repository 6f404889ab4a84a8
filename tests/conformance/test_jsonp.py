"""Long-polling of revision 3 for pages that can only load scripts and post forms, by hand."""

import json
from urllib.parse import quote_plus

import pytest

from tests.conformance.old_raw import OldPolling, text_payload
from tests.conformance.raw import Answer, request
from tests.conformance.servers import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def javascript(answer: Answer, index: int = 0) -> str:
    """The payload of a script, which is a call with one string; a line must not end within the string."""
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    start, end = f"___eio[{index}](", ");"
    assert answer.text.startswith(start)
    assert answer.text.endswith(end)
    assert not {"\n", "\r", "\u2028", "\u2029"} & set(answer.text)
    return str(json.loads(answer.text[len(start) : -len(end)]))


def form(payload: str) -> str:
    """What the client makes of a payload: a form would turn line ends into CRLF, so they are escaped."""
    escaped = payload.replace("\\n", "\\\n").replace("\n", "\\n")
    return f"d={quote_plus(escaped, errors='surrogatepass')}"


class Scripts(OldPolling):
    """A session whose polls are scripts and whose POSTs are forms."""

    revision = "EIO=3&b64=1&j=0"

    def read(self, answer: Answer) -> str:
        return super().read(
            Answer(
                answer.status,
                answer.headers | {"content-type": "text/plain; charset=UTF-8"},
                javascript(answer).encode(),
            )
        )

    def post(self, payload: str) -> None:
        """One POST of this payload."""
        answer = request(self.server, "POST", self.target, form(payload), FORM)
        assert (answer.status, answer.text) == (200, "ok")
        assert answer.headers["content-type"] == "text/html"


class ScriptsOnly(Scripts):
    """The same without a word of base64; bytes would not survive in a script."""

    revision = "EIO=3&j=0"


@pytest.mark.parametrize(
    "query", ["EIO=3&transport=polling&b64=1&j=0", "transport=polling&b64=1&j=0", "j=0&transport=polling"]
)
def test_opening_by_script(server: Server, query: str) -> None:
    payload = javascript(request(server, "GET", f"/engine.io/?{query}"))
    length, _, packet = payload.partition(":0")
    handshake = json.loads(packet)
    assert int(length) == len(packet) + 1
    assert (handshake["upgrades"], handshake["pingTimeout"]) == (["websocket"], 20000)


def test_content_type_of_a_script(server: Server) -> None:
    session = Scripts(server)
    assert session.opening.headers["content-type"] == "text/javascript; charset=UTF-8"


@pytest.mark.parametrize("index", ["7", "12", "7);alert(1", "<7>"])
def test_only_digits_of_the_index_count(server: Server, index: str) -> None:
    digits = int("".join([char for char in index if char.isdigit()]))
    javascript(request(server, "GET", f"/engine.io/?EIO=3&transport=polling&b64=1&j={quote_plus(index)}"), digits)


TEXTS = {
    "plain": "hello",
    "newline": "a\nb",
    "escaped newline": "a\\nb",
    "both": "a\nb\\nc\\\\nd",
    "carriage return": "a\r\nb",
    "backslash": "a\\b\\\\",
    "line separators": "a\u2028b\u2029c",
    "quotes": "\"'</script><!--",
    "beyond 16 bits": "€😀",
    "form": "a=b&c+d %41",
    "like a payload": "2:4x",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_text(server: Server, text: str) -> None:
    """The length is that of the packet, before anything is escaped."""
    session = Scripts(server)
    payload = text_payload("4" + text)
    session.post(payload)
    assert javascript(request(server, "GET", session.target)) == payload


def test_bytes(server: Server) -> None:
    session = Scripts(server)
    session.post("6:4hello10:b4AQID/+8=")
    assert javascript(request(server, "GET", session.target)) == "6:4hello10:b4AQID/+8="


def test_bytes_for_a_script(server: Server) -> None:
    session = ScriptsOnly(server)
    session.post("6:4hello10:b4AQID/+8=")
    assert javascript(request(server, "GET", session.target)) == "6:4hello10:b4AQID/+8="


def test_several_packets(server: Server) -> None:
    session = Scripts(server)
    session.post(text_payload(*[f"4{number}\n" for number in range(500)]))
    received: list[str] = []
    while len(received) < 500:
        received += session.poll().split("\x1e")
    assert received == [f"4{number}\n" for number in range(500)]


def test_heartbeat(server: Server) -> None:
    session = Scripts(server)
    session.post("1:2")
    assert session.poll() == "3"


@pytest.mark.parametrize("body", ["abc", "3:4x", "4x", ""])
def test_malformed_payload(server: Server, body: str) -> None:
    session = Scripts(server)
    session.post(body)
    assert not session.is_known
    assert server.logged("close", id=session.sid)["reason"] == "parse error"


@pytest.mark.parametrize("body", ["", "x=2:4x", "2:4x"])
def test_form_without_a_payload(server: Server, body: str) -> None:
    session = Scripts(server)
    answer = request(server, "POST", session.target, body, FORM)
    assert (answer.status, answer.text) == (200, "ok")
    assert not session.is_known


def test_two_polls(server: Server) -> None:
    session = Scripts(server)
    polls = [session.start_poll(), session.start_poll()]
    answers = sorted([poll.answer() for poll in polls], key=lambda answer: answer.status)
    assert javascript(answers[0]) == "1:1"
    assert (answers[1].status, answers[1].body) == (400, b"")
    assert not session.is_known


def test_close_from_the_client(server: Server) -> None:
    session = Scripts(server)
    poll = session.start_poll()
    session.post("1:1")
    assert javascript(poll.answer()) == "1:6"
    assert not session.is_known
    assert server.logged("close", id=session.sid)["reason"] == "transport close"


def test_close_from_the_server(server: Server) -> None:
    session = Scripts(server)
    poll = session.start_poll()
    session.post(text_payload("4please close"))
    assert javascript(poll.answer()) == "1:1"
    assert server.logged("close", id=session.sid)["reason"] == "forced close"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("EIO=3&transport=polling&j=0&sid=nobody", {"code": 1, "message": "Session ID unknown"}),
        ("EIO=3&transport=abc&j=0", {"code": 0, "message": "Transport unknown"}),
    ],
)
def test_error(server: Server, query: str, error: dict[str, object]) -> None:
    """As JSON: the browser reports a script that could not be loaded, and nothing of it can be read."""
    assert request(server, "GET", f"/engine.io/?{query}").error == (400, error)


def test_upgrade(server: Server) -> None:
    session = Scripts(server)
    poll = session.start_poll()
    candidate = session.probe()
    assert javascript(poll.answer()) == "1:6"
    session.post("10:b4AQIDBA==")
    candidate.send("5")
    assert candidate.receive() == b"\x01\x02\x03\x04"
    candidate.close()


def test_socketio(server: Server) -> None:
    session = Scripts(server, "/socket.io/")
    received: list[str] = []
    while len(received) < 2:
        received += session.poll().split("\x1e")
    assert received == ["40", '42["auth",{}]']
    assert server.logged("connection", id=session.sid)["namespace"] == "/"
    session.post(
        text_payload('42["message","a\\nb","€"]', '451-7["message-with-ack",{"_placeholder":true,"num":0}]', "b4AAH/")
    )
    while len(received) < 5:
        received += session.poll().split("\x1e")
    assert received[2:] == ['42["message-back","a\\nb","€"]', '461-7[{"_placeholder":true,"num":0}]', "bAAH/"]
