"""What the `connect` of a driver is given."""

import pytest

from sansio_eio import EngineClient, LocalProtocolError
from sansio_eio.socketio import Client, as_client


def test_a_url() -> None:
    client = as_client("http://server/chat", {"reconnection": False})
    assert isinstance(client, Client)
    assert client.socket.namespace == "/chat"


def test_clients_are_themselves() -> None:
    for client in (Client("http://server"), EngineClient("http://server")):
        assert as_client(client, {}) is client


def test_a_client_has_its_options_already() -> None:
    with pytest.raises(LocalProtocolError, match="auth, path"):
        as_client(Client("http://server"), {"auth": None, "path": "/"})
