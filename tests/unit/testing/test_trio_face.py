"""The network on trio, under its MockClock."""

from typing import Any

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from sansio_eio import LocalProtocolError, Server, Socket
from sansio_eio.testing import NetworkAssertionError
from sansio_eio_trio.testing import open_network, run
from tests.unit.testing.chat import make_chat


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
