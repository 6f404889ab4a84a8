"""The thread that moves the bytes of all connections, and keeps the time."""

import errno
import logging
import socket
import time
from collections.abc import Coroutine, Sequence
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from ssl import SSLContext
from threading import Event, Thread, current_thread
from threading import Lock as Latch
from typing import Any

from sansio_eio import LocalProtocolError, Pending
from sansio_eio.engineio.atomic import Lock
from sansio_eio.http import ServerEndpoint
from sansio_eio_threads.connection import Connection
from sansio_eio_threads.lock import LOCK, is_held
from sansio_eio_threads.pool import Pool

_log = logging.getLogger("sansio_eio.threads")

# So many connections are accepted before it is the turn of the others.
_ACCEPTS = 64
# The process, or the system, has no room for another connection; and the seconds until it is tried again.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PATIENCE = 1.0
# The longest sleep, in seconds. Selectors take no more than some weeks; a deadline may be years away.
_LONGEST = 86400.0


class Driver:
    """Serves an endpoint, and is the runtime of its application.

    One thread does all reading and writing; a pool runs the handlers. They meet in the core, and so do the other
    threads of the program: that is what `LOCK` is for.
    """

    def __init__(
        self,
        endpoint: ServerEndpoint,
        listeners: Sequence[socket.socket],
        *,
        ssl_context: SSLContext | None,
        max_workers: int,
        shutdown_timeout: float,
    ) -> None:
        self.endpoint = endpoint
        self.selector = DefaultSelector()
        self.time = time.monotonic
        # Taken until there is nothing left of it. (No Event: who begins to wait for one holds its lock for a moment. A
        # signal handler that stopped the server at that moment would wait for a thread that waits for that lock.)
        self._running = Latch()
        self._running.acquire()
        self._listeners = listeners
        self._ssl_context = ssl_context
        self._shutdown_timeout = shutdown_timeout
        self._thread = Thread(target=self._run, name="sansio_eio I/O", daemon=True)
        self._pool = Pool(max_workers, self.stop, self._wake_to_end)
        self._waker, self._wakes = socket.socketpair()
        self._waker.setblocking(False)
        self._wakes.setblocking(False)
        self._is_installed = False
        self._is_listening = False
        self._has_begun = False
        #: Nothing is left to do, and the thread ends.
        self._is_over = False
        #: When accepting goes on that had to stop.
        self._accept_at: float | None = None
        #: When handlers are no longer waited for before their clients are cut off.
        self._end_at: float | None = None
        # Guarded by the lock:
        self._asleep = False
        self._stopping = False
        self._error: BaseException | None = None
        self._waiting: set[Event] | None = set()

    # The runtime

    @property
    def lock(self) -> Lock:
        """See `Runtime`."""
        return LOCK

    def wake(self) -> None:
        """See `Runtime`."""
        if self._asleep:
            self._asleep = False
            self._waker.send(b"\0")

    async def wait(self, pending: Pending[Any]) -> None:
        """See `Runtime`. It awaits nothing: it blocks the thread."""
        if is_held():
            raise LocalProtocolError("nothing can end this while you wait here, in the middle of something else")
        ended = Event()
        pending.add_done_callback(lambda _: ended.set())
        with LOCK:
            if self._waiting is None:
                ended.set()
            else:
                self._waiting.add(ended)
        try:
            ended.wait()
        finally:
            with LOCK:
                if self._waiting is not None:
                    self._waiting.discard(ended)
        if not pending.done:
            raise LocalProtocolError("the server has stopped")

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
                _log.error("while the server stops already", exc_info=error)
            self._stopping = True
            self.wake()

    # For the server

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
        self._listen()
        for thread in (*self._pool.threads, self._thread):
            thread.start()

    def abandon(self) -> None:
        """Stop it, however far `run` has come."""
        if not self._is_installed:
            self._discard()
        elif self._thread.ident is None:
            self._end()
        else:
            self.stop()
            self._thread.join()

    def join(self) -> BaseException | None:
        """Wait for the end of all threads; the error that stopped the server."""
        self._thread.join()
        return self._error

    def wait_for_end(self) -> None:
        """Wait until there is nothing left of it."""
        with self._running:
            pass

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
        if self._accept_at is not None and now >= self._accept_at:
            self._listen()
        with LOCK:
            if self._stopping and not endpoint.closing:
                self._close(now)
            deadline = endpoint.next_deadline()
            if deadline is not None and deadline <= now:
                endpoint.advance(now=now)
            for runnable in endpoint.take_runnable():
                self._pool.submit(runnable)
            ready = endpoint.take_ready()
            if not ready:
                # Here, while nothing can come up: what is runnable is in the pool, and counts there.
                self._is_over = self._may_end(now)
                # Whatever comes up from here on wakes this thread.
                self._asleep = True
                times = (endpoint.next_deadline(), self._accept_at, self._end_at)
                return min((min(max(0.0, when - now), _LONGEST) for when in times if when is not None), default=None)
        for connection in ready:
            connection.owner.write(now)
        return 0.0

    def _may_end(self, now: float) -> bool:
        if self._end_at is None or self.endpoint.connections:
            return False
        return not self._pool.is_busy or now >= self._end_at

    def _wake_to_end(self) -> None:
        if self._stopping:
            self.wake()

    def _drain_wakes(self) -> None:
        self._wakes.recv(4096)

    def _listen(self) -> None:
        self._accept_at = None
        self._is_listening = True
        for listener in self._listeners:
            self.selector.register(listener, EVENT_READ, partial(self._accept, listener))

    def _stop_listening(self) -> None:
        if self._is_listening:
            self._is_listening = False
            for listener in self._listeners:
                self.selector.unregister(listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM and self._is_listening:
                    _log.warning("no connection can be accepted for %s second(s): %s", _PATIENCE, error)
                    self._stop_listening()
                    self._accept_at = self.time() + _PATIENCE
                # Or a peer that is gone already. It costs nothing to look again.
                return
            self._connect(sock, str(address[0]))

    def _connect(self, sock: socket.socket, remote: str) -> None:
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self._ssl_context is not None:
                # An SSLSocket notices, too, that nobody is there any more, but leaves itself open then.
                sock.getpeername()
                sock = self._ssl_context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            # Gone already.
            sock.close()
        else:
            Connection(self, sock, remote)

    # The end

    def _close(self, now: float) -> None:
        """Begin to shut down."""
        self._stop_listening()
        self._accept_at = None
        for listener in self._listeners:
            listener.close()
        self.endpoint.close(now=now, grace=self._shutdown_timeout)
        self._end_at = now + self._shutdown_timeout

    def _end(self) -> None:
        """All connections are gone, unless it was an error of this thread that ended it."""
        with LOCK:
            if not self.endpoint.closing:
                self._close(self.time())
            connections = self.endpoint.connections
            waiting, self._waiting = self._waiting, None
        for connection in connections:
            connection.owner.close()
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
