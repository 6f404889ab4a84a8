"""Connecting to a server."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias, Unpack, cast, overload

from sansio_eio import EngineClient, LocalProtocolError
from sansio_eio.http import ClientConnection, ClientEndpoint, ClientHttpOptions, ConnectOptions, Endpoint
from sansio_eio.socketio import Client, ClientOptions, ClientSocket, Target, as_client
from sansio_eio_asyncio.dialling import open_socket, open_tcp_socket
from sansio_eio_asyncio.driver import Connection, Driver
from sansio_eio_asyncio.running import running

#: Gives a connected socket for a host and a port.
Dial: TypeAlias = Callable[[str, int], Awaitable[socket.socket]]


class Options(ConnectOptions, total=False):
    """The options of `connect`, whatever it connects."""

    ssl_context: ssl.SSLContext | None
    """For "https" and "wss"; by default, that of `ssl.create_default_context`."""
    dial: Dial | None
    """`await dial(host, port)` gives a socket that is connected, through a proxy for example; TLS comes on top."""


class UrlOptions(Options, ClientOptions, total=False):
    """The options of `connect` for a URL: those of the `Client` that it makes, too."""


@overload
def connect(target: str, **options: Unpack[UrlOptions]) -> AbstractAsyncContextManager[ClientSocket]: ...
@overload
def connect(target: Client, **options: Unpack[Options]) -> AbstractAsyncContextManager[ClientSocket]: ...
@overload
def connect(target: EngineClient, **options: Unpack[Options]) -> AbstractAsyncContextManager[EngineClient]: ...
@asynccontextmanager
async def connect(
    target: Target,
    *,
    wait: bool = True,
    ssl_context: ssl.SSLContext | None = None,
    unix_path: str | None = None,
    dial: Dial | None = None,
    shutdown_timeout: float = 5.0,
    http: ClientHttpOptions | None = None,
    **options: Unpack[ClientOptions],
) -> AsyncGenerator[Any]:
    """Be connected while the body of `async with` runs: to a URL, or with a `Client` or an `EngineClient` of your own.

    It gives the socket of the URL's namespace, or the EngineClient::

        async with connect("http://127.0.0.1:3000/chat", auth={"token": "secret"}) as socket:
            socket.emit("hello", "world")
            answer = await socket.call("question", 42, timeout=5.0)
            async for event in socket:
                print(event.event, event.args)

    The body begins when it is connected, and the first failure is raised, a `ConnectError`. With `wait=False` it begins
    at once, and trying goes on as after a lost connection.

    At the end the server is told, and gets what was sent before, if that takes no longer than `shutdown_timeout`
    seconds; handlers have the same time. Then what is left is cut and cancelled, and awaited. Nobody waits when the
    body is cancelled, and a cancellation meanwhile ends the waiting. A client of your own can be connected again.

    When an `on_error` hook says `OnError.STOP`, the body is cancelled, and the exception raised at the end.

    `options` are those of `Client`. Raises LocalProtocolError for options that make no sense, for those of a client
    together with one, and when something connects the client already.
    """
    if unix_path is not None and dial is not None:
        raise LocalProtocolError("a Unix socket is not dialled: give unix_path or dial")
    client = as_client(target, options)
    if ssl_context is None and client.engine.address.secure:
        ssl_context = ssl.create_default_context()
    if dial is None:
        dial = open_tcp_socket if unix_path is None else _dial_unix_socket(unix_path)
    endpoint = ClientEndpoint(
        client, owner=lambda connection: _Dialling(driver, connection, dial, ssl_context), **(http or {})
    )
    async with running(endpoint, shutdown_timeout, hurried=True) as driver:
        opening = client.open()
        if wait:
            await opening
        yield client.socket if isinstance(client, Client) else client


def _dial_unix_socket(path: str) -> Dial:
    return lambda _host, _port: open_socket(socket.AF_UNIX, path)


class _Dialling:
    """The owner of a connection while it is being made."""

    def __init__(
        self, driver: Driver[Endpoint], connection: ClientConnection, dial: Dial, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._driver = driver
        self._connection = connection
        self._dial = dial
        self._ssl_context = ssl_context
        self._task: asyncio.Task[None] | None = None

    def write(self, now: float) -> None:
        """The connection is ready: see `ClientConnection`."""
        if self._task is None:
            self._task = self._driver.loop.create_task(self._run())
            self._task.add_done_callback(self._end)
        if self._connection.aborted:
            self._task.cancel()

    async def _run(self) -> None:
        address = self._connection.address
        sock = None
        try:
            sock = await self._dial(address.host, address.port)
            await self._driver.loop.create_connection(
                partial(_Dialled, self._driver, self._connection, sock),
                sock=sock,
                ssl=self._ssl_context if address.secure else None,
                server_hostname=address.host if address.secure else None,
            )
        except (Exception, asyncio.CancelledError) as error:
            # At once: uvloop closes the transport in silence when this is cancelled, whatever has been called before.
            self._driver.lose(self._connection, error)
            if sock is not None:
                self._driver.loop.call_soon(_forget, sock)

    def _end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            # Before it has begun.
            self._driver.lose(self._connection, None)


def _forget(sock: socket.socket) -> None:
    """The transport of this socket has ended: its descriptor is closed, and the number may be somebody else's by now.

    asyncio closes the object. uvloop does not know of it until `create_connection` returns; closed before that, it
    leaves an object that would close the descriptor once more.
    """
    if sock.fileno() != -1:
        sock.detach()


class _Dialled(Connection[ClientConnection]):
    """The connection to the server."""

    def __init__(self, driver: Driver[Endpoint], connection: ClientConnection, sock: socket.socket) -> None:
        super().__init__(driver)
        self._connection = connection
        self._socket = sock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = cast("asyncio.Transport", transport)
        connection = self._connection
        if connection.aborted:
            # It has been given up, and asyncio has taken until now. uvloop would say nothing of its end.
            self.reject(self._transport)
            self._driver.loop.call_soon(_forget, self._socket)
            return
        connection.owner = self
        connection.connected(now=self._time())
        self._pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        super().connection_lost(exc)
        self._driver.loop.call_soon(_forget, self._socket)
