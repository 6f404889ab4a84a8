"""WebSocket frames to messages: wsproto, and a shortcut around it for the plain case."""

import logging
from io import StringIO
from typing import TYPE_CHECKING

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import CloseReason

from sansio_eio.errors import RemoteProtocolError
from sansio_eio.http.deflate import Deflate, frame_header
from sansio_eio.http.frame_guard import FrameGuard

if TYPE_CHECKING:
    from sansio_eio.engineio.outgoing import Outgoing

_log = logging.getLogger("sansio_eio.http")

_TEXT = 0x81  # FIN and opcode 1
_BINARY = 0x82
_PONG = 0x8A
_CLOSE = 0x88

# In one read there can be thousands of messages, or with compression a thousand times its size. So they come in
# portions, between which the application can say that it has enough, and others get their turn.
_BATCH = 64
# So many bytes or characters, and the message that exceeds them: a large one can take long, so it is alone.
_BATCH_SIZE = 64 * 1024

_VERDICTS: dict[int, str] = {
    CloseReason.MESSAGE_TOO_BIG: "the message is too large",
    CloseReason.POLICY_VIOLATION: "too many fragments",
}


class FrameConnection:
    """The server's side of a WebSocket after the handshake (RFC 6455, sections 5 to 7).

    `receive_data` returns messages, though not too many at once: while `has_rest`, call it again with nothing. Then
    look at `closed`, and send what `take_control` gives. Nothing that the peer does raises.

    wsproto is the authority on frames and needs about 20 µs for a small one. A frame that is whole, not fragmented,
    masked as it must be, not compressed, below 64 KiB and met where a frame begins needs none of its rules, and is
    parsed right here in a tenth of that. To know where a frame begins, the headers of all others are measured while
    wsproto reads them. wsproto's object is there only while it reads one.
    """

    _type = ConnectionType.SERVER
    #: The bytes of a masking key in a frame of the peer, and the bit that says so (section 5.1).
    _key_size = 4
    _mask_bit = 0x80

    __slots__ = (
        "_close_frame",
        "_close_sent",
        "_control_frames",
        "_deflate",
        "_fast_limit",
        "_fragmented",
        "_fragments",
        "_header",
        "_max_control_frames",
        "_max_fragments",
        "_message",
        "_pong",
        "_remaining",
        "_rest",
        "_size",
        "_wsproto",
        "close_code",
        "close_reason",
        "closed",
        "failed",
        "max_message_size",
    )

    def __init__(
        self,
        *,
        max_message_size: int,
        max_fragments: int = 1024,
        max_control_frames: int = 100,
        deflate: Deflate | None = None,
    ) -> None:
        self.max_message_size = max_message_size
        self._max_fragments = max_fragments
        self._max_control_frames = max_control_frames
        self._deflate = deflate
        self._fast_limit = min(max_message_size, 0xFFFF)
        self._wsproto: Connection | None = None
        #: Of the frame that wsproto is reading: the start of an incomplete header, then the bytes that are missing.
        self._header = b""
        self._remaining = 0
        #: Between the frames of one message.
        self._fragmented = False
        self._message: StringIO | bytearray | None = None
        #: In the current read.
        self._control_frames = 0
        self._fragments = 0
        #: Of the messages that one call has returned, in bytes or characters.
        self._size = 0
        #: Behind them.
        self._rest = b""
        self._pong: bytes | None = None
        self._close_frame = b""
        self._close_sent = False
        #: The peer has closed, or was cut off for a mistake; later bytes are ignored.
        self.closed = False
        #: It was a mistake, so that there is no end of the peer's bytes to wait for.
        self.failed = False
        self.close_code: int | None = None
        self.close_reason = ""

    @property
    def error(self) -> RemoteProtocolError | None:
        """What the peer did wrong, where it was cut off for that."""
        return RemoteProtocolError(f"{self.close_code}: {self.close_reason}") if self.failed else None

    @property
    def has_rest(self) -> bool:
        """There are bytes that `receive_data` has not looked at."""
        return self._rest != b"" and not self.closed

    @property
    def has_control(self) -> bool:
        """`take_control` has something."""
        return self._pong is not None or self._close_frame != b""

    def encode(self, outgoing: "list[Outgoing]") -> bytes:
        """The frames of these packets."""
        if self._deflate is None:
            if len(outgoing) == 1:
                return outgoing[0].frame
            return b"".join([each.frame for each in outgoing])
        return b"".join([self._deflate.frames(each) for each in outgoing])

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Start the closing handshake (RFC 6455, section 7.1.2); a second call does nothing."""
        if self._close_sent:
            return
        self._close_sent = True
        payload = b""
        if code is not None:
            # A control frame has at most 125 bytes (section 5.5).
            payload = (
                code.to_bytes(2, "big") + reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore").encode()
            )
        self._close_frame = self._frame(_CLOSE, payload)

    def take_control(self) -> bytes:
        """The pong and the Close frame that are due, to be sent behind everything else."""
        control = b""
        if self._pong is not None:
            control = self._frame(_PONG, self._pong)
            self._pong = None
        if self._close_frame:
            control += self._close_frame
            self._close_frame = b""
        return control

    def receive_data(self, data: bytes) -> list[str | bytes]:
        """Messages that are complete with these bytes, up to a number and a size: see `has_rest`."""
        messages: list[str | bytes] = []
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        self._control_frames = self._fragments = self._size = 0
        while position < end and not self.closed:
            if len(messages) >= _BATCH or self._size > _BATCH_SIZE:
                break
            if not (self._header or self._remaining or self._fragmented):
                position = self._receive_plain(data, position, messages)
                if position == end or len(messages) >= _BATCH:
                    break
            position = self._receive_other(data, position, messages)
        self._rest = data[position:]
        return messages

    def _receive_plain(self, data: bytes, position: int, messages: list[str | bytes]) -> int:
        """Take plain frames from `position` on, and return where the first byte is that is not of one."""
        end = len(data)
        limit = self._fast_limit
        append = messages.append
        key_size, mask_bit = self._key_size, self._mask_bit
        shortest = 2 + key_size
        while end - position >= shortest and len(messages) < _BATCH:
            first = data[position]
            # Below zero without a key that must be there, above 127 with one that must not.
            length = data[position + 1] - mask_bit
            start = position + shortest
            if length == 126:
                if end - position < shortest + 2:
                    break
                length = data[position + 2] << 8 | data[position + 3]
                # "the minimal number of bytes MUST be used to encode the length" (section 5.2)
                if length < 126:
                    break
                start += 2
            elif length > 126:
                break
            stop = start + length
            if length < 0 or length > limit or stop > end or (first != _TEXT and first != _BINARY):
                break
            payload = data[start:stop]
            if key_size:
                # One exclusive-or of two integers, with the key repeated, unmasks the whole payload (section 5.3).
                key = data[start - 4 : start] * ((length + 3) // 4)
                payload = (int.from_bytes(payload, "little") ^ int.from_bytes(key[:length], "little")).to_bytes(
                    length, "little"
                )
            if first == _TEXT:
                try:
                    append(payload.decode())
                except UnicodeDecodeError:
                    break
            else:
                append(payload)
            position = stop
        return position

    def _receive_other(self, data: bytes, position: int, messages: list[str | bytes]) -> int:
        """Give wsproto the bytes of one frame, as far as they are there, and return the position behind them."""
        if self._remaining:
            stop = min(len(data), position + self._remaining)
            self._remaining -= stop - position
        else:
            known = len(self._header)
            header = self._header + data[position : position + 14 - known]
            measure = _measure(header, self._key_size)
            if measure is None:
                stop = len(data)
                self._header = header
            else:
                self._count(header[0])
                stop = min(len(data), position + measure - known)
                self._remaining = measure - known - (stop - position)
                self._header = b""
        if not self.closed:
            try:
                self._feed(data[position:stop], messages)
            except Exception:
                # wsproto's one door: whatever a peer can make it raise must not pass.
                _log.exception("wsproto failed on a frame")
                self._fail(CloseReason.PROTOCOL_ERROR, "")
        if not (self._header or self._remaining or self._fragmented):
            # It remembers nothing that the next frame needs, and an idle connection should not have its 9 kB.
            self._wsproto = None
        return stop

    def _count(self, first: int) -> None:
        """A frame begins with this byte."""
        if first & 0x08:
            self._control_frames += 1
            if self._control_frames > self._max_control_frames:
                self._fail(CloseReason.POLICY_VIOLATION, "too many control frames")
            return
        self._fragmented = not first & 0x80
        self._fragments += self._fragmented
        if self._fragments > self._max_fragments:
            self._fail(CloseReason.POLICY_VIOLATION, "too many fragments")

    def _feed(self, data: bytes, messages: list[str | bytes]) -> None:
        connection = self._wsproto
        if connection is None:
            guard = FrameGuard(
                max_message_size=self.max_message_size,
                max_fragments=self._max_fragments,
                inflate=self._deflate is not None,
            )
            self._wsproto = connection = Connection(self._type, [guard])
        connection.receive_data(data)
        for event in connection.events():
            if isinstance(event, CloseConnection):
                # The state tells a Close frame of the peer from wsproto's own verdict on what it sent.
                if connection.state is ConnectionState.REMOTE_CLOSING:
                    self._closed_by_peer(event)
                else:
                    # Of a verdict of the guard wsproto says only that it is an extension's.
                    self._fail(event.code, _VERDICTS.get(event.code) or event.reason or "")
            elif isinstance(event, TextMessage | BytesMessage):
                self._collect(event, messages)
            elif isinstance(event, Ping):
                # "it MAY elect to send a Pong frame for only the most recently processed Ping frame" (section 5.5.3)
                self._pong = bytes(event.payload)

    def _collect(self, event: TextMessage | BytesMessage, messages: list[str | bytes]) -> None:
        # Pieces are joined as they come: a frame that drips in byte by byte must not become a million objects.
        if isinstance(event, TextMessage):
            text = self._message if isinstance(self._message, StringIO) else StringIO()
            text.write(event.data)
            self._message = text
        else:
            binary = self._message if isinstance(self._message, bytearray) else bytearray()
            binary += event.data
            self._message = binary
        if event.message_finished:
            collected, self._message = self._message, None
            message = collected.getvalue() if isinstance(collected, StringIO) else bytes(collected)
            self._size += len(message)
            messages.append(message)

    def _closed_by_peer(self, event: CloseConnection) -> None:
        self.closed = True
        self.close_code = None if event.code == CloseReason.NO_STATUS_RCVD else event.code
        self.close_reason = event.reason or ""
        # "When sending a Close frame in response, the endpoint typically echos the status code" (section 5.5.1)
        self.close(self.close_code)

    def _frame(self, first: int, payload: bytes) -> bytes:
        """A frame of our own."""
        return frame_header(first, len(payload)) + payload

    def _fail(self, code: int, reason: str) -> None:
        self.closed = self.failed = True
        self.close_code = code
        self.close_reason = reason
        self._pong = None
        self._message = None
        self.close(code, reason)


def _measure(header: bytes, key_size: int) -> int | None:
    """The length of the frame that starts with these bytes, None when its header is not complete.

    Every frame is taken to be masked, or not, as it must be: wsproto ends the connection at one that is not.
    """
    if len(header) < 2:
        return None
    length = header[1] & 0x7F
    extended = {126: 2, 127: 8}.get(length, 0)
    size = 2 + extended + key_size
    if len(header) < size:
        return None
    return size + (int.from_bytes(header[2 : 2 + extended], "big") if extended else length)
