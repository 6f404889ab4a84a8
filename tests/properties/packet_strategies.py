"""Packets, values and broken messages to draw from."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from sansio_eio.socketio.packets import RESERVED_EVENTS, Packet, PacketType


def tree(leaves: SearchStrategy[Any], text: SearchStrategy[str]) -> SearchStrategy[Any]:
    keys = text.filter(lambda key: key != "_placeholder")

    def grow(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(keys, inner, max_size=4)

    return st.recursive(leaves, grow, max_leaves=15)


def to_milliseconds(date: datetime) -> datetime:
    return date - timedelta(microseconds=date.microsecond % 1000)


def all_forms(data: bytes) -> SearchStrategy[Any]:
    return st.sampled_from([data, bytearray(data), memoryview(data)])


binary = st.binary(max_size=20).flatmap(all_forms)
any_text = st.text(st.characters(exclude_categories=()), max_size=20)
utf8_text = st.text(max_size=20)
plain: SearchStrategy[Any] = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
json_values = tree(plain | st.integers() | any_text | binary, any_text)
dates = st.datetimes(timezones=st.just(UTC)).map(to_milliseconds)
msgpack_values = tree(
    plain | st.just(float("inf")) | st.integers(-(2**63), 2**64 - 1) | utf8_text | binary | dates, utf8_text
)


@st.composite
def packets(
    draw: DrawFn, values: SearchStrategy[Any], text: SearchStrategy[str], namespaces: SearchStrategy[str]
) -> Packet:
    kind: PacketType = draw(st.sampled_from(list(PacketType)))
    namespace = draw(namespaces.map(lambda name: "/" + name))
    ids = st.integers(0, 10**15 - 1)
    bare = st.dictionaries(text, st.integers(0, 9) | text, max_size=3)
    arguments = st.lists(values, max_size=4)
    match kind:
        case PacketType.CONNECT:
            return Packet(kind, namespace, draw(st.none() | bare))
        case PacketType.DISCONNECT:
            return Packet(kind, namespace)
        case PacketType.EVENT:
            name = draw(text.filter(lambda name: name not in RESERVED_EVENTS) | st.integers(0, 2**53))
            return Packet(kind, namespace, [name, *draw(arguments)], draw(st.none() | ids))
        case PacketType.ACK:
            return Packet(kind, namespace, draw(arguments), draw(ids))
        case PacketType.CONNECT_ERROR:
            return Packet(kind, namespace, draw(bare | text))


text_packets = packets(json_values, any_text, utf8_text.map(lambda name: name.replace(",", "")))
msgpack_packets = packets(msgpack_values, utf8_text, utf8_text)


def joined(*parts: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


digits = st.text("0123456789", max_size=3)
fragments = [
    *'[]{},:"\\-/ 10²\0\ud800',
    *["e9", ".5", "null", "true", "NaN", "\\ud800", '["a"', '"connect"'],
    *[',{"_placeholder":true,"num":0}', ',{"_placeholder":true,"num":1}'],
]
broken_texts = joined(
    st.sampled_from("012345678"),
    st.just("") | digits.map(lambda count: count + "-"),
    st.just("") | utf8_text.map(lambda name: f"/{name},"),
    digits,
    st.lists(st.sampled_from(fragments)).map("".join),
)
placeholders = st.sampled_from([{"_placeholder": True, "num": number} for number in range(2)])
json_texts = joined(
    st.sampled_from(["0", "1", "2", "31", "4", "51-", "61-1", "50-", "2/x,", "52-"]),
    tree(plain | any_text | placeholders, any_text).map(json.dumps),
)
