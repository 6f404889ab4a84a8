"""One client in one namespace: its state, and what is sent to it."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import Socket
from tests.unit.socketio.helpers import Net

Serve = Callable[..., Net]


def test_its_state(serve: Serve) -> None:
    net = serve()
    states: list[Any] = []

    def note(socket: Socket, *_: object) -> None:
        states.append((socket.connected, socket.disconnected, repr(socket)))

    net.io.use(note)
    for event in ("connection", "disconnecting", "disconnect"):
        net.io.on(event, note)
    client, _ = net.socket()
    client.lose()
    assert states == [
        (False, False, "<Socket s1 of / connecting>"),
        (True, False, "<Socket s1 of / connected>"),
        (False, True, "<Socket s1 of / disconnected>"),
        (False, True, "<Socket s1 of / disconnected>"),
    ]


def test_its_data_is_the_applications(serve: Serve) -> None:
    net = serve()
    net.io.use(lambda socket: socket.data.update(user="x"))
    (_, _), (one, two) = net.sockets(2)
    one.data["n"] = 1
    assert one.data == {"user": "x", "n": 1}
    assert two.data == {"user": "x"}


def test_values_of_every_kind_on_the_wire(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket("/a")
    socket.emit("x")
    socket.emit(7, None, True, 1.5, "é\u2028\U0001f600", [(1, 2)], {"k": {}})
    socket.emit("b", bytearray(b"\1"), [{"k": memoryview(b"\2")}])
    net.pump()
    assert client.heard() == [
        '2/a,["x"]',
        '2/a,[7,null,true,1.5,"é\u2028\U0001f600",[[1,2]],{"k":{}}]',
        '52-/a,["b",{"_placeholder":true,"num":0},[{"k":{"_placeholder":true,"num":1}}]]',
        b"\1",
        b"\2",
    ]


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), {"a": [object()]}])
def test_what_cannot_be_sent_is_an_error_here(serve: Serve, value: object) -> None:
    net = serve()
    client, socket = net.socket()
    with pytest.raises(LocalProtocolError):
        socket.emit("x", value)
    net.pump()
    assert client.heard() == []
    assert socket.emit("x") is True


@pytest.mark.parametrize(
    "event", ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
)
def test_reserved_names_cannot_be_sent(serve: Serve, event: str) -> None:
    net = serve()
    _, socket = net.socket()
    for emit in (socket.emit, socket.volatile.emit, socket.emit_with_ack, net.io.emit):
        with pytest.raises(LocalProtocolError, match=event):
            emit(event)


def test_after_the_end_everything_is_harmless(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    client.lose()
    assert socket.emit("x") is False
    assert socket.volatile.emit("x") is False
    assert socket.send() is False
    assert socket.drain().done
    assert socket.buffered == 0
    socket.join("a")
    socket.leave("a")
    socket.disconnect()
    socket.to("a").emit("x")
    socket.broadcast.emit("x")
    assert socket.rooms == set()
    socket.forget_rooms()
    net.pump()
    assert net.app.next_deadline() is None


def test_emitting_from_handlers_of_the_end(serve: Serve) -> None:
    net = serve()
    answers: list[Any] = []

    def leaving(socket: Socket, reason: str) -> None:
        answers.append(socket.emit("x"))
        for room in socket.rooms:
            socket.to(room).emit("left", socket.id)

    net.io.on("disconnecting", leaving)
    (first, second), (one, two) = net.sockets(2)
    one.join("a")
    two.join("a")
    first.lose()
    assert answers == [False]
    assert second.heard() == ['2["left","s1"]']


def test_a_packet_and_its_attachments_stay_together(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    client.stall()
    net.io.on("x", lambda socket: socket.emit("b", b"\1"))
    socket.emit("a", b"\0")
    client.say('2["x"]')
    net.io.emit("c")
    client.unstall()
    assert client.heard() == [
        '51-["a",{"_placeholder":true,"num":0}]',
        b"\0",
        '51-["b",{"_placeholder":true,"num":0}]',
        b"\1",
        '2["c"]',
    ]


def test_operators_of_a_socket_are_immutable(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    quiet = socket.volatile
    slow = socket.timeout(3.0).compress(False).volatile
    assert (quiet.seconds, quiet.delivery.compress) == (None, True)
    assert (slow.seconds, slow.delivery.compress, slow.delivery.volatile) == (3.0, False, True)
    with pytest.raises(AttributeError):
        quiet.seconds = 2.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
