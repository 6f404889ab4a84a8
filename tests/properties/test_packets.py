"""Both parsers on any packet and on any data."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.json_codec import is_too_deep
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.socketio.packets import TEXT_PARSER, Decoder, Packet, PacketType, ParseError, Parser
from tests.properties.packet_strategies import (
    any_text,
    broken_texts,
    json_texts,
    json_values,
    msgpack_packets,
    text_packets,
    tree,
)

MSGPACK_PARSER = msgpack_parser()
PARSERS = (TEXT_PARSER, MSGPACK_PARSER)


def received(value: Any) -> Any:
    """A value at the other end: bytes, lists, and halves of surrogate pairs that met are one character."""
    match value:
        case bytearray() | memoryview():
            return bytes(cast("bytes", value))
        case list() | tuple():
            return [received(item) for item in cast("list[Any]", value)]
        case dict():
            return {received(key): received(item) for key, item in cast("dict[str, Any]", value).items()}
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        case _:
            return value


def check_round_trip(parser: Parser, packet: Packet) -> None:
    messages = parser.encode(packet)
    decoder = Decoder(parser, max_attachments=1000)
    for message in messages[:-1]:
        assert decoder.feed(message) is None
        assert decoder.waiting
    result = decoder.feed(messages[-1])
    packet.data = received(packet.data)
    # 1, 1.0 and True are equal, and so are 0.0 and -0.0; what they look like is not.
    assert repr(result) == repr(packet)
    assert not decoder.waiting


@given(text_packets)
def test_round_trip_of_text(packet: Packet) -> None:
    check_round_trip(TEXT_PARSER, packet)


@given(msgpack_packets)
def test_round_trip_of_msgpack(packet: Packet) -> None:
    check_round_trip(MSGPACK_PARSER, packet)


@given(text_packets)
def test_every_message_of_the_text_parser_can_travel(packet: Packet) -> None:
    text, *attachments = TEXT_PARSER.encode(packet)
    assert isinstance(text, str)
    text.encode()
    assert all(type(attachment) is bytes for attachment in attachments)


odd_values: SearchStrategy[Any] = st.sets(st.integers()) | st.floats() | st.dictionaries(st.binary(), st.none())


@given(st.lists(json_values | odd_values))
def test_any_data_is_sent_or_refused(data: list[Any]) -> None:
    for parser in PARSERS:
        with suppress(LocalProtocolError):
            parser.encode(Packet(PacketType.ACK, data=data, id=1))


@given(st.lists(any_text | broken_texts | json_texts | st.binary(max_size=5), max_size=6))
def test_any_data_gives_packets_or_parse_errors(messages: list[str | bytes]) -> None:
    for parser in PARSERS:
        decoder = Decoder(parser)
        for message in messages:
            was_waiting = decoder.waiting
            try:
                packet = decoder.feed(message)
            except ParseError:
                assert not decoder.waiting
                continue
            assert (packet is None) == decoder.waiting
            if packet is not None:
                assert packet.attachments == 0
                assert was_waiting == isinstance(message, bytes)
                can_be_sent_on(parser, packet)


def damaged(data: bytes) -> Iterator[bytes]:
    yield data
    for index, byte in enumerate(data):
        yield data[:index]
        yield data[:index] + b"\xc1" + data[index + 1 :]
        yield data[:index] + bytes([byte ^ 0x81]) + data[index + 1 :]


@given(st.binary() | msgpack_packets.map(lambda packet: cast("bytes", MSGPACK_PARSER.encode(packet)[0])))
def test_any_bytes_give_a_packet_or_a_parse_error(data: bytes) -> None:
    for message in damaged(data):
        with suppress(ParseError):
            can_be_sent_on(MSGPACK_PARSER, MSGPACK_PARSER.decode(message))


def can_be_sent_on(parser: Parser, packet: Packet) -> None:
    """No peer can send a value that raises when an application sends it on, also wrapped."""
    parser.encode(packet)
    parser.encode(Packet(PacketType.EVENT, packet.namespace, ["b", {"from": [packet.data]}]))


def depth(value: Any) -> int:
    if not isinstance(value, (dict, list)):
        return 0
    children = cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("Iterable[Any]", value)
    return 1 + max(map(depth, children), default=0)


brackets = st.text('[]{}"\\ä\ud800', max_size=6)


@given(tree(brackets | st.integers(), brackets).map(json.dumps), st.integers(0, 5))
def test_depth_is_exact(text: str, limit: int) -> None:
    value = json.loads(text)
    for ensure_ascii in (True, False):
        assert is_too_deep(json.dumps(value, ensure_ascii=ensure_ascii), 0, limit) == (depth(value) > limit)
