"""Who may connect from a browser."""

import pytest

from tests.conformance.raw import POLLING, WEBSOCKET, Polling, WebSocket, refused, request
from tests.conformance.servers import Server

ONE = {"Origin": "http://one.example"}
THREE = {"Origin": "http://three.example"}


def own(server: Server) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{server.port}"}


def test_same_origin(server: Server) -> None:
    session = Polling(server, headers=own(server))
    assert "access-control-allow-origin" not in session.opening.headers
    WebSocket(server, f"/engine.io/?{WEBSOCKET}", own(server)).close()


def test_no_origin(server: Server) -> None:
    """Not a browser."""
    Polling(server)
    WebSocket(server, f"/engine.io/?{WEBSOCKET}").close()


@pytest.mark.parametrize("origin", ["http://one.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_other_origin(server: Server, origin: str) -> None:
    answer = request(server, "GET", f"/engine.io/?{POLLING}", headers={"Origin": origin})
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


def test_other_origin_on_a_websocket(server: Server) -> None:
    assert refused(server, f"/engine.io/?{WEBSOCKET}", ONE).status == 403


def test_other_origin_in_an_open_session(server: Server) -> None:
    session = Polling(server)
    assert request(server, "POST", session.target, "4x", ONE).status == 403
    assert refused(server, f"/engine.io/?{WEBSOCKET}&sid={session.sid}", ONE).status == 403
    assert session.is_known


def test_any_origin(server: Server) -> None:
    session = Polling(server, "/cors/any/engine.io/", ONE)
    assert session.opening.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in session.opening.headers
    answer = request(server, "POST", session.target, "4x", ONE)
    assert answer.headers["access-control-allow-origin"] == "*"
    WebSocket(server, f"/cors/any/engine.io/?{WEBSOCKET}", ONE).close()


def test_origin_of_the_list(server: Server) -> None:
    session = Polling(server, "/cors/list/engine.io/", ONE)
    session.push("4x")
    for answer in (session.opening, request(server, "GET", session.target, headers=ONE)):
        assert answer.headers["access-control-allow-origin"] == "http://one.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "origin" in answer.headers["vary"].lower()
    WebSocket(server, f"/cors/list/engine.io/?{WEBSOCKET}", ONE).close()


def test_errors_can_be_read_by_the_page(server: Server) -> None:
    answer = request(server, "GET", f"/cors/list/engine.io/?{POLLING}&sid=nobody", headers=ONE)
    assert answer.error == (400, {"code": 1, "message": "Session ID unknown"})
    assert answer.headers["access-control-allow-origin"] == "http://one.example"


def test_origin_that_is_not_in_the_list(server: Server) -> None:
    answer = request(server, "GET", f"/cors/list/engine.io/?{POLLING}", headers=THREE)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    assert refused(server, f"/cors/list/engine.io/?{WEBSOCKET}", THREE).status == 403


def test_preflight(server: Server) -> None:
    asked = {**ONE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-mine"}
    answer = request(server, "OPTIONS", f"/cors/list/engine.io/?{POLLING}", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "http://one.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-headers"] == "content-type,x-mine"
    assert {"GET", "POST"} <= set(answer.headers["access-control-allow-methods"].replace(" ", "").split(","))


def test_preflight_of_another_origin(server: Server) -> None:
    asked = {**THREE, "Access-Control-Request-Method": "POST"}
    answer = request(server, "OPTIONS", f"/cors/list/engine.io/?{POLLING}", headers=asked)
    assert "access-control-allow-origin" not in answer.headers
