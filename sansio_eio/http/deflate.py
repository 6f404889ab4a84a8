"""permessage-deflate, negotiated and sent (RFC 7692); `frame_guard` inflates."""

import zlib

from sansio_eio.engineio.outgoing import Outgoing, encode_text

# A packet below it is sent as it is, as in the reference.
_THRESHOLD = 1024


class Deflate:
    """What was agreed on with one client.

    No context is ever taken over, in either direction: the ratio is a little worse, but a connection keeps no
    compressor (some 300 kB) between two messages.
    """

    __slots__ = ("_window_bits",)

    def __init__(self, window_bits: int | None) -> None:
        self._window_bits = window_bits

    @property
    def answer(self) -> str:
        """The value of the Sec-WebSocket-Extensions header of the response."""
        answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        return answer if self._window_bits is None else f"{answer}; server_max_window_bits={self._window_bits}"

    def frames(self, outgoing: Outgoing) -> bytes:
        """The frames of `outgoing`, compressed where that helps."""
        if not outgoing.compress or outgoing.size < _THRESHOLD:
            return outgoing.frame
        return b"".join([self._frame(packet) for packet in outgoing.packets])

    def _frame(self, packet: str | bytes) -> bytes:
        first, data = (0x81, encode_text(packet)) if isinstance(packet, str) else (0x82, packet)
        if len(data) >= _THRESHOLD:
            compressor = zlib.compressobj(wbits=-(self._window_bits or zlib.MAX_WBITS))
            # "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."  RFC 7692, section 7.2.1
            compressed = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
            if len(compressed) < len(data):
                first, data = first | 0x40, compressed
        return frame_header(first, len(data)) + data


def frame_header(first: int, length: int) -> bytes:
    """The header of an unmasked frame (RFC 6455, section 5.2)."""
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


def negotiate(offers: str) -> Deflate | None:
    """The first offer of a Sec-WebSocket-Extensions header that can be accepted, None if there is none."""
    for offer in offers.split(","):
        name, *params = [part.strip() for part in offer.split(";")]
        if name.lower() == "permessage-deflate":
            accepted = _accept(params)
            if accepted is not None:
                return accepted
    return None


def _accept(params: list[str]) -> Deflate | None:
    # "A server MUST decline an extension negotiation offer" with a parameter that is not defined, not valid, or there
    # twice.  RFC 7692, section 7
    seen: dict[str, str] = {}
    for param in params:
        name, equals, value = param.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name in seen:
            return None
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            valid = not equals
        elif name == "client_max_window_bits":
            valid = not equals or _is_bits(value)
        else:
            valid = name == "server_max_window_bits" and _is_bits(value)
        if not valid:
            return None
        seen[name] = value
    bits = seen.get("server_max_window_bits")
    if bits is None:
        return Deflate(None)
    # zlib cannot deflate with the smallest window.
    return None if bits == "8" else Deflate(int(bits))


def _is_bits(value: str) -> bool:
    return value in ("8", "9", "10", "11", "12", "13", "14", "15")
