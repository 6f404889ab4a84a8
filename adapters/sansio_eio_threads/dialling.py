"""How a client gets a connection: find the server, connect to it, TLS."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from ssl import SSLContext
from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.http import ClientConnection
from sansio_eio_threads.aside import Aside
from sansio_eio_threads.connection import Connection, Socket, lose
from sansio_eio_threads.lock import LOCK
from sansio_eio_threads.race import Address, Race
from sansio_eio_threads.tls import Handshake, wrap

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

#: What the application has for `dial`: (host, port) to a connected socket. It may block.
DialFunction: TypeAlias = Callable[[str, int], Socket]


@dataclass(frozen=True, slots=True)
class Route:
    """How the server is reached."""

    #: For "https" and "wss".
    ssl_context: SSLContext | None
    #: The Unix socket that it listens on.
    unix_path: str | None
    dial: DialFunction | None


class Dial:
    """Owns a connection of a client until there is one. Only the thread of the driver touches it.

    Names are looked up, and `dial` is called, in a thread of its own, for both may block and neither can be cancelled;
    connecting and the handshake of TLS do not block.
    """

    def __init__(self, driver: "Driver", route: Route, connection: ClientConnection) -> None:
        self._driver = driver
        self._route = route
        self._connection = connection
        self._step: Race | Aside[Socket] | Aside[list[Address]] | None = None

    def write(self, now: float) -> None:
        """The connection is wanted, or not any more."""
        if self._connection.aborted or self._connection.closing:
            self.close()
        elif self._step is None:
            try:
                self._begin(self._connection.address.host, self._connection.address.port)
            except RuntimeError as error:
                # There is no room for another thread.
                self.close(error)

    def close(self, error: Exception | None = None) -> None:
        """There will be no connection."""
        if self._step is not None:
            self._step.give_up()
        lose(self._connection, error, now=self._driver.time())

    def _begin(self, host: str, port: int) -> None:
        route = self._route
        if route.unix_path is not None:
            self._race([(socket.AF_UNIX, route.unix_path)])
        elif route.dial is not None:
            self._step = Aside(self._driver, partial(_dial, route.dial, host, port), self._dialled, Socket.close)
        else:
            try:
                addresses = _find(host, port, socket.AI_NUMERICHOST)
            except (OSError, ValueError):
                self._step = Aside(self._driver, partial(_find, host, port), self._found, list[Address].clear)
            else:
                self._race(addresses)

    def _found(self, addresses: list[Address] | Exception) -> None:
        if isinstance(addresses, Exception):
            self.close(addresses)
        else:
            self._race(addresses)

    def _race(self, addresses: Iterable[Address]) -> None:
        self._step = Race(self._driver, addresses, self._dialled)
        self._step.start()

    def _dialled(self, sock: Socket | Exception) -> None:
        if isinstance(sock, Exception):
            self.close(sock)
            return
        try:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            if self._route.ssl_context is not None:
                secured = wrap(sock, self._route.ssl_context, server_hostname=self._connection.address.host)
                Handshake(self._driver, self._connection, secured, partial(self._connected, secured))
                return
        except (OSError, ValueError) as error:
            sock.close()
            self.close(error)
            return
        self._connected(sock)

    def _connected(self, sock: Socket) -> None:
        Connection(self._driver, self._connection, sock)
        with LOCK:
            self._connection.connected(now=self._driver.time())


def _find(host: str, port: int, flags: int = 0) -> list[Address]:
    """The addresses of a host, one family and the other by turns."""
    families: dict[int, list[Address]] = {}
    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags):
        families.setdefault(family, []).append((family, address))
    return [each for each in chain.from_iterable(zip_longest(*families.values())) if each is not None]


def _dial(dial: DialFunction, host: str, port: int) -> Socket:
    """What the application gives, made fit for a selector."""
    sock = dial(host, port)
    sock.setblocking(False)
    return sock
