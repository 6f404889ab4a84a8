"""The end of a session, from our side, in every state."""

import pytest

from sansio_eio.engineio import EngineServer, State
from sansio_eio.errors import LocalProtocolError
from tests.unit.engineio.driving import Driver, Gate, Journal


def test_closing_a_websocket_delivers_what_is_queued() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.session.send("last")
    client.session.close()
    client.session.close()
    assert client.session.state is State.CLOSED
    driver.pump()
    assert client.websocket.taken() == ["4last"]
    assert client.websocket.ended is not None
    assert client.websocket.ended.code is None
    assert journal.closed == ["forced close"]
    assert client.session.send("too late") is False
    assert client.session.buffered == 0


def test_closing_with_a_poll_waiting() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    client.session.close()
    driver.pump()
    assert poll.text == "1"
    assert journal.closed == ["forced close"]


def test_closing_delivers_what_is_queued_in_a_response_of_its_own() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    client.session.send("last")
    client.session.close()
    driver.pump()
    assert poll.text == "4last"
    assert (client.session.state, journal.closed) == (State.CLOSING, [])
    assert client.poll().text == "1"
    assert journal.closed == ["forced close"]
    assert len(driver.app.deadlines) == 0


def test_closing_with_a_poll_that_cannot_be_written() -> None:
    driver = Driver(EngineServer(close_timeout=3.0))
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    poll.stalled = True
    client.session.send("last")
    client.session.close()
    driver.pump()
    driver.later(3.0)
    assert journal.closed == ["forced close"]
    driver.unstall(poll)
    assert poll.text == "4last\x1e1"


def test_closing_between_polls_waits_for_the_next() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    client.session.send("last")
    client.session.close()
    assert client.session.state is State.CLOSING
    assert client.session.send("too late") is False
    client.session.close()
    driver.pump()
    driver.later(20.0)
    assert journal.closed == []
    assert client.poll().text == "4last"
    assert journal.closed == []
    assert client.poll().text == "1"
    assert journal.closed == ["forced close"]
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0


def test_closing_waits_thirty_seconds_for_a_poll() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    client.session.close()
    driver.pump()
    driver.later(29.5)
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["forced close"]
    assert client.poll().response.status == 400


def test_closing_waits_as_long_as_it_is_told() -> None:
    driver = Driver(EngineServer(close_timeout=2.0))
    journal = Journal(driver.app)
    driver.polling().session.close()
    driver.pump()
    driver.later(2.0)
    assert journal.closed == ["forced close"]


def test_closing_while_a_ping_is_out_waits_for_the_poll_all_the_same() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    driver.later(25.0)
    client.session.close()
    driver.pump()
    driver.later(25.0)
    assert journal.closed == []
    assert client.poll().text == "2"
    assert client.poll().text == "1"


def test_what_comes_while_closing_is_passed_over() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    client.session.close()
    for body in ("4a", "3", "2", "x", "bA", "6"):
        assert client.post(body).text == "ok"
    assert client.candidate().ended is not None
    assert client.session.state is State.CLOSING
    assert (journal.messages, journal.closed) == ([], [])
    assert client.poll().text == "1"
    assert journal.closed == ["forced close"]


def test_a_client_that_closes_as_well() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    client.session.close()
    assert client.post("1").text == "ok"
    assert journal.closed == ["transport close"]


def test_the_first_end_counts() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.session.end("parse error")
    client.session.end("transport error")
    driver.pump()
    assert journal.closed == ["parse error"]
    assert client.websocket.ended is not None


def test_closing_inside_of_a_handler() -> None:
    driver = Driver()
    client = driver.polling()

    @client.session.on("message")
    def close(_: str) -> None:
        client.session.close()

    poll = client.poll()
    assert client.post("4a\x1e4b").text == "ok"
    assert poll.text == "1"
    assert client.session.state is State.CLOSED


def test_a_session_that_is_not_admitted_cannot_be_closed() -> None:
    gate = Gate()

    async def wait(_: object) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(allow_request=wait))
    opened = driver.request(query="EIO=4&transport=polling")
    session = opened.channel.session
    assert session is not None
    with pytest.raises(LocalProtocolError, match="a session that is opening cannot close"):
        session.close()
    assert session.state is State.OPENING
    gate.open(True)
    driver.pump()
    assert opened.text.startswith("0{")


def test_closing_everything() -> None:
    gate = Gate()
    driver = Driver(EngineServer(allow_request=lambda _: True)).installed()
    journal = Journal(driver.app)

    async def wait(_: object) -> bool:
        return bool(await gate)

    parked, idle, websocket = driver.polling(), driver.polling(), driver.websocket()
    poll = parked.poll()
    driver.app.settings.allow_request = wait
    opening = driver.request(query="EIO=4&transport=polling")
    opening_websocket = driver.dial()
    driver.app.close()
    driver.pump()
    assert poll.text == "1"
    assert websocket.websocket.ended is not None
    assert opening.response.status == 503
    assert opening.response.body == b'{"code":4,"message":"Server is shutting down"}'
    assert opening_websocket.response.status == 503
    assert opening_websocket.response.body == b"Server is shutting down"
    gate.open(True)
    driver.pump()
    assert journal.closed == ["forced close"] * 2
    assert driver.request(query="EIO=4&transport=polling").response.status == 503
    assert driver.dial().response.status == 503
    assert [context["name"] for _, _, context in journal.refused] == ["SHUTTING_DOWN"] * 4
    assert idle.poll().text == "1"
    assert journal.closed == ["forced close"] * 3
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0
    # Whoever serves it next opens it again.
    driver.app.settings.allow_request = None
    driver.app.install(None)
    Driver(driver.app).installed().polling()


def test_one_driver_at_a_time() -> None:
    driver = Driver().installed()
    driver.app.install(driver)
    with pytest.raises(LocalProtocolError, match="served already"):
        driver.app.install(Driver(driver.app))
    assert driver.app.runtime is driver
    driver.app.install(None)
    assert driver.app.runtime is None


def test_one_end_that_brings_another_with_it_leaves_the_other_its_time() -> None:
    driver = Driver()
    first, second = driver.polling(), driver.polling()
    driver.later(25.0)
    assert first.poll().text == second.poll().text == "2"

    class Listener:
        def message(self, data: str | bytes) -> None:
            raise AssertionError(data)

        def closed(self, reason: str, error: object) -> None:
            second.session.close()

    first.session.listener = Listener()
    driver.later(20.0)
    assert first.session.state is State.CLOSED
    # Both pings were due at the same instant, but by then the second session was waiting for a poll.
    assert second.session.state is State.CLOSING
    assert second.poll().text == "1"


def test_what_is_still_closing_when_the_driver_goes_is_over() -> None:
    """Nobody counts its `close_timeout`, and the next driver may have another clock."""
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    driver.pump()
    driver.app.install(driver)
    driver.app.close()
    driver.pump()
    assert list(driver.app.sessions.values()) == [client.session]
    driver.app.install(None)
    assert client.session.state is State.CLOSED
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0
    driver.pump()
    assert journal.closed == ["forced close"]


def test_sessions_outlive_a_driver_that_has_not_closed_them() -> None:
    driver = Driver()
    client = driver.polling()
    driver.app.install(driver)
    driver.app.install(None)
    assert client.session.state is State.OPEN
