"""Clients of 2.x and of 4.x in one room: each gets what is sent in the form that it reads."""

from typing import Any

import pytest

from tests.conformance.conftest import IN_BASE64, TRANSPORTS
from tests.conformance.peers import Answers, Client, Peer, Socket
from tests.conformance.processes import PATIENCE
from tests.conformance.servers import Server

CLIENTS = [
    ("2", "polling"),
    ("2", "polling-base64"),
    ("2", "websocket"),
    ("2", "websocket-base64"),
    ("2", "upgrade"),
    ("4", "polling"),
    ("4", "websocket"),
    ("4", "upgrade"),
]


class Room:
    """All of them, in a room of their own; `by_id` has the sockets."""

    def __init__(self, server: Server, peer: Peer, room: str, answers: Answers | None = None) -> None:
        self.room = room
        self.by_id: dict[str, Socket] = {}
        self.clients: list[Client] = []
        for version, transport in CLIENTS:
            options = {"path": "/socket.io/", **(TRANSPORTS | IN_BASE64)[transport]}
            self.clients.append(Client(peer, version, server.url, options))
        sockets = [client.socket(answers=answers) for client in self.clients]
        self.by_id = {socket.connected(): socket for socket in sockets}
        for socket in sockets:
            assert socket.call("join", [room]) == [[room]]

    @property
    def sockets(self) -> list[Socket]:
        return list(self.by_id.values())

    def settle(self) -> None:
        """Everything that was sent to them so far has been received: an answer comes behind it."""
        for question, socket in [(socket.ask("message-with-ack"), socket) for socket in self.sockets]:
            assert socket.answer(question) == []


MESSAGES: dict[str, list[Any]] = {
    "text": ["€ 😀", {"a": [1, None]}],
    "binary": [b"\x00\xff", "€ 😀", {"deep": [b"", {"deeper": bytes(range(256))}]}],
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_broadcast(server: Server, peer: Peer, room: str, message: list[Any]) -> None:
    """From each of them to all, and to all the others."""
    everybody = Room(server, peer, room)
    for sender in everybody.sockets:
        assert sender.call("tell", {"to": room}, "told all", *message) == [True]
        assert sender.call("tell", {"to": room, "from": "socket"}, "told others", *message) == [True]
    everybody.settle()
    count = len(everybody.sockets)
    for socket in everybody.sockets:
        assert socket.seen("told all") == [message] * count
        assert socket.seen("told others") == [message] * (count - 1)


def test_many_in_order(server: Server, peer: Peer, room: str) -> None:
    """Text and binary mixed, while some of them change their transport."""
    everybody = Room(server, peer, room)
    sender = everybody.sockets[-1]
    messages: list[Any] = [number if number % 3 else bytes([number]) for number in range(60)]
    questions = [sender.ask("tell", {"to": room}, "told", message) for message in messages]
    assert [sender.answer(question) for question in questions] == [[True]] * 60
    everybody.settle()
    for socket in everybody.sockets:
        assert socket.seen("told") == [[message] for message in messages]


@pytest.mark.parametrize("question", [["how many?"], ["€ 😀", b"\x00\x01"]], ids=["text", "binary"])
def test_everybody_answers(server: Server, peer: Peer, room: str, question: list[Any]) -> None:
    everybody = Room(server, peer, room, {"question": [{"bytes": b"\x02", "text": "€ 😀"}]})
    for asking in (everybody.sockets[0], everybody.sockets[-1]):
        asking.emit("poll", {"to": room}, PATIENCE, "question", *question)
        assert asking.expect("polled") == ["all", [{"bytes": b"\x02", "text": "€ 😀"}] * len(everybody.sockets)]
        assert [socket.expect("question") for socket in everybody.sockets] == [question] * len(everybody.sockets)


def test_volatile(server: Server, peer: Peer, room: str) -> None:
    """It may be lost, it comes at most once, and nothing else is lost for it."""
    everybody = Room(server, peer, room)
    sender = everybody.sockets[0]
    for number in range(5):
        assert sender.call("tell", {"to": room, "volatile": True}, "fleeting", number, b"\x00") == [True]
        assert sender.call("tell", {"to": room}, "lasting", number, b"\x00") == [True]
    everybody.settle()
    for socket in everybody.sockets:
        assert socket.seen("lasting") == [[number, b"\x00"] for number in range(5)]
        fleeting = [args[0] for args in socket.seen("fleeting")]
        assert fleeting == sorted(set(fleeting))


def test_except_some(server: Server, peer: Peer, room: str) -> None:
    everybody = Room(server, peer, room)
    [(first, one), *_, (last, other)] = everybody.by_id.items()
    assert one.call("tell", {"to": room, "except": [first, last]}, "told", b"\x00") == [True]
    everybody.settle()
    for socket in everybody.sockets:
        assert socket.seen("told") == ([] if socket in (one, other) else [[b"\x00"]])


def test_fetch_sockets(server: Server, peer: Peer, room: str) -> None:
    everybody = Room(server, peer, room)
    found = everybody.sockets[0].call("fetch sockets", {"to": room})[0]
    assert {one["id"] for one in found} == everybody.by_id.keys()


@pytest.mark.parametrize("close", [False, True])
def test_disconnect(server: Server, peer: Peer, room: str, close: bool) -> None:
    everybody = Room(server, peer, room)
    everybody.sockets[0].emit("disconnect sockets", {"to": room}, close)
    for sid, socket in everybody.by_id.items():
        assert socket.disconnected() == "io server disconnect"
        assert server.logged("disconnect", id=sid)["reason"] == "server namespace disconnect"
