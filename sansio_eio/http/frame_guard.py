"""The limits on incoming frames, as an extension that wsproto consults about every frame."""

import zlib
from typing import TYPE_CHECKING

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

if TYPE_CHECKING:
    from wsproto.frame_protocol import FrameDecoder, FrameProtocol

_NO_RSV = RsvBits(rsv1=False, rsv2=False, rsv3=False)
_DEFLATE_RSV = RsvBits(rsv1=True, rsv2=False, rsv3=False)
# "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."  RFC 7692, section 7.2.2
_TAIL = b"\x00\x00\xff\xff"


class FrameGuard(Extension):
    """Refuses a message that is too large when a frame header announces it, and inflates no more than the limit.

    wsproto calls `frame_inbound_header` again while the masking key is incomplete, so that hook only looks.
    """

    name = "frame-guard"

    def __init__(self, *, max_message_size: int, max_fragments: int, inflate: bool) -> None:
        self._max_message_size = max_message_size
        # What deflate may make of a message of that size: zlib's own bound for the worst of its settings.
        self._max_deflated_size = max_message_size + (max_message_size >> 3) + 64
        self._max_fragments = max_fragments
        self._may_inflate = inflate
        self._control = False
        self._compressed = False
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        #: Of the current message: bytes so far, inflated and as they came, and complete frames so far.
        self._size = 0
        self._raw_size = 0
        self._fragments = 0

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return False

    def frame_inbound_header(
        self, proto: "FrameDecoder | FrameProtocol", opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self._control = opcode.iscontrol()
        if self._control:
            return _NO_RSV
        # wsproto finds this out behind the payload, and after the payload has been inflated.
        if (opcode is Opcode.CONTINUATION) != (self._fragments > 0):
            return CloseReason.PROTOCOL_ERROR
        if opcode is not Opcode.CONTINUATION:
            self._compressed = rsv.rsv1 and self._may_inflate
        if self._compressed:
            if self._raw_size + payload_length > self._max_deflated_size:
                return CloseReason.MESSAGE_TOO_BIG
            return _NO_RSV if opcode is Opcode.CONTINUATION else _DEFLATE_RSV
        if self._size + payload_length > self._max_message_size:
            return CloseReason.MESSAGE_TOO_BIG
        return _NO_RSV

    def frame_inbound_payload_data(self, proto: "FrameDecoder | FrameProtocol", data: bytes) -> bytes | CloseReason:
        if self._control:
            return data
        self._raw_size += len(data)
        if self._compressed:
            return self._inflate(data)
        self._size += len(data)
        return data

    def frame_inbound_complete(self, proto: "FrameDecoder | FrameProtocol", fin: bool) -> bytes | CloseReason | None:
        if self._control:
            return None
        if not fin:
            self._fragments += 1
            return CloseReason.POLICY_VIOLATION if self._fragments > self._max_fragments else None
        rest = self._inflate(_TAIL) if self._compressed else None
        if self._compressed:
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._size = self._raw_size = self._fragments = 0
        self._compressed = False
        return rest

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        # One byte more than the room tells "just full" from "too much"; a limit of 0 would mean none to zlib.
        room = self._max_message_size - self._size + 1
        try:
            inflated = self._inflater.decompress(data, room)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._size += len(inflated)
        return inflated if len(inflated) < room else CloseReason.MESSAGE_TOO_BIG
