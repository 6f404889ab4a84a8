"""The thread that moves the bytes of all connections, and keeps the time."""

import logging
import socket
import time
from collections.abc import Callable, Coroutine
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread, current_thread
from threading import Lock as Latch
from typing import Any

from sansio_eio import LocalProtocolError, Pending
from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio.atomic import Lock
from sansio_eio.http import Endpoint
from sansio_eio_threads.accepting import Acceptor
from sansio_eio_threads.lock import LOCK, is_held
from sansio_eio_threads.pool import Pool

_log = logging.getLogger("sansio_eio.threads")

# The longest sleep, in seconds. Selectors take no more than some weeks; a deadline may be years away.
_LONGEST = 86400.0


class Driver:
    """Serves an endpoint, and is the runtime of its application; `acceptor` is for a server.

    One thread does all reading and writing; a pool runs the handlers. They meet in the core, and so do the other
    threads of the program: that is what `LOCK` is for. At the end, peers and handlers have `grace` seconds.
    """

    def __init__(self, endpoint: Endpoint, acceptor: Acceptor | None = None, *, max_workers: int, grace: float) -> None:
        self.endpoint = endpoint
        self.selector = DefaultSelector()
        self.time = time.monotonic
        #: For what the thread does besides the endpoint.
        self.deadlines = Deadlines()
        # Taken until there is nothing left of it. (No Event: who begins to wait for one holds its lock for a moment. A
        # signal handler that stopped the server at that moment would wait for a thread that waits for that lock.)
        self._running = Latch()
        self._running.acquire()
        self._acceptor = acceptor
        self._grace = grace
        self._thread = Thread(target=self._run, name="sansio_eio I/O", daemon=True)
        self._pool = Pool(max_workers, self.stop, self._wake_to_end)
        self._waker, self._wakes = socket.socketpair()
        self._waker.setblocking(False)
        self._wakes.setblocking(False)
        self._is_installed = False
        self._has_begun = False
        #: Nothing is left to do, and the thread ends.
        self._is_over = False
        #: When handlers are no longer waited for before their clients are cut off.
        self._end_at: float | None = None
        # Guarded by the lock:
        self._asleep = False
        self._stopping = False
        self._error: BaseException | None = None
        self._waiting: set[Event] | None = set()
        self._calls: list[Callable[[], None]] = []

    # The runtime

    @property
    def lock(self) -> Lock:
        """See `Runtime`."""
        return LOCK

    def wake(self) -> None:
        """See `Runtime`."""
        if self._asleep:
            self._waker.send(b"\0")
            self._asleep = False

    async def wait(self, pending: Pending[Any]) -> None:
        """See `Runtime`. It awaits nothing: it blocks the thread."""
        if is_held():
            raise LocalProtocolError("nothing can end this while you wait here, in the middle of something else")
        ended = Event()

        def end(_: object) -> None:
            ended.set()

        pending.add_done_callback(end)
        with LOCK:
            if self._waiting is None:
                ended.set()
            else:
                self._waiting.add(ended)
        try:
            ended.wait()
        finally:
            pending.remove_done_callback(end)
            with LOCK:
                if self._waiting is not None:
                    self._waiting.discard(ended)
        if not pending.done:
            raise LocalProtocolError("the server or client has stopped")

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """See `Runtime`."""
        self._pool.submit(coroutine)

    def wall_time(self) -> float:
        """See `Runtime`."""
        return time.time()

    def stop(self, error: BaseException | None = None) -> None:
        """See `Runtime`. Without an error, the same, because somebody asked for it."""
        with LOCK:
            if error is not None and self._error is None:
                self._error = error
            elif error is not None:
                _log.error("while it stops already", exc_info=error)
            self._stopping = True
            self.wake()

    # For the server or client

    @property
    def is_own_thread(self) -> bool:
        """Whether this is one of the threads that `join` waits for."""
        thread = current_thread()
        return thread is self._thread or thread in self._pool.threads

    @property
    def can_be_joined(self) -> bool:
        """Whether `join` ends: not for one of its own threads, and not while `run` starts them."""
        return self._has_begun and not self.is_own_thread

    def run(self) -> None:
        """Install the driver and start all threads. When that does not succeed, `abandon` it."""
        with LOCK:
            self.endpoint.install(self)
            self._is_installed = True
        self.selector.register(self._wakes, EVENT_READ, self._drain_wakes)
        if self._acceptor is not None:
            self._acceptor.begin(self)
        for thread in (*self._pool.threads, self._thread):
            thread.start()

    def abandon(self) -> BaseException | None:
        """Stop it, however far `run` has come, and wait for the end, but not in one of its own threads; see `join`."""
        if not self._is_installed:
            self._discard()
        elif self._thread.ident is None:
            self._end()
        else:
            self.stop()
            if not self.is_own_thread:
                return self.join()
        return None

    def join(self) -> BaseException | None:
        """Wait for the end of all threads; the error that stopped it."""
        self._thread.join()
        return self._error

    def wait_for_end(self) -> None:
        """Wait until there is nothing left of it."""
        with self._running:
            pass

    # For owners of connections

    def call(self, function: Callable[[], None]) -> None:
        """Have the thread call this soon; at the latest at its end. From any thread."""
        with LOCK:
            self._calls.append(function)
            self.wake()

    # The thread

    def _run(self) -> None:
        self._has_begun = True
        try:
            while True:
                timeout = self._turn()
                if self._is_over:
                    break
                events = self.selector.select(timeout)
                with LOCK:
                    # It need not be woken for what it is about to do itself.
                    self._asleep = False
                for key, _ in events:
                    key.data()
        except BaseException as error:
            # Nobody but who waits for the end could hear of it.
            self.stop(error)
        finally:
            self._end()

    def _turn(self) -> float | None:
        """Do what there is to do; the seconds until there may be more, None for until something happens."""
        now = self.time()
        endpoint = self.endpoint
        self.deadlines.expire_due(now=now)
        with LOCK:
            if self._stopping and not endpoint.closing:
                self._close(now)
            deadline = endpoint.next_deadline()
            if deadline is not None and deadline <= now:
                endpoint.advance(now=now)
            for runnable in endpoint.take_runnable():
                self._pool.submit(runnable)
            ready = endpoint.take_ready()
            calls = self._take_calls()
            if not ready and not calls:
                # Here, while nothing can come up: what is runnable is in the pool, and counts there.
                self._is_over = self._may_end(now)
                # Whatever comes up from here on wakes this thread.
                self._asleep = True
                times = (endpoint.next_deadline(), self.deadlines.next(), self._end_at)
                return min((min(max(0.0, when - now), _LONGEST) for when in times if when is not None), default=None)
        for call in calls:
            call()
        for connection in ready:
            connection.owner.write(now)
        return 0.0

    def _take_calls(self) -> list[Callable[[], None]]:
        calls, self._calls = self._calls, []
        return calls

    def _may_end(self, now: float) -> bool:
        if self._end_at is None:
            return False
        if now < self._end_at:
            return self.endpoint.done and not self._pool.is_busy
        return not self.endpoint.connections

    def _wake_to_end(self) -> None:
        if self._stopping:
            self.wake()

    def _drain_wakes(self) -> None:
        self._wakes.recv(4096)

    # The end

    def _close(self, now: float) -> None:
        """Begin to shut down."""
        if self._acceptor is not None:
            self._acceptor.close()
        self.endpoint.close(now=now, grace=self._grace)
        self._end_at = now + self._grace

    def _end(self) -> None:
        """All connections are gone, unless it was an error of this thread that ended it."""
        with LOCK:
            if not self.endpoint.closing:
                self._close(self.time())
            connections = self.endpoint.connections
            waiting, self._waiting = self._waiting, None
        for connection in connections:
            connection.owner.close()
        with LOCK:
            calls = self._take_calls()
        for call in calls:
            call()
        for ended in waiting or ():
            ended.set()
        self._pool.close()
        with LOCK:
            self._asleep = False
            self.endpoint.install(None)
        self._discard()

    def _discard(self) -> None:
        self.selector.close()
        self._waker.close()
        self._wakes.close()
        self._running.release()
