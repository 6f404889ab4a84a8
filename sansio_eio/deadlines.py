"""One heap for thousands of deadlines."""

import heapq
from collections.abc import Iterator
from typing import Protocol


class Expirable(Protocol):
    """Something that can have a deadline; compared and hashed by identity."""

    def expire(self, *, now: float) -> None:
        """The deadline has passed."""


class Deadlines:
    """At most one deadline per object, in seconds of the driver's monotonic clock.

    The heap is cleaned lazily: an entry whose time is no longer the object's deadline is dropped, or pushed again
    with the later time, when it comes up. A heartbeat that is put off again and again so costs one dict store each
    time, and no heap operation.

    A method that the application calls (`emit_with_ack`, `close`) is not told the time. It asks for a deadline `after`
    some seconds, which starts to count at the next `expire_due`. Until then `next` answers "now", so that a driver
    that looks at the next deadline after every call, as it must, comes back at once.
    """

    def __init__(self) -> None:
        self._when: dict[Expirable, float] = {}
        self._heap: list[tuple[float, int, Expirable]] = []
        self._pushed: dict[Expirable, float] = {}
        self._unanchored: dict[Expirable, float] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._when) + len(self._unanchored)

    def at(self, owner: Expirable, when: float) -> None:
        """Set, or move, the deadline of `owner` to the absolute time `when`."""
        if self._unanchored:
            self._unanchored.pop(owner, None)
        self._when[owner] = when
        pushed = self._pushed.get(owner)
        if pushed is None or when < pushed:
            self._push(owner, when)

    def after(self, owner: Expirable, seconds: float) -> None:
        """Set, or move, the deadline of `owner` to `seconds` after the next call of `expire_due`."""
        self._when.pop(owner, None)
        self._unanchored[owner] = seconds

    def cancel(self, owner: Expirable) -> None:
        """Forget the deadline of `owner`, if there is one."""
        if self._when.pop(owner, None) is None:
            self._unanchored.pop(owner, None)

    def next(self) -> float | None:
        """The earliest deadline, None when there is none, and minus infinity for "call `expire_due` first"."""
        if self._unanchored:
            return float("-inf")
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

    def expire_due(self, *, now: float) -> None:
        """Start the clocks of `after`, then call `expire` of every owner whose deadline is not after `now`."""
        for owner in self._due(now):
            owner.expire(now=now)

    def _due(self, now: float) -> Iterator[Expirable]:
        if self._unanchored:
            unanchored, self._unanchored = self._unanchored, {}
            for owner, seconds in unanchored.items():
                self.at(owner, now + seconds)
        # Collected before the first `expire` is called: what it sets again for the same instant waits for the next round.
        due: list[Expirable] = []
        while True:
            # `next` answers minus infinity only for `after`, and none has been called since.
            when = self.next()
            if when is None or when > now:
                break
            owner = heapq.heappop(self._heap)[2]
            del self._pushed[owner]
            del self._when[owner]
            due.append(owner)
        return iter(due)

    def _push(self, owner: Expirable, when: float) -> None:
        self._count += 1
        self._pushed[owner] = when
        heapq.heappush(self._heap, (when, self._count, owner))
