"""The default parser of Socket.IO revision 5, and the assembly of packets with binary attachments.

A packet is `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`; its attachments follow, each a binary message.
"""

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.json_codec import dump, load
from sansio_eio.socketio.parser import (
    ACK,
    EVENT,
    MAX_ID_DIGITS,
    RESERVED_EVENTS,
    Packet,
    PacketType,
    ParseError,
    Parser,
    check_received,
    is_well_formed,
)

__all__ = [
    "RESERVED_EVENTS",
    "TEXT_PARSER",
    "Decoder",
    "Packet",
    "PacketType",
    "ParseError",
    "Parser",
    "json_parser",
    "reconstruct",
]

#: Levels of nesting that a peer may send.
MAX_DEPTH = 100

#: Attachments that a peer may announce in one packet; the reference has the same number (since CVE-2026-33151).
MAX_ATTACHMENTS = 10

_DIGITS = "01234"
_BINARY_DIGITS = {EVENT: "5", ACK: "6"}
_TYPES = {str(kind.value): kind for kind in PacketType} | {digit: kind for kind, digit in _BINARY_DIGITS.items()}

# `[0-9]`, since `\d` is more than ASCII. The length of the attachment count is bounded so that int() is cheap.
_HEADER = re.compile(rf"(?:([56])([0-9]{{1,4}})-|([0-4]))(?:(/[^,]*),?)?([0-9]{{1,{MAX_ID_DIGITS}}})?")


def json_parser(*, max_depth: int = MAX_DEPTH) -> Parser:
    """The default parser with another limit on nesting.

    `max_depth` is how many levels of arrays and objects a peer may send. What is sent may be twice as deep, so that an
    application can wrap a value of a peer and send it on.
    """
    return Parser(partial(_encode, max_depth=2 * max_depth), partial(_decode, max_depth=max_depth))


def _encode(packet: Packet, *, max_depth: int) -> tuple[str | bytes, ...]:
    if not is_well_formed(packet):
        raise LocalProtocolError(f"not the data or the ack id of a packet of type {packet.type.name}")
    kind = packet.type
    digit = _DIGITS[kind]
    payload = ""
    attachments: list[bytes] = []
    if packet.data is not None:
        payload, attachments = dump(packet.data, max_depth=max_depth)
        if attachments:
            if kind not in _BINARY_DIGITS:
                raise LocalProtocolError(f"a packet of type {kind.name} cannot carry bytes")
            digit = f"{_BINARY_DIGITS[kind]}{len(attachments)}-"
    namespace = packet.namespace
    if namespace == "/":
        namespace = ""
    elif namespace[:1] == "/" and "," not in namespace:
        namespace += ","
    else:
        raise LocalProtocolError(f'a namespace begins with "/" and has no comma: {namespace!r}')
    if packet.id is None:
        return (f"{digit}{namespace}{payload}", *attachments)
    return (f"{digit}{namespace}{packet.id}{payload}", *attachments)


def _decode(text: str | bytes, *, max_depth: int) -> Packet:
    if not isinstance(text, str):
        raise ParseError("binary data without a packet that announces it")
    if text[:2] == "2[":  # by far the most frequent form
        return check_received(Packet(EVENT, "/", load(text, 1, max_depth=max_depth)))
    header = _HEADER.match(text)
    if header is None:
        raise ParseError("unknown packet type or illegal number of attachments")
    binary, attachments, plain, namespace, ack_id = header.groups()
    packet = Packet(_TYPES[binary or plain], namespace or "/")
    if ack_id is not None:
        packet.id = int(ack_id)
    if header.end() != len(text):
        packet.data = load(text, header.end(), max_depth=max_depth)
        if packet.data is None:  # otherwise taken for no payload
            raise ParseError("null is no payload")
    check_received(packet)
    if attachments is not None:
        packet.attachments = int(attachments)
        if packet.attachments == 0:
            # The reference took it and then waited for ever; since its parser 4.2.7, it refuses it.
            raise ParseError("a binary packet without attachments")
    return packet


#: The parser that every Socket.IO implementation has.
TEXT_PARSER = json_parser()


def reconstruct(packet: Packet, attachments: list[bytes]) -> Packet:
    """Put the attachments in the places of their placeholders, in the packet's own data, and return the packet.

    Raises `ParseError` unless each attachment has exactly one placeholder, and each `_placeholder` an attachment. The
    reference is laxer (it repeats and drops attachments), but no encoder makes such packets.
    """
    unused = dict(enumerate(attachments))
    # Not recursive, and the list grows while it is walked: depth costs no stack.
    containers = [packet.data]
    for container in containers:
        for key, value in _items(container):
            if isinstance(value, list):
                containers.append(value)
            elif isinstance(value, dict):
                held = cast("dict[str, object]", value)
                if "_placeholder" not in held:
                    containers.append(held)
                    continue
                number = held.get("num")
                if held["_placeholder"] is not True or type(number) is not int or number not in unused:
                    raise ParseError("illegal attachment number")
                container[key] = unused.pop(number)
    if unused:
        raise ParseError("an attachment that no placeholder asks for")
    packet.attachments = 0
    return packet


def _items(container: Any) -> Iterable[tuple[Any, object]]:
    if isinstance(container, dict):
        return cast("dict[str, object]", container).items()
    return enumerate(cast("list[object]", container))


class Decoder:
    """Packets out of the data of one connection's Engine.IO messages. Make one for each connection.

    After a `ParseError` what came of the packet is forgotten; close the connection.
    """

    __slots__ = ("_attachments", "_decode", "_max_attachments", "_packet")

    def __init__(self, parser: Parser, *, max_attachments: int = MAX_ATTACHMENTS) -> None:
        self._decode = parser.decode
        self._max_attachments = max_attachments
        self._packet: Packet | None = None
        self._attachments: list[bytes] = []

    @property
    def waiting(self) -> bool:
        """Whether attachments are announced that have not come yet."""
        return self._packet is not None

    def feed(self, data: str | bytes) -> Packet | None:
        """The packet that this message completes, or None while attachments are to come. Raises `ParseError`."""
        packet = self._packet
        if packet is None:
            try:
                packet = self._decode(data)
            except ParseError:
                raise
            except Exception as error:  # a parser of somebody else: whatever it says, the peer's data is to blame
                raise ParseError(f"the parser failed: {error!r}") from error
            if packet.attachments == 0:
                return packet
            if packet.attachments > self._max_attachments:
                raise ParseError(f"more than {self._max_attachments} attachments")
            self._packet = packet
            return None
        if isinstance(data, str):
            self.reset()
            raise ParseError("text between attachments")
        self._attachments.append(data)
        if len(self._attachments) < packet.attachments:
            return None
        return reconstruct(packet, self.reset())

    def reset(self) -> list[bytes]:
        """Forget what has come of a packet; its attachments."""
        attachments, self._attachments, self._packet = self._attachments, [], None
        return attachments
