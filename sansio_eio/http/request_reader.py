"""Bytes to requests: h11 behind a gate for what it lets through."""

import logging
import re
from dataclasses import dataclass

import h11

from sansio_eio.engineio.requests import Request
from sansio_eio.http.headers import has_token
from sansio_eio.http.message_reader import SLICE, MessageReader

_log = logging.getLogger("sansio_eio.http")

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:([^\r]*)", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3986, section 3.2.2 and 3.2.3, without telling the forms of a host apart.
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%\[\]-]*")


@dataclass(slots=True)
class Refusal:
    """The request cannot be served: answer with this status, then close the connection."""

    status: int
    #: For the body of the answer, if it is to have one.
    detail: str = ""


@dataclass(slots=True)
class Head:
    """The head of a request; `request` has no body yet."""

    request: Request
    #: HTTP/1.1, and not 1.0.
    modern: bool
    #: The connection may go on after the response.
    keep_alive: bool
    #: The client waits for "100 Continue" before it sends the body.
    expects_continue: bool
    #: The length of the body in bytes, None for a chunked one.
    length: int | None


class RequestReader(MessageReader):
    """One request after the other out of the bytes of a connection.

    Call `receive`, then `read_head` until it returns a head, then `read_body` until it returns the body, and so on.
    None means that more bytes are needed; after a Refusal, and after a body over the limit, stop.

    Each request is parsed by a new h11 object, which is made when the head is complete: a slow or an idle peer costs a
    buffer. The gate in front of h11 refuses what h11 takes or repairs and what must not reach an application (RFC 9112,
    sections 2.2, 5.2, 6.1 and 6.3), and bounds the head before it is parsed.
    """

    __slots__ = ()

    @property
    def body_started(self) -> bool:
        """Whether some of the body is there."""
        return bool(self._body)

    def read_head(self) -> Head | Refusal | None:
        """The next head, if it is complete."""
        buffer = self._buffer
        # "A server SHOULD ignore at least one empty line (CRLF) received prior to the request-line."  RFC 9112, 2.2
        while buffer.startswith(b"\r\n"):
            del buffer[:2]
        if buffer and buffer[0] < 0x21 and not b"\r\n".startswith(buffer):
            return Refusal(400, "this is not HTTP")  # such as the start of a TLS handshake
        size, complete = self._scan()
        if size > self._settings.max_header_size:
            only_a_target = b"\n" not in buffer[: self._settings.max_header_size]
            return Refusal(414 if only_a_target else 431, "the request head is too large")
        if not complete:
            return None
        head = self._take_head(size)
        return self._gate(head) or self._parse(head)

    def _gate(self, head: bytes) -> Refusal | None:
        lines = head.count(b"\r\n")
        if lines - 2 > self._settings.max_header_count:
            return Refusal(431, "too many header fields")
        # "A recipient of such a bare CR MUST consider that element to be invalid"; we choose the same for a bare LF.
        # RFC 9112, 2.2
        if head.count(b"\r") != lines or head.count(b"\n") != lines:
            return Refusal(400, "a line does not end with CRLF")
        # "A server that receives an obs-fold in a request message [...] MUST either reject the message"  RFC 9112, 5.2
        if b"\r\n " in head or b"\r\n\t" in head:
            return Refusal(400, "a header field is folded")
        # h11 joins equal lengths to one.
        lengths = _CONTENT_LENGTH.findall(head)
        if len(lengths) > 1 or (lengths and b"," in lengths[0]):
            return Refusal(400, "more than one Content-Length")
        return None

    def _parse(self, head: bytes) -> Head | Refusal:
        self._h11 = connection = h11.Connection(h11.SERVER, max_incomplete_event_size=SLICE)
        try:
            connection.receive_data(head)
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return Refusal(error.error_status_hint, str(error))
        except Exception:
            # h11's one door, as in `read_body`: whatever a peer can make it raise must not pass.
            return _surprise()
        if not isinstance(event, h11.Request):
            return Refusal(400, "this is not a request")
        return _head(event)

    def read_body(self, limit: int) -> bytes | Refusal | None:
        """The body of the request whose head was read last, if it is complete; over `limit` bytes, one more of them."""
        assert self._h11 is not None
        try:
            return self._read_body(self._h11, limit)
        except h11.RemoteProtocolError as error:
            return Refusal(error.error_status_hint, str(error))
        except Exception:
            return _surprise()


def _surprise() -> Refusal:
    _log.exception("h11 failed on a request")
    return Refusal(400, "the request cannot be parsed")


def _head(event: h11.Request) -> Head | Refusal:
    if event.http_version[:2] != b"1.":
        return Refusal(505, "this server speaks HTTP/1.1")
    modern = event.http_version >= b"1.1"
    target = event.target.decode("ascii")
    # Only the origin-form: this server is no proxy, and nothing behind it expects a scheme or an authority.
    if not target.startswith("/") or "#" in target or _BAD_ESCAPE.search(target):
        return Refusal(400, "the request target is not valid")
    path, _, query = target.partition("?")
    headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers]
    request = Request(event.method.decode("ascii"), path, query, headers)
    if not _HOST.fullmatch(request.header("host") or ""):
        return Refusal(400, "the Host is not valid")
    chunked = request.header("transfer-encoding") is not None
    length = request.header("content-length")
    # "A server MAY reject a request that contains both"; in HTTP/1.0 its framing is faulty.  RFC 9112, 6.1
    if chunked and (length is not None or not modern):
        return Refusal(400, "the length of the body is ambiguous")
    # "415 [...] due to the request's indicated Content-Encoding"  RFC 9110, 15.5.16
    if (request.header("content-encoding") or "identity").strip().lower() != "identity":
        return Refusal(415, "the body must not be encoded")
    return Head(
        request,
        modern,
        keep_alive=modern and not has_token(request.header("connection"), "close"),
        expects_continue=modern and has_token(request.header("expect"), "100-continue"),
        length=None if chunked else int(length or 0),
    )
