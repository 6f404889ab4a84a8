"""The heartbeat of a client's session: who pings is said by its revision, and each watches the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio import packets
from sansio_eio.engineio.reasons import PING_TIMEOUT

if TYPE_CHECKING:
    from sansio_eio.engineio.client import EngineClient
    from sansio_eio.engineio.client_handshake import ClientHandshake
    from sansio_eio.engineio.client_session import ClientSession
    from sansio_eio.engineio.outgoing import Outgoing

#: A server may say that it wants no time at all between two pings of revision 3: not more often than this, in seconds.
SHORTEST_INTERVAL = 0.01


class ClientHeartbeat:
    """The deadline of the next thing that has to happen, with the lock held.

    In revision 4 the server pings, and each of its pings has to come within interval and timeout; nothing else counts.
    In revision 3 it is this side that pings, an interval behind the last pong. Then anything of the server has to come
    within the timeout, and whatever comes buys it another interval and timeout, as in the reference.
    """

    __slots__ = ("_client", "_interval", "_is_queued", "_patience", "_session", "_timeout", "awaits_pong")

    def __init__(self, client: EngineClient, session: ClientSession) -> None:
        self._client = client
        self._session = session
        self._interval = self._timeout = self._patience = 0.0
        #: A ping of ours has not been answered.
        self.awaits_pong = False
        #: Our part of the heartbeat waits to be sent.
        self._is_queued = False

    def start(self, handshake: ClientHandshake, now: float) -> None:
        """The session is open."""
        self._interval = max(handshake.ping_interval, SHORTEST_INTERVAL)
        self._timeout = handshake.ping_timeout
        self._patience = handshake.ping_interval + handshake.ping_timeout
        self._wait_for_next(now)

    def stop(self) -> None:
        """The session is closing, or over."""
        self.awaits_pong = False
        self._client.deadlines.cancel(self)

    def heard(self, now: float) -> bool:
        """The server's part of the heartbeat has come; whether it means anything."""
        if self._session.revision.client_pings:
            if not self.awaits_pong:
                return False
            self.awaits_pong = False
        else:
            # Without it the server ends the session.
            self._beat()
        self._wait_for_next(now)
        return True

    def put_off(self, now: float) -> None:
        """Something has come of the server while it owes us a pong."""
        self._client.deadlines.at(self, now + self._patience)

    def resume(self) -> None:
        """The server is read again: what is waited for may be among what was not."""
        if self.awaits_pong or not self._session.revision.client_pings:
            self._client.set_timeout(self, self._patience)

    def sent(self, portion: list[Outgoing]) -> None:
        """These are on their way."""
        if self._is_queued and any(packet is self._packet for packet in portion):
            self._is_queued = False

    def expire(self, *, now: float) -> None:
        """It is time to ping, or the other side has not been heard in time."""
        paused = self._session.paused
        if self._session.revision.client_pings and (paused or not self.awaits_pong):
            # While it is us who do not read, again and again: the server would take silence for the end.
            self.awaits_pong = True
            self._client.deadlines.at(self, now + (self._interval if paused else self._timeout))
            self._beat()
        else:
            # Even if it is us who do not read: the server, which gets no pong, gives up at the same time.
            self._session.end(PING_TIMEOUT)

    @property
    def _packet(self) -> Outgoing:
        return packets.PING_PACKET if self._session.revision.client_pings else packets.PONG_PACKET

    def _beat(self) -> None:
        # One is enough, however many of them are due.
        if not self._is_queued:
            self._is_queued = True
            self._session.queue(self._packet)

    def _wait_for_next(self, now: float) -> None:
        is_ours = self._session.revision.client_pings
        self._client.deadlines.at(self, now + (self._interval if is_ours else self._patience))
