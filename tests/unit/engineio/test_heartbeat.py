"""Pings, pongs, and those who do not answer."""

import pytest

from sansio_eio.engineio import EngineServer, State
from tests.unit.engineio.driving import Driver, Journal


def test_pings_and_pongs_on_a_websocket() -> None:
    driver = Driver(EngineServer(ping_interval=3.0, ping_timeout=2.0))
    client = driver.websocket()
    for _ in range(3):
        driver.later(2.5)
        assert client.websocket.taken() == []
        driver.later(0.5)
        assert client.websocket.taken() == ["2"]
        driver.later(1.5)
        client.websocket.say("3")
    assert client.session.state is State.OPEN


def test_the_default_times() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    driver.later(24.5)
    assert client.websocket.taken() == []
    driver.later(0.5)
    assert client.websocket.taken() == ["2"]
    driver.later(19.5)
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["ping timeout"]
    assert client.websocket.ended is not None
    assert len(driver.app.deadlines) == 0
    assert driver.app.next_deadline() is None


def test_a_poll_brings_the_ping() -> None:
    driver = Driver()
    client = driver.polling()
    poll = client.poll()
    driver.later(25.0)
    assert poll.text == "2"
    client.post("3")
    driver.later(24.5)
    assert client.session.buffered == 0
    driver.later(0.5)
    assert client.poll().text == "2"


@pytest.mark.parametrize("polling", [False, True])
def test_a_client_that_does_not_poll_is_gone(polling: bool) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    driver.later(44.0)
    poll = client.poll() if polling else None
    driver.later(0.5)
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["ping timeout"]
    assert poll is None or poll.text == "2"


def test_a_waiting_poll_learns_of_the_end() -> None:
    driver = Driver()
    client = driver.polling()
    driver.later(25.0)
    assert client.poll().text == "2"
    poll = client.poll()
    driver.later(20.0)
    assert poll.text == "1"


def test_who_sends_is_alive_but_counts_once_for_each_ping() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    driver.later(40.0)
    client.websocket.say("4a")
    driver.later(19.5)
    client.websocket.say("4b", b"c")
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["ping timeout"]


def test_the_next_ping_can_be_put_off_again() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    for _ in range(2):
        driver.later(40.0)
        client.websocket.say("4a")
        driver.later(15.0)
        client.websocket.say("3")
    assert journal.closed == []
    assert client.session.state is State.OPEN


def test_messages_without_a_ping_put_nothing_off() -> None:
    driver = Driver()
    client = driver.websocket()
    driver.later(20.0)
    client.websocket.say("4a")
    driver.later(5.0)
    assert client.websocket.taken() == ["2"]


def test_a_pong_that_nobody_asked_for_begins_the_interval_anew() -> None:
    driver = Driver()
    client = driver.websocket()
    driver.later(20.0)
    client.websocket.say("3")
    driver.later(24.5)
    assert client.websocket.taken() == []
    driver.later(0.5)
    assert client.websocket.taken() == ["2"]


def test_who_is_not_read_from_cannot_be_late() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    driver.later(30.0)
    client.session.pause(True)
    driver.later(100.0)
    assert journal.closed == []
    client.session.pause(False)
    driver.later(19.5)
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["ping timeout"]


def test_what_is_over_has_no_deadline_when_the_application_catches_up() -> None:
    driver = Driver()
    client = driver.websocket()
    driver.later(25.0)
    client.session.pause(True)
    client.websocket.lose()
    client.session.pause(False)
    assert len(driver.app.deadlines) == 0


def test_a_late_driver_does_not_make_clients_late() -> None:
    driver = Driver()
    client = driver.websocket()
    driver.now += 1000.0
    driver.pump()
    assert client.websocket.taken() == ["2"]
    driver.later(19.5)
    client.websocket.say("3")
    assert client.session.state is State.OPEN
