"""The msgpack parser: one binary message for each packet, whatever is in it.

The same on the wire as the JavaScript `socket.io-msgpack-parser`, which leaves the encoding to notepack.io: a map of
`type`, `nsp`, `data` where there is any, `id` where an ack is asked for or given, and keys that do not matter here.
notepack uses extension type 0 for three things: `undefined` (fixext of one byte), dates (fixext of eight bytes:
milliseconds since the epoch) and buffers (ext 8 to 32).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from itertools import chain
from typing import Any, cast

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.packets import MAX_DEPTH
from sansio_eio.socketio.parser import Packet, PacketType, ParseError, Parser, check_received, is_well_formed

# Before this version a small message could make it reserve gigabytes for arrays that do not come.
_MINIMUM_VERSION = (1, 2, 4)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_TYPES = {kind.value: kind for kind in PacketType}


def msgpack_parser(*, max_depth: int = MAX_DEPTH) -> Parser:
    """The parser that speaks with `socket.io-msgpack-parser`. Needs the package `msgpack`, or raises `ImportError`.

    `max_depth` is how many levels of arrays and maps a peer may send. What is sent may be twice as deep, so that an
    application can wrap a value of a peer and send it on. Aware `datetime` objects are JavaScript's dates, both ways;
    `undefined` is received as None. Keys are strings.
    """
    try:
        msgpack: Any = import_module("msgpack")
    except ImportError as error:
        raise ImportError("the msgpack parser needs the msgpack package: pip install sansio-eio[msgpack]") from error
    if msgpack.version < _MINIMUM_VERSION:
        raise ImportError("the msgpack parser needs msgpack 1.2.4 or newer")
    return Parser(
        partial(_encode, msgpack, max_depth=2 * max_depth),
        partial(_decode, msgpack, max_depth=max_depth),
    )


def _encode(msgpack: Any, packet: Packet, *, max_depth: int) -> tuple[str | bytes, ...]:
    if not is_well_formed(packet):
        raise LocalProtocolError(f"not the data or the ack id of a packet of type {packet.type.name}")
    if packet.namespace[:1] != "/":
        raise LocalProtocolError(f'a namespace begins with "/": {packet.namespace!r}')
    message: dict[str, object] = {"type": packet.type.value, "nsp": packet.namespace}
    if packet.data is not None:
        message["data"] = packet.data
    if packet.id is not None:
        message["id"] = packet.id

    def extend(value: object) -> object:
        if isinstance(value, datetime) and value.tzinfo is not None:
            milliseconds = (value - _EPOCH) // _MILLISECOND
            return msgpack.ExtType(0, milliseconds.to_bytes(8, "big", signed=True))
        if isinstance(value, int):
            raise OverflowError("an integer of more than 64 bits")
        name = type(value).__qualname__
        raise TypeError(f"{name} is none of None, bool, int, float, str, bytes, aware datetime, list, tuple, dict")

    try:
        encoded = cast("bytes", msgpack.packb(message, default=extend))
    except (TypeError, ValueError, OverflowError, BufferError) as error:
        raise LocalProtocolError(f"the data cannot be sent as msgpack: {error}") from error
    problem = _find_problem(packet.data, max_depth)
    if problem is not None:
        raise LocalProtocolError(f"the data cannot be sent as msgpack: {problem}")
    return (encoded,)


def _decode(msgpack: Any, data: str | bytes, *, max_depth: int) -> Packet:
    if isinstance(data, str):
        raise ParseError("text instead of msgpack")
    try:
        try:
            message: object = msgpack.unpackb(data, timestamp=3, ext_hook=_convert)
        except _TwoFormsError:
            message = msgpack.unpackb(data, timestamp=3, ext_hook=partial(_convert_exactly, _find_fixext(data)))
    except Exception as error:  # whatever somebody else's code says, the peer's data is to blame
        raise ParseError(f"invalid msgpack: {error}") from error
    if not isinstance(message, dict):
        raise ParseError("not a map")
    packet = _make_packet(cast("Mapping[object, Any]", message))
    problem = _find_problem(packet.data, max_depth)
    if problem is not None:
        raise ParseError(f"invalid data: {problem}")
    return check_received(packet)


def _make_packet(message: Mapping[object, Any]) -> Packet:
    kind, namespace, ack_id = message.get("type"), message.get("nsp"), message.get("id")
    if type(kind) is not int or kind not in _TYPES:
        raise ParseError("unknown packet type")
    if not isinstance(namespace, str) or namespace[:1] != "/":
        raise ParseError("invalid namespace")
    if ack_id is not None and type(ack_id) is not int:
        raise ParseError("invalid ack id")
    return Packet(_TYPES[kind], namespace, message.get("data"), ack_id)


def _find_problem(value: object, max_depth: int) -> str | None:
    """What is wrong with a value, level by level from the outside. Only for one whose encoded form is finite."""
    level = [value]
    for _ in range(max_depth + 1):
        kinds = set(map(type, level))
        mappings = _select(level, {kind for kind in kinds if issubclass(kind, dict)})
        sequences = _select(level, {kind for kind in kinds if issubclass(kind, (list, tuple))})
        if not mappings and not sequences:
            return None
        if not all(issubclass(kind, str) for kind in set(map(type, chain.from_iterable(mappings)))):
            return "a key is not a string"
        level = list(chain.from_iterable([*sequences, *[mapping.values() for mapping in mappings]]))
    return f"nested deeper than {max_depth} levels"


def _select(values: list[object], kinds: set[type]) -> list[Any]:
    return [value for value in values if type(value) in kinds] if kinds else []


class _TwoFormsError(Exception):
    """An extension that can be one of two things, and its header tells which; hooks do not see headers."""


def _convert(code: int, payload: bytes) -> object:
    if code == 0:
        if len(payload) in (1, 8):
            raise _TwoFormsError
        return payload
    return [code, payload]  # as notepack does with what it does not know


def _convert_exactly(fixext: set[bytes], code: int, payload: bytes) -> object:
    if code != 0:
        return [code, payload]
    if payload not in fixext:
        return payload
    return None if len(payload) == 1 else _EPOCH + int.from_bytes(payload, "big", signed=True) * _MILLISECOND


_UNDEFINED_AND_DATES = re.compile(rb"(?=\xd4\x00(.)|\xd7\x00(.{8}))", re.DOTALL)
_SHORT_BUFFERS = re.compile(rb"(?=\xc7\x01\x00(.)|\xc7\x08\x00(.{8}))", re.DOTALL)


def _find_fixext(data: bytes) -> set[bytes]:
    """The payloads of extensions with the header of `undefined` or of a date, and of none with that of a buffer.

    A search of the bytes, not a parse: a date and a buffer with the same eight bytes in one message are both buffers.
    """
    fixext = {short or long for short, long in _UNDEFINED_AND_DATES.findall(data)}
    return fixext.difference(short or long for short, long in _SHORT_BUFFERS.findall(data))
