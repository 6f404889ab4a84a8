"""Connecting to a server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, overload

import trio

from sansio_eio import EngineClient, LocalProtocolError
from sansio_eio.http import ClientEndpoint, ClientHttpOptions, ConnectOptions
from sansio_eio.socketio import Client, ClientOptions, Target, as_client
from sansio_eio_trio.connection import Connection
from sansio_eio_trio.driver import Driver

if TYPE_CHECKING:
    from sansio_eio.http import ClientConnection, Endpoint
    from sansio_eio.socketio import ClientSocket

#: Gives a connected stream for a host and a port.
Dial: TypeAlias = Callable[[str, int], Awaitable[trio.abc.Stream]]


class Options(ConnectOptions, total=False):
    """The options of `connect`, whatever it connects."""

    ssl_context: ssl.SSLContext | None
    """For "https" and "wss"; by default, that of `ssl.create_default_context`."""
    dial: Dial | None
    """`await dial(host, port)` gives a stream that is connected, through a proxy for example; TLS comes on top."""


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

    When an `on_error` hook says `OnError.STOP`, the body is cancelled, and the exception raised at the end, as it is
    and not in a group. So is, but at once and without a goodbye, what is no `Exception`, when a handler raises it. An
    exception of the body comes out as it is, too.

    `options` are those of `Client`. Raises LocalProtocolError for options that make no sense, for those of a client
    together with one, and when something connects the client already.
    """
    if unix_path is not None and dial is not None:
        raise LocalProtocolError("a Unix socket is not dialled: give unix_path or dial")
    client = as_client(target, options)
    if ssl_context is None and client.engine.address.secure:
        ssl_context = ssl.create_default_context()
    if dial is None:
        dial = trio.open_tcp_stream if unix_path is None else _dial_unix_socket(unix_path)
    endpoint = ClientEndpoint(
        client, owner=lambda connection: _Dialling(driver, connection, dial, ssl_context), **(http or {})
    )
    driver = _ClientDriver(endpoint, shutdown_timeout)
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        try:
            with driver.accepting:
                await driver.ready.wait()
                opening = client.open()
                if wait:
                    await opening
                yield client.socket if isinstance(client, Client) else client
        except BaseException as error:
            # Out of the nursery it would come in a group.
            failure = error
        try:
            await driver.finish()
        except BaseException as error:
            if failure is None:
                failure = error
    if driver.failure is not None:
        raise driver.failure from failure
    if failure is not None:
        raise failure


class _ClientDriver(Driver[ClientEndpoint]):
    """Goes on until the body has ended."""

    def stop(self, error: Exception) -> None:
        """See `Loop`."""
        self.fail(error)
        self.accepting.cancel()


def _dial_unix_socket(path: str) -> Dial:
    async def dial(_host: str, _port: int) -> trio.abc.Stream:
        return await trio.open_unix_socket(path)

    return dial


class _Dialling:
    """The owner of a connection while it is being made."""

    def __init__(
        self, driver: Driver[Endpoint], connection: ClientConnection, dial: Dial, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._driver = driver
        self._connection = connection
        self._dial = dial
        self._ssl_context = ssl_context
        self._begun = False
        #: Cancelled when it is given up.
        self._scope = trio.CancelScope()

    def write(self, now: float) -> None:
        """The connection is ready: see `ClientConnection`."""
        if not self._begun:
            self._begun = True
            self._driver.nursery.start_soon(self._run)
        if self._connection.aborted:
            self._scope.cancel()

    async def _run(self) -> None:
        driver, connection = self._driver, self._connection
        stream: trio.abc.Stream | None = None
        error: Exception | None = None
        try:
            with self._scope:
                stream = await self._open()
        except trio.BrokenResourceError as failure:
            # With what the socket or TLS has against it.
            error = failure.__cause__ if isinstance(failure.__cause__, Exception) else failure
        except Exception as failure:
            error = failure
        finally:
            if stream is None:
                driver.lose(connection, error)
            del error
        if stream is None:
            return
        try:
            dialled = Connection(driver, stream, connection)
            # It may have been given up when there was nothing left to be cancelled.
            if not connection.aborted:
                connection.connected(now=driver.time())
            dialled.write(driver.time())
            await dialled.run()
        finally:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)

    async def _open(self) -> trio.abc.Stream:
        address = self._connection.address
        stream = await self._dial(address.host, address.port)
        if not address.secure:
            return stream
        assert self._ssl_context is not None
        secure = trio.SSLStream(stream, self._ssl_context, server_hostname=address.host, https_compatible=True)
        try:
            await secure.do_handshake()
        except BaseException:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
            raise
        return secure
