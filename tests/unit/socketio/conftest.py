"""The fixtures of all tests that serve a Socket.IO server, or connect a client."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.socketio.client_helpers import ClientNet
from tests.unit.socketio.helpers import Net


@pytest.fixture
def serve() -> Iterator[Callable[..., Net]]:
    """Make servers; at the end there must be no error that the test has not asked for."""
    nets: list[Net] = []

    def make(**options: Any) -> Net:
        nets.append(Net(**options))
        return nets[-1]

    yield make
    for net in nets:
        assert net.failures() == []


@pytest.fixture
def dial() -> Iterator[Callable[..., ClientNet]]:
    """Make clients; at the end there must be no error that the test has not asked for, and nothing left of them."""
    nets: list[ClientNet] = []

    def make(url: str = "http://server", **options: Any) -> ClientNet:
        nets.append(ClientNet(url, **options))
        return nets[-1]

    yield make
    for net in nets:
        assert net.failures() == []
        net.stalled = False
        net.client.close()
        net.pump()
        assert net.engine.over
        assert len(net.engine.deadlines) == 0
        assert net.failures() == []
