"""socket.io-client with socket.io-msgpack-parser: the parser that has binary inside, end to end."""

from typing import Any

import pytest

from tests.conformance.conftest import Dial
from tests.conformance.raw import wait_for_what_was_sent
from tests.conformance.servers import Server

PATH = "/msgpack/socket.io/"

pytestmark = pytest.mark.old_clients()

VALUES: list[Any] = [
    {"text": "😀 ä\0\u2028", "number": 1.5, "big": 2**40, "negative": -7, "none": None, "list": [True, False, []]},
    b"",
    {"deep": [b"\x00\x01", {"deeper": bytes(300)}]},
]


def test_events_and_acks(dial: Dial) -> None:
    client = dial(PATH, parser="msgpack")
    for name in ("/", "/custom"):
        socket = client.socket(name, auth={"key": b"\x00"}, answers={"question": "echo"})
        socket.connected()
        assert socket.expect("auth") == [{"key": b"\x00"}]
        socket.emit("message", *VALUES)
        assert socket.expect("message-back") == VALUES
        assert socket.call("message-with-ack", *VALUES) == VALUES
        socket.emit("ask", 5, *VALUES)
        assert socket.expect("answered") == ["value", *VALUES]


def test_refusals(dial: Dial) -> None:
    client = dial(PATH, parser="msgpack")
    assert client.socket("/nowhere").refused() == {"message": "Invalid namespace", "data": None}
    assert client.socket("/admin").refused()["data"]["why"] == ["no token", None, {"☃": 1.5}]


def test_broadcast_and_disconnect(dial: Dial, server: Server, room: str) -> None:
    sockets = [dial(PATH, parser="msgpack").socket() for _ in range(2)]
    ids = [socket.connected() for socket in sockets]
    for socket in sockets:
        assert socket.call("join", [room]) == [[room]]
    assert sockets[0].call("tell", {"to": room}, "told", b"\x01", "two") == [True]
    for socket in sockets:
        assert socket.expect("told") == [b"\x01", "two"]
    sockets[0].emit("kick", False)
    assert sockets[0].disconnected() == "io server disconnect"
    sockets[1].disconnect()
    assert server.logged("disconnect", id=ids[0])["reason"] == "server namespace disconnect"
    assert server.logged("disconnect", id=ids[1])["reason"] == "client namespace disconnect"


def test_large_message_in_order(dial: Dial) -> None:
    socket = dial(PATH, parser="msgpack").socket()
    socket.connected()
    data = bytes(range(256)) * 2000
    socket.emit("message", data)
    socket.emit("message", times=200)
    assert socket.expect("message-back") == [data]
    assert [socket.expect("message-back") for _ in range(200)] == [[number] for number in range(200)]


def test_packet_that_cannot_be_parsed(dial: Dial, server: Server) -> None:
    client = dial(PATH, parser="msgpack")
    socket = client.socket()
    sid = socket.connected()
    socket.expect("auth")
    wait_for_what_was_sent(server)
    client.write(b"\xc1")
    assert socket.disconnected() == "transport close"
    assert server.logged("disconnect", id=sid)["reason"] == "parse error"
