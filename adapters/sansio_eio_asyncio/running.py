"""What serving and connecting have in common: they go on while a body runs, and end in good order."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from sansio_eio.http import Endpoint
from sansio_eio_asyncio.driver import Driver

E = TypeVar("E", bound=Endpoint)


@asynccontextmanager
async def running(endpoint: E, grace: float, *, hurried: bool = False) -> AsyncGenerator[Driver[E]]:
    """Drive the endpoint while the body runs, then close it, and give peers and handlers `grace` seconds.

    With `hurried`, a body that was cancelled gives them none. Raises the error that stopped it, with
    `OnError.STOP`, and LocalProtocolError when something drives the application already.
    """
    body = _Body()
    driver = Driver(endpoint, body.stop)
    endpoint.install(driver.pump)
    try:
        try:
            yield driver
            await body.end()
        finally:
            await _shut_down(driver, 0.0 if hurried and body.is_cancelled else grace)
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
        endpoint.install(None)
    if body.error is not None:
        raise body.error


class _Body:
    """The task that runs the body of `async with`: an error that stops everything cancels it, as a time limit would."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        #: Cancellations of before, which are none of ours.
        self._earlier = self._task.cancelling()
        self._cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody else has cancelled it."""
        return self._task.cancelling() > self._earlier + self._cancelled

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


async def _shut_down(driver: Driver[Endpoint], grace: float) -> None:
    endpoint = driver.endpoint
    try:
        async with asyncio.timeout(grace):
            endpoint.close(now=driver.time(), grace=grace)
            driver.pump.pump()
            # A task that is cancelled before it begins leaves the pump busy for ever.
            while not endpoint.done or (driver.pump.busy and driver.tasks):
                driver.ended.clear()
                await driver.ended.wait()
    except TimeoutError:
        pass
    finally:
        await _complete(_cut(driver))


async def _cut(driver: Driver[Endpoint]) -> None:
    driver.endpoint.cut()
    driver.pump.pump()
    while driver.endpoint.connections:
        driver.ended.clear()
        await driver.ended.wait()
    # What a lost connection has set off begins before it is cancelled: a coroutine that never ran would complain.
    await asyncio.sleep(0)
    tasks = list(driver.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _complete(work: Coroutine[Any, Any, None]) -> None:
    """Do this to the end, even when this task is cancelled meanwhile."""
    task = asyncio.get_running_loop().create_task(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
