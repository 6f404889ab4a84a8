"""The POSTs of a session: one at a time, each from its head to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio.actions import CloseChannel
from sansio_eio.engineio.jsonp import unwrap
from sansio_eio.engineio.packet_feed import PacketFeed
from sansio_eio.engineio.reasons import TRANSPORT_ERROR
from sansio_eio.engineio.requests import Response
from sansio_eio.engineio.revision import BINARY, Payload
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.requests import Request
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session


class PostReceiver(PacketFeed):
    """Takes the packets of POSTs, and answers when all of them have been taken.

    While the session is paused the answer waits, and the client with its next POST.
    """

    __slots__ = ("_server", "_session", "channel")

    def __init__(self, server: EngineServer, session: Session) -> None:
        super().__init__(server, session)
        self._server = server
        self._session = session
        #: The channel of the POST that is under way. While its body is still to come, there are no packets.
        self.channel: Channel | None = None

    def start(self, channel: Channel) -> None:
        """The head of a POST; there must not be another one under way."""
        if self.channel is not None:
            self._server.respond(channel, Response(400))
            self._session.end(TRANSPORT_ERROR, RemoteProtocolError("overlap of two data requests"))
        else:
            channel.session = self._session
            self.channel = channel
            self._packets = None

    def receive(self, channel: Channel, request: Request) -> None:
        """The whole of a POST."""
        if channel is not self.channel:
            self.start(channel)
            if channel is not self.channel:
                return
        settings = self._server.settings
        binary = (request.header("content-type") or "").strip().lower() == BINARY
        revision = self._session.revision
        if binary and not revision.has_binary_payloads:
            self._refuse(channel, 400)
            self._session.end(TRANSPORT_ERROR, RemoteProtocolError("invalid content type of a data request"))
        elif len(request.body) > settings.max_http_buffer_size:
            self._refuse(channel, 413)
        else:
            body = unwrap(request) if "j" in request.params else request.body
            try:
                packets = revision.read_payload(Payload(body, binary), settings.max_payload_packets)
            except RemoteProtocolError as error:
                # Not "ok": nothing of it has been taken.
                self._refuse(channel, 413)
                self._session.malformed(error)
            else:
                self.feed(packets)

    def taken(self) -> None:
        """See `PacketFeed`."""
        if self.channel is not None and not self._session.paused:
            self.release()

    def release(self) -> None:
        """Answer the POST that is under way, if there is one; cut it where its body is not complete."""
        channel = self.lose()
        if channel is not None:
            channel.session = None
            if self._packets is None:
                self._server.act(channel, CloseChannel(channel))
            else:
                self._packets = None
                self._server.answer(self._session, channel, Payload(b"ok"), compress=False)

    def release_if_taken(self) -> None:
        """The same, but only for one whose packets have all been taken."""
        if self._packets is not None and self._next is None:
            self.release()

    def lose(self) -> Channel | None:
        """There is no POST under way any longer; the channel of the one that was."""
        channel, self.channel = self.channel, None
        return channel

    def _refuse(self, channel: Channel, status: int) -> None:
        self.channel = channel.session = self._packets = None
        self._server.respond(channel, Response(status))
