"""Revision 3 of Engine.IO here and in the reference: the same bytes, and what one writes the other reads."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_eio.engineio import Request
from sansio_eio.engineio.jsonp import unwrap, wrap
from sansio_eio.engineio.outgoing import encode_text
from sansio_eio.engineio.packets import messages
from sansio_eio.engineio.revision import REVISION_3, Payload
from sansio_eio.errors import RemoteProtocolError
from tests.conformance.reference_engine_parser import Packet, ReferenceEngineParser, as_the_reference, read
from tests.properties.test_engineio_payloads import ANY_BODY, BATCHES, BYTES, TEXTS

#: The packet that means nothing: here it stands for one of no length, which the reference passes over.
NOTHING: Packet = ("noop", "")


def without_nothing(packets: list[Packet]) -> list[Packet]:
    return [packet for packet in packets if packet != NOTHING]


@pytest.fixture(scope="module")
def reference() -> Iterator[ReferenceEngineParser]:
    """One process for all tests here."""
    running = ReferenceEngineParser()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("sent", "binary", "body"),
    [
        (["hello"], False, b"6:4hello"),
        (["hello", "", "€"], True, b"6:4hello1:42:4\xe2\x82\xac"),
        (["😀"], False, b"3:4\xf0\x9f\x98\x80"),
        (["\ud800"], False, b"2:4\xef\xbf\xbd"),
        (["a\x1eb"], False, b"4:4a\x1eb"),
        ([b"\x01\x02\x03\x04"], False, b"10:b4AQIDBA=="),
        ([b""], False, b"2:b4"),
        (["€", b"\x01"], False, b"2:4\xe2\x82\xac6:b4AQ=="),
        ([b"\x01\x02\x03\x04"], True, b"\x01\x05\xff\x04\x01\x02\x03\x04"),
        ([b""], True, b"\x01\x01\xff\x04"),
        (["€", b"\xff"], True, b"\x00\x04\xff4\xe2\x82\xac\x01\x02\xff\x04\xff"),
        (["😀\ud800", b""], True, b"\x00\x08\xff4\xf0\x9f\x98\x80\xef\xbf\xbd\x01\x01\xff\x04"),
        (["a" * 9, b"a" * 99], True, b"\x00\x01\x00\xff4aaaaaaaaa\x01\x01\x00\x00\xff\x04" + b"a" * 99),
    ],
)
def test_vectors(reference: ReferenceEngineParser, sent: list[str | bytes], binary: bool, body: bytes) -> None:
    payload = Payload(body, body[0] < 2)
    assert reference.encode(sent, binary=binary) == payload
    assert REVISION_3.payload([messages((part,)) for part in sent], binary=binary) == payload
    assert (
        reference.decode(payload)
        == read(payload)
        == (
            [("message", encode_text(part).decode() if isinstance(part, str) else part or "") for part in sent],
            True,
        )
    )


@given(batch=BATCHES, binary=st.booleans())
def test_the_same_payload(reference: ReferenceEngineParser, batch: list[list[str | bytes]], binary: bool) -> None:
    ours = REVISION_3.payload([messages(tuple(group)) for group in batch], binary=binary)
    assert ours == reference.encode([part for group in batch for part in group], binary=binary)
    assert reference.decode(ours) == read(ours)


@given(message=TEXTS | BYTES, binary=st.booleans())
def test_the_same_websocket_message(reference: ReferenceEngineParser, message: str | bytes, binary: bool) -> None:
    framing = REVISION_3.framing(binary=binary)
    assert framing is not None
    packet = framing(messages((message,))).packets[0]
    if isinstance(packet, str):
        # The two halves of a pair are one character there.
        packet = packet.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert packet == reference.frame(message, binary=binary)
    assert reference.unframe(packet) == ([as_the_reference(packet)], True)


def with_length(packet: str, zeros: int) -> str:
    return f"{'0' * zeros}{len(packet.encode('utf-16-le')) // 2}:{packet}"


def with_binary_length(kind: int, packet: bytes) -> bytes:
    return bytes([kind, *map(int, str(len(packet))), 255]) + packet


#: What other peers could have made of packets, right and wrong.
ODD_TEXTS = st.text("0123456b4AQ-_=€😀\x1e", max_size=6)
ODD_BYTES = ODD_TEXTS.map(str.encode) | st.sampled_from(
    [b"4\xed\xa0\x80", b"4\xed\xa0\xbd\xed\xb8\x80", b"\x04", b"\x04\xff"]
)
TEXT_BODIES = st.lists(st.builds(with_length, ODD_TEXTS, st.integers(0, 2)), min_size=1, max_size=3)
BINARY_BODIES = st.lists(st.builds(with_binary_length, st.integers(0, 1), ODD_BYTES), min_size=1, max_size=3)


@given(body=TEXT_BODIES.map(lambda parts: "".join(parts).encode()) | ANY_BODY)
def test_what_is_taken_of_a_text_is_taken_by_the_reference(reference: ReferenceEngineParser, body: bytes) -> None:
    ours, whole = read(Payload(body))
    theirs, wholly = reference.decode(Payload(body))
    ours, theirs = without_nothing(ours), without_nothing(theirs)
    assert theirs[: len(ours)] == ours
    assert not whole or (wholly and ours == theirs)


@given(body=BINARY_BODIES.map(b"".join) | ANY_BODY)
def test_what_is_taken_of_bytes_is_taken_by_the_reference(reference: ReferenceEngineParser, body: bytes) -> None:
    ours = read(Payload(body, binary=True))
    assert not ours[1] or reference.decode(Payload(body, binary=True)) == ours


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(Payload(b"+1:4"), id="a sign"),
        pytest.param(Payload(b" 1:4"), id="a blank"),
        pytest.param(Payload(b"1.0:4"), id="a float"),
        pytest.param(Payload(b"1e0:4"), id="an exponent"),
        pytest.param(Payload(b"0x1:4"), id="hexadecimal"),
        pytest.param(Payload(b"0000000001:4"), id="ten digits"),
        pytest.param(Payload(b"2:b2"), id="a ping in base64"),
        pytest.param(Payload(b"6:b2AQ=="), id="and one with data"),
        pytest.param(Payload(b"2:b7"), id="base64 of an unknown type"),
        pytest.param(Payload(b"3:b4A"), id="too little base64"),
        pytest.param(Payload(b"", binary=True), id="nothing"),
        pytest.param(Payload(b"\x02\x01\xff\x04", binary=True), id="an unknown kind"),
        pytest.param(Payload(b"\x00\x02\xff4", binary=True), id="a text that is too short"),
        pytest.param(Payload(b"\x01\x03\xff\x04\x01", binary=True), id="bytes that are too short"),
        pytest.param(Payload(b"\x01\x01\xff\x02", binary=True), id="bytes that are a ping"),
        pytest.param(Payload(b"\x01\x01\xff\x07", binary=True), id="bytes of an unknown type"),
        pytest.param(Payload(b"\x01\x00\xff", binary=True), id="bytes without a type"),
    ],
)
def test_stricter_on_purpose(reference: ReferenceEngineParser, payload: Payload) -> None:
    assert read(payload) == ([], False)
    assert reference.decode(payload)[1]


def test_half_a_character_is_no_packet(reference: ReferenceEngineParser) -> None:
    body = "2:4a2:4😀".encode()
    assert read(Payload(body)) == ([("message", "a")], False)
    assert reference.decode(Payload(body)) == ([("message", "a"), ("message", "\ud83d")], False)


def test_what_comes_before_a_broken_packet_is_not_lost(reference: ReferenceEngineParser) -> None:
    for payload in (Payload(b"2:4ax"), Payload(b"2:4a1:x"), Payload(b"\x00\x02\xff4a\x00\x01\xffx", binary=True)):
        assert read(payload) == reference.decode(payload) == ([("message", "a")], False)
    # The lengths of all come first there.
    payload = Payload(b"\x00\x02\xff4a\x00", binary=True)
    assert read(payload) == ([("message", "a")], False)
    assert reference.decode(payload) == ([], False)


@pytest.mark.parametrize("packet", ["", "7", "x", "ä"])
def test_what_is_no_websocket_message_is_none_in_the_reference(reference: ReferenceEngineParser, packet: str) -> None:
    with pytest.raises(RemoteProtocolError):
        as_the_reference(packet)
    assert reference.unframe(packet) == ([], False)


# JSONP

#: The transport writes down line ends for its form, and cannot tell these apart from them; JSON has neither.
LINES = st.text('a"\\n\n\u2028\u2029😀<>/%+&=;', max_size=30) | st.text(max_size=20)
POSTED = LINES.map(lambda text: text.replace("\r", "").replace("\\\n", "\n"))


@given(payload=POSTED)
def test_a_form_is_read_as_by_the_reference(reference: ReferenceEngineParser, payload: str) -> None:
    body = reference.form(payload)
    assert unwrap(Request("POST", "/", body=body)) == reference.unform(body) == payload.encode()


@given(payload=LINES)
def test_whatever_a_page_posts_is_read_as_by_the_reference(reference: ReferenceEngineParser, payload: str) -> None:
    body = reference.form(payload)
    assert unwrap(Request("POST", "/", body=body)) == reference.unform(body)


@given(payload=LINES, index=st.text("0123456789;a(", max_size=5))
def test_the_same_script(reference: ReferenceEngineParser, payload: str, index: str) -> None:
    assert wrap(payload.encode(), index) == reference.script(payload, index)
