"""The events that wait for whoever iterates over a client's socket."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sansio_eio.engineio.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio.pending import Host
    from sansio_eio.socketio.client_events import ClientEventReceived


class Inbox:
    """Events that no handler has taken.

    Until somebody takes one, or waits for one, there may be nobody who ever will, so that the oldest make place for
    the others. From then on none is lost: at the limit `congested(True)` is called, so that the server is not read
    from, and `congested(False)` when half of them are gone. With the lock held, all of it.
    """

    __slots__ = (
        "_congested",
        "_events",
        "_host",
        "_is_congested",
        "_is_read",
        "_max_events",
        "_max_size",
        "_size",
        "_waiting",
        "ended",
    )

    def __init__(self, host: Host, congested: Callable[[Inbox, bool], None], *, max_events: int, max_size: int) -> None:
        self._host = host
        self._congested = congested
        self._max_events = max_events
        self._max_size = max_size
        self._events: deque[ClientEventReceived] = deque()
        self._size = 0
        self._is_congested = False
        #: Somebody has begun to iterate.
        self._is_read = False
        self._waiting: Pending[None] | None = None
        #: Nothing more comes before the socket connects again.
        self.ended = True

    def put(self, event: ClientEventReceived) -> None:
        """Add an event behind the others."""
        if not self._is_read:
            while self._events and not self._has_room(event.size):
                self._size -= self._events.popleft().size
        self._events.append(event)
        self._size += event.size
        self._release()
        self._look()

    def take(self) -> ClientEventReceived | None:
        """The oldest event; None when there is none."""
        self._is_read = True
        self._look()
        if not self._events:
            return None
        event = self._events.popleft()
        self._size -= event.size
        if self._is_congested and len(self._events) <= self._max_events // 2 and self._size <= self._max_size // 2:
            self._is_congested = False
            self._congested(self, False)
        return event

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._release()

    @property
    def is_over(self) -> bool:
        """There is nothing, and nothing more comes."""
        return self.ended and not self._events

    def wait(self) -> Pending[None]:
        """Done when there is an event, or nothing more comes."""
        waiting = self._waiting or Pending[None](self._host)
        if self._events or self.ended:
            waiting.resolve(None)
        else:
            self._waiting = waiting
        return waiting

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.resolve(None)

    def _has_room(self, size: int = 0) -> bool:
        return len(self._events) < self._max_events and self._size + size <= self._max_size

    def _look(self) -> None:
        if self._is_read and not self._is_congested and not self._has_room():
            self._is_congested = True
            self._congested(self, True)
