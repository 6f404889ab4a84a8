"""What asyncio does for the pump, and one protocol object for each connection."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from sansio_eio import Pending
from sansio_eio.http import ClientConnection, Endpoint, Pump, ServerConnection

E_co = TypeVar("E_co", bound=Endpoint, covariant=True)
C = TypeVar("C", ServerConnection, ClientConnection)


class Driver(Generic[E_co]):
    """The `Loop` of a pump: clock, timer and tasks. Everything happens on the loop's thread."""

    def __init__(self, endpoint: E_co, stop: Callable[[Exception], None]) -> None:
        self.endpoint = endpoint
        self.loop = asyncio.get_running_loop()
        self.pump = Pump(endpoint, self)
        #: Handlers that are being awaited.
        self.tasks: set[asyncio.Task[None]] = set()
        #: Set when a connection or a task has ended.
        self.ended = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None
        self._turn: asyncio.Handle | None = None
        #: `end` was called.
        self.over = False
        self.time = self.loop.time
        self.wall_time = time.time
        self.stop = stop

    def call_soon(self) -> None:
        """See `Loop`."""
        self._turn = self.loop.call_soon(self.pump.turn)

    def call_at(self, when: float) -> None:
        """See `Loop`."""
        self.forget_timer()
        self.timer = self.loop.call_at(when, self.pump.ring)

    def forget_timer(self) -> None:
        """Call nothing at the time that was asked for."""
        if self.timer is not None:
            self.timer.cancel()

    def end(self) -> None:
        """Pump no more: the application is going to be somebody else's."""
        self.over = True
        self.forget_timer()
        if self._turn is not None:
            self._turn.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `Loop`."""
        if sys.version_info >= (3, 12):
            # What ends without waiting is never scheduled.
            task = asyncio.Task(work, loop=self.loop, eager_start=True)
        else:
            task = self.loop.create_task(work)
        if not task.done():
            self.tasks.add(task)
            task.add_done_callback(self._end)

    async def wait(self, pending: Pending[Any]) -> None:
        """See `Loop`."""
        future = self.loop.create_future()

        def end(_: object) -> None:
            if not future.done():
                future.set_result(None)

        pending.add_done_callback(end)
        try:
            await future
        finally:
            pending.remove_done_callback(end)

    def is_stray(self, error: BaseException) -> bool:
        """See `Loop`."""
        task = asyncio.current_task()
        return isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()

    def lose(self, connection: ServerConnection | ClientConnection, error: BaseException | None) -> None:
        """The transport of this one is closed, or there is none."""
        connection.connection_lost(now=self.time(), error=error if isinstance(error, Exception) else None)
        self.ended.set()
        self.pump.pump()

    def _end(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.ended.set()


class Connection(asyncio.Protocol, Generic[C]):
    """One connection: hands bytes over, in both directions. How it begins, `connection_made` says."""

    _connection: C
    _transport: asyncio.Transport

    def __init__(self, driver: Driver[Endpoint]) -> None:
        self._driver: Driver[Endpoint] = driver
        self._time = driver.time
        self._pump = driver.pump.pump

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._connection.receive_data(data, now=self._time())
        self._pump()
        self._set_reading()

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`."""
        self._connection.receive_eof(now=self._time())
        self._pump()
        # Keep it open until the rest is sent, where that is possible.
        return self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._connection.pause_writing(now=self._time())
        self._pump()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._connection.resume_writing(now=self._time())
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._driver.lose(self._connection, exc)

    def reject(self, transport: asyncio.Transport) -> None:
        """Nobody wants this one any more."""
        transport.set_protocol(asyncio.Protocol())
        transport.abort()

    def write(self, now: float) -> None:
        """The connection is ready: see `ServerConnection`."""
        connection, transport = self._connection, self._transport
        if connection.aborted:
            transport.abort()
            return
        if transport.is_closing():
            # The peer is gone, and asyncio, which is about to say so, would log whatever is written.
            return
        if not connection.paused:
            data = connection.data_to_send(now=now)
            if data:
                transport.write(data)
        if connection.closing:
            transport.close()
        elif connection.write_eof:
            transport.write_eof()
        self._set_reading()

    def _set_reading(self) -> None:
        transport = self._transport
        if self._connection.reading != transport.is_reading() and not transport.is_closing():
            if self._connection.reading:
                transport.resume_reading()
            else:
                transport.pause_reading()
