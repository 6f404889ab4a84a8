"""One packet on its way out, encoded once for all of its recipients."""

from binascii import b2a_base64
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")

#: Between the packets of a polling payload (Engine.IO revision 4).
SEPARATOR = b"\x1e"


class Outgoing:
    """Engine.IO packets that travel together, such as a Socket.IO packet and its attachments.

    Immutable and shared: however many sessions it is queued on, each wire form is built at most once. A `str` is an
    encoded text packet with its type digit; `bytes` are a binary message.

    What revision 4 of Engine.IO needs is a property; `once` has the place for all other forms.
    """

    __slots__ = ("_forms", "_frame", "_payload", "compress", "encoded", "packets", "size", "volatile")

    def __init__(self, packets: tuple[str | bytes, ...], *, compress: bool = True, volatile: bool = False) -> None:
        self.packets = packets
        self.compress = compress
        self.volatile = volatile
        #: The packets as bytes, text in UTF-8: for who makes another wire form of them.
        self.encoded = [encode_text(packet) if isinstance(packet, str) else packet for packet in packets]
        self._frame: bytes | None = None
        self._payload: bytes | None = None
        self._forms: dict[object, object] | None = None
        #: What it counts against the limit of a session's buffer, in bytes.
        self.size = sum([len(data) for data in self.encoded]) + 4 * len(packets)

    def split(self) -> list["Outgoing"]:
        """Each packet on its own, for a transport that cannot take all of them at once."""
        return [Outgoing((packet,), compress=self.compress, volatile=self.volatile) for packet in self.packets]

    def once(self, make: Callable[["Outgoing"], T]) -> T:
        """What `make` makes of this; made at the first call, and kept."""
        forms = self._forms
        if forms is None:
            forms = self._forms = {}
        if make not in forms:
            forms[make] = make(self)
        return cast("T", forms[make])

    @property
    def frame(self) -> bytes:
        """Complete unmasked WebSocket frames, one for each packet (RFC 6455, section 5.2)."""
        if self._frame is None:
            frames = [
                _frame_header(0x81 if isinstance(packet, str) else 0x82, len(data)) + data
                for packet, data in zip(self.packets, self.encoded, strict=True)
            ]
            self._frame = frames[0] if len(frames) == 1 else b"".join(frames)
        return self._frame

    @property
    def payload(self) -> bytes:
        """The packets as they stand in a polling payload: binary ones in base64 behind a "b", separated."""
        if self._payload is None:
            self._payload = SEPARATOR.join(
                [
                    data if isinstance(packet, str) else b"b" + b2a_base64(data, newline=False)
                    for packet, data in zip(self.packets, self.encoded, strict=True)
                ]
            )
        return self._payload


def encode_text(text: str) -> bytes:
    """UTF-8; a lone surrogate becomes U+FFFD, as in the reference, since UTF-8 has no form for it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _frame_header(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")
