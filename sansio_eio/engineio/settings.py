"""The options of an Engine.IO server, checked once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from secrets import token_urlsafe
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from sansio_eio.engineio.requests import Request, check_header
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.cors import AllowedOrigins

AllowRequest: TypeAlias = Callable[[Request], bool | str | Awaitable[bool | str]]

TRANSPORTS = ("polling", "websocket")

#: The packets of the protocol itself must fit into a session's buffer.
MIN_OUTBOUND = 1024

#: What must be at least 1.
COUNTS = (
    "max_http_buffer_size",
    "max_payload_packets",
    "max_sessions",
    "max_inbound",
    "max_inbound_size",
    "max_concurrent",
)


def generate_id(_request: Request | None = None) -> str:
    """An unguessable id of 20 characters, the length that cluster adapters rely on."""
    return token_urlsafe(15)


def normal_path(path: str) -> str:
    """The path with a slash at both ends; LocalProtocolError when it is not an absolute path."""
    if not path.startswith("/") or any(char in path for char in "?# ") or not path.isascii() or not path.isprintable():
        raise LocalProtocolError(f"not an absolute URL path: {path!r}")
    return path.rstrip("/") + "/"


def check_transports(transports: Sequence[str]) -> None:
    """LocalProtocolError for what is not a list of transports."""
    if isinstance(transports, str) or not transports or not set(transports) <= set(TRANSPORTS):
        raise LocalProtocolError(f"transports must be a list of some of {TRANSPORTS}, not {transports!r}")


@dataclass(slots=True, frozen=True)
class Cookie:
    """A cookie with the session's id, for load balancers; set on the response that opens a polling session."""

    name: str = "io"
    path: str = "/"
    http_only: bool = True
    same_site: str = "lax"
    secure: bool = False

    def header(self, sid: str) -> str:
        """The value of Set-Cookie (RFC 6265, section 4.1)."""
        parts = [f"{self.name}={sid}", f"Path={self.path}"]
        if self.http_only:
            parts.append("HttpOnly")
        if self.secure:
            parts.append("Secure")
        parts.append(f"SameSite={self.same_site.capitalize()}")
        return "; ".join(parts)


class EngineOptions(TypedDict, total=False):
    """The options of `EngineServer`, and of a Socket.IO `Server`. Times are in seconds, sizes in bytes."""

    ping_interval: float
    """A ping is sent this long after the last pong, by an old client (see `allow_eio3`) as well (25)."""
    ping_timeout: float
    """A client that has not answered a ping after this time is gone; an old one, whose ping is so much late (20)."""
    upgrade_timeout: float
    """The whole upgrade to a WebSocket must be done in this time, or the session stays on polling (10)."""
    admission_timeout: float
    """An `async def` `allow_request` must have answered in this time (10)."""
    close_timeout: float
    """A closed session waits this long for a poll that takes the news (30)."""
    transports: Sequence[str]
    """The transports that are offered: "polling", "websocket", or both (the default)."""
    allow_eio3: bool
    """Whether old clients are admitted, too: revision 3 of Engine.IO, Socket.IO 1.x and 2.x (False)."""
    allow_upgrades: bool
    """Whether a session may move from polling to a WebSocket (True)."""
    max_http_buffer_size: int
    """The limit of a POST body and of a WebSocket message, decompressed (1,000,000)."""
    max_payload_packets: int
    """The limit of packets in one POST (500,000: as many as fit into the default size)."""
    max_sessions: int
    """The limit of sessions at the same time; over it, handshakes are answered 503 (100,000)."""
    max_inbound: int
    """When so many events of a session wait for handlers, its peer is no longer read from (1,000)."""
    max_inbound_size: int
    """The same for so many bytes that these events came in (4,000,000)."""
    max_concurrent: int
    """The limit of `concurrent=True` handlers of a session at once; one more takes its turn with the others (100)."""
    max_outbound: int
    """The limit of what waits for one peer; over it, volatile packets go, then the session itself (10,000,000)."""
    cors_allowed_origins: "AllowedOrigins"
    """Who may connect from a browser: None, the server's own origin (the default); "*"; origins; or a predicate."""
    cors_credentials: bool
    """Whether pages of other origins may send cookies (False)."""
    trust_proxy: bool
    """Whether X-Forwarded-Host and X-Forwarded-Proto are believed (False)."""
    cookie: Cookie | str | None
    """A cookie with the session's id for load balancers: its name, or a `Cookie` (None: no cookie)."""
    http_compression: bool
    """Whether polls are compressed for clients that accept it (True)."""
    http_compression_threshold: int
    """Smaller responses are not compressed (1024)."""
    per_message_deflate: bool
    """Whether WebSocket messages may be compressed, RFC 7692 (False: it costs memory for each connection)."""
    allow_request: "AllowRequest | None"
    """Called with the `Request` of each handshake: True admits, False or a message refuses it; `def` or `async def`."""
    generate_id: Callable[[Request], str]
    """Makes the id of a session; it must be unguessable, since it is all that a poll needs to show."""


@dataclass(slots=True, kw_only=True)
class Settings:
    """The options with their defaults, checked once; `EngineOptions` documents them."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    admission_timeout: float = 10.0
    close_timeout: float = 30.0
    transports: Sequence[str] = TRANSPORTS
    allow_eio3: bool = False
    allow_upgrades: bool = True
    max_http_buffer_size: int = 1_000_000
    max_payload_packets: int = 500_000
    max_sessions: int = 100_000
    max_inbound: int = 1_000
    max_inbound_size: int = 4_000_000
    max_concurrent: int = 100
    max_outbound: int = 10_000_000
    cors_allowed_origins: "AllowedOrigins" = None
    cors_credentials: bool = False
    trust_proxy: bool = False
    cookie: Cookie | str | None = None
    http_compression: bool = True
    http_compression_threshold: int = 1024
    per_message_deflate: bool = False
    allow_request: "AllowRequest | None" = None
    generate_id: Callable[[Request], str] = field(default=generate_id)

    def __post_init__(self) -> None:
        if isinstance(self.cookie, str):
            self.cookie = Cookie(self.cookie)
        if self.cookie is not None:
            check_header("set-cookie", self.cookie.header("x"))
        for name in ("cors_allowed_origins", "generate_id"):
            if iscoroutinefunction(getattr(self, name)):
                raise LocalProtocolError(f"{name} must be a plain def: it is called inside of the request")
        check_transports(self.transports)
        for name in ("ping_interval", "ping_timeout", "upgrade_timeout", "admission_timeout", "close_timeout"):
            if not 0 < getattr(self, name) < float("inf"):
                raise LocalProtocolError(f"{name} must be a positive number of seconds")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise LocalProtocolError(f"{name} must be at least 1")
        if self.max_outbound < MIN_OUTBOUND:
            raise LocalProtocolError(f"max_outbound must be at least {MIN_OUTBOUND}")
