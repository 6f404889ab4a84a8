"""Acknowledgements, both ways: they always end."""

from typing import Any

import pytest

from sansio_eio import AckDisconnected, AckTimeout
from tests.conformance.client.world import EVERYWHERE, World


@EVERYWHERE
async def test_values(world: World) -> None:
    async with world.connect(world.client()) as socket:
        assert await socket.call("ask", timeout=10) is None
        assert await socket.call("ask", None, timeout=10) is None
        assert await socket.call("ask", [1], timeout=10) == [1]
        assert await socket.call("ask", 1, "two", b"3", {"four": [b"4"]}, timeout=10) == (
            1,
            "two",
            b"3",
            {"four": [b"4"]},
        )
        assert await socket.emit_with_ack("ask", 1) == 1
        assert await socket.timeout(10).emit_with_ack("ask", 2) == 2


@EVERYWHERE
async def test_they_belong_to_their_questions(world: World) -> None:
    """Answers that come together, and one that overtakes them."""
    async with world.connect(world.client()) as socket:
        late = [socket.emit_with_ack("hold") for _ in range(3)]
        assert await socket.call("ask", "at once", timeout=10) == "at once"
        assert [ack.done for ack in late] == [False] * 3
        socket.emit("release", "late", b"\x01")
        assert [await ack for ack in late] == [("late", b"\x01")] * 3


async def test_they_belong_to_their_namespace(world: World) -> None:
    """Both count from 0."""
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        questions = [one.emit_with_ack("ask", number) for number, one in enumerate([socket, custom.socket] * 5)]
        assert [await question for question in questions] == list(range(10))


@EVERYWHERE
async def test_timeout(world: World) -> None:
    """What comes later is ignored."""
    async with world.connect(world.client()) as socket:
        with pytest.raises(AckTimeout, match=r"^operation has timed out$"):
            await socket.call("hold", timeout=0.05)
        with pytest.raises(AckTimeout):
            await socket.timeout(0.05).emit_with_ack("hold")
        socket.emit("release", "too late")
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_timeout_of_all(world: World) -> None:
    watched = world.client(ack_timeout=0.05)
    async with world.connect(watched) as socket:
        with pytest.raises(AckTimeout):
            await socket.emit_with_ack("hold")
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_timeout_before_the_connection(world: World) -> None:
    """What has timed out is not sent any more."""
    proxy = world.network.proxy(world.server.port)
    gate = proxy.hold("down", b"HTTP/1.1 ")
    watched = world.client(url=proxy.url)
    async with world.connect(watched, wait=False) as socket:
        await world.adapter.blocking(gate.wait)
        with pytest.raises(AckTimeout):
            await socket.call("collect", world.key, "never", timeout=0.05)
        socket.emit("collect", world.key, "kept")
        gate.release()
        await socket.wait_connected()
        assert await world.collected(socket) == ["kept"]


async def test_disconnection(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        ours = socket.emit_with_ack("hold")
        socket.disconnect()
        with pytest.raises(AckDisconnected, match=r"^socket has been disconnected$"):
            await ours
        socket.connect()
        await socket.wait_connected()
        theirs = socket.emit_with_ack("hold")
        socket.emit("kick", False)
        with pytest.raises(AckDisconnected):
            await theirs
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1


ANSWERS: list[tuple[Any, list[Any]]] = [
    (None, []),
    ("yes", ["yes"]),
    ([1, b"\x01"], [[1, b"\x01"]]),
    ((1, b"\x01", {"deep": [b""]}), [1, b"\x01", {"deep": [b""]}]),
    ((None,), [None]),
]


@EVERYWHERE
async def test_the_server_asks(world: World) -> None:
    watched = world.client()
    answers = iter([answer for answer, _ in ANSWERS])
    asked: list[tuple[Any, ...]] = []

    @watched.socket.on("question")
    def question(*args: Any) -> Any:
        asked.append(args)
        return next(answers)

    async with world.connect(watched) as socket:
        for number, (_, expected) in enumerate(ANSWERS):
            socket.emit("question", 10, number, b"\x01")
            # python-socketio makes no difference between null and nothing.
            is_lost = world.server.kind == "python-socketio" and expected == [None]
            assert await watched.expect("answered") == ["value", *([] if is_lost else expected)]
    assert asked == [(number, b"\x01") for number in range(len(ANSWERS))]


async def test_handler_that_takes_its_time_to_answer(world: World) -> None:
    watched = world.client()

    @watched.socket.on("question")
    async def question(value: str) -> Any:
        return value, await watched.socket.call("ask", "and back", timeout=10)

    async with world.connect(watched) as socket:
        socket.emit("question", 10, "there")
        assert await watched.expect("answered") == ["value", "there", "and back"]


async def test_the_server_asks_in_vain(world: World) -> None:
    """Nobody listens: no answer."""
    watched = world.client()
    async with world.connect(watched) as socket:
        socket.emit("question", 0.05, 1)
        assert await watched.expect("answered") == ["timeout"]
