"""The server's side of the WebSocket opening handshake (RFC 6455, section 4.2).

wsproto has one too, but it loses bytes that come behind the request, and lets UnicodeDecodeError out.
"""

import binascii
from base64 import b64encode
from hashlib import sha1

from sansio_eio.engineio.requests import Request, Response, check_header
from sansio_eio.http.headers import has_token
from sansio_eio.http.request_reader import Head
from sansio_eio.http.responses import plain_response

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def is_websocket_attempt(request: Request) -> bool:
    """Whether the client asks for WebSocket, rightly or not: such a request is never served as another one."""
    return has_token(request.header("upgrade"), "websocket")


def check_handshake(head: Head) -> Response | None:
    """The refusal of a handshake that is not valid (RFC 6455, section 4.2.1), None for a valid one."""
    request = head.request
    if request.method != "GET" or not head.modern:
        return plain_response(400, "a WebSocket handshake is an HTTP/1.1 GET")
    if not has_token(request.header("connection"), "upgrade"):
        return plain_response(400, "a WebSocket handshake has Connection: Upgrade")
    if head.length != 0:
        return plain_response(400, "a WebSocket handshake has no body")
    if request.header("sec-websocket-version") != "13":
        # RFC 6455, section 4.4; RFC 9110, section 15.5.22
        return plain_response(
            426, "this server speaks version 13", [("sec-websocket-version", "13"), ("upgrade", "websocket")]
        )
    if not _is_key(request.header("sec-websocket-key") or ""):
        return plain_response(400, "Sec-WebSocket-Key is not 16 bytes in base64")
    return None


def accept_handshake(request: Request, headers: list[tuple[str, str]], extension: str | None) -> bytes:
    """The 101 response to a valid handshake (RFC 6455, section 4.2.2).

    Raises LocalProtocolError for a header that cannot be sent.
    """
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-accept: {accept_value(request.header('sec-websocket-key') or '')}",
    ]
    if extension is not None:
        lines.append(f"sec-websocket-extensions: {extension}")
    for name, value in headers:
        check_header(name, value)
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept that answers this Sec-WebSocket-Key."""
    return b64encode(sha1(f"{key}{_GUID}".encode("ascii"), usedforsecurity=False).digest()).decode("ascii")


def _is_key(key: str) -> bool:
    try:
        return len(key) == 24 and len(binascii.a2b_base64(key, strict_mode=True)) == 16
    except ValueError:
        return False
