"""WebSockets of a client: the handshake, messages, and every way in which one ends."""

from collections.abc import Callable

import pytest

from sansio_eio import Response
from sansio_eio.engineio import Channel
from tests.unit.http.client_support import Asker, Line, Net, response, switching
from tests.unit.http.support import KEY, frame, split

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: example.org:8000\r\nuser-agent: sansio_eio\r\naccept-encoding: identity\r\n"
    b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: "
    + KEY.encode()
    + b"\r\n"
)
MASK = b"the "


def plain(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A frame of a server."""
    return frame(opcode, payload, fin=fin, rsv=rsv, mask=None)


def masked(opcode: int, payload: bytes = b"") -> bytes:
    """A frame of ours, with what the dice give for a key."""
    return frame(opcode, payload, mask=MASK)


def opened(app: Asker | None = None, **options: float) -> tuple[Line, Channel]:
    """A WebSocket."""
    net = Net(app, **options)
    channel = net.app.open_websocket("/ws")
    line = net.pump().lines[0].feed(switching())
    assert line.take() == HANDSHAKE + b"\r\n"
    assert net.app.accepted == [channel]
    return line, channel


@pytest.mark.parametrize("cut_up", [False, True])
def test_messages_in_and_out(cut_up: bool) -> None:
    net = Net()
    channel = net.app.open_websocket("/ws")
    line = net.pump().lines[0]
    # Not one of the bytes behind the handshake is lost.
    data = switching() + plain(1, b"a") + plain(2, b"b" * 200) + plain(9, b"p")
    line.feed(*(split(data) if cut_up else [data]))
    assert net.app.messages == ["a", b"b" * 200]
    net.app.send(channel, "€", b"\x00" * 200)
    net.app.send(channel, "")
    net.pump()
    assert line.take() in (
        HANDSHAKE + b"\r\n" + masked(10, b"p") + masked(1, "€".encode()) + masked(2, bytes(200)) + masked(1),
        HANDSHAKE + b"\r\n" + masked(1, "€".encode()) + masked(2, bytes(200)) + masked(1) + masked(10, b"p"),
    )
    assert (line.end, line.connection.reading) == ("", True)
    assert net.endpoint.next_deadline() is None


def test_headers_of_the_application() -> None:
    net = Net()
    net.app.open_websocket("/ws", headers=[("cookie", "a=b"), ("sec-websocket-protocol", "x"), ("upgrade", "x")])
    assert net.pump().lines[0].take() == HANDSHAKE.replace(b"upgrade:", b"cookie: a=b\r\nupgrade:", 1) + b"\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        switching(Upgrade="WebSocket", Connection="keep-alive, upgrade"),
        switching(["Set-Cookie: a=b"]),
        b"HTTP/1.1 100 Continue\r\n\r\n" + switching(),
    ],
)
def test_good_answers(answer: bytes) -> None:
    for chunks in ([answer], split(answer)):
        net = Net()
        channel = net.app.open_websocket()
        net.pump().lines[0].feed(*chunks)
        assert net.app.accepted == [channel]


BAD_ANSWERS = {
    "no Upgrade": (switching(Upgrade=""), "Received server _SWITCH_UPGRADE event"),
    "another Upgrade": (switching(Upgrade="h2c"), "the answer to the WebSocket handshake has no Upgrade: websocket"),
    "two of them": (
        switching(Upgrade="websocket, h2c"),
        "the answer to the WebSocket handshake has no Upgrade: websocket",
    ),
    "no Connection": (switching(Connection=""), "the answer to the WebSocket handshake has no Connection: Upgrade"),
    "no accept": (switching(Sec_WebSocket_Accept=""), "the Sec-WebSocket-Accept is wrong"),
    "a wrong accept": (switching(Sec_WebSocket_Accept=KEY), "the Sec-WebSocket-Accept is wrong"),
    "a protocol": (
        switching(["Sec-WebSocket-Protocol: chat"]),
        "the server chose a subprotocol, and none was offered",
    ),
    "an extension": (
        switching(["Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"]),
        "the server agreed to an extension that was not offered like that",
    ),
    "not HTTP": (b"SSH-2.0", "the response is not HTTP"),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answers(name: str) -> None:
    answer, error = BAD_ANSWERS[name]
    if name == "no Upgrade":
        error = "the answer to the WebSocket handshake has no Upgrade: websocket"
    for chunks in ([answer], split(answer), [answer + plain(1, b"a")]):
        net = Net()
        channel = net.app.open_websocket()
        line = net.pump().lines[0].feed(*chunks)
        assert net.app.closed == [(channel, error)]
        assert (net.app.accepted, net.app.messages, line.end) == ([], [], "closing")
        line.lose()
        assert len(net.app.closed) == 1


def test_an_answer_to_nothing() -> None:
    net = Net()
    channel = net.app.open_websocket()
    [connection] = net.endpoint.take_ready()
    connection.connected(now=0.0)
    connection.receive_data(switching(), now=0.0)
    assert net.app.closed == [(channel, "the server answered before it was asked")]
    assert connection.aborted


def test_a_refusal() -> None:
    answer = response(b"Forbidden", status="403 Forbidden")
    for chunks in ([answer], split(answer), [answer + b"more"]):
        net = Net()
        channel = net.app.open_websocket()
        line = net.pump().lines[0].feed(*chunks)
        assert net.app.responses == [(channel, Response(403, [("content-length", "9")], b"Forbidden"))]
        # Nobody knows what state the server takes it to be in.
        assert line.end == "closing"
        assert line.lose().net.app.closed == []


def test_a_refusal_up_to_the_end() -> None:
    net = Net()
    net.app.open_websocket()
    net.pump().lines[0].feed(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nno").eof()
    assert net.app.responses[0][1].body == b"no"


def test_a_handshake_that_is_never_answered() -> None:
    net = Net()
    first, second, third = (net.app.open_websocket() for _ in range(3))
    net.pump().lines[0].eof()
    net.lines[1].lose(TimeoutError("no route"))
    assert net.app.closed == [
        (first, "the server closed the connection before it answered"),
        (second, "no route"),
    ]
    net.app.end(third)
    assert net.pump().lines[2].end == "closing"
    assert len(net.app.closed) == 2


CLOSED: dict[str, tuple[bytes, bytes, str | None]] = {
    "normal": (plain(8, b"\x03\xe8bye"), masked(8, b"\x03\xe8"), None),
    "going away": (plain(8, b"\x03\xe9"), masked(8, b"\x03\xe9"), None),
    "without a code": (plain(8), masked(8), None),
    "with an error": (plain(8, b"\x03\xf3oops"), masked(8, b"\x03\xf3"), "the server has closed with 1011: oops"),
    "of an application": (plain(8, b"\x0f\xa0"), masked(8, b"\x0f\xa0"), "the server has closed with 4000: "),
    "a masked frame": (
        frame(1, b"a"),
        masked(8, b"\x03\xeaclient received unexpected masked frame"),
        "1002: client received unexpected masked frame",
    ),
    "too large": (
        plain(2, b"x" * 1001)[:4],
        masked(8, b"\x03\xf1the message is too large"),
        "1009: the message is too large",
    ),
    "compressed": (
        plain(1, b"a", rsv=0x40),
        masked(8, b"\x03\xeaReserved bit set unexpectedly"),
        "1002: Reserved bit set unexpectedly",
    ),
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("end", [Line.eof, Line.lose])
def test_the_server_closes(name: str, end: Callable[[Line], Line]) -> None:
    data, answer, error = CLOSED[name]
    for chunks in ([data], split(data), [data + plain(1, b"ignored")]):
        line, channel = opened()
        app = line.net.app
        line.feed(plain(1, b"a"), *chunks)
        assert app.messages == ["a"]
        assert line.take() == answer
        assert app.closed == [(channel, error)]
        # The server closes the connection first (RFC 6455, section 7.1.1), and what it sends meanwhile does not count.
        assert line.end == ""
        assert line.feed(b"\x00\xff").end == ""
        assert line.connection.reading
        app.send(channel, "lost")
        app.end(channel)
        assert (line.net.pump().lines[0].take(), channel.actions) == (b"", [])
        assert end(line).end == ("closing" if end is Line.eof else "")
        assert len(app.closed) == 1


def test_a_server_that_does_not_close_the_connection() -> None:
    line, _ = opened(close_timeout=5.0)
    line.feed(plain(8))
    assert line.net.wait(4.9).lines[0].end == ""
    assert line.net.wait(0.2).lines[0].end == "closing"
    assert line.net.wait(60.0).lines[0].end == "aborted"


def test_we_close() -> None:
    line, channel = opened()
    app = line.net.app
    app.send(channel, "last")
    app.end(channel, 1000, "bye")
    line.net.pump()
    assert line.take() == masked(1, b"last") + masked(8, b"\x03\xe8bye")
    # What crosses it is not wanted.
    line.feed(plain(1, b"late"), plain(9, b"p"))
    assert line.take() == masked(10, b"p")
    assert line.feed(plain(8, b"\x03\xe8")).end == ""
    assert line.eof().end == "closing"
    assert (line.take(), app.messages, app.closed) == (b"", [], [])
    line.lose()
    assert line.net.endpoint.next_deadline() is None


@pytest.mark.parametrize("end", [Line.eof, Line.lose])
def test_a_server_that_does_not_answer_our_close(end: Callable[[Line], Line]) -> None:
    line, channel = opened(close_timeout=5.0)
    line.net.app.end(channel)
    line.net.pump()
    assert line.take() == masked(8)
    assert line.net.wait(4.9).lines[0].end == ""
    assert line.net.wait(0.2).lines[0].end == "closing"
    end(line)
    assert line.net.app.closed == []


def test_an_end_without_a_close_frame() -> None:
    line, channel = opened()
    assert line.eof().end == "closing"
    assert line.net.app.closed == [(channel, "the server closed the connection without a Close frame")]
    for error, text in ((None, "the connection was lost"), (ConnectionResetError("reset"), "reset")):
        line, channel = opened()
        assert line.feed(plain(1, b"ab")[:3]).lose(error).net.app.closed == [(channel, text)]


def test_an_end_of_file_behind_our_close() -> None:
    line, channel = opened()
    line.net.app.end(channel)
    line.net.pump()
    assert line.eof().end == "closing"
    assert line.net.app.closed == []


def test_thousands_of_messages_come_in_portions() -> None:
    line, channel = opened()
    app = line.net.app
    line.connection.receive_data(plain(1, b"a") * 150 + plain(8), now=0.0)
    assert len(app.messages) == 64
    assert not line.connection.reading
    app.read(channel, enabled=False)
    line.connection.receive_eof(now=0.0)
    # The rest waits here until the application wants more.
    line.net.pump()
    assert (len(app.messages), app.closed) == (64, [])
    app.read(channel, enabled=True)
    line.net.pump()
    assert len(app.messages) == 150
    assert app.closed == [(channel, None)]


def test_an_end_of_file_behind_messages_that_wait() -> None:
    line, channel = opened()
    line.connection.receive_data(plain(1, b"a") * 150, now=0.0)
    line.connection.receive_eof(now=0.0)
    assert line.net.app.closed == []
    assert line.net.pump().lines[0].end == "closing"
    assert len(line.net.app.messages) == 150
    assert line.net.app.closed == [(channel, "the server closed the connection without a Close frame")]


def test_reading_stops_and_goes_on() -> None:
    line, channel = opened()
    for enabled in (False, True):
        line.net.app.read(channel, enabled=enabled)
        line.net.pump()
        assert line.connection.reading == enabled


def test_a_server_that_does_not_read_is_read_only_so_far() -> None:
    line, _ = opened(Asker(max_message_size=100), write_timeout=5.0)
    line.connection.pause_writing(now=0.0)
    line.feed(plain(1, b"x" * 90))
    assert line.connection.reading
    line.feed(plain(1, b"x" * 90))
    assert not line.connection.reading
    line.connection.resume_writing(now=1.0)
    assert line.connection.reading
    line.connection.pause_writing(now=1.0)
    assert line.net.wait(6.1).lines[0].end == "aborted"


def test_compression() -> None:
    net = Net()
    channel = net.app.open_websocket("/ws", compression=True)
    line = net.pump().lines[0]
    offer = b"sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    assert line.take() == HANDSHAKE + offer + b"\r\n\r\n"
    line.feed(switching(["Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"]))
    net.app.send(channel, "a" * 5000, "b")
    sent = net.pump().lines[0].take()
    assert sent[0] == 0xC1
    assert sent.endswith(masked(1, b"b"))
    assert len(sent) < 60
    net.app.send(channel, "a" * 2000, compress=False)
    assert net.pump().lines[0].take() == masked(1, b"a" * 2000)
    line.feed(plain(1, b"\x4a\x04\x00", rsv=0x40) + plain(1, b"b"))
    assert net.app.messages == ["a", "b"]


def test_a_server_without_compression() -> None:
    net = Net()
    channel = net.app.open_websocket(compression=True)
    line = net.pump().lines[0].feed(switching())
    line.take()
    net.app.send(channel, "a" * 2000)
    assert net.pump().lines[0].take() == masked(1, b"a" * 2000)
    assert line.feed(plain(1, b"\x4a\x04\x00", rsv=0x40)).net.app.closed[0][0] is channel


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "x-webkit-deflate-frame",
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits",
        "permessage-deflate; server_no_context_takeover; unknown",
        "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
    ],
)
def test_answers_to_the_offer_that_are_none(answer: str) -> None:
    net = Net()
    channel = net.app.open_websocket(compression=True)
    net.pump().lines[0].feed(switching([f"Sec-WebSocket-Extensions: {answer}"]))
    assert net.app.closed == [(channel, "the server agreed to an extension that was not offered like that")]


@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        'Permessage-Deflate; server_no_context_takeover; server_max_window_bits="9"',
    ],
)
def test_answers_to_the_offer(answer: str) -> None:
    net = Net()
    channel = net.app.open_websocket(compression=True)
    net.pump().lines[0].feed(switching([f"Sec-WebSocket-Extensions: {answer}"]))
    assert net.app.accepted == [channel]
