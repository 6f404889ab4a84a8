"""The keyword arguments that the network and its clients share between their faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, TypedDict

from sansio_eio.engineio import EngineClient, EngineClientOptions, EngineServer
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http import HttpOptions, Router
from sansio_eio.socketio import Client, ClientOptions

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

#: How a client connects: by polling and then the upgrade to a WebSocket, as clients do when they are told nothing;
#: or by one of the two alone.
Transport: TypeAlias = Literal["upgrade", "polling", "websocket"]

TRANSPORTS = {"upgrade": ("polling", "websocket"), "polling": ("polling",), "websocket": ("websocket",)}


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


class KitOptions(TypedDict, total=False):
    """What the clients of a network have in common."""

    transport: Transport
    """"upgrade" (polling, then the upgrade to a WebSocket), "polling" or "websocket" ("upgrade")."""
    name: str
    """What the transcript calls it (the next of ada, bob, cleo, dan, eve ...)."""
    wait: bool
    """Whether to let the network run until the server has let it in or refused it (True)."""


class PeerOptions(KitOptions, EngineClientOptions, total=False):
    """The keyword arguments of `connect_engine`: these, and those of `EngineClient`."""

    path: str
    """Where it connects to (the path of the application; under a router "/engine.io/")."""


class ConnectOptions(KitOptions, ClientOptions, total=False):
    """The keyword arguments of `connect`: these, and those of `Client`. Here, `reconnection` is off by default."""


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
    if auth is not None and not isinstance(auth, dict) and not callable(auth):
        raise LocalProtocolError(f"auth is a dict or a function, not {type(auth).__name__}")


def check_client(client: object) -> None:
    """LocalProtocolError for what is no client."""
    if not isinstance(client, Client | EngineClient):
        raise LocalProtocolError(f"a client is a Client or an EngineClient, not {client!r}")


def transports_of(transport: Transport) -> Sequence[str]:
    """The option `transports` for it."""
    if transport not in TRANSPORTS:
        raise LocalProtocolError(f'a transport is "upgrade", "polling" or "websocket", not {transport!r}')
    return TRANSPORTS[transport]
