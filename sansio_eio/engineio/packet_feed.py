"""The packets of one polling payload, taken a batch at a time: a megabyte of tiny ones must not hold everybody up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from sansio_eio.engineio.atomic import atomic

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.core import Core

#: So many packets are taken at a time.
BATCH = 256


class Fed(Protocol):
    """A session, of a server or of a client."""

    @property
    def over(self) -> bool:
        """Whether it is closed."""
        ...

    paused: bool

    def receive(self, packet: str, now: float, /) -> None:
        """A packet of the peer."""


class PacketFeed(ABC):
    """Gives a session the packets of one payload after the other, in order.

    It is a `Runnable` while there are more of them. A session that is paused takes no further batch.
    """

    __slots__ = ("_core", "_fed", "_packets", "_position", "_queued")

    def __init__(self, core: Core, session: Fed) -> None:
        self._core = core
        self._fed = session
        #: None while there is no payload.
        self._packets: list[str] | None = None
        self._position = 0
        self._queued = False

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._core.lock

    @property
    def busy(self) -> bool:
        """Whether there is a payload of which not all has been taken."""
        return self._packets is not None and self._position < len(self._packets)

    @abstractmethod
    def taken(self) -> None:
        """All packets of the payload have been taken, though the session may be paused."""

    def feed(self, packets: list[str]) -> None:
        """A payload."""
        self._packets = packets
        self._position = 0
        self._take_batch(packets)

    def go_on(self) -> None:
        """Take the next batch when it is our turn, if there is one."""
        if self._packets is None:
            return
        if self._position >= len(self._packets):
            self.taken()
        elif not self._queued:
            self._queued = True
            self._core.make_runnable(self)

    @atomic
    def step(self) -> None:
        """See `Runnable.step`; there is never anything to await."""
        self._queued = False
        if self._packets is not None:
            self._take_batch(self._packets)

    def _take_batch(self, packets: list[str]) -> None:
        session = self._fed
        start, self._position = self._position, self._position + BATCH
        for packet in packets[start : self._position]:
            session.receive(packet, self._core.now)
            if session.over:
                return
        if self._position >= len(packets) or not session.paused:
            self.go_on()
