"""The msgpack parser and socket.io-msgpack-parser: what one writes the other reads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.socketio.packets import Packet, PacketType
from tests.conformance.reference_parsers import ReferenceParsers, as_object, in_javascript, leaves, plain_keys
from tests.properties.packet_strategies import packets, tree, utf8_text

EVENT = PacketType.EVENT

encode, decode = msgpack_parser()


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceParsers]:
    """One process for all tests here."""
    running = ReferenceParsers("msgpack")
    yield running
    running.stop()


# notepack writes floats without a fraction as integers, and wraps those that have more than 64 bits.
floats: SearchStrategy[Any] = st.floats(-(2.0**53), 2.0**53)
long_text = st.text(max_size=70)
keys = plain_keys(utf8_text)


@given(packet=packets(tree(leaves | floats | long_text, keys), keys, utf8_text))
def test_each_reads_what_the_other_writes(reference: ReferenceParsers, packet: Packet) -> None:
    theirs = reference.encode(as_object(packet))
    expected = in_javascript(as_object(packet))
    assert in_javascript(reference.decode(*encode(packet))) == [expected]
    assert [in_javascript(as_object(decode(message))) for message in theirs] == [expected]


def event(*arguments: object) -> Packet:
    return Packet(EVENT, data=["a", *arguments])


@pytest.mark.parametrize("count", [0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536])
def test_every_length(reference: ReferenceParsers, count: int) -> None:
    for value in ("x" * count, "ä" * count, b"x" * count, [1] * count, dict.fromkeys(map("k{}".format, range(count)))):
        (theirs,) = reference.encode(as_object(event(value)))
        assert decode(theirs) == event(value)
        assert reference.decode(*encode(event(value))) == [as_object(event(value))]


@pytest.mark.parametrize("bits", [4, 5, 7, 8, 15, 16, 31, 32, 52, 53])
def test_integers_of_every_size(reference: ReferenceParsers, bits: int) -> None:
    numbers = [
        sign * (2**bits) + more for sign in (1, -1) for more in (-1, 0, 1) if abs(sign * 2**bits + more) <= 2**53
    ]
    (theirs,) = reference.encode(as_object(event(*numbers)))
    assert decode(theirs) == event(*numbers)
    assert reference.decode(*encode(event(*numbers))) == [as_object(event(*numbers))]


def test_what_only_javascript_has(reference: ReferenceParsers) -> None:
    sent = event(
        {"$undefined": True},
        {"$date": 1700000000123},
        {"$date": -1},
        {"$buffer": []},
        {"$buffer": [1]},
        {"$buffer": [1, 2, 3, 4, 5, 6, 7, 8]},
        {"$buffer": [9] * 300},
        {"nested": [{"$undefined": True}]},
    )
    (theirs,) = reference.encode(as_object(sent))
    date = datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    before = datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
    received = decode(theirs)
    assert received == event(
        *[None, date, before, b"", b"\1", b"\1\2\3\4\5\6\7\x08", b"\t" * 300, {"nested": [None]}],
    )
    assert reference.decode(*encode(received)) == [
        as_object(
            event(
                *[None, {"$date": 1700000000123}, {"$date": -1}, b"", b"\1", b"\1\2\3\4\5\6\7\x08", b"\t" * 300],
                {"nested": [None]},
            )
        )
    ]


def test_a_connect_without_data(reference: ReferenceParsers) -> None:
    for packet in ({"type": 0, "nsp": "/"}, {"type": 0, "nsp": "/", "data": {"$undefined": True}}):
        (theirs,) = reference.encode(packet)
        assert decode(theirs) == Packet(PacketType.CONNECT)
    assert reference.decode(*encode(Packet(PacketType.CONNECT))) == [{"type": 0, "nsp": "/"}]
    assert reference.decode(*encode(Packet(PacketType.DISCONNECT))) == [{"type": 1, "nsp": "/"}]
