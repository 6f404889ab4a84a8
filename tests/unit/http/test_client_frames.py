"""The client's side of frames, beside the property that compares with wsproto."""

import secrets

import pytest

from sansio_eio.engineio import Outgoing
from sansio_eio.http.client_frames import ClientFrames
from sansio_eio.http.deflate import Deflate
from sansio_eio.http.frames import FrameConnection
from tests.unit.http.support import frame, receive_all, split

LIMIT = 70_000


def client(**options: int) -> ClientFrames:
    """A connection whose dice say 1, 2, 3, 4 and so on."""
    dice = bytes(range(1, 256)) * 10

    def token_bytes(size: int) -> bytes:
        nonlocal dice
        token, dice = dice[:size], dice[size:]
        return token

    return ClientFrames(max_message_size=options.get("max_message_size", LIMIT), token_bytes=token_bytes)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 125, 126, 127, 1000, 65535, 65536, 70_000])
def test_every_form_of_length(size: int) -> None:
    data = bytes(i & 0xFF for i in range(size))
    stream = frame(2, data, mask=None) + frame(1, b"next", mask=None)
    assert receive_all(client(), stream) == [data, "next"]
    slow = client()
    pieces = [*split(stream[:20]), *(stream[i : i + 997] for i in range(20, len(stream), 997))]
    assert [message for piece in pieces for message in receive_all(slow, piece)] == [data, "next"]
    # The same out.
    sent = client().encode([Outgoing((data, "next"))])
    assert sent == frame(2, data, mask=b"\x01\x02\x03\x04") + frame(1, b"next", mask=b"\x05\x06\x07\x08")
    assert receive_all(FrameConnection(max_message_size=LIMIT), sent) == [data, "next"]


def test_every_frame_has_a_key_of_its_own() -> None:
    connection = client()
    connection.receive_data(frame(9, b"p", mask=None) + frame(8, mask=None))
    assert connection.encode([Outgoing(("a",)), Outgoing(("b",))]) == (
        frame(1, b"a", mask=b"\x05\x06\x07\x08") + frame(1, b"b", mask=b"\x09\x0a\x0b\x0c")
    )
    # The answer to the Close frame was made when that came, the pong is made when it is sent.
    assert connection.take_control() == frame(10, b"p", mask=b"\x0d\x0e\x0f\x10") + frame(8, mask=b"\x01\x02\x03\x04")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(1, b"a"), "client received unexpected masked frame"),
        (frame(9, b"a"), "client received unexpected masked frame"),
        (frame(1, b"a" * 200), "client received unexpected masked frame"),
        (frame(1, b"", mask=bytes(4)), "client received unexpected masked frame"),
        (frame(3, b"", mask=None), "Invalid opcode 0x3"),
        (b"\x81\x7e\x00\x7d" + bytes(125), "Payload length used 2 bytes when 1 would have sufficed"),
    ],
)
def test_mistakes_of_a_server(data: bytes, reason: str) -> None:
    for chunks in ([data], split(data), [data + frame(1, b"more", mask=None)]):
        connection = client()
        assert [message for chunk in chunks for message in receive_all(connection, chunk)] == []
        assert (connection.closed, connection.failed, connection.close_code) == (True, True, 1002)
        assert str(connection.error) == f"1002: {reason}"


def test_the_limit_of_a_small_message() -> None:
    connection = client(max_message_size=5)
    assert receive_all(connection, frame(1, b"12345", mask=None)) == ["12345"]
    assert receive_all(connection, frame(1, b"123456", mask=None)) == []
    assert connection.close_code == 1009


def test_text_that_is_none() -> None:
    connection = client()
    assert receive_all(connection, frame(1, b"\xff", mask=None)) == []
    assert connection.close_code == 1007


def test_compressed_both_ways() -> None:
    near = ClientFrames(max_message_size=LIMIT, deflate=Deflate(None), token_bytes=secrets.token_bytes)
    far = FrameConnection(max_message_size=LIMIT, deflate=Deflate(None))
    noise = secrets.token_bytes(2000)
    outgoing = [Outgoing(("a" * 60_000, b"b" * 3000, noise, "c")), Outgoing(("d" * 2000,), compress=False)]
    expected = ["a" * 60_000, b"b" * 3000, noise, "c", "d" * 2000]
    there, back = near.encode(outgoing), far.encode(outgoing)
    assert len(there) < 7000
    assert receive_all(far, there) == receive_all(near, back) == expected


def test_a_bomb() -> None:
    near = ClientFrames(max_message_size=1000, deflate=Deflate(None), token_bytes=secrets.token_bytes)
    assert (
        receive_all(
            near,
            FrameConnection.encode(
                FrameConnection(max_message_size=LIMIT, deflate=Deflate(None)), [Outgoing((bytes(1_000_000),))]
            ),
        )
        == []
    )
    assert near.close_code == 1009
