"""The upgrade by hand: every order of events that a client or a network can make of it."""

from typing import cast

import pytest

from tests.conformance.old_raw import OldPolling
from tests.conformance.raw import WEBSOCKET, Polling, request
from tests.conformance.servers import Server

BAD_REQUEST = (400, {"code": 3, "message": "Bad request"})
REVISIONS: dict[str, type[Polling]] = {"4": Polling, "3": OldPolling}


@pytest.fixture(params=REVISIONS)
def start(request: pytest.FixtureRequest) -> type[Polling]:
    """Starts a session of this revision."""
    return REVISIONS[cast("str", request.param)]


def test_upgrade(server: Server, start: type[Polling]) -> None:
    session = start(server)
    candidate = session.probe()
    candidate.send("5")
    candidate.send("4hello")
    assert candidate.receive() == "4hello"
    candidate.close()
    assert server.logged("close", id=session.sid)["reason"] == "transport close"


def test_every_poll_is_released_while_upgrading(server: Server, start: type[Polling]) -> None:
    session = start(server)
    poll = session.start_poll()
    candidate = session.probe()
    assert session.read(poll.answer()) == "6"
    for _ in range(3):
        assert session.poll() == "6"
    candidate.send("5")
    candidate.send("4x")
    assert candidate.receive() == "4x"
    candidate.close()


def test_messages_still_travel_by_polling_before_the_upgrade_is_complete(server: Server, start: type[Polling]) -> None:
    session = start(server)
    candidate = session.probe()
    session.push("4by post")
    received = session.poll()
    while received == "6":
        received = session.poll()
    assert received == "4by post"
    candidate.send("5")
    candidate.send("4by websocket")
    assert candidate.receive() == "4by websocket"
    candidate.close()


def test_what_was_not_polled_moves_to_the_websocket(server: Server, start: type[Polling]) -> None:
    session = start(server)
    candidate = session.probe()
    session.push("4one\x1e4two\x1ebAAE=")
    candidate.send("5")
    candidate.send("4three")
    assert [candidate.receive() for _ in range(4)] == ["4one", "4two", b"\x00\x01", "4three"]
    candidate.close()


def test_poll_that_waits_during_the_switch(server: Server, start: type[Polling]) -> None:
    session = start(server)
    poll = session.start_poll()
    candidate = session.probe()
    candidate.send("5")
    assert session.read(poll.answer()) == "6"
    candidate.send("4x")
    assert candidate.receive() == "4x"
    candidate.close()


def test_requests_behind_the_upgrade(server: Server, start: type[Polling]) -> None:
    session = start(server)
    candidate = session.probe()
    candidate.send("5")
    candidate.send("4x")
    assert candidate.receive() == "4x"
    assert request(server, "GET", session.target).error == BAD_REQUEST
    assert request(server, "POST", session.target, "4y").error == BAD_REQUEST
    candidate.send("4unharmed")
    assert candidate.receive() == "4unharmed"
    candidate.close()


@pytest.mark.parametrize("upgraded", [False, True])
def test_second_websocket(server: Server, start: type[Polling], upgraded: bool) -> None:
    session = start(server)
    candidate = session.probe()
    if upgraded:
        candidate.send("5")
        candidate.send("4x")
        assert candidate.receive() == "4x"
    second = session.candidate()
    assert second.closed() == []
    assert second.code == 1005
    if not upgraded:
        candidate.send("5")
    candidate.send("4unharmed")
    assert candidate.receive() == "4unharmed"
    candidate.close()


@pytest.mark.parametrize("sent", ["2", "4hello", "3probe", "6", "", b"\x00"])
def test_other_packets_on_the_candidate(server: Server, start: type[Polling], sent: str | bytes) -> None:
    """They close it; the session goes on by polling, and may try again."""
    session = start(server)
    candidate = session.probe()
    candidate.send(sent)
    assert candidate.closed() == []
    session.push("4still here")
    received = session.poll()
    while received == "6":
        received = session.poll()
    assert received == "4still here"
    again = session.probe()
    again.send("5")
    again.send("4at last")
    assert again.receive() == "4at last"
    again.close()


@pytest.mark.parametrize("how", ["close", "cut"])
def test_candidate_that_goes_away(server: Server, start: type[Polling], how: str) -> None:
    session = start(server)
    candidate = session.probe()
    if how == "close":
        candidate.close()
    else:
        candidate.cut()
    session.push("4still here")
    received = session.poll()
    while received == "6":
        received = session.poll()
    assert received == "4still here"


@pytest.mark.parametrize("probed", [False, True])
def test_candidate_that_takes_too_long(server: Server, start: type[Polling], probed: bool) -> None:
    """Only the candidate is closed."""
    session = start(server, "/impatient/engine.io/")
    candidate = session.candidate()
    if probed:
        candidate.send("2probe")
        assert candidate.receive() == "3probe"
    assert candidate.closed() == []
    session.push("4still here")
    assert session.poll() == "4still here"


def test_upgrade_where_none_is_offered(server: Server, start: type[Polling]) -> None:
    """The session was told that there are no upgrades: it stays on polling."""
    session = start(server, "/stay/engine.io/")
    candidate = session.candidate()
    assert candidate.closed(patience=2) == []
    session.push("4x")
    assert session.poll() == "4x"


def test_close_from_the_server_while_upgrading(server: Server, start: type[Polling]) -> None:
    session = start(server)
    candidate = session.probe()
    session.push("4last words\x1e4please close")
    candidate.send("5")
    assert candidate.closed() == ["4last words"]
    assert server.logged("close", id=session.sid)["reason"] == "forced close"


def test_close_from_the_client_while_upgrading(server: Server, start: type[Polling]) -> None:
    """The candidate goes with the session."""
    session = start(server)
    candidate = session.probe()
    session.push("1")
    assert candidate.closed() == []
    assert server.logged("close", id=session.sid)["reason"] == "transport close"


def test_heartbeat_survives_the_upgrade(server: Server) -> None:
    """A ping went out by polling and its pong never comes: the session, not the transport, owns the deadline."""
    session = Polling(server, "/suite/engine.io/")
    assert session.poll() == "2"
    candidate = session.probe()
    candidate.send("5")
    assert server.logged("close", id=session.sid, patience=2)["reason"] == "ping timeout"
    candidate.closed()


def test_heartbeat_of_an_old_client_survives_the_upgrade(server: Server) -> None:
    """There is always a deadline, which the client puts off with its pings."""
    session = OldPolling(server, "/suite/engine.io/")
    candidate = session.probe()
    candidate.send("5")
    for _ in range(2):
        candidate.send("2")
        assert candidate.receive() == "3"
    assert server.logged("close", id=session.sid, patience=2)["reason"] == "ping timeout"
    candidate.closed()


def test_ping_on_the_other_transport(server: Server) -> None:
    """The ping of an old client came by polling, and its pong is on the way while the transport changes."""
    session = OldPolling(server, "/suite/engine.io/")
    candidate = session.probe()
    session.push("2")
    candidate.send("5")
    assert candidate.receive() == "3"
    candidate.close()


def test_pong_on_the_other_transport(server: Server) -> None:
    """The ping went out by polling, the pong comes by WebSocket, and the heartbeat goes on."""
    session = Polling(server, "/suite/engine.io/")
    assert session.poll() == "2"
    candidate = session.probe()
    candidate.send("5")
    for _ in range(3):
        candidate.send("3")
        assert candidate.receive() == "2"
    candidate.close()


def test_upgrade_head_without_an_upgrade(server: Server) -> None:
    """A proxy has dropped the headers: it must not count as a poll."""
    session = Polling(server)
    session.push("4kept")
    answer = request(server, "GET", f"/engine.io/?{WEBSOCKET}&sid={session.sid}")
    assert answer.error == BAD_REQUEST
    assert session.poll() == "4kept"
