"""TLS on a socket that never blocks: the handshake."""

from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from ssl import SSLContext, SSLSocket, SSLWantReadError, SSLWantWriteError
from typing import TYPE_CHECKING

from sansio_eio_threads.connection import CoreConnection, Socket, lose
from sansio_eio_threads.interest import Interest

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver


def wrap(sock: Socket, context: SSLContext, *, server_hostname: str | None = None) -> SSLSocket:
    """A connected socket with TLS on top: that of a client, who knows the name of the server, or of a server.

    Raises OSError when the peer is gone already, ValueError for what cannot be the name of a server,
    and for a socket that has TLS already.
    """
    if isinstance(sock, SSLSocket):
        raise ValueError("this socket has TLS on it already")  # noqa: TRY004  (it is the right type, in the wrong state)
    if server_hostname is not None:
        # As `wrap_socket` does it, which takes the socket first, and leaves it open then.
        server_hostname.encode("idna")
    # An SSLSocket notices, too, that nobody is there any more, but leaves itself open then.
    sock.getpeername()
    return context.wrap_socket(
        sock, server_side=server_hostname is None, server_hostname=server_hostname, do_handshake_on_connect=False
    )


class Handshake:
    """Owns a connection until both sides have agreed; then `done` has to give it to another owner."""

    def __init__(self, driver: "Driver", connection: CoreConnection, sock: SSLSocket, done: Callable[[], None]) -> None:
        self._driver = driver
        self._connection = connection
        self._sock = sock
        self._done = done
        self._interest = Interest(driver.selector, sock, self._go_on)
        connection.owner = self
        self._go_on()

    def write(self, now: float) -> None:
        """The core has had enough of waiting."""
        if self._connection.aborted or self._connection.closing:
            self.close()

    def close(self, error: OSError | None = None) -> None:
        """Close the socket."""
        self._interest.set(0)
        self._sock.close()
        lose(self._connection, error, now=self._driver.time())

    def _go_on(self) -> None:
        try:
            self._sock.do_handshake()
        except SSLWantReadError:
            self._interest.set(EVENT_READ)
        except SSLWantWriteError:
            self._interest.set(EVENT_WRITE)
        except OSError as error:
            self.close(error)
        else:
            self._interest.set(0)
            self._done()
