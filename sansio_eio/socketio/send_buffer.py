"""What a client's socket is going to send when it is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sansio_eio.engineio.outgoing import Outgoing


class Kept:
    """An event that waits: encoded, and as the listeners for what is sent are told of it."""

    __slots__ = ("ack_id", "data", "outgoing")

    def __init__(self, outgoing: Outgoing, data: list[Any], ack_id: int | None) -> None:
        self.outgoing = outgoing
        self.data = data
        self.ack_id = ack_id


class SendBuffer:
    """Events in the order in which they were emitted, and their size in bytes, which has a limit."""

    __slots__ = ("_kept", "_limit", "_plain", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        #: By the id of the acknowledgement; what asks for none has a negative number.
        self._kept: dict[int, Kept] = {}
        self._plain = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, ack_id: object) -> bool:
        return ack_id in self._kept

    def add(self, kept: Kept) -> bool:
        """Keep an event behind the others; False when that would be too much."""
        if self.size + kept.outgoing.size > self._limit:
            return False
        self.size += kept.outgoing.size
        if kept.ack_id is None:
            self._plain -= 1
        self._kept[self._plain if kept.ack_id is None else kept.ack_id] = kept
        return True

    @property
    def oldest(self) -> Kept:
        """The event that is next."""
        return next(iter(self._kept.values()))

    def drop_oldest(self) -> None:
        """It has been sent, or never will be."""
        self.size -= self._kept.pop(next(iter(self._kept))).outgoing.size

    def remove(self, ack_id: int) -> None:
        """Nobody waits for this acknowledgement any longer: what asks for it need not be sent."""
        kept = self._kept.pop(ack_id, None)
        if kept is not None:
            self.size -= kept.outgoing.size

    def drop_asking(self) -> None:
        """Forget the events that ask for an acknowledgement."""
        for ack_id in [ack_id for ack_id in self._kept if ack_id >= 0]:
            self.remove(ack_id)

    def clear(self) -> int:
        """Forget everything; how many events that were."""
        count = len(self._kept)
        self._kept.clear()
        self.size = 0
        return count
