"""How clients get in, or do not."""

from typing import Any

import pytest

from tests.conformance.client.world import EVERYWHERE, World

REFUSAL = {"code": 7, "why": ["no token", None, {"☃": 1.5}]}


@EVERYWHERE
async def test_connect(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        assert socket is watched.socket
        assert (socket.connected, socket.active, socket.namespace) == (True, True, "/")
        assert await watched.expect("connect") == []
        assert await watched.expect("welcome") == [{}]
        assert (await world.logged("connection", id=socket.id))["namespace"] == "/"
    assert (socket.connected, socket.active, socket.id) == (False, False, None)
    assert await watched.expect("disconnect") == ["io client disconnect"]
    assert watched.seen() == []


async def test_url_is_enough(world: World) -> None:
    async with world.adapter.connect(world.server.url + "/custom", **world.options) as socket:
        assert socket.namespace == "/custom"
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_scheme_of_websockets(world: World) -> None:
    watched = world.client(url=world.server.url.replace("http:", "ws:"))
    async with world.connect(watched) as socket:
        assert await socket.call("ask", 1, timeout=10) == 1


@EVERYWHERE
async def test_auth(world: World) -> None:
    watched = world.client("/custom", auth={"name": "☃", "deep": [1, None]})
    other = watched.of("/", auth={"other": True})
    async with world.connect(watched):
        await other.expect("connect")
        assert await watched.expect("welcome") == [{"name": "☃", "deep": [1, None]}]
        assert await other.expect("welcome") == [{"other": True}]


async def test_auth_from_a_function_is_asked_for_at_every_connection(world: World) -> None:
    times = iter(range(10))
    watched = world.client(auth=lambda: {"time": next(times)})
    async with world.connect(watched) as socket:
        assert await watched.expect("welcome") == [{"time": 0}]
        socket.disconnect()
        socket.connect()
        assert await watched.expect("welcome") == [{"time": 1}]


@EVERYWHERE
@pytest.mark.parametrize(
    ("namespace", "message", "data"),
    [("/admin", "not allowed", REFUSAL), ("/bare", "bare", None), ("/words", "refused", "in a few words")],
)
async def test_refused(world: World, namespace: str, message: str, data: Any) -> None:
    watched = world.client(namespace)
    error = await world.failure(watched)
    assert ((error.message, error.data), error.status) == (world.refusal(message, data), None)
    assert not watched.socket.active


@EVERYWHERE
async def test_refused_beside_another_namespace(world: World) -> None:
    """It does not come back by itself, but may be asked to with better credentials. The others are not concerned."""
    watched = world.client()
    admin = watched.of("/admin", auth={"token": "wrong"})
    async with world.connect(watched, wait=False) as socket:
        await socket.wait_connected()
        error = await admin.refused()
        assert (error.message, error.data) == world.refusal("not allowed", REFUSAL)
        assert (admin.socket.active, admin.socket.connected, socket.connected) == (False, False, True)
        admin.socket.auth = {"token": "secret"}
        admin.socket.connect()
        assert await admin.expect("welcome") == [{"token": "secret"}]
        assert await admin.socket.call("ask", 1, timeout=10) == 1
        assert await socket.call("ask", 2, timeout=10) == 2
    assert admin.seen("connect_error") == []


@EVERYWHERE
async def test_unknown_namespace(world: World) -> None:
    """python-socketio sends a string instead of an object."""
    error = await world.failure(world.client("/unknown"))
    expected = "Unable to connect" if world.server.kind == "python-socketio" else "Invalid namespace"
    assert (error.message, error.data) == (expected, None)


async def test_namespaces_share_a_connection(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url)
    others = [watched.of("/custom"), watched.of("/room-1"), watched.of("/room-2")]
    async with world.connect(watched) as socket:
        for other in others:
            await other.expect("connect")
        ids = {one.id for one in [socket, *(other.socket for other in others)]}
        assert len(ids) == 4
        engines = {(await other.socket.call("handshake", timeout=10))["engine"] for other in others}
        assert engines == {watched.session.sid}
        for number, other in enumerate(others):
            other.socket.emit("echo", number)
        assert [await other.expect("echo back") for other in others] == [[0], [1], [2]]
        assert watched.seen("echo back") == []
    # One, or two for polls and POSTs, or these and the one of the upgrade.
    assert proxy.accepted <= {"websocket": 1, "polling": 2, "upgrade": 3}[world.transport]


async def test_namespace_that_joins_later(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        custom = watched.of("/custom")
        assert socket.of("/custom") is custom.socket
        custom.socket.connect()
        await custom.socket.wait_connected()
        assert await custom.socket.call("ask", 1, timeout=10) == 1


async def test_query_headers_and_credentials_are_in_every_request(world: World) -> None:
    """Those of the URL and of the options, and what the protocol needs."""
    url = world.server.url.replace("//", "//user:pass%40word@")
    watched = world.client(
        f"/custom?key={world.key.replace(' ', '+')}", url=url, query={"b": "ü&="}, headers={"X-Test": "yes"}
    )
    async with world.connect(watched) as socket:
        assert (await socket.call("handshake", timeout=10))["query"]["b"] == "ü&="
        await world.upgraded(socket)
    requests = world.server.requests(world.key)
    assert len(requests) > 1 or world.transport == "websocket"
    for request in requests:
        assert (request["path"], request["test"]) == ("/socket.io/", "yes")
        assert request["authorization"] == "Basic dXNlcjpwYXNzQHdvcmQ="
        assert request["host"] == f"127.0.0.1:{world.server.port}"
        assert (request["query"]["EIO"], request["query"]["b"]) == (str(world.protocol), "ü&=")
        assert request["query"]["transport"] in ("polling", "websocket")
    assert [request["query"].get("sid") for request in requests if request["method"] == "POST"] == [
        requests[-1]["query"].get("sid")
    ] * sum(request["method"] == "POST" for request in requests)
    stamps = [request["query"]["t"] for request in requests if request["query"]["transport"] == "polling"]
    assert len(set(stamps)) == len(stamps)


async def test_no_time_stamps(world: World) -> None:
    watched = world.client(query={"key": world.key}, timestamp_requests=False)
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
    assert all("t" not in request["query"] for request in world.server.requests(world.key))


async def test_cookies_are_sent_back(world: World) -> None:
    """On polls, on POSTs and with the WebSocket; unless it came first, and the server had no occasion to set any.

    The one whose path is longer goes first.
    """
    watched = world.client(path="/cookies/socket.io/", query={"key": world.key})
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
    first, *others = world.server.requests(world.key)
    assert first["cookie"] is None
    assert [request["cookie"] for request in others] == ["two=second; one=1"] * len(others)


@EVERYWHERE
async def test_what_is_emitted_before_the_connection(world: World) -> None:
    watched = world.client()
    for number in range(10):
        assert watched.socket.emit("collect", world.key, number)
    answer = watched.socket.call("ask", "early", b"\x00", timeout=10)
    async with world.connect(watched, wait=False) as socket:
        assert await answer == ("early", b"\x00")
        assert await world.collected(socket) == list(range(10))


async def test_body_begins_at_once(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("up", b"GET ")
    watched = world.client(url=proxy.url)
    async with world.connect(watched, wait=False) as socket:
        assert (socket.connected, socket.active, socket.id) == (False, True, None)
        await world.adapter.blocking(gate.wait)
        gate.release()
        await socket.wait_connected()
        assert (socket.connected, socket.active) == (True, True)
        assert await world.logged("connection", id=socket.id)


async def test_connecting_twice_changes_nothing(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        sid = socket.id
        socket.connect()
        assert await socket.call("ask", 1, timeout=10) == 1
        assert socket.id == sid
    assert watched.seen("connect") == [[]]
