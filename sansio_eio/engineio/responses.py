"""The HTTP responses of Engine.IO: polls, answers to POSTs, and the table of errors."""

import gzip
import json
import zlib

from sansio_eio.engineio.jsonp import wrap
from sansio_eio.engineio.requests import Request, Response
from sansio_eio.engineio.revision import BINARY, Payload
from sansio_eio.engineio.settings import Cookie, Settings

UNKNOWN_TRANSPORT = 0
UNKNOWN_SID = 1
BAD_HANDSHAKE_METHOD = 2
BAD_REQUEST = 3
FORBIDDEN = 4
UNSUPPORTED_PROTOCOL_VERSION = 5

MESSAGES = {
    UNKNOWN_TRANSPORT: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_HANDSHAKE_METHOD: "Bad handshake method",
    BAD_REQUEST: "Bad request",
    FORBIDDEN: "Forbidden",
    UNSUPPORTED_PROTOCOL_VERSION: "Unsupported protocol version",
}

TEXT = ("Content-Type", "text/plain; charset=UTF-8")
OCTETS = ("Content-Type", BINARY)
JAVASCRIPT = ("Content-Type", "text/javascript; charset=UTF-8")
#: The reference's answer to a POST: not text/plain, which made some browsers offer it as a download.
HTML = ("Content-Type", "text/html")
NO_STORE = ("Cache-Control", "no-store")


def error(code: int, message: str, *, status: int | None = None) -> Response:
    """An error of the table, as JSON: 403 for a refusal, 400 for everything else."""
    body = json.dumps({"code": code, "message": message}, separators=(",", ":"), ensure_ascii=False)
    status = status or (403 if code == FORBIDDEN else 400)
    return Response(status, [("Content-Type", "application/json")], body.encode("utf-8", "replace"))


def upgrade_error(message: str, *, status: int = 400) -> Response:
    """The refusal of a WebSocket handshake: the message alone, then the connection is closed."""
    return Response(status, [HTML, ("Connection", "close")], message.encode("utf-8", "replace"))


def session_headers(request: Request) -> list[tuple[str, str]]:
    """The headers of every response that belongs to a session."""
    agent = request.header("user-agent") or ""
    if ";MSIE" in agent or "Trident/" in agent:
        # Old Internet Explorers take some payloads for cross-site scripting and mangle them.
        return [NO_STORE, ("X-XSS-Protection", "0")]
    return [NO_STORE]


def of_session(
    settings: Settings, sid: str, request: Request, payload: Payload, headers: list[tuple[str, str]], *, compress: bool
) -> Response:
    """The answer to a poll, with a payload, or to a POST, with "ok"; `headers` are added."""
    poll = request.method == "GET"
    index = request.params.get("j") if poll else None
    body = payload.body if index is None else wrap(payload.body, index)
    first = HTML if not poll else JAVASCRIPT if index is not None else OCTETS if payload.binary else TEXT
    own = [first, *session_headers(request)]
    if compress and settings.http_compression and len(body) >= settings.http_compression_threshold:
        encoding = accepted_encoding(request)
        own.append(("Vary", "Accept-Encoding"))
        if encoding is not None:
            body = compress_body(body, encoding)
            own.append(("Content-Encoding", encoding))
    if isinstance(settings.cookie, Cookie) and not request.params.get("sid"):
        own.append(("Set-Cookie", settings.cookie.header(sid)))
    return Response(200, own + headers, body)


def accepted_encoding(request: Request) -> str | None:
    """gzip or deflate, whichever the client likes better; None for neither (RFC 9110, section 12.5.3)."""
    best, best_weight = None, 0.0
    for item in (request.header("accept-encoding") or "").lower().split(","):
        name, _, parameters = item.partition(";")
        key, _, value = parameters.partition("=")
        try:
            weight = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        name = name.strip()
        if name in ("gzip", "deflate") and weight > best_weight:
            best, best_weight = name, weight
    return best


def compress_body(body: bytes, encoding: str) -> bytes:
    """The body in a content coding; "deflate" is the zlib format (RFC 9110, section 8.4.1.2)."""
    # Level 6 as zlib does, 9 takes twice the time for nothing. mtime=0: the same body gives the same bytes.
    return gzip.compress(body, compresslevel=6, mtime=0) if encoding == "gzip" else zlib.compress(body)
