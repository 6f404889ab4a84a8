"""The options of a Socket.IO client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from secrets import randbits
from typing import Any, TypeAlias

from sansio_eio.engineio.client_settings import EngineClientOptions
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.parser import Parser

#: What a client shows of itself when it connects to a namespace: a dict, or a function that gives one.
AuthData: TypeAlias = "dict[str, Any] | None"
Auth: TypeAlias = "AuthData | Callable[[], AuthData | Awaitable[AuthData]]"


class ClientOptions(EngineClientOptions, total=False):
    """The options of a `Client`, and of the `connect` of an adapter. Times are in seconds, sizes in bytes."""

    auth: Auth
    """For the namespace of the URL: a dict, or a function, `def` or `async def`, called at every connect (None).

    To an old server (`protocol=3`) it is sent as a query, with text, numbers and bool as values; for "/", not at all.
    """
    path: str
    """Where the server is mounted ("/socket.io/")."""
    parser: Parser
    """How packets look on the wire; the server has to use the same one (JSON)."""
    reconnection: bool
    """Whether to connect again by itself when the connection is lost, or could not be made (True)."""
    reconnection_attempts: int | None
    """How often in a row, before it gives up (None: for ever)."""
    reconnection_delay: float
    """How long to wait before the first of these; each next time twice as long (1)."""
    reconnection_delay_max: float
    """The longest wait (5)."""
    randomization_factor: float
    """How much of the wait is up to chance, from 0 to 1, so that clients do not all come back at once (0.5)."""
    jitter: Callable[[], float]
    """Makes the chance: a number from 0 up to, not including, 1."""
    retries: int
    """How often an event is sent again that the server does not acknowledge within `ack_timeout` (0: not at all)."""
    ack_timeout: float | None
    """How long `emit_with_ack` waits without `timeout` (None: until the connection is lost)."""
    attachment_timeout: float
    """Binary attachments must have followed their packet by then (20)."""
    max_attachments: int
    """The limit of attachments of one packet (10)."""
    max_pending_acks: int
    """The limit of acknowledgements that one socket waits for (10,000)."""
    max_send_buffer: int
    """The limit of what one socket keeps while it is not connected, and of what waits to be sent again (10,000,000)."""


def chance() -> float:
    """A random number from 0 up to, not including, 1."""
    return randbits(53) / (1 << 53)


def check_auth(auth: Auth) -> Auth:
    """What a client is to show itself; LocalProtocolError when it is neither a dict, nor None, nor a function."""
    value: object = auth
    if not (value is None or isinstance(value, dict) or callable(value)):
        raise LocalProtocolError(f"auth is a dict, None, or a function that gives one of these, not {value!r}")
    return auth
