"""Bytes to HTTP messages: what requests and responses have in common."""

import re

import h11

from sansio_eio.http.settings import CommonHttpSettings

_END_OF_HEAD = re.compile(rb"\n\r?\n")
# What h11 is given at once, so that its own limit on lines (of trailers and chunk headers) is met in time.
SLICE = 16 * 1024


class MessageReader:
    """Finds heads, whose size is bounded before they are parsed, and has h11 read bodies.

    h11 has one door in each reader: whatever a peer can make it raise must not pass.
    """

    __slots__ = ("_body", "_buffer", "_chunks", "_h11", "_scanned", "_settings")

    def __init__(self, settings: CommonHttpSettings) -> None:
        self._settings = settings
        self._buffer = bytearray()
        self._scanned = 0
        self._h11: h11.Connection | None = None
        self._body = bytearray()
        self._chunks = 0

    @property
    def buffered(self) -> int:
        """How many bytes wait behind the current message."""
        return len(self._buffer)

    def receive(self, data: bytes) -> None:
        """Add bytes from the peer."""
        self._buffer += data

    def take_buffered(self) -> bytes:
        """The bytes behind the head of a WebSocket handshake; the reader is done then."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _scan(self) -> tuple[int, bool]:
        """How many bytes of a head are there, and whether it is complete."""
        found = _END_OF_HEAD.search(self._buffer, self._scanned)
        if found is not None:
            return found.end(), True
        size = len(self._buffer)
        self._scanned = max(0, size - 2)
        return size, False

    def _take_head(self, size: int) -> bytes:
        head = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._scanned = 0
        return head

    def _read_body(self, connection: h11.Connection, limit: int) -> bytes | None:
        """The body, if it is complete; over `limit` bytes, one more of them. Raises what h11 raises."""
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Data):
                self._body += event.data
                # Not `chunk_start`, which is lost where the bytes end between a chunk's header and its data.
                self._chunks += event.chunk_end
                if len(self._body) > limit:
                    return bytes(self._body[: limit + 1])
                if self._chunks > self._settings.max_chunk_count:
                    raise h11.RemoteProtocolError("the body has too many chunks")
            elif isinstance(event, h11.EndOfMessage):
                body = bytes(self._body)
                self._body = bytearray()
                self._chunks = 0
                self._buffer[:0] = connection.trailing_data[0]
                self._h11 = None
                return body
            elif self._buffer:
                connection.receive_data(bytes(self._buffer[:SLICE]))
                del self._buffer[:SLICE]
            else:
                return None
