"""What a Socket.IO packet is, and the seam where a parser is plugged in.

A parser is a pair of functions between packets and the data of Engine.IO messages. Two are there: the default text
parser (`packets.TEXT_PARSER`) and `msgpack.msgpack_parser`. Both ends of a connection have to use the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from sansio_eio.errors import RemoteProtocolError

#: An application cannot tell these from its own lifecycle events, so a peer must not send them (the reference's list).
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

#: An ack id with more digits is refused. Such a number is below 2**53, so that every peer holds it exactly.
MAX_ID_DIGITS = 15
MAX_ID = 10**MAX_ID_DIGITS - 1


class PacketType(IntEnum):
    """The types of Socket.IO protocol revision 5. The wire's BINARY_EVENT and BINARY_ACK are EVENT and ACK here."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4


CONNECT = PacketType.CONNECT
DISCONNECT = PacketType.DISCONNECT
EVENT = PacketType.EVENT
ACK = PacketType.ACK
CONNECT_ERROR = PacketType.CONNECT_ERROR


@dataclass(slots=True)
class Packet:
    """One Socket.IO packet. `attachments` counts those still to come; only a parser's `decode` sets it."""

    type: PacketType
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    attachments: int = 0


class ParseError(RemoteProtocolError):
    """The peer sent something that is no packet, or one that breaks a limit: close with the reason `parse error`."""


class Parser(NamedTuple):
    """How packets look on the wire; the counterpart of the reference's `{Encoder, Decoder}`.

    `encode` makes the data of the Engine.IO messages of one packet, in order: str for text, bytes for binary. It raises
    `LocalProtocolError` when the packet cannot be sent. `decode` makes a packet of the data of one message, and lets
    `check_received` have the last word. It raises `ParseError`. A packet with `attachments` holds placeholders such as
    those of the text parser, and `packets.Decoder` completes it.
    """

    encode: Callable[[Packet], tuple[str | bytes, ...]]
    decode: Callable[[str | bytes], Packet]


def is_well_formed(packet: Packet) -> bool:
    """Whether the payload and the ack id are such as the packet's type has them (those of the reference, both ways).

    The error of a CONNECT_ERROR is any value, as in revision 4 of the protocol (5 sends an object), but for a number:
    on the wire that is an ack id.
    """
    kind = packet.type
    data = packet.data
    if kind is EVENT or kind is ACK:
        if not isinstance(data, (list, tuple)) or not (packet.id is None or 0 <= packet.id <= MAX_ID):
            return False
        if kind is ACK:
            return packet.id is not None
        name = packet.data[0] if data else None
        return isinstance(name, str) or (isinstance(name, (int, float)) and not isinstance(name, bool))
    if packet.id is not None:
        return False
    if kind is CONNECT:
        return data is None or isinstance(data, dict)
    if kind is DISCONNECT:
        return data is None
    return data is not None and (isinstance(data, bool) or not isinstance(data, (int, float)))


def check_received(packet: Packet) -> Packet:
    """The packet itself, for the end of a parser's `decode`. Raises `ParseError` for what no peer may send."""
    if not is_well_formed(packet):
        raise ParseError(f"not the payload or the ack id of a packet of type {packet.type.name}")
    if packet.type is EVENT and packet.data[0] in RESERVED_EVENTS:
        raise ParseError("reserved event name")
    return packet
