"""Listening, and shutting down in good order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Unpack

from sansio_eio.engineio import Mountable
from sansio_eio.http import HttpOptions, Router, ServerEndpoint
from sansio_eio_asyncio.driver import Connection, Driver

if TYPE_CHECKING:
    import socket


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
    *,
    ssl: SSLContext | None = None,
    unix_path: str | None = None,
    sock: "socket.socket | None" = None,
    backlog: int = 1024,
    shutdown_timeout: float = 10.0,
    **options: Unpack[HttpOptions],
) -> None:
    """Serve until cancelled, then shut down as `start_server` does, and raise CancelledError. Arguments as there."""
    async with start_server(
        app,
        host,
        port,
        ssl=ssl,
        unix_path=unix_path,
        sock=sock,
        backlog=backlog,
        shutdown_timeout=shutdown_timeout,
        **options,
    ):
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

    Raises OSError when it cannot listen, LocalProtocolError when the application is served already.
    """
    loop = asyncio.get_running_loop()
    endpoint = ServerEndpoint(app, **options)
    driver = Driver(endpoint, loop)
    endpoint.install(driver)
    try:
        if unix_path is not None:
            listener = await loop.create_unix_server(
                lambda: Connection(driver), unix_path, sock=sock, ssl=ssl, backlog=backlog
            )
        elif sock is not None:
            listener = await loop.create_server(lambda: Connection(driver), sock=sock, ssl=ssl, backlog=backlog)
        else:
            listener = await loop.create_server(lambda: Connection(driver), host, port or 0, ssl=ssl, backlog=backlog)
        try:
            yield Server(listener)
        finally:
            listener.close()
            await _shut_down(driver, shutdown_timeout)
    finally:
        endpoint.install(None)


async def _shut_down(driver: Driver, timeout: float) -> None:
    endpoint = driver.endpoint
    try:
        async with asyncio.timeout(timeout):
            endpoint.close(now=driver.loop.time())
            driver.pump()
            while endpoint.connections or driver.workers:
                driver.ended.clear()
                await driver.ended.wait()
    except TimeoutError:
        pass
    finally:
        for connection in endpoint.connections:
            connection.abort()
        driver.pump()
        handlers = driver.workers | driver.others
        for task in handlers:
            task.cancel()
        while endpoint.connections:
            driver.ended.clear()
            await driver.ended.wait()
        await asyncio.gather(*handlers, return_exceptions=True)
        driver.stop()
