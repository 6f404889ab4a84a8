"""The cases of the published black-box suite for Engine.IO, revision 4, with its settings.

ping_interval 0.3 s, ping_timeout 0.2 s, max_http_buffer_size 1,000,000, and a server that sends every message back.
Each case runs against the raw server and, where the suite of Socket.IO repeats it, against that of Socket.IO.
"""

import json

import pytest

from tests.conformance.raw import POLLING, WEBSOCKET, Polling, RefusedError, WebSocket, request
from tests.conformance.servers import Server

ENGINE = "/new/engine.io/"


@pytest.fixture(params=[ENGINE, "/new/socket.io/"], ids=["engine.io", "socket.io"])
def path(request: pytest.FixtureRequest) -> str:
    """The server for what has nothing to do with messages."""
    return str(request.param)


def opened(server: Server, path: str = ENGINE) -> WebSocket:
    """A WebSocket session that has been opened."""
    websocket = WebSocket(server, f"{path}?{WEBSOCKET}")
    assert str(websocket.receive()).startswith("0")
    return websocket


def is_unknown(session: Polling) -> bool:
    return request(session.server, "GET", session.target).status == 400


def check_handshake(handshake: dict[str, object], upgrades: list[str]) -> None:
    assert set(handshake) == {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
    assert isinstance(handshake["sid"], str)
    assert handshake["upgrades"] == upgrades
    assert handshake["pingInterval"] == 300
    assert handshake["pingTimeout"] == 200
    assert handshake["maxPayload"] == 1_000_000


# -- handshake ---------------------------------------------------------------------------------------------------------


def test_polling_opens_a_session(server: Server, path: str) -> None:
    check_handshake(Polling(server, path).handshake, ["websocket"])


@pytest.mark.parametrize("query", ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc"])
def test_polling_with_an_invalid_query(server: Server, path: str, query: str) -> None:
    assert request(server, "GET", f"{path}?{query}").status == 400


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_polling_with_an_invalid_method(server: Server, path: str, method: str) -> None:
    assert request(server, method, f"{path}?{POLLING}").status == 400


def test_websocket_opens_a_session(server: Server, path: str) -> None:
    websocket = WebSocket(server, f"{path}?{WEBSOCKET}")
    packet = str(websocket.receive())
    assert packet[0] == "0"
    check_handshake(json.loads(packet[1:]), [])
    websocket.close()


@pytest.mark.parametrize(
    "query", ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
)
def test_websocket_with_an_invalid_query(server: Server, path: str, query: str) -> None:
    try:
        websocket = WebSocket(server, f"{path}?{query}")
    except RefusedError:
        return
    assert websocket.closed() == []


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="])
def test_polling_echoes(server: Server, payload: str) -> None:
    session = Polling(server, ENGINE)
    session.push(payload)
    expected = payload.split("\x1e")
    received: list[str] = []
    while len(received) < len(expected):
        received += session.poll().split("\x1e")
    assert received == expected


def test_polling_with_an_invalid_packet(server: Server, path: str) -> None:
    session = Polling(server, path)
    request(server, "POST", session.target, "abc")
    assert is_unknown(session)


def test_polling_with_two_polls(server: Server, path: str) -> None:
    session = Polling(server, path)
    polls = [session.start_poll(), session.start_poll()]
    answers = sorted([poll.answer() for poll in polls], key=lambda answer: answer.status)
    assert [answer.status for answer in answers] == [200, 400]
    assert answers[0].text == "1"
    assert is_unknown(session)


def test_polling_with_a_cancelled_poll(server: Server, path: str) -> None:
    session = Polling(server, path)
    poll = session.start_poll()
    assert request(server, "PUT", session.target).status == 500
    poll.abort()
    while not is_unknown(session):
        pass


def test_websocket_echoes(server: Server) -> None:
    websocket = opened(server)
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.send(b"\x01\x02\x03\x04")
    assert websocket.receive() == b"\x01\x02\x03\x04"
    websocket.close()


def test_websocket_with_an_invalid_packet(server: Server, path: str) -> None:
    websocket = opened(server, path)
    websocket.send("abc")
    websocket.closed()


# -- heartbeat ---------------------------------------------------------------------------------------------------------


def test_polling_heartbeat(server: Server, path: str) -> None:
    session = Polling(server, path)
    for _ in range(2):
        assert session.poll() == "2"
        session.push("3")


def test_polling_timeout(server: Server, path: str) -> None:
    session = Polling(server, path)
    assert session.poll() == "2"
    # The next poll is released when the time for the pong is over; then the session is unknown.
    session.start_poll().answer()
    assert is_unknown(session)


def test_websocket_heartbeat(server: Server, path: str) -> None:
    websocket = opened(server, path)
    for _ in range(3):
        assert websocket.receive() == "2"
        websocket.send("3")
    websocket.close()


def test_websocket_timeout(server: Server, path: str) -> None:
    assert opened(server, path).closed() == ["2"]


# -- close -------------------------------------------------------------------------------------------------------------


def test_polling_close(server: Server, path: str) -> None:
    session = Polling(server, path)
    poll = session.start_poll()
    session.push("1")
    answer = poll.answer()
    assert (answer.status, answer.text) == (200, "6")
    assert is_unknown(session)


def test_websocket_close(server: Server, path: str) -> None:
    websocket = opened(server, path)
    websocket.send("1")
    websocket.closed()


# -- upgrade -----------------------------------------------------------------------------------------------------------


def test_upgrades(server: Server) -> None:
    session = Polling(server, ENGINE)
    websocket = session.probe()
    websocket.send("5")
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.close()


def test_ignores_requests_after_the_upgrade(server: Server) -> None:
    session = Polling(server, ENGINE)
    websocket = session.probe()
    websocket.send("5")
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    assert is_unknown(session)
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.close()


def test_ignores_a_websocket_after_the_upgrade(server: Server) -> None:
    session = Polling(server, ENGINE)
    websocket = session.probe()
    websocket.send("5")
    try:
        second = WebSocket(server, f"{ENGINE}?{WEBSOCKET}&sid={session.sid}")
    except RefusedError:
        pass
    else:
        assert second.closed() == []
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.close()
