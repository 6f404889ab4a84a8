"""An upgrade from polling to a WebSocket that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.session import Session


class Upgrade:
    """The candidate, and the deadline of the whole exchange."""

    __slots__ = ("channel", "probed", "session")

    def __init__(self, session: Session, channel: Channel) -> None:
        self.session = session
        self.channel = channel
        self.probed = False

    def expire(self, *, now: float) -> None:
        """The client did not complete the upgrade in time: the session lives on, on its old transport."""
        self.session.fall_back(self)
