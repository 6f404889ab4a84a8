"""What servers answer to a client's request: whole, byte by byte, and with something behind it."""

import h11
import pytest

from sansio_eio import Response
from tests.unit.http.client_support import Net, asked, response
from tests.unit.http.support import split

OK = Response(200, [("content-length", "3")], b"abc")
# Bytes, whether the end of file belongs to them, the response, and whether the connection is kept.
RESPONSES: dict[str, tuple[bytes, bool, Response, bool]] = {
    "plain": (response(b"abc"), False, OK, True),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", False, OK, True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", False, OK, True),
    "informational ones before": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + response(b"abc"),
        False,
        OK,
        True,
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n",
        False,
        Response(200, [("transfer-encoding", "chunked")], b"abc"),
        True,
    ),
    "up to the end": (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nabc", True, Response(200, [("a", "b")], b"abc"), False),
    "empty up to the end": (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", True, Response(200, [("a", "b")]), False),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", False, Response(204), True),
    "not modified": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        False,
        Response(304, [("content-length", "9")]),
        True,
    ),
    "that is the last": (
        response(b"abc", "Connection: a, Close"),
        False,
        Response(200, [("connection", "a, Close"), ("content-length", "3")], b"abc"),
        False,
    ),
    "of HTTP/1.0": (response(b"abc", version="1.0"), False, OK, False),
    "an error": (
        response(b'{"code":1}', "Set-Cookie: a=b", "Set-Cookie: \xe4", status="400 Bad Request"),
        False,
        Response(400, [("set-cookie", "a=b"), ("set-cookie", "\xe4"), ("content-length", "10")], b'{"code":1}'),
        True,
    ),
    "folded": (
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        False,
        Response(200, [("a", "b c"), ("content-length", "0")]),
        True,
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_responses(name: str) -> None:
    data, eof, expected, kept = RESPONSES[name]
    for chunks in ([data], list(split(data))):
        net = Net()
        line = asked(net).feed(*chunks)
        if eof:
            assert net.app.responses == []
            line.eof()
        assert [each for _, each in net.app.responses] == [expected]
        assert net.app.closed == []
        assert (line.end, line.connection.idle) == ("" if kept else "closing", kept)
        assert line.lose().end == ""
        assert (net.app.closed, net.endpoint.next_deadline()) == ([], None)


def test_a_response_to_head_has_no_body() -> None:
    net = Net()
    line = asked(net, "HEAD").feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
    assert net.app.responses[0][1] == Response(200, [("content-length", "3")])
    assert line.connection.idle


def test_bytes_behind_a_response_end_the_connection() -> None:
    net = Net()
    line = asked(net).feed(response(b"abc") + b"H")
    assert net.app.responses[0][1] == OK
    assert line.end == "closing"
    # When they come later, too,
    later = asked(net).feed(response(b"abc"))
    assert later.end == ""
    assert later.feed(b"H").end == "closing"
    # and then nothing matters any more.
    assert later.feed(b"TTP").eof().end == "closing"
    assert len(net.app.responses) == 2
    assert net.app.closed == []


# Bytes, whether the end of file belongs to them, and the error.
ERRORS: dict[str, tuple[bytes, bool, str]] = {
    "nothing": (b"", True, "the server closed the connection before it answered"),
    "half a head": (b"HTTP/1.1 200 OK\r\n", True, "the server closed the connection before it answered"),
    "only an informational one": (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        True,
        "the server closed the connection before it answered",
    ),
    "half a body": (response(b"abc")[:-1], True, "peer closed connection without sending complete message body"),
    "half a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        True,
        "peer closed connection without sending complete message body",
    ),
    "no last chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        True,
        "peer closed connection without sending complete message body",
    ),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2", False, "the response is not HTTP"),
    "TLS": (b"\x15\x03\x01\x00\x02\x02\x50", False, "the response is not HTTP"),
    "an empty line": (b"\r\n" + response(b"abc"), False, "the response is not HTTP"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", False, "illegal status line"),
    "status 99": (b"HTTP/1.1 099 OK\r\n\r\n", False, "InformationalResponse status_code should be in range"),
    "HTTP/2": (b"HTTP/2.0 200 OK\r\n\r\n", False, "the server does not speak HTTP/1.1"),
    "an upgrade that nobody asked for": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        False,
        "Received server",
    ),
    "a header without a name": (b"HTTP/1.1 200 OK\r\n: b\r\n\r\n", False, "illegal header line"),
    "a bare CR": (b"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", False, "illegal header line"),
    "lengths that differ": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        False,
        "conflicting Content-Length headers",
    ),
    "two ways to tell the length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        False,
        "the length of the response is ambiguous",
    ),
    "an unknown encoding": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        False,
        "Only Transfer-Encoding: chunked is supported",
    ),
    "a chunk without a length": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        False,
        "illegal chunk header",
    ),
    "too many header fields": (
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 11 + b"\r\n",
        False,
        "the response has too many header fields",
    ),
    "a head that is too large": (
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 600,
        False,
        "the head of the response is too large",
    ),
    "a head that is too large, all at once": (
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 600 + b"\r\n\r\n",
        False,
        "the head of the response is too large",
    ),
    "too many chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 21,
        False,
        "the body has too many chunks",
    ),
    "a body that is too large": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 1001,
        False,
        "the response is too large",
    ),
    "a body that is too large, up to the end": (
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        False,
        "the response is too large",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    data, eof, error = ERRORS[name]
    for chunks in ([data], list(split(data)), [data + b"trailing"] if not eof else [data]):
        net = Net(max_header_count=10, max_header_size=500, max_chunk_count=20)
        line = asked(net).feed(*chunks)
        if eof:
            line.eof()
        assert net.app.responses == []
        assert len(net.app.closed) == 1
        assert str(net.app.closed[0][1]).startswith(error)
        assert line.end == "closing"
        assert line.lose().net.endpoint.done is False
        assert len(net.app.closed) == 1


def test_a_body_of_just_the_limit() -> None:
    net = Net()
    asked(net).feed(response(b"x" * 1000))
    assert net.app.responses[0][1].body == b"x" * 1000


def test_an_exception_of_h11_stops_here(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def next_event(self: h11.Connection) -> None:
        raise IndexError("a bug")

    net = Net()
    with monkeypatch.context() as patched:
        patched.setattr(h11.Connection, "next_event", next_event)
        asked(net).feed(response())
    assert [error for _, error in net.app.closed] == ["the response cannot be parsed"]
    assert len(caplog.records) == 1
