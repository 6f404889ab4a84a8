"""Fixtures of the suite of the client: on which adapter, against which server, over which transports."""

import inspect
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conformance.client.adapters import ADAPTERS, Adapter, run
from tests.conformance.client.left_out import is_left_out
from tests.conformance.client.proxy import Network
from tests.conformance.client.servers import OLD, SOCKETIO_2, SOCKETIO_4, SOCKETIO_4_FOR_OLD, PeerServer
from tests.conformance.client.world import World


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A scenario is an `async def`: its adapter runs it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    adapter = cast("Adapter", pyfuncitem.funcargs["adapter"])
    names = inspect.signature(pyfuncitem.obj).parameters
    run(adapter, partial(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def is_redundant(item: pytest.Item) -> bool:
    """Whether the scenario would show nothing that it does not show with another adapter, server or transport.

    Or nothing at all: see `left_out`. With an upgrade it has both transports; uvloop is the adapter of asyncio. No
    adapter knows of revisions, so each transport is shown on one of them, and what they have in common on the others.
    """
    call: Any = getattr(item, "callspec", None)
    parameters: dict[str, Any] = call.params if call is not None else {}
    adapter, kind, transport = (parameters.get(name) for name in ("adapter", "kind", "transport"))
    if is_left_out(kind, item.path.stem, getattr(item, "originalname", "")):
        return True
    if kind == SOCKETIO_4_FOR_OLD and adapter in ("uvloop", "trio"):
        return True
    chosen = any(marker.args[0] == "transport" for marker in item.iter_markers("parametrize"))
    if chosen or transport in ("upgrade", None):
        return False
    if kind == SOCKETIO_4:
        return bool(adapter == "uvloop")
    return adapter != "asyncio" or (kind not in OLD and transport != "polling")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is redundant."""
    here = Path(__file__).parent
    redundant = [item for item in items if here in item.path.parents and is_redundant(item)]
    config.hook.pytest_deselected(items=redundant)
    items[:] = [item for item in items if item not in redundant]


@pytest.fixture(scope="session")
def peer_servers() -> Iterator[dict[str, PeerServer]]:
    """The servers that some scenario has asked for, shared by all."""
    running: dict[str, PeerServer] = {}
    yield running
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session")
def network_thread() -> Iterator[Network]:
    """The thread of the proxies, shared by all scenarios."""
    running = Network()
    yield running
    running.stop()


@pytest.fixture
def network(network_thread: Network) -> Iterator[Network]:
    """Proxies; those of a scenario end with it."""
    yield network_thread
    network_thread.reset()


@pytest.fixture(params=[SOCKETIO_4, SOCKETIO_2])
def kind(request: pytest.FixtureRequest) -> str:
    """Which server; scenarios for others replace it with a parameter of their own."""
    return cast("str", request.param)


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """The adapter under test."""
    return ADAPTERS[cast("str", request.param)]


@pytest.fixture
def world(adapter: Adapter, kind: str, transport: str, peer_servers: dict[str, PeerServer], network: Network) -> World:
    """The server of this kind, for clients on this adapter over these transports."""
    if kind not in peer_servers:
        peer_servers[kind] = PeerServer(kind)
    return World(adapter, peer_servers[kind], transport, network)
