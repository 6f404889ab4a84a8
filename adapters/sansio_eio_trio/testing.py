"""`sansio_eio.testing` for handlers that await something of trio, under its `MockClock`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, Unpack

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sansio_eio import LocalProtocolError, Pending
from sansio_eio.engineio import Mountable
from sansio_eio.http import Router
from sansio_eio.testing import AsyncNetwork, KitLoop, NetworkOptions
from sansio_eio.testing.loops import check_main, name_of

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """`trio.run(main)` under a clock that the network can turn: `MockClock(autojump_threshold=0)`.

    Raises LocalProtocolError for a coroutine: pass the function.
    """
    check_main(main)
    return trio.run(main, clock=MockClock(autojump_threshold=0))


@asynccontextmanager
async def open_network(app: Mountable | Router, **options: Unpack[NetworkOptions]) -> AsyncGenerator[AsyncNetwork]:
    """A network, as long as the body runs, and closed at the end; see `sansio_eio.testing.AsyncNetwork`.

    Raises LocalProtocolError under any other clock than a `MockClock` that jumps by itself: use `run`.
    """
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, MockClock) or clock.autojump_threshold != 0:
        raise LocalProtocolError("the network needs a clock that can be turned: use sansio_eio_trio.testing.run")
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            async with AsyncNetwork(app, TrioLoop(nursery), **options) as net:
                yield net
        except Exception as error:
            # Out of the nursery it would come in a group.
            failure = error
    if failure is not None:
        raise failure


class _StepLimit(trio.abc.Instrument):
    """Cancels a scope when trio has made so many steps of tasks: what waits in it may wait for ever."""

    def __init__(self, steps: int) -> None:
        self.scope = trio.CancelScope()
        self._left = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._left -= 1
        if self._left < 0:
            self.scope.cancel()


class TrioLoop(KitLoop):
    """The network's view of trio."""

    foreign = frozenset({"asyncio"})
    hint = "a handler awaits something of asyncio, but trio runs it: see sansio_eio_asyncio.testing"

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self._nursery = nursery
        self._begin = trio.current_time()
        #: The time that a `pause` was for: what the clock adds up to get there may be a little less.
        self._reached = 0.0
        self._stirred = trio.Event()
        self._works: dict[Coroutine[Any, Any, None], trio.CancelScope] = {}
        #: One of the works has ended.
        self._ended = trio.Event()

    def time(self) -> float:
        # The nanosecond is what the difference of two large numbers is good for.
        return max(round(trio.current_time() - self._begin, 9), self._reached)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        scope = self._works[work] = trio.CancelScope()

        async def run_work() -> None:
            with scope:
                await work
            del self._works[work]
            self._ended.set()

        self._nursery.start_soon(run_work)

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        event = trio.Event()
        pending.add_done_callback(lambda _: event.set())
        return event.wait()

    def is_stray(self, error: BaseException) -> bool:
        return False

    def stir(self) -> None:
        self._stirred.set()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def idle(self, max_steps: int) -> bool:
        limit = _StepLimit(max_steps)
        trio.lowlevel.add_instrument(limit)
        try:
            with limit.scope:
                await wait_all_tasks_blocked()
        finally:
            trio.lowlevel.remove_instrument(limit)
        self._stirred = trio.Event()
        return not limit.scope.cancelled_caught

    async def pause(self, until: float) -> None:
        with trio.move_on_at(self._begin + until) as scope:
            await self._stirred.wait()
        if scope.cancelled_caught:
            self._reached = until

    def running(self) -> list[str]:
        return [name_of(work) for work in self._works]

    async def cancel(self) -> None:
        for scope in self._works.values():
            scope.cancel()
        while self._works:
            # Not until all are blocked: one that is none of ours may go on for ever.
            self._ended = trio.Event()
            await self._ended.wait()
