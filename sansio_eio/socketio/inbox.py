"""The events that wait for whoever iterates over a client's socket."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakSet

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.core import Core
    from sansio_eio.socketio.client_events import ClientEventReceived

logger = logging.getLogger("sansio_eio")

#: While events wait for nobody, that is noticed after so many seconds.
LOOK = 1.0


class Inbox:
    """Events that no handler has taken.

    While somebody iterates, none is lost: at the limit `congested(True)` is called, so that the server is not read
    from, and `congested(False)` when half of them are gone. While nobody does, there may be nobody who ever will, and
    the oldest make place for the others. With the lock held, all of it, but for what is said to be atomic.
    """

    __slots__ = (
        "_congested",
        "_core",
        "_events",
        "_has_warned",
        "_is_congested",
        "_max_events",
        "_max_size",
        "_name",
        "_readers",
        "_size",
        "_waiting",
        "ended",
        "pulled",
    )

    def __init__(
        self, core: Core, congested: Callable[[Inbox, bool], None], name: str, *, max_events: int, max_size: int
    ) -> None:
        self._core = core
        self._name = name
        self._congested = congested
        self._max_events = max_events
        self._max_size = max_size
        self._events: deque[ClientEventReceived] = deque()
        self._size = 0
        self._is_congested = False
        #: Who iterates. An iterator that is left goes by itself; that is noticed when there is something to do.
        self._readers = WeakSet[EventIterator]()
        #: Somebody takes the events without iterating.
        self.pulled = False
        self._has_warned = False
        self._waiting: Pending[None] | None = None
        #: Nothing more comes before the socket connects again.
        self.ended = True

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._core.lock

    @atomic
    def begin(self, reader: EventIterator) -> None:
        """Somebody begins to iterate."""
        self._readers.add(reader)

    def expire(self, *, now: float) -> None:
        """The server is not read from: look whether there is still somebody for whom that is."""
        if self._is_read:
            self._core.set_timeout(self, LOOK)
            return
        while self._events and not self._has_room():
            self._drop_oldest()
        self._relieve()

    def put(self, event: ClientEventReceived) -> None:
        """Add an event behind the others."""
        if not self._is_read:
            while self._events and not self._has_room(event.size):
                self._drop_oldest()
        self._events.append(event)
        self._size += event.size
        self._release()
        self._look()

    def take(self) -> ClientEventReceived | None:
        """The oldest event; None when there is none."""
        if not self._events:
            return None
        event = self._drop_oldest()
        if len(self._events) <= self._max_events // 2 and self._size <= self._max_size // 2:
            self._relieve()
        return event

    @atomic
    def next(self) -> ClientEventReceived | Pending[None] | None:
        """For who iterates: the oldest event; or what is done when there is one; None when nothing more comes."""
        event = self.take()
        if event is not None:
            return event
        return None if self.ended else self._wait()

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._relieve()
        self._release()

    def _wait(self) -> Pending[None]:
        if self._waiting is None:
            self._waiting = Pending[None](self._core)
        return self._waiting

    @property
    def _is_read(self) -> bool:
        return len(self._readers) > 0 or self.pulled

    def _drop_oldest(self) -> ClientEventReceived:
        event = self._events.popleft()
        self._size -= event.size
        return event

    def _relieve(self) -> None:
        if self._is_congested:
            self._is_congested = False
            self._core.deadlines.cancel(self)
            self._congested(self, False)

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.resolve(None)

    def _has_room(self, size: int = 0) -> bool:
        return len(self._events) < self._max_events and self._size + size <= self._max_size

    def _look(self) -> None:
        if self._is_read and not self._is_congested and not self._has_room():
            self._is_congested = True
            if not self._has_warned:
                self._has_warned = True
                logger.warning("too many events of %s wait to be taken: the server is not read from", self._name)
            self._core.set_timeout(self, LOOK)
            self._congested(self, True)


class EventIterator:
    """Goes through the events of a client's socket that no handler takes, and waits for more.

    `async for` under an event loop, `for` in threads. As long as there is one, none of the events is dropped.
    """

    __slots__ = ("__weakref__", "_inbox")

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        inbox.begin(self)

    def __aiter__(self) -> EventIterator:
        return self

    async def __anext__(self) -> ClientEventReceived:
        while isinstance(found := self._inbox.next(), Pending):
            await found
        if found is None:
            raise StopAsyncIteration
        return found

    def __iter__(self) -> EventIterator:
        return self

    def __next__(self) -> ClientEventReceived:
        while isinstance(found := self._inbox.next(), Pending):
            found.wait()
        if found is None:
            raise StopIteration
        return found
