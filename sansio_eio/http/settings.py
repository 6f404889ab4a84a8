"""The limits and deadlines of HTTP connections."""

from dataclasses import dataclass, fields
from typing import TypedDict

from sansio_eio.errors import LocalProtocolError


class CommonHttpOptions(TypedDict, total=False):
    """The keyword arguments that `ServerEndpoint` and `ClientEndpoint` share: those of `CommonHttpSettings`."""

    keep_alive_timeout: float
    close_timeout: float
    write_timeout: float
    max_header_size: int
    max_header_count: int
    max_chunk_count: int
    max_fragments: int
    max_control_frames: int
    max_connections: int


class HttpOptions(CommonHttpOptions, total=False):
    """The keyword arguments of `ServerEndpoint` and of the drivers' `serve`: those of `HttpSettings`."""

    header_timeout: float
    body_timeout: float
    max_pipelined_size: int


class ClientHttpOptions(CommonHttpOptions, total=False):
    """Those of `ClientEndpoint`, and `http` of the drivers' `connect`: the fields of `ClientHttpSettings`."""


class ConnectOptions(TypedDict, total=False):
    """What `connect` has in all drivers, whatever it connects. Each has more of its own: how to dial, and TLS."""

    wait: bool
    """Whether the body begins when it is connected, and not at once (True)."""
    unix_path: str | None
    """The Unix socket that the server listens on; the host of the URL is then only a name in the requests."""
    shutdown_timeout: float
    """The seconds for saying goodbye (5)."""
    http: ClientHttpOptions | None
    """The limits of the connections: see `ClientHttpSettings`."""


@dataclass(slots=True, kw_only=True)
class CommonHttpSettings:
    """What one TCP connection may cost. Timeouts are in seconds, sizes in bytes; all of them are above zero.

    Raises LocalProtocolError for a value that is not.
    """

    #: Between a response and the next request.
    keep_alive_timeout: float
    #: For the peer's answer to our WebSocket Close frame, and for the peer to go away when all is said.
    close_timeout: float = 10.0
    #: For a peer that takes none of the bytes that wait for it.
    write_timeout: float = 60.0
    #: The first line and the header fields together. Precedents: Node.js and h11 16 KiB, Apache 8 KiB a line.
    max_header_size: int = 16 * 1024
    max_header_count: int = 100
    #: Chunks of one chunked body. Each costs time, however small it is.
    max_chunk_count: int = 10_000
    #: Frames of one WebSocket message; and, for all messages together, of one read from the transport.
    max_fragments: int = 1024
    #: Ping and pong frames in one read from the transport.
    max_control_frames: int = 100
    #: TCP connections at the same time.
    max_connections: int

    def __post_init__(self) -> None:
        for each in fields(self):
            value: float = getattr(self, each.name)
            if not value > 0:
                raise LocalProtocolError(f"{each.name} must be above zero, not {value!r}")


@dataclass(slots=True, kw_only=True)
class HttpSettings(CommonHttpSettings):
    """What one TCP connection of a server may cost; one over `max_connections` is answered 503 and closed."""

    #: For a complete request head: from the connection's start, or from the first byte of a later request.
    header_timeout: float = 20.0
    #: For a complete request body, from the end of the head.
    body_timeout: float = 120.0
    keep_alive_timeout: float = 75.0
    #: Bytes of pipelined requests, or of frames behind a handshake, that are kept before reading stops.
    max_pipelined_size: int = 64 * 1024
    max_connections: int = 10_000


@dataclass(slots=True, kw_only=True)
class ClientHttpSettings(CommonHttpSettings):
    """What the TCP connections of a client may cost; what would need one over `max_connections` fails at once."""

    #: Below the 5 seconds after which Node.js and uvicorn close: a request must not meet the end of its connection.
    keep_alive_timeout: float = 4.0
    max_connections: int = 10
