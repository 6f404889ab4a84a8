"""The pump, and one protocol object for each connection."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, cast

from sansio_eio import Pending
from sansio_eio.engineio import Runnable
from sansio_eio.http import ServerEndpoint

_log = logging.getLogger("sansio_eio.asyncio")

# After so many seconds, or so many starts, the pump lets the loop look at other sockets.
_SLICE = 0.01
_ROUNDS = 20
# After so many coroutine handlers of one session in a row, which need not have waited for anything, too.
_TURN = 64


class Driver:
    """Pumps an endpoint, and is the runtime of its applications. Everything happens on the loop's thread."""

    def __init__(self, endpoint: ServerEndpoint, loop: asyncio.AbstractEventLoop) -> None:
        self.endpoint = endpoint
        self.loop = loop
        #: Busy sessions whose handler is being awaited.
        self.workers: set[asyncio.Task[None]] = set()
        #: Handlers beside everything else.
        self.others: set[asyncio.Task[None]] = set()
        #: Set when a connection or a worker has ended.
        self.ended = asyncio.Event()
        #: Set for the next deadline, or earlier, at the time beside it. (A timer of uvloop may not know its own.)
        self.timer: asyncio.Handle | None = None
        self._timer_time = 0.0
        self._pumping = False
        self._woken = False
        #: The pump was cut short, and goes on in the next turn of the loop.
        self._behind = False

    # The runtime

    def wake(self) -> None:
        """See `Runtime`."""
        if not (self._pumping or self._woken):
            self._woken = True
            self.loop.call_soon(self._wake_up)

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Runtime`."""
        future = self.loop.create_future()
        pending.add_done_callback(lambda _: None if future.done() else future.set_result(None))
        return future

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """See `Runtime`."""
        self._start(coroutine, self.others)

    def wall_time(self) -> float:
        """See `Runtime`."""
        return time.time()

    def stop(self) -> None:
        """Forget the timer: there is nothing left to drive."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    # The pump

    def pump(self) -> None:
        """Do what there is to do, and set the timer.

        Inside of itself (in an eager task) it does nothing. Neither does it while it has more to do than fits in one
        turn of the loop: else each of a hundred busy connections would have it work for all the others.
        """
        if self._pumping or self._behind:
            return
        self._pumping = True
        endpoint = self.endpoint
        now = self.loop.time()
        rounds = 0
        advanced = False
        deadline = None
        try:
            while not self._behind:
                rounds += 1
                runnable = endpoint.take_runnable()
                for each in runnable:
                    rest = each.step()
                    if rest is not None:
                        self._start(self._work(each, rest), self.workers, rest)
                ready = endpoint.take_ready()
                for connection in ready:
                    connection.owner.write(now)
                if runnable or ready:
                    if rounds < _ROUNDS and self.loop.time() - now < _SLICE:
                        continue
                    # Somebody sent thousands of requests at once: now the others, and what is due.
                    self._behind = True
                    self.loop.call_soon(self._catch_up)
                # Last, so that what has just been read counts before it is taken for missing.
                deadline = endpoint.next_deadline()
                if deadline is None or deadline > now or advanced:
                    break
                advanced = True
                endpoint.advance(now=now)
        finally:
            self._pumping = False
        self._set_timer(deadline)

    def _wake_up(self) -> None:
        self._woken = False
        self.pump()

    def _catch_up(self) -> None:
        self._behind = False
        self.pump()

    def _time_out(self) -> None:
        self.timer = None
        self.pump()

    def _set_timer(self, deadline: float | None) -> None:
        # A timer that is too early is left alone: deadlines are put off all the time.
        if deadline is not None and (self.timer is None or deadline < self._timer_time):
            if self.timer is not None:
                self.timer.cancel()
            self.timer = self.loop.call_at(deadline, self._time_out)
            self._timer_time = deadline

    async def _work(self, runnable: Runnable, rest: Coroutine[Any, Any, None] | None) -> None:
        steps = 0
        while rest is not None:
            try:
                await rest
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Not this task was cancelled but something that a handler waited for; the session goes on.
                _log.exception("something that a handler awaited was cancelled")
            self.pump()
            steps += 1
            if steps % _TURN == 0:
                await asyncio.sleep(0)
            rest = runnable.step()
        self.pump()

    def _start(
        self,
        coroutine: Coroutine[Any, Any, None],
        tasks: set[asyncio.Task[None]],
        inner: Coroutine[Any, Any, None] | None = None,
    ) -> None:
        if sys.version_info >= (3, 12):
            # What ends without waiting is never scheduled.
            task = asyncio.Task(coroutine, loop=self.loop, eager_start=True)
        else:
            task = self.loop.create_task(coroutine)
        if not task.done():
            tasks.add(task)

            def ended(task: asyncio.Task[None]) -> None:
                tasks.discard(task)
                if inner is not None:
                    inner.close()  # cancelled before its first step, it would complain that nobody awaited it
                self.ended.set()
                self.wake()

            task.add_done_callback(ended)


class Connection(asyncio.Protocol):
    """One connection: hands bytes over, in both directions."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._endpoint = driver.endpoint
        self._time = driver.loop.time
        self._eof_sent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)
        peer: object = transport.get_extra_info("peername")
        self._secure = transport.get_extra_info("sslcontext") is not None
        self._connection = self._endpoint.connect(remote=_host(peer), secure=self._secure, owner=self, now=self._time())
        self._driver.pump()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._connection.receive_data(data, now=self._time())
        self._driver.pump()
        self._set_reading()

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`."""
        self._connection.receive_eof(now=self._time())
        self._driver.pump()
        # Keep it open until the rest is sent; TLS has no half close.
        return not self._secure

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._connection.pause_writing(now=self._time())
        self._driver.pump()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._connection.resume_writing(now=self._time())
        self._driver.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self._connection.connection_lost(now=self._time())
        self._driver.ended.set()
        self._driver.pump()

    def write(self, now: float) -> None:
        """The connection is ready."""
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
        if connection.closing or (connection.write_eof and not transport.can_write_eof()):
            transport.close()
        elif connection.write_eof and not self._eof_sent:
            self._eof_sent = True
            transport.write_eof()
        self._set_reading()

    def _set_reading(self) -> None:
        transport = self._transport
        if self._connection.reading != transport.is_reading() and not transport.is_closing():
            if self._connection.reading:
                transport.resume_reading()
            else:
                transport.pause_reading()


def _host(peer: object) -> str:
    """The host of a socket address; Unix sockets have none."""
    return str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
