"""Any bytes of a server give responses, messages or a close, and never an exception; and their chunks do not matter."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sansio_eio import EngineClient
from sansio_eio.http import ClientConnection
from tests.unit.http.client_support import Line, Net, response, switching
from tests.unit.http.support import frame, split

LINES = [
    "Content-Length: 3",
    "Content-Length: -1",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Keep-Alive: timeout=2",
    "Upgrade: websocket",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    "Set-Cookie: a=b",
    " folded",
    "",
]
STATUSES = ["200 OK", "100 Continue", "101 Switching Protocols", "204 No Content", "403 Forbidden", "0", ""]
answers = st.one_of(
    st.builds(
        response,
        st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n"]),
        *(st.sampled_from(LINES) for _ in range(2)),
        status=st.sampled_from(STATUSES),
        version=st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2.0"]),
    ),
    st.lists(st.sampled_from(LINES), max_size=3).map(switching),
    st.just(response(b"abc")),
    st.just(switching()),
)
from_server = st.one_of(
    answers,
    st.binary(max_size=30),
    st.builds(
        frame,
        st.integers(0, 15),
        st.binary(max_size=200),
        fin=st.booleans(),
        rsv=st.sampled_from([0, 0, 0x40]),
        mask=st.sampled_from([None, None, None, b"mask"]),
    ),
)


def served(chunks: list[bytes], *, websocket: bool) -> tuple[object, ...]:
    """What comes of it."""
    net = Net()
    channel = net.app.open_websocket(compression=True) if websocket else net.app.ask()
    line = net.pump().lines[0].feed(*chunks)
    assert all(each is channel for each in [*net.app.accepted, *(each for each, _ in net.app.closed)])
    return line.end, net.app.messages, [each for _, each in net.app.responses], [each for _, each in net.app.closed]


@given(st.lists(from_server, max_size=5), st.booleans())
def test_any_bytes_in_any_chunks(chunks: list[bytes], websocket: bool) -> None:
    data = b"".join(chunks)
    expected = served([data], websocket=websocket)
    assert served(chunks, websocket=websocket) == expected
    assert served(list(split(data)), websocket=websocket) == expected


INPUTS = ["wait", "eof", "lose", "refused", "connect", "pause", "resume", "hold", "get", "post", "ws", "end", "read"]
moves = st.lists(st.one_of(from_server, st.sampled_from([*INPUTS, "get", "ws", "connect", "connect"])), max_size=20)


@given(moves, st.integers(1, 3), st.randoms(use_true_random=False))
def test_any_inputs_never_raise(inputs: list[str | bytes], max_connections: int, random: Random) -> None:
    net = Net(max_connections=max_connections)
    net.reachable = False
    asked = 0
    for move in inputs:
        asked += move in ("get", "post", "ws")
        play(net, move, random)
    net.endpoint.close(now=net.now, grace=10.0)
    net.pump()
    for line in net.lines:
        line.lose()
    assert net.wait(0.0).endpoint.done
    assert net.endpoint.next_deadline() is None
    # No request is answered and closed, or twice.
    ended = [*(each for each, _ in net.app.responses), *(each for each, _ in net.app.closed)]
    assert len(set(ended)) == len(ended) <= asked
    assert len(net.app.accepted) == len(set(net.app.accepted))


def play(net: Net, move: str | bytes, random: Random) -> None:
    """One input, to any of the connections."""
    match move:
        case "get" | "post":
            net.app.ask(move.upper(), timeout=random.choice([None, 20.0]))
        case "ws":
            net.app.open_websocket()
        case "wait":
            net.wait(random.choice([1.0, 5.0, 30.0]))
        case _ if net.lines:
            play_line(net, random.choice(net.lines), move)
        case _:
            pass
    net.pump()


def play_line(net: Net, line: Line, move: str | bytes) -> None:
    """One input to this connection."""
    connection: ClientConnection = line.connection
    # Maybe one that is over.
    channel = next((each for each in reversed(net.app.channels) if each.owner is connection), None)
    match move:
        case bytes() if line.dialled:
            connection.receive_data(move, now=net.now)
        case "connect" if line.dialled is False:
            line.connect()
        case "eof" if line.dialled:
            connection.receive_eof(now=net.now)
        case "lose" | "refused":
            connection.connection_lost(now=net.now, error=OSError(move) if move == "refused" else None)
        case "pause":
            connection.pause_writing(now=net.now)
        case "resume":
            connection.resume_writing(now=net.now)
        case "hold" if line.dialled:
            connection.hold_back(b"rest", now=net.now)
        case "end" if channel is not None:
            net.app.end(channel, 1000)
        case "read" if channel is not None:
            net.app.read(channel, enabled=not connection.reading)
        case _:
            pass


OPEN = b'0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}'
packets = st.sampled_from([OPEN, b"3probe", b"2", b"6", b"1", b"4hi", b"b4", b"4a\x1e4b", b"9", b"", b"\xff"])


@given(
    st.lists(
        st.one_of(packets.map(response), packets.map(lambda data: frame(1, data, mask=None)), from_server)
        | st.sampled_from(["wait", "eof", "lose", "refused", "connect", "connect", "pause", "resume", "send"]),
        max_size=12,
    ),
    st.sampled_from([["polling"], ["websocket"], ["polling", "websocket"]]),
    st.randoms(use_true_random=False),
)
def test_any_inputs_to_a_real_client_never_raise(
    inputs: list[str | bytes], transports: list[str], random: Random
) -> None:
    client = EngineClient("http://127.0.0.1/", transports=transports)
    net = Net(client)
    opening = client.open()
    net.pump()
    for move in inputs:
        if move == "send":
            client.send("a")
        elif move == "wait":
            net.wait(random.choice([1.0, 30.0]))
        elif net.lines:
            play_line(net, random.choice(net.lines), move)
        net.pump()
        for runnable in net.endpoint.take_runnable():
            assert runnable.step() is None
    net.endpoint.close(now=net.now, grace=10.0)
    net.wait(60.0)
    while net.endpoint.connections:
        for line in net.lines:
            line.lose()
    net.wait(0.0)
    assert opening.done
    assert net.endpoint.done
    assert (net.endpoint.next_deadline(), client.session) == (None, None)
