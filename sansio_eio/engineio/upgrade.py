"""An upgrade from polling to a WebSocket that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel


class Upgrading(Protocol):
    """A session, of a server or of a client."""

    def fall_back(self, upgrade: Upgrade, /) -> None:
        """The upgrade has failed: the candidate goes, the session lives on, on its old transport."""


class Upgrade:
    """The candidate, and the deadline of the whole exchange."""

    __slots__ = ("channel", "probed", "session")

    def __init__(self, session: Upgrading, channel: Channel) -> None:
        self.session = session
        self.channel = channel
        #: The probe has come, or on a client been answered.
        self.probed = False

    def expire(self, *, now: float) -> None:
        """The upgrade was not completed in time."""
        self.session.fall_back(self)
