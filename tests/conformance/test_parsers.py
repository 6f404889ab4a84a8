"""Packet by packet, the text parser and that of the reference: what one writes the other reads, with the same bytes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sansio_eio.socketio.packets import TEXT_PARSER, Decoder, Packet, ParseError
from sansio_eio.socketio.parser import CONNECT_ERROR
from tests.conformance.reference_parsers import ReferenceParsers, as_object, in_javascript, leaves, plain_keys
from tests.properties.packet_strategies import any_text, broken_texts, json_texts, packets, tree, utf8_text


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceParsers]:
    """One process for all tests here."""
    running = ReferenceParsers("text")
    yield running
    running.stop()


def read(*messages: str | bytes) -> list[dict[str, Any]] | None:
    """The packets in these messages; None when one of them is refused."""
    decoder = Decoder(TEXT_PARSER)
    try:
        return [as_object(packet) for packet in map(decoder.feed, messages) if packet is not None]
    except ParseError:
        return None


namespaces = utf8_text.map(lambda name: name.replace(",", ""))
same_text = packets(tree(leaves, plain_keys(utf8_text)), plain_keys(utf8_text), namespaces)
floats: SearchStrategy[Any] = st.floats(allow_nan=False, allow_infinity=False)
same_value = packets(tree(leaves | floats | any_text, plain_keys(any_text)), plain_keys(any_text), namespaces)


@given(packet=same_text)
def test_same_text_as_the_reference(reference: ReferenceParsers, packet: Packet) -> None:
    assert list(TEXT_PARSER.encode(packet)) == reference.encode(as_object(packet))


@given(packet=same_value)
def test_each_reads_what_the_other_writes(reference: ReferenceParsers, packet: Packet) -> None:
    ours = TEXT_PARSER.encode(packet)
    theirs = reference.encode(as_object(packet))
    assume(len(theirs) <= 11)
    results = [reference.decode(*ours), reference.decode(*theirs), read(*theirs)]
    assert in_javascript(results) == [in_javascript(read(*ours))] * 3


@given(text=(broken_texts | json_texts).filter(lambda text: not text.startswith(("50", "60"))))
def test_what_is_taken_is_taken_by_the_reference(reference: ReferenceParsers, text: str) -> None:
    taken = read(text)
    if taken is not None and all(packet["type"] != CONNECT_ERROR for packet in taken):
        assert in_javascript(reference.decode(text)) == in_javascript(taken)


@pytest.mark.parametrize(("text", "error"), [("4[]", []), ('4["x",1]', ["x", 1]), ("4true", True)])
def test_error_of_any_kind(reference: ReferenceParsers, text: str, error: object) -> None:
    """In revision 4 of the protocol, an error is any value; the parser of the reference has forgotten it."""
    assert read(text) == [{"type": 4, "nsp": "/", "data": error}]
    assert reference.decode(text) is None


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([""], id="nothing at all is a CONNECT there"),
        pytest.param(["2"], id="an event without a payload"),
        pytest.param(["2/x"], id="and in a namespace"),
        pytest.param(["31"], id="an ack without a payload"),
        pytest.param(["3[]"], id="an ack without an id"),
        pytest.param(["4"], id="an error without a payload"),
        pytest.param(["05{}"], id="an id that nothing needs"),
        pytest.param(['2 ["a"]'], id="a space for a digit"),
        pytest.param(['21000000000000000["a"]'], id="an id of 16 digits"),
        pytest.param(['2["a",1e999]'], id="an infinite number"),
        pytest.param(['2["a",' + "1" * 1000 + "]"], id="an endless number"),
        pytest.param(['2["a",' + "[" * 100 + "]" * 101], id="nested deeply"),
        pytest.param(['5 1-["a",{"_placeholder":true,"num":0}]', b"x"], id="a space in the count"),
        pytest.param(['51-["a"]', b"x"], id="an attachment that no placeholder asks for"),
        pytest.param(
            ['51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]', b"x"], id="an attachment twice"
        ),
        pytest.param(['51-["a",{"_placeholder":true,"num":0.0}]', b"x"], id="a float for a number"),
        pytest.param(['51-["a",{"_placeholder":1},{"_placeholder":true,"num":0}]', b"x"], id="half a placeholder"),
    ],
)
def test_stricter_on_purpose(reference: ReferenceParsers, messages: list[str | bytes]) -> None:
    assert read(*messages) is None
    taken = reference.decode(*messages)
    assert taken is not None
    assert len(taken) == 1
