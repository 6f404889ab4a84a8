"""The heartbeat of a session: who pings is said by its revision, and the server ends what it no longer hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio import packets
from sansio_eio.engineio.reasons import PING_TIMEOUT

if TYPE_CHECKING:
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session


class Heartbeat:
    """The deadline of the next ping, or of the client's part of the heartbeat. With the lock held.

    In revision 4 the server pings, an interval behind the last pong, and the pong has to come within the timeout. In
    revision 3 the client pings, and has interval and timeout for that.
    """

    __slots__ = ("_is_put_off", "_server", "_session", "awaits_pong")

    def __init__(self, server: EngineServer, session: Session) -> None:
        self._server = server
        self._session = session
        #: A ping of ours has not been answered.
        self.awaits_pong = False
        #: The deadline of this pong has been put off.
        self._is_put_off = False

    def start(self) -> None:
        """The session is open."""
        settings = self._server.settings
        # The decision may have come from a coroutine, which tells no time.
        self._server.set_timeout(
            self, self._patience if self._session.revision.client_pings else settings.ping_interval
        )

    def stop(self) -> None:
        """The session is closing, or over."""
        self.awaits_pong = False
        self._server.deadlines.cancel(self)

    def heard(self, now: float) -> None:
        """The client's part of the heartbeat has come."""
        if self._session.revision.client_pings:
            self._server.deadlines.at(self, now + self._patience)
            self._session.answer_ping()
        else:
            self.awaits_pong = False
            self._server.deadlines.at(self, now + self._server.settings.ping_interval)

    def put_off(self, now: float) -> None:
        """Something else has come, while it owes us a pong: the reference puts the deadline off, once for each ping."""
        if not self._is_put_off:
            self._is_put_off = True
            self._server.deadlines.at(self, now + self._server.settings.ping_timeout)

    def resume(self) -> None:
        """The client is read again: what is waited for may be among what was not."""
        if self.awaits_pong or self._session.revision.client_pings:
            self._server.set_timeout(self, self._patience)

    def expire(self, *, now: float) -> None:
        """It is time to ping, or the client has not been heard in time."""
        timeout = self._server.settings.ping_timeout
        if not self.awaits_pong and not self._session.revision.client_pings:
            self.awaits_pong = True
            self._is_put_off = False
            self._server.deadlines.at(self, now + timeout)
            self._session.send_packet(packets.PING_PACKET)
        elif self._session.paused:
            # It is us who do not read: what is waited for may well be there.
            self._server.deadlines.at(self, now + timeout)
        else:
            self._session.end(PING_TIMEOUT)

    @property
    def _patience(self) -> float:
        """Seconds that the client's part of the heartbeat may take."""
        settings = self._server.settings
        return settings.ping_timeout + (settings.ping_interval if self._session.revision.client_pings else 0.0)
