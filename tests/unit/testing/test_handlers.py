"""Coroutine handlers that the network runs itself."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio

from sansio_eio import Server, Socket
from sansio_eio.testing import Network, NetworkAssertionError, NetworkClient
from sansio_eio.testing.loops import Park, name_of, raised_in
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
            assert "".join([str(error), *error.__notes__]).count("sansio_eio_asyncio.testing") == 1
            assert ada.connected

    async def check_inside() -> None:
        check()

    if inside:
        asyncio.run(check_inside())
    else:
        check()


@pytest.mark.parametrize(
    "wait",
    [
        lambda: asyncio.Queue[int]().get(),
        lambda: asyncio.Event().wait(),
        lambda: asyncio.get_running_loop().create_future(),
        partial(trio.sleep, 1.0),
    ],
)
def test_the_hint_comes_wherever_the_error_was_raised(wait: Callable[[], Awaitable[Any]]) -> None:
    io = Server()

    @io.on("wait")
    async def wait_there(socket: Socket) -> None:
        await wait()

    with Network(io) as net:
        net.connect().emit("wait")
        with pytest.raises(NetworkAssertionError) as info:
            net.settle()
        assert (
            " was raised in a handler of wait\n"
            "without an event loop, a handler can only await what this library returns, and net.sleep; for anything"
        ) in str(info.value)


@pytest.mark.parametrize("error", [asyncio.QueueEmpty, AttributeError, RuntimeError])
def test_other_errors_get_no_hint(error: type[Exception]) -> None:
    io = Server()

    @io.on("fail")
    def fail(socket: Socket) -> None:
        if error is asyncio.QueueEmpty:
            asyncio.Queue[int]().get_nowait()
        failure = error("it was said that there was no running event loop")
        failure.add_note("of the application")
        raise failure

    with Network(io) as net:
        net.connect().emit("fail")
        notes = net.expect_error(error).__notes__
        assert notes == ["in a handler of fail", *([] if error is asyncio.QueueEmpty else ["of the application"])]


def test_an_error_that_was_never_raised() -> None:
    assert raised_in(ValueError()) == ""


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

        ada: NetworkClient = net.connect()
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
