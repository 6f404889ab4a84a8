"""The end of a connection, from either side and at any time."""

import threading

import pytest

from sansio_eio import OnError
from tests.conformance.client.adapters import Asyncio, Trio
from tests.conformance.client.world import EVERYWHERE, World


@EVERYWHERE
async def test_client_disconnects(world: World) -> None:
    watched = world.client("/custom")
    async with world.connect(watched) as socket:
        sid = socket.id
        ended = socket.wait_disconnected()
        socket.disconnect()
        assert (socket.connected, socket.active, socket.id) == (False, False, None)
        assert await ended == "io client disconnect"
        assert await watched.expect("disconnect") == ["io client disconnect"]
        reason = (await world.logged("disconnect", id=sid))["reason"]
        assert reason == (
            "client disconnect" if world.server.kind == "python-socketio" else "client namespace disconnect"
        )
    assert watched.seen("disconnect") == []


@EVERYWHERE
async def test_client_leaves_one_namespace(world: World) -> None:
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        sid = custom.socket.id
        custom.socket.disconnect()
        await world.logged("disconnect", id=sid)
        assert (custom.socket.active, socket.connected) == (False, True)
        assert await socket.call("ask", 1, timeout=10) == 1
        custom.socket.connect()
        await custom.socket.wait_connected()
        # In revision 3 it is made of that of the session.
        assert (custom.socket.id == sid) is (world.protocol == 3)


@EVERYWHERE
async def test_end_of_the_body(world: World) -> None:
    """What was emitted before is delivered. (In one POST, python-socketio takes 16 packets.)"""
    watched = world.client()
    async with world.connect(watched) as socket:
        sid = socket.id
        for number in range(12):
            socket.emit("collect", world.key, [number, "x" * 50_000])
    await world.logged("disconnect", id=sid)
    async with world.connect(world.client()) as socket:
        assert [number for number, _ in await world.collected(socket)] == list(range(12))


@pytest.mark.parametrize("kind", ["python-socketio"])
async def test_what_was_emitted_before_disconnect_is_delivered(world: World) -> None:
    """The other servers forget events that come in one go with the DISCONNECT behind them."""
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        sid = custom.socket.id
        for number in range(10):
            custom.socket.emit("collect", world.key, number)
        custom.socket.disconnect()
        await world.logged("disconnect", id=sid)
        assert await world.collected(socket) == list(range(10))


@EVERYWHERE
@pytest.mark.parametrize("close", [False, True])
async def test_server_disconnects(world: World, close: bool) -> None:
    """The client does not come back by itself; when it is asked to, it does."""
    watched = world.client()
    async with world.connect(watched) as socket:
        ended = socket.wait_disconnected()
        socket.emit("kick", close)
        assert await ended == "io server disconnect"
        assert await watched.expect("disconnect") == ["io server disconnect"]
        assert (socket.connected, socket.active) == (False, False)
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1
    assert watched.manager.seen("reconnect_attempt") == []


async def test_server_disconnects_one_namespace(world: World) -> None:
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        custom.socket.emit("kick", False)
        assert await custom.expect("disconnect") == ["io server disconnect"]
        assert await socket.call("ask", 1, timeout=10) == 1
    assert watched.manager.seen("close") == [["forced close"]]


@EVERYWHERE
async def test_last_words_of_the_server(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        socket.emit("last words")
        assert await socket.wait_disconnected() == "io server disconnect"
        await watched.expect("disconnect")
        assert watched.seen("farewell") == [[]]


async def test_server_ends_the_session(world: World) -> None:
    """Without a word to the namespaces: the client comes back."""
    watched = world.client(reconnection_delay=0.01)
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        sid = socket.id
        socket.emit("end")
        for one in (watched, custom):
            assert await one.expect("disconnect") == ["transport close"]
            assert one.socket.active
        await socket.wait_connected()
        await custom.expect("connect")
        assert socket.id != sid


NONSENSE: dict[str, list[str | bytes]] = {
    "unknown type": ["9"],
    "no event": ["2"],
    "half an event": ['2["a"'],
    "reserved name": ['2["connect"]'],
    "binary": [b"\x00"],
    "text for an attachment": ["51-[1]", "2[]"],
    "not JSON, for nobody": ["4/nowhere,x"],
}


@pytest.mark.parametrize("transport", ["websocket"])
@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_packet_that_is_none(world: World, nonsense: str) -> None:
    """It ends the connection, and the client comes back."""
    watched = world.client(reconnection_delay=0.01)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        socket.emit("write", *NONSENSE[nonsense])
        assert await watched.expect("disconnect") == ["parse error"]
        await watched.expect("connect")
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_leaving_while_connecting(world: World) -> None:
    """Nothing is left of it, here or there."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"HTTP/1.1 ")
    watched = world.client(url=proxy.url)
    async with world.connect(watched, wait=False) as socket:
        socket.emit("collect", world.key, "never")
        await world.adapter.blocking(gate.wait)
    gate.release()
    await world.adapter.blocking(proxy.wait_until_idle)
    assert not socket.active
    async with world.connect(world.client()) as socket:
        assert await world.collected(socket) == []
    assert watched.seen("connect") == []


async def test_disconnecting_while_connecting(world: World) -> None:
    """It can be asked to connect again at once."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"HTTP/1.1 ")
    watched = world.client(url=proxy.url)
    async with world.connect(watched, wait=False) as socket:
        await world.adapter.blocking(gate.wait)
        socket.disconnect()
        assert not socket.active
        socket.connect()
        await socket.wait_connected()
        gate.release()
        assert await socket.call("ask", 1, timeout=10) == 1


@pytest.mark.parametrize("transport", ["upgrade"])
async def test_leaving_while_upgrading(world: World) -> None:
    """What was emitted is delivered nevertheless."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"3probe")
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        sid = socket.id
        await world.adapter.blocking(gate.wait)
        for number in range(20):
            socket.emit("collect", world.key, number)
        gate.release()
    await world.logged("disconnect", id=sid)
    await world.adapter.blocking(proxy.wait_until_idle)
    async with world.connect(world.client()) as socket:
        assert await world.collected(socket) == list(range(20))


async def test_nothing_is_left(world: World) -> None:
    """The connections are closed when the body has ended."""
    proxy = world.network.proxy(world.server.port)
    for _ in range(3):
        async with world.connect(world.client(url=proxy.url)) as socket:
            await world.upgraded(socket)
    await world.adapter.blocking(proxy.wait_until_idle)


async def test_exception_in_the_body(world: World) -> None:
    """It comes out, and the server is told all the same."""
    watched = world.client()
    ids: list[str] = []

    async def body() -> None:
        async with world.connect(watched) as socket:
            ids.append(socket.id)
            raise ValueError("from the body")

    with pytest.raises(ValueError, match=r"^from the body$"):
        await body()
    assert (await world.logged("disconnect", id=ids[0]))["reason"] == "transport close"


#: Threads cannot be cancelled.
CANCELLABLE = pytest.mark.parametrize("adapter", ["asyncio", "uvloop", "trio"], indirect=True)


@CANCELLABLE
@pytest.mark.parametrize("wait", [True, False])
async def test_cancelled_while_connecting(world: World, wait: bool) -> None:
    """Nothing is left of it."""
    assert isinstance(world.adapter, Asyncio | Trio)
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"HTTP/1.1 ")
    watched = world.client(url=proxy.url)

    async def body() -> None:
        async with world.connect(watched, wait=wait) as socket:
            await socket.wait_connected()
            pytest.fail("connected")

    await world.adapter.cancel(body, gate.wait)
    assert not watched.socket.active
    gate.release()
    await world.adapter.blocking(proxy.wait_until_idle)


@CANCELLABLE
async def test_cancelled_body(world: World) -> None:
    assert isinstance(world.adapter, Asyncio | Trio)
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url)
    inside = threading.Event()
    ids: list[str] = []

    async def body() -> None:
        async with world.connect(watched) as socket:
            ids.append(socket.id)
            # From then on a poll waits for an answer, whose end the server notices.
            await watched.expect("welcome")
            inside.set()
            await socket.wait_disconnected()

    await world.adapter.cancel(body, inside.wait)
    assert not watched.socket.active
    await world.adapter.blocking(proxy.wait_until_idle)
    await world.logged("disconnect", id=ids[0])


async def test_stopped_by_the_error_hook(world: World) -> None:
    """The body is cancelled; where it is a thread, it finds itself disconnected."""
    watched = world.client()
    watched.client.on_error(lambda _, __: OnError.STOP)

    @watched.socket.on("number")
    def number(_: int) -> None:
        raise ValueError("from a handler")

    async def body() -> None:
        async with world.connect(watched) as socket:
            socket.emit("count", 1, "number")
            await socket.wait_disconnected()

    with pytest.raises(ValueError, match=r"^from a handler$"):
        await body()
