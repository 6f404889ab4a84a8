"""What a client's sockets send, keep, refuse, and wait for."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import AckDisconnected, AckError, AckTimeout
from tests.unit.socketio.client_helpers import ClientLog, ClientNet

Dial = Callable[..., ClientNet]

PLACEHOLDER = '{"_placeholder":true,"num":0}'


def again(net: ClientNet, **accepted: int) -> None:
    """Lose the connection and come back, up to before the CONNECT is answered."""
    net.lose()
    net.later(1.0)
    net.accept(**accepted)
    net.heard()


# -- at once -------------------------------------------------------------------------------------------------------


def test_emit(dial: Dial) -> None:
    net = dial().connected()
    assert net.socket.emit("x", 1, b"2", {"a": [3]})
    assert net.socket.send("y")
    assert net.socket.compress(False).send("z")
    assert net.heard() == [f'51-["x",1,{PLACEHOLDER},{{"a":[3]}}]', b"2", '2["message","y"]', '2["message","z"]']


def test_in_a_namespace(dial: Dial) -> None:
    net = dial("http://server/admin").connected()
    net.socket.emit("x")
    net.socket.emit_with_ack("y")
    assert net.heard() == ['2/admin,["x"]', '2/admin,0["y"]']


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize(
    ("event", "args"),
    [("connect", ()), ("disconnecting", ()), ("x", ({1},)), ("x", (float("nan"),)), (None, ()), ("x", ("y" * 2_000,))],
)
def test_what_cannot_be_sent(dial: Dial, connected: bool, event: Any, args: tuple[Any, ...]) -> None:
    net = dial(max_outbound=1_500, ack_timeout=5.0)
    if connected:
        net.connected()
    for emit in (net.socket.emit, net.socket.emit_with_ack, net.socket.volatile.emit):
        with pytest.raises(LocalProtocolError):
            emit(event, *args)
    assert net.socket.buffered == 0
    assert net.client.engine.next_deadline() is None or connected


@pytest.mark.parametrize("timeout", [0, -1.0, float("inf"), float("nan")])
def test_a_timeout_is_positive(dial: Dial, timeout: float) -> None:
    net = dial()
    with pytest.raises(LocalProtocolError):
        net.socket.call("x", timeout=timeout)
    with pytest.raises(LocalProtocolError):
        net.socket.timeout(timeout)


def test_listeners_are_told_what_is_sent_when_it_is_sent(dial: Dial) -> None:
    net = dial()
    told: list[Any] = []

    @net.socket.on_any_outgoing
    def listener(*args: Any) -> None:
        told.append(args)

    net.socket.emit("early", 1)
    net.socket.volatile.emit("dropped")
    assert told == []
    net.connected()
    assert told == [("early", 1)]
    net.socket.emit("now", 2)
    net.socket.emit_with_ack("ask")
    assert told == [("early", 1), ("now", 2), ("ask",)]
    net.socket.off_any_outgoing(listener)
    net.socket.emit("more")
    assert len(told) == 3


def test_a_listener_may_disconnect(dial: Dial) -> None:
    net = dial().connected()
    net.socket.on_any_outgoing(lambda event: net.socket.disconnect())
    assert not net.socket.emit("x")
    assert net.heard() == ["1"]
    net.socket.connect()
    net.accept()
    net.admit()
    net.heard()
    assert isinstance(net.socket.emit_with_ack("x").error, AckDisconnected)
    # What it is told of is sent; the rest waits for the next connection.
    net.socket.emit("first")
    net.socket.emit("second")
    waiting = net.socket.wait_connected()
    net.socket.connect()
    net.accept()
    net.heard()
    net.admit()
    assert net.heard() == ['2["first"]', "1"]
    assert not net.socket.active
    assert waiting.error is not None


# -- limits of the server and of the session -------------------------------------------------------------------------


def test_more_than_the_server_takes(dial: Dial) -> None:
    net = dial(ack_timeout=5.0)
    net.client.open()
    net.accept(max_payload=100)
    net.admit()
    with pytest.raises(LocalProtocolError, match="the server takes 100"):
        net.socket.emit("x", "y" * 100)
    with pytest.raises(LocalProtocolError, match="the server takes 100"):
        net.socket.emit_with_ack("x", b"y" * 101)
    assert len(net.client.engine.deadlines) == 1
    # The parts count each for itself.
    assert net.socket.emit("x", b"y" * 100, b"z" * 100)
    net.say('20["ask"]')
    net.socket.on("ask", lambda: "y" * 100)
    net.say('21["ask"]')
    assert [where for where, _ in net.failures()] == ["the return value of a handler of ask"]


def test_an_answer_that_is_too_large_may_be_followed_by_another(dial: Dial) -> None:
    net = dial()
    net.client.open()
    net.accept(max_payload=100)
    net.admit()
    net.heard()
    net.say('20["ask"]')
    asked = net.socket.next_event()
    assert asked is not None
    with pytest.raises(LocalProtocolError):
        asked.ack("y" * 100)
    assert asked.ack("y")
    assert not asked.ack("z")
    assert net.heard() == ['30["y"]']


def test_a_kept_event_that_the_server_turns_out_not_to_take(dial: Dial) -> None:
    net = dial()
    sent = net.socket.emit("x", "y" * 100), net.socket.emit("x", "z")
    ack = net.socket.emit_with_ack("x", "y" * 100)
    assert sent == (True, True)
    net.client.open()
    net.accept(max_payload=100)
    net.heard()
    net.admit()
    assert net.heard() == ['2["x","z"]']
    assert isinstance(ack.error, AckError)
    assert str(ack.error) == "a message of 111 bytes: the server takes 100"
    assert net.socket.buffered == 0
    assert net.failures() == [
        (
            "an event for / that waited for the connection",
            "LocalProtocolError: a message of 110 bytes: the server takes 100",
        ),
        (
            "an event for / that waited for the connection",
            "LocalProtocolError: a message of 111 bytes: the server takes 100",
        ),
    ]


def test_the_session_is_full(dial: Dial) -> None:
    net = dial(max_outbound=1_024).connected()
    net.stalled = True
    assert net.socket.emit("x", "y" * 900)
    assert not net.socket.emit("x", "y" * 900)
    ack = net.socket.emit_with_ack("x", "y" * 900)
    assert str(ack.error) == "the event could not be sent"
    assert net.socket.buffered == 914
    net.stalled = False
    assert len(net.heard()) == 1
    assert net.socket.emit("x", "y" * 900)


def test_what_is_kept_waits_for_room_in_the_session(dial: Dial) -> None:
    net = dial(max_outbound=1_024)
    other = net.client.of("/b")
    other.emit("a", "y" * 500)
    other.emit("b", "y" * 500)
    waiting = other.emit_with_ack("c")
    net.connected()
    net.heard()
    net.stalled = True
    net.socket.emit("x", "y" * 900)
    net.admit("/b")
    # Behind what is kept, and volatile events not at all.
    assert other.emit("d")
    assert not other.volatile.emit("e")
    net.later(1.0)
    net.stalled = False
    assert [str(packet)[:9] for packet in net.heard()] == ['2["x","yy']
    net.later(0.1)
    heard = [str(packet)[:7] for packet in net.heard()]
    net.later(0.1)
    heard += [str(packet)[:7] for packet in net.heard()]
    assert heard == ['2/b,["a', '2/b,["b', '2/b,0["', '2/b,["d']
    assert not waiting.done
    assert other.buffered == 0


def test_it_waits_for_the_next_session_if_that_comes_first(dial: Dial) -> None:
    net = dial(max_outbound=1_024)
    other = net.client.of("/b")
    other.emit("a", "y" * 500)
    net.connected()
    net.stalled = True
    net.socket.emit("x", "y" * 900)
    net.admit("/b")
    net.lose()
    net.stalled = False
    net.later(1.0)
    net.accept()
    net.heard()
    net.admit("/b")
    assert [str(packet)[:7] for packet in net.heard()] == ['2/b,["a']


def test_the_packets_of_the_protocol_itself_are_sent_whatever_waits(dial: Dial) -> None:
    net = dial(max_outbound=1_024)
    other = net.client.of("/b")
    net.connected()
    net.admit("/b")
    net.stalled = True
    net.socket.emit("x", "y" * 1_005)
    assert not net.socket.emit("too much")
    other.disconnect()
    net.stalled = False
    net.pump()
    assert net.heard()[1:] == ["1/b,"]
    assert net.socket.connected


def test_connects_that_are_too_much_together_are_sent_all_the_same(dial: Dial) -> None:
    net = dial(max_outbound=1_024, auth={"a": "y" * 600})
    net.client.of("/b", auth={"a": "y" * 600})
    net.client.open()
    net.accept()
    assert [text[:3] for text in net.heard()] == ['0{"', "0/b"]


# -- volatile ------------------------------------------------------------------------------------------------------


def test_volatile_events_are_dropped_when_they_cannot_be_sent_now(dial: Dial) -> None:
    net = dial()
    assert not net.socket.volatile.emit("x")
    assert isinstance(net.socket.volatile.emit_with_ack("x").error, AckError)
    net.connected()
    assert net.heard() == []
    assert net.socket.volatile.emit("x")
    assert net.heard() == ['2["x"]']
    net.stalled = True
    net.socket.emit("y")
    net.pump()
    assert not net.socket.volatile.emit("z")
    net.stalled = False
    assert net.heard() == ['2["y"]']
    assert net.socket.buffered == 0


# -- kept ----------------------------------------------------------------------------------------------------------


def test_events_are_kept_for_the_connection(dial: Dial) -> None:
    net = dial()
    log = ClientLog().watch(net.socket)
    net.socket.on("connect", lambda: net.socket.emit("third"))
    assert net.socket.emit("first")
    net.client.open()
    ack = net.socket.emit_with_ack("second", b"1")
    assert net.socket.buffered > 0
    net.accept()
    net.heard()
    net.admit()
    assert net.heard() == ['2["first"]', f'51-0["second",{PLACEHOLDER}]', b"1", '2["third"]']
    assert log.taken() == [("connect",)]
    net.say('30["done"]')
    assert ack.value == "done"
    assert net.socket.buffered == 0


def test_they_are_bounded(dial: Dial) -> None:
    net = dial(max_send_buffer=40)
    assert net.socket.emit("x", "y" * 10)
    assert not net.socket.emit("x", "y" * 10)
    ack = net.socket.emit_with_ack("x", "y" * 10)
    assert isinstance(ack.error, AckError)
    assert str(ack.error) == "the event could not be sent"
    assert net.socket.emit("z")
    net.connected()
    assert net.heard() == ['2["x","yyyyyyyyyy"]', '2["z"]']


def test_a_kept_event_whose_acknowledgement_has_timed_out_is_not_sent(dial: Dial) -> None:
    net = dial(ack_timeout=5.0)
    ack = net.socket.emit_with_ack("x")
    other = net.socket.call("y", timeout=50.0)
    net.later(5.0)
    assert isinstance(ack.error, AckTimeout)
    net.connected()
    assert net.heard() == ['21["y"]']
    net.say('30["late"]', '31["z"]')
    assert other.value == "z"


def test_disconnect_keeps_what_waits_for_the_next_connect(dial: Dial) -> None:
    net = dial()
    net.client.open()
    ack = net.socket.emit_with_ack("x")
    net.socket.disconnect()
    net.socket.emit("y")
    net.socket.connect()
    net.accept()
    net.heard()
    net.admit()
    # Nobody can say when an answer could come, so it is not waited for, and not asked for.
    assert net.heard() == ['2["y"]']
    assert isinstance(ack.error, AckDisconnected)


def test_close_drops_it_and_says_so(dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    net = dial()
    net.socket.emit("x")
    ack = net.socket.emit_with_ack("y")
    net.client.close()
    assert isinstance(ack.error, AckDisconnected)
    assert caplog.messages == ["2 events for / were not sent: the client was closed"]
    assert net.socket.buffered == 0
    # From now on there is nobody who could send it.
    assert not net.socket.emit("x")
    assert isinstance(net.socket.emit_with_ack("y").error, AckDisconnected)
    net.connected()
    assert net.heard() == []


# -- acknowledgements ----------------------------------------------------------------------------------------------


def test_ids_count_per_namespace_and_go_on(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.heard()
    net.admit("/b")
    first, second = net.socket.emit_with_ack("x"), other.emit_with_ack("y")
    assert net.heard() == ['20["x"]', '2/b,0["y"]']
    net.say("30[]", '3/b,0["a",1]')
    assert (first.value, second.value) == (None, ("a", 1))
    again(net)
    net.admit()
    net.socket.emit_with_ack("x")
    assert net.heard() == ['21["x"]']


def test_answers_to_nothing_are_ignored(dial: Dial) -> None:
    net = dial().connected()
    ack = net.socket.emit_with_ack("x")
    net.say("37[1]", "30[2]", "30[3]")
    assert ack.value == 2


def test_a_timeout(dial: Dial) -> None:
    net = dial(ack_timeout=5.0).connected()
    short, long, standard = (
        net.socket.timeout(1.0).emit_with_ack("x"),
        net.socket.call("x", timeout=9.0),
        net.socket.emit_with_ack("x"),
    )
    net.heard()
    net.later(1.0)
    assert isinstance(short.error, AckTimeout)
    net.later(4.0)
    assert isinstance(standard.error, AckTimeout)
    net.say('31["there"]')
    assert long.value == "there"
    assert len(net.client.engine.deadlines) == 1


@pytest.mark.parametrize(
    "end",
    [ClientNet.lose, lambda net: net.say("1"), lambda net: net.socket.disconnect(), lambda net: net.client.close()],
)
def test_what_was_sent_ends_with_the_connection(dial: Dial, end: Callable[[ClientNet], Any]) -> None:
    net = dial().connected()
    ack = net.socket.timeout(100.0).emit_with_ack("x")
    net.heard()
    end(net)
    assert isinstance(ack.error, AckDisconnected)
    kept = net.socket.emit_with_ack("y")
    assert kept.done is not net.socket.active


def test_too_many(dial: Dial) -> None:
    net = dial(max_pending_acks=1).connected()
    first = net.socket.emit_with_ack("x")
    second = net.socket.timeout(3.0).emit_with_ack("x")
    assert str(second.error) == "too many acknowledgements are pending"
    assert net.heard() == ['20["x"]']
    net.say("30[]")
    assert first.done
    assert not net.socket.emit_with_ack("x").done


def test_who_is_told_of_the_end_may_emit(dial: Dial) -> None:
    net = dial().connected()
    acks: list[Any] = []
    net.socket.emit_with_ack("x").add_done_callback(lambda _: acks.append(net.socket.emit_with_ack("y")))
    net.heard()
    again(net)
    assert not acks[0].done
    net.admit()
    assert net.heard() == ['21["y"]']


# -- drain ---------------------------------------------------------------------------------------------------------


def test_drain(dial: Dial) -> None:
    net = dial()
    assert net.socket.drain().done
    net.client.open()
    net.socket.emit("x", "y" * 100_000)
    drained = net.socket.drain()
    assert not drained.done
    net.accept()
    net.stalled = True
    net.admit()
    assert not drained.done
    net.stalled = False
    net.pump()
    assert drained.done
    assert net.socket.drain().done


def test_drain_of_a_socket_that_has_given_up(dial: Dial) -> None:
    net = dial()
    net.client.open()
    net.socket.emit("x", "y" * 100_000)
    drained = net.socket.drain()
    net.socket.disconnect()
    assert drained.done
    assert net.socket.drain().done


def test_drain_when_what_waits_has_timed_out(dial: Dial) -> None:
    net = dial()
    net.client.open()
    net.socket.call("x", "y" * 100_000, timeout=1.0)
    drained = net.socket.drain()
    net.later(1.0)
    assert drained.done
