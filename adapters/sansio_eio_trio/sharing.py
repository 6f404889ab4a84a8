"""One driver for all streams of an application that are served in calls of their own."""

from __future__ import annotations

from contextvars import copy_context
from typing import TypeAlias

import trio

from sansio_eio import LocalProtocolError
from sansio_eio.engineio import Mountable
from sansio_eio.http import HttpOptions, HttpSettings, Router, ServerEndpoint
from sansio_eio_trio.connection import Connection
from sansio_eio_trio.driver import Driver
from sansio_eio_trio.streams import remote

App: TypeAlias = Mountable | Router

_drivers: trio.lowlevel.RunVar[dict[App, Driver[ServerEndpoint]]] = trio.lowlevel.RunVar("sansio_eio_trio")


def accept(driver: Driver[ServerEndpoint], stream: trio.abc.Stream) -> Connection:
    """A peer has connected."""
    connection = driver.endpoint.connect(
        remote=remote(stream),
        secure=isinstance(stream, trio.SSLStream),
        half_close=isinstance(stream, trio.abc.HalfCloseableStream),
        now=driver.time(),
    )
    return Connection(driver, stream, connection)


async def join(app: App, grace: float, options: HttpOptions) -> Driver[ServerEndpoint]:
    """The driver of this application in this run of trio, from now on for one more call."""
    drivers = _drivers.get({})
    _drivers.set(drivers)
    while (driver := drivers.get(app)) is not None and (driver.closing or driver.ending):
        await driver.over.wait()
    if driver is None:
        driver = drivers[app] = Driver(ServerEndpoint(app, **options), grace)
        # All calls have the same part in it, so it is not the child of one of them. The last one waits for its end.
        trio.lowlevel.spawn_system_task(_run, driver, drivers, app, context=copy_context())
        return driver
    if options and HttpSettings(**options) != driver.endpoint.settings:
        raise LocalProtocolError("another call serves this application, with other options")
    driver.calls += 1
    driver.relieved.set()
    driver.relieved = trio.Event()
    return driver


async def serve_shared(driver: Driver[ServerEndpoint], stream: trio.abc.Stream) -> None:
    """Serve a stream with a driver that `join` gave."""
    if not driver.ready.is_set():
        with trio.CancelScope(shield=True):
            await driver.ready.wait()
    connection = accept(driver, stream)
    ended = trio.Event()
    driver.nursery.start_soon(_run_connection, connection, ended)
    try:
        await ended.wait()
    except BaseException:
        with trio.CancelScope(shield=True):
            await _part(driver, connection, ended)
        raise
    driver.calls -= 1
    driver.ended()
    if not driver.calls:
        try:
            await driver.relieved.wait()
        except BaseException:
            if not driver.calls:
                driver.close()
                with trio.CancelScope(shield=True):
                    await driver.over.wait()
            raise


async def _part(driver: Driver[ServerEndpoint], connection: Connection, ended: trio.Event) -> None:
    """The call has been cancelled: others go on without it, or it is the end of all."""
    driver.cancelled += 1
    # Those that are cancelled at the same time say goodbye together.
    await trio.lowlevel.cancel_shielded_checkpoint()
    if driver.cancelled < driver.calls:
        connection.abort()
        await ended.wait()
    if driver.cancelled == driver.calls:
        driver.close()
    await ended.wait()
    driver.cancelled -= 1
    driver.calls -= 1
    driver.ended()
    if not driver.calls:
        await driver.over.wait()


async def _run(driver: Driver[ServerEndpoint], drivers: dict[App, Driver[ServerEndpoint]], app: App) -> None:
    await driver.run()
    del drivers[app]


async def _run_connection(connection: Connection, ended: trio.Event) -> None:
    try:
        await connection.run()
    finally:
        ended.set()
