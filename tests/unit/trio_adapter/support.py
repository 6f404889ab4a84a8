"""A virtual clock, the client's end of a stream in memory, and servers to talk to."""

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Unpack

import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from sansio_eio import EngineServer, Session
from sansio_eio.engineio import EngineOptions, Mountable
from sansio_eio.http import Router
from sansio_eio_trio import serve_stream
from tests.unit.http.support import handshake

WEBSOCKET = handshake("/engine.io/?EIO=4&transport=websocket")


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it under a clock that jumps when nobody has anything to do; no task may be left."""

    async def checked() -> None:
        before = tasks()
        await main()
        assert tasks() == before

    trio.run(checked, clock=MockClock(autojump_threshold=0), strict_exception_groups=True)


def tasks() -> int:
    """How many there are."""
    return trio.lowlevel.current_statistics().tasks_living


class Peer:
    """A client that reads and writes bytes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._received = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._received) < count:
            await self._receive()
        data, self._received = self._received[:count], self._received[count:]
        return data

    async def read_past(self, end: bytes) -> bytes:
        """Everything up to the end of this."""
        while end not in self._received:
            await self._receive()
        return await self.read(self._received.index(end) + len(end))

    async def _receive(self) -> None:
        data = await self.stream.receive_some()
        assert data, f"it ended after {self._received!r}"
        self._received += data

    async def expect(self, answer: bytes) -> None:
        """Exactly this comes next."""
        assert await self.read(len(answer)) == answer

    async def ask(self, data: bytes, answer: bytes) -> None:
        """Send bytes, and get exactly these back."""
        await self.send(data)
        await self.expect(answer)

    async def end(self) -> bytes:
        """Everything up to the end of the connection."""
        while data := await self.stream.receive_some():
            self._received += data
        data, self._received = self._received, b""
        return data

    async def send_eof(self) -> None:
        """End in one direction."""
        assert isinstance(self.stream, trio.abc.HalfCloseableStream)
        await self.stream.send_eof()

    async def open_websocket(self) -> None:
        """An Engine.IO session over WebSocket."""
        await self.send(WEBSOCKET)
        await self.read_past(b'"maxPayload":1000000}')


def dial(nursery: trio.Nursery, app: Mountable | Router, *, lockstep: bool = False, **options: float) -> Peer:
    """Connect in memory; with `lockstep` nothing can be sent that is not being received."""
    ours, theirs = lockstep_stream_pair() if lockstep else memory_stream_pair()
    serve = partial(serve_stream, app, theirs, **options)  # type: ignore[arg-type]  # the names are those of the options
    nursery.start_soon(serve)
    return Peer(ours)


class Network(trio.abc.Listener[trio.abc.Stream]):
    """Connections in memory, to be accepted."""

    def __init__(self) -> None:
        self._dialled, self._accepted = trio.open_memory_channel[trio.abc.Stream | OSError](math.inf)
        self.closed = False

    def dial(self, *, lockstep: bool = False) -> Peer:
        """See `dial`."""
        ours, theirs = lockstep_stream_pair() if lockstep else memory_stream_pair()
        self._dialled.send_nowait(theirs)
        return Peer(ours)

    def fail(self, number: int) -> None:
        """The next `accept` fails."""
        self._dialled.send_nowait(OSError(number, "as asked for"))

    async def accept(self) -> trio.abc.Stream:
        stream = await self._accepted.receive()
        if isinstance(stream, OSError):
            raise stream
        return stream

    async def aclose(self) -> None:
        self.closed = True
        self._dialled.close()
        await self._accepted.aclose()


def listening(
    handler: Callable[[Session, str], Awaitable[None]], *, concurrent: bool = False, **options: Unpack[EngineOptions]
) -> EngineServer:
    """A server whose messages go to this handler."""
    engine = EngineServer(**options)

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message", concurrent=concurrent)
        async def message(data: str) -> None:
            await handler(session, data)

    return engine


def on_close(engine: EngineServer, handler: Callable[[str], object]) -> EngineServer:
    """Have the ends of all sessions go to this handler."""

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("close", handler)

    return engine
