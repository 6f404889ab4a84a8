"""Bodies that are not there with the head: announced, completed, cut, too large, useless; and what a session sees."""

from collections.abc import Callable, Iterable
from http import HTTPStatus

import pytest

from sansio_eio import EngineServer, Request, Response, Session
from sansio_eio.http import Router, ServerEndpoint
from tests.unit.http.support import Echo, Wire, connect, ok, request, split, status

AFTER = request("GET", "/after")
CHUNKED = "Transfer-Encoding: chunked"
# Python renames it from time to time.
TOO_LARGE = f"HTTP/1.1 413 {HTTPStatus(413).phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()

WHOLE = {
    "length": request("POST", "/a", ["Content-Length: 4"], b"body"),
    "chunked": request("POST", "/a", [CHUNKED], b"1\r\nb\r\n3\r\nody\r\n0\r\n\r\n"),
    "empty, chunked": request("POST", "/a", [CHUNKED], b"0\r\n\r\n"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_is_announced_once_before_it_is_complete(name: str) -> None:
    app = Echo()
    wire = connect(app).feed(*split(WHOLE[name] + AFTER))
    ((channel, head),) = app.started
    assert channel is app.channels[0]
    assert head is app.requests[0]
    assert wire.take() == ok(b"POST /a? " + head.body) + ok(b"GET /after? ")
    assert app.closed == []


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_that_is_there_at_once_needs_no_announcement(name: str) -> None:
    app = Echo()
    connect(app).feed(WHOLE[name])
    assert (app.started, len(app.requests)) == ([], 1)


def test_a_request_without_a_body_is_not_announced() -> None:
    app = Echo()
    connect(app).feed(*split(request() + request("POST", "/", ["Content-Length: 0"])))
    assert (app.started, len(app.requests)) == ([], 2)


def test_a_body_that_is_announced_too_large_is_refused_unseen() -> None:
    data = request("POST", "/", ["Content-Length: 1001"])
    for chunks in ([data], list(split(data))):
        app = Echo()
        wire = connect(app).feed(*chunks)
        assert wire.take() == TOO_LARGE
        assert wire.end == "half closed"
        assert (app.started, app.requests, app.closed) == ([], [], [])


@pytest.mark.parametrize("rest", [b"", b"x" * 9000 + b"\r\n0\r\n\r\n"])
def test_chunks_over_the_limit_are_for_the_application_to_refuse(rest: bytes) -> None:
    data = request("POST", "/", [CHUNKED], b"2711\r\n" + b"x" * 1001 + rest)
    for chunks in ([data], list(split(data))):
        app = Echo()
        wire = connect(app).feed(*chunks)
        assert wire.take() == TOO_LARGE
        assert app.requests[0].body == b"x" * 1001
        # What still comes is read and thrown away.
        assert wire.end == "half closed"
        assert wire.connection.reading
        assert wire.feed(AFTER).take() == b""
        assert app.closed == []
        assert wire.eof().end == "closing"


def test_the_rest_of_a_large_body_is_not_kept_while_the_application_thinks() -> None:
    app = Echo(body_limit=10)
    wire = connect(app, max_pipelined_size=100)
    wire.connection.receive_data(request("POST", "/", [CHUNKED], b"fff\r\n" + b"x" * 20), now=0.0)
    wire.connection.receive_data(b"x" * 200, now=0.0)
    assert not wire.connection.reading
    assert wire.pump().take() == TOO_LARGE
    assert wire.connection.reading


@pytest.mark.parametrize("headers", [["Content-Length: 9"], [CHUNKED]])
def test_an_answer_makes_the_body_useless(headers: list[str]) -> None:
    for data in ([b""], [b"5\r\nxx"], split(b"5\r\nxx")):
        app = Echo()
        wire = connect(app, close_timeout=3.0, body_timeout=1.0).feed(request("POST", "/overlap", headers), *data)
        assert wire.take() == b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        assert wire.end == "half closed"
        assert wire.feed(b"xx", AFTER).take() == b""
        assert (app.requests, app.closed) == ([], [])
        assert wire.wait(2.9).end == "half closed"
        assert wire.wait(0.2).end == "closing"


def test_an_answer_that_has_to_wait_is_not_cut_by_the_body_timeout() -> None:
    app = Echo()
    wire = connect(app, body_timeout=1.0).feed(request("POST", "/", ["Content-Length: 9"]))
    app.respond(app.started[0][0], Response(200, [], b"x" * 200_000))
    wire.endpoint.take_ready()
    start = wire.connection.data_to_send(now=0.0)
    wire.endpoint.take_ready()
    wire.connection.pause_writing(now=0.0)
    assert wire.wait(30.0).end == ""
    wire.connection.resume_writing(now=wire.now)
    assert (start + wire.pump().take()).endswith(b"\r\n\r\n" + b"x" * 200_000)
    assert wire.end == "half closed"


def test_the_application_may_cut_a_body_short() -> None:
    app = Echo()
    wire = connect(app).feed(request("POST", "/cut-early", ["Content-Length: 9"])).feed(b"x")
    assert wire.take() == b""
    # Not closed at once: a reset could destroy an earlier response that the peer has not read.
    assert wire.end == "half closed"
    assert (app.requests, app.closed) == ([], [])
    assert wire.eof().end == "closing"


def test_an_answer_to_a_body_that_has_become_complete_meanwhile() -> None:
    app = Echo()
    wire = connect(app)
    for data in (request("POST", "/overlap", ["Content-Length: 2"]), b"x", b"y"):
        wire.connection.receive_data(data, now=0.0)
    assert len(app.requests) == 1
    # The second answer is void.
    assert wire.pump().take() == b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
    assert wire.feed(AFTER).take() == ok(b"GET /after? ")


BROKEN = {
    "not a chunk": (b"1\r\nx\r\nz\r\n", 400),
    "too many chunks": (b"1\r\nx\r\n" * 4, 400),
    "long trailers": (b"0\r\n" + b"A: b\r\n" * 4000, 431),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_broken(name: str) -> None:
    data, code = BROKEN[name]
    data = request("POST", "/", [CHUNKED], data)
    for chunks in ([data], list(split(data))):
        app = Echo()
        wire = connect(app, max_chunk_count=3).feed(*chunks)
        assert status(wire.take()) == code
        assert wire.end == "half closed"
        (channel, error), *more = app.closed
        assert channel is app.started[0][0]
        assert str(error)
        assert more == []
        assert app.requests == []


def test_a_body_that_takes_too_long() -> None:
    app = Echo()
    wire = connect(app, body_timeout=5.0).feed(request("POST", "/", ["Content-Length: 9"], b"x")).wait(5.1)
    assert status(wire.take()) == 408
    assert wire.end == "half closed"
    ((channel, error),) = app.closed
    assert channel is app.started[0][0]
    assert str(error) == "the request body took too long"


@pytest.mark.parametrize("move", [Wire.eof, Wire.lose])
def test_a_peer_that_goes_in_the_middle_of_a_body(move: Callable[[Wire], Wire]) -> None:
    app = Echo()
    move(connect(app).feed(request("POST", "/", ["Content-Length: 9"], b"x")))
    assert app.closed == [(app.started[0][0], None)]
    assert app.requests == []


# -- a real session ----------------------------------------------------------------------------------------------------


class Site:
    """An engine with one session, and what becomes of it."""

    def __init__(self) -> None:
        self.engine = EngineServer(max_http_buffer_size=100, generate_id=lambda _: "id")
        self.endpoint = ServerEndpoint(self.engine, body_timeout=5.0)
        self.messages: list[str | bytes] = []
        self.reasons: list[str] = []

        @self.engine.on("connection")
        def connected(session: Session) -> None:
            session.on("message", self.messages.append)
            session.on("close", self.reasons.append)

        assert status(self.client().feed(request("GET", "/engine.io/?EIO=4&transport=polling")).take()) == 200
        self.run()

    def client(self) -> Wire:
        """Another connection."""
        return Wire(self.endpoint)

    def run(self) -> None:
        """Run the handlers."""
        for runnable in self.endpoint.take_runnable():
            assert runnable.step() is None


def post(headers: Iterable[str], body: bytes = b"") -> bytes:
    """A POST of the session."""
    return request("POST", "/engine.io/?EIO=4&transport=polling&sid=id", headers, body)


def test_a_session_gets_a_body_in_pieces() -> None:
    site = Site()
    assert status(site.client().feed(*split(post(["Content-Length: 6"], b"4hello"))).take()) == 200
    site.run()
    assert (site.messages, site.reasons) == (["hello"], [])


@pytest.mark.parametrize("second", [post(["Content-Length: 2"], b"4b"), post(["Content-Length: 2"]), post([CHUNKED])])
def test_a_post_beside_an_unfinished_one_ends_the_session(second: bytes) -> None:
    for chunks in ([second], list(split(second))):
        site = Site()
        first = site.client().feed(post(["Content-Length: 6"], b"4he"))
        assert status(site.client().feed(*chunks).take()) == 400
        site.run()
        assert (site.messages, site.reasons) == ([], ["transport error"])
        assert first.pump().end == "half closed"
        assert first.feed(b"llo").take() == b""


def too_late(wire: Wire) -> Wire:
    """The rest does not come."""
    return wire.wait(5.1)


def malformed(wire: Wire) -> Wire:
    """What comes is no chunk."""
    return wire.feed(b"z\r\n")


@pytest.mark.parametrize("move", [Wire.eof, Wire.lose, too_late, malformed])
def test_a_post_that_is_not_completed_ends_the_session(move: Callable[[Wire], Wire]) -> None:
    site = Site()
    move(site.client().feed(post([CHUNKED], b"3\r\n4he\r\n")))
    site.run()
    assert (site.messages, site.reasons) == ([], ["transport error"])


def test_a_post_that_is_too_large_leaves_the_session_alive() -> None:
    for body in (post(["Content-Length: 101"]), post([CHUNKED], b"65\r\n4" + b"x" * 100)):
        for chunks in ([body], list(split(body))):
            site = Site()
            wire = site.client().feed(*chunks)
            assert wire.take() == TOO_LARGE
            assert wire.end == "half closed"
            assert status(site.client().feed(post(["Content-Length: 2"], b"4a")).take()) == 200
            site.run()
            assert (site.messages, site.reasons) == (["a"], [])


# -- routed ------------------------------------------------------------------------------------------------------------


def test_a_head_is_routed() -> None:
    first, second = Echo(), Echo()
    router = Router({"/1/": first, "/2/": second}, lambda request: Response(200, [], request.body))
    wire = connect(router).feed(request("POST", "/2/", ["Content-Length: 2"]))
    assert (len(first.started), len(second.started)) == (0, 1)
    wire.lose()
    assert second.closed == [(second.started[0][0], None)]
    wire = connect(router).feed(request("POST", "/", ["Content-Length: 2"]), b"a", b"b")
    assert wire.take().endswith(b"\r\n\r\nab")
    connect(router).feed(request("POST", "/", ["Content-Length: 2"])).lose()
    assert (len(first.started), len(second.started)) == (0, 1)


def test_the_limit_of_the_fallback() -> None:
    seen: list[Request] = []

    def fallback(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    data = request("POST", "/", [CHUNKED], b"6\r\nxxxxxx")
    for chunks in ([data], list(split(data))):
        wire = connect(Router({}, fallback, max_body_size=5)).feed(*chunks)
        assert wire.take() == TOO_LARGE
        assert wire.end == "half closed"
    assert seen == []
