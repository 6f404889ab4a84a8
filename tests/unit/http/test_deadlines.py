"""Slow peers: each stage has its deadline, which drops of bytes do not extend."""

import pytest

from sansio_eio import Response
from tests.unit.http.support import Echo, connect, handshake, request, split, status


def test_a_peer_that_says_nothing() -> None:
    wire = connect(header_timeout=10.0)
    assert wire.wait(9.9).end == ""
    assert wire.wait(0.2).end == "closing"
    assert wire.take() == b""


def test_a_head_that_drips_in() -> None:
    wire = connect(header_timeout=10.0)
    for byte in split(request()[:20]):
        assert wire.end == ""
        wire.feed(byte).wait(0.5)
    assert status(wire.take()) == 408
    assert wire.end == "half closed"
    # Nor is it waited for longer than this to go away.
    assert wire.wait(9.9).end == "half closed"
    assert wire.wait(0.2).end == "closing"


def test_a_body_that_drips_in() -> None:
    wire = connect(body_timeout=5.0).wait(1.0).feed(request("POST", "/", ["Content-Length: 100"]))
    for _ in range(10):
        assert wire.end == ""
        wire.feed(b"x").wait(0.5)
    assert status(wire.take()) == 408


def test_keep_alive() -> None:
    wire = connect(keep_alive_timeout=5.0, header_timeout=3.0).feed(request())
    assert wire.wait(4.0).feed(request()).end == ""
    assert wire.wait(4.9).end == ""
    assert wire.feed(b"G").wait(2.9).end == ""
    wire.take()
    assert status(wire.wait(0.2).take()) == 408


def test_empty_lines_are_no_request() -> None:
    wire = connect(keep_alive_timeout=5.0, header_timeout=3.0).feed(request())
    for _ in range(6):
        assert wire.end == ""
        wire.feed(b"\r\n").wait(0.5)
    assert wire.end == "closing"


def test_keep_alive_ends_in_silence() -> None:
    wire = connect(keep_alive_timeout=5.0).feed(request())
    wire.take()
    assert wire.wait(5.1).end == "closing"
    assert wire.take() == b""


def test_a_parked_request_and_a_websocket_have_none_here() -> None:
    assert connect().feed(request("GET", "/park")).wait(10_000.0).end == ""
    assert connect().feed(handshake()).wait(10_000.0).end == ""


def test_a_second_head_has_its_own() -> None:
    app = Echo()
    wire = connect(app, header_timeout=5.0).feed(request("GET", "/park") + b"GET ").wait(100.0)
    app.respond(app.channels[0], Response(204))
    assert wire.pump().wait(4.9).end == ""
    wire.take()
    assert status(wire.wait(0.2).take()) == 408


def test_a_peer_that_takes_no_bytes() -> None:
    wire = connect(write_timeout=7.0).feed(request("GET", "/long"))
    wire.connection.pause_writing(now=wire.now)
    wire.connection.pause_writing(now=wire.now)
    assert wire.wait(6.9).end == ""
    assert wire.wait(0.2).end == "aborted"


def test_a_peer_that_takes_bytes_again() -> None:
    wire = connect(write_timeout=7.0).feed(request("GET", "/park"))
    wire.connection.pause_writing(now=wire.now)
    wire.wait(6.9).connection.resume_writing(now=wire.now)
    wire.connection.resume_writing(now=wire.now)
    assert wire.wait(100.0).end == ""


def test_a_connection_that_does_not_close() -> None:
    wire = connect(write_timeout=7.0).feed(request("GET", "/", ["Connection: close"]))
    assert wire.end == "closing"
    assert wire.wait(6.9).end == "closing"
    assert wire.wait(0.2).end == "aborted"


def test_nothing_is_left_of_a_lost_connection() -> None:
    wire = connect().feed(request("GET", "/park"))
    wire.connection.pause_writing(now=0.0)
    wire.lose()
    assert wire.endpoint.next_deadline() is None
    assert wire.endpoint.take_ready() == []
    assert wire.endpoint.connections == frozenset()
    wire.connection.pause_writing(now=0.0)
    assert wire.feed(request()).take() == b""
    assert wire.endpoint.next_deadline() is None


@pytest.mark.parametrize("data", [b"", b"GET", request("POST", "/", ["Content-Length: 3"], b"x")])
def test_eof_before_the_request_is_complete(data: bytes) -> None:
    app = Echo()
    wire = connect(app).feed(data).eof()
    assert wire.end == "closing"
    assert wire.take() == b""
    assert app.channels == []


def test_eof_ends_an_exchange() -> None:
    app = Echo()
    wire = connect(app).feed(request("GET", "/park")).eof()
    assert app.closed == [(app.channels[0], None)]
    assert wire.end == "closing"


def test_eof_does_not_cut_a_response_short() -> None:
    wire = connect()
    wire.connection.receive_data(request("GET", "/long"), now=0.0)
    wire.endpoint.take_ready()
    start = wire.connection.data_to_send(now=0.0)
    wire.connection.receive_eof(now=0.0)
    assert wire.end == ""
    assert (start + wire.pump().take()).endswith(b"\r\n\r\n" + b"x" * 200_000)
    assert wire.end == "closing"
