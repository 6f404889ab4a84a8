"""`sansio_eio.testing` for handlers that await something of asyncio, on an event loop with a virtual clock."""

import asyncio
import selectors
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, Unpack

from sansio_eio import LocalProtocolError, Pending
from sansio_eio.engineio import Mountable
from sansio_eio.http import Router
from sansio_eio.testing import AsyncNetwork, KitLoop, NetworkOptions
from sansio_eio.testing.loops import check_main, name_of

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

T = TypeVar("T")

#: So many real seconds are waited for a thread or a process when nothing else is going to happen.
REAL_PATIENCE = 10.0


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """`asyncio.run(main())` on a `VirtualClockLoop`. Raises LocalProtocolError for a coroutine: pass the function."""
    check_main(main)
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main())


@asynccontextmanager
async def open_network(app: Mountable | Router, **options: Unpack[NetworkOptions]) -> AsyncGenerator[AsyncNetwork]:
    """A network, as long as the body runs, and closed at the end; see `sansio_eio.testing.AsyncNetwork`.

    Raises LocalProtocolError on any other loop than a `VirtualClockLoop`: use `run`.
    """
    async with AsyncNetwork(app, AsyncioLoop(), **options) as net:
        yield net


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for the time of its next timer to come, but sets its clock to it.

    The clock begins at 0. When nothing but threads, processes or sockets is left to wait for, it waits for them, ten
    real seconds at most.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """The virtual time, in seconds."""
        return self._jumping.clock

    async def idle(self, max_turns: int = 100_000) -> bool:
        """Let everything else run until it waits for something; the clock stands still meanwhile.

        False when it still runs after so many turns of the loop.
        """
        waiter: asyncio.Future[bool] = self.create_future()
        self._jumping.waiters[waiter] = self._jumping.turns + max_turns
        return await waiter

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """End the threads. The timeout, which Python has from 3.12 on, would be over at once: this clock jumps."""
        await super().shutdown_default_executor()


class _JumpingSelector(selectors.SelectSelector):
    """Where the loop goes to sleep, and where one can see, therefore, that nothing is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0
        self.turns = 0
        #: Those that wait until nothing is ready, and the turn that they wait for at most.
        self.waiters: dict[asyncio.Future[bool], int] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            self.turns += 1
            self._wake([waiter for waiter, last in self.waiters.items() if last < self.turns], idle=False)
            return ready
        if self.waiters:
            self._wake(list(self.waiters), idle=True)
        elif timeout is not None:
            self.clock += timeout
        else:
            ready = super().select(REAL_PATIENCE)
            if not ready:
                raise RuntimeError("everything waits for something that never happens")
        return ready

    def _wake(self, waiters: list[asyncio.Future[bool]], *, idle: bool) -> None:
        for waiter in waiters:
            del self.waiters[waiter]
            if not waiter.done():
                waiter.set_result(idle)


class AsyncioLoop(KitLoop):
    """The network's view of a `VirtualClockLoop`."""

    foreign = frozenset({"trio"})
    hint = "a handler awaits something of trio, but asyncio runs it: see sansio_eio_trio.testing"

    def __init__(self) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualClockLoop):
            raise LocalProtocolError("the network needs a clock that can be turned: use sansio_eio_asyncio.testing.run")
        self._loop = loop
        self._begin = loop.time()
        #: The time that a `pause` was for: what the loop adds up to get there may be a little less.
        self._reached = 0.0
        self._stirred = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def time(self) -> float:
        # The nanosecond is what the difference of two large numbers is good for.
        return max(round(self._loop.time() - self._begin, 9), self._reached)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        future = self._loop.create_future()
        pending.add_done_callback(lambda _: None if future.done() else future.set_result(None))
        return future

    def is_stray(self, error: BaseException) -> bool:
        task = asyncio.current_task()
        return isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()

    def stir(self) -> None:
        self._stirred.set()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def idle(self, max_steps: int) -> bool:
        idle = await self._loop.idle(max_steps)
        self._stirred.clear()
        return idle

    async def pause(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(self._begin + until):
                await self._stirred.wait()
        except TimeoutError:
            self._reached = until

    def running(self) -> list[str]:
        return [name_of(task.get_coro()) for task in self._tasks]

    async def cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
