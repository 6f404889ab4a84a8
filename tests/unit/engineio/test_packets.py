"""The packets of the protocol, messages, and base64."""

import pytest

from sansio_eio.engineio.packets import (
    CLOSE_PACKET,
    NOOP_PACKET,
    PING_PACKET,
    PROBE_ANSWER_PACKET,
    decode_base64,
    messages,
)
from sansio_eio.errors import RemoteProtocolError


def test_the_packets_of_the_protocol() -> None:
    assert [packet.packets for packet in (CLOSE_PACKET, PING_PACKET, NOOP_PACKET, PROBE_ANSWER_PACKET)] == [
        ("1",),
        ("2",),
        ("6",),
        ("3probe",),
    ]
    assert not any(packet.compress for packet in (CLOSE_PACKET, PING_PACKET, NOOP_PACKET, PROBE_ANSWER_PACKET))


def test_messages_get_their_type_digit_and_bytes_have_none() -> None:
    outgoing = messages(("a", b"\x01", ""), compress=False, volatile=True)
    assert outgoing.packets == ("4a", b"\x01", "4")
    assert outgoing.compress is False
    assert outgoing.volatile is True


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("AQIDBA==", b"\x01\x02\x03\x04"),
        ("AQIDBA", b"\x01\x02\x03\x04"),
        ("AQIDBA=", b"\x01\x02\x03\x04"),
        ("+/+/", b"\xfb\xff\xbf"),
        # What Node takes as well: the URL-safe alphabet, line ends and blanks.
        ("-_-_", b"\xfb\xff\xbf"),
        ("AQID\r\nBA==\n", b"\x01\x02\x03\x04"),
        ("AQ ID BA", b"\x01\x02\x03\x04"),
    ],
)
def test_base64(text: str, data: bytes) -> None:
    assert decode_base64(text) == data


@pytest.mark.parametrize("text", ["A", "AQIDB", "é===", "AQ\ud800"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="invalid base64"):
        decode_base64(text)
