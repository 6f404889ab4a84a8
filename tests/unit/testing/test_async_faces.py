"""The faces for handlers that need an event loop: what is the same on asyncio and on trio."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import trio
import trio.lowlevel

import sansio_eio_asyncio.testing
import sansio_eio_trio.testing
from sansio_eio import EngineServer, OnError, Session, Socket
from sansio_eio.testing import AsyncNetwork, NetworkAssertionError
from tests.unit.testing.chat import make_chat


@dataclass
class Face:
    """A face, and the words of its library."""

    name: str
    run: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
    open_network: Callable[..., AbstractAsyncContextManager[AsyncNetwork]]
    sleep: Callable[[float], Awaitable[None]]
    #: Lets the others have a turn.
    turn: Callable[[], Awaitable[None]]
    forever: Callable[[], Awaitable[Any]]


FACES = (
    Face(
        "asyncio",
        sansio_eio_asyncio.testing.run,
        sansio_eio_asyncio.testing.open_network,
        asyncio.sleep,
        partial(asyncio.sleep, 0),
        lambda: asyncio.Event().wait(),
    ),
    Face(
        "trio",
        sansio_eio_trio.testing.run,
        sansio_eio_trio.testing.open_network,
        trio.sleep,
        trio.lowlevel.checkpoint,
        lambda: trio.Event().wait(),
    ),
)


@pytest.fixture(params=FACES, ids=lambda face: face.name)
def face(request: pytest.FixtureRequest) -> Face:
    """The face under test."""
    face: Face = request.param
    return face


@pytest.fixture
def other(face: Face) -> Face:
    """The one whose library does not run."""
    return next(each for each in FACES if each is not face)


def test_the_same_as_without_a_loop(face: Face) -> None:
    async def test() -> str:
        async with face.open_network(make_chat(), seed=3) as net:
            ada, bob = await net.connect(), await net.connect(transport="polling")
            assert await ada.call("say", "hello") == "delivered"
            await bob.expect("said", "hello")
            await bob.expect_nothing()
            ada.on("question", lambda: "yes")
            assert await ada.call("ask") == "yes"
            assert await ada.take() == [("question",)]
            admin = await ada.of("/admin", auth={"name": "root"})
            assert await admin.call("whoami") == "root"
            later = ada.of("/closed", wait=False)
            assert (await later).connect_error is None
            ada.emit("fail")
            assert str(await net.expect_error(ValueError)) == "it failed"
            await net.settle()
            ada.cut()
            await bob.expect("left", "transport close")
            assert net.now == 0.0
            waiting = await net.connect(wait=False)
            assert not waiting.connected
            return str(net.transcript)

    assert face.run(test) == face.run(test)


def test_raw_engine(face: Face) -> None:
    async def test() -> None:
        engine = EngineServer()

        @engine.on("connection")
        def connected(session: Session) -> None:
            session.on("message", session.send)

        async with face.open_network(engine) as net:
            ada = await net.connect_engine()
            ada.send("hello", b"x")
            await ada.expect("hello")
            assert await ada.take() == [b"x"]
            await ada.expect_nothing()
            assert not (await net.connect_engine(wait=False)).connected

    face.run(test)


def test_handlers_await_what_they_like_and_time_passes_for_them(face: Face) -> None:
    async def test() -> None:
        io = make_chat(ping_interval=25.0)
        times: list[float] = []
        async with face.open_network(io) as net:

            @io.on("work")
            async def work(socket: Socket) -> str:
                await face.turn()
                await face.sleep(0.1)
                times.append(net.now)
                await net.sleep(0.2)
                times.append(net.now)
                socket.emit("half done")
                return str(await socket.call("question", timeout=5.0))

            ada = await net.connect()
            answer = ada.emit_with_ack("work")
            await net.settle()
            await ada.expect_nothing()
            await net.advance(1.0)
            await ada.expect("half done")
            (await ada.expect("question")).ack("yes")
            await net.settle()
            assert answer.value == "yes"
            assert times == pytest.approx([0.1, 0.3])
            await net.advance(99.0)
            assert net.now == 100.0
            pings = [line.split()[0] for line in str(net.transcript).splitlines() if line.endswith("<- ws    2")]
            assert pings == ["25.000", "50.000", "75.000", "100.000"]

    face.run(test)


def test_handlers_that_do_not_end_are_cancelled(face: Face) -> None:
    async def test() -> None:
        io = make_chat()
        ended: list[str] = []

        @io.on("stay")
        async def stay(socket: Socket) -> None:
            try:
                await face.forever()
            finally:
                ended.append("cancelled")

        with pytest.raises(NetworkAssertionError, match=r"still running when the network closed: .*stay, line"):
            async with face.open_network(io) as net:
                (await net.connect()).emit("stay")
        assert ended == ["cancelled"]

    face.run(test)


def test_a_test_that_fails(face: Face) -> None:
    async def test() -> None:
        async with face.open_network(make_chat()) as net:
            await (await net.connect()).expect("never")

    with pytest.raises(NetworkAssertionError, match="ada expected"):
        face.run(test)


def test_a_hook_stops_the_server(face: Face) -> None:
    async def test() -> None:
        io = make_chat()
        io.on_error(lambda error, where: OnError.STOP)
        async with face.open_network(io) as net:
            ada = await net.connect()
            ada.emit("fail")
            await net.expect_error(ValueError)
            assert ada.disconnect_reason == "transport close"

    face.run(test)


def test_handlers_that_never_settle(face: Face) -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("spin")
        async def spin(socket: Socket) -> None:
            while True:
                await face.turn()

        async def settle() -> None:
            async with face.open_network(io, max_steps=500) as net:
                (await net.connect()).emit("spin")
                await net.settle()

        with pytest.raises(NetworkAssertionError, match="the network has not settled after 500 steps") as info:
            await settle()
        assert '42["spin"]' in str(info.value)
        assert io.engine.runtime is None

    face.run(test)


def test_a_handler_that_is_busy_for_long_settles(face: Face) -> None:
    async def test() -> None:
        io = make_chat()
        done: list[int] = []

        @io.on("spin")
        async def spin(socket: Socket) -> None:
            for _ in range(400):
                await face.turn()
            done.append(1)

        async with face.open_network(io, max_steps=500) as net:
            ada = await net.connect()
            for _ in range(3):
                ada.emit("spin")
                await net.settle()
        assert done == [1, 1, 1]

    face.run(test)


def test_a_network_that_begins_late(face: Face) -> None:
    async def test() -> None:
        await face.sleep(1000.1)
        async with face.open_network(make_chat()) as net:
            assert net.now == 0.0
            await net.connect()
            await net.advance(0.3)
            await net.advance(0.3)
            assert net.now == 0.6

    face.run(test)


@pytest.mark.parametrize("how", ["sleep", "forever"])
def test_a_handler_that_awaits_something_of_the_other_library(face: Face, other: Face, how: str) -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("wait")
        async def wait_there(socket: Socket) -> None:
            await (other.sleep(1.0) if how == "sleep" else other.forever())

        async with face.open_network(io) as net:
            (await net.connect()).emit("wait")
            with pytest.raises(NetworkAssertionError) as info:
                await net.settle()
        hint = f"a handler awaits something of {other.name}, but {face.name} runs it"
        assert f"in a handler of wait\n{hint}" in str(info.value)

    face.run(test)
