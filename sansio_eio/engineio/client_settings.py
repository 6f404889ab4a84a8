"""The options of an Engine.IO client, checked once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict, cast

from sansio_eio.engineio.requests import check_header
from sansio_eio.engineio.settings import COUNTS, MIN_OUTBOUND, check_transports
from sansio_eio.errors import LocalProtocolError

#: A mapping, or a function that gives one for each new session.
Pairs: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]

#: Which revision of Engine.IO a client speaks.
Protocol: TypeAlias = Literal[3, 4, "auto"]

PROTOCOLS = (3, 4, "auto")

#: What the library sends by itself.
OWN_HEADERS = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding", "upgrade"})


#: The parameters of the protocol itself.
OWN_PARAMETERS = ("EIO", "transport", "sid")


class EngineClientOptions(TypedDict, total=False):
    """The options of `EngineClient`, and of a Socket.IO `Client`. Times are in seconds, sizes in bytes."""

    protocol: Protocol
    """The revision of Engine.IO: 4; 3, for servers of Socket.IO 1.x and 2.x; or "auto", see `EngineClient` (4)."""
    transports: Sequence[str]
    """The transports in the order in which they are tried: by default "polling", then "websocket"."""
    upgrade: bool
    """Whether to move from polling to a WebSocket, where "websocket" is among the transports (True)."""
    remember_upgrade: bool
    """Whether to begin with a WebSocket when the session before had one (False)."""
    try_all_transports: bool
    """Whether to try the next transport when the first one fails (False)."""
    query: Pairs
    """Parameters for the query of all requests, besides those in the URL; or a function, called for each session."""
    headers: Pairs
    """Header fields for all requests; or a function, called for each session."""
    timestamp_requests: bool
    """Whether requests have a parameter that no two of them share, against caches on the way (True)."""
    timestamp_param: str
    """The name of that parameter ("t")."""
    request_timeout: float | None
    """The limit for one HTTP request; it must be longer than the server's ping interval (None: no limit)."""
    connect_timeout: float
    """The whole handshake must be done in this time (20)."""
    upgrade_timeout: float
    """The whole upgrade to a WebSocket must be done in this time, or the session stays on polling (10)."""
    close_timeout: float
    """A session that is closed has this long to deliver what is queued (10)."""
    per_message_deflate: bool
    """Whether compression of WebSocket messages is offered, RFC 7692 (False)."""
    max_message_size: int
    """The limit of a WebSocket message, decompressed, and of the body of a poll (16 MiB)."""
    max_payload_packets: int
    """The limit of packets in the body of one poll (500,000)."""
    max_inbound: int
    """When so many events wait for handlers, the server is no longer read from (1,000)."""
    max_inbound_size: int
    """The same for so many bytes that these events came in (4,000,000)."""
    max_concurrent: int
    """The limit of `concurrent=True` handlers at once; one more takes its turn with the others (100)."""
    max_outbound: int
    """The limit of what waits for the server to take it; more is not taken (10,000,000)."""


@dataclass(slots=True, kw_only=True)
class ClientSettings:
    """The options with their defaults, checked once; `EngineClientOptions` documents them."""

    protocol: Protocol = 4
    transports: Sequence[str] = ("polling", "websocket")
    upgrade: bool = True
    remember_upgrade: bool = False
    try_all_transports: bool = False
    query: Pairs = field(default_factory=dict[str, str], repr=False)
    headers: Pairs = field(default_factory=dict[str, str], repr=False)
    timestamp_requests: bool = True
    timestamp_param: str = "t"
    request_timeout: float | None = None
    connect_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    close_timeout: float = 10.0
    per_message_deflate: bool = False
    max_message_size: int = 16 * 1024 * 1024
    max_payload_packets: int = 500_000
    max_inbound: int = 1_000
    max_inbound_size: int = 4_000_000
    max_concurrent: int = 100
    max_outbound: int = 10_000_000

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise LocalProtocolError(f"protocol must be one of {PROTOCOLS}, not {self.protocol!r}")
        check_transports(self.transports)
        for name in ("connect_timeout", "upgrade_timeout", "close_timeout", "request_timeout"):
            value: float | None = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise LocalProtocolError(f"{name} must be a positive number of seconds")
        for name in COUNTS:
            if hasattr(self, name) and getattr(self, name) < 1:
                raise LocalProtocolError(f"{name} must be at least 1")
        if not self.timestamp_param or self.timestamp_param in OWN_PARAMETERS:
            raise LocalProtocolError(f"timestamp_param is the name of a parameter, none of {OWN_PARAMETERS}")
        if self.max_message_size < 1:
            raise LocalProtocolError("max_message_size must be at least 1")
        if self.max_outbound < MIN_OUTBOUND:
            raise LocalProtocolError(f"max_outbound must be at least {MIN_OUTBOUND}")
        if not callable(self.headers):
            self.headers = dict(check_headers(self.headers))
        if not callable(self.query):
            self.query = check_query(self.query)


def check_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header fields for requests, with names in lower case; LocalProtocolError for what cannot be sent."""
    checked: list[tuple[str, str]] = []
    for name, value in _pairs(headers, "headers"):
        check_header(name, value)
        if name.lower() in OWN_HEADERS or name.lower().startswith("sec-websocket-"):
            raise LocalProtocolError(f"the header {name} belongs to the transport")
        checked.append((name.lower(), value))
    return checked


def check_query(query: Mapping[str, str]) -> dict[str, str]:
    """Parameters for the query of requests; LocalProtocolError for what is not text."""
    return dict(_pairs(query, "parameters of a query"))


def _pairs(found: object, what: str) -> list[tuple[str, str]]:
    """The pairs of a mapping; of callers without a type checker, too."""
    if not isinstance(found, Mapping):
        raise LocalProtocolError(f"the {what} are a mapping, not {type(found).__name__}")
    items = list(cast("Mapping[object, object]", found).items())
    if not all(isinstance(part, str) for pair in items for part in pair):
        raise LocalProtocolError(f"the {what} are text, both names and values")
    return cast("list[tuple[str, str]]", items)
