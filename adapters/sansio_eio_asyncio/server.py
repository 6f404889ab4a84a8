"""Listening, and shutting down in good order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Unpack, cast

from sansio_eio.engineio import Mountable
from sansio_eio.http import HttpOptions, Router, ServerEndpoint
from sansio_eio_asyncio.driver import Connection, Driver

if TYPE_CHECKING:
    import socket


class ServeOptions(HttpOptions, total=False):
    """The options of `start_server`, as `serve` takes them."""

    ssl: SSLContext | None
    unix_path: str | None
    sock: "socket.socket | None"
    backlog: int
    shutdown_timeout: float


class Server:
    """What `start_server` gives: a server that accepts connections."""

    def __init__(self, listener: asyncio.Server) -> None:
        #: The addresses it listens on, as (host, port); with port 0 the one that was chosen. None for a Unix socket.
        self.addresses: list[tuple[str, int]] = [
            name[:2] for each in listener.sockets if isinstance(name := each.getsockname(), tuple)
        ]


async def serve(
    app: Mountable | Router,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    **options: Unpack[ServeOptions],
) -> None:
    """Serve until cancelled, then shut down as `start_server` does, and raise CancelledError. Arguments as there."""
    async with start_server(app, host, port, **options):
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def start_server(
    app: Mountable | Router,
    host: str | Sequence[str] | None = None,
    port: int | None = None,
    *,
    ssl: SSLContext | None = None,
    unix_path: str | None = None,
    sock: "socket.socket | None" = None,
    backlog: int = 1024,
    shutdown_timeout: float = 10.0,
    **options: Unpack[HttpOptions],
) -> AsyncGenerator[Server]:
    """Serve a Socket.IO or Engine.IO server, or several in a `Router`, while the body of `async with` runs.

    It listens on `host` (None: every interface) and `port` (0 or None: one that is free), on the Unix socket
    `unix_path`, or on `sock`, which is bound already; with `ssl`, over TLS. The other options are those of
    `HttpSettings`.

    At the end it stops to accept, ends all sessions, and gives peers and handlers `shutdown_timeout` seconds. Then what
    is left is cut and cancelled, and awaited. A cancellation meanwhile does that at once.

    When an `on_error` hook says `OnError.STOP`, the body is cancelled, and the exception raised at the end.

    Raises OSError when it cannot listen, LocalProtocolError when the application is served already.
    """
    body = _Body()
    driver = Driver(ServerEndpoint(app, **options), body.stop)
    driver.endpoint.install(driver.pump)
    try:
        listener = await _listen(driver, host, port, ssl=ssl, unix_path=unix_path, sock=sock, backlog=backlog)
        try:
            yield Server(listener)
            await body.end()
        finally:
            listener.close()
            await _shut_down(driver, shutdown_timeout)
    except asyncio.CancelledError as cancelled:
        if not body.uncancel():
            raise cancelled from body.error
    except Exception as error:
        # Of the body, when it was cancelled, maybe.
        if body.error is not None:
            raise body.error from error
        raise
    finally:
        # Where the body has kept the cancellation to itself.
        body.uncancel()
        driver.end()
        driver.endpoint.install(None)
    if body.error is not None:
        raise body.error


class _Body:
    """The task that runs the body of `async with`: an error that stops the server cancels it, as a time limit would."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        #: Cancellations of before, which are none of ours.
        self._earlier = self._task.cancelling()
        self._cancelled = False

    def stop(self, error: Exception) -> None:
        self.error = error
        self._cancelled = self._task.cancel()

    async def end(self) -> None:
        """The body has ended; had it not waited since it was cancelled, that comes here."""
        if self._cancelled:
            await asyncio.sleep(0)

    def uncancel(self) -> bool:
        """Take the cancellation by the error back, once. Whether there was one, and none by anybody else."""
        cancelled, self._cancelled = self._cancelled, False
        return cancelled and self._task.uncancel() <= self._earlier


async def _listen(
    driver: Driver,
    host: str | Sequence[str] | None,
    port: int | None,
    *,
    ssl: SSLContext | None,
    unix_path: str | None,
    sock: "socket.socket | None",
    backlog: int,
) -> asyncio.Server:
    loop = driver.loop
    if unix_path is not None:
        return await loop.create_unix_server(lambda: Connection(driver), unix_path, sock=sock, ssl=ssl, backlog=backlog)
    if sock is not None:
        return await loop.create_server(lambda: Connection(driver), sock=sock, ssl=ssl, backlog=backlog)
    return await loop.create_server(lambda: Connection(driver), host, port or 0, ssl=ssl, backlog=backlog)


async def _shut_down(driver: Driver, timeout: float) -> None:
    endpoint = driver.endpoint
    try:
        async with asyncio.timeout(timeout):
            endpoint.close(now=driver.time(), grace=timeout)
            driver.pump.pump()
            # A task that is cancelled before it begins leaves the pump busy for ever.
            while endpoint.connections or (driver.pump.busy and driver.tasks):
                driver.ended.clear()
                await driver.ended.wait()
    except TimeoutError:
        pass
    finally:
        endpoint.cut()
        driver.pump.pump()
        while endpoint.connections:
            driver.ended.clear()
            await driver.ended.wait()
        # What a lost connection has set off begins before it is cancelled: a coroutine that never ran would complain.
        await asyncio.sleep(0)
        tasks = list(driver.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
