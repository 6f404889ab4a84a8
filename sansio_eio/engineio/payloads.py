"""Several packets in one body of long-polling, as revision 3 of Engine.IO has them and as revision 4: pure functions.

Revision 4 separates them by U+001E. Revision 3 has two forms, and puts a length in front of each packet:

* text, `<length>:<packet>`, with the length in UTF-16 code units and bytes in base64, behind "b" and the type digit;
* binary, `<00 or 01><digits, a byte each><ff><packet>`, with the length in bytes. 00 is text, in UTF-8; 01 is a byte
  with the type and the data. It is used where a packet has bytes, and the peer can take them.
"""

import re
from binascii import b2a_base64
from codecs import utf_8_decode
from collections.abc import Iterator

from sansio_eio.engineio.outgoing import SEPARATOR, Outgoing
from sansio_eio.engineio.packets import BASE64, MESSAGE, MESSAGE_BYTE, NOOP
from sansio_eio.errors import RemoteProtocolError

#: A length with more digits is longer than anything that is received.
_MAX_DIGITS = 9

# In UTF-16: every character of the length has a zero byte behind it.
_TEXT_LENGTH = re.compile(rb"((?:[0-9]\0){1,%d}):\0" % _MAX_DIGITS)
_BINARY_LENGTH = re.compile(rb"([\x00\x01])([\x00-\x09]{1,%d})\xff" % _MAX_DIGITS)
_AS_DIGITS = bytes.maketrans(bytes(range(10)), b"0123456789")
_AS_NUMBERS = bytes.maketrans(b"0123456789", bytes(range(10)))
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode_payload(body: bytes, max_packets: int) -> list[str]:
    """The packets of a payload of revision 4.

    Bytes that are not UTF-8 are replaced, as the reference does. Raises RemoteProtocolError for more than
    `max_packets`.
    """
    packets = body.decode("utf-8", "replace").split(SEPARATOR.decode(), max_packets)
    if len(packets) > max_packets:
        raise RemoteProtocolError(f"more than {max_packets} packets in one payload")
    return packets


def encode_payload(outgoing: list[Outgoing]) -> bytes:
    """The payload of revision 4 with these packets."""
    return SEPARATOR.join([each.payload for each in outgoing])


def read_text_payload(body: bytes) -> Iterator[str | bytes]:
    """The packets of a text payload of revision 3, one at a time: a megabyte of them is not to be taken apart at once.

    Raises RemoteProtocolError behind the last one that is whole. Bytes that are not UTF-8 are replaced.
    """
    if not body:
        raise RemoteProtocolError("an empty payload")
    # Not half a character at the end: the packet that was cut there is too short, and not another one.
    text, read = utf_8_decode(body, "replace")
    units = text.encode("utf-16-le")
    position, end = 0, len(units)
    while position < end or read < len(body):
        header = _TEXT_LENGTH.match(units, position)
        if header is None:
            raise RemoteProtocolError("a packet in a payload without its length")
        start = header.end()
        position = start + 2 * int(header[1][::2])
        if position > end:
            raise RemoteProtocolError("a packet in a payload is shorter than its length")
        try:
            # An empty one is passed over by the reference, and counts here.
            yield units[start:position].decode("utf-16-le") or NOOP
        except UnicodeDecodeError as error:
            raise RemoteProtocolError("the length of a packet ends within a character") from error


def read_binary_payload(body: bytes) -> Iterator[str | bytes]:
    """The packets of a binary payload of revision 3, as `read_text_payload`; bytes begin with the type."""
    if not body:
        raise RemoteProtocolError("an empty payload")
    position, end = 0, len(body)
    while position < end:
        header = _BINARY_LENGTH.match(body, position)
        if header is None:
            raise RemoteProtocolError("a packet in a payload without its length")
        start = header.end()
        position = start + int(header[2].translate(_AS_DIGITS))
        if position > end:
            raise RemoteProtocolError("a packet in a payload is shorter than its length")
        packet = body[start:position]
        yield packet if header[1] == b"\x01" else _decode_text(packet)


def _decode_text(data: bytes) -> str:
    try:
        # JavaScript's strings can hold half of a surrogate pair, and its old encoders write it down.
        return _SURROGATES.sub("\ufffd", data.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a text in a binary payload is not UTF-8") from error


def has_bytes(outgoing: Outgoing) -> bool:
    """Whether any of its packets is binary."""
    # Asked for each recipient, and this calls nothing that is written in Python.
    return {*map(type, outgoing.packets)} != {str}


def text_part(outgoing: Outgoing) -> bytes:
    """What a text payload of revision 3 has of these packets."""
    return b"".join([_with_length(packet) for packet in in_base64(outgoing).encoded])


def _with_length(text: bytes) -> bytes:
    length = len(text) if text.isascii() else len(text.decode().encode("utf-16-le")) // 2
    return b"%d:%b" % (length, text)


def binary_part(outgoing: Outgoing) -> bytes:
    """What a binary payload of revision 3 has of these packets."""
    parts: list[bytes] = []
    for packet, data in zip(outgoing.packets, with_type(outgoing).encoded, strict=True):
        mark = b"\x00" if isinstance(packet, str) else b"\x01"
        parts += mark, (b"%d" % len(data)).translate(_AS_NUMBERS), b"\xff", data
    return b"".join(parts)


def with_type(outgoing: Outgoing) -> Outgoing:
    """The same packets for a WebSocket of revision 3, where a byte with the type stands in front of bytes."""
    return outgoing.once(_with_type) if has_bytes(outgoing) else outgoing


def in_base64(outgoing: Outgoing) -> Outgoing:
    """The same packets for a peer of revision 3 that cannot take bytes."""
    return outgoing.once(_in_base64) if has_bytes(outgoing) else outgoing


def _with_type(outgoing: Outgoing) -> Outgoing:
    packets = [packet if isinstance(packet, str) else MESSAGE_BYTE + packet for packet in outgoing.packets]
    return Outgoing(tuple(packets), compress=outgoing.compress, volatile=outgoing.volatile)


def _in_base64(outgoing: Outgoing) -> Outgoing:
    packets = [
        packet if isinstance(packet, str) else f"{BASE64}{MESSAGE}{b2a_base64(packet, newline=False).decode()}"
        for packet in outgoing.packets
    ]
    return Outgoing(tuple(packets), compress=outgoing.compress, volatile=outgoing.volatile)
