"""The bytes of the kit's clients: read in any pieces, written as a server wants them."""

import pytest

from sansio_eio.engineio import Outgoing, Response
from sansio_eio.http.frames import FrameConnection
from sansio_eio.testing.dice import Dice
from sansio_eio.testing.responses import FrameReader, ResponseReader, encode_frame, encode_request
from sansio_eio.testing.wires import Conditions, split
from tests.unit.http.support import receive_all

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"


def test_a_request() -> None:
    assert encode_request("GET", "/a?b", [("host", "x")]) == b"GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n"
    assert encode_request("POST", "/", [], b"ab") == b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nab"


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
def test_responses_in_pieces(piece: int) -> None:
    reader = ResponseReader()
    responses: list[Response] = []
    for data in (RESPONSE, b"HTTP/1.1 204 No Content\r\n\r\n"):
        for start in range(0, len(data), piece):
            response = reader.feed(data[start : start + piece])
            if response is not None:
                responses.append(response)
    assert responses == [
        Response(200, [("content-type", "text/plain"), ("content-length", "5")], b"hello"),
        Response(204),
    ]


def test_what_comes_behind_a_response_is_kept() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 101 Switching Protocols\r\n\r\nframes") == Response(101)
    assert reader.take_rest() == b"frames"
    assert reader.take_rest() == b""


@pytest.mark.parametrize("piece", [1, 3, 100_000_000])
def test_frames_in_pieces(piece: int) -> None:
    messages: list[str | bytes] = ["", "a" * 125, b"b" * 126, b"c" * 65_535, b"d" * 65_536]
    data = Outgoing(tuple(messages)).frame
    reader = FrameReader()
    if piece == 1:
        data = data[:300]
    frames = [frame for start in range(0, len(data), piece) for frame in reader.feed(data[start : start + piece])]
    expected = [(1, b""), (1, b"a" * 125), (2, b"b" * 126), (2, b"c" * 65_535), (2, b"d" * 65_536)]
    assert frames == (expected[:3] if piece == 1 else expected)


def test_a_server_reads_the_frames() -> None:
    payloads = [b"", b"a", bytes(range(256)) * 10, b"x" * 125, b"x" * 126, b"y" * 70_000]
    connection = FrameConnection(max_message_size=100_000)
    data = b"".join(encode_frame(2, payload, b"\x01\x02\x03\x04") for payload in payloads)
    assert receive_all(connection, data) == payloads


def test_splitting() -> None:
    assert split(b"abcdefg", Conditions(), None) == [b"abcdefg"]
    assert split(b"abcdefg", Conditions(piece=3), None) == [b"abc", b"def", b"g"]
    assert split(b"abcdefg", Conditions(places=(5, 1, 5, 7, 100)), None) == [b"a", b"bcde", b"fg"]
    for seed in range(50):
        pieces = split(b"abcdefg", Conditions(), Dice(seed))
        assert b"".join(pieces) == b"abcdefg"
        assert b"" not in pieces
        assert 1 <= len(pieces) <= 4
    assert split(b"a", Conditions(), Dice(1)) == [b"a"]
