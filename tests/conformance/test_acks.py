"""socket.io-client: acknowledgements both ways."""

from typing import Any

import pytest

from tests.conformance.conftest import Dial
from tests.conformance.peers import PeerError
from tests.conformance.servers import Server

ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "one": ["one"],
    "null": [None],
    "several": [1, "2", {"3": [False]}, None],
    "a list": [[1, 2]],
    "binary": [b"\x00\xff", {"deep": [b""]}],
    "binary and text": ["text", b"binary", None],
}


@pytest.mark.old_clients("polling", "upgrade")
@pytest.mark.parametrize("args", ARGUMENTS.values(), ids=list(ARGUMENTS))
def test_the_server_answers(dial: Dial, args: list[Any]) -> None:
    socket = dial().socket("/custom")
    socket.connected()
    assert socket.call("message-with-ack", *args) == args


@pytest.mark.parametrize("args", ARGUMENTS.values(), ids=list(ARGUMENTS))
def test_the_client_answers(dial: Dial, args: list[Any]) -> None:
    socket = dial().socket("/custom", answers={"question": "echo"})
    socket.connected()
    socket.emit("ask", 5, *args)
    # The value of an answer is None for no argument and for one null.
    expected = [["value", *args], ["value"]] if args == [None] else [["value", *args]]
    assert socket.expect("answered") in expected
    assert socket.expect("question") == args


def test_answers_find_their_questions(dial: Dial) -> None:
    """Ids start with 0 in each direction and in each namespace."""
    client = dial()
    sockets = [client.socket(name, answers={"question": "echo"}) for name in ("/", "/custom")]
    for socket in sockets:
        socket.connected()
    asked = [(socket, number, socket.ask("message-with-ack", number)) for number in range(10) for socket in sockets]
    for number in range(10):
        for socket in sockets:
            socket.emit("ask", 5, number)
    for socket, number, question in reversed(asked):
        assert socket.answer(question) == [number]
    for socket in sockets:
        assert [socket.expect("answered") for _ in range(10)] == [["value", number] for number in range(10)]


def test_timeout_on_the_server(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    socket.emit("ask", 0.05, "anybody there?")
    assert socket.expect("question") == ["anybody there?"]
    assert socket.expect("answered")[0] == "timeout"


def test_timeout_on_the_client(dial: Dial, version: str) -> None:
    socket = dial().socket()
    socket.connected()
    if version == "4":
        with pytest.raises(PeerError, match="operation has timed out"):
            socket.call("no such event", timeout=50)
        assert socket.call("message-with-ack", "in time", timeout=5000) == ["in time"]
    else:
        # Earlier versions have no timeout of their own: the question just stays open, beside others.
        unanswered = socket.ask("no such event")
        assert socket.call("message-with-ack", "answered") == ["answered"]
        with pytest.raises(AssertionError):
            socket.client.peer.result(unanswered, patience=0.05)


def test_a_question_ends_when_the_client_leaves(dial: Dial, server: Server) -> None:
    """Not only after its timeout."""
    socket = dial().socket()
    sid = socket.connected()
    socket.emit("ask in vain")
    socket.expect("question")
    socket.disconnect()
    assert server.logged("in vain", id=sid, patience=1)["error"] == "disconnected"


def test_everybody_answers(dial: Dial, fresh: str) -> None:
    sockets = [dial().socket(fresh, answers={"question": [number]}) for number in range(3)]
    for socket in sockets:
        socket.connected()
    sockets[0].emit("poll", {}, 5, "question", "how many?")
    how, answers = sockets[0].expect("polled")
    assert how == "all"
    assert sorted(answers) == [0, 1, 2]
    assert [socket.expect("question") for socket in sockets] == [["how many?"]] * 3


def test_everybody_answers_with_binary(dial: Dial, fresh: str) -> None:
    sockets = [dial().socket(fresh, answers={"question": "echo"}) for _ in range(2)]
    for socket in sockets:
        socket.connected()
    sockets[0].emit("poll", {}, 5, "question", {"data": b"\x00\x01"})
    assert sockets[0].expect("polled") == ["all", [{"data": b"\x00\x01"}] * 2]


def test_some_answer_in_time(dial: Dial, fresh: str) -> None:
    sockets = [dial().socket(fresh, answers=answers) for answers in ({"question": ["here"]}, {}, {"question": [None]})]
    for socket in sockets:
        socket.connected()
    sockets[0].emit("poll", {}, 0.3, "question")
    how, answers = sockets[0].expect("polled")
    assert how == "timeout"
    assert sorted(answers, key=str) == [None, "here"]


def test_the_others_answer(dial: Dial, fresh: str) -> None:
    sockets = [dial().socket(fresh, answers={"question": [number]}) for number in range(3)]
    for socket in sockets:
        socket.connected()
    sockets[0].emit("poll", {"from": "broadcast"}, 5, "question")
    how, answers = sockets[0].expect("polled")
    assert (how, sorted(answers)) == ("all", [1, 2])


def test_nobody_is_asked(dial: Dial, room: str) -> None:
    socket = dial().socket()
    socket.connected()
    socket.emit("poll", {"to": room}, 5, "question")
    assert socket.expect("polled") == ["all", []]
