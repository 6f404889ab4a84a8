"""Listening, and serving streams that come from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, Unpack

import trio

from sansio_eio.http import HttpOptions, ServerEndpoint
from sansio_eio_trio.driver import Driver
from sansio_eio_trio.sharing import accept, join, serve_shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from ssl import SSLContext

    from sansio_eio.engineio import Mountable
    from sansio_eio.http import Router

L = TypeVar("L", bound=trio.abc.Listener[trio.abc.Stream])


async def serve(
    app: Mountable | Router,
    host: str | bytes | None,
    port: int,
    *,
    ssl_context: SSLContext | None = None,
    backlog: int | None = None,
    shutdown_timeout: float = 10.0,
    task_status: trio.TaskStatus[list[trio.abc.Listener[trio.abc.Stream]]] = trio.TASK_STATUS_IGNORED,
    **options: Unpack[HttpOptions],
) -> None:
    """Serve a Socket.IO or Engine.IO server, or several in a `Router`, until cancelled.

    It listens on `host` (None: every interface) and `port` (0: one that is free), with `ssl_context` over TLS.
    `nursery.start(serve, ...)` returns the listeners. The other options are those of `HttpSettings`; for the end, and
    for the rest, see `serve_listeners`.

    Raises OSError when it cannot listen.
    """
    listeners: list[trio.abc.Listener[trio.abc.Stream]] = []
    for listener in await trio.open_tcp_listeners(port, host=host, backlog=backlog):
        # As web servers do: closing needs no farewell of TLS, since HTTP and WebSocket have their own.
        secure = ssl_context and trio.SSLListener(listener, ssl_context, https_compatible=True)
        listeners.append(secure or listener)
    await serve_listeners(app, listeners, shutdown_timeout=shutdown_timeout, task_status=task_status, **options)


async def serve_listeners(
    app: Mountable | Router,
    listeners: Sequence[L],
    *,
    shutdown_timeout: float = 10.0,
    task_status: trio.TaskStatus[list[L]] = trio.TASK_STATUS_IGNORED,
    **options: Unpack[HttpOptions],
) -> None:
    """Serve on listeners of any kind until cancelled, and close them.

    When it is cancelled it stops to accept, ends all sessions, and gives peers and handlers `shutdown_timeout` seconds.
    Then what is left is cut and cancelled, and awaited, and Cancelled raised. It takes no second cancellation: who
    cannot wait sets the timeout to 0.

    When an `on_error` hook says `OnError.STOP`, or a listener fails, the server shuts down in the same way, and the
    exception is raised, as it is and not in a group. So is, but at once and without a goodbye, what is no `Exception`,
    when a handler raises it.

    Raises LocalProtocolError when the application is served already.
    """
    try:
        driver = Driver(ServerEndpoint(app, **options), shutdown_timeout)

        def connected(stream: trio.abc.Stream) -> Awaitable[None]:
            return accept(driver, stream).run()

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(driver.run)
                try:
                    await driver.ready.wait()
                    with driver.accepting:
                        await trio.serve_listeners(
                            connected, list(listeners), handler_nursery=driver.nursery, task_status=task_status
                        )
                finally:
                    driver.close()
        except BaseException as error:
            driver.fail(error)
        driver.raise_failure()
    finally:
        with trio.CancelScope(shield=True):
            for listener in listeners:
                await trio.aclose_forcefully(listener)


async def serve_stream(
    app: Mountable | Router,
    stream: trio.abc.Stream,
    *,
    shutdown_timeout: float = 10.0,
    **options: Unpack[HttpOptions],
) -> None:
    """Serve one connection, until the peer or the application ends it, and close it.

    Any number of calls may serve the same application at the same time: they share its sessions, and the options of the
    first one. Handlers belong to the application, not to the stream: they go on while there is another call, and the
    last call waits for them. After that the sessions are what they were, and a later call goes on with them.

    A call that is cancelled cuts its stream. Those that are cancelled together, when they are the last ones, shut down
    in good order, as `serve_listeners` does; a call that begins meanwhile waits for that. The exception of
    `OnError.STOP` is raised by all calls.

    Raises LocalProtocolError when `serve` or `serve_listeners` serve the application already, or for options that
    differ from those of another call.
    """
    try:
        driver = await join(app, shutdown_timeout, options)
        try:
            await serve_shared(driver, stream)
        finally:
            driver.raise_failure()
    finally:
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)
