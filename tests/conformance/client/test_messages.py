"""What goes through, and in which order."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from sansio_eio import LocalProtocolError
from sansio_eio.socketio.msgpack import msgpack_parser
from tests.conformance.client.world import EVERYWHERE, World
from tests.conformance.test_messages import BINARIES, TEXTS

VALUES: list[Any] = [0, -1, 1.5, 1e21, 2**53, True, False, None, [], {}, [[[[]]]], {"a": {"b": [None]}}]


@EVERYWHERE
async def test_texts(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        for text in TEXTS.values():
            socket.emit("echo", text, {text: [text]})
            assert await watched.expect("echo back") == [text, {text: [text]}]
            assert await socket.call("ask", text, timeout=10) == text


@EVERYWHERE
async def test_binary(world: World) -> None:
    watched = world.client("/custom")
    async with world.connect(watched) as socket:
        for args in BINARIES.values():
            socket.emit("echo", *args)
            assert await watched.expect("echo back") == args
            assert await socket.call("ask", "and", *args, timeout=10) == ("and", *args)


@EVERYWHERE
async def test_json_values(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        socket.emit("echo", *VALUES)
        assert await watched.expect("echo back") == VALUES
        socket.emit("echo")
        assert await watched.expect("echo back") == []


async def test_event_names(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        for name in ('ключ\n"😀" ,[1]', "", "constructor", "__proto__"):
            socket.emit("count", 1, name)
            assert await watched.expect(name) == [0]


@EVERYWHERE
async def test_large_messages(world: World) -> None:
    """Over polling, base64 makes binary a third longer; the server takes a million bytes at a time."""
    watched = world.client()
    text = "0123456789 äö☃😀" * 40_000
    data = bytes(range(256)) * 2800
    async with world.connect(watched) as socket:
        socket.emit("echo", text)
        assert await watched.expect("echo back") == [text]
        assert await socket.call("ask", data, timeout=10) == data


@EVERYWHERE
async def test_many_both_ways_in_order(world: World) -> None:
    """The upgrade, where there is one, takes place while they are on their way."""
    watched = world.client()
    async with world.connect(watched) as socket:
        socket.emit("count", 300, "from the server", b"\x01")
        for number in range(300):
            socket.emit("echo", number)
            if world.server.kind == "python-socketio" and number % 10 == 9:
                # Of the packets of one POST it takes 16, and loses the rest without a word.
                await socket.call("ask", timeout=10)
        received = await watched.expect_many("from the server", 300)
        assert received == [[number, b"\x01"] for number in range(300)]
        assert await watched.expect_many("echo back", 300) == [[number] for number in range(300)]
    assert watched.seen("from the server") == watched.seen("echo back") == []


async def test_one_after_the_other(world: World) -> None:
    async with world.connect(world.client()) as socket:
        for number in range(30):
            assert await socket.call("ask", number, timeout=10) == number


async def test_rooms(world: World) -> None:
    """Two clients in a room, one of them on two namespaces."""
    first, second = world.client(), world.client()
    custom = first.of("/custom")
    async with world.connect(first) as one, world.connect(second) as two:
        await custom.expect("connect")
        for socket in (one, two, custom.socket):
            assert await socket.call("join", world.key, timeout=10) == world.key
        one.emit("tell", world.key, "told", 1, b"\x01")
        assert await second.expect("told") == [1, b"\x01"]
        two.emit("tell all", world.key, "told", 2)
        assert await first.expect("told") == [2]
        assert await second.expect("told") == [2]
        assert await two.call("leave", world.key, timeout=10) == world.key
        one.emit("tell all", world.key, "told", 3)
        assert await first.expect("told") == [3]
        assert await two.call("ask", "after", timeout=10) == "after"
    assert first.seen("told") == second.seen("told") == custom.seen("told") == []


async def test_volatile(world: World) -> None:
    """It is dropped while there is no connection, and gets through when there is one with nothing to do."""
    watched = world.client()
    assert not watched.socket.volatile.emit("collect", world.key, "too early")
    async with world.connect(watched) as socket:
        number = 0
        while not socket.volatile.emit("collect", world.key, number):
            await socket.call("ask", "until the line is free", timeout=10)
            number += 1
        assert await world.collected(socket) == [number]


async def test_volatile_from_the_server(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        sent, received = 0, list[int]()
        while not received:
            socket.emit("volatile", "fleeting", sent)
            await socket.call("ask", timeout=10)
            received = [number for (number,) in watched.seen("fleeting")]
            sent += 1
        # More than one, where a handler takes its time.
        assert received == sorted(set(received) & set(range(sent)))


async def test_listeners_for_everything(world: World) -> None:
    watched = world.client()
    outgoing: list[tuple[Any, ...]] = []
    named: list[tuple[Any, ...]] = []

    def sent(*args: Any) -> None:
        outgoing.append(args)

    def received(*args: Any) -> None:
        named.append(args)

    watched.socket.on_any_outgoing(sent)
    watched.socket.on("echo back", received)
    async with world.connect(watched) as socket:
        socket.emit("echo", 1, b"\x01")
        assert await watched.expect("echo back") == [1, b"\x01"]
        socket.off("echo back", received)
        socket.off_any_outgoing(sent)
        socket.emit("echo", 2)
        assert await watched.expect("echo back") == [2]
    assert named == [(1, b"\x01")]
    assert outgoing == [("echo", 1, b"\x01")]


async def test_handlers_run_in_order(world: World) -> None:
    """One that has to wait for an answer holds up those behind it, but not the answer."""
    watched = world.client()
    order: list[Any] = []

    async with world.connect(watched) as socket:

        @watched.socket.on("number")
        async def number(value: int) -> None:
            order.append(value)
            order.append(await socket.call("ask", value + 0.5, timeout=10))

        @watched.socket.on("last")
        def last(_: int) -> None:
            watched.note("done")()

        socket.emit("count", 3, "number")
        socket.emit("count", 1, "last")
        await watched.expect("done")
    assert order == [0, 0.5, 1, 1.5, 2, 2.5]


async def test_iteration(world: World) -> None:
    """Events that no handler takes wait to be taken, with their acknowledgements; it ends with the connection."""
    watched = world.client()
    async with world.connect(watched) as socket:
        event = await world.adapter.next_event(socket)
        assert event is not None
        assert (event.event, event.args) == ("welcome", [{}])
        socket.emit("count", 3, "number", b"\x01")
        socket.emit("question", 10, "why?")
        events = [await world.adapter.next_event(socket) for _ in range(4)]
        assert [event and (event.event, event.args) for event in events] == [
            *[("number", [number, b"\x01"]) for number in range(3)],
            ("question", ["why?"]),
        ]
        assert events[3] is not None
        events[3].ack("because", b"\x02")
        answered = await world.adapter.next_event(socket)
        assert answered is not None
        assert (answered.event, answered.args) == ("answered", ["value", "because", b"\x02"])
        socket.emit("last words")
        farewell = await world.adapter.next_event(socket)
        assert farewell is not None
        assert (farewell.event, farewell.args) == ("farewell", [])
        assert await world.adapter.next_event(socket) is None
        assert await world.adapter.next_event(socket) is None


@EVERYWHERE
async def test_msgpack(world: World) -> None:
    watched = world.client(path="/msgpack/socket.io/", parser=msgpack_parser())
    token = b"\x01" if world.protocol == 4 else "1"
    custom = watched.of("/custom", auth={"token": token})
    async with world.connect(watched) as socket:
        assert await custom.expect("welcome") == [{"token": token}]
        values = [*VALUES[:3], "☃", b"\x00", {"deep": [b"\xff"]}]
        socket.emit("echo", *values)
        assert await watched.expect("echo back") == values
        assert await custom.socket.call("ask", b"\x01", timeout=10) == b"\x01"


async def test_compression(world: World) -> None:
    watched = world.client(path="/deflate/socket.io/", per_message_deflate=True)
    async with world.connect(watched) as socket:
        for size in (1, 100, 70_000, 300_000):
            answer = ("z" * size, b"z" * size)
            assert await socket.call("ask", *answer, timeout=10) == answer
        socket.compress(False).emit("echo", "x" * 5000)
        assert await watched.expect("echo back") == ["x" * 5000]


def unsendable() -> Iterator[Any]:
    """What is in no JSON."""
    yield math.nan
    yield object()
    yield {(1,): 2}


async def test_what_cannot_be_sent(world: World) -> None:
    """The mistake is raised, and nothing has changed."""
    watched = world.client()
    async with world.connect(watched) as socket:
        for value in unsendable():
            with pytest.raises(LocalProtocolError):
                socket.emit("collect", world.key, value)
        for name in ("connect", "connect_error", "disconnect", "disconnecting"):
            with pytest.raises(LocalProtocolError):
                socket.emit(name)
        assert await world.collected(socket) == []


async def test_drain(world: World) -> None:
    watched = world.client()
    async with world.connect(watched) as socket:
        for number in range(20):
            socket.emit("collect", world.key, [number, "x" * 50_000])
        await socket.drain()
        assert socket.buffered < 1_000_000
        assert [number for number, _ in await world.collected(socket)] == list(range(20))
        await socket.drain()
        assert socket.buffered == 0
