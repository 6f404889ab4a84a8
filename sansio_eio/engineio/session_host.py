"""What the session of a server and that of a client have in common: the host of handlers, with a buffer."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handler_host import HandlerHost
from sansio_eio.engineio.outbox import LOW_WATER, Outbox
from sansio_eio.engineio.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio.core import Core
    from sansio_eio.engineio.outgoing import Outgoing


class SessionHost(HandlerHost):
    """The side of a session that the application looks at."""

    __slots__ = ("_framing", "_outbox", "paused")

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._outbox = Outbox()
        #: What makes the packets of the WebSocket, None where they are sent as they are; see `Revision.framing`.
        self._framing: Callable[[Outgoing], Outgoing] | None = None
        #: The application does not keep up: nothing is read from the peer.
        self.paused = False

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether it is closed."""

    @atomic
    def drain(self) -> Pending[None]:
        """Done when most of the buffer has been taken by the peer, or the session has ended."""
        if not self.over and self.buffered > LOW_WATER:
            return self._outbox.drain(self)
        pending = Pending[None](self)
        pending.resolve(None)
        return pending

    def _framed(self, portion: list[Outgoing]) -> list[Outgoing]:
        """These packets as the WebSocket carries them."""
        framing = self._framing
        return portion if framing is None else [framing(packet) for packet in portion]

    @property
    def buffered(self) -> int:
        """Bytes that wait for the peer to take them."""
        return self._outbox.size
