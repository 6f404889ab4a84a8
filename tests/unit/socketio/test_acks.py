"""Acknowledgements of clients: one and many, and how they end."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import AckDisconnected, AckError, AckTimeout, Socket
from sansio_eio.socketio.acks import ack_arguments, ack_value
from tests.unit.socketio.helpers import Log, Net, ended

Serve = Callable[..., Net]


def test_the_value_of_an_answer() -> None:
    assert ack_value([]) is None
    assert ack_value(["a"]) == "a"
    assert ack_value([None]) is None
    assert ack_value(["a", 2]) == ("a", 2)


def test_the_arguments_of_a_return_value() -> None:
    assert ack_arguments(None) == []
    assert ack_arguments("a") == ["a"]
    assert ack_arguments([1]) == [[1]]
    assert ack_arguments(("a", 2)) == ["a", 2]
    assert ack_arguments((None,)) == [None]


# -- one -----------------------------------------------------------------------------------------------------------


def test_ids_count_from_0_in_each_namespace(serve: Serve) -> None:
    net = serve()
    (first, second), (one, two) = net.sockets(2)
    acks = [one.emit_with_ack("a", b"\0"), two.emit_with_ack("b"), one.emit_with_ack("c")]
    net.pump()
    assert first.heard() == ['51-0["a",{"_placeholder":true,"num":0}]', b"\0", '22["c"]']
    assert second.heard() == ['21["b"]']
    first.say("32[2]", "30[0]")
    second.say("31[]")
    assert [ack.value for ack in acks] == [0, None, 2]
    other, socket = net.socket("/x")
    socket.emit_with_ack("d")
    net.pump()
    assert other.heard() == ['2/x,0["d"]']
    assert net.app.next_deadline() is not None


def test_several_arguments_and_attachments(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    ack = socket.emit_with_ack("x")
    client.say('61-0["a",[{"_placeholder":true,"num":0}]]', b"\1")
    assert ack.value == ("a", [b"\1"])


def test_without_a_timeout_it_waits_as_long_as_the_client_is_there(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    ack = socket.emit_with_ack("x")
    net.later(9_000.0)
    assert not ack.done
    client.say("1")
    assert ack.done
    with pytest.raises(AckDisconnected, match="socket has been disconnected"):
        _ = ack.value


@pytest.mark.parametrize("how", ["timeout", "call", "volatile"])
def test_a_timeout_starts_to_count_at_the_next_advance(serve: Serve, how: str) -> None:
    net = serve()
    client, socket = net.socket()
    net.now += 3.0
    if how == "timeout":
        ack = socket.timeout(5.0).emit_with_ack("x")
    elif how == "call":
        ack = socket.call("x", timeout=5.0)
    else:
        ack = socket.volatile.compress(False).timeout(5.0).emit_with_ack("x")
    net.pump()
    assert client.heard() == ['20["x"]']
    net.later(4.9)
    assert not ack.done
    net.later(0.1)
    assert isinstance(ack.error, AckTimeout)
    assert str(ack.error) == "operation has timed out"
    assert ack.error.responses == []
    client.say('30["late"]')
    assert isinstance(ack.error, AckTimeout)


def test_an_answer_in_time_leaves_no_deadline(serve: Serve) -> None:
    net = serve(ping_interval=1e9)
    client, socket = net.socket()
    ack = socket.timeout(5.0).emit_with_ack("x")
    net.pump()
    client.say('30["y"]')
    assert ack.value == "y"
    assert len(net.app.deadlines) == 1


def test_a_flood_before_the_answer_is_no_deadlock(serve: Serve) -> None:
    net = serve(max_inbound=4, ack_timeout=10.0, ping_interval=1e9)
    log = Log("x").watch(net.io)

    @net.io.on("ask")
    async def ask(socket: Socket) -> None:
        await socket.emit_with_ack("question")

    client, _ = net.socket()
    log.taken()
    client.say('2["ask"]')
    client.say(*['2["x"]'] * 5)
    # The answer is on its way, behind all of this, but nobody reads it.
    assert not client.exchange.reading
    net.later(9.9)
    assert log.taken() == []
    net.later(0.1)
    assert net.failures() == [("a handler of ask", "AckTimeout: operation has timed out")]
    assert log.taken() == [("x", "s1")] * 5
    assert client.exchange.reading
    client.say("30[]")
    client.say('2["ask"]')
    client.say(*['2["x"]'] * 5)
    net.later(9.9)
    client.lose()
    assert len(net.failures()) == 1
    assert len(log.taken()) == 7
    assert net.app.next_deadline() is None


def test_unknown_and_repeated_answers_are_ignored(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    client.say("30[]", "3999[]")
    ack = socket.emit_with_ack("x")
    client.say("31[]", '30["first"]', '30["second"]')
    assert ack.value == "first"
    assert not client.closed


def test_the_answer_of_another_socket_does_not_count(serve: Serve) -> None:
    net = serve()
    (_, thief), (one, _) = net.sockets(2)
    ack = one.emit_with_ack("x")
    thief.say("30[]")
    assert not ack.done


def test_every_end_of_the_connection_ends_the_acknowledgements(serve: Serve) -> None:
    ends: list[Callable[[Net, Any, Socket], object]] = [
        lambda net, client, socket: client.lose(),
        lambda net, client, socket: client.say("nonsense"),
        lambda net, client, socket: socket.disconnect(),
        lambda net, client, socket: socket.disconnect(close=True),
        lambda net, client, socket: net.io.close(),
    ]
    for end in ends:
        net = serve()
        client, socket = net.socket()
        acks = [socket.emit_with_ack("x"), socket.timeout(5.0).emit_with_ack("y")]
        end(net, client, socket)
        assert [type(ack.error) for ack in acks] == [AckDisconnected] * 2
        net.later(10_000.0)


def test_after_the_end_it_has_ended_at_once(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    socket.disconnect()
    assert isinstance(socket.emit_with_ack("x").error, AckDisconnected)
    assert isinstance(socket.call("x", timeout=1.0).error, AckDisconnected)


def test_too_many_pending_acknowledgements(serve: Serve) -> None:
    net = serve(max_pending_acks=2)
    client, socket = net.socket()
    first, second, third = (socket.timeout(5.0).emit_with_ack("x", number) for number in range(3))
    net.pump()
    assert client.heard() == ['20["x",0]', '21["x",1]']
    assert str(third.error) == "too many acknowledgements are pending"
    client.say("30[]")
    fourth = socket.emit_with_ack("x", 3)
    assert (first.done, second.done, fourth.done) == (True, False, False)


def test_an_event_that_is_dropped_is_not_answered(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    client.stall()
    socket.emit("x")
    net.pump()
    ack = socket.volatile.emit_with_ack("y")
    assert type(ack.error) is AckError
    assert str(ack.error) == "the event could not be sent"


def test_an_event_that_cannot_be_encoded_leaves_nothing(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    for emit in (socket.emit_with_ack, socket.timeout(5.0).emit_with_ack, net.io.emit_with_ack, socket.emit):
        with pytest.raises(LocalProtocolError):
            emit("x", object())
        with pytest.raises(LocalProtocolError, match="disconnecting is the name of an event"):
            emit("disconnecting")
    assert len(net.app.deadlines) == 1  # that of the session


def test_a_failing_callback_is_reported(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    ack = socket.emit_with_ack("x")

    def fail(pending: object) -> None:
        raise ValueError("x")

    ack.add_done_callback(fail)
    client.say("30[]")
    assert ack.value is None
    assert net.failures() == [("a callback", "ValueError: x")]


def test_a_callback_may_end_everything(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    socket.emit_with_ack("x").add_done_callback(lambda ack: socket.disconnect(close=True))
    client.say("30[]", '2["x"]')
    assert client.closed


def test_a_callback_may_end_the_other_sockets_of_its_client(serve: Serve) -> None:
    net = serve()
    net.io.of("/b")
    log, other = Log().watch(net.io), Log().watch(net.io.of("/b"))
    client = net.client("0", "0/b,")
    one, two = net.io.sockets.sockets["s1"], net.io.of("/b").sockets["s2"]
    one.emit_with_ack("x").add_done_callback(lambda ack: two.disconnect())
    log.taken()
    other.taken()
    client.lose()
    assert log.taken() == ended("s1", "transport close")
    assert other.taken() == ended("s2", "server namespace disconnect")
    assert net.app.next_deadline() is None


# -- many ----------------------------------------------------------------------------------------------------------


def test_answers_come_in_their_own_order(serve: Serve) -> None:
    net = serve()
    clients, _ = net.sockets(3)
    ack = net.io.emit_with_ack("x", b"\0")
    net.pump()
    for client in clients:
        assert client.heard() == ['51-0["x",{"_placeholder":true,"num":0}]', b"\0"]
    for number in (2, 0, 1):
        assert not ack.done
        clients[number].say(f"30[{number}]")
    assert ack.value == [2, 0, 1]
    for client in clients:
        client.say("30[9]")
    assert ack.value == [2, 0, 1]
    assert len(net.app.deadlines) == 3


def test_a_timeout_has_the_answers_that_did_come(serve: Serve) -> None:
    net = serve()
    clients, sockets = net.sockets(3)
    ack = net.io.timeout(5.0).emit_with_ack("x")
    net.pump()
    clients[1].say("30[1,2]")
    net.later(4.9)
    assert not ack.done
    net.later(0.1)
    assert isinstance(ack.error, AckTimeout)
    assert ack.error.responses == [(1, 2)]
    clients[0].say("30[0]")
    assert ack.error.responses == [(1, 2)]
    for socket in sockets:
        assert not socket.forget_ack(0)


def test_the_default_timeout_is_the_servers(serve: Serve) -> None:
    net = serve(ack_timeout=2.0)
    net.socket()
    ack = net.io.emit_with_ack("x")
    net.later(1.9)
    assert not ack.done
    net.later(0.1)
    assert isinstance(ack.error, AckTimeout)


def test_who_leaves_is_not_waited_for(serve: Serve) -> None:
    net = serve()
    clients, _ = net.sockets(3)
    ack = net.io.emit_with_ack("x")
    clients[0].say('30["a"]')
    clients[1].lose()
    assert not ack.done
    clients[2].say('30["c"]')
    assert isinstance(ack.error, AckDisconnected)
    assert ack.error.responses == ["a", "c"]
    assert len(net.app.deadlines) == 2


def test_nobody_is_asked(serve: Serve) -> None:
    net = serve()
    assert net.io.emit_with_ack("x").value == []
    assert net.io.to("nowhere").timeout(1.0).emit_with_ack("x").value == []
    assert len(net.app.deadlines) == 0


def test_who_cannot_be_asked(serve: Serve) -> None:
    net = serve(max_pending_acks=1)
    (first, second), (one, two) = net.sockets(2)
    one.emit_with_ack("x")
    two.emit_with_ack("x")
    net.pump()
    second.say("31[]")
    ack = net.io.emit_with_ack("y")
    net.pump()
    assert first.heard() == ['20["x"]']
    assert second.heard() == ['21["x"]', '22["y"]']
    second.say('32["answer"]')
    assert type(ack.error) is AckError
    assert str(ack.error) == "too many acknowledgements are pending"
    assert ack.error.responses == ["answer"]


def test_who_is_sent_away_by_the_answer_of_another(serve: Serve) -> None:
    net = serve(max_outbound=1024)
    (first, second), (one, two) = net.sockets(2)
    first.stall()
    pending = one.emit_with_ack("x")
    pending.add_done_callback(lambda ack: two.disconnect())
    ack = net.io.emit_with_ack("y", "z" * 1000)
    # The first was over its limit, its end sent the second away, which therefore did not get the event any more.
    assert one.disconnected
    assert isinstance(ack.error, AckDisconnected)
    net.pump()
    assert second.heard() == ["1"]
