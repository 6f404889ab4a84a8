"""One Engine.IO session of a client: its heartbeat, its buffer, and the channels that it lives on.

`client_states` has the rules. A session is opened once; a client that opens again makes a new one, whose buffer and
deadlines know nothing of the one before.
"""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import CloseChannel, OpenWebSocket, SendMessages, SendRequest, SetReading
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.client_events import ConnectError, TransportError
from sansio_eio.engineio.client_handshake import read_handshake
from sansio_eio.engineio.client_states import TRANSITIONS, ClientState, ClientTrigger
from sansio_eio.engineio.outgoing import SEPARATOR, Outgoing
from sansio_eio.engineio.packet_feed import PacketFeed
from sansio_eio.engineio.reasons import FORCED_CLOSE, PING_TIMEOUT, TRANSPORT_CLOSE, TRANSPORT_ERROR
from sansio_eio.engineio.revision import REVISION_4, Payload
from sansio_eio.engineio.session_host import SessionHost
from sansio_eio.engineio.upgrade import Upgrade
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.client import EngineClient
    from sansio_eio.engineio.requests import Response


class PollFeed(PacketFeed):
    """The packets of a poll; the next one is sent when all have been taken."""

    __slots__ = ("_session",)

    def __init__(self, client: EngineClient, session: ClientSession) -> None:
        super().__init__(client, session)
        self._session = session

    def forget(self) -> None:
        """The session is over."""
        self._packets = None

    def taken(self) -> None:
        """See `PacketFeed`."""
        self._packets = None
        self._session.go_on()


class ClientSession(SessionHost):
    """One session of an `EngineClient`, which makes it."""

    __slots__ = (
        "_client",
        "_feed",
        "_owes_pong",
        "_patience",
        "_poll",
        "_post",
        "_transports",
        "_upgrade",
        "_websocket",
        "max_payload",
        "sid",
        "state",
        "transport",
    )

    def __init__(self, client: EngineClient, transports: list[str]) -> None:
        super().__init__(client)
        self._client = client
        #: Those that have not failed, in the order in which they are tried.
        self._transports = transports
        #: The id of the session, "" until the server has said it; a secret, see `Session.sid`.
        self.sid = ""
        #: Where the session is in its life.
        self.state = ClientState.OPENING
        #: "polling" or "websocket".
        self.transport = transports[0]
        #: The limit of a message, and of the body of a POST, as the server says it; 0 when it does not.
        self.max_payload = 0
        #: Seconds that may pass from one ping to the next.
        self._patience = 0.0
        #: A pong waits to be sent.
        self._owes_pong = False
        self._poll: Channel | None = None
        self._post: Channel | None = None
        self._websocket: Channel | None = None
        self._upgrade: Upgrade | None = None
        self._feed = PollFeed(client, self)

    def __repr__(self) -> str:
        return f"<ClientSession {self.sid[:4]}… {self.state.value} on {self.transport}>"

    @property
    def over(self) -> bool:
        """Whether it is closed."""
        return self.state is ClientState.CLOSED

    # -- for the client --------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Shake hands."""
        self._client.set_timeout(self, self._client.settings.connect_timeout)
        self._dial()

    def send_packet(self, outgoing: Outgoing) -> bool:
        """Queue a packet; never waits.

        False when it will not be sent: the session is over or closing, it is volatile and cannot be sent now, or
        `max_outbound` is reached. Raises LocalProtocolError for one that is larger than that, or than the server takes.
        """
        lock = self.lock
        if lock is None:
            return self.queue_packet(outgoing)
        with lock:
            return self.queue_packet(outgoing)

    def queue_packet(self, outgoing: Outgoing) -> bool:
        """`send_packet`, with the lock held."""
        if self.state in (ClientState.CLOSING, ClientState.CLOSED) or (outgoing.volatile and not self.writable):
            return False
        self.check_size(outgoing)
        outbox, limit = self._outbox, self._client.settings.max_outbound
        if outbox.size + outgoing.size > limit:
            outbox.drop_volatile()
            if outbox.size + outgoing.size > limit:
                return False
        self._queue(outgoing)
        return True

    def insist(self, outgoing: Outgoing) -> bool:
        """Queue a packet that both sides rely on, whatever `max_outbound` says; False when the session is over.

        With the lock held. Raises LocalProtocolError for one that is larger than the server takes.
        """
        if self.state in (ClientState.CLOSING, ClientState.CLOSED):
            return False
        self.check_size(outgoing)
        self._queue(outgoing)
        return True

    def check_size(self, outgoing: Outgoing) -> None:
        """Raise LocalProtocolError for a packet that `max_outbound` or the server's maxPayload can never let pass.

        The server would end the session for it, and the client might send it again on the next one, for ever.
        """
        if outgoing.size > self._client.settings.max_outbound:
            raise LocalProtocolError(f"a packet of {outgoing.size} bytes is larger than max_outbound")
        if self.max_payload and outgoing.size > self.max_payload:
            for packet in outgoing.split():
                size = len(packet.payload) if self.transport == "polling" else packet.size - 4
                if size > self.max_payload:
                    raise LocalProtocolError(f"a message of {size} bytes: the server takes {self.max_payload}")

    @property
    def writable(self) -> bool:
        """Whether what is sent now leaves at once: what a volatile packet needs."""
        if self.state is not ClientState.OPEN:
            return False
        if self._websocket is not None:
            return not self._websocket.offered
        return self._post is None or (self._post.ready and not self._post.offered)

    @atomic
    def close(self) -> None:
        """End the session: what is queued is still delivered, then the server is told. Repeated calls do nothing."""
        if self.state is ClientState.OPENING:
            self.end(FORCED_CLOSE)
        elif self.state in (ClientState.OPEN, ClientState.UPGRADING):
            self._move(ClientTrigger.CLOSE)
            self._client.set_timeout(self, self._client.settings.close_timeout)
            if self._upgrade is not None and not self._upgrade.probed:
                self._leave_candidate(self._upgrade)
            self.go_on()

    def pause(self, paused: bool) -> None:
        """The application does not keep up: stop reading (True), or go on (False)."""
        self.paused = paused
        if self.state is ClientState.OPENING:
            # The handshake is read in any case.
            return
        if self._websocket is not None:
            self._client.act(self._websocket, SetReading(self._websocket, not paused))
        if not paused:
            # The ping may be among what was not read.
            self._client.set_timeout(self, self._patience)
            self.go_on()

    # -- inputs ----------------------------------------------------------------------------------------------------

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """The response to a request, or one that refuses a WebSocket."""
        if channel is self._poll:
            self._poll = None
            if response.status == 200:
                self._polled(response.body)
            else:
                self._fail("xhr poll error", response)
        elif channel is self._post:
            self._post = None
            if response.status == 200:
                self.go_on()
            else:
                self._fail("xhr post error", response)
        elif channel is self._websocket:
            self._websocket = None
            self._fail("websocket error", response)
        elif self._upgrade is not None and channel is self._upgrade.channel:
            self.fall_back(self._upgrade, lost=True)

    def websocket_accepted(self, channel: Channel) -> None:
        """The server has accepted a WebSocket."""
        if self._upgrade is not None and channel is self._upgrade.channel:
            self._client.act(channel, SendMessages(channel, [packets.PROBE_PACKET]))

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """A message on a WebSocket."""
        upgrade = self._upgrade
        if channel is self._websocket:
            self.receive(data, now)
        elif upgrade is not None and channel is upgrade.channel:
            if data == packets.PROBE_ANSWER and not upgrade.probed:
                upgrade.probed = True
                self._move(ClientTrigger.PROBED)
                self.go_on()
            else:
                self.fall_back(upgrade)

    def channel_lost(self, channel: Channel, error: Exception | None) -> None:
        """A request gets no response, or a WebSocket is over."""
        if channel is self._poll:
            self._poll = None
            self._fail("xhr poll error", cause=error)
        elif channel is self._post:
            self._post = None
            self._fail("xhr post error", cause=error)
        elif channel is self._websocket:
            self._websocket = None
            if self.state is ClientState.OPENING or isinstance(error, RemoteProtocolError):
                self._fail("websocket error", cause=error)
            else:
                # Cut off or closed in good order: the reference makes no difference.
                self.end(TRANSPORT_CLOSE, error)
        elif self._upgrade is not None and channel is self._upgrade.channel:
            self.fall_back(self._upgrade, lost=True)

    def expire(self, *, now: float) -> None:
        """The deadline of the session has passed: of its handshake, of the next ping, or of its close."""
        if self.state is ClientState.OPENING:
            self.end(FORCED_CLOSE, ConnectError("timeout"))
        elif self.state is ClientState.CLOSING:
            self.end(FORCED_CLOSE)
        else:
            # Even if it is us who do not read: the server, which gets no pong, gives up at the same time.
            self.end(PING_TIMEOUT)

    # -- output ----------------------------------------------------------------------------------------------------

    def flush_into(self, channel: Channel) -> None:
        """The driver can send on this channel: hand over what waits, if this is the way out.

        A WebSocket gets it in portions: what its driver cannot send yet is better kept here, where it is counted.
        """
        if not self._outbox.packets:
            return
        if channel is self._websocket:
            portion = self._outbox.take_portion()
            channel.actions.append(SendMessages(channel, portion))
            self._pong_sent(portion)
        elif channel is self._post and channel.offered:
            # Only now, so that all that has been queued meanwhile is in it.
            limit = self.max_payload or self._outbox.size * 2
            portion = self._outbox.take_payload(limit)
            body = SEPARATOR.join([packet.payload for packet in portion])
            channel.actions.append(self._request(channel, "POST", body))
            self._pong_sent(portion)

    def _pong_sent(self, portion: list[Outgoing]) -> None:
        if self._owes_pong and any(packet is packets.PONG_PACKET for packet in portion):
            self._owes_pong = False

    def flushed(self, channel: Channel) -> None:
        """It has been handed over: announce the rest, and tell who waits for that, now that it may send and close."""
        if self._outbox.packets and channel is self._websocket:
            self._client.mark_ready(channel)
        self._outbox.resolve_drains()

    def fall_back(self, upgrade: Upgrade, *, lost: bool = False) -> None:
        """The upgrade has failed: the candidate goes, if it is not `lost`, and the session lives on, on polling."""
        self._leave_candidate(upgrade, lost=lost)
        if upgrade.probed:
            self._move(ClientTrigger.FALL_BACK)
            self.go_on()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _dial(self) -> None:
        if self.transport == "polling":
            self._send_poll()
        else:
            self._websocket = self._open_websocket()

    def _send_poll(self) -> None:
        channel = self._poll = Channel()
        self._client.act(channel, self._request(channel, "GET"))

    def _request(self, channel: Channel, method: str, body: bytes = b"") -> SendRequest:
        request = self._client.make_request(method, "polling", self.sid, body)
        return SendRequest(channel, request, self._client.settings.request_timeout)

    def _open_websocket(self) -> Channel:
        channel = Channel()
        settings = self._client.settings
        request = self._client.make_request("GET", "websocket", self.sid)
        self._client.act(
            channel, OpenWebSocket(channel, request, settings.max_message_size, settings.per_message_deflate)
        )
        return channel

    def _polled(self, body: bytes) -> None:
        try:
            payload = REVISION_4.read_payload(Payload(body), self._client.settings.max_payload_packets)
        except RemoteProtocolError as error:
            self._fail("server error", cause=error)
        else:
            self._feed.feed(payload)

    def receive(self, packet: str | bytes, now: float) -> None:
        """A packet of the server, over whichever transport."""
        kind = packet[:1]
        if self.state is ClientState.OPENING:
            if kind == packets.OPEN and isinstance(packet, str):
                self._handshake(packet[1:], now)
            else:
                self._fail("server error", cause=RemoteProtocolError("the first packet is no handshake"))
        elif isinstance(packet, bytes):
            self._client.listener.message(packet)
        elif kind == packets.MESSAGE:
            self._client.listener.message(packet[1:])
        elif kind == packets.BASE64:
            try:
                data = packets.decode_base64(packet[1:])
            except RemoteProtocolError as error:
                self._fail("server error", cause=error)
            else:
                self._client.listener.message(data)
        elif kind == packets.PING:
            if self.state is not ClientState.CLOSING:
                self._client.deadlines.at(self, now + self._patience)
                # Without it the server ends the session. One is enough, however many pings there were.
                if not self._owes_pong:
                    self._owes_pong = True
                    self._queue(packets.PONG_PACKET)
                self._client.listener.pinged()
        elif kind == packets.CLOSE:
            self.end(TRANSPORT_CLOSE)
        elif kind not in (packets.NOOP, packets.PONG, packets.UPGRADE):
            self._fail("server error", cause=RemoteProtocolError("an unknown type of packet, or a second handshake"))

    def malformed(self, error: RemoteProtocolError) -> None:
        """The body of a poll is no payload, behind the packets that were received."""
        self._fail("server error", cause=error)

    def _handshake(self, text: str, now: float) -> None:
        try:
            handshake = read_handshake(text)
        except RemoteProtocolError as error:
            self._fail("server error", cause=error)
            return
        self.sid = handshake.sid
        self.max_payload = handshake.max_payload
        self._patience = handshake.patience
        self._move(ClientTrigger.ADMITTED)
        self._client.deadlines.at(self, now + self._patience)
        self._outbox.keep(self._can_be_sent)
        self._client.opened(self)
        if self.state is not ClientState.OPEN:
            # A listener has closed it.
            return
        if self.paused and self._websocket is not None:
            self._client.act(self._websocket, SetReading(self._websocket, False))
        self._flush()
        settings = self._client.settings
        wanted = settings.upgrade and "websocket" in settings.transports
        if wanted and self.transport == "polling" and "websocket" in handshake.upgrades:
            self._upgrade = Upgrade(self, self._open_websocket())
            self._client.deadlines.at(self._upgrade, now + settings.upgrade_timeout)

    def _can_be_sent(self, outgoing: Outgoing) -> bool:
        """Whether the server takes what was queued before it had said how much that is; reported, when not."""
        try:
            self.check_size(outgoing)
        except LocalProtocolError as error:
            self._client.host.report(error, "a message that was sent before the session was open")
            return False
        return True

    def go_on(self) -> None:
        """One of the two requests has been answered, or something has changed: do what is next on this transport."""
        if self._feed.busy and not (self.paused and self.state is ClientState.CLOSING):
            if not self.paused:
                self._feed.go_on()
            self._flush()
            return
        upgrade = self._upgrade
        if upgrade is not None and upgrade.probed:
            if self._poll is None and self._post is None:
                self._switch(upgrade)
            return
        self._flush()
        if self.state is ClientState.CLOSING and self._post is None:
            self._say_goodbye()
        elif self.transport == "polling" and self._poll is None and not self.paused:
            self._send_poll()

    def _switch(self, upgrade: Upgrade) -> None:
        """Polling is at rest: from `5` on the WebSocket carries everything, in order (the buffer moves over)."""
        self._move(ClientTrigger.UPGRADE)
        self._client.deadlines.cancel(upgrade)
        self._upgrade = None
        channel = self._websocket = upgrade.channel
        self.transport = "websocket"
        self._client.remembers_websocket = True
        self._client.act(channel, SendMessages(channel, [packets.UPGRADE_PACKET]))
        if self.paused:
            self._client.act(channel, SetReading(channel, False))
        self.go_on()

    def _queue(self, outgoing: Outgoing) -> None:
        self._outbox.packets.append(outgoing)
        self._outbox.size += outgoing.size
        self._flush()

    def _flush(self) -> None:
        """Have the driver ask for what waits, if there is a way out."""
        if not self._outbox.packets or self.state in (ClientState.OPENING, ClientState.CLOSED):
            return
        if self._websocket is not None:
            self._client.mark_ready(self._websocket)
        elif self._post is None and not (self._upgrade is not None and self._upgrade.probed):
            self._post = Channel()
            self._client.mark_ready(self._post)

    def _say_goodbye(self) -> None:
        if self._websocket is None:
            channel = Channel()
            self._client.act(channel, self._request(channel, "POST", packets.CLOSE_PACKET.payload))
            if self._poll is not None:
                # The server is to learn of the close by the POST: cut off before that, the poll would be an error.
                self._client.release_behind(channel, self._poll)
                self._poll = None
        elif self._outbox.packets:
            self._client.act(self._websocket, SendMessages(self._websocket, self._outbox.take_all()))
        self.end(FORCED_CLOSE)

    def _fail(self, message: str, response: Response | None = None, *, cause: Exception | None = None) -> None:
        """The transport has failed: try the next one, or end the session."""
        opening = self.state is ClientState.OPENING
        error = ConnectError(message) if opening else TransportError(message)
        error.__cause__ = cause
        if response is not None:
            error.status = response.status
            error.data = _body(response)
        if opening and self._client.settings.try_all_transports and len(self._transports) > 1:
            self._release_channels()
            del self._transports[0]
            self.transport = self._transports[0]
            self._dial()
        else:
            self.end(TRANSPORT_ERROR, error)

    def end(self, reason: str, error: Exception | None = None) -> None:
        """The session is over, now: its channels are closed, the client is told."""
        if self.over:
            return
        was_open = self.state is not ClientState.OPENING
        self._move(ClientTrigger.END)
        self._client.deadlines.cancel(self)
        if self._upgrade is not None:
            self._leave_candidate(self._upgrade)
        self._release_channels()
        self._feed.forget()
        self._outbox.take_all()
        if was_open:
            self._client.closed(reason, error)
        else:
            self._client.failed(error if isinstance(error, ConnectError) else ConnectError(reason))
        self._outbox.resolve_drains()

    def _release_channels(self) -> None:
        for channel in (self._poll, self._post, self._websocket):
            if channel is not None:
                self._release(channel)
        self._poll = self._post = self._websocket = None

    def _release(self, channel: Channel) -> None:
        asked = channel.actions[0] if channel.actions else None
        if isinstance(asked, (SendRequest, OpenWebSocket)) or (channel is self._post and channel.ready):
            # The driver has not heard of it, and need not.
            channel.actions.clear()
        else:
            self._client.act(channel, CloseChannel(channel))

    def _leave_candidate(self, upgrade: Upgrade, *, lost: bool = False) -> None:
        self._upgrade = None
        self._client.deadlines.cancel(upgrade)
        if not lost:
            self._release(upgrade.channel)

    def _move(self, trigger: ClientTrigger) -> None:
        state = TRANSITIONS.get((self.state, trigger))
        if state is None:
            raise LocalProtocolError(f"a session that is {self.state.value} cannot {trigger.value}")
        self.state = state


def _body(response: Response) -> Any:
    """The body of an error, decoded where it is JSON, as the errors of Engine.IO are."""
    text = response.body.decode("utf-8", "replace")
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text
