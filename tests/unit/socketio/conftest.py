"""The fixture of all tests that serve a Socket.IO server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
