"""What the URL of a client says."""

from base64 import b64encode
from dataclasses import dataclass
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
    query: dict[str, str]
    authorization: str | None


def parse_url(url: str) -> ClientUrl:
    """Take the URL of a client apart: `http`, `https`, `ws` or `wss`. LocalProtocolError when it is none of that."""
    try:
        parts = urlsplit(url)
        return _parse(parts, parts.port)
    except (ValueError, UnicodeError) as error:
        raise LocalProtocolError(f"not a URL to connect to: {url!r} ({error})") from error


def _parse(parts: SplitResult, port: int | None) -> ClientUrl:
    secure = _SECURE.get(parts.scheme)
    if secure is None:
        raise ValueError(f"its scheme is none of {', '.join(_SECURE)}")
    if not parts.hostname or port == 0:
        raise ValueError("it has no host, or port 0")
    # RFC 5890 for names, which leaves addresses and what is ASCII alone.
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode("ascii")
    if not host.isprintable() or " " in host:
        raise ValueError("its host has characters that no host has")
    authorization = None
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {b64encode(credentials.encode()).decode('ascii')}"
    address = Address(host, port or (443 if secure else 80), secure)
    return ClientUrl(address, parts.path, parse_query(parts.query), authorization)
