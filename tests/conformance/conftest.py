"""Fixtures of the conformance suite: which server, which transports, which client version."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Protocol, cast

import pytest

from tests.conformance.differences import DIFFERENCES
from tests.conformance.peers import Client, EngineClient, Peer
from tests.conformance.raw import close_all
from tests.conformance.servers import KINDS, Server

TRANSPORTS: dict[str, dict[str, object]] = {
    "websocket": {"transports": ["websocket"]},
    "polling": {"transports": ["polling"]},
    "upgrade": {"transports": ["polling", "websocket"]},
}

#: An old client may ask for base64 instead of bytes.
IN_BASE64: dict[str, dict[str, object]] = {
    "websocket-base64": {"transports": ["websocket"], "forceBase64": True},
    "polling-base64": {"transports": ["polling"], "forceBase64": True},
}
EVERY_FORM = (*TRANSPORTS, *IN_BASE64)

_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """The marker of the scenarios with JavaScript clients; without it, an old client goes the way of an upgrade."""
    config.addinivalue_line(
        "markers", "old_clients(*transports, oldest=()): over what clients of revision 3, and of 1.x, are to connect"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The clients of a scenario: which version, and whether over WebSocket, long-polling, or one and then the other."""
    if any(marker.args[0] == "transport" for marker in metafunc.definition.iter_markers("parametrize")):
        return
    marker = metafunc.definition.get_closest_marker("old_clients")
    old: tuple[str, ...] = marker.args if marker is not None else ("upgrade",)
    if "dial" in metafunc.fixturenames:
        new = () if "only_old_clients" in metafunc.fixturenames else ("4", "3")
        clients = [(version, transport) for version in new for transport in TRANSPORTS]
        clients += [("2", transport) for transport in old]
        clients += [("1", transport) for transport in (marker.kwargs.get("oldest", ()) if marker is not None else ())]
        metafunc.parametrize(("version", "transport"), clients)
    elif "dial_engine" in metafunc.fixturenames:
        clients = [*(("6", transport) for transport in TRANSPORTS), *(("3", transport) for transport in old)]
        metafunc.parametrize(("engine_version", "transport"), clients)
    elif "transport" in metafunc.fixturenames:
        metafunc.parametrize("transport", TRANSPORTS)


def is_redundant(item: pytest.Item) -> bool:
    """Whether the scenario, with these clients, would show nothing that it does not show with others.

    The reference need not meet every version of the client on every transport; uvloop is the adapter of asyncio. With
    an upgrade, a client has both transports.
    """
    call: Any = getattr(item, "callspec", None)
    parameters: dict[str, object] = call.params if call is not None else {}
    server, version, transport = [parameters.get(name) for name in ("server", "version", "transport")]
    if server == "reference":
        return version == "3" and transport != "upgrade"
    is_old = version in {"1", "2"} or "3" in {parameters.get("engine_version"), parameters.get("start")}
    return server == "uvloop" and is_old and transport != "upgrade"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here needs node; and what the reference does differently must fail on it."""
    config.hook.pytest_deselected(items=[item for item in items if is_redundant(item)])
    items[:] = [item for item in items if not is_redundant(item)]
    for item in items:
        if "tests/conformance/" not in item.path.as_posix():
            continue
        item.add_marker(pytest.mark.conformance)
        if "reference" in item.name:
            reason = DIFFERENCES.get(item.name) or DIFFERENCES.get(item.name.partition("[")[0])
            if reason is not None:
                item.add_marker(pytest.mark.xfail(strict=True, raises=(AssertionError, TimeoutError), reason=reason))


@pytest.fixture(scope="session", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server under test, shared by all scenarios."""
    running = Server(cast("str", request.param))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def node() -> Iterator[Peer]:
    """The process of the JavaScript clients, shared by all scenarios."""
    running = Peer()
    yield running
    assert running.child.stop() in {0, -15}
    assert running.child.errors == ""


@pytest.fixture
def peer(node: Peer) -> Iterator[Peer]:
    """The JavaScript clients; what a scenario leaves open is closed behind it."""
    yield node
    node.reset()


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """Close the connections that a failed scenario leaves behind, so that it is the only one that fails."""
    yield
    close_all()


@pytest.fixture
def start_server(server: Server) -> Iterator[Callable[[int], Server]]:
    """Start more servers of the same kind, on a given port or any (0), which the scenario may stop."""
    started: list[Server] = []

    def start(port: int) -> Server:
        started.append(Server(server.kind, port))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def room() -> str:
    """The name of a room that no other scenario uses."""
    return f"room {next(_numbers)}"


@pytest.fixture
def fresh() -> str:
    """A dynamic namespace that no other scenario uses."""
    return f"/room-{next(_numbers)}"


class Dial(Protocol):
    """Makes a connection of a socket.io-client to the server under test."""

    def __call__(self, path: str = "/socket.io/", *, url: str = "", parser: str = "", **options: object) -> Client:
        """`options` are the client's own; `url` dials something in front of the server."""
        ...


@pytest.fixture
def dial(server: Server, peer: Peer, version: str, transport: str) -> Dial:
    """Connect with this major version of socket.io-client."""

    def connect(path: str = "/socket.io/", *, url: str = "", parser: str = "", **options: object) -> Client:
        options = {"path": path, **(TRANSPORTS | IN_BASE64)[transport], **options}
        return Client(peer, version, url or server.url, options, parser)

    return connect


class DialEngine(Protocol):
    """Makes an engine.io-client connect to the server under test."""

    def __call__(self, path: str = "/engine.io/", *, url: str = "", **options: object) -> EngineClient:
        """`options` are the client's own; `url` dials something in front of the server."""
        ...


@pytest.fixture
def dial_engine(server: Server, peer: Peer, engine_version: str, transport: str) -> DialEngine:
    """Connect with this major version of engine.io-client."""

    def connect(path: str = "/engine.io/", *, url: str = "", **options: object) -> EngineClient:
        options = {"path": path, **(TRANSPORTS | IN_BASE64)[transport], **options}
        return EngineClient(peer, engine_version, url or server.url, options)

    return connect
