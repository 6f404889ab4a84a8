"""Requests of those who are no clients."""

import gzip
from typing import Any

import pytest

from sansio_eio import EngineServer, LocalProtocolError, Server
from sansio_eio.engineio import Request, Response
from sansio_eio.http import Router
from sansio_eio.testing import Network, NetworkAssertionError
from sansio_eio_asyncio.testing import open_network, run


def answer(request: Request) -> Response:
    """It says what it was asked."""
    if request.path == "/cached":
        return Response(304, [("etag", "x")])
    if request.header("accept-encoding") == "gzip":
        return Response(200, [("content-encoding", "gzip")], gzip.compress(b"small"))
    text = f"{request.method} {request.path} {request.query} {request.header('x-a')} {request.header('host')}"
    return Response(200, [("X-B", "2")], text.encode() + b" " + request.body)


def test_a_fallback() -> None:
    with Network(Router({"/socket.io/": Server()}, answer)) as net:
        response = net.request("GET", "/health?x=1", {"x-a": "1"})
        assert (response.status, response.body) == (200, b"GET /health x=1 1 localhost ")
        assert dict(response.headers)["x-b"] == "2"
        assert net.request("PUT", "/page", [("host", "example")], b"body").body == b"PUT /page  None example body"
        assert net.request("POST", "/page").body == b"POST /page  None localhost "
        head = net.request("HEAD", "/health")
        assert (head.status, head.body) == (200, b"")
        assert net.request("GET", "/cached").status == 304
        assert net.request("GET", "/page", {"accept-encoding": "gzip"}).body == b"small"
        assert str(net.transcript).splitlines()[:2] == [
            "    0.000  -     -> http  GET /health?x=1",
            "    0.000  -     <- http  200",
        ]
        assert net.now == 0.0


def test_a_preflight() -> None:
    io = Server(cors_allowed_origins=["https://app.example"])
    with Network(io) as net:
        asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
        response = net.request("OPTIONS", "/socket.io/?EIO=4&transport=polling", asked)
        assert response.status == 204
        assert dict(response.headers)["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("options", [{"latency": 0.5}, {"split": 1}, {"seed": 3}])
def test_slow_lines_and_pieces(options: Any) -> None:
    with Network(Router({}, answer), **options) as net:
        assert net.request("GET", "/").status == 200
        assert net.now == (1.0 if "latency" in options else 0.0)


def test_no_answer() -> None:
    with Network(EngineServer()) as net:
        poll = "/engine.io/?EIO=4&transport=polling"
        assert net.request("GET", poll).body.startswith(b'0{"sid":"session-000000000001"')
        with pytest.raises(NetworkAssertionError, match=r"GET /.*-000000000001 has not been answered"):
            net.request("GET", f"{poll}&sid=session-000000000001")
        assert net.now == 20.0


class FragileNetwork(Network):
    """One whose server can be killed."""

    def kill(self, request: Request) -> Response:
        """Instead of an answer."""
        self._endpoint.cut()
        return Response(200)


def test_a_connection_that_dies() -> None:
    def kill(request: Request) -> Response:
        return net.kill(request)

    with FragileNetwork(Router({}, kill)) as net:
        with pytest.raises(NetworkAssertionError, match="GET / has not been answered"):
            net.request("GET", "/")
        assert str(net.transcript).endswith("-     <- http  lost")
        assert net.now == 0.0


def test_a_server_that_is_full() -> None:
    with Network(Server(), max_connections=1) as net:
        net.connect(transport="websocket")
        assert net.request("GET", "/").status == 503


@pytest.mark.parametrize(
    ("method", "target"),
    [("", "/"), ("GET /", "/"), ("GÉT", "/"), ("GET", ""), ("GET", "x"), ("GET", "/a b"), ("GET", "/\n")],
)
def test_what_is_no_request(method: str, target: str) -> None:
    with Network(Server()) as net:
        with pytest.raises(LocalProtocolError):
            net.request(method, target)
        assert str(net.transcript) == ""


@pytest.mark.parametrize("headers", [[("a", 1)], "cookie", 5, {"a": None}])
def test_what_are_no_headers(headers: Any) -> None:
    with Network(Server()) as net, pytest.raises(LocalProtocolError, match="headers are a dict, or pairs of a name"):
        net.request("GET", "/", headers)


def test_a_body_that_is_too_large() -> None:
    io = Server(max_http_buffer_size=100)
    with Network(io) as net:
        handshake = net.request("GET", "/socket.io/?EIO=4&transport=polling")
        sid = handshake.body[8:28].decode()
        response = net.request("POST", f"/socket.io/?EIO=4&transport=polling&sid={sid}", body=b"x" * 101)
        assert (response.status, response.body) == (413, b"")


def test_on_an_event_loop() -> None:
    async def test() -> None:
        async with open_network(Router({}, answer)) as net:
            assert (await net.request("GET", "/")).status == 200

    run(test)
