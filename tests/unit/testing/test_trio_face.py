"""The network on trio, under its MockClock."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from sansio_eio import EngineServer, LocalProtocolError, OnError, Server, Session, Socket
from sansio_eio.testing import NetworkAssertionError
from sansio_eio_trio.testing import open_network, run
from tests.unit.testing.chat import make_chat


def test_the_same_as_without_a_loop() -> None:
    async def test() -> str:
        async with open_network(make_chat(), seed=3) as net:
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

    assert run(test) == run(test)


def test_raw_engine() -> None:
    async def test() -> None:
        engine = EngineServer()

        @engine.on("connection")
        def connected(session: Session) -> None:
            session.on("message", session.send)

        async with open_network(engine) as net:
            ada = await net.connect_engine()
            ada.send("hello", b"x")
            await ada.expect("hello")
            assert await ada.take() == [b"x"]
            await ada.expect_nothing()
            assert not (await net.connect_engine(wait=False)).connected

    run(test)


def test_handlers_await_what_they_like_and_time_passes_for_them() -> None:
    async def test() -> None:
        io = make_chat(ping_interval=25.0)
        times: list[float] = []
        async with open_network(io) as net:

            @io.on("work")
            async def work(socket: Socket) -> str:
                await trio.lowlevel.checkpoint()
                await trio.sleep(0.1)
                times.append(net.now)
                await net.sleep(0.2)
                times.append(net.now)
                with trio.fail_after(10.0):
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

    run(test)


def test_handlers_that_never_settle() -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("spin")
        async def spin(socket: Socket) -> None:
            while True:
                await trio.lowlevel.checkpoint()

        async def settle() -> None:
            async with open_network(io, max_steps=500) as net:
                (await net.connect()).emit("spin")
                await net.settle()

        with pytest.raises(NetworkAssertionError, match="the network has not settled after 500 steps") as info:
            await settle()
        assert '42["spin"]' in str(info.value)
        assert io.engine.runtime is None

    run(test)


def test_a_handler_that_is_busy_for_long_settles() -> None:
    async def test() -> None:
        io = make_chat()
        done: list[int] = []

        @io.on("spin")
        async def spin(socket: Socket) -> None:
            for _ in range(400):
                await trio.lowlevel.checkpoint()
            done.append(1)

        async with open_network(io, max_steps=500) as net:
            ada = await net.connect()
            for _ in range(3):
                ada.emit("spin")
                await net.settle()
        assert done == [1, 1, 1]

    run(test)


def test_a_task_of_the_test_that_goes_on_for_ever() -> None:
    async def test() -> None:
        async def spin() -> None:
            while True:
                await trio.lowlevel.checkpoint()

        io = make_chat()

        @io.on("stay")
        async def stay(socket: Socket) -> None:
            await trio.sleep_forever()

        async def use(nursery: trio.Nursery) -> None:
            async with open_network(io, max_steps=500) as net:
                (await net.connect()).emit("stay")
                await net.settle()
                nursery.start_soon(spin)

        async with trio.open_nursery() as nursery:
            with pytest.raises(NetworkAssertionError, match="has not settled after 500 steps"):
                await use(nursery)
            nursery.cancel_scope.cancel()

    run(test)


@pytest.mark.parametrize("wait", [lambda: asyncio.sleep(1.0), lambda: asyncio.Event().wait()])
def test_a_handler_that_awaits_something_of_asyncio(wait: Callable[[], Awaitable[Any]]) -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("wait")
        async def wait_there(socket: Socket) -> None:
            await wait()

        async with open_network(io) as net:
            (await net.connect()).emit("wait")
            with pytest.raises(NetworkAssertionError) as info:
                await net.settle()
        assert "in a handler of wait\na handler awaits something of asyncio, but trio runs it" in str(info.value)

    run(test)


def test_handlers_that_do_not_end_are_cancelled() -> None:
    async def test() -> None:
        io = make_chat()
        ended: list[str] = []

        @io.on("stay")
        async def stay(socket: Socket) -> None:
            try:
                await trio.sleep_forever()
            finally:
                ended.append("cancelled")

        with pytest.raises(NetworkAssertionError, match=r"still running when the network closed: .*stay, line"):
            async with open_network(io) as net:
                (await net.connect()).emit("stay")
        assert ended == ["cancelled"]

    run(test)


def test_a_test_that_fails() -> None:
    async def test() -> None:
        async with open_network(make_chat()) as net:
            await (await net.connect()).expect("never")

    with pytest.raises(NetworkAssertionError, match="ada expected"):
        run(test)


def test_a_hook_stops_the_server() -> None:
    async def test() -> None:
        io = make_chat()
        io.on_error(lambda error, where: OnError.STOP)
        async with open_network(io) as net:
            ada = await net.connect()
            ada.emit("fail")
            await net.expect_error(ValueError)
            assert ada.disconnect_reason == "transport close"

    run(test)


def test_a_network_that_begins_late() -> None:
    async def test() -> None:
        await trio.sleep(1000.1)
        async with open_network(make_chat()) as net:
            assert net.now == 0.0
            await net.connect()
            await net.advance(0.3)
            await net.advance(0.3)
            assert net.now == 0.6

    run(test)


def test_a_background_task_is_heard_of_while_time_passes() -> None:
    async def test() -> None:
        io = make_chat()

        async def tick() -> None:
            while True:
                await trio.sleep(10.0)
                io.emit("tick")

        async with trio.open_nursery() as nursery, open_network(io) as net:
            ada = await net.connect(transport="websocket")
            nursery.start_soon(tick)
            await net.advance(35.0)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                assert await ada.take() == [("tick",)] * 3
                await net.close()

    run(test)


def test_waiting_for_the_value_of_a_client() -> None:
    async def test() -> None:
        async with open_network(make_chat()) as net, trio.open_nursery() as nursery:
            ada = await net.connect()
            values: list[Any] = []

            async def wait() -> None:
                values.append(await ada.emit_with_ack("echo", 1))

            nursery.start_soon(wait)
            await net.settle()
            assert values == [1]

    run(test)


@pytest.mark.parametrize("clock", [None, MockClock(), MockClock(autojump_threshold=1.0)])
def test_it_needs_the_clock(clock: MockClock | None) -> None:
    async def test() -> None:
        with pytest.raises(LocalProtocolError, match=r"use sansio_eio_trio\.testing\.run"):
            async with open_network(Server()):
                pass

    trio.run(test, clock=clock)


def test_a_test_that_is_cancelled() -> None:
    async def test() -> None:
        io = make_chat()
        with trio.move_on_after(5.0) as scope:
            async with open_network(io) as net:
                (await net.connect()).emit("ask")
                await net.settle()
                await trio.sleep(10.0)
        assert scope.cancelled_caught
        assert io.engine.runtime is None
        async with open_network(io) as net:
            assert (await net.connect()).connected

    run(test)
