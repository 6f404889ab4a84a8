"""Which revision is spoken in the end: the one that was asked for, or with "auto" the one that the server has."""

import pytest

from tests.conformance.client.servers import SOCKETIO_2, SOCKETIO_4, SOCKETIO_4_FOR_OLD, PeerServer
from tests.conformance.client.test_reconnecting import QUICK
from tests.conformance.client.world import WatchedClient, World

OLDER = "the server speaks an older protocol"
UNSUPPORTED = {"code": 5, "message": "Unsupported protocol version"}

KINDS = pytest.mark.parametrize("kind", [SOCKETIO_2, SOCKETIO_4, SOCKETIO_4_FOR_OLD])


@pytest.fixture
def old(world: World) -> bool:
    """Whether the server knows nothing but revision 3."""
    return world.server.kind == SOCKETIO_2


def handshakes(world: World) -> list[str]:
    """What each session was asked for."""
    queries = [request["query"] for request in world.server.requests(world.key)]
    return [query["EIO"] for query in queries if "sid" not in query]


async def use(world: World, watched: WatchedClient) -> None:
    """Both ways, over every transport that there is."""
    socket = watched.socket
    assert await socket.call("ask", "€😀", b"\x00\xff", timeout=10) == ("€😀", b"\x00\xff")
    await world.upgraded(socket)
    assert await socket.call("ask", b"\x04", timeout=10) == b"\x04"


@KINDS
async def test_auto(world: World, old: bool) -> None:
    """Over polling the first answer tells. Over WebSocket only the server's CONNECT does: there is another session."""
    watched = world.client(protocol="auto", query={"key": world.key})
    custom = watched.of("/custom", auth={"who": "me"})
    for number in range(10):
        watched.socket.emit("collect", world.key, number)
    async with world.connect(watched) as socket:
        assert await custom.expect("welcome") == [{"who": "me"}]
        assert watched.session.protocol == (3 if old else 4)
        assert (socket.id == watched.session.sid) is old
        assert await world.collected(socket) == list(range(10))
        await use(world, watched)
        await use(world, watched)
    assert handshakes(world) == (["4", "3"] if old and world.transport == "websocket" else ["4"])
    later = {request["query"]["EIO"] for request in world.server.requests(world.key) if "sid" in request["query"]}
    assert later <= {"3" if old else "4"}
    assert watched.seen("connect") == [[]]
    assert watched.seen("connect_error") == watched.manager.seen("reconnect_attempt") == []


@KINDS
async def test_auto_once_more(world: World, old: bool) -> None:
    """What has cost a session is remembered; what tells itself in the first answer need not be."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, protocol="auto", query={"key": world.key}, **QUICK)
    async with world.connect(watched):
        await watched.expect("connect")
        before = len(handshakes(world))
        proxy.cut()
        await watched.expect("connect")
        await use(world, watched)
        assert watched.session.protocol == (3 if old else 4)
    assert handshakes(world)[before:] == ["3" if old and world.transport == "websocket" else "4"]


@pytest.mark.parametrize(("first", "then"), [(SOCKETIO_2, SOCKETIO_4), (SOCKETIO_4, SOCKETIO_2)])
@pytest.mark.parametrize("kind", [SOCKETIO_2])
async def test_server_that_is_replaced(
    world: World, peer_servers: dict[str, PeerServer], first: str, then: str
) -> None:
    """By a newer one, or by an older one: nothing is lost."""
    for name in (first, then):
        if name not in peer_servers:
            peer_servers[name] = PeerServer(name)
    own = peer_servers[first].start()
    watched = world.client(url=own.url, protocol="auto", **QUICK)
    custom = watched.of("/custom", auth={"who": "me"})
    async with world.connect(watched) as socket:
        assert await custom.expect("welcome") == [{"who": "me"}]
        await watched.expect("connect")
        own.stop()
        await watched.expect("disconnect")
        socket.emit("collect", world.key, "kept")
        await watched.refused()
        own = peer_servers[then].start(own.port)
        assert await custom.expect("welcome") == [{"who": "me"}]
        assert await world.collected(socket) == ["kept"]
        assert watched.session.protocol == (3 if then == SOCKETIO_2 else 4)
        await use(world, watched)
    own.stop()


@KINDS
async def test_auto_in_a_namespace_only(world: World, old: bool) -> None:
    watched = world.client("/custom", protocol="auto", auth={"who": "me"})
    async with world.connect(watched):
        assert await watched.expect("welcome") == [{"who": "me"}]
        assert watched.session.protocol == (3 if old else 4)
        await use(world, watched)


WEBSOCKET = pytest.mark.parametrize("transport", ["websocket"])


@pytest.mark.parametrize("kind", [SOCKETIO_2])
@WEBSOCKET
async def test_second_session_of_auto_that_is_lost(world: World) -> None:
    """The next attempt asks for the right revision at once."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("up", b"EIO=3")
    watched = world.client(url=proxy.url, protocol="auto", query={"key": world.key}, **QUICK)
    watched.socket.emit("collect", world.key, "early")
    async with world.connect(watched, wait=False) as socket:
        await world.adapter.blocking(gate.wait)
        assert not socket.connected
        gate.cut()
        assert (await watched.refused()).message == "websocket error"
        await watched.expect("connect")
        assert await world.collected(socket) == ["early"]
    assert handshakes(world) == ["4", "3"]
    assert watched.seen("connect_error") == []


@pytest.mark.parametrize("kind", [SOCKETIO_2])
@WEBSOCKET
async def test_leaving_between_the_sessions_of_auto(world: World) -> None:
    """Nothing is left, and it can be connected again."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("up", b"EIO=3")
    watched = world.client(url=proxy.url, protocol="auto")
    async with world.connect(watched, wait=False) as socket:
        await world.adapter.blocking(gate.wait)
        socket.disconnect()
        assert not socket.active
        gate.release()
        await world.adapter.blocking(proxy.wait_until_idle)
        assert watched.seen() == []
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1


@KINDS
async def test_auto_and_a_refusal(world: World) -> None:
    """It is told once, and is that of the namespace."""
    watched = world.client("/words", protocol="auto")
    error = await world.failure(watched)
    expected = ("in a few words", None) if world.server.kind == SOCKETIO_2 else ("refused", "in a few words")
    assert (error.message, error.data) == expected


@KINDS
@pytest.mark.parametrize("transport", ["polling", "upgrade"])
async def test_auto_of_an_engine(world: World, old: bool) -> None:
    watched = world.engine(protocol="auto", query={"key": world.key})
    async with world.connect(watched) as engine:
        assert watched.session.protocol == (3 if old else 4)
        for data in ("€😀", b"\x00\xff", ""):
            engine.send(data)
            assert await watched.expect("message") == [data]
        while watched.session.transport != world.last_transport:
            engine.send("are we there yet")
            assert await watched.expect("message") == ["are we there yet"]
        engine.send(b"\x04")
        assert await watched.expect("message") == [b"\x04"]
    assert handshakes(world) == ["4"]


@pytest.mark.parametrize("kind", [SOCKETIO_2])
async def test_old_server_that_is_taken_for_a_new_one(world: World) -> None:
    error = await world.failure(world.client(protocol=4))
    assert error.message.startswith(OLDER)
    assert error.status is None


@pytest.mark.parametrize("kind", [SOCKETIO_2])
@pytest.mark.parametrize("transport", ["polling"])
async def test_old_engine_that_is_taken_for_a_new_one(world: World) -> None:
    error = await world.failure(world.engine(protocol=4))
    assert error.message.startswith(OLDER)


@pytest.mark.parametrize("kind", [SOCKETIO_4])
async def test_new_server_that_is_taken_for_an_old_one(world: World) -> None:
    """It says what is wrong; but a WebSocket it accepts first, and then has HTTP for it."""
    for watched in (world.client(protocol=3), world.engine(protocol=3)):
        error = await world.failure(watched)
        if world.transport == "websocket":
            assert error.message == "websocket error"
        else:
            assert (error.status, error.data) == (400, UNSUPPORTED)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("kind", [SOCKETIO_4])
async def test_server_that_wants_neither(world: World) -> None:
    """Both are tried, once."""
    body = b'{"code":5,"message":"Unsupported protocol version"}'
    if world.transport == "websocket":
        body = b"Unsupported protocol version"
    head = f"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    proxy = world.network.answering(head.encode() + body)
    error = await world.failure(world.client(url=proxy.url, protocol="auto"))
    assert error.status == 400
    assert proxy.accepted == 2


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("kind", [SOCKETIO_4])
async def test_other_errors_are_no_reason_to_ask_again(world: World) -> None:
    watched = world.client(path="/nowhere/", protocol="auto", query={"key": world.key})
    error = await world.failure(watched)
    assert error.status == 404
    assert handshakes(world) == ["4"]
