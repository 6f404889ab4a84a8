"""What waits for one peer to take it."""

from collections.abc import Callable

from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.pending import Host, Pending

#: Below this many bytes, a drain is done; it is what fits in a few TCP segments.
LOW_WATER = 65_536
#: The driver of a WebSocket is handed so many bytes at a time, and the packet that exceeds them.
PORTION = 65_536


class Outbox:
    """Packets in order, and their size in bytes.

    Whoever adds to `packets` adds to `size`, too, and looks at its limit.
    """

    __slots__ = ("_drain", "packets", "size")

    def __init__(self) -> None:
        self.packets: list[Outgoing] = []
        self.size = 0
        self._drain: Pending[None] | None = None

    def take_all(self) -> list[Outgoing]:
        """Everything; nothing is left."""
        packets, self.packets = self.packets, []
        self.size = 0
        return packets

    def take_portion(self) -> list[Outgoing]:
        """The oldest packets: what a driver cannot send yet is better kept here, where it is counted."""
        if self.size <= PORTION:
            return self.take_all()
        size = count = 0
        while size < PORTION:
            size += self.packets[count].size
            count += 1
        portion, self.packets = self.packets[:count], self.packets[count:]
        self.size -= size
        return portion

    def take_payload(self, limit: int, measure: Callable[[Outgoing], int]) -> list[Outgoing]:
        """As many of the oldest packets as `measure` not more than `limit` together, and at least one.

        Packets that travel together are taken apart where all of them do not fit.
        """
        size = count = 0
        while count < len(self.packets):
            packet = self.packets[count]
            size += measure(packet)
            if size > limit:
                if len(packet.packets) > 1:
                    size -= measure(packet)
                    self.packets[count : count + 1] = packet.split()
                    continue
                if count:
                    break
            count += 1
        payload, self.packets = self.packets[:count], self.packets[count:]
        self.size -= sum([packet.size for packet in payload])
        return payload

    def take_back(self) -> None:
        """The newest packet is not to be sent after all."""
        self.size -= self.packets.pop().size

    def drop_volatile(self) -> None:
        """There is too much: what was only worth sending at once goes first."""
        self.keep(lambda packet: not packet.volatile)

    def keep(self, wanted: Callable[[Outgoing], bool]) -> None:
        """Drop what is not wanted."""
        self.packets = [packet for packet in self.packets if wanted(packet)]
        self.size = sum([packet.size for packet in self.packets])

    def drain(self, host: Host) -> Pending[None]:
        """What is done when most of this has been taken; one for all who wait for it."""
        if self._drain is None:
            self._drain = Pending[None](host)
        return self._drain

    def resolve_drains(self) -> None:
        """Call it behind `take_*`, when whoever waits may send and close again."""
        if self._drain is not None and self.size <= LOW_WATER:
            drain, self._drain = self._drain, None
            drain.resolve(None)
