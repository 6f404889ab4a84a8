"""One connection: a socket that never blocks, with TLS or without."""

import socket
from selectors import EVENT_READ, EVENT_WRITE
from ssl import SSLWantReadError, SSLWantWriteError
from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.http import ClientConnection, ServerConnection
from sansio_eio_threads.interest import Interest
from sansio_eio_threads.lock import LOCK

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

#: Bytes that are read at a time; more than a TLS record has, so that none of it stays behind in the TLS layer, of which
#: the selector knows nothing.
CHUNK = 65536

WOULD_BLOCK = (BlockingIOError, SSLWantReadError, SSLWantWriteError)

Socket: TypeAlias = socket.socket

#: The core's side of a connection.
CoreConnection: TypeAlias = ServerConnection | ClientConnection


def lose(connection: CoreConnection, error: Exception | None, *, now: float) -> None:
    """The socket is closed, or there is none."""
    with LOCK:
        connection.connection_lost(now=now, error=error)


class Connection:
    """Moves the bytes of one connection, and owns it. Only the thread of the driver touches it."""

    def __init__(self, driver: "Driver", connection: CoreConnection, sock: Socket) -> None:
        self._driver = driver
        self._connection = connection
        self._sock = sock
        self._unsent = memoryview(b"")
        self._closed = False
        #: The peer has ended.
        self._read_eof = False
        self._eof_sent = False
        #: TLS wants it the other way round: to read before it can write, to write before it can read.
        self._write_needs_read = self._read_needs_write = False
        self._interest = Interest(driver.selector, sock, self.ready)
        connection.owner = self
        self._settle()

    def ready(self) -> None:
        """The selector says that the socket can be read or written: try what there is to do."""
        if self._closed:
            # The selector had seen that before.
            return
        try:
            if self._unsent:
                self._send()
            if self._wants_to_read():
                self._receive()
        except OSError as error:
            self.close(error)
        self._settle()

    def write(self, now: float) -> None:
        """The connection is ready."""
        if not self._connection.paused and not self._connection.aborted:
            with LOCK:
                data = self._connection.data_to_send(now=now)
            self._unsent = memoryview(data)
            try:
                self._send()
            except OSError as error:
                self.close(error)
        self._settle()

    def _receive(self) -> None:
        self._read_needs_write = False
        try:
            data = self._sock.recv(CHUNK)
        except SSLWantWriteError:
            self._read_needs_write = True
            return
        except WOULD_BLOCK:
            return
        now = self._driver.time()
        with LOCK:
            if data:
                self._connection.receive_data(data, now=now)
            else:
                self._read_eof = True
                self._connection.receive_eof(now=now)

    def _send(self) -> None:
        """Send until there is nothing left, or the peer takes no more."""
        self._write_needs_read = False
        try:
            while self._unsent:
                self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except WOULD_BLOCK as error:
            self._write_needs_read = isinstance(error, SSLWantReadError)
        now = self._driver.time()
        if self._unsent and not self._connection.paused:
            with LOCK:
                self._connection.pause_writing(now=now)
        elif not self._unsent and self._connection.paused:
            with LOCK:
                self._connection.resume_writing(now=now)

    def _wants_to_read(self) -> bool:
        return not self._read_eof and not self._closed and self._connection.reading

    def _settle(self) -> None:
        """Do what the core says about the connection, and look for what comes next."""
        connection = self._connection
        if self._closed:
            return
        if connection.aborted or (connection.closing and not self._unsent):
            self.close()
            return
        if connection.write_eof and not self._unsent and not self._eof_sent:
            self._eof_sent = True
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as error:
                self.close(error)
                return
        events = 0
        if self._wants_to_read():
            events = EVENT_WRITE if self._read_needs_write else EVENT_READ
        if self._unsent:
            events |= EVENT_READ if self._write_needs_read else EVENT_WRITE
        self._interest.set(events)

    def close(self, error: OSError | None = None) -> None:
        """Close the socket, whatever is unsent."""
        self._closed = True
        self._unsent = memoryview(b"")
        self._interest.set(0)
        self._sock.close()
        lose(self._connection, error, now=self._driver.time())
