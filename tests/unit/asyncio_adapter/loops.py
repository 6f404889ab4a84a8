"""The event loops that sockets are tried with."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

Main = Callable[[], Coroutine[Any, Any, None]]


def run_asyncio(main: Main) -> None:
    """Run it on the loop of asyncio, which watches for mistakes."""
    asyncio.run(asyncio.wait_for(main(), 20), debug=True)


def run_uvloop(main: Main) -> None:
    """Run it on that of uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 20))
