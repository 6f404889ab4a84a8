"""The packets of one polling payload, taken a batch at a time: a megabyte of tiny ones must not hold everybody up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from sansio_eio.engineio.atomic import atomic
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def receive(self, packet: str | bytes, now: float, /) -> None:
        """A packet of the peer."""

    def malformed(self, error: RemoteProtocolError, /) -> None:
        """Behind the packets so far, the payload is none. A session that closes may pass over it."""


class PacketFeed(ABC):
    """Gives a session the packets of one payload after the other, in order.

    It is a `Runnable` while there are more of them. A session that is paused takes no further batch.
    """

    __slots__ = ("_core", "_fed", "_next", "_packets", "_queued")

    def __init__(self, core: Core, session: Fed) -> None:
        self._core = core
        self._fed = session
        #: None while there is no payload.
        self._packets: Iterator[str | bytes] | None = None
        #: The first one of the next batch, if there is a next batch.
        self._next: str | bytes | None = None
        self._queued = False

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._core.lock

    @property
    def busy(self) -> bool:
        """Whether there is a payload of which not all has been taken."""
        return self._packets is not None and self._next is not None

    @abstractmethod
    def taken(self) -> None:
        """All packets of the payload have been taken, though the session may be paused."""

    def feed(self, packets: Iterator[str | bytes]) -> None:
        """A payload. Where it raises RemoteProtocolError, it ends."""
        self._packets = packets
        self._next = None
        self._take_batch(packets)

    def go_on(self) -> None:
        """Take the next batch when it is our turn, if there is one."""
        if self._packets is None:
            return
        if self._next is None:
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

    def _take_batch(self, packets: Iterator[str | bytes]) -> None:
        session = self._fed
        first = () if self._next is None else (self._next,)
        try:
            for packet in chain(first, islice(packets, BATCH - len(first))):
                session.receive(packet, self._core.now)
                if session.over or self._packets is not packets:
                    # What this packet has done: the session is over, or does without this transport.
                    return
            self._next = next(packets, None)
        except RemoteProtocolError as error:
            session.malformed(error)
            self._next = None
        if self._next is None or not session.paused:
            self.go_on()
