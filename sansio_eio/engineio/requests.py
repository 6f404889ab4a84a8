"""HTTP requests and responses as values, whoever parsed them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from sansio_eio.errors import LocalProtocolError

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")

#: Header fields in the order of the message: lower-case names, values as Latin-1 text (RFC 9110, section 5.5).
Headers = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """One complete HTTP request, or the head of a WebSocket handshake.

    `path` is the path of the target as it came, not percent-decoded, without the query; `query` the raw text behind the
    question mark. `headers` have lower-case names. `remote` is the peer's address as text, "" where it is not known;
    `secure` says that the bytes came over TLS.
    """

    method: str
    path: str
    # The id of a session, tokens and cookies are secrets.
    query: str = field(default="", repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    remote: str = ""
    secure: bool = False
    _params: dict[str, str] | None = field(default=None, repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """The value of the header `name` (in lower case); several fields are joined as RFC 9110, section 5.3 says."""
        found = None
        for key, value in self.headers:
            if key == name:
                found = value if found is None else f"{found}, {value}"
        return found

    @property
    def params(self) -> dict[str, str]:
        """The decoded query parameters; where a name comes twice the last one counts, as in the reference."""
        if self._params is None:
            self._params = parse_query(self.query)
        return self._params


@dataclass(slots=True)
class Response:
    """A complete HTTP response. Whoever sends it adds Content-Length and the framing of the connection."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a query string; what is not valid percent-encoded UTF-8 is replaced, never an error."""
    return dict(parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="replace"))


def check_header(name: str, value: str) -> None:
    """Raise LocalProtocolError for a header that would break the message (RFC 9110, sections 5.1 and 5.5)."""
    if not _NAME.fullmatch(name):
        raise LocalProtocolError(f"not a header name: {name!r}")
    if not is_header(name, value):
        # It may be a secret.
        raise LocalProtocolError(f"not a value for the header {name}")


def is_header(name: str, value: str) -> bool:
    """Whether these can be sent as a header."""
    return _NAME.fullmatch(name) is not None and is_header_value(value) and value == value.strip()


def is_header_value(value: str) -> bool:
    """Whether `value` may be sent as a header: visible Latin-1 characters, spaces and tabs."""
    return _VALUE.fullmatch(value) is not None
