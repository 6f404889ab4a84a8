"""The HTTP face by hand: the table of errors, limits, and the answers to peers that break the rules."""

import json

import pytest

from tests.conformance.raw import POLLING, WEBSOCKET, Polling, RefusedError, WebSocket, refused, request, start
from tests.conformance.servers import Server

PATH = "/engine.io/"
#: Where old clients are not served.
NEW = "/new/engine.io/"
UNKNOWN_TRANSPORT = {"code": 0, "message": "Transport unknown"}
UNKNOWN_SID = {"code": 1, "message": "Session ID unknown"}
BAD_METHOD = {"code": 2, "message": "Bad handshake method"}
BAD_REQUEST = {"code": 3, "message": "Bad request"}
FORBIDDEN = {"code": 4, "message": "Forbidden"}
UNSUPPORTED = {"code": 5, "message": "Unsupported protocol version"}


@pytest.mark.parametrize(
    ("method", "query", "error"),
    [
        ("GET", "", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=abc", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=constructor", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=__proto__", UNKNOWN_TRANSPORT),
        ("GET", "EIO=4&transport=webtransport", UNKNOWN_TRANSPORT),
        ("POST", "EIO=4&transport=abc", UNKNOWN_TRANSPORT),
        ("GET", f"{POLLING}&sid=nobody", UNKNOWN_SID),
        ("POST", f"{POLLING}&sid=nobody", UNKNOWN_SID),
        ("PUT", f"{POLLING}&sid=nobody", UNKNOWN_SID),
        ("GET", f"{POLLING}&sid=__proto__", UNKNOWN_SID),
        ("GET", f"{POLLING}&sid=constructor", UNKNOWN_SID),
        ("GET", f"{POLLING}&sid=%00%FF", UNKNOWN_SID),
        ("POST", POLLING, BAD_METHOD),
        ("PUT", POLLING, BAD_METHOD),
        ("DELETE", POLLING, BAD_METHOD),
        ("OPTIONS", POLLING, BAD_METHOD),
        ("GET", WEBSOCKET, BAD_REQUEST),
    ],
)
def test_error(server: Server, method: str, query: str, error: dict[str, object]) -> None:
    assert request(server, method, f"{PATH}?{query}").error == (400, error)


@pytest.mark.parametrize("revision", ["", "EIO=&", "EIO=abc&", "EIO=3&", "EIO=5&"])
def test_other_revision(server: Server, revision: str) -> None:
    assert request(server, "GET", f"{NEW}?{revision}transport=polling").error == (400, UNSUPPORTED)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_transport_of_another_kind(server: Server, method: str) -> None:
    session = Polling(server)
    assert request(server, method, f"{PATH}?{WEBSOCKET}&sid={session.sid}").error == (400, BAD_REQUEST)
    assert session.is_known


def test_other_revision_in_the_middle(server: Server) -> None:
    session = Polling(server)
    answer = request(server, "GET", f"{PATH}?EIO=3&transport=polling&sid={session.sid}")
    assert answer.error == (400, BAD_REQUEST)
    assert session.is_known


def test_refused_by_the_application(server: Server) -> None:
    path = "/refuse/engine.io/"
    assert request(server, "GET", f"{path}?{POLLING}").error == (403, FORBIDDEN)
    assert request(server, "GET", f"{path}?{POLLING}&why=not+today+%E2%98%83").error == (
        403,
        {"code": 4, "message": "not today ☃"},
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_method_without_a_meaning(server: Server, method: str) -> None:
    session = Polling(server)
    answer = request(server, method, session.target)
    assert (answer.status, answer.body) == (500, b"")
    session.push("4still here")
    assert session.poll() == "4still here"


def test_path_that_nobody_serves(server: Server) -> None:
    assert request(server, "GET", f"/nowhere/?{POLLING}").status == 404


def test_responses_of_a_session(server: Server) -> None:
    """`Polling` looks at the headers of every answer."""
    session = Polling(server)
    assert session.opening.headers["content-type"] == "text/plain; charset=UTF-8"
    assert session.opening.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in session.opening.headers
    assert "set-cookie" not in session.opening.headers
    assert session.handshake == {
        "sid": session.sid,
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }
    session.push("4ä☃😀")
    assert session.poll() == "4ä☃😀"


@pytest.mark.parametrize("path", ["/polling/engine.io/", "/stay/engine.io/"])
def test_no_upgrades_are_offered(server: Server, path: str) -> None:
    assert Polling(server, path).handshake["upgrades"] == []


def test_disabled_transport(server: Server) -> None:
    assert request(server, "GET", f"/polling/engine.io/?{WEBSOCKET}").error == (400, UNKNOWN_TRANSPORT)


def test_cookie(server: Server) -> None:
    session = Polling(server, "/cookie/engine.io/")
    assert session.opening.headers["set-cookie"] == f"io={session.sid}; Path=/; HttpOnly; SameSite=Lax"
    session.push("4x")
    poll = request(server, "GET", session.target)
    assert (poll.text, poll.headers.get("set-cookie")) == ("4x", None)
    websocket = WebSocket(server, f"/cookie/engine.io/?{WEBSOCKET}")
    assert "set-cookie" not in websocket.head.lower()
    websocket.close()


def test_old_internet_explorer(server: Server) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko"}
    assert Polling(server, headers=agent).opening.headers["x-xss-protection"] == "0"


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip", "gzip"), ("deflate", "deflate"), ("br", None), ("", None)])
def test_compression(server: Server, accepted: str, encoding: str | None) -> None:
    session = Polling(server)
    session.push("4" + "x" * 2000)
    answer = request(server, "GET", session.target, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert (len(answer.body) < 2000) == (encoding is not None)
    session.push("4short")
    answer = request(server, "GET", session.target, headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding"), answer.text) == (None, "4short")


# -- limits ------------------------------------------------------------------------------------------------------------


def test_body_over_the_limit(server: Server) -> None:
    session = Polling(server)
    answer = request(server, "POST", session.target, "4" + "x" * 1_000_000)
    assert (answer.status, answer.body) == (413, b"")
    session.push("4" + "x" * 999_999)
    assert session.poll() == "4" + "x" * 999_999


def test_chunked_body(server: Server) -> None:
    session = Polling(server)
    connection = start(server, "GET", session.target)
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b"4", b"hel", b"lo\x1e4yo", b"u")) + b"0\r\n\r\n"
    # http.client frames an iterable in chunks, but not where we want: so the chunks are made here.
    answer = request(server, "POST", session.target, body, {"Transfer-Encoding": "chunked"})
    assert (answer.status, answer.text) == (200, "ok")
    payload = connection.answer().text
    if payload == "4hello":
        payload += "\x1e" + session.poll()
    assert payload == "4hello\x1e4you"


def test_message_over_the_limit_on_a_websocket(server: Server) -> None:
    websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}")
    sid = json.loads(str(websocket.receive())[1:])["sid"]
    websocket.send("4" + "x" * 1_000_000)
    assert websocket.closed() == []
    assert websocket.code == 1009
    assert server.logged("close", id=sid)["reason"] == "transport error"


def test_message_at_the_limit_on_a_websocket(server: Server) -> None:
    websocket = WebSocket(server, f"{PATH}?{WEBSOCKET}")
    websocket.receive()
    websocket.send("4" + "x" * 999_999)
    assert websocket.receive() == "4" + "x" * 999_999
    websocket.close()


# -- refused upgrades --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("EIO=4&transport=abc", "Transport unknown"),
        ("EIO=4", "Transport unknown"),
        (f"{WEBSOCKET}&sid=nobody", "Session ID unknown"),
    ],
)
def test_upgrade_that_is_refused(server: Server, query: str, message: str) -> None:
    refusal = refused(server, f"{PATH}?{query}")
    assert (refusal.status, refusal.body) == (400, message)
    head = refusal.head.lower()
    assert "connection: close" in head
    assert "content-type: text/html" in head


def test_upgrade_of_another_revision(server: Server) -> None:
    """The reference takes the handshake before it looks at the revision; either way there is no session."""
    try:
        assert WebSocket(server, f"{NEW}?EIO=3&transport=websocket").closed() == []
    except RefusedError as refusal:
        if (refusal.status, refusal.body) != (400, "Unsupported protocol version"):
            raise


@pytest.mark.parametrize(("why", "message"), [("", "Forbidden"), ("not+today", "not today")])
def test_upgrade_that_the_application_refuses(server: Server, why: str, message: str) -> None:
    refusal = refused(server, f"/refuse/engine.io/?{WEBSOCKET}&why={why}")
    assert (refusal.status, refusal.body) == (400, message)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": ""},
        {"Sec-WebSocket-Version": "12"},
    ],
)
def test_handshake_that_is_not_one(server: Server, headers: dict[str, str]) -> None:
    refusal = refused(server, f"{PATH}?{WEBSOCKET}", headers)
    assert refusal.status in (400, 426)
