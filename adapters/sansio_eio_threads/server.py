"""Listening, and stopping in good order."""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ssl import SSLContext
from types import TracebackType
from typing import Self, Unpack

from sansio_eio import LocalProtocolError
from sansio_eio.engineio import Mountable
from sansio_eio.http import HttpOptions, Router, ServerEndpoint
from sansio_eio_threads.accepting import Acceptor
from sansio_eio_threads.driver import Driver
from sansio_eio_threads.lock import LOCK, is_held

# The system does IPv4 only, or IPv6 only.
_NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)

#: As `concurrent.futures` has it: handlers wait more than they compute.
DEFAULT_WORKERS = min(32, (os.cpu_count() or 1) + 4)


class ServeOptions(HttpOptions, total=False):
    """The options of `Server`, as `serve` takes them."""

    ssl_context: SSLContext | None
    max_workers: int
    backlog: int
    shutdown_timeout: float


def serve(
    app: Mountable | Router,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    **options: Unpack[ServeOptions],
) -> None:
    """Serve until KeyboardInterrupt, which is raised when everything has stopped. Arguments as for `Server`.

    Returns when a handler has said so with `OnError.STOP`, or rather raises its error.
    """
    with Server(app, host, port, **options) as server:
        server.wait()


class Server:
    """Serves a Socket.IO or Engine.IO server, or several in a `Router`, in threads of its own.

    As a context manager, it serves while the body of `with` runs. It listens on `host` (one or several; None: every
    interface) and `port` (0 or None: one that is free); with `ssl_context`, over TLS. Handlers run in `max_workers`
    threads. The other options are those of `HttpSettings`.

    When it stops, sessions are ended, and peers and handlers have `shutdown_timeout` seconds. Then connections are cut,
    handlers that have not begun are forgotten, and those that run are waited for: a thread cannot be cancelled.

    From the moment that it has started, any thread may use the application. Raises LocalProtocolError for
    `max_workers` below 1.
    """

    def __init__(
        self,
        app: Mountable | Router,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        ssl_context: SSLContext | None = None,
        max_workers: int = DEFAULT_WORKERS,
        backlog: int = 1024,
        shutdown_timeout: float = 10.0,
        **options: Unpack[HttpOptions],
    ) -> None:
        if max_workers < 1:
            raise LocalProtocolError("handlers need at least one thread")
        #: The addresses it listens on, as (host, port); with port 0 the one that was chosen. Empty before the start.
        self.addresses: list[tuple[str, int]] = []
        self._app = app
        self._host = host
        self._port = port or 0
        self._ssl_context = ssl_context
        self._max_workers = max_workers
        self._backlog = backlog
        self._shutdown_timeout = shutdown_timeout
        self._options = options
        self._driver: Driver | None = None

    def start(self) -> None:
        """Listen and serve. After `stop`, it may be started again.

        Raises OSError when it cannot listen, LocalProtocolError when it, or the application, is served already.
        """
        if self._driver is not None:
            raise LocalProtocolError("this server has been started already: stop it first")
        endpoint = ServerEndpoint(self._app, **self._options)
        with ExitStack() as undo:
            listeners = [undo.enter_context(each) for each in _listen(self._host, self._port, self._backlog)]
            acceptor = Acceptor(endpoint, listeners, self._ssl_context)
            driver = Driver(endpoint, acceptor, max_workers=self._max_workers, grace=self._shutdown_timeout)
            undo.callback(driver.abandon)
            self.addresses = [listener.getsockname()[:2] for listener in listeners]
            # Before it runs: the first handler may want to stop it.
            self._driver = driver
            undo.callback(self._forget, driver)
            driver.run()
            undo.pop_all()

    def stop(self) -> None:
        """Stop, and return when everything has stopped: sessions and handlers have ended, threads and sockets are gone.

        From any thread, and more than once. In a handler, which it would have to wait for, and in a callback, it
        returns at once and the server stops soon.

        Raises the exception for which an `on_error` hook has said `OnError.STOP`, the first time.
        """
        driver = self._driver
        if driver is None:
            return
        driver.stop()
        if driver.can_be_joined and not is_held():
            error = driver.join()
            if self._forget(driver) and error is not None:
                raise error

    def wait(self) -> None:
        """Block until it has stopped, because another thread, a handler or an error has stopped it.

        Raises LocalProtocolError in a handler or a callback, which it would have to wait for itself.
        """
        driver = self._driver
        if driver is not None:
            if driver.is_own_thread or is_held():
                raise LocalProtocolError("a handler or a callback cannot wait for the end of its own server")
            driver.wait_for_end()

    def _forget(self, driver: Driver) -> bool:
        """It has ended. Whether this is the first to know: another thread may have started the next one meanwhile."""
        with LOCK:
            known = self._driver is driver
            if known:
                self._driver = None
        return known

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _listen(host: str | Sequence[str] | None, port: int, backlog: int) -> list[socket.socket]:
    hosts = [host] if host is None or isinstance(host, str) else host
    found = [
        (family, address)
        for each in hosts
        for family, _, _, _, address in socket.getaddrinfo(
            each or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    ]
    with ExitStack() as undo:
        listeners: list[socket.socket] = []
        missing: OSError | None = None
        for family, address in dict.fromkeys(found):
            try:
                listener = undo.enter_context(socket.create_server(address, family=family, backlog=backlog))
            except OSError as error:
                if host is not None or error.errno not in _NO_SUCH_FAMILY:
                    raise
                missing = error
                continue
            listener.setblocking(False)
            listeners.append(listener)
        if missing is not None and not listeners:
            raise missing
        undo.pop_all()
        return listeners
