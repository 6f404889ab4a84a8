"""The keyword arguments that the network and its clients share between their faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from sansio_eio.http import HttpOptions
from sansio_eio.socketio import Parser
from sansio_eio.testing.peer import Query, Transport


class NetworkOptions(HttpOptions, total=False):
    """The keyword arguments of a network. Besides those of `HttpSettings`, which count for the server's connections."""

    seed: int | None
    """Draw from this number what happens next of all that can, and the pieces that bytes arrive in (None: in order)."""
    split: int | Sequence[int]
    """What `split` of each client begins with: a number of bytes, or places (0: as the bytes were sent)."""
    latency: float
    """What `delay` of each client begins with, in seconds (0)."""
    max_steps: int
    """So many steps without time passing are taken for an endless loop (100,000)."""


class PeerOptions(TypedDict, total=False):
    """The keyword arguments of `connect_engine`."""

    transport: Transport
    """"upgrade" (polling, then the upgrade to a WebSocket), "polling" or "websocket" ("upgrade")."""
    headers: Sequence[tuple[str, str]]
    """Headers for each request, such as ("cookie", "a=b")."""
    query: Query
    """More parameters for the query string of each request."""
    name: str
    """What the transcript calls it (the next of ada, bob, cleo, dan, eve ...)."""
    path: str
    """Where it connects to (the path of the application; under a router, "/socket.io/" or "/engine.io/")."""
    wait: bool
    """Whether to let the network run until the server has let it in or refused it (True)."""


class ConnectOptions(PeerOptions, total=False):
    """The keyword arguments of `connect`."""

    auth: dict[str, Any] | None
    """What the client says about itself: `socket.handshake.auth`."""
    parser: Parser
    """How packets look on the wire (as the server has it)."""
