"""One connection: a socket that never blocks, with TLS or without."""

import socket
from selectors import EVENT_READ, EVENT_WRITE
from ssl import SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.http import ServerConnection
from sansio_eio_threads.lock import LOCK

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

#: Bytes that are read at a time; more than a TLS record has, so that none of it stays behind in the TLS layer, of which
#: the selector knows nothing.
CHUNK = 65536

WOULD_BLOCK = (BlockingIOError, SSLWantReadError, SSLWantWriteError)

Socket: TypeAlias = socket.socket


class Connection:
    """Moves the bytes of one connection. Only the thread of the driver touches it."""

    def __init__(self, driver: "Driver", sock: Socket, remote: str) -> None:
        self._driver = driver
        self._sock = sock
        self._unsent = memoryview(b"")
        self._closed = False
        #: The peer has ended.
        self._read_eof = False
        self._eof_sent = False
        #: TLS wants it the other way round: to read before it can write, to write before it can read.
        self._write_needs_read = self._read_needs_write = False
        #: What the selector looks for.
        self._events = 0
        self._tls = sock if isinstance(sock, SSLSocket) else None
        self._handshaking = self._tls is not None
        now = driver.time()
        with LOCK:
            self._connection: ServerConnection = driver.endpoint.connect(
                remote=remote, secure=self._handshaking, half_close=not self._handshaking, owner=self, now=now
            )
            if self._handshaking:
                # Nothing can be written yet. Who does not get through with it runs into the timeout of the request's
                # head, or, when he is turned away, into that of writing.
                self._connection.pause_writing(now=now)
        self._settle()

    def ready(self) -> None:
        """The selector says that the socket can be read or written: try what there is to do."""
        if self._closed:
            # The selector had seen that before.
            return
        try:
            if self._handshaking:
                self._shake_hands()
            if not self._handshaking:
                if self._unsent:
                    self._send()
                if self._wants_to_read():
                    self._receive()
        except OSError:
            self.close()
        self._settle()

    def write(self, now: float) -> None:
        """The connection is ready."""
        if not self._connection.paused and not self._connection.aborted:
            with LOCK:
                data = self._connection.data_to_send(now=now)
            self._unsent = memoryview(data)
            try:
                self._send()
            except OSError:
                self.close()
        self._settle()

    def _shake_hands(self) -> None:
        assert self._tls is not None
        self._read_needs_write = False
        try:
            self._tls.do_handshake()
        except SSLWantReadError:
            return
        except SSLWantWriteError:
            self._read_needs_write = True
            return
        self._handshaking = False
        with LOCK:
            self._connection.resume_writing(now=self._driver.time())

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
        if connection.aborted or (connection.closing and (not self._unsent or self._handshaking)):
            self.close()
            return
        if connection.write_eof and not self._unsent and not self._eof_sent:
            self._eof_sent = True
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                self.close()
                return
        events = 0
        if self._handshaking or self._wants_to_read():
            events = EVENT_WRITE if self._read_needs_write else EVENT_READ
        if self._unsent:
            events |= EVENT_READ if self._write_needs_read else EVENT_WRITE
        self._watch(events)

    def _watch(self, events: int) -> None:
        selector = self._driver.selector
        if events == self._events:
            return
        if not self._events:
            selector.register(self._sock, events, self.ready)
        elif not events:
            selector.unregister(self._sock)
        else:
            selector.modify(self._sock, events, self.ready)
        self._events = events

    def close(self) -> None:
        """Close the socket, whatever is unsent."""
        self._closed = True
        self._unsent = memoryview(b"")
        self._watch(0)
        self._sock.close()
        with LOCK:
            self._connection.connection_lost(now=self._driver.time())
