"""HTTP and WebSocket as a client reads and writes them: as much of it as is needed to talk with this library's server.

The bytes may come in any pieces. That the server's bytes are right is taken for granted here; other tests see to that.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sansio_eio.engineio import Response
from sansio_eio.engineio.requests import check_header
from sansio_eio.errors import LocalProtocolError

#: Headers, or parameters of the query string. A name may come twice in a sequence.
Pairs: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]


def check_pairs(given: Pairs, what: str) -> list[tuple[str, str]]:
    """The pairs as a list; LocalProtocolError when they are none."""
    try:
        items: list[object] = list(given.items() if isinstance(given, Mapping) else given)
    except TypeError:
        items = [given]
    pairs: list[tuple[str, str]] = []
    for item in items:
        match item:
            case (str(name), str(value)):
                pairs.append((name, value))
            case _:
                raise LocalProtocolError(f"{what} are a dict, or pairs of a name and a value, all str: not {given!r}")
    return pairs


def request_headers(given: Pairs) -> list[tuple[str, str]]:
    """The headers of a request to localhost; LocalProtocolError for what is no header."""
    headers = check_pairs(given, "headers")
    for name, value in headers:
        check_header(name, value)
    own = [] if any(name.lower() == "host" for name, _ in headers) else [("host", "localhost")]
    return [*own, *headers]


def encode_request(method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """A request (RFC 9112, section 3), with the length of its body when it has one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class ResponseReader:
    """Responses out of bytes; those to a HEAD request have no body, whatever their length says."""

    __slots__ = ("_buffer", "_has_body", "_head")

    def __init__(self, method: str = "GET") -> None:
        self._has_body = method != "HEAD"
        self._buffer = bytearray()
        self._head: Response | None = None

    def feed(self, data: bytes) -> Response | None:
        """The response that these bytes complete. Feed no more of them before it has been asked for."""
        self._buffer += data
        if self._head is None:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return None
            self._head = parse_head(head.decode("latin-1"))
            self._buffer = rest
        response = self._head
        length = int(header_of(response, "content-length") or "0") if self._has_body else 0
        if len(self._buffer) < length:
            return None
        response.body = bytes(self._buffer[:length])
        if self._has_body and header_of(response, "content-encoding") in ("gzip", "deflate"):
            # 47: gzip or zlib, whichever it is.
            response.body = zlib.decompress(response.body, 47)
        del self._buffer[:length]
        self._head = None
        return response

    def take_rest(self) -> bytes:
        """The bytes behind the last response, which are frames when that has switched protocols."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest


def parse_head(head: str) -> Response:
    """The status and the headers of a response, their names in lower case."""
    status, *fields = head.split("\r\n")
    pairs = [(name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    return Response(int(status.split(" ")[1]), pairs)


def header_of(response: Response, name: str) -> str | None:
    """The value of the header `name` (in lower case)."""
    return dict(response.headers).get(name)


TEXT = 1
BINARY = 2
CLOSE = 8
PING = 9
PONG = 10


def encode_frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """A whole masked frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    # One exclusive-or of two long numbers, for it is fast.
    key = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return bytes([0x80 | opcode]) + length + mask + masked


class FrameReader:
    """Frames out of bytes: unmasked and whole, as this library's server sends them."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The opcode and the payload of each frame that these bytes complete."""
        self._buffer += data
        frames: list[tuple[int, bytes]] = []
        while (frame := self._take()) is not None:
            frames.append(frame)
        return frames

    def _take(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size > 125:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return None
        frame = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame
