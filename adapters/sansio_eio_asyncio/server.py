"""Listening."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import TYPE_CHECKING, Unpack, cast

from sansio_eio.engineio import Mountable
from sansio_eio.http import HttpOptions, Router, ServerConnection, ServerEndpoint
from sansio_eio_asyncio.driver import Connection, Driver
from sansio_eio_asyncio.running import running

if TYPE_CHECKING:
    import socket


class ServeOptions(HttpOptions, total=False):
    """The options of `start_server`, as `serve` takes them."""

    ssl_context: SSLContext | None
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
    ssl_context: SSLContext | None = None,
    unix_path: str | None = None,
    sock: "socket.socket | None" = None,
    backlog: int = 1024,
    shutdown_timeout: float = 10.0,
    **options: Unpack[HttpOptions],
) -> AsyncGenerator[Server]:
    """Serve a Socket.IO or Engine.IO server, or several in a `Router`, while the body of `async with` runs.

    It listens on `host` (None: every interface) and `port` (0 or None: one that is free), on the Unix socket
    `unix_path`, or on `sock`, which is bound already; with `ssl_context`, over TLS. The other options are those of
    `HttpSettings`.

    At the end it stops to accept, ends all sessions, and gives peers and handlers `shutdown_timeout` seconds. Then what
    is left is cut and cancelled, and awaited. A cancellation meanwhile does that at once.

    When an `on_error` hook says `OnError.STOP`, the body is cancelled, and the exception raised at the end.

    Raises OSError when it cannot listen, LocalProtocolError when the application is served already.
    """
    async with running(ServerEndpoint(app, **options), shutdown_timeout) as driver:
        listener = await _listen(
            driver, host, port, ssl_context=ssl_context, unix_path=unix_path, sock=sock, backlog=backlog
        )
        try:
            yield Server(listener)
        finally:
            listener.close()


async def _listen(
    driver: Driver[ServerEndpoint],
    host: str | Sequence[str] | None,
    port: int | None,
    *,
    ssl_context: SSLContext | None,
    unix_path: str | None,
    sock: "socket.socket | None",
    backlog: int,
) -> asyncio.Server:
    loop, ssl = driver.loop, ssl_context
    if unix_path is not None:
        return await loop.create_unix_server(lambda: Accepted(driver), unix_path, sock=sock, ssl=ssl, backlog=backlog)
    if sock is not None:
        return await loop.create_server(lambda: Accepted(driver), sock=sock, ssl=ssl, backlog=backlog)
    return await loop.create_server(lambda: Accepted(driver), host, port or 0, ssl=ssl, backlog=backlog)


class Accepted(Connection[ServerConnection]):
    """The connection of a peer."""

    def __init__(self, driver: Driver[ServerEndpoint]) -> None:
        super().__init__(driver)
        self._endpoint = driver.endpoint

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)
        if self._driver.over:
            # It had been accepted when the server stopped, and asyncio, or the handshake of TLS, has taken until now.
            self.reject(self._transport)
            return
        peer: object = transport.get_extra_info("peername")
        self._connection = self._endpoint.connect(
            # A Unix socket has no host.
            remote=str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else "",
            secure=transport.get_extra_info("sslcontext") is not None,
            half_close=self._transport.can_write_eof(),
            owner=self,
            now=self._time(),
        )
        self._pump()
