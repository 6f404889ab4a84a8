"""What the URL of a client says."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from sansio_eio.engineio.address import Address
from sansio_eio.engineio.requests import parse_query
from sansio_eio.errors import LocalProtocolError

_SECURE = {"http": False, "ws": False, "https": True, "wss": True}


@dataclass(slots=True, frozen=True)
class ClientUrl:
    """A URL, taken apart.

    `path` is the namespace of a Socket.IO client, not where the server is mounted. `authorization` is the value of the
    header of that name (RFC 7617), None when the URL has no user.
    """

    address: Address
    path: str
    query: dict[str, str] = field(repr=False)
    authorization: str | None = field(repr=False)


def parse_url(url: str) -> ClientUrl:
    """Take the URL of a client apart: `http`, `https`, `ws` or `wss`. LocalProtocolError when it is none of that."""
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise LocalProtocolError(f"a URL is text, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, UnicodeError):
        # Without the URL, and without what it was parsed into: it may hold a password.
        raise LocalProtocolError("not a URL to connect to: it cannot be parsed") from None
    return _parse(parts, port)


def _parse(parts: SplitResult, port: int | None) -> ClientUrl:
    secure = _SECURE.get(parts.scheme)
    if secure is None:
        raise LocalProtocolError(f"not a URL to connect to: it has to begin with one of {', '.join(_SECURE)}")
    if not parts.hostname or port == 0:
        raise LocalProtocolError("not a URL to connect to: it has no host, or port 0")
    # RFC 5890 for names, which leaves addresses and what is ASCII alone.
    try:
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode("ascii")
    except UnicodeError:
        raise LocalProtocolError("not a URL to connect to: its host is no name") from None
    if not host.isprintable() or " " in host:
        raise LocalProtocolError("not a URL to connect to: its host has characters that no host has")
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(credentials.encode()).decode('ascii')}"
    address = Address(host, port or (443 if secure else 80), secure)
    return ClientUrl(address, parts.path, parse_query(parts.query), authorization)
