"""The payloads of revision 3: what is written can be read again, and what is broken is never read as something else."""

from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sansio_eio.engineio import Outgoing
from sansio_eio.engineio.outgoing import encode_text
from sansio_eio.engineio.packets import MESSAGE, messages
from sansio_eio.engineio.revision import REVISION_3, Payload
from sansio_eio.errors import RemoteProtocolError

#: Where a length gets one digit more, as a text and as a binary packet, and in base64.
LENGTHS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 71, 72, 73, 74, 75, 97, 98, 99, 100, 998, 999, 1_000])
#: One byte in UTF-8, two, three and four; one unit in UTF-16 and two; halves of the latter; what looks like a frame.
CHARACTERS = "a\0é\u2028\ufffd\ufeff😀\ud83d\ude00\x1e:1b"
TEXTS: SearchStrategy[str] = (
    st.text(st.characters(exclude_categories=()), max_size=20)
    | st.text(CHARACTERS, max_size=20)
    | st.tuples(st.sampled_from(CHARACTERS), LENGTHS).map(lambda drawn: drawn[0] * drawn[1])
)
BYTES: SearchStrategy[bytes] = st.binary(max_size=20) | st.tuples(st.sampled_from([b"\0", b"\xff"]), LENGTHS).map(
    lambda drawn: drawn[0] * drawn[1]
)
#: Messages, and which of them travel together.
BATCHES = st.lists(st.lists(TEXTS | BYTES, min_size=1, max_size=4), min_size=1, max_size=4)
ANY_BODY = st.binary() | st.text("0123456789:b4a€😀=").map(str.encode) | st.lists(
    st.sampled_from([b"\x00", b"\x01", b"\x02", b"\x09", b"\xff", b"4", b"b4", b"\xe2\x82\xac", b"\x04"])
).map(b"".join)  # fmt: skip


def outgoing_of(batch: list[list[str | bytes]]) -> list[Outgoing]:
    return [messages(tuple(group)) for group in batch]


def as_received(batch: Iterable[Iterable[str | bytes]]) -> list[str | bytes]:
    """The messages, one by one; the lone surrogates in them are lost."""
    return [encode_text(part).decode() if isinstance(part, str) else part for group in batch for part in group]


def read_messages(packets: Iterable[str | bytes]) -> list[str | bytes]:
    found: list[str | bytes] = []
    for packet in packets:
        if isinstance(packet, str) and packet.startswith(MESSAGE):
            found.append(packet[1:])
        else:
            found.append(REVISION_3.read_binary(packet))
    return found


def taken(payload: Payload, limit: int = 1_000_000) -> tuple[list[str | bytes], bool]:
    """The packets of a payload, and whether it ends as it should."""
    packets: list[str | bytes] = []
    try:
        packets.extend(REVISION_3.read_payload(payload, limit))
    except RemoteProtocolError:
        return packets, False
    return packets, True


@given(BATCHES, st.booleans())
def test_a_payload_is_read_as_it_was_written(batch: list[list[str | bytes]], binary: bool) -> None:
    outgoing = outgoing_of(batch)
    payload = REVISION_3.payload(outgoing, binary=binary)
    assert payload.binary == (binary and any(isinstance(part, bytes) for group in batch for part in group))
    assert read_messages(REVISION_3.read_payload(payload, 16)) == as_received(batch)
    # Built of the same forms when it is written again, in another company.
    again = REVISION_3.payload([*outgoing, messages((b"",))], binary=binary)
    assert read_messages(REVISION_3.read_payload(again, 17)) == [*as_received(batch), b""]


@given(BATCHES)
def test_a_payload_is_not_larger_than_its_packets_are_said_to_be(batch: list[list[str | bytes]]) -> None:
    outgoing = outgoing_of(batch)
    size = len(REVISION_3.payload(outgoing, binary=True).body)
    said = sum(map(REVISION_3.payload_size, outgoing))
    # For each it is the mark, the type and a digit too much, at most.
    assert said - 3 * sum(map(len, batch)) <= size <= said


@given(st.lists(TEXTS | BYTES, min_size=1, max_size=4), st.booleans())
def test_the_packets_of_a_websocket_are_read_as_they_were_written(group: list[str | bytes], binary: bool) -> None:
    outgoing = messages(tuple(group))
    framing = REVISION_3.framing(binary=binary)
    assert framing is not None
    framed = framing(outgoing)
    packets = [
        data.decode() if isinstance(packet, str) else data
        for packet, data in zip(framed.packets, framed.encoded, strict=True)
    ]
    assert binary or not any(isinstance(packet, bytes) for packet in packets)
    assert read_messages(packets) == as_received([group])


@given(BATCHES, st.booleans(), st.data())
def test_a_payload_that_is_cut_gives_what_is_whole_and_nothing_else(
    batch: list[list[str | bytes]], binary: bool, data: st.DataObject
) -> None:
    outgoing = outgoing_of(batch)
    body, is_binary = REVISION_3.payload(outgoing, binary=binary)
    packets, _ = taken(Payload(body, is_binary))
    singles = [single for each in outgoing for single in each.split()]
    ends = [0]
    for single in singles:
        part = REVISION_3.payload([single, messages((b"",))], binary=is_binary).body
        ends.append(ends[-1] + len(part) - len(b"\x01\x01\xff\x04" if is_binary else b"2:b4"))
    assert ends[-1] == len(body)
    cut = data.draw(st.integers(0, len(body) - 1))
    whole = sum(end <= cut for end in ends[1:])
    # Between two packets there is nothing that is missing.
    assert taken(Payload(body[:cut], is_binary)) == (packets[:whole], cut in ends[1:])


@given(ANY_BODY, st.booleans(), st.integers(1, 5))
def test_any_bytes_are_packets_or_refused(body: bytes, binary: bool, limit: int) -> None:
    payload = Payload(body, binary)
    packets, _ = taken(payload)
    assert taken(payload, limit)[0] == packets[:limit]
    for packet in packets:
        if isinstance(packet, bytes):
            assert binary
        else:
            # Text that has a form in UTF-8, such as the application is promised.
            assert packet.encode().decode() == packet
    assert body or not packets


@given(ANY_BODY, st.booleans())
def test_what_is_read_can_be_written_and_read(body: bytes, binary: bool) -> None:
    packets, _ = taken(Payload(body, binary))
    read = [Outgoing((packet if isinstance(packet, str) else packet[1:],)) for packet in packets if packet]
    again = [(packet if isinstance(packet, str) else b"\x04" + packet[1:]) for packet in packets if packet]
    assert list(REVISION_3.read_payload(REVISION_3.payload(read, binary=binary), 1_000)) == again if read else not again


def one_by_one(packets: Iterator[str | bytes], batches: Sequence[int]) -> tuple[list[str | bytes], bool]:
    """The packets, so many at a time, as a feed takes them."""
    found: list[str | bytes] = []
    try:
        for count in batches:
            found.extend(packet for _, packet in zip(range(count), packets, strict=False))
        found.extend(packets)
    except RemoteProtocolError:
        return found, False
    return found, True


def with_rest(drawn: tuple[list[list[str | bytes]], bool, bytes]) -> bytes:
    batch, binary, rest = drawn
    return REVISION_3.payload(outgoing_of(batch), binary=binary).body + rest


BODIES = ANY_BODY | st.tuples(BATCHES, st.booleans(), st.sampled_from([b"", b"x", b"1:"])).map(with_rest)


@given(BODIES, st.booleans(), st.lists(st.integers(0, 3), max_size=5), st.integers(1, 10))
def test_taken_a_few_at_a_time_they_are_the_same(body: bytes, binary: bool, batches: list[int], limit: int) -> None:
    payload = Payload(body, binary)
    assert one_by_one(REVISION_3.read_payload(payload, limit), batches) == taken(payload, limit)


@pytest.mark.parametrize(
    "payload",
    [
        Payload(b"1:2" * 333_333),
        Payload(b"0:" * 500_000),
        Payload(b"\x00\x01\xff2" * 250_000, binary=True),
        Payload(b"\x01\x00\xff" * 333_333, binary=True),
    ],
)
def test_a_megabyte_of_tiny_packets_is_read_to_its_end(payload: Payload) -> None:
    packets = REVISION_3.read_payload(payload, 500_000)
    first = next(packets)
    assert {first, *packets} == {first}
