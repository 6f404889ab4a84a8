"""Clients that come back, by themselves or because the test says so."""

import pytest

from sansio_eio import EngineServer, LocalProtocolError, Server, Socket
from sansio_eio.testing import Network, Transport
from tests.unit.testing.chat import make_chat

TRANSPORTS: tuple[Transport, ...] = ("upgrade", "polling", "websocket")


def test_a_client_stays_away_unless_it_is_told_otherwise() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        ada.cut()
        net.advance(100.0)
        assert not ada.connected
        assert not ada.socket.active


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_comes_back_by_itself(transport: Transport) -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport=transport, reconnection=True, randomization_factor=0.0)
        bob = net.connect()
        first = ada.id
        ada.cut()
        net.settle()
        assert not ada.connected
        assert repr(ada).startswith("<NetworkClient ada waiting on ")
        assert ada.disconnect_reason in ("transport close", "transport error")
        ada.emit("say", "meanwhile")
        net.advance(0.9)
        assert not ada.connected
        net.advance(0.1)
        assert ada.connected
        assert ada.disconnect_reason is None
        assert ada.id != first
        assert [event.args for event in bob.take() if event.name == "said"] == [("meanwhile",)]
        assert ada.call("echo", 1) == 1


def test_a_server_that_is_down_for_a_while() -> None:
    with Network(make_chat()) as net:
        ada = net.connect(reconnection=True, randomization_factor=0.0)
        attempts: list[tuple[float, int]] = []

        def attempt(number: int) -> None:
            attempts.append((net.now, number))

        ada.socket.client.on("reconnect_attempt", attempt)
        net.refuse()
        assert ada.call("echo", "those that are there go on") is not None
        ada.cut()
        net.advance(10.0)
        assert ada.connect_error is not None
        assert str(ada.connect_error) == "xhr poll error: connections are refused"
        net.accept()
        net.advance(5.0)
        assert ada.connected
        assert attempts == [(1.0, 1), (3.0, 2), (7.0, 3), (12.0, 4)]
        assert "ada   !!       connections are refused\n" in str(net.transcript)
        assert "ada   !!       connections are accepted\n" in str(net.transcript)


def test_one_that_gives_up() -> None:
    with Network(make_chat()) as net:
        ada = net.connect(reconnection=True, reconnection_attempts=2, transport="websocket")
        ada.refuse()
        ada.cut()
        net.advance(20.0)
        assert not ada.socket.active
        with pytest.raises(
            LocalProtocolError, match=r"ada is not connected to /: it was not let in \(websocket error\)"
        ):
            ada.emit("say", "hello")


def test_a_connection_that_is_refused_and_stalled() -> None:
    with Network(make_chat()) as net:
        net.refuse()
        ada = net.connect(wait=False, reconnection=True)
        ada.stall()
        net.accept()
        net.advance(2.0)
        assert ada.connect_error is not None
        ada.resume()
        net.settle()
        assert ada.connected


def test_the_first_connection_is_refused() -> None:
    with Network(make_chat()) as net:
        net.refuse()
        ada = net.connect(reconnection=True)
        assert not ada.connected
        assert ada.connect_error is not None
        assert ada.connect_error.message == "xhr poll error"
        assert net.now == 0.0
        net.accept()
        net.advance(2.0)
        assert ada.connected
        assert ada.connect_error is None


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_delays_that_are_up_to_chance(seed: int | None) -> None:
    def run() -> tuple[float, str]:
        with Network(make_chat(), seed=seed) as net:
            ada = net.connect(reconnection=True)
            ada.cut()
            net.settle()
            while not ada.connected:
                net.advance(0.001)
            return net.now, str(net.transcript)

    assert run() == run()
    assert 0.5 <= run()[0] <= 1.5


def test_the_server_missed_it_and_it_is_back() -> None:
    """A proxy that loses connections: the server still has the old socket when the new one comes."""
    io = Server(ping_interval=25.0, ping_timeout=20.0)
    here: list[str] = []

    @io.on("connection")
    def connected(socket: Socket) -> None:
        here.append(socket.id)

    with Network(io) as net:
        ada = net.connect(transport="polling", reconnection=True)
        ada.drop_poll()
        io.emit("news")
        net.advance(5.0)
        assert ada.connected
        assert list(io.sockets.sockets) == here
        assert len(here) == 2
        net.advance(45.0)
        assert list(io.sockets.sockets) == here[1:]


def test_coming_back_when_the_test_says_so() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(auth={"name": "Ada"})
        admin = ada.of("/admin", auth={"name": "root"})
        ada.cut()
        net.settle()
        ada.connect()
        assert ada.connected
        assert not admin.connected
        admin.connect()
        assert admin.call("whoami") == "root"
        ada.close()
        ada.connect(wait=False)
        assert not ada.connected
        net.settle()
        assert ada.connected
        assert ada.disconnect_reason is None
        assert len(io.engine.sessions) == 1


def test_a_raw_client_that_comes_back() -> None:
    engine = EngineServer()
    with Network(engine) as net:
        ada = net.connect_engine()
        with pytest.raises(LocalProtocolError, match="open already"):
            ada.connect()
        ada.cut()
        net.settle()
        ada.connect()
        assert ada.connected
        assert ada.disconnect_reason is None
        ada.close()
        net.settle()
        ada.connect(wait=False)
        net.settle()
        assert ada.connected
        assert len(engine.sessions) == 1


def test_silence_ends_with_the_session_that_it_was_for() -> None:
    with Network(make_chat(ping_interval=10.0, ping_timeout=5.0)) as net:
        ada = net.connect(transport="websocket", reconnection=True)
        ada.silence()
        net.advance(15.2)
        assert ada.disconnect_reason == "transport close"
        net.advance(2.0)
        assert ada.connected
        ada.resume()
        net.advance(60.0)
        assert ada.connected


def test_a_network_closes_while_a_client_tries_to_come_back() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(reconnection=True)
        net.refuse()
        ada.cut()
        net.settle()
    assert io.engine.sessions == {}
    assert not ada.socket.active
