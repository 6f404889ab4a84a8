"""The responses of Engine.IO."""

import gzip
import zlib

import pytest

from sansio_eio.engineio import Request, responses


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        (0, 400, b'{"code":0,"message":"Transport unknown"}'),
        (1, 400, b'{"code":1,"message":"Session ID unknown"}'),
        (2, 400, b'{"code":2,"message":"Bad handshake method"}'),
        (3, 400, b'{"code":3,"message":"Bad request"}'),
        (4, 403, b'{"code":4,"message":"Forbidden"}'),
        (5, 400, b'{"code":5,"message":"Unsupported protocol version"}'),
    ],
)
def test_the_table_of_errors(code: int, status: int, body: bytes) -> None:
    response = responses.error(code, responses.MESSAGES[code])
    assert (response.status, response.headers, response.body) == (status, [("Content-Type", "application/json")], body)


def test_an_error_with_a_status_of_its_own_and_any_text() -> None:
    assert responses.error(4, "n€in", status=503).status == 503
    assert responses.error(4, 'a"b€').body == '{"code":4,"message":"a\\"b€"}'.encode()
    assert responses.error(4, "\ud800").body == b'{"code":4,"message":"?"}'


def test_the_refusal_of_a_websocket_is_the_text_alone() -> None:
    response = responses.upgrade_error("Bad request")
    assert response.status == 400
    assert response.headers == [("Content-Type", "text/html"), ("Connection", "close")]
    assert response.body == b"Bad request"
    assert responses.upgrade_error("\ud800", status=403).body == b"?"


@pytest.mark.parametrize(
    ("agent", "protected"),
    [
        ("Mozilla/4.0 (compatible;MSIE 8.0)", True),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0)", True),
        ("Mozilla/5.0 Firefox", False),
        (None, False),
    ],
)
def test_old_explorers_are_told_to_leave_payloads_alone(agent: str | None, protected: bool) -> None:
    request = Request("GET", "/", headers=[("user-agent", agent)] if agent else [])
    headers = responses.session_headers(request)
    assert headers[0] == ("Cache-Control", "no-store")
    assert (("X-XSS-Protection", "0") in headers) is protected


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate", "deflate"),
        ("deflate, gzip", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("gzip; q=0.5 , deflate ; q=0.4", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, deflate", "deflate"),
        ("gzip;q=nan, deflate;q=x", None),
        ("br, zstd, identity", None),
        ("gzip;level=9", "gzip"),
    ],
)
def test_the_coding_that_the_client_likes_best(accept: str | None, encoding: str | None) -> None:
    headers = [] if accept is None else [("accept-encoding", accept)]
    assert responses.accepted_encoding(Request("GET", "/", headers=headers)) == encoding


def test_both_codings() -> None:
    body = b"4" + b"x" * 5000
    assert gzip.decompress(responses.compress_body(body, "gzip")) == body
    assert zlib.decompress(responses.compress_body(body, "deflate")) == body
    assert responses.compress_body(body, "gzip") == responses.compress_body(body, "gzip")
    assert len(responses.compress_body(body, "gzip")) < 200
