"""The real client against the real server, on their parsed faces, with a clock that is turned by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from sansio_eio import EngineClient, EngineServer
from sansio_eio.engineio import ConnectError
from sansio_eio.engineio.client_settings import Protocol

from .web import Web

if TYPE_CHECKING:
    from sansio_eio import Session

MODES = [["polling"], ["websocket"], ["polling", "websocket"]]
PROTOCOLS: list[Protocol] = [3, 4, "auto"]


class Pair:
    """A server that sends back what it is sent, and a client."""

    def __init__(self, transports: list[str], protocol: Protocol, *, allow_eio3: bool = True) -> None:
        self.server = EngineServer(allow_eio3=allow_eio3)
        self.protocol = protocol
        self.client = EngineClient("http://server", transports=transports, protocol=protocol, timestamp_requests=False)
        self.web = Web(self.server)
        self.web.add(self.client)
        self.sessions: list[Session] = []
        #: What each side has seen.
        self.up: list[str | bytes] = []
        self.down: list[str | bytes] = []
        self.ends: list[str] = []
        self.server.on("connection", self._connected)
        self.client.on("message", self.down.append)
        self.client.on("close", partial(self._ended, "client"))

    def _connected(self, session: Session) -> None:
        self.sessions.append(session)
        session.on("message", self._echo)
        session.on("close", partial(self._ended, "server"))

    def _ended(self, who: str, reason: str) -> None:
        self.ends.append(f"{who}: {reason}")

    def _echo(self, data: str | bytes) -> None:
        self.up.append(data)
        self.sessions[-1].send(data)

    def open(self) -> None:
        pending = self.client.open()
        self.web.settle()
        assert pending.done
        assert self.client.session is not None
        revision = 3 if self.protocol == 3 else 4
        assert (self.client.session.protocol, self.sessions[-1].protocol) == (revision, revision)

    def check_clean(self) -> None:
        """Nothing is left on either side."""
        self.web.settle()
        assert self.client.over
        assert self.client.next_deadline() is None
        assert self.server.sessions == {}
        assert self.server.next_deadline() is None
        assert self.web.exchanges == []


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    protocol: Protocol = request.param
    return protocol


@pytest.fixture(params=MODES, ids=["polling", "websocket", "upgrade"])
def pair(request: pytest.FixtureRequest, protocol: Protocol) -> Pair:
    return Pair(request.param, protocol)


def test_messages_both_ways(pair: Pair) -> None:
    pair.open()
    messages: list[str | bytes] = ["a", b"\x00\x01", "", b"", "\u20ac \U0001f600", "x" * 1000]
    for message in messages:
        assert pair.client.send(message)
    pair.web.settle()
    assert pair.up == pair.down == messages


def test_heartbeats(pair: Pair) -> None:
    pair.open()
    pair.web.advance(300)
    assert pair.ends == []
    assert pair.client.session is not None
    assert len(pair.server.sessions) == 1


def test_the_client_closes(pair: Pair) -> None:
    pair.open()
    pair.client.send("last")
    pair.client.close()
    pair.web.settle()
    assert pair.up == ["last"]
    assert pair.ends == ["client: forced close", "server: transport close"]
    pair.check_clean()


def test_the_server_closes(pair: Pair) -> None:
    pair.open()
    pair.sessions[0].send("last")
    pair.sessions[0].close()
    pair.web.settle()
    assert pair.down == ["last"]
    assert sorted(pair.ends) == ["client: transport close", "server: forced close"]
    pair.check_clean()


def test_the_connection_is_lost(pair: Pair) -> None:
    pair.open()
    pair.web.cut()
    pair.web.advance(50)
    assert len(pair.ends) == 2
    pair.check_clean()
    pair.open()
    pair.client.send("again")
    pair.web.settle()
    assert pair.down == ["again"]


def test_nothing_is_lost_while_the_transport_changes(protocol: Protocol) -> None:
    pair = Pair(["polling", "websocket"], protocol)
    pair.client.open()
    sent: list[str | bytes] = []
    answered: list[str | bytes] = []
    for number in range(200):
        if pair.sessions:
            pair.sessions[0].send(f"down {number}")
            answered.append(f"down {number}")
        data: str | bytes = f"up {number}" if number % 5 else b"up %d" % number
        if pair.client.session is not None and pair.client.send(data):
            sent.append(data)
        pair.web.step()
    pair.web.settle()
    assert pair.client.session is not None
    assert pair.client.session.transport == "websocket"
    assert pair.up == sent
    assert [data for data in pair.down if data in answered] == answered
    assert [data for data in pair.down if data in sent] == sent


@pytest.mark.parametrize("transports", MODES)
def test_who_does_not_read_is_not_given_up(transports: list[str]) -> None:
    """In revision 4 it is the server that does not, and then the client has nothing to wait for either."""
    pair = Pair(transports, 3)
    pair.open()
    pair.client.pause(True)
    pair.web.advance(300)
    assert pair.ends == []
    pair.client.pause(False)
    pair.web.advance(300)
    assert pair.ends == []
    pair.client.send("x")
    pair.web.settle()
    assert pair.down == ["x"]


@pytest.mark.parametrize("transports", MODES)
def test_a_server_that_admits_no_old_clients(transports: list[str]) -> None:
    pair = Pair(transports, "auto", allow_eio3=False)
    pair.open()
    pair.client.close()
    pair.web.settle()
    # Found out before: the server has been an old one.
    pair.client.expect_older(True)
    pair.open()
    asked = ["4", "3", "4"] if transports[0] == "websocket" else ["4", "4"]
    assert [request.params["EIO"] for request in pair.web.requests if "sid" not in request.params] == asked


@pytest.mark.parametrize("transports", MODES)
def test_an_old_client_of_such_a_server(transports: list[str]) -> None:
    pair = Pair(transports, 3, allow_eio3=False)
    pending = pair.client.open()
    pair.web.settle()
    assert isinstance(pending.error, ConnectError)
    assert pending.error.status == 400
    assert pair.sessions == []
