"""What a session has for the application, in order."""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from sansio_eio.engineio.atomic import Lock, atomic
from sansio_eio.engineio.handlers import Steps, start

E = TypeVar("E")

#: So many events are handled before it is another session's turn.
TURN = 64


class Mailbox(Generic[E]):
    """The events of one session, taken by one worker at a time: the order of the wire is the order of the handlers.

    The owner puts events in; a driver finds the mailbox in `take_runnable` and calls `step`, or, to handle events
    itself, `next_event`. At `max_events` events or `max_size` bytes, `congested(True)` is called so that the owner
    stops reading from the peer, and `congested(False)` when half of the events are gone, or after too many bytes all.
    """

    __slots__ = (
        "_congested",
        "_dispatch",
        "_events",
        "_is_congested",
        "_max_events",
        "_max_size",
        "_queue",
        "_scheduled",
        "_size",
        "_turn",
    )

    def __init__(
        self,
        dispatch: Callable[[E], Steps],
        queue: Callable[["Mailbox[Any]"], None],
        congested: Callable[[bool], None],
        *,
        max_events: int,
        max_size: int,
    ) -> None:
        self._dispatch = dispatch
        self._queue = queue
        self._congested = congested
        self._max_events = max_events
        self._max_size = max_size
        #: Bytes that came since the mailbox was empty: to know how many are left would cost more than it is worth.
        self._size = 0
        self._events: deque[E] = deque()
        #: Listed as runnable, or being run: not to be listed again.
        self._scheduled = False
        self._is_congested = False
        #: Events handled since it was listed.
        self._turn = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver. A mailbox of a session says which one; one on its own is for one thread."""
        return None

    def put(self, event: E, size: int = 0) -> None:
        """Add an event behind the others, for which the peer has sent `size` bytes. With the lock held."""
        self._events.append(event)
        self._size += size
        if not self._scheduled:
            self._scheduled = True
            self._turn = 0
            self._queue(self)
        if not self._is_congested and (len(self._events) >= self._max_events or self._size >= self._max_size):
            self._is_congested = True
            self._congested(True)

    @atomic
    def take(self) -> E | None:
        """The oldest item; None when there is none left, and the next one that comes makes this runnable again."""
        return self._pop()

    def _pop(self) -> E | None:
        if not self._events:
            self._scheduled = False
            return None
        event = self._events.popleft()
        if not self._events:
            self._size = 0
        if self._is_congested and len(self._events) <= self._max_events // 2 and self._size < self._max_size:
            self._is_congested = False
            self._congested(False)
        return event

    def next_event(self) -> E | None:
        """The oldest event, for a program that handles events itself; None when there is none left."""
        return self.take()

    def step(self) -> Coroutine[Any, Any, None] | None:
        """See `Runnable.step`."""
        lock = self.lock
        while self._turn < TURN:
            self._turn += 1
            if lock is None:
                event = self._pop()
            else:
                with lock:
                    event = self._pop()
            if event is None:
                return None
            try:
                rest = start(self._dispatch(event))
            except BaseException:
                # Such as KeyboardInterrupt. What comes behind it has its turn, if the driver still gives one.
                self._queue_again()
                raise
            if rest is not None:
                return rest
        self._queue_again()
        return None

    def interrupt(self) -> None:
        """The driver that may have taken this has gone: nobody is going to call `step` again. With the lock held."""
        self._scheduled = False

    def resume(self) -> None:
        """There is a driver again. With the lock held."""
        if self._events and not self._scheduled:
            self._scheduled = True
            self._turn = 0
            self._queue(self)

    @atomic
    def _queue_again(self) -> None:
        # It stays scheduled, at the end of the list.
        self._turn = 0
        self._queue(self)
