"""The client's side of WebSocket frames: plain ones in, masked ones out."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wsproto.connection import ConnectionType

from sansio_eio.http.deflate import Deflate, frame_header, payloads
from sansio_eio.http.frames import FrameConnection

if TYPE_CHECKING:
    from sansio_eio.engineio.outgoing import Outgoing

# RFC 6455, section 7.4.1: the purpose is fulfilled, or the server goes away; None is a Close frame without a code.
_GOOD_ORDER = (None, 1000, 1001)


class ClientFrames(FrameConnection):
    """A `FrameConnection` whose peer is the server.

    "The masking key needs to be unpredictable" and fresh for each frame (RFC 6455, section 5.3): `token_bytes`.
    """

    __slots__ = ("_token_bytes",)

    _type = ConnectionType.CLIENT
    _key_size = 0
    _mask_bit = 0

    def __init__(
        self,
        *,
        max_message_size: int,
        max_fragments: int = 1024,
        max_control_frames: int = 100,
        deflate: Deflate | None = None,
        token_bytes: Callable[[int], bytes],
    ) -> None:
        super().__init__(
            max_message_size=max_message_size,
            max_fragments=max_fragments,
            max_control_frames=max_control_frames,
            deflate=deflate,
        )
        self._token_bytes = token_bytes

    @property
    def complaint(self) -> ConnectionError | None:
        """What the server says that has gone wrong; None when it has closed in good order."""
        if self.close_code in _GOOD_ORDER:
            return None
        return ConnectionError(f"the server has closed with {self.close_code}: {self.close_reason}")

    def encode(self, outgoing: "list[Outgoing]") -> bytes:
        """The frames of these packets."""
        make = payloads if self._deflate is None else self._deflate.payloads
        return b"".join([self._frame(first, data) for each in outgoing for first, data in make(each)])

    def _frame(self, first: int, payload: bytes) -> bytes:
        length = len(payload)
        key = self._token_bytes(4)
        repeated = key * ((length + 3) // 4)
        masked = int.from_bytes(payload, "little") ^ int.from_bytes(repeated[:length], "little")
        return frame_header(first, length, 0x80) + key + masked.to_bytes(length, "little")
