"""How each adapter serves the application: on loopback, until SIGTERM or the end of the input.

A new adapter is one more entry of `ADAPTERS`, and of `KINDS` in servers.py.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import trio
import uvloop

import sansio_eio_asyncio
import sansio_eio_threads
import sansio_eio_trio
from sansio_eio.http import Router
from tests.conformance.values import dumps

#: Waits a moment, in the way of the adapter.
Pause: TypeAlias = Callable[[], Awaitable[None]]
#: Makes the application; its coroutines may await the pause.
Make: TypeAlias = Callable[[Pause], Router]


def tell_port(port: int) -> None:
    """It listens."""
    print(dumps({"port": port}), flush=True)


def at_the_end_of_input(stop: Callable[[], object]) -> None:
    """Call `stop` in a thread when the tests are gone, however they ended."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        # Where SIGTERM was faster, there may be nothing left to stop.
        with contextlib.suppress(RuntimeError):
            stop()

    threading.Thread(target=wait, daemon=True).start()


def serve_asyncio(make: Make, port: int, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    """Serve it on asyncio."""

    async def pause() -> None:
        await asyncio.sleep(0.001)

    async def main() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        at_the_end_of_input(partial(loop.call_soon_threadsafe, stopped.set))
        # In its debug mode, asyncio complains about the time that the largest messages take in debug mode.
        loop.slow_callback_duration = 5.0
        async with sansio_eio_asyncio.start_server(make(pause), "127.0.0.1", port) as server:
            tell_port(server.addresses[0][1])
            await stopped.wait()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def serve_trio(make: Make, port: int) -> None:
    """Serve it on trio."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()

            # Not `trio.open_signal_receiver`: a signal that comes to one that ends already is raised again.
            def stop(*_: object) -> None:
                token.run_sync_soon(nursery.cancel_scope.cancel)

            signal.signal(signal.SIGTERM, stop)
            at_the_end_of_input(stop)
            serve = partial(sansio_eio_trio.serve, make(partial(trio.sleep, 0.001)), "127.0.0.1", port)
            listeners = await nursery.start(serve)
            tell_port(listeners[0].socket.getsockname()[1])

    trio.run(main)


def serve_threads(make: Make, port: int) -> None:
    """Serve it in threads."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    at_the_end_of_input(stopped.set)

    async def pause() -> None:
        time.sleep(0.001)  # noqa: ASYNC251  (a handler of this adapter has a thread, and no event loop to block)

    with sansio_eio_threads.Server(make(pause), "127.0.0.1", port) as server:
        tell_port(server.addresses[0][1])
        stopped.wait()


ADAPTERS: dict[str, Callable[[Make, int], None]] = {
    "asyncio": serve_asyncio,
    "uvloop": partial(serve_asyncio, loop_factory=uvloop.new_event_loop),
    "trio": serve_trio,
    "threads": serve_threads,
}


def serve(adapter: str, make: Make, port: int) -> None:
    """Serve it on this adapter."""
    ADAPTERS[adapter](make, port)
