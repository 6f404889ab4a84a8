"""Any bytes at all give responses, messages or a close, and never an exception; and their chunks do not matter."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sansio_eio import EngineServer
from sansio_eio.http import ServerEndpoint
from tests.unit.http.support import Echo, Wire, connect, frame, handshake, request, split, text

LINES = [
    "Content-Length: 3",
    "Content-Length: 3",
    "Content-Length: -1",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Expect: 100-continue",
    "Content-Encoding: gzip",
    "Host: b",
    " folded",
]
requests = st.builds(
    request,
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "X", ""]),
    st.sampled_from(["/", "/a?b=c", "/long", "/cut", "/refuse", "*", "/%", "http://a/"]),
    st.lists(st.sampled_from(LINES), max_size=5),
    st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"\r\n"]),
    version=st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2.0"]),
)
streams = st.lists(
    st.one_of(
        requests,
        st.just(handshake()),
        st.binary(max_size=30),
        st.builds(frame, st.integers(0, 15), st.binary(max_size=200), fin=st.booleans()),
    ),
    max_size=6,
)


def served(chunks: list[bytes], *, compression: bool) -> tuple[bytes, str, list[str | bytes], int, int]:
    """What comes of it."""
    app = Echo(compression=compression)
    wire = connect(app).feed(*chunks)
    return wire.take(), wire.end, app.messages, len(app.requests), len(app.closed)


@given(streams, st.booleans())
def test_any_bytes_in_any_chunks(chunks: list[bytes], compression: bool) -> None:
    expected = served(chunks, compression=compression)
    data = b"".join(chunks)
    assert served(list(split(data)), compression=compression)[1:] == expected[1:]
    assert served([data], compression=compression)[1:] == expected[1:]


@given(
    st.lists(st.one_of(st.binary(max_size=40), requests, st.just(handshake())), max_size=6),
    st.lists(st.sampled_from(["wait", "eof", "lose", "pause", "resume", "shut down"]), max_size=6),
    st.randoms(use_true_random=False),
)
def test_any_inputs_never_raise(chunks: list[bytes], inputs: list[str], random: Random) -> None:
    wire = connect()
    moves: list[str | bytes] = [*chunks, *inputs]
    random.shuffle(moves)
    for move in moves:
        play(wire, move)
    play(wire, "lose")
    assert not wire.endpoint.connections
    assert wire.endpoint.next_deadline() is None


def play(wire: Wire, move: str | bytes) -> None:
    """One input."""
    now = wire.now
    match move:
        case bytes():
            wire.connection.receive_data(move, now=now)
        case "wait":
            wire.wait(30.0)
        case "eof":
            wire.connection.receive_eof(now=now)
        case "lose":
            wire.connection.connection_lost(now=now)
        case "pause":
            wire.connection.pause_writing(now=now)
        case "resume":
            wire.connection.resume_writing(now=now)
        case _:
            wire.endpoint.close(now=now, grace=10.0)
    wire.pump()


QUERIES = ["EIO=4&transport=polling", "EIO=4&transport=websocket", "EIO=4&transport=polling&sid=x", "transport=%00", ""]
TARGETS = [f"/engine.io/?{query}" for query in QUERIES]
packets = st.sampled_from(["2probe", "5", "4hello", "3", "1", "", "b4", "9", "4\x1e4"])


@given(
    st.lists(
        st.one_of(
            st.builds(handshake, st.sampled_from(TARGETS)),
            st.builds(request, st.sampled_from(["GET", "POST", "OPTIONS"]), st.sampled_from(TARGETS)),
            packets.map(text),
            st.builds(frame, st.integers(0, 15), st.binary(max_size=200), fin=st.booleans()),
            st.sampled_from(["wait", "eof", "pause", "resume", "shut down"]),
        ),
        max_size=8,
    )
)
def test_any_inputs_to_a_real_server_never_raise(moves: list[str | bytes]) -> None:
    wire = Wire(ServerEndpoint(EngineServer()))
    for move in moves:
        play(wire, move)
        while runnable := wire.endpoint.take_runnable():
            for session in runnable:
                assert session.step() is None
    play(wire, "lose")
    assert not wire.endpoint.connections
