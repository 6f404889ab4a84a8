"""The pings of the server: answered, and missed when they do not come."""

import pytest

from tests.conformance.client.world import World


async def test_pings_are_answered(world: World) -> None:
    """Twenty in a second here; on two transports, where there is an upgrade."""
    watched = world.client(path="/ticking/socket.io/")
    async with world.connect(watched) as socket:
        for _ in range(4):
            assert await watched.manager.expect("ping") == []
        assert await socket.call("ask", 1, timeout=10) == 1
    assert watched.seen("disconnect") == [["io client disconnect"]]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_silent_server(world: World) -> None:
    """It keeps the connection and says nothing any more. (Its pings come every 0.1 s, and may be 0.3 s late.)"""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, path="/hasty/socket.io/", reconnection_delay=0.02)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        await watched.manager.expect("ping")
        proxy.swallow = True
        assert await watched.expect("disconnect") == ["ping timeout"]
        socket.emit("collect", world.key, "kept")
        proxy.swallow = False
        proxy.cut()
        await watched.expect("connect")
        assert await world.collected(socket) == ["kept"]
