"""The upgrade from polling to a WebSocket, as a client does it: nothing lost, doubled or reordered."""

from __future__ import annotations

import pytest

from sansio_eio.engineio import (
    ClientClosed,
    ClientMessage,
    ClientOpened,
    ClientState,
    EngineClientOptions,
    TransportError,
)

from .client_driving import Hand, handshake


def is_upgrading(hand: Hand) -> bool:
    return hand.client.state is ClientState.UPGRADING


def test_the_whole_of_it() -> None:
    hand = Hand()
    hand.open_probing()
    hand.client.send("a")
    assert hand.asked() == [("post", "polling&sid=abc", b"4a")]
    hand.client.send("b")
    hand.message("3probe")
    assert is_upgrading(hand)
    hand.client.send("c")
    assert hand.asked() == [], "nothing more on polling, and the WebSocket waits for what is under way"
    hand.respond("poll", "4from before\x1e6")
    hand.client.send("d")
    assert hand.asked() == []
    hand.respond("post")
    assert hand.client.state is ClientState.OPEN
    assert hand.session.transport == "websocket"
    assert hand.asked() == [("send", "ws", ["5"]), ("send", "ws", ["4b", "4c", "4d"])]
    hand.message("4on the websocket")
    assert hand.events() == [ClientOpened(), ClientMessage("from before"), ClientMessage("on the websocket")]
    hand.advance(10)
    assert hand.client.state is ClientState.OPEN, "the deadline of the upgrade is gone"
    hand.client.send("e")
    assert hand.asked() == [("send", "ws", ["4e"])]


def test_the_post_is_answered_first() -> None:
    hand = Hand()
    hand.open_probing()
    hand.client.send("a")
    hand.asked()
    hand.message("3probe")
    hand.respond("post")
    assert hand.asked() == []
    hand.respond("poll", "6")
    assert hand.asked() == [("send", "ws", ["5"])]


def test_nothing_is_under_way() -> None:
    hand = Hand(max_inbound=2)
    hand.open_probing()
    # The application does not keep up, so that there is no poll.
    hand.respond("poll", "4a\x1e4b")
    assert hand.asked() == []
    hand.message("3probe")
    assert hand.asked() == [("send", "ws", ["5"]), ("reading", "ws", False)]
    hand.events()
    assert hand.asked() == [("reading", "ws", True)]


def test_polling_goes_on_while_the_websocket_is_probed() -> None:
    hand = Hand()
    hand.open_probing()
    hand.respond("poll", "4a")
    assert hand.asked() == [("poll", "polling&sid=abc")]
    hand.client.send("b")
    assert hand.asked() == [("post", "polling&sid=abc", b"4b")]


@pytest.mark.parametrize(
    ("options", "upgrades"),
    [
        ({"upgrade": False}, ["websocket"]),
        ({"transports": ["polling"]}, ["websocket"]),
        ({}, []),
        ({}, ["webtransport"]),
    ],
)
def test_when_there_is_no_upgrade(options: EngineClientOptions, upgrades: list[str]) -> None:
    hand = Hand(**options)
    assert hand.open_polling(*upgrades) == [("poll", "polling&sid=abc")]


def test_upgrades_that_are_no_text_are_passed_over() -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", '0{"sid":"abc","upgrades":[1,null,"websocket"],"pingInterval":1,"pingTimeout":1}')
    assert hand.asked() == [("ws", "websocket&sid=abc"), ("poll", "polling&sid=abc")]


@pytest.mark.parametrize("answer", ["3", "2probe", "4hello", "", b"3probe"])
def test_a_wrong_answer_to_the_probe(answer: str | bytes) -> None:
    hand = Hand()
    hand.open_probing()
    hand.message(answer)
    assert hand.asked() == [("close", "ws")]
    assert hand.client.state is ClientState.OPEN
    assert hand.session.transport == "polling"
    assert hand.events() == [ClientOpened()]


def test_a_refused_candidate() -> None:
    hand = Hand()
    hand.open_polling("websocket")
    hand.respond("ws", "no", 400)
    assert hand.client.state is ClientState.OPEN
    hand.respond("poll", "4a")
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_a_candidate_that_is_lost_before_the_answer() -> None:
    hand = Hand()
    hand.open_probing()
    hand.lose("ws", OSError("reset"))
    hand.respond("poll", "4a")
    assert hand.events() == [ClientOpened(), ClientMessage("a")]
    assert hand.client.state is ClientState.OPEN


def test_a_candidate_that_is_lost_while_polling_is_paused() -> None:
    hand = Hand()
    hand.open_probing()
    hand.client.send("a")
    hand.asked()
    hand.message("3probe")
    hand.respond("poll", "6")
    hand.client.send("b")
    hand.lose("ws")
    assert hand.client.state is ClientState.OPEN
    assert hand.asked() == [("poll", "polling&sid=abc")]
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"4b")]


def test_a_second_answer_to_the_probe() -> None:
    hand = Hand()
    hand.open_probing()
    hand.message("3probe")
    hand.message("3probe")
    assert hand.asked() == [("close", "ws")]
    assert hand.client.state is ClientState.OPEN


@pytest.mark.parametrize("probed", [False, True])
def test_the_upgrade_takes_too_long(probed: bool) -> None:
    hand = Hand(upgrade_timeout=3)
    hand.open_probing()
    if probed:
        hand.message("3probe")
    hand.advance(3)
    assert hand.asked() == [("close", "ws")]
    assert hand.client.state is ClientState.OPEN
    hand.client.send("a")
    assert hand.asked() == [("post", "polling&sid=abc", b"4a")]


def test_the_poll_fails_while_it_is_paused() -> None:
    hand = Hand()
    hand.open_probing()
    hand.message("3probe")
    hand.respond("poll", "", 502)
    closed = hand.events()[-1]
    assert isinstance(closed, ClientClosed)
    assert isinstance(closed.error, TransportError)
    assert closed.error.status == 502
    assert hand.asked() == [("close", "ws")]


def test_the_server_does_not_ping_while_it_is_paused() -> None:
    hand = Hand(upgrade_timeout=100)
    hand.open_probing()
    hand.message("3probe")
    hand.advance(45)
    assert hand.events()[-1] == ClientClosed("ping timeout")
    assert [asked[0] for asked in hand.asked()] == ["close", "close"]
    assert hand.client.next_deadline() is None


# -- closing meanwhile -------------------------------------------------------------------------------------------------


def test_closing_while_the_websocket_is_probed() -> None:
    hand = Hand()
    hand.open_probing()
    hand.client.close()
    assert hand.asked() == [("close", "ws"), ("post", "polling&sid=abc", b"1")]
    assert hand.events()[-1] == ClientClosed("forced close")


def test_closing_before_the_driver_has_heard_of_the_candidate() -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", handshake(("websocket",)))
    hand.client.close()
    assert hand.asked() == [("poll", "polling&sid=abc"), ("post", "polling&sid=abc", b"1")]


def test_closing_while_polling_is_paused_waits_for_the_upgrade() -> None:
    hand = Hand()
    hand.open_probing()
    hand.message("3probe")
    hand.client.send("a")
    hand.client.close()
    assert hand.client.state is ClientState.CLOSING
    assert hand.asked() == []
    hand.respond("poll", "6")
    assert hand.asked() == [("send", "ws", ["5"]), ("send", "ws", ["4a"]), ("close", "ws")]
    assert hand.events()[-1] == ClientClosed("forced close")


def test_closing_while_polling_is_paused_and_the_upgrade_fails() -> None:
    hand = Hand()
    hand.open_probing()
    hand.message("3probe")
    hand.client.send("a")
    hand.client.close()
    hand.lose("ws")
    assert hand.asked() == [("post", "polling&sid=abc", b"4a")]
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"1")]
    assert hand.events()[-1] == ClientClosed("forced close")


# -- the next session --------------------------------------------------------------------------------------------------


def test_a_session_that_was_upgraded_is_remembered() -> None:
    hand = Hand(remember_upgrade=True)
    hand.open_probing()
    hand.message("3probe")
    hand.respond("poll", "6")
    hand.asked()
    hand.lose("ws")
    assert hand.open() == [("ws", "websocket")]
    hand.lose("ws", OSError("refused"))
    assert hand.open() == [("poll", "polling")], "it is forgotten when it fails"


def test_it_is_remembered_only_where_that_is_wanted() -> None:
    hand = Hand()
    hand.open_probing()
    hand.message("3probe")
    hand.respond("poll", "6")
    hand.asked()
    hand.lose("ws")
    assert hand.open() == [("poll", "polling")]
