"""Events that are sent again until the server has acknowledged them."""

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

OPTIONS: dict[str, Any] = {"retries": 2, "ack_timeout": 3.0}


def test_one_at_a_time_in_order(dial: Dial) -> None:
    net = dial(**OPTIONS)
    log = ClientLog().watch(net.socket)
    assert net.socket.emit("a")
    asked = net.socket.emit_with_ack("b", b"1")
    net.connected()
    assert net.heard() == ['20["a"]']
    assert log.taken() == [("connect",)]
    assert net.socket.buffered > 0
    net.say("30[]")
    assert net.heard() == ['51-1["b",{"_placeholder":true,"num":0}]', b"1"]
    net.say('31["done",1]')
    assert asked.value == ("done", 1)
    assert net.socket.buffered == 0
    assert net.heard() == []


def test_again_after_each_timeout(dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    net = dial(**OPTIONS).connected()
    lost = net.socket.emit_with_ack("a")
    net.socket.emit("b")
    found = net.socket.timeout(1.0).emit_with_ack("c")
    told: list[Any] = []
    net.socket.on_any_outgoing(lambda *args: told.append(args))
    assert net.heard() == ['20["a"]']
    net.later(3.0)
    assert net.heard() == ['21["a"]']
    net.say("30[]")  # too late
    net.later(3.0)
    assert net.heard() == ['22["a"]']
    assert not lost.done
    net.later(3.0)
    assert isinstance(lost.error, AckTimeout)
    assert net.heard() == ['23["b"]']
    net.later(9.0)
    assert net.heard() == ['24["b"]', '25["b"]', '26["c"]']
    net.later(1.0)
    assert net.heard() == ['27["c"]']
    net.say("37[1]")
    assert found.value == 1
    assert [args[0] for args in told] == ["a", "a", "b", "b", "b", "c", "c"]
    assert caplog.messages == [
        "an event for / was given up: operation has timed out",
        "an event for / was given up: operation has timed out",
    ]
    assert len(net.client.engine.deadlines) == 1


def test_again_after_the_connection_was_lost(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()
    asked = net.socket.emit_with_ack("a")
    net.socket.emit("b")
    net.heard()
    for number in (1, 2):
        net.lose()
        assert not asked.done
        net.later(1.0)
        net.accept()
        assert net.heard() == ["0"]
        net.admit()
        assert net.heard() == [f'2{number}["a"]']
    net.lose()
    # Each of the three tries has ended with its connection.
    assert isinstance(asked.error, AckDisconnected)
    net.later(1.0)
    net.accept()
    net.heard()
    net.admit()
    assert net.heard() == ['23["b"]']


def test_volatile_events_are_tried_once(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()
    net.socket.emit("a")
    assert net.socket.volatile.emit("b")
    asked = net.socket.volatile.emit_with_ack("c")
    assert net.heard() == ['20["a"]', '2["b"]', '21["c"]']
    net.later(3.0)
    assert isinstance(asked.error, AckTimeout)


def test_it_is_bounded(dial: Dial) -> None:
    net = dial(max_send_buffer=30, **OPTIONS)
    assert net.socket.emit("x", "y" * 10)
    assert not net.socket.emit("x", "y" * 10)
    asked = net.socket.emit_with_ack("x", "y" * 10)
    assert isinstance(asked.error, AckError)
    assert str(asked.error) == "the event could not be sent"


def test_disconnect_keeps_it_and_close_does_not(dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    net = dial(**OPTIONS).connected()
    asked = net.socket.emit_with_ack("a")
    net.socket.emit("b")
    net.socket.emit("c")
    net.heard()
    net.socket.disconnect()
    assert isinstance(asked.error, AckDisconnected)
    net.socket.connect()
    net.accept()
    net.heard()
    net.admit()
    assert net.heard() == ['21["b"]']
    asked = net.socket.emit_with_ack("d")
    net.client.close()
    assert isinstance(asked.error, AckDisconnected)
    # There is no time to wait for the acknowledgement of each.
    assert net.heard() == ['2["c"]', '2["d"]']
    assert caplog.messages == []
    assert not net.socket.emit("c")
    assert isinstance(net.socket.emit_with_ack("c").error, AckDisconnected)


def test_larger_than_the_server_takes(dial: Dial) -> None:
    net = dial(**OPTIONS)
    large = net.socket.emit_with_ack("x", "y" * 100)
    net.socket.emit("z")
    net.client.open()
    net.accept(max_payload=100)
    net.heard()
    net.admit()
    assert net.heard() == ['21["z"]']
    assert isinstance(large.error, AckError)
    assert [where for where, _ in net.failures()] == ["an event for / that waited for the connection"]
    with pytest.raises(LocalProtocolError, match="the server takes 100"):
        net.socket.emit("x", "y" * 100)


def test_what_the_session_has_no_room_for_is_tried_again_at_the_timeout(dial: Dial) -> None:
    net = dial(max_outbound=1_024, **OPTIONS)
    net.client.of("/b")
    net.connected()
    net.admit("/b")
    net.stalled = True
    net.client.of("/b").volatile.emit("full", "y" * 900)
    asked = net.socket.emit_with_ack("x", "y" * 200)
    net.pump()
    net.stalled = False
    net.later(2.9)
    assert len(net.heard()) == 1
    net.later(0.1)
    assert len(net.heard()) == 1
    net.say("31[]")
    assert asked.done


def test_other_acknowledgements_do_not_stand_in_the_way(dial: Dial) -> None:
    net = dial(max_pending_acks=1, **OPTIONS).connected()
    net.socket.volatile.emit_with_ack("other")
    net.socket.emit("x")
    assert net.heard() == ['20["other"]', '21["x"]']


def test_drain_counts_it(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()
    net.socket.emit("x", "y" * 100_000)
    drained = net.socket.drain()
    net.heard()
    assert not drained.done
    net.say("30[]")
    assert drained.done


def test_a_listener_may_disconnect_before_a_try_is_sent(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()

    @net.socket.on_any_outgoing
    def once(event: str) -> None:
        net.socket.off_any_outgoing()
        net.socket.disconnect()

    asked = net.socket.emit_with_ack("x")
    assert net.heard() == ["1"]
    assert isinstance(asked.error, AckDisconnected)
    net.socket.connect()
    net.accept()
    net.heard()
    net.admit()
    assert net.heard() == []


def test_a_listener_may_emit_in_the_middle_of_a_try(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()

    @net.socket.on_any_outgoing
    def log(event: str) -> None:
        if event != "log":
            net.socket.emit("log")

    net.socket.emit("a")
    assert net.heard() == ['20["a"]']
    net.say("30[]")
    assert net.heard() == ['21["log"]']
    net.say("31[]")
    assert net.heard() == []


def test_a_listener_may_close_the_client_before_a_try_is_sent(dial: Dial) -> None:
    net = dial(**OPTIONS).connected()
    net.socket.on_any_outgoing(lambda event: net.client.close())
    asked = net.socket.emit_with_ack("x")
    assert isinstance(asked.error, AckDisconnected)
    assert net.heard() == []
    assert net.socket.buffered == 0


def test_close_without_a_connection_drops_it_and_says_so(dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    net = dial(**OPTIONS)
    net.socket.emit("a")
    net.socket.emit("b")
    net.client.close()
    assert caplog.messages == ["2 events for / were not sent: the client was closed"]


def test_close_with_what_turns_out_to_be_too_large(dial: Dial) -> None:
    net = dial(**OPTIONS)
    net.socket.emit("a")
    net.socket.emit("x", "y" * 100)
    net.client.open()
    net.accept(max_payload=100)
    net.heard()
    net.admit()
    assert net.heard() == ['20["a"]']
    net.client.close()
    assert net.heard() == []
    [(where, text)] = net.failures()
    assert where == "an event for / that waited for the connection"
    assert text.endswith("the server takes 100")
