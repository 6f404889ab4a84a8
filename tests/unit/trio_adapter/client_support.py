"""A client and a server in one run of trio, connected in memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType

import trio
from trio.testing import memory_stream_pair

from sansio_eio.engineio import Mountable
from sansio_eio_trio import connect, serve_listeners
from sansio_eio_trio.client import Dial
from tests.unit.client_scenarios import Face
from tests.unit.peers import handshake_of
from tests.unit.trio_adapter.support import Network


@asynccontextmanager
async def served(app: Mountable) -> AsyncGenerator[Dial]:
    """An application, and what connects to it. It is cancelled at the end."""
    network = Network()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_listeners, app, [network])

        async def dial(host: str, port: int) -> trio.abc.Stream:
            assert host == "host.example"
            await trio.lowlevel.checkpoint()
            return network.dial().stream

        yield dial
        nursery.cancel_scope.cancel()


async def hang(host: str, port: int) -> trio.abc.Stream:
    """Never connect."""
    await trio.sleep_forever()
    raise AssertionError


class Deaf:
    """A server that answers the first request, and no other one."""

    def __init__(self) -> None:
        self._peers: list[trio.abc.Stream] = []

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        self._peers.append(theirs)
        if len(self._peers) == 1:
            await theirs.send_all(handshake_of("x"))
        return ours

    async def told(self) -> bytes:
        """What it was told, to the end of all connections."""
        return b"".join([data for peer in self._peers async for data in peer])


class Way:
    """See `client_scenarios.Way`."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self.is_there = False
        self.tried: list[float] = []
        self._streams: list[trio.abc.Stream] = []

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.tried.append(round(trio.current_time(), 3))
        if not self.is_there:
            raise ConnectionRefusedError
        self._streams.append(await self._dial(host, port))
        return self._streams[-1]

    async def cut(self) -> None:
        self.is_there = False
        for stream in self._streams:
            await trio.aclose_forcefully(stream)
        self._streams.clear()


FACE = Face(connect, connect, served, Way, trio.sleep, trio.current_time)


class CancelsAt(trio.abc.Instrument):
    """A scope that is cancelled before tasks make one more than so many steps."""

    def __init__(self, steps: int) -> None:
        self._scope = trio.CancelScope()
        self._left = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if self._left == 0:
            self._scope.cancel()

    def __enter__(self) -> trio.CancelScope:
        trio.lowlevel.add_instrument(self)
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        trio.lowlevel.remove_instrument(self)
        return self._scope.__exit__(kind, error, traceback)
