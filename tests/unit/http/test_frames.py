"""Frames to messages, beside the property that compares with wsproto."""

import zlib

import pytest
from wsproto.connection import Connection

from sansio_eio.engineio import Outgoing
from sansio_eio.http.deflate import Deflate
from sansio_eio.http.frame_guard import FrameGuard
from sansio_eio.http.frames import FrameConnection
from tests.unit.http.support import close, frame, receive_all, split, text

LIMIT = 70_000


def pieces_of(data: bytes) -> list[bytes]:
    """One byte after the other, and then larger ones, or it takes its time."""
    return [*split(data[:2000]), *(data[i : i + 997] for i in range(2000, len(data), 997))]


def both_ways(data: bytes, *, max_message_size: int = LIMIT, deflate: Deflate | None = None) -> FrameConnection:
    """The connection after these bytes; that they make the same in small pieces has been checked."""
    whole, pieces = (FrameConnection(max_message_size=max_message_size, deflate=deflate) for _ in range(2))
    messages = receive_all(whole, data)
    assert [message for piece in pieces_of(data) for message in receive_all(pieces, piece)] == messages
    assert (pieces.closed, pieces.failed, pieces.close_code) == (whole.closed, whole.failed, whole.close_code)
    assert whole.receive_data(text("ignored")) == ([] if whole.closed else ["ignored"])
    return whole


def received(data: bytes, *, max_message_size: int = LIMIT, deflate: Deflate | None = None) -> list[str | bytes]:
    """The messages in these bytes."""
    both_ways(data, max_message_size=max_message_size, deflate=deflate)
    return receive_all(FrameConnection(max_message_size=max_message_size, deflate=deflate), data)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 126, 127, 1000, 65535, 65536, 70_000])
def test_every_form_of_length(size: int) -> None:
    data = bytes(i & 0xFF for i in range(size))
    assert received(frame(2, data) + text("next")) == [data, "next"]


def test_fragments_with_a_ping_between() -> None:
    data = text("a", fin=False) + frame(9, b"p") + frame(0, "€".encode()[:1], fin=False) + frame(0, "€".encode()[1:])
    assert received(data + text("b")) == ["a€", "b"]
    assert both_ways(data).take_control() == b"\x8a\x01p"


def test_binary_fragments() -> None:
    assert received(frame(2, b"a", fin=False) + frame(0, b"", fin=False) + frame(0, b"b")) == [b"ab"]


CLOSED = {
    "normal": (close(1000, "bye"), 1000, False),
    "without a code": (close(), None, False),
    "of an application": (close(4000), 4000, False),
    "code of one byte": (frame(8, b"\x03"), 1002, True),
    "code not to be sent": (close(1005), 1002, True),
    "code 999": (close(999), 1002, True),
    "reason not utf-8": (frame(8, b"\x03\xe8\xff"), 1007, True),
    "not masked": (frame(1, b"a", mask=None), 1002, True),
    "reserved bit": (frame(1, b"a", rsv=0x40), 1002, True),
    "unknown opcode": (frame(3), 1002, True),
    "unknown control opcode": (frame(11), 1002, True),
    "long ping": (frame(9, b"x" * 126), 1002, True),
    "fragmented ping": (frame(9, fin=False), 1002, True),
    "lost continuation": (frame(0, b"a"), 1002, True),
    "text in a message": (text("a", fin=False) + text("b"), 1002, True),
    "not utf-8": (frame(1, b"\xff"), 1007, True),
    "a surrogate": (frame(1, b"\xed\xa0\x80"), 1007, True),
    "utf-8 cut off": (frame(1, b"\xe2\x82"), 1007, True),
    "length too long for its size, 2": (b"\x81\xfe\x00\x7d" + bytes(4 + 125), 1002, True),
    "length too long for its size, 8": (b"\x81\xff" + (65535).to_bytes(8, "big") + bytes(4), 1002, True),
    "negative length": (b"\x81\xff" + b"\xff" * 8 + bytes(4), 1002, True),
    "huge length": (b"\x81\xff" + b"\x7f" + b"\xff" * 7, 1009, True),
    "over the limit": (frame(2, b"x" * (LIMIT + 1))[:14], 1009, True),
    "over the limit, in fragments": (
        frame(2, b"x" * LIMIT, fin=False) + frame(0, b"", fin=False) + frame(0, b"y"),
        1009,
        True,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closes(name: str) -> None:
    data, code, failed = CLOSED[name]
    connection = both_ways(data)
    assert (connection.closed, connection.close_code, connection.failed) == (True, code, failed)
    assert (connection.error is not None) == failed
    assert connection.take_control()[2:4] == (b"" if code is None else code.to_bytes(2, "big"))
    assert not connection.has_control


def test_the_limit_of_a_small_message() -> None:
    assert received(text("12345"), max_message_size=5) == ["12345"]
    assert both_ways(text("123456"), max_message_size=5).close_code == 1009
    assert both_ways(text("€€"), max_message_size=5).close_code == 1009


def test_nothing_is_kept_of_a_frame_that_was_announced_too_large() -> None:
    connection = FrameConnection(max_message_size=10)
    assert connection.receive_data(frame(2, b"x" * 60_000)) == []
    assert connection.close_code == 1009
    assert connection.close_reason == "the message is too large"


@pytest.mark.parametrize("fin", [True, False])
def test_thousands_of_messages_come_in_portions(fin: bool) -> None:
    message = text("a", fin=fin) + (b"" if fin else frame(0, b"b"))
    connection = FrameConnection(max_message_size=LIMIT)
    portions = [connection.receive_data(message * 150 + text("end")[:3])]
    assert connection.has_rest
    portions.append(connection.receive_data(text("end")[3:] + text("more")))
    while connection.has_rest:
        portions.append(connection.receive_data(b""))
    assert [len(portion) for portion in portions] == [64, 64, 24]
    assert portions[2][-3:] == ["a" if fin else "ab", "end", "more"]


def test_a_read_that_inflates_a_thousandfold_comes_in_portions() -> None:
    connection = FrameConnection(max_message_size=LIMIT, deflate=Deflate(None))
    connection.receive_data(frame(2, deflated(bytes(LIMIT)), rsv=0x40) * 30)
    portions = 1
    while connection.has_rest:
        # A large message can take long: each is alone.
        assert len(connection.receive_data(b"")) == 1
        portions += 1
    assert portions == 30


def test_nothing_is_left_behind_a_close() -> None:
    connection = FrameConnection(max_message_size=LIMIT)
    connection.receive_data(close() + text("a") * 100)
    assert not connection.has_rest


def test_close_is_sent_once() -> None:
    connection = FrameConnection(max_message_size=10)
    connection.close(1000, "€" * 100)
    control = connection.take_control()
    assert control == b"\x88\x7d\x03\xe8" + "€".encode() * 41
    connection.close(1001)
    connection.receive_data(close(1001))
    assert connection.closed
    assert connection.take_control() == b""


def test_a_surrogate_in_our_reason() -> None:
    connection = FrameConnection(max_message_size=10)
    connection.close(1000, "a\ud800")
    assert connection.take_control() == b"\x88\x04\x03\xe8a?"


def test_a_flood_of_fragments() -> None:
    flood = text("", fin=False) + frame(0, b"", fin=False) * 100_000
    connection = both_ways(flood[:20_000])
    assert (connection.close_code, connection.close_reason) == (1008, "too many fragments")
    # In one message,
    slow = FrameConnection(max_message_size=10, max_fragments=5)
    slow.receive_data(text("", fin=False))
    for _ in range(4):
        slow.receive_data(frame(0, b"", fin=False))
    assert not slow.closed
    slow.receive_data(frame(0, b"", fin=False))
    assert slow.close_code == 1008
    # and in one read.
    message = text("a", fin=False) + frame(0, b"b")
    fast = FrameConnection(max_message_size=10, max_fragments=5)
    assert fast.receive_data(message * 5) == ["ab"] * 5
    assert fast.receive_data(message * 6) == ["ab"] * 5
    assert fast.close_code == 1008


def test_a_flood_of_control_frames() -> None:
    connection = FrameConnection(max_message_size=10)
    connection.receive_data(frame(9) * 50 + frame(10) * 50)
    assert connection.take_control() == b"\x8a\x00"
    connection.receive_data(frame(10) * 101)
    assert (connection.close_code, connection.close_reason) == (1008, "too many control frames")
    assert connection.take_control()[2:4] == (1008).to_bytes(2, "big")


def test_an_exception_of_wsproto_stops_here(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def receive_data(self: Connection, data: bytes | None) -> None:
        raise UnicodeError("a bug")

    connection = FrameConnection(max_message_size=10)
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "receive_data", receive_data)
        assert connection.receive_data(text("a") + frame(9)) == ["a"]
    assert connection.close_code == 1002
    assert len(caplog.records) == 1


def test_a_frame_that_drips_in_is_kept_compactly() -> None:
    connection = FrameConnection(max_message_size=LIMIT)
    messages: list[str | bytes] = []
    for byte in split(text("€" * 3000)):
        messages += connection.receive_data(byte)
    assert messages == ["€" * 3000]


def deflated(data: bytes, *, final: bool = False) -> bytes:
    """As a client compresses it; with `final`, in a block that says that it is the last (RFC 7692, section 7.2.3.5)."""
    compressor = zlib.compressobj(wbits=-15)
    if final:
        return compressor.compress(data) + compressor.flush(zlib.Z_FINISH) + b"\x00"
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_compressed_messages() -> None:
    data = deflated(b"hello " * 100)
    stream = (
        frame(1, data, rsv=0x40)
        + text("plain")
        + frame(2, data[:5], rsv=0x40, fin=False)
        + frame(9)
        + frame(0, data[5:])
        + frame(1, deflated(b"bye", final=True), rsv=0x40)
        + frame(1, data, rsv=0x40)
    )
    expected = ["hello " * 100, "plain", b"hello " * 100, "bye", "hello " * 100]
    assert received(stream, deflate=Deflate(None)) == expected


BAD_DEFLATE = {
    "bomb": (frame(2, deflated(bytes(10_000_000)), rsv=0x40), 1009),
    "bomb in fragments": (
        frame(2, deflated(bytes(1_000_000))[:100], rsv=0x40, fin=False) + frame(0, deflated(bytes(1_000_000))[100:]),
        1009,
    ),
    "announced larger than it can be": (b"\xc2\xff" + (LIMIT + LIMIT // 8 + 65).to_bytes(8, "big"), 1009),
    "not deflate": (frame(2, b"\xff\xff\xff", rsv=0x40), 1007),
    "a continuation that says it is compressed": (
        frame(1, b"a", fin=False) + frame(0, b"b", rsv=0x40),
        1002,
    ),
    "a compressed ping": (frame(9, b"a", rsv=0x40), 1002),
    "not utf-8": (frame(1, deflated(b"\xff"), rsv=0x40), 1007),
}


@pytest.mark.parametrize("name", BAD_DEFLATE)
def test_bad_compressed_messages(name: str) -> None:
    data, code = BAD_DEFLATE[name]
    assert both_ways(data, deflate=Deflate(None)).close_code == code


def test_the_limit_of_a_compressed_message_is_that_of_what_it_inflates_to() -> None:
    assert received(frame(2, deflated(bytes(LIMIT)), rsv=0x40), deflate=Deflate(None)) == [bytes(LIMIT)]
    assert both_ways(frame(2, deflated(bytes(LIMIT + 1)), rsv=0x40), deflate=Deflate(None)).close_code == 1009


def test_the_guard_is_not_offered_to_a_peer() -> None:
    assert FrameGuard(max_message_size=1, max_fragments=1, inflate=False).offer() is False


def test_encoding() -> None:
    connection = FrameConnection(max_message_size=10)
    assert connection.encode([Outgoing(("a", b"b")), Outgoing(("c",))]) == b"\x81\x01a\x82\x01b\x81\x01c"
    assert not connection.has_control


def test_a_plain_frame_whose_header_is_cut_or_whose_length_is_not_minimal() -> None:
    data = frame(2, b"x" * 200)
    connection = FrameConnection(max_message_size=LIMIT)
    assert connection.receive_data(data[:7]) == []
    assert connection.receive_data(data[7:]) == [b"x" * 200]
    connection.receive_data(b"\x82\xfe\x00\x05" + bytes(9))
    assert connection.close_code == 1002
