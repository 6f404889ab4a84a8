"""Requests over HTTP/1.1 (RFC 9110, RFC 9112), and hostile ones: each whole, byte by byte, and with bytes behind it."""

from collections.abc import Sequence
from typing import Any

import h11
import pytest

from sansio_eio import Response
from sansio_eio.engineio import AcceptWebSocket, CloseChannel, Outgoing, Respond, SendMessages, SetReading
from tests.unit.http.support import Echo, Wire, connect, handshake, ok, request, split, status

AFTER = request("GET", "/after")

GOOD = {
    "get": (request("GET", "/a?b=%20c"), b"GET /a?b=%20c "),
    "empty lines before it": (b"\r\n\r\n" + request(), b"GET /? "),
    "post": (request("POST", "/a", ["Content-Length: 4"], b"body"), b"POST /a? body"),
    "no body": (request("POST", "/a", ["Content-Length: 0"]), b"POST /a? "),
    "chunked": (
        request("POST", "/", ["Transfer-Encoding: chunked"], b"4\r\nbody\r\n3;x=y\r\n 2!\r\n0\r\nTrailer: 1\r\n\r\n"),
        b"POST /? body 2!",
    ),
    "identity": (request("POST", "/", ["Content-Length: 1", "Content-Encoding: identity"], b"x"), b"POST /? x"),
    "another upgrade": (request("GET", "/", ["Upgrade: h2c", "Connection: Upgrade"]), b"GET /? "),
    "unknown method": (request("BREW", "/pot"), b"BREW /pot? "),
    "options": (request("OPTIONS", "/a"), b"OPTIONS /a? "),
}


@pytest.mark.parametrize("name", GOOD)
def test_requests_whatever_the_chunks(name: str) -> None:
    data, body = GOOD[name]
    assert connect().feed(data).take() == ok(body)
    assert connect().feed(*split(data)).take() == ok(body)
    assert connect().feed(data + AFTER).take() == ok(body) + ok(b"GET /after? ")
    assert connect().feed(*split(data + AFTER)).take() == ok(body) + ok(b"GET /after? ")


ENDS = {
    "close": (request("GET", "/", ["Connection: keep-alive, Close"]), b"GET /? "),
    "http 1.0": (request("GET", "/", version="1.0"), b"GET /? "),
    "http 1.0 without host": (request("GET", "/", version="1.0", host=""), b"GET /? "),
    "http 1.0 expecting": (
        request("POST", "/", ["Expect: 100-continue", "Content-Length: 1"], b"x", version="1.0"),
        b"POST /? x",
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_requests_that_end_the_connection(name: str) -> None:
    data, body = ENDS[name]
    for chunks in ([data], list(split(data)), [data + AFTER]):
        wire = connect().feed(*chunks)
        assert wire.take() == ok(body, "connection: close")
        assert wire.end == "closing"
        assert not wire.feed(AFTER).take()


BAD = {
    "tls": (b"\x16\x03\x01\x02\x00", 400),
    "a space first": (b" GET / HTTP/1.1\r\n\r\n", 400),
    "not http": (b"hello\r\n\r\n", 400),
    "http 2": (b"PRI * HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    "http 0.9": (request("GET", "/", version="0.9"), 505),
    "no host": (request(host=""), 400),
    "two hosts": (request("GET", "/", ["Host: b"]), 400),
    "bad host": (request(host="Host: a/b"), 400),
    "absolute target": (request("GET", "http://example.org/"), 400),
    "asterisk": (request("OPTIONS", "*"), 400),
    "connect": (request("CONNECT", "example.org:80"), 400),
    "fragment": (request("GET", "/#a"), 400),
    "bad escape": (request("GET", "/%zz"), 400),
    "escape cut off": (request("GET", "/?a=%2"), 400),
    "raw bytes in the target": (request("GET", "/\xe9"), 400),
    "bare cr": (request("GET", "/", ["A: b\rC: d"]), 400),
    "bare lf": (request("GET", "/", ["A: b\nC: d"]), 400),
    "only lf": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "folded": (request("GET", "/", ["A: b", " c"]), 400),
    "folded with a tab": (request("GET", "/", ["A: b", "\tc"]), 400),
    "nul": (request("GET", "/", ["A: b\0"]), 400),
    "space before the colon": (request("GET", "/", ["A : b"]), 400),
    "space before the colon of a length": (request("POST", "/", ["Content-Length : 1"], b"x"), 400),
    "both lengths": (request("POST", "/", ["Content-Length: 3", "Transfer-Encoding: chunked"], b"0\r\n\r\n"), 400),
    "chunked in http 1.0": (request("POST", "/", ["Transfer-Encoding: chunked"], b"0\r\n\r\n", version="1.0"), 400),
    "two lengths": (request("POST", "/", ["Content-Length: 1", "Content-Length: 2"], b"x"), 400),
    "one length twice": (request("POST", "/", ["Content-Length: 1", "content-length: 1"], b"x"), 400),
    "a list of lengths": (request("POST", "/", ["Content-Length: 1, 1"], b"x"), 400),
    "plus": (request("POST", "/", ["Content-Length: +1"], b"x"), 400),
    "minus": (request("POST", "/", ["Content-Length: -1"], b"x"), 400),
    "hex": (request("POST", "/", ["Content-Length: 0x1"], b"x"), 400),
    "no length": (request("POST", "/", ["Content-Length:"], b"x"), 400),
    "length of 21 digits": (request("POST", "/", [f"Content-Length: {10**20}"]), 400),
    "other coding": (request("POST", "/", ["Transfer-Encoding: gzip, chunked"]), 501),
    "unknown encoding": (request("POST", "/", ["Content-Encoding: gzip", "Content-Length: 1"], b"x"), 415),
    "too long": (request("POST", "/", ["Content-Length: 1001"]), 413),
    "much too long": (request("POST", "/", [f"Content-Length: {10**19}"]), 413),
    "too long, and asks": (request("POST", "/", ["Content-Length: 1001", "Expect: 100-continue"]), 413),
    "not a chunk": (request("POST", "/", ["Transfer-Encoding: chunked"], b"x\r\n"), 400),
    "chunk too short": (request("POST", "/", ["Transfer-Encoding: chunked"], b"1\r\nxy\r\n"), 400),
    "chunk of a huge number": (request("POST", "/", ["Transfer-Encoding: chunked"], b"f" * 21 + b"\r\n"), 400),
    "too many headers": (request("GET", "/", [f"A{i}: b" for i in range(100)]), 431),
    "header too large": (request("GET", "/", ["A: " + "b" * 17_000]), 431),
    "target too long": (b"GET /" + b"a" * 17_000, 414),
}


@pytest.mark.parametrize("name", BAD)
def test_hostile_requests(name: str) -> None:
    data, code = BAD[name]
    for chunks in ([data], list(split(data)), [data + AFTER]):
        app = Echo()
        wire = connect(app).feed(*chunks)
        response = wire.take()
        assert status(response) == code
        head, body = response.split(b"\r\n\r\n")
        assert b"\r\nconnection: close" in head
        assert f"content-length: {len(body)}".encode() in head
        # The answer is not cut short by a reset: what still comes is read and thrown away.
        assert wire.end == "half closed"
        assert wire.connection.reading
        assert wire.feed(AFTER).take() == b""
        assert app.requests == []
        assert wire.eof().end == "closing"


def test_headers_of_the_full_size_are_taken() -> None:
    head = request("GET", "/", [f"A{i}: b" for i in range(98)] + ["B: "])
    full = head[:-4] + b"c" * (16 * 1024 - len(head)) + b"\r\n\r\n"
    assert connect().feed(full).take() == ok(b"GET /? ")
    assert status(connect().feed(full.replace(b"B: ", b"B: c")).take()) == 431


def test_trailers_are_bounded() -> None:
    wire = connect().feed(request("POST", "/", ["Transfer-Encoding: chunked"], b"0\r\n" + b"A: b\r\n" * 20_000))
    assert status(wire.take()) == 431


def test_chunks_are_counted() -> None:
    data = request("POST", "/", ["Transfer-Encoding: chunked"], b"1\r\nx\r\n" * 6)
    assert status(connect(max_chunk_count=5).feed(data).take()) == 400
    assert status(connect(max_chunk_count=6).feed(data + b"0\r\n\r\n").take()) == 200


def test_a_body_of_the_full_size_is_taken() -> None:
    app = Echo()
    wire = connect(app).feed(request("POST", "/", ["Content-Length: 1000"], b"x" * 1000))
    assert status(wire.take()) == 200
    assert app.requests[0].body == b"x" * 1000


def test_what_the_application_sees() -> None:
    app = Echo()
    endpoint = connect(app).endpoint
    wire = Wire(endpoint, remote="192.0.2.1", secure=True)
    wire.feed(request("POST", "/a%20b?c=d&c=e", ["X-A:  b ", "x-a: \xe9", "Content-Length: 1"], b"x"))
    seen = app.requests[0]
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/a%20b", "c=d&c=e", b"x")
    assert seen.headers == [("host", "example.org"), ("x-a", "b"), ("x-a", "\xe9"), ("content-length", "1")]
    assert (seen.remote, seen.secure) == ("192.0.2.1", True)


def test_head_is_answered_without_the_body() -> None:
    wire = connect().feed(request("HEAD", "/") + AFTER)
    assert wire.take() == ok(b"HEAD /? ")[: -len(b"HEAD /? ")] + ok(b"GET /after? ")


def test_100_continue() -> None:
    head = request("POST", "/", ["Expect: 100-Continue", "Content-Length: 2"])
    wire = connect().feed(head)
    assert wire.take() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.feed(b"a").take() == b""
    assert wire.feed(b"b").take() == ok(b"POST /? ab")
    # Where the body is on its way already, nobody needs to ask for it.
    assert connect().feed(head + b"a").feed(b"b").take() == ok(b"POST /? ab")
    assert connect().feed(head + b"ab").take() == ok(b"POST /? ab")


def test_pipelined_requests_are_served_one_at_a_time() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park") + request("POST", "/b", ["Content-Length: 1"], b"x") + AFTER)
    assert [each.path for each in app.requests] == ["/park"]
    assert wire.take() == b""
    app.respond(app.channels[0], app_response())
    assert wire.pump().take() == ok(b"parked") + ok(b"POST /b? x") + ok(b"GET /after? ")


def app_response(body: bytes = b"parked", *headers: tuple[str, str]) -> Response:
    return Response(200, [("content-type", "text/plain"), *headers], body)


def test_pipelined_bytes_are_bounded() -> None:
    app = Echo()
    wire = connect(app, max_pipelined_size=100).feed(request("GET", "/park"))
    assert wire.connection.reading
    wire.feed(AFTER * 4)
    assert not wire.connection.reading
    app.respond(app.channels[0], app_response())
    assert wire.pump().connection.reading
    assert wire.take() == ok(b"parked") + ok(b"GET /after? ") * 4


def test_a_body_behind_a_parked_request_is_no_mistake() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park")).feed(request("POST", "/", ["Content-Length: 2"], b"a"))
    app.respond(app.channels[0], app_response())
    assert wire.pump().take() == ok(b"parked")
    assert wire.feed(b"b").take() == ok(b"POST /? ab")


def test_the_application_may_end_the_connection() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park") + AFTER)
    app.respond(app.channels[0], app_response(b"bye", ("Connection", "close"), ("content-length", "99")))
    assert wire.pump().take() == ok(b"bye", "connection: close")
    assert wire.end == "closing"


def test_the_application_may_cut_the_connection() -> None:
    wire = connect().feed(request("GET", "/cut"))
    assert wire.take() == b""
    assert wire.end == "closing"


def test_actions_after_the_response_are_void() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park"))
    channel = app.channels[0]
    app.act(channel, Respond(channel, app_response()), Respond(channel, app_response()))
    app.act(channel, CloseChannel(channel), AcceptWebSocket(channel, 1), SendMessages(channel, [Outgoing(("a",))]))
    assert wire.pump().take() == ok(b"parked")
    assert wire.end == ""
    assert wire.feed(AFTER).take() == ok(b"GET /after? ")


@pytest.mark.parametrize("code", [204, 304])
def test_responses_without_a_body(code: int) -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park"))
    app.respond(app.channels[0], Response(code, [], b"not sent"))
    assert status(wire.pump().sent) == code
    assert wire.take().endswith(b"\r\n\r\n")


def test_a_status_without_a_name() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park"))
    app.respond(app.channels[0], Response(299))
    assert wire.pump().take() == b"HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize("response", [Response(200, [("a", "b\r\nc: d")]), Response(200, [("a:", "b")]), Response(101)])
def test_a_response_that_cannot_be_sent(response: Response, caplog: pytest.LogCaptureFixture) -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park"))
    app.respond(app.channels[0], response)
    assert status(wire.pump().take()) == 500
    assert caplog.records[0].name == "sansio_eio.http"


def test_a_long_response_is_handed_out_in_pieces() -> None:
    wire = connect()
    wire.connection.receive_data(request("GET", "/long") + AFTER, now=0.0)
    sizes: list[int] = []
    while ready := wire.endpoint.take_ready():
        assert ready == [wire.connection]
        data = wire.connection.data_to_send(now=0.0)
        sizes.append(len(data))
        wire.sent += data
    assert max(sizes) == 65536
    assert wire.take().endswith(b"x" * 200_000 + ok(b"GET /after? "))


def test_reading_stops_on_request() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park"))
    app.act(app.channels[0], SetReading(app.channels[0], enabled=False))
    assert not wire.pump().connection.reading
    app.respond(app.channels[0], app_response())
    assert wire.pump().connection.reading


class _Broken(h11.Connection):
    """An h11 with a bug."""

    def __init__(self, events: Sequence[object]) -> None:
        super().__init__(h11.SERVER)
        self._events = iter(events)

    def next_event(self) -> Any:
        for event in self._events:
            return event
        raise UnicodeError("a bug")


REQUEST = h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "3")])


@pytest.mark.parametrize("events", [[], [REQUEST], [h11.NEED_DATA]])
def test_an_exception_of_h11_stops_here(
    events: Sequence[object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(our_role: object, max_incomplete_event_size: int) -> h11.Connection:
        return _Broken(events)

    monkeypatch.setattr(h11, "Connection", broken)
    assert status(connect().feed(request("POST", "/", ["Content-Length: 3"])).take()) == 400
    assert len(caplog.records) == (events != [h11.NEED_DATA])


def test_an_upgrade_that_is_none_is_not_served_as_a_request() -> None:
    app = Echo()
    wire = connect(app).feed(handshake("/", Connection=""))
    assert status(wire.take()) == 400
    assert app.requests == []
