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

_numbers = count(1)


def is_redundant(item: pytest.Item) -> bool:
    """Whether the scenario, with these clients, would show nothing that it does not show with others.

    The reference need not meet every version of the client on every transport.
    """
    call: Any = getattr(item, "callspec", None)
    parameters: dict[str, object] = call.params if call is not None else {}
    if parameters.get("server") == "reference":
        return parameters.get("version") == "3" and parameters["transport"] != "upgrade"
    return False


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


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """What the clients may use: WebSocket, long-polling, or long-polling first and then WebSocket."""
    return cast("str", request.param)


@pytest.fixture(params=["4", "3"])
def version(request: pytest.FixtureRequest) -> str:
    """The major version of socket.io-client."""
    return cast("str", request.param)


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
    """Connect with every version of the client over every transport."""

    def connect(path: str = "/socket.io/", *, url: str = "", parser: str = "", **options: object) -> Client:
        return Client(peer, version, url or server.url, {"path": path, **TRANSPORTS[transport], **options}, parser)

    return connect


class DialEngine(Protocol):
    """Makes an engine.io-client connect to the server under test."""

    def __call__(self, path: str = "/engine.io/", *, url: str = "", **options: object) -> EngineClient:
        """`options` are the client's own; `url` dials something in front of the server."""
        ...


@pytest.fixture
def dial_engine(server: Server, peer: Peer, transport: str) -> DialEngine:
    """Connect with engine.io-client over every transport."""

    def connect(path: str = "/engine.io/", *, url: str = "", **options: object) -> EngineClient:
        return EngineClient(peer, url or server.url, {"path": path, **TRANSPORTS[transport], **options})

    return connect
