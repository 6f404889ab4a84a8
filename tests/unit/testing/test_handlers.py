"""Coroutine handlers that the network runs itself."""

import asyncio
from typing import Any

import pytest

from sansio_eio import Server, Socket
from sansio_eio.testing import Client, Network
from sansio_eio.testing.loops import Park, name_of
from sansio_eio.testing.network import run
from tests.unit.testing.chat import make_chat


def test_async_handlers_that_wait_for_answers_and_drains() -> None:
    io = make_chat()

    @io.on("drain")
    async def drain(socket: Socket) -> str:
        socket.emit("news", "x" * 100_000)
        await socket.drain()
        return "drained"

    with Network(io) as net:
        ada = net.connect()
        ada.on("question", lambda *args: args)
        assert ada.call("ask", 1, 2) == (1, 2)
        assert ada.call("drain") == "drained"


@pytest.mark.parametrize("inside", [False, True])
def test_a_handler_that_needs_an_event_loop(inside: bool) -> None:
    io = Server()

    @io.on("wait")
    async def wait(socket: Socket) -> None:
        await asyncio.sleep(1.0)

    def check() -> None:
        with Network(io) as net:
            ada = net.connect()
            ada.emit("wait")
            error = net.expect_error(RuntimeError)
            assert "sansio_eio_asyncio.testing" in "".join([str(error), *error.__notes__])
            assert ada.connected

    async def check_inside() -> None:
        check()

    if inside:
        asyncio.run(check_inside())
    else:
        check()


def test_concurrent_handlers_and_those_that_end_at_once() -> None:
    io = Server()
    done: list[Any] = []
    with Network(io) as net:

        @io.on("slow", concurrent=True)
        async def slow(socket: Socket, seconds: float) -> None:
            await net.sleep(seconds)
            done.append(seconds)

        @io.on("quick", concurrent=True)
        async def quick(socket: Socket) -> None:
            done.append("quick")

        ada: Client = net.connect()
        ada.emit("slow", 2.0)
        ada.emit("slow", 1.0)
        ada.emit("quick")
        net.advance(5.0)
    assert done == ["quick", 1.0, 2.0]


def test_the_names_of_handlers() -> None:
    async def inner() -> None:
        await Park(lambda wake: None)

    async def outer() -> None:
        await inner()

    work = outer()
    line = outer.__code__.co_firstlineno
    assert name_of(work).endswith(f"outer, line {line}")
    work.send(None)
    assert name_of(work).endswith(f"outer, line {line + 1}")
    work.close()
    assert name_of(work) == "a handler"


def test_only_the_network_s_own_loop_needs_no_waiting() -> None:
    async def wait() -> None:
        await Park(lambda wake: None)

    work = wait()
    with pytest.raises(AssertionError, match="it waited"):
        run(work)
    work.close()
