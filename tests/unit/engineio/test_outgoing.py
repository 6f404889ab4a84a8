"""One packet and its wire forms."""

import pytest

from sansio_eio.engineio import Outgoing
from sansio_eio.engineio.outgoing import encode_text


@pytest.mark.parametrize(
    ("packet", "header"),
    [
        ("4", b"\x81\x01"),
        (b"", b"\x82\x00"),
        (b"x" * 125, b"\x82\x7d"),
        (b"x" * 126, b"\x82\x7e\x00\x7e"),
        (b"x" * 65_535, b"\x82\x7e\xff\xff"),
        (b"x" * 65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ("x" * 126, b"\x81\x7e\x00\x7e"),
    ],
)
def test_a_frame_is_complete_and_unmasked(packet: str | bytes, header: bytes) -> None:
    data = packet.encode() if isinstance(packet, str) else packet
    assert Outgoing((packet,)).frame == header + data


def test_packets_that_travel_together_are_frames_in_a_row() -> None:
    assert Outgoing(("451-", b"\x01", b"")).frame == b"\x81\x04451-\x82\x01\x01\x82\x00"


def test_a_payload_has_base64_behind_a_b_and_separators() -> None:
    assert Outgoing(("451-", b"\x01\x02\x03\x04", b"")).payload == b"451-\x1ebAQIDBA==\x1eb"
    assert Outgoing(("4€",)).payload == b"4\xe2\x82\xac"


def test_each_form_is_built_once() -> None:
    outgoing = Outgoing(("4a", b"b"))
    assert outgoing.frame is outgoing.frame
    assert outgoing.payload is outgoing.payload


def test_any_other_form_is_made_once_and_kept() -> None:
    made: list[tuple[str, Outgoing]] = []

    def first(of: Outgoing) -> bytes:
        made.append(("first", of))
        return b"1"

    def second(of: Outgoing) -> None:
        made.append(("second", of))

    outgoing, other = Outgoing(("4a",)), Outgoing(("4a",))
    for _ in range(2):
        assert outgoing.once(first) == b"1"
        assert outgoing.once(second) is None
    assert other.once(first) == b"1"
    assert made == [("first", outgoing), ("second", outgoing), ("first", other)]


def test_a_form_that_could_not_be_made_is_tried_again() -> None:
    outcomes = iter([ValueError("not yet"), None])

    def make(_: Outgoing) -> str:
        error = next(outcomes)
        if error is not None:
            raise error
        return "made"

    outgoing = Outgoing(("4a",))
    with pytest.raises(ValueError, match="not yet"):
        outgoing.once(make)
    assert outgoing.once(make) == "made"


def test_the_size_counts_bytes_and_a_little_for_each_packet() -> None:
    assert Outgoing(("4€", b"12345")).size == 4 + 5 + 2 * 4


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("😀", b"\xf0\x9f\x98\x80"),
        ("\ud83d\ude00", b"\xf0\x9f\x98\x80"),
        ("a\ud800b", b"a\xef\xbf\xbdb"),
        ("\udc00\ud800", b"\xef\xbf\xbd\xef\xbf\xbd"),
        ("\ud800", b"\xef\xbf\xbd"),
    ],
)
def test_a_lone_surrogate_is_replaced_as_in_the_reference(text: str, data: bytes) -> None:
    assert encode_text(text) == data
