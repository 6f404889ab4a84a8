"""The revisions as data: who pings, how packets look in a payload, and what stands in front of bytes."""

import pytest

from sansio_eio.engineio import Outgoing
from sansio_eio.engineio.packets import NOOP_PACKET, PING_PACKET
from sansio_eio.engineio.payloads import binary_part, in_base64, text_part, with_type
from sansio_eio.engineio.revision import REVISION_3, REVISION_4, Payload, Revision
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError


def test_who_pings() -> None:
    assert (REVISION_3.number, REVISION_3.client_beat, REVISION_3.server_beat) == (3, "2", "3")
    assert (REVISION_4.number, REVISION_4.client_beat, REVISION_4.server_beat) == (4, "3", "2")
    assert REVISION_3.client_pings
    assert not REVISION_4.client_pings


def test_what_only_one_of_them_has() -> None:
    assert (REVISION_3.tells_max_payload, REVISION_3.has_binary_payloads) == (False, True)
    assert (REVISION_4.tells_max_payload, REVISION_4.has_binary_payloads) == (True, False)


def test_the_separator_has_no_place_in_a_payload_of_revision_4() -> None:
    with pytest.raises(LocalProtocolError, match=r"U\+001E"):
        REVISION_4.check_polled("a\x1eb")
    REVISION_4.check_polled(b"a\x1eb")
    REVISION_4.check_polled("ab")
    REVISION_3.check_polled("a\x1eb")


TEXTS = [Outgoing(("4€",)), NOOP_PACKET]
MIXED = [Outgoing(("4€",)), Outgoing(("451-", b"\x01")), NOOP_PACKET]


@pytest.mark.parametrize(
    ("revision", "outgoing", "binary", "payload"),
    [
        (REVISION_4, TEXTS, False, Payload(b"4\xe2\x82\xac\x1e6", binary=False)),
        (REVISION_4, MIXED, False, Payload(b"4\xe2\x82\xac\x1e451-\x1ebAQ==\x1e6", binary=False)),
        (REVISION_4, MIXED, True, Payload(b"4\xe2\x82\xac\x1e451-\x1ebAQ==\x1e6", binary=False)),
        (REVISION_3, TEXTS, False, Payload(b"2:4\xe2\x82\xac1:6", binary=False)),
        # Texts alone are text, whatever the peer can take.
        (REVISION_3, TEXTS, True, Payload(b"2:4\xe2\x82\xac1:6", binary=False)),
        (REVISION_3, MIXED, False, Payload(b"2:4\xe2\x82\xac4:451-6:b4AQ==1:6", binary=False)),
        (
            REVISION_3,
            MIXED,
            True,
            Payload(b"\x00\x04\xff4\xe2\x82\xac\x00\x04\xff451-\x01\x02\xff\x04\x01\x00\x01\xff6", binary=True),
        ),
    ],
)
def test_a_payload(revision: Revision, outgoing: list[Outgoing], binary: bool, payload: Payload) -> None:
    assert revision.payload(outgoing, binary=binary) == payload


def test_what_a_payload_has_of_a_packet_is_built_once() -> None:
    outgoing = Outgoing(("451-", b"\x01"))
    text = outgoing.once(text_part)
    binary = outgoing.once(binary_part)
    for _ in range(2):
        assert REVISION_3.payload([outgoing, PING_PACKET], binary=False).body == text + b"1:2"
        assert REVISION_3.payload([outgoing, PING_PACKET], binary=True).body == binary + b"\x00\x01\xff2"
    assert outgoing.once(text_part) is text
    assert outgoing.once(binary_part) is binary


def test_what_packets_add_to_a_payload() -> None:
    outgoing = Outgoing(("4€", b"\x01"))
    assert REVISION_4.payload_size(outgoing) == len(b"4\xe2\x82\xac\x1ebAQ==\x1e")
    assert REVISION_3.payload_size(outgoing) == len(REVISION_3.payload([outgoing], binary=True).body) + 1
    text = Outgoing(("4€",))
    assert REVISION_3.payload_size(text) == len(REVISION_3.payload([text], binary=True).body) + 2
    # The type counts for the length of bytes.
    for size in (8, 9, 98, 99, 998, 999):
        data = Outgoing((bytes(size),))
        assert REVISION_3.payload_size(data) == len(REVISION_3.payload([data], binary=True).body)


@pytest.mark.parametrize(
    ("revision", "payload", "packets"),
    [
        (REVISION_4, Payload(b"4a\x1ebAQ==\x1e2"), ["4a", "bAQ==", "2"]),
        (REVISION_3, Payload(b"2:4a6:b4AQ==1:2"), ["4a", "b4AQ==", "2"]),
        (
            REVISION_3,
            Payload(b"\x00\x02\xff4a\x01\x02\xff\x04\x01\x00\x01\xff2", binary=True),
            ["4a", b"\x04\x01", "2"],
        ),
    ],
)
def test_a_payload_is_read(revision: Revision, payload: Payload, packets: list[str | bytes]) -> None:
    assert list(revision.read_payload(payload, 3)) == packets
    with pytest.raises(RemoteProtocolError, match="more than 2 packets in one payload"):
        list(revision.read_payload(payload, 2))


@pytest.mark.parametrize("payload", [Payload(b"1:21:3x"), Payload(b"\x00\x01\xff2\x00\x01\xff3x", binary=True)])
def test_revision_3_gives_out_what_comes_before_the_end(payload: Payload) -> None:
    packets = REVISION_3.read_payload(payload, 2)
    assert [next(packets), next(packets)] == ["2", "3"]
    with pytest.raises(RemoteProtocolError, match="without its length"):
        next(packets)
    packets = REVISION_3.read_payload(payload, 1)
    assert next(packets) == "2"
    with pytest.raises(RemoteProtocolError, match="more than 1 packets"):
        next(packets)


def test_the_packets_of_a_websocket() -> None:
    assert REVISION_4.framing(binary=True) is None
    assert REVISION_4.framing(binary=False) is None
    assert REVISION_3.framing(binary=True) is with_type
    assert REVISION_3.framing(binary=False) is in_base64


@pytest.mark.parametrize(
    ("revision", "packet", "data"),
    [
        (REVISION_4, b"\x04\x01", b"\x04\x01"),
        (REVISION_4, b"", b""),
        (REVISION_4, "bAQ==", b"\x01"),
        (REVISION_4, "b", b""),
        (REVISION_3, b"\x04\x01", b"\x01"),
        (REVISION_3, b"\x04", b""),
        (REVISION_3, "b4AQ==", b"\x01"),
        (REVISION_3, "b4AQ", b"\x01"),
        (REVISION_3, "b4", b""),
    ],
)
def test_a_binary_message_is_read(revision: Revision, packet: str | bytes, data: bytes) -> None:
    assert revision.read_binary(packet) == data


@pytest.mark.parametrize("packet", [b"", b"4\x01", b"\x02", b"\x05\x01", "b", "bAQ==", "b2", "b3probe"])
def test_only_messages_can_be_bytes(packet: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="bytes that are no message"):
        REVISION_3.read_binary(packet)


@pytest.mark.parametrize(("revision", "packet"), [(REVISION_4, "bA"), (REVISION_3, "b4A"), (REVISION_3, "b4é")])
def test_a_message_that_is_not_base64_is_refused(revision: Revision, packet: str) -> None:
    with pytest.raises(RemoteProtocolError, match="invalid base64"):
        revision.read_binary(packet)
