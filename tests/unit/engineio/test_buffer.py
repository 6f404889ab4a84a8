"""Output: its bound, its order, who is too slow, and how the application is told."""

import pytest

from sansio_eio.engineio import EngineServer, Outgoing, State
from sansio_eio.engineio.outbox import LOW_WATER, Outbox
from sansio_eio.engineio.packets import messages
from sansio_eio.engineio.revision import REVISION_4
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from tests.unit.engineio.driving import Driver, Gate, Journal


def volatile(text: str) -> Outgoing:
    return messages((text,), volatile=True)


def test_many_sessions_share_one_packet() -> None:
    driver = Driver()
    clients = [driver.websocket() for _ in range(3)]
    outgoing = messages(("x" * 1000,))
    for client in clients:
        assert client.session.send_packet(outgoing)
    assert driver.app.buffered == 3 * outgoing.size
    driver.pump()
    assert {id(client.websocket.frames[-1]) for client in clients} == {id(outgoing.frame)}
    assert driver.app.buffered == 0


def test_a_driver_is_woken_once_for_output_and_once_for_events() -> None:
    driver = Driver().installed()
    client = driver.websocket()
    driver.woken = 0
    client.session.send("a")
    client.session.send("b")
    assert driver.woken == 1
    driver.pump()
    client.session.send("c")
    assert driver.woken == 2
    driver.pump()
    assert client.websocket.taken() == ["4a", "4b", "4c"]


def test_a_message_that_never_fits_is_the_mistake_of_the_caller() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    client = driver.websocket()
    client.session.send("a")
    with pytest.raises(LocalProtocolError, match="a packet of 1025 bytes is larger than max_outbound"):
        client.session.send("x" * 1020)
    assert client.session.buffered == 6
    driver.pump()
    assert client.websocket.taken() == ["4a"]
    assert client.session.send("x" * 1019)


@pytest.mark.parametrize("data", [None, 7, ["a"], {"a": 1}])
def test_a_message_is_text_or_bytes(data: object) -> None:
    client = Driver().websocket()
    with pytest.raises(LocalProtocolError, match="a message is str or bytes"):
        client.session.send(data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert client.session.buffered == 0


def test_a_websocket_that_does_not_read_is_dropped_at_the_limit() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    journal = Journal(driver.app)
    slow, quick = driver.websocket(), driver.websocket()
    slow.websocket.stalled = True
    outgoing = messages(("x" * 95,))
    assert outgoing.size == 100
    for _ in range(10):
        assert slow.session.send_packet(outgoing)
        assert quick.session.send_packet(outgoing)
        driver.pump()
    assert slow.session.buffered == 1000
    assert slow.session.send_packet(outgoing) is False
    driver.pump()
    assert journal.closed == ["slow consumer"]
    assert (slow.session.state, slow.session.buffered) == (State.CLOSED, 0)
    assert quick.session.state is State.OPEN
    assert driver.app.buffered == 0
    driver.unstall(slow.websocket)
    assert slow.websocket.taken() == []
    assert slow.websocket.ended is not None


def test_a_client_that_does_not_poll_is_dropped_at_the_limit() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    journal = Journal(driver.app)
    client = driver.polling()
    while client.session.send("x" * 95):
        assert client.session.buffered <= 1024
    driver.pump()
    assert journal.closed == ["slow consumer"]
    assert client.poll().response.status == 400


def test_the_default_limit() -> None:
    client = Driver().polling()
    for _ in range(10):
        assert client.session.send(b"x" * 999_996)
    assert client.session.buffered == 10_000_000
    assert client.session.send("") is False
    assert client.session.state is State.CLOSED


def test_volatile_packets_go_first() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    client = driver.websocket()
    for number in range(5):
        assert client.session.send_packet(volatile(str(number) * 95))
        assert client.session.send("x" * 95)
    assert client.session.buffered == 1000
    assert client.session.send("last" + "x" * 91)
    assert client.session.buffered == 600
    driver.pump()
    assert client.websocket.taken() == ["4" + "x" * 95] * 5 + ["4last" + "x" * 91]


def test_a_volatile_packet_can_be_the_one_that_goes() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    client = driver.websocket()
    for _ in range(10):
        assert client.session.send("x" * 95)
    assert client.session.send_packet(volatile("y" * 95)) is False
    assert client.session.buffered == 1000
    assert client.session.state is State.OPEN


def test_a_volatile_packet_waits_for_nobody() -> None:
    driver = Driver()
    client = driver.websocket()
    websocket = client.websocket
    assert client.session.send_packet(volatile("a"))
    assert client.session.send_packet(volatile("b"))
    driver.pump()
    assert websocket.taken() == ["4a", "4b"]
    websocket.stalled = True
    client.session.send("c")
    driver.pump()
    assert client.session.send_packet(volatile("d")) is False
    driver.unstall(websocket)
    assert client.session.send_packet(volatile("e"))
    driver.pump()
    assert websocket.taken() == ["4c", "4e"]


def test_a_volatile_packet_needs_a_poll() -> None:
    client = Driver().polling()
    assert client.session.send_packet(volatile("a")) is False
    poll = client.poll()
    assert client.session.send_packet(volatile("b"))
    client.driver.pump()
    assert poll.text == "4b"


def test_when_volatile_packets_were_all_there_was_the_poll_goes_on_waiting() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    client = driver.polling()
    poll = client.poll()
    assert client.session.send_packet(volatile("x" * 600))
    assert client.session.send_packet(volatile("x" * 600)) is False
    driver.pump()
    assert poll.waiting
    client.session.send("a")
    driver.pump()
    assert poll.text == "4a"


def test_a_ping_can_be_the_last_straw() -> None:
    driver = Driver(EngineServer(max_outbound=1024))
    journal = Journal(driver.app)
    client = driver.polling()
    client.session.send("x" * 1019)
    assert client.session.buffered == 1024
    driver.later(25.0)
    assert journal.closed == ["slow consumer"]
    assert len(driver.app.deadlines) == 0


# -- drain --


def test_drain_is_done_when_there_is_little() -> None:
    client = Driver().polling()
    assert client.session.drain().done
    client.session.send(b"x" * (LOW_WATER - 4))
    assert client.session.buffered == LOW_WATER
    assert client.session.drain().done
    client.session.send("")
    waiting = [client.session.drain(), client.session.drain()]
    assert not any(pending.done for pending in waiting)
    client.poll()
    assert all(pending.done for pending in waiting)
    assert [pending.value for pending in waiting] == [None, None]


@pytest.mark.parametrize("end", ["close", "lost", "slow"])
def test_drain_is_done_when_the_session_ends(end: str) -> None:
    driver = Driver(EngineServer(max_outbound=200_000))
    client = driver.websocket()
    client.websocket.stalled = True
    client.session.send(b"x" * 100_000)
    pending = client.session.drain()
    assert client.session.buffered > LOW_WATER
    if end == "close":
        client.session.close()
    elif end == "lost":
        client.websocket.lose(RemoteProtocolError("x"))
    else:
        client.session.send(b"x" * 100_000)
        client.session.send("x")
    assert client.session.state is State.CLOSED
    assert pending.done
    assert client.session.drain().done


def test_who_was_waiting_for_a_websocket_may_send_at_once() -> None:
    client = Driver().websocket()
    client.session.send(b"x" * 100_000)
    client.session.drain().add_done_callback(lambda _: client.session.send("next"))
    client.driver.pump()
    assert client.websocket.taken() == [b"x" * 100_000, "4next"]


def test_who_was_waiting_for_a_poll_may_send_at_once() -> None:
    client = Driver().polling()
    client.session.send(b"x" * 100_000)
    client.session.drain().add_done_callback(lambda _: client.session.send("next"))
    assert client.poll().text.startswith("beHh4")
    assert client.poll().text == "4next"


def test_who_was_waiting_for_a_websocket_may_close_at_once() -> None:
    client = Driver().websocket()
    client.session.send(b"x" * 100_000)
    client.session.drain().add_done_callback(lambda _: client.session.close())
    client.driver.pump()
    assert client.websocket.taken() == [b"x" * 100_000]
    assert client.websocket.ended is not None


def test_who_was_waiting_for_a_poll_may_close_at_once() -> None:
    client = Driver().polling()
    poll = client.poll()
    client.session.send(b"x" * 100_000)
    client.session.drain().add_done_callback(lambda _: client.session.close())
    client.driver.pump()
    assert poll.text.startswith("beHh4")
    assert client.session.state is State.CLOSING
    assert client.poll().text == "1"


# -- backpressure of what comes in --


def test_an_application_that_is_behind_stops_reading() -> None:
    driver = Driver(EngineServer(max_inbound=4))
    client = driver.websocket()
    # The listener counts; here it is told by hand.
    client.session.pause(True)
    driver.pump()
    assert client.websocket.reading is False
    client.session.pause(False)
    driver.pump()
    assert client.websocket.reading is True


def test_an_application_that_is_behind_holds_the_answer_to_a_post() -> None:
    driver = Driver(EngineServer(max_inbound=4))
    gates = [Gate() for _ in range(6)]
    taken: list[str] = []

    async def slow(data: str) -> None:
        await gates[len(taken)]
        taken.append(data)

    client = driver.polling()
    client.session.on("message", slow)
    # One is being handled, three wait: the limit is not reached.
    assert client.post("4a\x1e4b\x1e4c").text == "ok"
    assert client.post("4d").text == "ok"
    held = client.post("4e\x1e4f")
    assert held.waiting
    for count in range(3):
        assert held.waiting
        gates[count].open()
        driver.pump()
    assert taken == ["a", "b", "c"]
    assert held.text == "ok"
    for gate in gates[3:]:
        gate.open()
    driver.pump()
    assert taken == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(("limit", "reading"), [(11, True), (10, False)])
def test_large_messages_are_too_much_as_well(limit: int, reading: bool) -> None:
    driver = Driver(EngineServer(max_inbound_size=limit))
    gate = Gate()
    client = driver.websocket()

    async def slow(_: str) -> None:
        await gate

    client.session.on("message", slow)
    client.websocket.say("4a")
    client.websocket.say("4" + "x" * 6, b"x" * 4)
    assert client.websocket.reading is reading
    gate.open()
    driver.pump()
    assert client.websocket.reading is True


def test_a_held_post_is_released_when_the_session_ends() -> None:
    client = Driver().polling()
    poll = client.poll()
    client.session.pause(True)
    held = client.post("4a")
    client.session.close()
    client.driver.pump()
    assert held.text == "ok"
    assert poll.text == "1"
    client.session.pause(False)
    assert len(client.driver.app.deadlines) == 0


def test_a_payload_has_at_least_one_packet() -> None:
    outbox, measure = Outbox(), REVISION_4.payload_size
    for size in (100, 1):
        packet = Outgoing(("4" + "x" * size,))
        outbox.packets.append(packet)
        outbox.size += packet.size
    assert [len(packet.payload) for packet in outbox.take_payload(10, measure)] == [101]
    assert [len(packet.payload) for packet in outbox.take_payload(10, measure)] == [2]
    assert outbox.size == 0
