"""This library's client with its default options, on what the first argument says: asyncio, uvloop, trio or threads."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from threading import Event
from time import perf_counter, process_time

import trio

import sansio_eio_asyncio
import sansio_eio_threads
import sansio_eio_trio
from sansio_eio import Client, ClientSocket, Pending

#: Acknowledgements one after another, then so many in all with so many under way at the same time.
ONE_BY_ONE = 2_000
AT_ONCE, WINDOW = 20_000, 64


class Run:
    """Emits a number of events with acknowledgements, so many of them under way at the same time."""

    def __init__(self, socket: ClientSocket, count: int, window: int, done: Callable[[], object]) -> None:
        self._socket = socket
        self._left = self._to_come = count
        self._done = done
        for _ in range(window):
            self._emit()

    def _emit(self) -> None:
        self._left -= 1
        self._socket.emit_with_ack("echo", "hello").add_done_callback(self._answered)

    def _answered(self, ack: Pending[str]) -> None:
        assert ack.value == "hello"
        self._to_come -= 1
        if self._left > 0:
            self._emit()
        elif self._to_come == 0:
            self._done()


class Watch:
    """The time, and that of the CPU, for a number of round trips."""

    def __init__(self) -> None:
        self._start = perf_counter(), process_time()

    def figures(self, count: int) -> dict[str, float]:
        return {
            "per_second": count / (perf_counter() - self._start[0]),
            "cpu_us": (process_time() - self._start[1]) / count * 1e6,
        }


async def measure(socket: ClientSocket, run: Callable[[int, int], Awaitable[None]]) -> None:
    results: dict[str, dict[str, float]] = {}
    await run(200, WINDOW)  # warm
    for name, count, window in (("one by one", ONE_BY_ONE, 1), ("at once", AT_ONCE, WINDOW)):
        watch = Watch()
        await run(count, window)
        results[name] = watch.figures(count)
    print(json.dumps(results))


async def on_asyncio(client: Client) -> None:
    async with sansio_eio_asyncio.connect(client) as socket:

        async def run(count: int, window: int) -> None:
            done = asyncio.get_running_loop().create_future()
            Run(socket, count, window, lambda: done.set_result(None))
            await done

        await measure(socket, run)


async def on_trio(client: Client) -> None:
    async with sansio_eio_trio.connect(client) as socket:

        async def run(count: int, window: int) -> None:
            done = trio.Event()
            Run(socket, count, window, done.set)
            await done.wait()

        await measure(socket, run)


def in_threads(client: Client) -> None:
    with sansio_eio_threads.connect(client) as socket:

        async def run(count: int, window: int) -> None:
            done = Event()
            Run(socket, count, window, done.set)
            done.wait()

        # It never awaits anything that is not there.
        with suppress(StopIteration):
            measure(socket, run).send(None)


if __name__ == "__main__":
    driver, port = sys.argv[1:3]
    client = Client(f"http://127.0.0.1:{port}", transports=["websocket"])
    if driver == "trio":
        trio.run(on_trio, client)
    elif driver == "threads":
        in_threads(client)
    else:
        # "asyncio" and "uvloop" have the same name for it.
        with asyncio.Runner(loop_factory=import_module(driver).new_event_loop) as runner:
            runner.run(on_asyncio(client))
