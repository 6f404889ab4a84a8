"""The polling of a client's session: a poll and a POST at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import CloseChannel, OpenWebSocket, SendRequest
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.client_handshake import response_payload
from sansio_eio.engineio.client_states import ClientState
from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.packet_feed import PacketFeed
from sansio_eio.engineio.revision import Payload
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.client import EngineClient
    from sansio_eio.engineio.client_opening import ClientOpening
    from sansio_eio.engineio.client_session import ClientSession
    from sansio_eio.engineio.outbox import Outbox
    from sansio_eio.engineio.requests import Response

#: What the answer of an older server means to a client that is told to speak revision 4.
OLDER = "the server speaks an older protocol: see the option protocol"

#: A POST is not made larger for a server that does not say what it takes, but for a packet that is: the default of the
#: reference, whose old servers cut the connection of a larger one, so that all of it would be lost.
UNTOLD = 1_000_000

#: The body of a GET.
NO_PAYLOAD = Payload(b"")

#: No packets: all that they add to a payload is what separates packets there.
_NOTHING = Outgoing(())


class ClientPolling(PacketFeed):
    """The requests of a session, with the lock held, and the packets of a poll.

    The next poll is sent when all of them have been taken.
    """

    __slots__ = ("_client", "_opening", "_session", "poll", "post")

    def __init__(self, client: EngineClient, session: ClientSession, opening: ClientOpening) -> None:
        super().__init__(client, session)
        self._client = client
        self._session = session
        self._opening = opening
        #: The poll that is under way, if there is one.
        self.poll: Channel | None = None
        #: The POST that is under way, or that the driver is to ask for.
        self.post: Channel | None = None

    @property
    def is_at_rest(self) -> bool:
        """Whether there is no request under way."""
        return self.poll is None and self.post is None

    @property
    def takes_more(self) -> bool:
        """Whether what is sent now leaves with the next POST, at once."""
        return self.post is None or (self.post.ready and not self.post.offered)

    # -- requests --------------------------------------------------------------------------------------------------

    def send_poll(self) -> None:
        """Ask for packets."""
        channel = self.poll = Channel()
        self._client.act(channel, self._request(channel, "GET"))

    def offer_post(self) -> None:
        """Have the driver ask for what waits, unless it does already, or waits for an answer."""
        if self.post is None:
            self.post = Channel()
            self._client.mark_ready(self.post)

    def fill_post(self, channel: Channel, outbox: Outbox) -> list[Outgoing]:
        """The driver can send the POST: what is in it. Only now, so that all that has been queued meanwhile is."""
        revision = self._session.revision
        # Nothing separates the last packet from a next one.
        limit = (self._session.max_payload or UNTOLD) + revision.payload_size(_NOTHING)
        portion = outbox.take_payload(limit, revision.payload_size)
        channel.actions.append(self._post(channel, portion))
        return portion

    def say_goodbye(self) -> None:
        """Tell the server of the close."""
        channel = Channel()
        self._client.act(channel, self._post(channel, [packets.CLOSE_PACKET]))
        if self.poll is not None:
            # The server is to learn of the close by the POST: cut off before that, the poll would be an error.
            self._client.release_behind(channel, self.poll)
            self.poll = None

    def release(self) -> None:
        """Nothing more is wanted of what is under way."""
        if self.poll is not None:
            release(self._client, self.poll)
        # One that is only offered the driver has not heard of, and need not.
        if self.post is not None and not self.post.ready:
            release(self._client, self.post)
        self.poll = self.post = self._packets = None

    def _post(self, channel: Channel, outgoing: list[Outgoing]) -> SendRequest:
        return self._request(channel, "POST", self._session.revision.payload(outgoing, binary=True))

    def _request(self, channel: Channel, method: str, payload: Payload = NO_PAYLOAD) -> SendRequest:
        request = self._client.make_request(method, "polling", self._session.sid, payload)
        return SendRequest(channel, request, self._client.settings.request_timeout)

    # -- answers ---------------------------------------------------------------------------------------------------

    def answered(self, channel: Channel, response: Response) -> None:
        """The response to the poll or the POST."""
        is_poll = channel is self.poll
        failure = self.lost(channel)
        if response.status != 200:
            self._session.fail(failure, response)
        elif is_poll:
            self._polled(response)
        else:
            self._session.go_on()

    def lost(self, channel: Channel) -> str:
        """The poll or the POST is no longer under way; what the reference says when it has failed."""
        if channel is self.poll:
            self.poll = None
            return "xhr poll error"
        self.post = None
        return "xhr post error"

    def taken(self) -> None:
        """See `PacketFeed`."""
        self._packets = None
        self._session.go_on()

    def _polled(self, response: Response) -> None:
        payload = response_payload(response)
        if self._session.state is ClientState.OPENING and not self._opening.accepts(payload):
            self._session.fail(OLDER)
            return
        try:
            found = self._session.revision.read_payload(payload, self._client.settings.max_payload_packets)
        except RemoteProtocolError as error:
            self._session.malformed(error)
        else:
            self.feed(found)


def release(client: EngineClient, channel: Channel) -> None:
    """Nothing more is wanted of this channel."""
    asked = channel.actions[0] if channel.actions else None
    if isinstance(asked, (SendRequest, OpenWebSocket)):
        # The driver has not heard of it, and need not.
        channel.actions.clear()
    else:
        client.act(channel, CloseChannel(channel))
