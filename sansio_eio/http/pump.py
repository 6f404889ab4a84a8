"""The loop around the core that all event loops share: in which order, in which turns, and what a turn starts."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Coroutine, Sequence

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.pending import Pending
    from sansio_eio.engineio.runtime import Runnable, Runtime

_log = logging.getLogger("sansio_eio")

# After so many seconds, or so many rounds, the pump lets the loop look at other connections.
_SLICE = 0.01
_ROUNDS = 20


class Writable(Protocol):
    """A connection, seen by the pump."""

    @property
    def owner(self) -> Any:
        """What has the method `write(now)`, called when the connection is ready."""
        ...


class Endpoint(Protocol):
    """What a `ServerEndpoint` and a `ClientEndpoint` are for a driver; see there."""

    @property
    def closing(self) -> bool:
        """`close` was called."""
        ...

    @property
    def done(self) -> bool:
        """`close` was called, and the driver may go."""
        ...

    @property
    def connections(self) -> Collection[Writable]:
        """Those for which `connection_lost` has not been called."""
        ...

    def take_ready(self) -> Sequence[Writable]:
        """The connections that have something for the driver to do."""
        ...

    def take_runnable(self) -> list[Runnable]:
        """The sessions with events for the application."""
        ...

    def next_deadline(self) -> float | None:
        """When to call `advance` at the latest; in the past means at once, None never."""
        ...

    def advance(self, *, now: float) -> None:
        """The time is now `now`."""

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver with the application, or with None take it away."""

    def close(self, *, now: float, grace: float) -> None:
        """Shut down; go on pumping until `done`. The connections that are left after `grace` seconds are aborted."""

    def cut(self) -> None:
        """Abort every connection that is left."""


class Loop(Protocol):
    """What an event loop does for a `Pump`. Everything happens in one thread."""

    def time(self) -> float:
        """The loop's monotonic clock, in seconds."""
        ...

    def wall_time(self) -> float:
        """See `Runtime.wall_time`."""
        ...

    def call_soon(self) -> None:
        """Have `Pump.turn` called soon, and not from here. Not called again before that has happened."""

    def call_at(self, when: float) -> None:
        """Have `Pump.ring` called at this time of the clock, and not from here; an earlier call's time is forgotten."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in a task of its own. It pumps when it has done something, and raises only to be cancelled."""

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Runtime.wait`."""
        ...

    def is_stray(self, error: BaseException) -> bool:
        """Whether `error` is a cancellation, but not of the task that it is raised in: of what a handler awaited."""
        ...

    def stop(self, error: Exception, /) -> None:
        """See `Runtime.stop`; called once."""


class Pump:
    """Drives an endpoint on an event loop. It is the `Runtime` of the application: install it with `endpoint.install`.

    Call `pump` after every input to the endpoint or to one of its connections, and see `Loop` for the rest. The `owner`
    of a connection has a method `write(now)`, called when the connection is ready: see `ServerConnection` and
    `ClientConnection`.
    """

    #: Everything happens in one thread.
    lock: Lock | None = None

    def __init__(self, endpoint: Endpoint, loop: Loop) -> None:
        self._endpoint = endpoint
        self._loop = loop
        #: Sessions whose handlers are being awaited; shutting down waits for them.
        self.busy = 0
        #: What has been taken out of the endpoint and not been served yet.
        self._runnable: deque[Runnable] = deque()
        self._ready: deque[Writable] = deque()
        self._pumping = False
        #: `turn` is going to be called because of `wake`.
        self._woken = False
        #: `turn` is going to be called because the last turn was cut short.
        self._behind = False
        #: When `ring` is going to be called.
        self._alarm: float | None = None
        self._stopping = False

    # The runtime

    def wake(self) -> None:
        """See `Runtime`."""
        if not (self._pumping or self._woken or self._behind):
            self._woken = True
            self._loop.call_soon()

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Runtime`."""
        return self._loop.wait(pending)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """See `Runtime`."""
        self._loop.spawn(self._finish(coroutine))

    def wall_time(self) -> float:
        """See `Runtime`."""
        return self._loop.wall_time()

    def stop(self, error: Exception) -> None:
        """See `Runtime`. The first error stops the driver; the log has those that come while it ends."""
        if self._stopping or self._endpoint.closing:
            _log.error("while it stops already", exc_info=error)
            return
        self._stopping = True
        self._loop.stop(error)

    # Turns

    def pump(self) -> None:
        """Do what there is to do, and set the alarm.

        Inside of itself (in a task that starts at once) it does nothing. Neither does it while it has more to do than
        fits in one turn of the loop: else each of a hundred busy connections would have it work for all the others.
        """
        if self._pumping or self._behind:
            return
        self._pumping = True
        endpoint, loop, runnable, ready = self._endpoint, self._loop, self._runnable, self._ready
        now = loop.time()
        rounds = 0
        advanced = False
        deadline = None
        try:
            while not self._behind:
                rounds += 1
                runnable.extend(endpoint.take_runnable())
                idle = not runnable
                while runnable:
                    each = runnable.popleft()
                    rest = each.step()
                    if rest is not None:
                        self.busy += 1
                        loop.spawn(self._work(each, rest))
                ready.extend(endpoint.take_ready())
                idle = idle and not ready
                while ready:
                    ready.popleft().owner.write(now)
                if not idle:
                    if rounds < _ROUNDS and loop.time() - now < _SLICE:
                        continue
                    # Somebody sent thousands of requests at once: now the others, and what is due.
                    self._behind = True
                    loop.call_soon()
                # Last, so that what has just been read counts before it is taken for missing.
                deadline = endpoint.next_deadline()
                if deadline is None or deadline > now or advanced:
                    break
                advanced = True
                endpoint.advance(now=now)
        except BaseException:
            # Such as KeyboardInterrupt, out of a handler. The others have their turn, and the alarm is set, if the loop
            # goes on.
            if not self._behind:
                self._behind = True
                loop.call_soon()
            raise
        finally:
            self._pumping = False
        # An alarm that is too early is left alone: deadlines are put off all the time.
        if deadline is not None and (self._alarm is None or deadline < self._alarm):
            self._alarm = deadline
            loop.call_at(deadline)

    def turn(self) -> None:
        """For the loop: what `call_soon` leads to."""
        self._woken = self._behind = False
        self.pump()

    def ring(self) -> None:
        """For the loop: what `call_at` leads to."""
        self._alarm = None
        self.pump()

    async def _work(self, runnable: Runnable, rest: Coroutine[Any, Any, None] | None) -> None:
        """A busy session: its handlers, one after the other."""
        try:
            while rest is not None:
                await self._finish(rest)
                rest = runnable.step()
        finally:
            self.busy -= 1
        self.pump()

    async def _finish(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except BaseException as error:
            if not self._loop.is_stray(error):
                raise
            # Not this task was cancelled but something that a handler waited for; the session goes on.
            _log.exception("something that a handler awaited was cancelled")
        self.pump()
