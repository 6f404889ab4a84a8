"""The cases of the published black-box suite for Engine.IO, revision 3, with its settings.

Where that suite and the reference disagree, as the reference: bytes in base64 have their type ("b4"), whatever is not
EIO=4 is revision 3, and no noop comes behind an upgrade.
"""

import json

import pytest

from tests.conformance.old_raw import POLLING, WEBSOCKET, OldPolling, OldWebSocket, opened, text_payload
from tests.conformance.raw import RefusedError, request
from tests.conformance.servers import Server

ENGINE = "/suite/engine.io/"


def is_unknown(session: OldPolling) -> bool:
    return request(session.server, "GET", session.target).status == 400


def check_handshake(handshake: dict[str, object], upgrades: list[str]) -> None:
    # Engine.IO 3 had no maxPayload; the reference of today has.
    assert handshake.keys() - {"maxPayload"} == {"sid", "upgrades", "pingInterval", "pingTimeout"}
    assert isinstance(handshake["sid"], str)
    assert handshake["upgrades"] == upgrades
    assert handshake["pingInterval"] == 300
    assert handshake["pingTimeout"] == 200


# -- handshake ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ENGINE, "/suite/socket.io/"])
def test_polling_opens_a_session(server: Server, path: str) -> None:
    check_handshake(OldPolling(server, path).handshake, ["websocket"])


@pytest.mark.parametrize("query", ["EIO=3", "EIO=3&transport=abc", "transport=abc", ""])
def test_polling_with_an_invalid_query(server: Server, query: str) -> None:
    assert request(server, "GET", f"{ENGINE}?{query}").status == 400


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_polling_with_an_invalid_method(server: Server, method: str) -> None:
    assert request(server, method, f"{ENGINE}?{POLLING}").status == 400


@pytest.mark.parametrize("path", [ENGINE, "/suite/socket.io/"])
def test_websocket_opens_a_session(server: Server, path: str) -> None:
    websocket = OldWebSocket(server, f"{path}?{WEBSOCKET}")
    packet = str(websocket.receive())
    assert packet[0] == "0"
    check_handshake(json.loads(packet[1:]), [])
    websocket.close()


@pytest.mark.parametrize("query", ["EIO=3", "EIO=3&transport=abc"])
def test_websocket_with_an_invalid_query(server: Server, query: str) -> None:
    with pytest.raises(RefusedError):
        OldWebSocket(server, f"{ENGINE}?{query}")


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", ["6:4hello", "6:4test16:4test26:4test3", "6:4hello10:b4AQIDBA=="])
def test_polling_echoes(server: Server, payload: str) -> None:
    session = OldPolling(server, ENGINE)
    assert request(server, "POST", session.target, payload).text == "ok"
    received: list[str] = []
    while len(received) < payload.count(":"):
        received += session.poll().split("\x1e")
    assert text_payload(*[f"b4{packet[1:]}" if packet[0] == "b" else packet for packet in received]) == payload


def test_polling_with_an_invalid_packet(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    request(server, "POST", session.target, "abc")
    assert is_unknown(session)


def test_polling_with_two_polls(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    polls = [session.start_poll(), session.start_poll()]
    answers = sorted([poll.answer() for poll in polls], key=lambda answer: answer.status)
    assert [answer.status for answer in answers] == [200, 400]
    assert answers[0].text == "1:1"
    assert is_unknown(session)


def test_polling_with_a_cancelled_poll(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    poll = session.start_poll()
    assert request(server, "PUT", session.target).status == 500
    poll.abort()
    while not is_unknown(session):
        pass


def test_websocket_echoes(server: Server) -> None:
    websocket = opened(server, ENGINE)
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.send(b"\x01\x02\x03\x04")
    assert websocket.receive() == b"\x01\x02\x03\x04"
    websocket.close()


def test_websocket_with_an_invalid_packet(server: Server) -> None:
    websocket = opened(server, ENGINE)
    websocket.send("abc")
    assert websocket.closed() == []


# -- heartbeat ---------------------------------------------------------------------------------------------------------


def test_polling_heartbeat(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    for _ in range(3):
        session.push("2")
        assert session.poll() == "3"


def test_polling_timeout(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    # Nothing is due from the server: the poll is released when the time for the client's ping is over.
    session.start_poll().answer()
    assert is_unknown(session)


def test_websocket_heartbeat(server: Server) -> None:
    websocket = opened(server, ENGINE)
    for _ in range(3):
        websocket.send("2")
        assert websocket.receive() == "3"
    websocket.close()


def test_websocket_timeout(server: Server) -> None:
    assert opened(server, ENGINE).closed() == []


# -- close -------------------------------------------------------------------------------------------------------------


def test_polling_close(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    poll = session.start_poll()
    session.push("1")
    answer = poll.answer()
    assert (answer.status, answer.text) == (200, "1:6")
    assert is_unknown(session)


def test_websocket_close(server: Server) -> None:
    websocket = opened(server, ENGINE)
    websocket.send("1")
    assert websocket.closed() == []


# -- upgrade -----------------------------------------------------------------------------------------------------------


def test_upgrades(server: Server) -> None:
    session = OldPolling(server, ENGINE)
    websocket = session.probe()
    assert session.poll() == "6"
    websocket.send("5")
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    assert is_unknown(session)
    second = session.candidate()
    assert second.closed() == []
    websocket.send("4hello")
    assert websocket.receive() == "4hello"
    websocket.close()
