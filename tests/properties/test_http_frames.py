"""The shortcut around wsproto changes nothing: same bytes, same messages, same close code, however they are cut up."""

import zlib
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from sansio_eio.http.deflate import Deflate
from sansio_eio.http.frame_guard import FrameGuard
from sansio_eio.http.frames import FrameConnection
from tests.unit.http.support import frame, receive_all

LIMIT = 300


def deflated(data: bytes) -> bytes:
    """As a client compresses it."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


masks = st.one_of(st.binary(min_size=4, max_size=4), st.just(bytes(4)))
payloads = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(str.encode),
    st.integers(min_value=100, max_value=400).map(lambda size: b"x" * size),
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame that is mostly right."""
    opcode = draw(st.sampled_from([0, 0, 1, 1, 1, 2, 2, 2, 8, 9, 10, draw(st.integers(0, 15))]))
    payload = draw(payloads)
    rsv = draw(st.sampled_from([0, 0, 0, 0, 0x40, 0x40, 0x20]))
    if rsv == 0x40 and draw(st.booleans()):
        payload = deflated(payload)
    if opcode == 8 and draw(st.booleans()):
        payload = draw(st.sampled_from([1000, 1001, 1005, 1016, 3000, 5000])).to_bytes(2, "big") + payload[:10]
    if opcode >= 8:
        payload = payload[:125]
    fin = draw(st.sampled_from([True, True, True, False]))
    mask = draw(masks) if draw(st.integers(0, 30)) else None
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)


streams = st.one_of(
    st.lists(frames(), max_size=12).map(b"".join),
    st.tuples(st.lists(frames(), max_size=4).map(b"".join), st.binary(max_size=40)).map(b"".join),
    st.binary(max_size=60),
)


def by_wsproto(data: bytes, *, inflate: bool) -> tuple[list[str | bytes], int | None, bool]:
    """What wsproto makes of the bytes, all at once and without a shortcut: messages, close code, failure or not."""
    guard = FrameGuard(max_message_size=LIMIT, max_fragments=100, inflate=inflate)
    connection = Connection(ConnectionType.SERVER, [guard], trailing_data=data)
    messages: list[str | bytes] = []
    parts: list[str | bytes | bytearray] = []
    for event in connection.events():
        if isinstance(event, CloseConnection):
            return messages, event.code, connection.state is ConnectionState.OPEN
        if isinstance(event, TextMessage | BytesMessage):
            parts.append(event.data)
            if event.message_finished:
                messages.append(
                    "".join([part for part in parts if isinstance(part, str)])
                    if isinstance(event, TextMessage)
                    else b"".join([part for part in parts if not isinstance(part, str)])
                )
                parts = []
    return messages, None, False


def by_us(chunks: list[bytes], *, inflate: bool) -> tuple[list[str | bytes], int | None, bool]:
    """What we make of them."""
    connection = FrameConnection(max_message_size=LIMIT, max_fragments=100, deflate=Deflate(None) if inflate else None)
    messages = [message for chunk in chunks for message in receive_all(connection, chunk)]
    code = connection.close_code
    return messages, 1005 if connection.closed and code is None else code, connection.failed


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


@given(data=streams, cuts=st.lists(st.integers(0, 400), max_size=8), inflate=st.booleans())
@example(data=frame(1, b"abc") * 3, cuts=[1, 7], inflate=False)
@example(data=frame(1, b"\xff") + frame(1, b"lost"), cuts=[], inflate=False)
@example(data=frame(1, b"a", fin=False) + frame(9) + frame(0, b"b") + frame(2, b"c"), cuts=[], inflate=False)
@example(data=frame(1, deflated(b"a" * 300), rsv=0x40) * 2 + frame(2, b"d"), cuts=[3], inflate=True)
@example(data=frame(1, deflated(b"a" * 301), rsv=0x40), cuts=[], inflate=True)
def test_same_as_wsproto(data: bytes, cuts: list[int], inflate: bool) -> None:
    expected = by_wsproto(data, inflate=inflate)
    assert by_us([data], inflate=inflate) == expected
    assert by_us(cut(data, cuts), inflate=inflate) == expected
    assert by_us([data[i : i + 1] for i in range(len(data))], inflate=inflate) == expected


@given(chunks=st.lists(st.one_of(frames(), st.binary(max_size=30)), max_size=10), inflate=st.booleans())
def test_any_bytes_never_raise(chunks: list[bytes], inflate: bool) -> None:
    connection = FrameConnection(max_message_size=LIMIT, deflate=Deflate(None) if inflate else None)
    for chunk in chunks:
        connection.receive_data(chunk)
        connection.take_control()
