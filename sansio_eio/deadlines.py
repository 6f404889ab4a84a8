"""One heap for thousands of deadlines."""

import heapq
from typing import Protocol

#: So many dead entries are never worth the work.
SPARE = 64


class Expirable(Protocol):
    """Something that can have a deadline; compared and hashed by identity."""

    def expire(self, *, now: float) -> None:
        """The deadline has passed."""


class Deadlines:
    """At most one deadline per object, in seconds of the driver's monotonic clock.

    The heap is cleaned lazily: an entry whose time is no longer the object's deadline is dropped, or pushed again
    with the later time, when it comes up. A heartbeat that is put off again and again so costs one dict store each
    time, and no heap operation. When most entries are dead, the heap is built anew, so that it never holds on to more
    than a few times what is alive (acknowledgements with a long timeout, sessions that end at once).

    A method that the application calls (`emit_with_ack`, `close`) is not told the time. It asks for a deadline `after`
    some seconds, which starts to count at the next `expire_due`. Until then `next` answers "now", so that a driver
    that looks at the next deadline after every call, as it must, comes back at once.
    """

    def __init__(self) -> None:
        self._when: dict[Expirable, float] = {}
        self._heap: list[tuple[float, int, Expirable]] = []
        self._pushed: dict[Expirable, float] = {}
        self._unanchored: dict[Expirable, float] = {}
        #: Found to be due in this round of `expire_due`, and not yet told.
        self._due: dict[Expirable, bool] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._when) + len(self._unanchored) + len(self._due)

    def at(self, owner: Expirable, when: float) -> None:
        """Set, or move, the deadline of `owner` to the absolute time `when`."""
        if self._unanchored or self._due:
            self._forget(owner)
        self._when[owner] = when
        pushed = self._pushed.get(owner)
        if pushed is None or when < pushed:
            self._push(owner, when)

    def after(self, owner: Expirable, seconds: float) -> None:
        """Set, or move, the deadline of `owner` to `seconds` after the next call of `expire_due`."""
        self.cancel(owner)
        self._unanchored[owner] = seconds

    def cancel(self, owner: Expirable) -> None:
        """Forget the deadline of `owner`, if there is one."""
        if self._when.pop(owner, None) is None:
            self._forget(owner)

    def next(self) -> float | None:
        """The earliest deadline, None when there is none, and minus infinity for "call `expire_due` first"."""
        if self._unanchored or self._due:
            return float("-inf")
        return self._earliest()

    def expire_due(self, *, now: float) -> None:
        """Start the clocks of `after`, then call `expire` of every owner whose deadline is not after `now`.

        An owner whose deadline is cancelled or moved by what another one does in this round is not called. What is set
        for the same instant waits for the next round.
        """
        if self._unanchored:
            unanchored, self._unanchored = self._unanchored, {}
            for owner, seconds in unanchored.items():
                self.at(owner, now + seconds)
        while (when := self._earliest()) is not None and when <= now:
            owner = heapq.heappop(self._heap)[2]
            del self._pushed[owner]
            del self._when[owner]
            self._due[owner] = True
        for owner in list(self._due):
            if self._due.pop(owner, False):
                owner.expire(now=now)

    def _earliest(self) -> float | None:
        heap = self._heap
        while heap:
            when, _, owner = heap[0]
            actual = self._when.get(owner)
            if actual == when:
                return when
            heapq.heappop(heap)
            if self._pushed.get(owner) == when:
                del self._pushed[owner]
                if actual is not None:
                    self._push(owner, actual)
        return None

    def _forget(self, owner: Expirable) -> None:
        self._unanchored.pop(owner, None)
        self._due.pop(owner, False)

    def _push(self, owner: Expirable, when: float) -> None:
        self._count += 1
        self._pushed[owner] = when
        heapq.heappush(self._heap, (when, self._count, owner))
        if len(self._heap) > 2 * len(self._when) + SPARE:
            self._pushed = dict(self._when)
            self._heap[:] = [(when, count, owner) for count, (owner, when) in enumerate(self._when.items())]
            heapq.heapify(self._heap)
