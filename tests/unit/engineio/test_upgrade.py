"""From polling to a WebSocket: nothing is lost, nothing changes places, and a failure does no harm."""

from typing import Any

import pytest

from sansio_eio.engineio import EngineServer, State
from sansio_eio.errors import RemoteProtocolError
from tests.unit.engineio.driving import Driver, Exchange, Journal


def test_an_upgrade() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    websocket = client.candidate()
    assert websocket.accepted is not None
    assert poll.waiting
    websocket.say("2probe")
    assert websocket.taken() == ["3probe"]
    assert poll.text == "6"
    websocket.say("5")
    assert client.session.state is State.OPEN
    assert client.session.transport == "websocket"
    websocket.say("4a", b"b")
    client.session.send("c")
    driver.pump()
    assert journal.messages == ["a", b"b"]
    assert websocket.taken() == ["4c"]
    assert len(driver.app.deadlines) == 1


def test_every_poll_during_an_upgrade_is_answered_at_once() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    before = client.poll()
    assert before.waiting
    websocket.say("2probe")
    assert before.text == "6"
    for _ in range(5):
        assert client.poll().text == "6"
    assert websocket.taken() == ["3probe"]


def test_until_the_end_of_it_polls_carry_the_messages() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    client.session.send("a")
    assert client.poll().text == "4a"
    poll = client.poll()
    poll.stalled = True
    client.session.send("b")
    # The poll is on its way to be answered with something better than a noop.
    websocket.say("2probe")
    client.driver.unstall(poll)
    assert poll.text == "4b"
    client.session.send("c")
    assert client.poll().text == "4c"
    assert websocket.taken() == ["3probe"]


def test_the_candidate_carries_no_messages_before_its_time() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    client.session.send("a")
    websocket.say("2probe")
    assert websocket.taken() == ["3probe"]
    assert client.poll().text == "4a"


def test_what_was_not_taken_by_a_poll_moves_over_in_order() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    websocket.say("2probe")
    client.session.send("a")
    client.session.send(b"b")
    websocket.say("5")
    client.session.send("c")
    client.driver.pump()
    assert websocket.taken() == ["3probe", "4a", b"b", "4c"]


def test_what_moved_over_is_sent_without_being_asked_for() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    websocket.say("2probe")
    client.session.send("a")
    client.driver.pump()
    assert websocket.taken() == ["3probe"]
    websocket.say("5")
    assert websocket.taken() == ["4a"]


def test_a_poll_that_could_not_be_written_yet_does_not_take_messages_with_it() -> None:
    client = Driver().polling()
    websocket = client.candidate()
    poll = client.poll()
    poll.stalled = True
    client.session.send("a")
    websocket.say("2probe", "5")
    client.driver.unstall(poll)
    assert poll.text == "6"
    assert websocket.taken() == ["3probe", "4a"]


def test_a_poll_after_the_upgrade_is_a_mismatch_and_does_no_harm() -> None:
    client = Driver().polling()
    websocket = client.upgrade()
    for exchange in (client.poll(), client.post("4a")):
        assert exchange.response.status == 400
        assert exchange.response.body == b'{"code":3,"message":"Bad request"}'
    assert not websocket.over
    assert client.session.state is State.OPEN


@pytest.mark.parametrize(
    "messages",
    [
        ("5",),
        ("2",),
        ("4a",),
        ("2probe ",),
        (b"2probe",),
        (b"",),
        ("",),
        ("2probe", "4a"),
        ("2probe", "3"),
        ("2probe", b"5"),
        ("2probe", "5x"),
        # The reference answers it again; but nobody needs two, and who does not read could pile the answers up.
        ("2probe", "2probe"),
    ],
)
def test_anything_else_on_the_candidate_closes_it_alone(messages: tuple[str | bytes, ...]) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    websocket = client.candidate()
    websocket.say(*messages)
    assert websocket.ended is not None
    assert websocket.ended.code is None
    lives_on_polling(client.session.sid, driver, journal)
    assert client.upgrade().ended is None


def lives_on_polling(sid: str, driver: Driver, journal: Journal) -> None:
    session = driver.app.sessions[sid]
    assert (session.state, session.transport) == (State.OPEN, "polling")
    assert len(driver.app.deadlines) == 1
    query = f"EIO=4&transport=polling&sid={sid}"
    assert driver.request("POST", query=query, body=b"4still here").text == "ok"
    assert journal.taken() == ["still here"]
    poll = driver.request(query=query)
    assert poll.waiting
    session.send("x")
    driver.pump()
    assert poll.text == "4x"


@pytest.mark.parametrize("probed", [False, True])
def test_the_candidate_goes(probed: bool) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    websocket = client.candidate()
    if probed:
        websocket.say("2probe")
    websocket.lose(RemoteProtocolError("a broken frame") if probed else None)
    lives_on_polling(client.sid, driver, journal)


@pytest.mark.parametrize("probed", [False, True])
def test_the_whole_upgrade_must_be_done_in_time(probed: bool) -> None:
    driver = Driver(EngineServer(upgrade_timeout=3.0))
    journal = Journal(driver.app)
    client = driver.polling()
    websocket = client.candidate()
    driver.later(2.0)
    if probed:
        websocket.say("2probe")
    driver.later(0.75)
    assert not websocket.over
    driver.later(0.25)
    assert websocket.ended is not None
    lives_on_polling(client.sid, driver, journal)


def test_the_default_time_for_an_upgrade() -> None:
    driver = Driver()
    websocket = driver.polling().candidate()
    driver.later(9.5)
    assert not websocket.over
    driver.later(0.5)
    assert websocket.over


def test_a_second_candidate_is_closed_and_the_first_goes_on() -> None:
    client = Driver().polling()
    first = client.candidate()
    second = client.candidate()
    assert second.ended is not None
    second.say("2probe")
    first.say("2probe", "5")
    assert first.taken() == ["3probe"]
    assert client.session.transport == "websocket"
    third = client.candidate()
    assert third.ended is not None
    assert first.ended is None


def test_the_id_of_another_session_gives_no_access_to_its_upgrade() -> None:
    driver = Driver()
    mine, other = driver.polling(), driver.polling()
    websocket = other.candidate()
    websocket.say("2probe")
    assert mine.poll().waiting
    websocket.say("5")
    assert mine.session.transport == "polling"


def test_the_heartbeat_goes_on_across_the_switch() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    driver.later(25.0)
    assert poll.text == "2"
    websocket = client.upgrade()
    # The ping was never answered.
    driver.later(20.0)
    assert journal.closed == ["ping timeout"]
    assert websocket.ended is not None


def test_a_pong_behind_the_switch_counts() -> None:
    driver = Driver()
    client = driver.polling()
    driver.later(25.0)
    assert client.poll().text == "2"
    websocket = client.upgrade()
    websocket.say("3")
    driver.later(24.5)
    assert websocket.taken() == []
    driver.later(0.5)
    assert websocket.taken() == ["2"]


def test_a_ping_that_no_poll_fetched_moves_over() -> None:
    driver = Driver()
    client = driver.polling()
    driver.later(25.0)
    websocket = client.candidate()
    websocket.say("2probe", "5")
    assert websocket.taken() == ["3probe", "2"]


def opened_and_probed(**options: Any) -> tuple[Driver, Journal, Any, Exchange]:
    driver = Driver(EngineServer(**options))
    journal = Journal(driver.app)
    client = driver.polling()
    websocket = client.candidate()
    websocket.say("2probe")
    websocket.taken()
    return driver, journal, client, websocket


def test_a_session_that_is_closed_during_an_upgrade_ends_when_it_is_done() -> None:
    driver, journal, client, websocket = opened_and_probed()
    client.session.send("last")
    client.session.close()
    driver.pump()
    assert client.session.state is State.CLOSING
    assert journal.closed == []
    websocket.say("5")
    assert websocket.taken() == ["4last"]
    assert websocket.ended is not None
    assert journal.closed == ["forced close"]
    assert len(driver.app.deadlines) == 0


def test_a_session_that_is_closed_during_an_upgrade_ends_with_a_poll() -> None:
    driver, journal, client, websocket = opened_and_probed()
    client.session.send("last")
    client.session.close()
    assert client.poll().text == "4last"
    assert websocket.ended is None
    assert client.poll().text == "1"
    assert websocket.ended is not None
    assert journal.closed == ["forced close"]
    assert len(driver.app.deadlines) == 0


def test_a_session_that_is_closed_during_an_upgrade_with_a_poll_waiting() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    websocket = client.candidate()
    client.session.close()
    driver.pump()
    assert poll.text == "1"
    assert websocket.ended is not None
    assert journal.closed == ["forced close"]


@pytest.mark.parametrize("how", ["timeout", "gone", "nonsense"])
def test_a_session_that_is_closed_during_an_upgrade_that_fails(how: str) -> None:
    driver, journal, client, websocket = opened_and_probed(close_timeout=60.0)
    client.session.close()
    driver.pump()
    if how == "timeout":
        driver.later(10.0)
    elif how == "gone":
        websocket.lose()
    else:
        websocket.say("4a")
    assert websocket.over
    assert client.session.state is State.CLOSING
    assert client.poll().text == "1"
    assert journal.closed == ["forced close"]


@pytest.mark.parametrize("end", ["close packet", "poll cut", "ping timeout"])
def test_a_session_that_ends_takes_its_candidate_with_it(end: str) -> None:
    driver = Driver(EngineServer(upgrade_timeout=1000.0))
    client = driver.polling()
    poll = client.poll()
    websocket = client.candidate()
    if end == "close packet":
        client.post("1")
    elif end == "poll cut":
        poll.lose()
    else:
        driver.later(45.0)
    assert websocket.ended is not None
    assert client.session.state is State.CLOSED
    assert len(driver.app.deadlines) == 0
    websocket.say("5")


def test_a_slow_application_stops_the_websocket_that_takes_over() -> None:
    client = Driver().polling()
    client.session.pause(True)
    post = client.post("4a")
    assert post.waiting
    websocket = client.upgrade()
    assert post.text == "ok"
    assert websocket.reading is False
    client.session.pause(False)
    client.driver.pump()
    assert websocket.reading is True
