"""How much goes into one request, and what is too much."""

import pytest

from sansio_eio import AckError, LocalProtocolError
from tests.conformance.client.world import World


@pytest.mark.parametrize("transport", ["polling"])
async def test_payload_is_split(world: World) -> None:
    """The server takes 1000 bytes at a time, of which each of these events needs about 140."""
    watched = world.client(path="/small/socket.io/", query={"key": world.key})
    async with world.connect(watched) as socket:
        for number in range(30):
            socket.emit("collect", world.key, [number, "ü" * 50])
        assert await world.collected(socket) == [[number, "ü" * 50] for number in range(30)]
    posts = [request for request in world.server.requests(world.key) if request["method"] == "POST"]
    # One for CONNECT, at least five for the events, the question, DISCONNECT.
    assert 5 <= len(posts) < 30
    assert watched.seen("disconnect") == [["io client disconnect"]]


@pytest.mark.parametrize("transport", ["polling"])
async def test_binary_payload_is_split(world: World) -> None:
    """Base64 makes it a third longer."""
    watched = world.client(path="/small/socket.io/")
    async with world.connect(watched) as socket:
        values = [[number, bytes(250), bytes(250)] for number in range(20)]
        answers = [socket.emit_with_ack("collect", world.key, value) for value in values]
        assert [await answer for answer in answers] == values


async def test_more_than_the_server_takes(world: World) -> None:
    """It cannot be delivered: that is known before it is sent, and nothing happens to the connection."""
    watched = world.client(path="/small/socket.io/", reconnection_delay=0.02)
    async with world.connect(watched) as socket:
        with pytest.raises(LocalProtocolError):
            socket.emit("collect", world.key, "x" * 2000)
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_more_than_the_server_turns_out_to_take(world: World) -> None:
    """It was emitted before that was known."""
    watched = world.client(path="/small/socket.io/")
    reported: list[tuple[str, str]] = []
    watched.client.on_error(lambda error, where: reported.append((type(error).__name__, where)))
    answer = watched.socket.emit_with_ack("collect", world.key, "x" * 2000)
    assert watched.socket.emit("collect", world.key, "small")
    async with world.connect(watched, wait=False) as socket:
        with pytest.raises(AckError):
            await answer
        assert await world.collected(socket) == ["small"]
    assert [name for name, _ in reported] == ["LocalProtocolError"]
    assert watched.seen("disconnect") == [["io client disconnect"]]


async def test_more_than_the_client_takes(world: World) -> None:
    watched = world.client(max_message_size=10_000, reconnection_delay=0.02)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        socket.emit("count", 1, "large", "x" * 20_000)
        assert await watched.expect("disconnect") == ["transport error"]
        await watched.expect("connect")
        assert await socket.call("ask", "x" * 5000, timeout=10) == "x" * 5000
    assert watched.seen("large") == []
