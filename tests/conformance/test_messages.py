"""socket.io-client: what goes through, and in which order."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.conftest import EVERY_FORM, Dial
from tests.conformance.processes import PATIENCE


def attempts() -> Iterator[int]:
    """Numbers, as long as there is patience."""
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < PATIENCE:
        yield number
        number += 1
    raise AssertionError("never delivered")


TEXTS = {
    "emoji": "😀👩‍👩‍👧 ☃ ä",
    "lone surrogates": "a\ud800b\udc00c",
    "line separators": "a\u2028b\u2029c\r\n\td",
    "NUL": "a\0b\x1e\x7f",
    "quotes": "\"'\\</script>",
    "empty": "",
}


@pytest.mark.old_clients(*EVERY_FORM)
@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_text(dial: Dial, text: str) -> None:
    socket = dial().socket()
    socket.connected()
    socket.emit("message", text, {text: [text]})
    assert socket.expect("message-back") == [text, {text: [text]}]
    assert socket.call("message-with-ack", text) == [text]


def test_event_with_a_name_of_any_kind(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    name = 'ключ\n"😀" ,[1]'
    socket.emit("count", 1, name)
    assert socket.expect(name) == [0]


def test_json_values(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    values: list[Any] = [0, -1, 1.5, 1e21, 2**53, True, False, None, [], {}, [[[[]]]], {"a": {"b": [None]}}]
    socket.emit("message", *values)
    assert socket.expect("message-back") == values


def test_event_without_arguments(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    socket.emit("message")
    assert socket.expect("message-back") == []


BINARIES: dict[str, list[Any]] = {
    "one": [b"\x00\x01\xfe\xff"],
    "empty": [b""],
    "several": [b"1", "text", b"", b"2", b"3"],
    "nested": [{"a": [b"deep", {"b": {"c": b"deeper"}}], "n": None}, [[b"list"]]],
    "ten": [[bytes([n]) * n for n in range(10)]],
    "like text": [b"42[]", b"b64", b"\x1e"],
}


@pytest.mark.old_clients(*EVERY_FORM)
@pytest.mark.parametrize("args", BINARIES.values(), ids=list(BINARIES))
def test_binary(dial: Dial, args: list[Any]) -> None:
    socket = dial().socket("/custom")
    socket.connected()
    socket.emit("message", *args)
    assert socket.expect("message-back") == args
    assert socket.call("message-with-ack", *args) == args


@pytest.mark.old_clients("polling")
def test_large_text(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    text = "0123456789 äö☃😀" * 40_000
    assert len(text.encode()) > 800_000
    socket.emit("message", text)
    assert socket.expect("message-back") == [text]


@pytest.mark.old_clients("websocket")
def test_large_text_of_900_kilobytes(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    text = "x" * 900_000
    assert socket.call("message-with-ack", text) == [text]


@pytest.mark.old_clients(*EVERY_FORM)
def test_large_binary(dial: Dial, transport: str) -> None:
    """Over polling, base64 makes it a third longer."""
    socket = dial().socket()
    socket.connected()
    data = bytes(range(256)) * (3600 if transport == "websocket" else 2800)
    socket.emit("message", data)
    assert socket.expect("message-back") == [data]


@pytest.mark.old_clients("polling", "upgrade")
def test_200_messages_each_way_in_order(dial: Dial, transport: str) -> None:
    client = dial()
    socket = client.socket()
    socket.connected()
    # The upgrade, where there is one, takes place while they are on their way.
    socket.emit("count", 200, "from the server")
    socket.emit("message", times=200)
    assert [socket.expect("from the server")[0] for _ in range(200)] == list(range(200))
    assert [socket.expect("message-back")[0] for _ in range(200)] == list(range(200))
    if transport == "upgrade":
        assert client.expect("upgrade") == ["websocket"]
    assert socket.call("message-with-ack", "after") == ["after"]


@pytest.mark.old_clients("polling", "upgrade")
def test_messages_in_order_all_the_way_through_the_upgrade(dial: Dial, transport: str) -> None:
    """Not in one go: one echo after the other, before, while and after the transport changes."""
    client = dial()
    socket = client.socket()
    socket.connected()
    for number in range(60):
        socket.emit("message", number, bytes([number]))
        if number >= 3:
            assert socket.expect("message-back") == [number - 3, bytes([number - 3])]
    if transport == "upgrade":
        assert client.expect("upgrade") == ["websocket"]
        assert client.transport == "websocket"
    else:
        assert client.transport == transport


def test_handlers_of_one_socket_run_in_order(dial: Dial) -> None:
    """`ask` waits for an answer of the client: what comes later waits behind it, or at least never gets ahead of it."""
    socket = dial().socket(answers={"question": "echo"})
    socket.connected()
    for number in range(20):
        socket.emit("ask", 5, number)
    assert [socket.expect("answered") for _ in range(20)] == [["value", number] for number in range(20)]


@pytest.mark.old_clients("polling")
def test_5000_small_messages_in_a_row(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    socket.emit("message", "x", times=5000)
    assert [socket.expect("message-back")[1] for _ in range(5000)] == list(range(5000))


def test_volatile(dial: Dial) -> None:
    """A volatile event may be dropped; nothing else is lost for it, and none comes twice."""
    socket = dial().socket()
    sid = socket.connected()
    for _ in range(5):
        socket.call("tell", {"to": sid, "volatile": True}, "fleeting", 1)
        socket.call("tell", {"to": sid}, "lasting", 2)
    assert [socket.expect("lasting") for _ in range(5)] == [[2]] * 5
    fleeting = socket.seen("fleeting")
    assert fleeting == [[1]] * len(fleeting)
    assert len(fleeting) <= 5


@pytest.mark.old_clients("polling", "upgrade")
def test_volatile_gets_through_when_idle(dial: Dial, room: str) -> None:
    """A receiver that has nothing under way: its poll waits, or its WebSocket is free."""
    receiver, sender = dial().socket(), dial().socket()
    receiver.connected()
    sender.connected()
    assert receiver.call("join", [room]) == [[room]]
    for attempt in attempts():
        assert sender.call("tell", {"to": room, "volatile": True}, "fleeting", attempt) == [True]
        if receiver.seen("fleeting"):
            break


@pytest.mark.old_clients
def test_volatile_from_the_client(dial: Dial) -> None:
    socket = dial().socket()
    socket.connected()
    for attempt in attempts():
        socket.emit("message", attempt, volatile=True)
        if socket.seen("message-back"):
            break


def test_compress_flag(dial: Dial) -> None:
    socket = dial(perMessageDeflate={"threshold": 0}).socket()
    sid = socket.connected()
    socket.emit("message", "x" * 5000, compress=False)
    assert socket.expect("message-back") == ["x" * 5000]
    for compress in (True, False):
        socket.call("tell", {"to": sid, "compress": compress}, "told", "y" * 5000)
        assert socket.expect("told") == ["y" * 5000]


@pytest.mark.old_clients("websocket")
def test_permessage_deflate(dial: Dial) -> None:
    socket = dial("/deflate/socket.io/", perMessageDeflate={"threshold": 0}).socket()
    socket.connected()
    for size in (1, 100, 70_000, 500_000):
        assert socket.call("message-with-ack", "z" * size, b"z" * size) == ["z" * size, b"z" * size]


def test_messages_before_the_connection(dial: Dial) -> None:
    """The client keeps what is emitted too early, and sends it behind its CONNECT."""
    socket = dial().socket()
    socket.emit("message", 1)
    socket.emit("message", 2)
    assert socket.call("message-with-ack", 3) == [3]
    assert [socket.expect("message-back") for _ in range(2)] == [[1], [2]]
