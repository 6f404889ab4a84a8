"""Sessions over a WebSocket."""

import pytest

from sansio_eio.engineio import EngineServer, State
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from tests.unit.engineio.driving import Driver, Journal


def test_messages_go_both_ways() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.websocket.say("4a", b"\x01", "4", b"", "bAQIDBA==", "4€")
    assert journal.messages == ["a", b"\x01", "", b"", b"\x01\x02\x03\x04", "€"]
    client.session.send("x")
    client.session.send(b"\x02")
    driver.pump()
    assert client.websocket.taken() == ["4x", b"\x02"]
    assert client.websocket.frames[1:] == [b"\x81\x024x", b"\x82\x01\x02"]
    assert client.session.buffered == 0


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("1", "transport close"),
        ("1x", "transport close"),
        ("2", "transport error"),
        ("2probe", "transport error"),
        ("", "parse error"),
        ("x", "parse error"),
        ("bA", "parse error"),
        ("\ud800", "parse error"),
    ],
)
def test_messages_that_end_the_session(message: str, reason: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.websocket.say("4a", message, "4b")
    assert client.websocket.ended is not None
    assert client.websocket.ended.code is None
    assert journal.messages == ["a"]
    assert journal.closed == [reason]
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0


@pytest.mark.parametrize("message", ["0", "5", "6", "3", "3x"])
def test_messages_that_mean_nothing_here(message: str) -> None:
    client = Driver().websocket()
    client.websocket.say(message)
    assert client.session.state is State.OPEN
    assert client.websocket.messages == []


def test_the_websocket_is_closed() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.websocket.lose()
    assert journal.closed == ["transport close"]
    client.websocket.lose()
    assert journal.closed == ["transport close"]


def test_the_websocket_is_closed_for_what_the_peer_did() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.websocket.lose(RemoteProtocolError("over the limit"))
    assert journal.closed == ["transport error"]


def test_messages_for_a_channel_that_is_over_are_passed_over() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.session.close()
    driver.app.message_received(client.websocket.channel, "4late", now=driver.now)
    driver.pump()
    assert journal.messages == []


def test_a_message_on_an_http_exchange_is_a_mistake_of_the_driver() -> None:
    driver = Driver()
    client = driver.polling()
    poll = client.poll()
    for _ in range(2):
        with pytest.raises(LocalProtocolError, match="not a WebSocket"):
            driver.app.message_received(poll.channel, "2probe", now=driver.now)
        client.candidate()
    assert client.session.state is State.UPGRADING
    assert poll.waiting


@pytest.mark.parametrize("options", [{}, {"allow_upgrades": False}])
def test_a_second_websocket_for_a_session_is_closed(options: dict[str, bool]) -> None:
    driver = Driver(EngineServer(allow_upgrades=options.get("allow_upgrades", True)))
    client = driver.websocket()
    second = driver.dial(f"EIO=4&transport=websocket&sid={client.sid}")
    assert second.accepted is not None
    assert second.ended is not None
    second.say("4a")
    assert client.session.state is State.OPEN


def test_an_upgrade_that_is_not_allowed() -> None:
    driver = Driver(EngineServer(allow_upgrades=False))
    client = driver.polling()
    assert client.candidate().ended is not None
    assert client.session.state is State.OPEN
    assert len(driver.app.deadlines) == 1
