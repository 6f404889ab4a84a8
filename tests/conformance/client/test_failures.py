"""Servers that are not there, or are something else."""

import socket as sockets

import pytest

from tests.conformance.client.world import World, causes

pytestmark = pytest.mark.parametrize("transport", ["polling", "websocket"])
MESSAGES = {"polling": "xhr poll error", "websocket": "websocket error"}


async def test_wrong_path(world: World) -> None:
    watched = world.client(path="/nowhere/")
    error = await world.failure(watched)
    assert not watched.socket.active
    assert (error.message, error.status, error.data) == (MESSAGES[world.transport], 404, "")
    assert error.__cause__ is None


async def test_transport_that_is_not_served(world: World) -> None:
    other = {"polling": "websocket", "websocket": "polling"}[world.transport]
    error = await world.failure(world.client(path=f"/{other}/socket.io/"))
    status = {"polling": 400, "websocket": 404}[world.transport]
    assert (error.message, error.status) == (MESSAGES[world.transport], status)


async def test_refused_connection(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    proxy.refuse()
    error = await world.failure(world.client(url=proxy.url))
    assert (error.message, error.status) == (MESSAGES[world.transport], None)
    assert ConnectionRefusedError in causes(error)


async def test_unknown_host(world: World) -> None:
    error = await world.failure(world.client(url="http://no.such.host.invalid"))
    assert (error.message, error.status) == (MESSAGES[world.transport], None)
    assert sockets.gaierror in causes(error)


async def test_unix_socket_that_is_not_there(world: World) -> None:
    error = await world.failure(world.client(), unix_path="/no/such/socket")
    assert (error.message, error.status) == (MESSAGES[world.transport], None)
    assert FileNotFoundError in causes(error)


async def test_silent_server(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    proxy.swallow = True
    error = await world.failure(world.client(url=proxy.url, connect_timeout=0.2))
    assert (error.message, error.status) == ("timeout", None)
    await world.adapter.blocking(proxy.wait_until_idle)


HTML = b"<!doctype html><title>Welcome</title>"
NONSENSE = {
    "nothing": b"",
    "not HTTP": b"\x00\x01SSH-2.0-nonsense\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0{",
    "redirection": b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    "HTTP 500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "not an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n",
}
STATUS = {"redirection": 302, "HTTP 500": 500}


@pytest.mark.parametrize("answer", NONSENSE)
async def test_nonsense(world: World, answer: str) -> None:
    proxy = world.network.answering(NONSENSE[answer])
    error = await world.failure(world.client(url=proxy.url))
    assert (error.message, error.status) == (MESSAGES[world.transport], STATUS.get(answer))


PAYLOADS = {
    "a page": HTML,
    "nothing": b"",
    "an error": b"0{}",
    "not JSON": b"0{",
    "not an object": b"0[]",
    "no session id": b'0{"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
    "a message first": b"4hello",
    "binary first": b"bAAA=",
}


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_pages_that_are_no_engine(world: World, payload: str) -> None:
    """A web server that has an answer to everything."""
    body = PAYLOADS[payload]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    proxy = world.network.answering(head.encode() + body)
    error = await world.failure(world.client(url=proxy.url, connect_timeout=5.0))
    message = "server error" if world.transport == "polling" else "websocket error"
    assert (error.message, error.status) == (message, None if world.transport == "polling" else 200)


async def test_engine_without_namespaces(world: World) -> None:
    """It sends back what it is sent: a CONNECT without an id, as only servers of version 2 do."""
    error = await world.failure(world.client(path="/engine.io/"))
    assert error.message.startswith("the server speaks an older protocol")


async def test_events_of_a_failure(world: World) -> None:
    """Of the manager and of every socket; it goes on trying."""
    watched = world.client(path="/nowhere/", reconnection_delay=0.02)
    custom = watched.of("/custom")
    async with world.connect(watched, wait=False) as socket:
        for one in (watched, custom, watched, custom):
            error = await one.refused()
            assert (error.message, error.status) == (MESSAGES[world.transport], 404)
        (error,) = await watched.manager.expect("error")
        assert (error.message, error.status) == (MESSAGES[world.transport], 404)
        assert socket.active
    assert watched.seen("disconnect") == []
