"""The POSTs of a session: one at a time, each from its head to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import CloseChannel
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.jsonp import unwrap
from sansio_eio.engineio.reasons import PARSE_ERROR, TRANSPORT_ERROR
from sansio_eio.engineio.requests import Response
from sansio_eio.engineio.states import State
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.requests import Request
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session

#: So many packets are taken at a time: a megabyte of tiny ones must not hold everybody else up.
BATCH = 256


class PostReceiver:
    """Takes the packets of POSTs in order, batch by batch, and answers when all of them have been taken.

    It is a `Runnable` while there are more of them. A session that is paused takes no further batch, and so the answer
    waits, and the client with its next POST.
    """

    __slots__ = ("_packets", "_position", "_queued", "_server", "_session", "channel")

    def __init__(self, server: EngineServer, session: Session) -> None:
        self._server = server
        self._session = session
        #: The channel of the POST that is under way.
        self.channel: Channel | None = None
        #: Its packets, None while its body is still to come.
        self._packets: list[str] | None = None
        self._position = 0
        self._queued = False

    def start(self, channel: Channel) -> None:
        """The head of a POST; there must not be another one under way."""
        if self.channel is not None:
            self._server.respond(channel, Response(400))
            self._session.end(TRANSPORT_ERROR, RemoteProtocolError("overlap of two data requests"))
        else:
            channel.session = self._session
            self.channel = channel
            self._packets = None
            self._position = 0

    def receive(self, channel: Channel, request: Request) -> None:
        """The whole of a POST."""
        if channel is not self.channel:
            self.start(channel)
            if channel is not self.channel:
                return
        settings = self._server.settings
        if (request.header("content-type") or "").strip().lower() == "application/octet-stream":
            self._refuse(channel, 400)
            self._session.end(TRANSPORT_ERROR, RemoteProtocolError("invalid content type of a data request"))
        elif len(request.body) > settings.max_http_buffer_size:
            self._refuse(channel, 413)
        else:
            body = unwrap(request) if "j" in request.params else request.body
            try:
                self._packets = packets.decode_payload(body, settings.max_payload_packets)
            except RemoteProtocolError as error:
                # Not "ok": nothing of it has been taken.
                self._refuse(channel, 413)
                self._session.end(PARSE_ERROR, error)
            else:
                self._take_batch(self._packets)

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._server.lock

    @atomic
    def step(self) -> None:
        """See `Runnable.step`; there is never anything to await."""
        self._queued = False
        if self._packets is not None:
            self._take_batch(self._packets)

    def go_on(self) -> None:
        """The session is not paused: answer, or take the next batch when it is our turn."""
        if self.channel is None or self._packets is None:
            return
        if self._position >= len(self._packets):
            self.release()
        elif not self._queued:
            self._queued = True
            self._server.make_runnable(self)

    def release(self) -> None:
        """Answer the POST that is under way, if there is one; cut it where its body is not complete."""
        channel = self.lose()
        if channel is not None:
            channel.session = None
            if self._packets is None:
                self._server.act(channel, CloseChannel(channel))
            else:
                self._packets = None
                self._server.answer(self._session, channel, b"ok", compress=False)

    def release_if_taken(self) -> None:
        """The same, but only for one whose packets have all been taken."""
        if self._packets is not None and self._position >= len(self._packets):
            self.release()

    def lose(self) -> Channel | None:
        """There is no POST under way any longer; the channel of the one that was."""
        channel, self.channel = self.channel, None
        return channel

    def _take_batch(self, payload: list[str]) -> None:
        session = self._session
        start, self._position = self._position, self._position + BATCH
        for packet in payload[start : self._position]:
            session.receive(packet, self._server.now)
            if session.state is State.CLOSED:
                return
        if not session.paused:
            self.go_on()

    def _refuse(self, channel: Channel, status: int) -> None:
        self.channel = channel.session = self._packets = None
        self._server.respond(channel, Response(status))
