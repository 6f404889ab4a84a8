"""WebSocket over a connection: the handshake, the hand-over, messages, closing (RFC 6455)."""

import pytest

from sansio_eio import Response
from sansio_eio.engineio import AcceptWebSocket, Channel, CloseChannel, SetReading
from tests.unit.http.support import (
    Echo,
    Wire,
    close,
    connect,
    frame,
    handshake,
    request,
    split,
    status,
    switching,
    text,
)


def opened(app: Echo | None = None, **options: float) -> Wire:
    """A connection behind its handshake."""
    wire = connect(app, **options).feed(handshake())
    wire.take()
    return wire


GOOD = {
    "usual": handshake(),
    "as firefox": handshake(Connection="keep-alive, Upgrade"),
    "case": handshake(Upgrade="h2c, WebSocket", Connection="uPGRADE"),
    "empty body": handshake("/", ["Content-Length: 0"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_handshake_whatever_the_chunks(name: str) -> None:
    data = GOOD[name]
    assert connect().feed(data).take() == switching()
    assert connect().feed(*split(data)).take() == switching()
    # Not a byte is lost that comes behind it.
    assert connect().feed(data + text("a") + frame(2, b"b")).take() == switching() + b"\x81\x01a\x82\x01b"
    assert connect().feed(*split(data + text("a"))).take() == switching() + b"\x81\x01a"
    assert connect().feed(data + text("a")[:3]).feed(text("a")[3:]).take() == switching() + b"\x81\x01a"


BAD = {
    "no key": (handshake(Sec_WebSocket_Key=""), 400),
    "short key": (handshake(Sec_WebSocket_Key="AAAA"), 400),
    "key of 17 bytes": (handshake(Sec_WebSocket_Key="A" * 23 + "="), 400),
    "not base64": (handshake(Sec_WebSocket_Key="!" * 22 + "=="), 400),
    "key not of ascii": (handshake(Sec_WebSocket_Key="\xe9" * 22 + "=="), 400),
    "two keys": (handshake("/", ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]), 400),
    "no version": (handshake(Sec_WebSocket_Version=""), 426),
    "version 8": (handshake(Sec_WebSocket_Version="8"), 426),
    "not upgraded": (handshake(Connection="keep-alive"), 400),
    "no connection": (handshake(Connection=""), 400),
    "post": (handshake().replace(b"GET", b"POST"), 400),
    "http 1.0": (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "a body": (handshake("/", ["Content-Length: 1"]), 400),
    "a chunked body": (handshake("/", ["Transfer-Encoding: chunked"]), 400),
}


@pytest.mark.parametrize("name", BAD)
def test_handshakes_that_are_refused(name: str) -> None:
    data, code = BAD[name]
    for chunks in ([data], list(split(data)), [data + text("a")]):
        app = Echo()
        wire = connect(app).feed(*chunks)
        response = wire.take()
        assert status(response) == code
        assert (b"\r\nsec-websocket-version: 13\r\n" in response) == (code == 426)
        assert wire.end == "half closed"
        assert app.requests == []


def test_the_application_refuses() -> None:
    wire = connect().feed(handshake("/refuse") + text("a"))
    assert wire.take() == b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
    assert wire.end == "closing"


def test_the_application_takes_its_time() -> None:
    app = Echo()
    wire = connect(app, max_pipelined_size=20).feed(handshake("/park"))
    assert wire.wait(1000.0).take() == b""
    wire.feed(text("first"))
    assert wire.connection.reading
    wire.feed(text("second"))
    assert not wire.connection.reading
    app.accept(app.channels[0], [("x-extra", "1")])
    app.send(app.channels[0], "hello")
    assert wire.pump().take() == switching() + b"\x81\x05hello" + b"\x81\x05first" + b"\x81\x06second"
    assert wire.connection.reading


def test_the_application_accepts_only_to_close() -> None:
    app = Echo()
    wire = connect(app).feed(handshake("/park"))
    channel = app.channels[0]
    app.accept(channel, [("x-extra", "1")])
    app.act(channel, CloseChannel(channel))
    assert wire.pump().take() == switching() + b"\x88\x00"
    assert wire.feed(close()).end == "closing"


def test_a_close_behind_the_handshake() -> None:
    wire = connect().feed(handshake() + close(1000))
    assert wire.take() == switching() + b"\x88\x02\x03\xe8"
    assert wire.end == "closing"


def test_a_second_decision_is_void() -> None:
    app = Echo()
    wire = opened(app)
    app.accept(app.channels[0])
    app.respond(app.channels[0], Response(403))
    assert wire.pump().take() == b""


def test_headers_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    app = Echo()
    wire = connect(app).feed(handshake("/park"))
    app.accept(app.channels[0], [("a", "b\r\nc: d")])
    assert status(wire.pump().take()) == 500
    assert wire.end == "closing"
    assert app.closed == [(app.channels[0], None)]
    assert len(caplog.records) == 1


def test_messages_of_both_kinds() -> None:
    app = Echo()
    wire = opened(app)
    wire.feed(text("grüße 😀") + frame(2, b"\x00\xff") + frame(1))
    assert app.messages == ["grüße 😀", b"\x00\xff", ""]
    assert wire.take() == b"\x81\x0c" + "grüße 😀".encode() + b"\x82\x02\x00\xff\x81\x00"


def test_one_write_for_all_that_is_ready() -> None:
    app = Echo()
    wire = opened(app)
    for each in ("a", "b", "c"):
        app.send(app.channels[0], each)
    assert wire.endpoint.take_ready() == [wire.connection]
    assert wire.connection.data_to_send(now=0.0) == b"\x81\x01a\x81\x01b\x81\x01c"


def test_ping_is_answered_behind_the_messages() -> None:
    assert opened().feed(frame(9, b"1") + text("a") + frame(9, b"2")).take() == b"\x81\x01a\x8a\x012"


def test_pings_of_a_peer_that_does_not_read_do_not_pile_up() -> None:
    wire = opened()
    wire.connection.pause_writing(now=0.0)
    for i in range(100):
        wire.connection.receive_data(frame(9, b"%d" % i), now=0.0)
    wire.connection.resume_writing(now=0.0)
    assert wire.pump().take() == b"\x8a\x0299"


def test_the_peer_closes() -> None:
    for data in (close(1000, "bye"), close(1000, "bye") + text("late")):
        app = Echo()
        wire = opened(app).feed(data)
        assert wire.take() == b"\x88\x02\x03\xe8"
        assert wire.end == "closing"
        assert app.closed == [(app.channels[0], None)]
        assert app.messages == []


def test_the_application_closes() -> None:
    app = Echo()
    wire = opened(app)
    channel = app.channels[0]
    app.send(channel, "last")
    app.act(channel, CloseChannel(channel, 1001, "going"), CloseChannel(channel, 1000))
    assert wire.pump().take() == b"\x81\x04last\x88\x07\x03\xe9going"
    assert wire.end == ""
    # What is on its way meanwhile is read, so that the answer is found behind it.
    assert wire.feed(text("late") + frame(9)).take() == b"\x8a\x00"
    assert wire.feed(close(1001)).take() == b""
    assert wire.end == "closing"
    assert app.messages == []
    assert app.closed == []


def test_the_application_closes_without_a_code_and_gets_no_answer() -> None:
    app = Echo()
    wire = opened(app, close_timeout=3.0)
    app.act(app.channels[0], CloseChannel(app.channels[0]))
    assert wire.pump().take() == b"\x88\x00"
    assert wire.wait(2.9).end == ""
    assert wire.wait(0.2).end == "closing"


def test_an_application_that_wants_no_more_reads_the_answer_all_the_same() -> None:
    app = Echo()
    wire = opened(app)
    app.act(app.channels[0], SetReading(app.channels[0], enabled=False))
    assert not wire.pump().connection.reading
    app.act(app.channels[0], CloseChannel(app.channels[0]))
    assert wire.pump().connection.reading


def test_a_broken_frame_ends_it_with_the_reason() -> None:
    app = Echo()
    wire = opened(app).feed(text("a") + frame(1, b"b", mask=None) + text("c"))
    assert wire.take() == b"\x88\x2b\x03\xeaserver received unexpected unmasked frame"
    assert wire.end == "half closed"
    assert app.messages == ["a"]
    channel, error = app.closed[0]
    assert channel is app.channels[0]
    assert str(error) == "1002: server received unexpected unmasked frame"
    assert wire.feed(b"ignored").eof().end == "closing"


def test_a_message_over_the_limit() -> None:
    app = Echo(max_message_size=10)
    wire = opened(app).feed(frame(2, b"x" * 10))
    assert wire.take() == b"\x82\x0a" + b"x" * 10
    # It is refused when it is announced.
    assert wire.feed(frame(2, b"x" * 11)[:2]).take() == b"\x88\x1a\x03\xf1the message is too large"
    assert wire.end == "half closed"
    assert wire.wait(10.0).end == "closing"


def test_eof_and_loss() -> None:
    for move in (Wire.eof, Wire.lose):
        app = Echo()
        wire = move(opened(app))
        assert app.closed == [(app.channels[0], None)]
        move(wire)
        assert len(app.closed) == 1
        assert wire.take() == b""


def test_thousands_of_messages_at_once_come_in_portions() -> None:
    app = Echo()
    wire = opened(app)
    wire.connection.receive_data(text("a") * 150 + close(1000), now=0.0)
    assert len(app.messages) == 64
    assert not wire.connection.reading
    channel = app.channels[0]
    app.act(channel, SetReading(channel, enabled=False))
    assert len(wire.pump().take()) == 64 * 3
    # The rest waits here until the application wants more; what comes behind it would keep its order.
    assert len(app.messages) == 64
    app.act(channel, SetReading(channel, enabled=True))
    assert wire.pump().take() == b"\x81\x01a" * 64 + b"\x88\x02\x03\xe8"
    assert len(app.messages) == 150
    assert app.closed == [(channel, None)]
    assert wire.end == "closing"


def test_an_end_of_file_behind_messages_that_wait() -> None:
    app = Echo()
    wire = opened(app)
    wire.connection.receive_data(text("a") * 150, now=0.0)
    wire.connection.receive_eof(now=0.0)
    assert (wire.end, app.closed) == ("", [])
    wire.pump()
    assert len(app.messages) == 150
    assert wire.end == "closing"
    assert app.closed == [(app.channels[0], None)]


def test_an_end_of_file_behind_messages_that_nobody_answers() -> None:
    class Silent(Echo):
        def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
            self.messages.append(data)

    app = Silent()
    wire = opened(app)
    wire.connection.receive_data(text("a") * 150, now=0.0)
    wire.connection.receive_eof(now=0.0)
    wire.pump()
    assert (len(app.messages), wire.end) == (150, "closing")
    assert app.closed == [(app.channels[0], None)]


def test_a_peer_that_does_not_read_is_read_only_so_far() -> None:
    wire = opened(Echo(max_message_size=100), write_timeout=5.0)
    wire.connection.pause_writing(now=0.0)
    wire.feed(text("x" * 90))
    assert wire.connection.reading
    wire.feed(text("y" * 90))
    assert not wire.connection.reading
    wire.connection.resume_writing(now=0.0)
    assert wire.connection.reading
    assert len(wire.pump().take()) == 184


def test_compression_is_agreed_on_if_both_want_it() -> None:
    offer = handshake("/", ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
    assert connect().feed(offer).take() == switching()
    assert connect(Echo(compression=True)).feed(handshake()).take() == switching()
    app = Echo(compression=True)
    wire = connect(app).feed(offer)
    answer = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    assert wire.take() == switching(answer)
    app.send(app.channels[0], "a" * 5000)
    sent = wire.pump().take()
    assert sent[0] == 0xC1
    assert len(sent) < 50


def test_a_long_first_message_is_handed_out_in_pieces() -> None:
    app = Echo()
    wire = connect(app).feed(handshake("/park"))
    app.act(app.channels[0], AcceptWebSocket(app.channels[0], 100))
    app.send(app.channels[0], b"x" * 100_000)
    assert wire.pump().take().endswith(b"x" * 100_000)


def test_a_request_behind_a_websocket_is_none() -> None:
    assert opened().feed(request()).take()[0] == 0x88
