"""The keyword arguments that the network and its clients share between their faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict

from sansio_eio.engineio import EngineServer
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http import HttpOptions, Router
from sansio_eio.socketio import Parser
from sansio_eio.testing.peer import Transport
from sansio_eio.testing.responses import Pairs

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True


class NetworkOptions(HttpOptions, total=False):
    """The keyword arguments of a network. Besides those of `HttpSettings`, which count for the server's connections."""

    seed: int | None
    """Draw from this number what happens next of all that can, and the pieces that bytes arrive in (None: in order)."""
    split: int | Sequence[int]
    """What `split` of each client begins with: a number of bytes, or places (0: as the bytes were sent)."""
    latency: float
    """What `delay` of each client begins with, in seconds (0)."""
    max_steps: int
    """So many steps without time passing are taken for an endless loop, or turns of an event loop (100,000)."""


class PeerOptions(TypedDict, total=False):
    """The keyword arguments of `connect_engine`."""

    transport: Transport
    """"upgrade" (polling, then the upgrade to a WebSocket), "polling" or "websocket" ("upgrade")."""
    headers: Pairs
    """Headers for each request, such as {"cookie": "a=b"}."""
    query: Pairs
    """More parameters for the query string of each request."""
    name: str
    """What the transcript calls it (the next of ada, bob, cleo, dan, eve ...)."""
    path: str
    """Where it connects to (the path of the application; under a router "/socket.io/" or "/engine.io/")."""
    wait: bool
    """Whether to let the network run until the server has let it in or refused it (True)."""


class ConnectOptions(PeerOptions, total=False):
    """The keyword arguments of `connect`."""

    auth: dict[str, Any] | None
    """What the client says about itself: `socket.handshake.auth`."""
    parser: Parser
    """How packets look on the wire (as the server has it)."""


def check_options(given: Iterable[str], known: frozenset[str], where: str) -> None:
    """LocalProtocolError for a name that is misspelt."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise LocalProtocolError(f"{where} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def check_app(app: object) -> None:
    """LocalProtocolError for what is no application."""
    if not isinstance(app, Router) and not isinstance(getattr(app, "engine", None), EngineServer):
        raise LocalProtocolError(f"an application is a Server, an EngineServer or a Router, not {app!r}")


def check_seed(seed: object) -> None:
    """LocalProtocolError for what is no seed."""
    if seed is not None and not isinstance(seed, int):
        raise LocalProtocolError(f"a seed is an int, not {seed!r}")


def check_auth(auth: object) -> None:
    """LocalProtocolError for what a client cannot say about itself."""
    if auth is not None and not isinstance(auth, dict):
        raise LocalProtocolError(f"auth is a dict, not {auth!r}")
