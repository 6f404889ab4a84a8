"""What revision 3 of Engine.IO, and revision 4, make of several packets in one body."""

from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from sansio_eio.engineio import Outgoing
from sansio_eio.engineio.packets import NOOP_PACKET
from sansio_eio.engineio.payloads import (
    binary_part,
    decode_payload,
    encode_payload,
    has_bytes,
    in_base64,
    read_binary_payload,
    read_text_payload,
    text_part,
    with_type,
)
from sansio_eio.errors import RemoteProtocolError

Read = Callable[[bytes], Iterator[str | bytes]]


def taken(read: Read, body: bytes) -> tuple[list[str | bytes], str]:
    """The packets of a payload, and what is wrong behind them."""
    packets: list[str | bytes] = []
    try:
        packets.extend(read(body))
    except RemoteProtocolError as error:
        return packets, str(error)
    return packets, ""


# Revision 4


@pytest.mark.parametrize(
    ("body", "packets"),
    [
        (b"4hello", ["4hello"]),
        (b"4a\x1e4b\x1e2", ["4a", "4b", "2"]),
        (b"", [""]),
        (b"4a\x1e", ["4a", ""]),
        ("4€\x1e4😀".encode(), ["4€", "4😀"]),
        (b"4\xff\xfe", ["4\ufffd\ufffd"]),
        (b"4\xed\xa0\x80", ["4\ufffd\ufffd\ufffd"]),
    ],
)
def test_a_payload_is_split_at_the_separator(body: bytes, packets: list[str]) -> None:
    assert decode_payload(body, 10) == packets


def test_a_payload_of_more_packets_than_allowed_is_refused_whole() -> None:
    assert len(decode_payload(b"4\x1e" * 9 + b"4", 10)) == 10
    with pytest.raises(RemoteProtocolError, match="more than 10 packets"):
        decode_payload(b"4\x1e" * 10 + b"4", 10)


def test_packets_are_joined_by_the_separator() -> None:
    assert encode_payload([Outgoing(("4€",)), Outgoing(("451-", b"\x01")), NOOP_PACKET]) == (
        b"4\xe2\x82\xac\x1e451-\x1ebAQ==\x1e6"
    )


# Revision 3: text

TEXTS = [
    pytest.param("6", b"1:6", id="a type alone"),
    pytest.param("4hello", b"6:4hello", id="ASCII"),
    pytest.param("4€", b"2:4\xe2\x82\xac", id="a character of three bytes is one unit"),
    pytest.param("4😀", b"3:4\xf0\x9f\x98\x80", id="an astral character is two"),
    pytest.param(
        "4👨\u200d👩", b"6:4\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", id="and what looks like one is five"
    ),
    pytest.param("4a\x1eb", b"4:4a\x1eb", id="a separator of revision 4"),
    pytest.param("43:4ab", b"6:43:4ab", id="what looks like a packet"),
    pytest.param("4\ufeff", b"2:4\xef\xbb\xbf", id="a byte order mark"),
    pytest.param("4\0", b"2:4\0", id="a zero"),
    pytest.param("4" + "a" * 8, b"9:4" + b"a" * 8, id="a length of one digit"),
    pytest.param("4" + "a" * 9, b"10:4" + b"a" * 9, id="of two"),
    pytest.param("4" + "€" * 98, b"99:4" + "€".encode() * 98, id="still of two"),
    pytest.param("4" + "€" * 99, b"100:4" + "€".encode() * 99, id="of three"),
]


@pytest.mark.parametrize(("packet", "body"), TEXTS)
def test_a_text_has_its_length_in_utf_16_units_in_front(packet: str, body: bytes) -> None:
    assert text_part(Outgoing((packet,))) == body
    assert taken(read_text_payload, body) == ([packet], "")


@pytest.mark.parametrize(
    ("data", "body"),
    [
        # The length counts the "b" and the type, too.
        (b"\x01\x02\x03\x04", b"10:b4AQIDBA=="),
        (b"", b"2:b4"),
        (b"\xfb\xff\xbf", b"6:b4+/+/"),
        (bytes(72), b"98:b4" + b"A" * 96),
        (bytes(75), b"102:b4" + b"A" * 100),
    ],
)
def test_bytes_are_base64_behind_a_b_and_the_type(data: bytes, body: bytes) -> None:
    assert text_part(Outgoing((data,))) == body
    assert taken(read_text_payload, body) == (["b4" + b64encode(data).decode()], "")


def test_a_lone_surrogate_is_replaced_and_is_one_unit() -> None:
    assert text_part(Outgoing(("4a\ud800b",))) == b"4:4a\xef\xbf\xbdb"
    assert text_part(Outgoing(("4\udc00\ud800",))) == b"3:4\xef\xbf\xbd\xef\xbf\xbd"


def test_texts_stand_side_by_side() -> None:
    outgoing = Outgoing(("451-€", b"\x01", b"", "4😀"))
    assert text_part(outgoing) == "5:451-€6:b4AQ==2:b43:4😀".encode()
    assert taken(read_text_payload, text_part(outgoing)) == (["451-€", "b4AQ==", "b4", "4😀"], "")


@pytest.mark.parametrize(
    ("body", "packets"),
    [
        pytest.param(b"0:", ["6"], id="nothing, which does nothing"),
        pytest.param(b"1:20:2:4a", ["2", "6", "4a"], id="nothing between others"),
        pytest.param(b"000000001:2", ["2"], id="zeros in front of the length"),
        pytest.param(b"2:4\xff", ["4\ufffd"], id="a byte that is not UTF-8"),
        pytest.param(b"4:4\xed\xa0\x80", ["4\ufffd\ufffd\ufffd"], id="three bytes that are not"),
        pytest.param("3:4é😀"[:-1].encode() + b"1:2", ["4é1"], id="a length that goes on into what comes next"),
    ],
)
def test_what_is_read_as_well(body: bytes, packets: list[str]) -> None:
    found, _ = taken(read_text_payload, body)
    assert found == packets


NO_LENGTH = "a packet in a payload without its length"
TOO_SHORT = "a packet in a payload is shorter than its length"


@pytest.mark.parametrize("before", [[], ["2"], ["4€", "4😀"]])
@pytest.mark.parametrize(
    ("malformed", "problem"),
    [
        pytest.param(b"4hello", NO_LENGTH, id="a packet of revision 4"),
        pytest.param(b":4", NO_LENGTH, id="no digits"),
        pytest.param(b"1", NO_LENGTH, id="nothing behind the length"),
        pytest.param(b"12", NO_LENGTH, id="nothing behind a length of two digits"),
        pytest.param(b"x:4", NO_LENGTH, id="a letter for a length"),
        pytest.param(b"-1:4", NO_LENGTH, id="a negative length"),
        pytest.param(b"+1:4", NO_LENGTH, id="a plus"),
        pytest.param(b" 1:4", NO_LENGTH, id="a blank"),
        pytest.param(b"1 :4", NO_LENGTH, id="a blank behind it"),
        pytest.param(b"1.0:4", NO_LENGTH, id="a float"),
        pytest.param(b"1e0:4", NO_LENGTH, id="an exponent"),
        pytest.param(b"0x1:4", NO_LENGTH, id="hexadecimal"),
        pytest.param("²:4a".encode(), NO_LENGTH, id="a digit of another kind"),
        pytest.param("\u0661:4".encode(), NO_LENGTH, id="an Arabic digit"),
        pytest.param("\u0131:4".encode(), NO_LENGTH, id="a character with the byte of a digit in UTF-16"),
        pytest.param(b"\x00\x01\xff4", NO_LENGTH, id="a binary payload"),
        pytest.param(b"0000000001:4", NO_LENGTH, id="ten digits"),
        pytest.param(b"9" * 1_000, NO_LENGTH, id="digits and nothing else"),
        pytest.param(b"\xe2\x82", NO_LENGTH, id="half a character"),
        pytest.param(b"\xff", NO_LENGTH, id="a byte that is not UTF-8"),
        pytest.param(b"2:4", TOO_SHORT, id="too short"),
        pytest.param(b"1:", TOO_SHORT, id="nothing"),
        pytest.param(b"999999999:4", TOO_SHORT, id="much too short"),
        pytest.param("3:4€".encode(), TOO_SHORT, id="a length in bytes less one"),
        pytest.param(b"2:4\xe2\x82", TOO_SHORT, id="cut within a character"),
        pytest.param("4:4€".encode(), TOO_SHORT, id="a length in bytes"),
        pytest.param("2:4😀".encode(), "the length of a packet ends within a character", id="a length in characters"),
    ],
)
def test_what_comes_before_a_malformed_text_is_given_out(before: list[str], malformed: bytes, problem: str) -> None:
    body = text_part(Outgoing(tuple(before)))
    assert taken(read_text_payload, body + malformed) == (before, problem)


def test_half_a_character_behind_the_last_packet_is_malformed() -> None:
    assert taken(read_text_payload, b"1:2\xf0\x9f") == (["2"], NO_LENGTH)


# Revision 3: binary


@pytest.mark.parametrize(
    ("packet", "body"),
    [
        pytest.param("6", b"\x00\x01\xff6", id="a type alone"),
        pytest.param("4hello", b"\x00\x06\xff4hello", id="ASCII"),
        pytest.param("4€", b"\x00\x04\xff4\xe2\x82\xac", id="the length is in bytes"),
        pytest.param("4😀", b"\x00\x05\xff4\xf0\x9f\x98\x80", id="for an astral character, too"),
        pytest.param(b"\x01\x02", b"\x01\x03\xff\x04\x01\x02", id="bytes have a type in front, as a byte"),
        pytest.param(b"", b"\x01\x01\xff\x04", id="also when there are none"),
        pytest.param(b"\xff" * 8, b"\x01\x09\xff\x04" + b"\xff" * 8, id="a length of one digit"),
        pytest.param(b"\xff" * 9, b"\x01\x01\x00\xff\x04" + b"\xff" * 9, id="of two"),
        pytest.param("4" + "a" * 98, b"\x00\x09\x09\xff4" + b"a" * 98, id="still of two"),
        pytest.param("4" + "a" * 99, b"\x00\x01\x00\x00\xff4" + b"a" * 99, id="of three"),
    ],
)
def test_each_packet_has_its_kind_and_its_length_in_bytes_in_front(packet: str | bytes, body: bytes) -> None:
    assert binary_part(Outgoing((packet,))) == body
    assert taken(read_binary_payload, body) == ([packet if isinstance(packet, str) else b"\x04" + packet], "")


def test_texts_and_bytes_stand_side_by_side() -> None:
    outgoing = Outgoing(("451-€", b"\x01", b"", "4😀"))
    body = b"\x00\x07\xff451-\xe2\x82\xac\x01\x02\xff\x04\x01\x01\x01\xff\x04\x00\x05\xff4\xf0\x9f\x98\x80"
    assert binary_part(outgoing) == body
    assert taken(read_binary_payload, body) == (["451-€", b"\x04\x01", b"\x04", "4😀"], "")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"4\xed\xa0\x80", "4\ufffd", id="a lone surrogate that was written down"),
        pytest.param(b"4\xed\xa0\xbd\xed\xb8\x80", "4\ufffd\ufffd", id="both halves of a pair, each alone"),
        pytest.param(b"4\xc3\xa2\xc2\x82\xc2\xac", "4â\x82¬", id="encoded twice, as peers of 2016 do, is decoded once"),
        pytest.param(b"4\xef\xbb\xbf", "4\ufeff", id="a byte order mark"),
        pytest.param(b"b4AQ==", "b4AQ==", id="base64"),
        pytest.param(b"", "", id="nothing, which is no packet"),
    ],
)
def test_a_text_in_a_binary_payload(data: bytes, text: str) -> None:
    assert taken(read_binary_payload, b"\x00%c\xff%b" % (len(data), data)) == ([text], "")


def test_the_surrogates_of_a_text_are_replaced_in_a_binary_payload() -> None:
    assert binary_part(Outgoing(("4a\ud800b", b""))) == b"\x00\x06\xff4a\xef\xbf\xbdb\x01\x01\xff\x04"


NOT_UTF_8 = "a text in a binary payload is not UTF-8"


@pytest.mark.parametrize("before", [[], ["2"], ["4€", b"\x00\xff", "4😀"]])
@pytest.mark.parametrize(
    ("malformed", "problem"),
    [
        pytest.param(b"1:2", NO_LENGTH, id="a text payload"),
        pytest.param(b"\x00", NO_LENGTH, id="a kind alone"),
        pytest.param(b"\x00\xff2", NO_LENGTH, id="no digits"),
        pytest.param(b"\x00\x01", NO_LENGTH, id="no end of the length"),
        pytest.param(b"\x01\x09\x09", NO_LENGTH, id="nor of a length of two digits"),
        pytest.param(b"\x02\x01\xff2", NO_LENGTH, id="an unknown kind"),
        pytest.param(b"\xff\x01\xff2", NO_LENGTH, id="another one"),
        pytest.param(b"\x00\x0a\xff4", NO_LENGTH, id="a digit above nine"),
        pytest.param(b"\x001\xff2", NO_LENGTH, id="a digit in ASCII"),
        pytest.param(b"\x00" + bytes(9) + b"\x01\xff2", NO_LENGTH, id="ten digits"),
        pytest.param(b"\x01" + b"\x09" * 1_000, NO_LENGTH, id="digits and nothing else"),
        pytest.param(b"\x00\x02\xff2", TOO_SHORT, id="too short"),
        pytest.param(b"\x01\x01\xff", TOO_SHORT, id="nothing"),
        pytest.param(b"\x01" + b"\x09" * 9 + b"\xff\x04", TOO_SHORT, id="much too short"),
        pytest.param(b"\x00\x02\xff4\xff", NOT_UTF_8, id="a byte that is no UTF-8"),
        pytest.param(b"\x00\x02\xff4\xe2\x82\xac", NOT_UTF_8, id="a length in characters"),
        pytest.param(b"\x00\x03\xff4\xc0\x80", NOT_UTF_8, id="a zero in two bytes"),
        pytest.param(b"\x00\x05\xff4\xf4\x90\x80\x80", NOT_UTF_8, id="behind the last character"),
    ],
)
def test_what_comes_before_a_malformed_packet_is_given_out(
    before: list[str | bytes], malformed: bytes, problem: str
) -> None:
    body = binary_part(Outgoing(tuple(before)))
    found, error = taken(read_binary_payload, body + malformed)
    assert found == [packet if isinstance(packet, str) else b"\x04" + packet for packet in before]
    assert error == problem


# Revision 3: both


@pytest.mark.parametrize("read", [read_text_payload, read_binary_payload])
def test_nothing_is_no_payload(read: Read) -> None:
    assert taken(read, b"") == ([], "an empty payload")


@pytest.mark.parametrize(
    ("read", "body"), [(read_text_payload, b"1:2" * 300_000), (read_binary_payload, b"\x00\x01\xff2" * 250_000)]
)
def test_a_megabyte_of_packets_is_taken_apart_one_at_a_time(read: Read, body: bytes) -> None:
    packets = read(body + b"garbage")
    for _ in range(10):
        assert next(packets) == "2"
    assert len(list(zip(range(1_000), packets, strict=False))) == 1_000


def test_bytes_have_a_type_in_front_on_a_websocket() -> None:
    outgoing = Outgoing(("451-", b"\x01\x02", b""), compress=False, volatile=True)
    typed = with_type(outgoing)
    assert typed.packets == ("451-", b"\x04\x01\x02", b"\x04")
    assert typed.frame == b"\x81\x04451-\x82\x03\x04\x01\x02\x82\x01\x04"
    assert (typed.compress, typed.volatile) == (False, True)
    assert with_type(Outgoing((b"",))).compress
    assert not with_type(Outgoing((b"",))).volatile


def test_bytes_are_base64_for_who_cannot_take_them() -> None:
    outgoing = Outgoing(("451-", b"\x01\x02", b""), compress=False, volatile=True)
    plain = in_base64(outgoing)
    assert plain.packets == ("451-", "b4AQI=", "b4")
    assert plain.frame == b"\x81\x04451-\x81\x06b4AQI=\x81\x02b4"
    assert (plain.compress, plain.volatile) == (False, True)
    assert in_base64(Outgoing((b"",))).compress
    assert not in_base64(Outgoing((b"",))).volatile


def test_texts_alone_are_as_they_are() -> None:
    outgoing = Outgoing(("4a", "4\ud800"))
    assert not has_bytes(outgoing)
    assert with_type(outgoing) is outgoing
    assert in_base64(outgoing) is outgoing


def test_whoever_wants_a_form_gets_the_same_one() -> None:
    outgoing = Outgoing(("451-", b"\x01"))
    assert has_bytes(outgoing)
    assert with_type(outgoing) is with_type(outgoing)
    assert in_base64(outgoing) is in_base64(outgoing)
    # That of the payload is the one of the WebSocket.
    base64 = in_base64(outgoing)
    assert text_part(outgoing) == b"4:451-6:b4AQ=="
    assert in_base64(outgoing) is base64
