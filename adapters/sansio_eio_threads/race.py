"""Connections to the addresses of a host: the first one wins."""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from selectors import EVENT_WRITE
from typing import TYPE_CHECKING, Any, TypeAlias

from sansio_eio_threads.connection import Socket
from sansio_eio_threads.interest import Interest

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

#: A family, and an address as the sockets of it have it.
Address: TypeAlias = tuple[int, Any]

#: The seconds that an address has for itself, as in RFC 8305 ("happy eyeballs"). Then the next one is tried as well.
_HEAD_START = 0.25


class Race:
    """Connects to one address after the other, and does not wait for the end of those that do not answer.

    `done` is told the socket of the first that is connected, or the error of the last. Only the thread of the driver
    touches it.
    """

    def __init__(
        self, driver: "Driver", addresses: Iterable[Address], done: Callable[[Socket | Exception], None]
    ) -> None:
        self._driver = driver
        self._addresses = deque(addresses)
        self._done = done
        self._attempts: dict[Socket, Interest] = {}
        self._error: Exception = OSError("the host has no address")

    def start(self) -> None:
        """Begin with the next address that can be tried at all."""
        while self._addresses:
            family, address = self._addresses.popleft()
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                # The system does not have this family, or no room.
                self._error = error
                continue
            self._attempts[sock] = Interest(self._driver.selector, sock, partial(self._ready, sock))
            try:
                sock.setblocking(False)
                sock.connect(address)
            except BlockingIOError:
                self._attempts[sock].set(EVENT_WRITE)
                if self._addresses:
                    self._driver.deadlines.at(self, self._driver.time() + _HEAD_START)
                return
            except (OSError, ValueError) as error:
                self._forget(sock, error)
            else:
                self._win(sock)
                return
        if not self._attempts:
            self._driver.deadlines.cancel(self)
            self._done(self._error)

    def expire(self, *, now: float) -> None:
        """The head start is over."""
        self.start()

    def give_up(self) -> None:
        """Nobody needs a connection any more."""
        self._driver.deadlines.cancel(self)
        self._addresses.clear()
        for sock in list(self._attempts):
            self._forget(sock, None)

    def _ready(self, sock: Socket) -> None:
        """The selector says that this attempt has ended; another one may have won meanwhile."""
        if sock not in self._attempts:
            return
        try:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, os.strerror(number))
            # A Unix socket whose server is busy has no error, and no peer.
            sock.getpeername()
        except OSError as error:
            self._forget(sock, error)
            self.start()
        else:
            self._win(sock)

    def _win(self, sock: Socket) -> None:
        self._attempts.pop(sock).set(0)
        self.give_up()
        self._done(sock)

    def _forget(self, sock: Socket, error: Exception | None) -> None:
        self._attempts.pop(sock).set(0)
        sock.close()
        if error is not None:
            self._error = error
