"""What trio does for the pump, and the task in which everything that an application needs begins and ends."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import trio

from sansio_eio.http import Endpoint, Pump

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sansio_eio import Pending
    from sansio_eio.http import ClientConnection, ServerConnection

E_co = TypeVar("E_co", bound=Endpoint, covariant=True)


class Driver(Generic[E_co]):
    """The `Loop` of a pump.

    `run` is the task that takes no cancellation: connections and handlers live in its nursery, so that a server that is
    cancelled can still say goodbye. It ends after `close`, when no call is left (`calls`) and nothing to be done, or
    with an error that must not wait.

    Raises LocalProtocolError when something drives the application already.
    """

    def __init__(self, endpoint: E_co, grace: float) -> None:
        self.endpoint = endpoint
        self.pump = Pump(endpoint, self)
        self.time = trio.current_time
        self.wall_time = time.time
        #: For connections and handlers; there when `ready` is set.
        self.nursery: trio.Nursery
        self.ready = trio.Event()
        #: Everything has ended.
        self.over = trio.Event()
        #: See `raise_failure`.
        self.failure: BaseException | None = None
        #: Cancelled when no more connections are wanted; for a client, when its body is to end.
        self.accepting = trio.CancelScope()
        #: Cancelled when peers and handlers have had their time.
        self.patience = trio.CancelScope()
        #: `close` was called.
        self.closing = False
        #: `run` is about to end.
        self.ending = False
        #: The calls that serve with it, and those of them that have been cancelled.
        self.calls = 1
        self.cancelled = 0
        #: The last call need not wait any longer: another one has begun, or it is over.
        self.relieved = trio.Event()
        self._grace = grace
        #: Handlers that are being awaited.
        self._tasks = 0
        #: Set when there is something to look at: `_turn`, or the end.
        self._bell = trio.Event()
        self._turn = False
        self._deadline = math.inf
        self._alarm = trio.CancelScope()
        # At the end: what an earlier driver has left of a client is runnable at once.
        endpoint.install(self.pump)

    # The loop

    def call_soon(self) -> None:
        """See `Loop`."""
        self._turn = True
        self._bell.set()

    def call_at(self, when: float) -> None:
        """See `Loop`."""
        self._deadline = self._alarm.deadline = when

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `Loop`."""
        self._tasks += 1
        self.nursery.start_soon(self._work, work)

    async def wait(self, pending: Pending[Any]) -> None:
        """See `Loop`."""
        event = trio.Event()

        def end(_: object) -> None:
            event.set()

        pending.add_done_callback(end)
        try:
            await event.wait()
        finally:
            pending.remove_done_callback(end)

    def is_stray(self, error: BaseException) -> bool:
        """See `Loop`: under trio there is no such thing."""
        return False

    def stop(self, error: Exception) -> None:
        """See `Loop`."""
        self.fail(error)
        self.close()

    # The task

    def fail(self, error: BaseException) -> None:
        """Have `raise_failure` raise this, unless there is something already: a cancellation must not hide an error.

        A group of one is raised as that one, so that SystemExit does what it is for.
        """
        if self.failure is None:
            self.failure = _unwrap(error)

    def raise_failure(self) -> None:
        """For whoever serves, at the end."""
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Have `run` shut down, and `over` be set after that."""
        self.closing = True
        self.accepting.cancel()
        self._bell.set()

    async def finish(self) -> None:
        """`close`, and wait until `over`; to be cancelled meanwhile leaves peers and handlers no more time."""
        self.close()
        try:
            await self.over.wait()
        except BaseException:
            self.patience.cancel()
            with trio.CancelScope(shield=True):
                await self.over.wait()
            raise

    def lose(self, connection: ServerConnection | ClientConnection, error: Exception | None) -> None:
        """The stream of this one is closed, or there is none."""
        connection.connection_lost(now=self.time(), error=error)
        self.pump.pump()
        self.ended()

    def ended(self) -> None:
        """A connection, a handler or a call has ended."""
        if self.closing or not self.calls:
            self._bell.set()

    def _is_idle(self) -> bool:
        return not (self.endpoint.connections or self._tasks or self._turn)

    def _is_to_end(self) -> bool:
        return self.closing or (not self.calls and self._is_idle())

    async def run(self) -> None:
        """Serve, then shut down. It raises nothing: see `failure`."""
        try:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as self.nursery:
                    self.ready.set()
                    await self._attend(self._is_to_end)
                    self.ending = True
                    if self.closing:
                        await self._shut_down()
        except BaseException as error:
            self.fail(error)
        finally:
            self.ending = True
            self.endpoint.install(None)
            self.accepting.cancel()
            self.over.set()
            self.relieved.set()

    async def _shut_down(self) -> None:
        self.endpoint.close(now=self.time(), grace=self._grace)
        self.pump.pump()
        with self.patience:
            self.patience.deadline = self.time() + self._grace
            await self._attend(lambda: self.endpoint.done and not self.pump.busy)
        self.nursery.cancel_scope.cancel()
        # What is cancelled has its last words.
        with trio.CancelScope(shield=True):
            await self._attend(self._is_idle)

    async def _attend(self, done: Callable[[], bool]) -> None:
        """Be the one whom `call_soon` and `call_at` reach, until `done`."""
        while not done():
            with trio.CancelScope(deadline=self._deadline) as self._alarm:
                while not done():
                    # When it is set this lets the others go on all the same.
                    await self._bell.wait()
                    self._bell = trio.Event()
                    if self._turn:
                        self._turn = False
                        self.pump.turn()
            if self._alarm.cancelled_caught:
                self._deadline = math.inf
                self.pump.ring()

    async def _work(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._tasks -= 1
            self.ended()


def _unwrap(error: BaseException) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _unwrap(group.exceptions[0]) if len(group.exceptions) == 1 else group
