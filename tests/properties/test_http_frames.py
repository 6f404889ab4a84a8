"""The shortcut around wsproto changes nothing, on either side: same bytes, messages and close code, in any pieces."""

import secrets
import zlib
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from sansio_eio.engineio import Outgoing
from sansio_eio.http.client_frames import ClientFrames
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
def frames(draw: st.DrawFn, client: bool) -> bytes:
    """A frame for us that is mostly right; `client` is the side that we are on."""
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
    mask = draw(masks) if bool(draw(st.integers(0, 30))) is not client else None
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=mask)


def streams(client: bool) -> st.SearchStrategy[tuple[bool, bytes]]:
    """Bytes for us, and the side that we are on."""
    pieces = frames(client)
    return st.one_of(
        st.lists(pieces, max_size=12).map(b"".join),
        st.tuples(st.lists(pieces, max_size=4).map(b"".join), st.binary(max_size=40)).map(b"".join),
        st.binary(max_size=60),
    ).map(lambda data: (client, data))


def by_wsproto(data: bytes, *, inflate: bool, client: bool) -> tuple[list[str | bytes], int | None, bool]:
    """What wsproto makes of the bytes, all at once and without a shortcut."""
    guard = FrameGuard(max_message_size=LIMIT, max_fragments=100, inflate=inflate)
    side = ConnectionType.CLIENT if client else ConnectionType.SERVER
    return read(Connection(side, [guard], trailing_data=data))


def read(connection: Connection) -> tuple[list[str | bytes], int | None, bool]:
    """What wsproto has read: messages, close code, failure or not."""
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


def make(*, inflate: bool, client: bool) -> FrameConnection:
    """One of ours."""
    deflate = Deflate(None) if inflate else None
    if client:
        return ClientFrames(max_message_size=LIMIT, max_fragments=100, deflate=deflate, token_bytes=secrets.token_bytes)
    return FrameConnection(max_message_size=LIMIT, max_fragments=100, deflate=deflate)


def by_us(chunks: list[bytes], *, inflate: bool, client: bool) -> tuple[list[str | bytes], int | None, bool]:
    """What we make of them."""
    connection = make(inflate=inflate, client=client)
    messages = [message for chunk in chunks for message in receive_all(connection, chunk)]
    code = connection.close_code
    return messages, 1005 if connection.closed and code is None else code, connection.failed


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


def plain(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame of a server."""
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=None)


@given(
    stream=st.booleans().flatmap(streams),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    inflate=st.booleans(),
)
@example(stream=(False, frame(1, b"abc") * 3), cuts=[1, 7], inflate=False)
@example(stream=(False, frame(1, b"\xff") + frame(1, b"lost")), cuts=[], inflate=False)
@example(stream=(False, frame(1, b"a", fin=False) + frame(9) + frame(0, b"b") + frame(2, b"c")), cuts=[], inflate=False)
@example(stream=(False, frame(1, deflated(b"a" * 300), rsv=0x40) * 2 + frame(2, b"d")), cuts=[3], inflate=True)
@example(stream=(False, frame(1, deflated(b"a" * 301), rsv=0x40)), cuts=[], inflate=True)
@example(stream=(True, plain(1, b"abc") * 3), cuts=[1, 7], inflate=False)
@example(stream=(True, plain(1, b"a") + frame(1, b"b") + plain(1, b"lost")), cuts=[], inflate=False)
@example(stream=(True, plain(1, b"a", fin=False) + plain(9) + plain(0, b"b") + plain(2, b"c")), cuts=[4], inflate=False)
@example(stream=(True, plain(1, deflated(b"a" * 300), rsv=0x40) * 2 + plain(2, b"d")), cuts=[3], inflate=True)
def test_same_as_wsproto(stream: tuple[bool, bytes], cuts: list[int], inflate: bool) -> None:
    client, data = stream
    expected = by_wsproto(data, inflate=inflate, client=client)
    assert by_us([data], inflate=inflate, client=client) == expected
    assert by_us(cut(data, cuts), inflate=inflate, client=client) == expected
    assert by_us([data[i : i + 1] for i in range(len(data))], inflate=inflate, client=client) == expected


@given(
    chunks=st.lists(st.one_of(frames(client=False), frames(client=True), st.binary(max_size=30)), max_size=10),
    inflate=st.booleans(),
    client=st.booleans(),
)
def test_any_bytes_never_raise(chunks: list[bytes], inflate: bool, client: bool) -> None:
    connection = make(inflate=inflate, client=client)
    for chunk in chunks:
        connection.receive_data(chunk)
        connection.take_control()


messages = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
        st.binary(max_size=300),
        st.integers(0, 70_000).map(bytes),
    ),
    min_size=1,
    max_size=5,
)


@given(messages, st.data())
def test_a_server_reads_what_the_client_masks(packets: list[str | bytes], data: st.DataObject) -> None:
    keys: list[bytes] = []

    def token_bytes(size: int) -> bytes:
        keys.append(data.draw(st.binary(min_size=size, max_size=size)))
        return keys[-1]

    near = ClientFrames(max_message_size=LIMIT, token_bytes=token_bytes)
    sent = near.encode([Outgoing(tuple(packets[:2])), *(Outgoing((packet,)) for packet in packets[2:])])
    near.close(1000, "bye")
    sent += near.take_control()
    # Each frame has a key of its own, the Close frame too.
    assert [len(key) for key in keys] == [4] * (len(packets) + 1)
    assert read(Connection(ConnectionType.SERVER, [], trailing_data=sent)) == (packets, 1000, False)
