"""Raw Engine.IO clients."""

from typing import Any

import pytest

from sansio_eio import EngineServer, LocalProtocolError, Session
from sansio_eio.testing import Network, NetworkAssertionError, Transport


def make_echo(**options: Any) -> EngineServer:
    """It sends everything back, and closes when asked to."""
    engine = EngineServer(**options)

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message")
        def received(data: str | bytes) -> None:
            if data == "close":
                session.close()
            else:
                session.send(data)

    return engine


@pytest.mark.parametrize("transport", ["upgrade", "polling", "websocket"])
def test_messages(transport: Transport) -> None:
    with Network(make_echo()) as net:
        ada = net.connect_engine(transport=transport)
        assert ada.connected
        ada.send("text", b"bytes")
        ada.expect("text")
        ada.expect(b"bytes")
        ada.expect_nothing()
        assert ada.messages == ["text", b"bytes"]
        ada.send("€")
        with pytest.raises(NetworkAssertionError, match="ada expected nothing and received"):
            ada.expect_nothing()
        assert ada.take() == ["€"]
        ada.send("close")
        net.settle()
        assert not ada.connected
        assert ada.disconnect_reason == "transport close"
        with pytest.raises(LocalProtocolError, match="ada is not connected"):
            ada.send("late")


@pytest.mark.parametrize("transport", ["upgrade", "polling", "websocket"])
def test_closing(transport: Transport) -> None:
    engine = make_echo()
    with Network(engine) as net:
        ada = net.connect_engine(transport=transport)
        ada.close()
        net.settle()
        assert ada.disconnect_reason == "forced close"
        assert engine.sessions == {}


def test_refused() -> None:
    engine = make_echo(transports=["websocket"])
    with Network(engine) as net:
        error = net.connect_engine().connect_error
        assert error is not None
        assert error.data == {"code": 0, "message": "Transport unknown"}
        assert net.connect_engine(transport="websocket").connected


def test_no_upgrade_where_the_server_offers_none() -> None:
    with Network(make_echo(allow_upgrades=False)) as net:
        assert net.connect_engine().transport == "polling"


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_heartbeats_are_answered(transport: Transport) -> None:
    with Network(make_echo(ping_interval=10.0, ping_timeout=5.0)) as net:
        ada = net.connect_engine(transport=transport)
        net.advance(1000.0)
        assert ada.connected


def test_a_server_that_went_silent_is_missed() -> None:
    with Network(make_echo(ping_interval=10.0, ping_timeout=5.0)) as net:
        ada = net.connect_engine(transport="polling")
        bob = net.connect_engine(transport="websocket")
        for client in (ada, bob):
            client.delay(100.0)
        net.advance(15.0)
        assert ada.disconnect_reason == bob.disconnect_reason == "ping timeout"
