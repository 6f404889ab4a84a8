"""The network on asyncio, with a clock that jumps."""

import asyncio
from typing import Any

import pytest

from sansio_eio import LocalProtocolError, Server, Socket
from sansio_eio_asyncio import testing
from sansio_eio_asyncio.testing import VirtualClockLoop, open_network, run
from tests.unit.testing.chat import make_chat


def test_a_background_task_is_heard_of_while_time_passes() -> None:
    async def test() -> None:
        io = make_chat()

        async def tick() -> None:
            while True:
                await asyncio.sleep(10.0)
                io.emit("tick")

        async with open_network(io) as net:
            ada = await net.connect(transport="websocket")
            ticking = asyncio.create_task(tick())
            await net.advance(35.0)
            ticking.cancel()
            assert await ada.take() == [("tick",)] * 3
            ticks = [line.split()[0] for line in str(net.transcript).splitlines() if "tick" in line]
            assert ticks == ["10.000", "20.000", "30.000"]

    run(test)


def test_waiting_for_the_value_of_a_client() -> None:
    async def test() -> None:
        async with open_network(make_chat()) as net:
            ada = await net.connect()
            answer = asyncio.create_task(wait(ada.emit_with_ack("echo", 1)))
            await net.settle()
            assert await answer == 1
            lost = asyncio.create_task(wait(ada.emit_with_ack("nothing")))
            await net.settle()
            lost.cancel()
            await net.settle()
            ada.close()
            await net.settle()

    async def wait(pending: Any) -> Any:
        return await pending

    run(test)


def test_something_cancelled_that_a_handler_awaits() -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("wait")
        async def wait(socket: Socket) -> None:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

        async with open_network(io) as net:
            ada = await net.connect()
            ada.emit("wait")
            assert await ada.call("echo", 1) == 1

    run(test)


def test_an_error_of_asyncio_s_own() -> None:
    async def test() -> None:
        io = make_chat()

        @io.on("release")
        async def release(socket: Socket) -> None:
            asyncio.Lock().release()

        async with open_network(io) as net:
            (await net.connect()).emit("release")
            assert (await net.expect_error(RuntimeError)).__notes__ == ["in a handler of release"]

    run(test)


def test_it_needs_the_clock() -> None:
    async def test() -> None:
        with pytest.raises(LocalProtocolError, match=r"use sansio_eio_asyncio\.testing\.run"):
            async with open_network(Server()):
                pass

    asyncio.run(test())


def test_the_clock() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualClockLoop)
        assert loop.time() == 0.0
        await asyncio.sleep(1e6)
        assert loop.time() == pytest.approx(1e6)
        # Threads are waited for in real time, which does not count.
        assert await asyncio.to_thread(lambda: "done") == "done"
        assert loop.time() == pytest.approx(1e6)
        waiter = asyncio.create_task(loop.idle())
        await asyncio.sleep(0)
        waiter.cancel()
        await loop.idle()

    run(test)


def test_waiting_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "REAL_PATIENCE", 0.01)

    async def test() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="something that never happens"):
        run(test)


def test_a_test_that_is_cancelled() -> None:
    async def use(io: Server) -> None:
        async with asyncio.timeout(5.0), open_network(io) as net:
            (await net.connect()).emit("ask")
            await net.settle()
            await asyncio.sleep(10.0)

    async def test() -> None:
        io = make_chat()
        with pytest.raises(TimeoutError):
            await use(io)
        assert io.engine.runtime is None
        async with open_network(io) as net:
            assert (await net.connect()).connected

    run(test)
