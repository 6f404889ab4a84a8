"""What the application asks for, as the bytes of a request."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sansio_eio.engineio.actions import OpenWebSocket, SendRequest
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.requests import Headers, Request, check_header
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http.client_handshake import Handshake

# RFC 9112, section 3: a token, and a target in origin-form.
_REQUEST_LINE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ /[!\"$-~]*")
# What the connection itself says.
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})
# Bodies are taken as they are.
_DEFAULTS = (("user-agent", "sansio_eio"), ("accept-encoding", "identity"))


@dataclass(slots=True)
class Exchange:
    """A request on its way to a connection."""

    channel: Channel
    method: str
    data: bytes
    #: In seconds, None without a limit.
    timeout: float | None = None
    #: For a WebSocket.
    handshake: Handshake | None = None


def prepare(action: SendRequest | OpenWebSocket, authority: str, token_bytes: Callable[[int], bytes]) -> Exchange:
    """The bytes of what is asked for. Raises LocalProtocolError for what cannot be sent."""
    request = action.request
    if isinstance(action, SendRequest):
        data = _encode(request, authority, [("content-length", str(len(request.body)))] if _has_body(request) else [])
        return Exchange(action.channel, request.method, data + request.body, timeout=action.timeout)
    handshake = Handshake(action, token_bytes)
    return Exchange(action.channel, request.method, _encode(request, authority, handshake.headers), handshake=handshake)


def _has_body(request: Request) -> bool:
    # "A user agent SHOULD send Content-Length in a request when the method defines a meaning for enclosed content"
    # RFC 9110, section 8.6
    return request.body != b"" or request.method in ("POST", "PUT", "PATCH")


def _encode(request: Request, authority: str, framing: Sequence[tuple[str, str]]) -> bytes:
    target = f"{request.path}?{request.query}" if request.query else request.path
    start = f"{request.method} {target}"
    if not _REQUEST_LINE.fullmatch(start):
        raise LocalProtocolError(f"not a request: {start!r}")
    headers: Headers = [each for each in request.headers if not _is_framing(each[0].lower())]
    given = {name.lower() for name, _ in headers}
    # "A user agent that sends Host SHOULD send it as the first field in the header section"  RFC 9110, section 7.2
    defaults = [each for each in (("host", authority), *_DEFAULTS) if each[0] not in given]
    lines = [f"{start} HTTP/1.1"]
    for name, value in (*defaults, *headers, *framing):
        check_header(name, value)
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _is_framing(name: str) -> bool:
    return name in _FRAMING or name.startswith("sec-websocket-")
