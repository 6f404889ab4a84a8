"""Responses to bytes."""

import logging
from http import HTTPStatus

from sansio_eio.engineio.requests import Response, check_header
from sansio_eio.errors import LocalProtocolError

_log = logging.getLogger("sansio_eio.http")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What the connection itself says.
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})


def plain_response(status: int, detail: str = "", headers: list[tuple[str, str]] | None = None) -> Response:
    """A short text for a person who looks at the answer."""
    text = detail or HTTPStatus(status).phrase
    return Response(status, [("content-type", "text/plain; charset=utf-8"), *(headers or [])], f"{text}\n".encode())


def wants_close(response: Response) -> bool:
    """Whether the application asks for the end of the connection with this response."""
    return any(name.lower() == "connection" and "close" in value.lower() for name, value in response.headers)


def encode_response(response: Response, *, without_body: bool, close: bool) -> bytes:
    """The whole response with its framing; a response that cannot be sent becomes a 500, and is logged.

    `without_body` is for HEAD: the header fields are those of the response to a GET (RFC 9110, section 9.3.2).
    """
    try:
        head = _encode_head(response, close=close)
    except LocalProtocolError:
        _log.exception("the application made a response that cannot be sent")
        response = plain_response(500)
        head = _encode_head(response, close=close)
    return head if without_body or response.status in (204, 304) else head + response.body


def _encode_head(response: Response, *, close: bool) -> bytes:
    status = response.status
    if not 200 <= status <= 599:
        raise LocalProtocolError(f"not the status of a response: {status!r}")
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    for name, value in response.headers:
        check_header(name, value)
        if name.lower() not in _FRAMING:
            lines.append(f"{name}: {value}")
    # "A server MUST NOT send a Content-Length header field in any response with a status code of [...] 204", and in a
    # 304 it would be the length of the other response.  RFC 9110, section 8.6
    if status not in (204, 304):
        lines.append(f"content-length: {len(response.body)}")
    if close:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
