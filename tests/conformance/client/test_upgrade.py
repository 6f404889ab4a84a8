"""From polling to WebSocket: nothing is lost, doubled or reordered, whatever happens meanwhile."""

from typing import Any

import pytest

from sansio_eio import ClientSocket, Pending
from tests.conformance.client.world import EVERYWHERE, WatchedClient, World

pytestmark = pytest.mark.parametrize("transport", ["upgrade"])


async def talk(world: World, watched: WatchedClient, socket: ClientSocket, times: int) -> None:
    """Numbered events both ways, all at once."""
    socket.emit("count", times, "number", b"\x01")
    answers: list[Pending[Any]] = []
    for number in range(times):
        answers.append(socket.call("collect", world.key, number, timeout=15))
        if world.server.kind == "python-socketio" and number % 10 == 9:
            # Of the packets of one POST it takes 16, and loses the rest without a word.
            await answers[-1]
    assert await watched.expect_many("number", times) == [[number, b"\x01"] for number in range(times)]
    assert [await answer for answer in answers] == list(range(times))
    assert await world.collected(socket) == list(range(times))
    assert watched.seen("number") == []


@EVERYWHERE
async def test_upgrade(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
        assert watched.transport == "websocket"
        assert await socket.call("ask", b"\x01", timeout=10) == b"\x01"
        if world.server.kind != "python-socketio":
            assert (await socket.call("handshake", timeout=10))["transport"] == "websocket"


@EVERYWHERE
async def test_under_load(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 200)
        await world.upgraded(socket)


async def test_byte_by_byte(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    proxy.split = True
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 50)
        await world.upgraded(socket)


async def test_slow_network(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    proxy.delay = 0.005
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 100)
        await world.upgraded(socket)


@pytest.mark.parametrize("pattern", [b"101 Switching", b"3probe"])
async def test_polling_goes_on_while_it_takes_its_time(world: World, pattern: bytes) -> None:
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", pattern)
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await world.adapter.blocking(gate.wait)
        for number in range(5):
            assert await socket.call("collect", world.key, number, timeout=10) == number
        assert watched.transport == "polling"
        # What is emitted in the moment of the switch.
        for number in range(5, 30):
            socket.emit("collect", world.key, number)
        gate.release()
        for number in range(30, 40):
            socket.emit("collect", world.key, number)
        await world.upgraded(socket)
        assert await world.collected(socket) == list(range(40))


@pytest.mark.parametrize("pattern", [b"transport=websocket", b"101 Switching", b"3probe"])
async def test_candidate_that_is_lost(world: World, pattern: bytes) -> None:
    """The session goes on by polling."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("up" if b"=" in pattern else "down", pattern)
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await world.adapter.blocking(gate.wait)
        gate.cut()
        await talk(world, watched, socket, 20)
        assert watched.transport == "polling"
    assert watched.seen("disconnect") == [["io client disconnect"]]


async def test_candidate_that_is_refused(world: World) -> None:
    """By something between: the server has offered it."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("up", b"transport=websocket")
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await world.adapter.blocking(gate.wait)
        gate.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        await talk(world, watched, socket, 20)
        assert watched.transport == "polling"


async def test_candidate_that_says_nothing(world: World) -> None:
    """It is given up after the timeout."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"3probe")
    watched = world.client(url=proxy.url, upgrade_timeout=0.1)
    async with world.connect(watched, http={"close_timeout": 0.1}) as socket:
        await world.adapter.blocking(gate.wait)
        await world.adapter.blocking(gate.wait_until_gone)
        await talk(world, watched, socket, 20)
        assert watched.transport == "polling"


async def test_everything_is_lost_in_the_middle(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"3probe")
    watched = world.client(url=proxy.url, reconnection_delay=0.02)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        await world.adapter.blocking(gate.wait)
        proxy.refuse()
        proxy.cut()
        assert await watched.expect("disconnect") == ["transport error"]
        proxy.listen()
        await watched.expect("connect")
        await talk(world, watched, socket, 20)
        await world.upgraded(socket)


async def test_server_disconnects_in_the_middle(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"3probe")
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        await world.adapter.blocking(gate.wait)
        socket.emit("last words")
        gate.release()
        assert await socket.wait_disconnected() == "io server disconnect"
    assert watched.seen("farewell") == [[]]


async def test_none_is_wanted(world: World) -> None:
    watched = world.client(upgrade=False, query={"key": world.key})
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 20)
        assert watched.transport == "polling"
    assert {request["query"]["transport"] for request in world.server.requests(world.key)} == {"polling"}


async def test_none_is_offered(world: World) -> None:
    watched = world.client(path="/polling/socket.io/", query={"key": world.key})
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 20)
        assert watched.transport == "polling"
    assert {request["query"]["transport"] for request in world.server.requests(world.key)} == {"polling"}


async def test_websocket_comes_first(world: World) -> None:
    """There is nothing to upgrade to."""
    watched = world.client(transports=("websocket", "polling"), query={"key": world.key})
    async with world.connect(watched) as socket:
        await talk(world, watched, socket, 20)
    assert [request["query"]["transport"] for request in world.server.requests(world.key)] == ["websocket"]


async def test_remembered(world: World) -> None:
    """The next connection begins with WebSocket, as long as it works."""
    proxy = world.network.proxy(world.server.port)
    query = {"key": world.key}
    watched = world.client(url=proxy.url, remember_upgrade=True, reconnection_delay=0.02, query=query)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        await world.upgraded(socket)
        before = len(world.server.requests(world.key))
        proxy.cut()
        await watched.expect("connect")
        assert watched.transport == "websocket"
        assert await socket.call("ask", 1, timeout=10) == 1
        later = world.server.requests(world.key)[before:]
        assert [request["query"]["transport"] for request in later] == ["websocket"]


@pytest.mark.parametrize("every", [True, False])
async def test_transports_that_are_tried(world: World, every: bool) -> None:
    """Only the first one, unless all are wanted."""
    transports = ("websocket", "polling")
    watched = world.client(path="/polling/socket.io/", transports=transports, try_all_transports=every)
    if every:
        async with world.connect(watched) as socket:
            assert await socket.call("ask", 1, timeout=10) == 1
            assert watched.transport == "polling"
    else:
        error = await world.failure(watched)
        assert (error.message, error.status) == ("websocket error", 404)
