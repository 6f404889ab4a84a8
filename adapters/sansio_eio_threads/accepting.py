"""The listeners of a server, and the connections that come in."""

import errno
import logging
import socket
from collections.abc import Sequence
from functools import partial
from selectors import EVENT_READ
from ssl import SSLContext, SSLSocket
from typing import TYPE_CHECKING

from sansio_eio.http import ServerConnection, ServerEndpoint
from sansio_eio_threads.connection import Connection, Socket
from sansio_eio_threads.lock import LOCK
from sansio_eio_threads.tls import Handshake, wrap

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

_log = logging.getLogger("sansio_eio.threads")

# So many connections are accepted before it is the turn of the others.
_ACCEPTS = 64
# The process, or the system, has no room for another connection; and the seconds until it is tried again.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PATIENCE = 1.0


class Acceptor:
    """Accepts connections for an endpoint. Once it has begun, only the thread of the driver touches it."""

    def __init__(self, endpoint: ServerEndpoint, listeners: Sequence[Socket], ssl_context: SSLContext | None) -> None:
        self._endpoint = endpoint
        self._listeners = listeners
        self._ssl_context = ssl_context
        self._driver: Driver | None = None
        self._is_listening = False

    def begin(self, driver: "Driver") -> None:
        """Accept what comes, from now on."""
        self._driver = driver
        self._is_listening = True
        for listener in self._listeners:
            driver.selector.register(listener, EVENT_READ, partial(self._accept, driver, listener))

    def close(self) -> None:
        """Accept nothing more."""
        if self._driver is not None:
            self._pause(self._driver)
            self._driver.deadlines.cancel(self)
        for listener in self._listeners:
            listener.close()

    def expire(self, *, now: float) -> None:
        """There may be room again."""
        assert self._driver is not None
        self.begin(self._driver)

    def _pause(self, driver: "Driver") -> None:
        if self._is_listening:
            self._is_listening = False
            for listener in self._listeners:
                driver.selector.unregister(listener)

    def _accept(self, driver: "Driver", listener: Socket) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM and self._is_listening:
                    _log.warning("no connection can be accepted for %s second(s): %s", _PATIENCE, error)
                    self._pause(driver)
                    driver.deadlines.at(self, driver.time() + _PATIENCE)
                # Or a peer that is gone already. It costs nothing to look again.
                return
            self._connect(driver, sock, str(address[0]))

    def _connect(self, driver: "Driver", sock: Socket, remote: str) -> None:
        secure = self._ssl_context is not None
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self._ssl_context is not None:
                sock = wrap(sock, self._ssl_context)
        except OSError:
            # Gone already.
            sock.close()
            return
        now = driver.time()
        with LOCK:
            connection = self._endpoint.connect(remote=remote, secure=secure, half_close=not secure, now=now)
            if secure:
                # Nothing can be written yet. Who does not get through with the handshake runs into the timeout of the
                # request's head, or, when he is turned away, into that of writing.
                connection.pause_writing(now=now)
        if isinstance(sock, SSLSocket):
            Handshake(driver, connection, sock, partial(self._secured, driver, connection, sock))
        else:
            Connection(driver, connection, sock)

    def _secured(self, driver: "Driver", connection: ServerConnection, sock: Socket) -> None:
        Connection(driver, connection, sock)
        with LOCK:
            connection.resume_writing(now=driver.time())
