"""permessage-deflate, negotiated and sent (RFC 7692); `frame_guard` inflates."""

import zlib

from sansio_eio.engineio.outgoing import Outgoing

# A packet below it is sent as it is, as in the reference.
_THRESHOLD = 1024
#: A client's Sec-WebSocket-Extensions header; without client_max_window_bits, so that the server may not ask for less.
OFFER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class Deflate:
    """What was agreed on with one peer.

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
        """The unmasked frames of `outgoing`, compressed where that helps."""
        if not outgoing.compress or outgoing.size < _THRESHOLD:
            return outgoing.frame
        return b"".join([frame_header(first, len(data)) + data for first, data in self.payloads(outgoing)])

    def payloads(self, outgoing: Outgoing) -> list[tuple[int, bytes]]:
        """As the function of this name, compressed where that helps."""
        plain = payloads(outgoing)
        return [self._compress(first, data) for first, data in plain] if outgoing.compress else plain

    def _compress(self, first: int, data: bytes) -> tuple[int, bytes]:
        if len(data) >= _THRESHOLD:
            compressor = zlib.compressobj(wbits=-(self._window_bits or zlib.MAX_WBITS))
            # "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."  RFC 7692, section 7.2.1
            compressed = (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
            if len(compressed) < len(data):
                return first | 0x40, compressed
        return first, data


def payloads(outgoing: Outgoing) -> list[tuple[int, bytes]]:
    """The first byte and the payload of each frame of `outgoing` (RFC 6455, section 5.2)."""
    return [
        (0x81 if isinstance(packet, str) else 0x82, data)
        for packet, data in zip(outgoing.packets, outgoing.encoded, strict=True)
    ]


def frame_header(first: int, length: int, mask: int = 0) -> bytes:
    """The header of a frame without its masking key (RFC 6455, section 5.2); `mask` is 0x80 where there is one."""
    if length < 126:
        return bytes((first, mask | length))
    if length < 65536:
        return bytes((first, mask | 126)) + length.to_bytes(2, "big")
    return bytes((first, mask | 127)) + length.to_bytes(8, "big")


def negotiate(offers: str) -> Deflate | None:
    """The first offer of a Sec-WebSocket-Extensions header that can be accepted, None if there is none."""
    for offer in offers.split(","):
        name, *params = [part.strip() for part in offer.split(";")]
        if name.lower() == "permessage-deflate":
            accepted = _accept(params)
            if accepted is not None:
                return accepted
    return None


def check_answer(answer: str) -> Deflate | None:
    """What a server has made of `OFFER`, None for what it must not (RFC 7692, section 7.1)."""
    name, *params = [part.strip() for part in answer.split(";")]
    seen = _parse(params)
    if name.lower() != "permessage-deflate" or seen is None:
        return None
    return Deflate(None) if "server_no_context_takeover" in seen and "client_max_window_bits" not in seen else None


def _accept(params: list[str]) -> Deflate | None:
    seen = _parse(params)
    if seen is None:
        return None
    bits = seen.get("server_max_window_bits")
    if bits is None:
        return Deflate(None)
    # zlib cannot deflate with the smallest window.
    return None if bits == "8" else Deflate(int(bits))


def _parse(params: list[str]) -> dict[str, str] | None:
    # "A server MUST decline an extension negotiation offer" with a parameter that is not defined, not valid, or there
    # twice, and a client must fail the connection.  RFC 7692, section 7
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
    return seen


def _is_bits(value: str) -> bool:
    return value in ("8", "9", "10", "11", "12", "13", "14", "15")
