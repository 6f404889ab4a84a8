"""A client and a server in one event loop with a virtual clock, connected by socket pairs."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sansio_eio.engineio import Mountable
from sansio_eio.http import ServerEndpoint
from sansio_eio_asyncio import connect
from sansio_eio_asyncio.client import Dial
from sansio_eio_asyncio.running import running
from sansio_eio_asyncio.server import Accepted
from sansio_eio_asyncio.testing import VirtualClockLoop
from tests.unit.client_scenarios import Face

Main = Callable[[], Coroutine[Any, Any, None]]


def run(main: Main) -> None:
    """Run it, with asyncio watching for mistakes; no task and no socket may be left."""
    with asyncio.Runner(loop_factory=VirtualClockLoop, debug=True) as runner:
        runner.run(leaving_nothing(main))


async def leaving_nothing(main: Main) -> None:
    before = descriptors()
    await main()
    assert len(asyncio.all_tasks()) == 1
    assert descriptors() == before


def descriptors() -> int:
    """How many files and sockets are open."""
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


def now() -> float:
    """The virtual time, in seconds."""
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def served(app: Mountable) -> AsyncGenerator[Dial]:
    """An application on this loop, and what connects to it."""
    async with running(ServerEndpoint(app), 10.0) as driver:

        async def dial(host: str, port: int) -> socket.socket:
            assert host == "host.example"
            ours, theirs = socket.socketpair()
            try:
                await driver.loop.connect_accepted_socket(lambda: Accepted(driver), theirs)
            except BaseException:
                ours.close()
                raise
            return ours

        yield dial


async def hang(host: str, port: int) -> socket.socket:
    """Never connect."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError


class Way:
    """See `client_scenarios.Way`."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self.is_there = False
        self.tried: list[float] = []
        self._sockets: list[socket.socket] = []

    async def dial(self, host: str, port: int) -> socket.socket:
        self.tried.append(round(now(), 3))
        if not self.is_there:
            raise ConnectionRefusedError
        sock = await self._dial(host, port)
        self._sockets.append(sock.dup())
        return sock

    async def cut(self) -> None:
        self.is_there = False
        for sock in self._sockets:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._sockets.clear()


FACE = Face(connect, connect, served, Way, asyncio.sleep, now)
