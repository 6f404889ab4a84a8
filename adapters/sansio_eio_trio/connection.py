"""One connection: a task that reads, and while the peer takes no more bytes another one that writes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from sansio_eio_trio.streams import close_now, receive, send_now

if TYPE_CHECKING:
    from sansio_eio.http import ClientConnection, Endpoint, ServerConnection
    from sansio_eio_trio.driver import Driver

# A stream raises ClosedResourceError in one task when it is closed in another. `ssl.SSLError` is an OSError.
_LOST = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Connection:
    """Hands bytes over, in both directions. `run` it in the nursery of the driver, and close the stream afterwards."""

    __slots__ = ("_connection", "_driver", "_farewell", "_half_closed", "_resumed", "_sending", "_stream", "_unsent")

    def __init__(
        self, driver: Driver[Endpoint], stream: trio.abc.Stream, connection: ServerConnection | ClientConnection
    ) -> None:
        self._driver = driver
        self._stream = stream
        #: A task sends, and this is what it sends next.
        self._sending = False
        self._unsent = b""
        self._half_closed = False
        #: It has been closed from here, or is being closed in this scope.
        self._farewell: trio.CancelScope | None = None
        #: The reader waits for it: it may go on, or the connection is closed.
        self._resumed: trio.Event | None = None
        self._connection = connection
        connection.owner = self

    async def run(self) -> None:
        """Read until the connection has ended."""
        driver, connection = self._driver, self._connection
        time, pump = driver.time, driver.pump.pump
        lost: Exception | None = None
        try:
            pump()
            while data := await receive(self._stream):
                # What came while nothing is to be read is held back here; at most one piece.
                while not connection.reading and self._farewell is None:
                    await self._wait()
                connection.receive_data(data, now=time())
                # The memory of an idle connection is that of its task.
                del data
                pump()
            connection.receive_eof(now=time())
            pump()
            while self._farewell is None:
                await self._wait()
        except _LOST as error:
            lost = error
        finally:
            driver.lose(connection, lost)
            # It knows this frame.
            del lost

    def abort(self) -> None:
        """Have it cut soon."""
        self._connection.abort()
        self._driver.pump.wake()

    def write(self, now: float) -> None:
        """The connection is ready: see `ServerConnection`."""
        connection = self._connection
        if connection.aborted:
            self._close(now=True)
        elif not connection.paused and self._farewell is None:
            data = connection.data_to_send(now=now)
            sent = send_now(self._stream, data) if data else 0
            if sent < len(data):
                connection.pause_writing(now=now)
                self._unsent = data[sent:]
                if not self._sending:
                    self._sending = True
                    self._driver.nursery.start_soon(self._send)
            elif connection.closing:
                # When that takes too long, as the farewell of TLS may, the core aborts it.
                self._close(now=False)
            elif connection.write_eof and not self._half_closed:
                assert isinstance(self._stream, trio.abc.HalfCloseableStream)
                self._half_closed = True
                self._driver.nursery.start_soon(self._send_eof, self._stream)
        if connection.reading and self._resumed is not None:
            self._resumed.set()

    async def _send(self) -> None:
        """Send what is unsent, and what comes up meanwhile."""
        try:
            while self._unsent:
                data, self._unsent = self._unsent, b""
                await self._stream.send_all(data)
                self._connection.resume_writing(now=self._driver.time())
                self._driver.pump.pump()
        except _LOST:
            self._close(now=True)
        finally:
            self._sending = False

    def _close(self, *, now: bool) -> None:
        if self._farewell is None:
            self._farewell = trio.CancelScope()
            if not close_now(self._stream):
                self._driver.nursery.start_soon(self._aclose, self._farewell)
            if self._resumed is not None:
                self._resumed.set()
        if now:
            # A stream that is cancelled in `aclose` is closed at once.
            self._farewell.cancel()

    async def _aclose(self, farewell: trio.CancelScope) -> None:
        with farewell, suppress(*_LOST):
            await self._stream.aclose()

    async def _wait(self) -> None:
        self._resumed = trio.Event()
        await self._resumed.wait()
        self._resumed = None

    async def _send_eof(self, stream: trio.abc.HalfCloseableStream) -> None:
        with suppress(*_LOST):
            await stream.send_eof()
