"""One Engine.IO session of a client: its buffer, its upgrade, and its end. `client_polling` has its requests.

`client_states` has the rules. A session is opened once; a client that opens again makes a new one, whose buffer and
deadlines know nothing of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import OpenWebSocket, SendMessages, SetReading
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.client_events import ConnectError, TransportError
from sansio_eio.engineio.client_handshake import read_handshake, response_error
from sansio_eio.engineio.client_heartbeat import ClientHeartbeat
from sansio_eio.engineio.client_opening import ClientOpening
from sansio_eio.engineio.client_polling import ClientPolling, release
from sansio_eio.engineio.client_states import TRANSITIONS, ClientState, ClientTrigger
from sansio_eio.engineio.reasons import FORCED_CLOSE, TRANSPORT_CLOSE, TRANSPORT_ERROR
from sansio_eio.engineio.revision import REVISION_4
from sansio_eio.engineio.session_host import SessionHost
from sansio_eio.engineio.upgrade import Upgrade
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.client import EngineClient
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.engineio.requests import Response
    from sansio_eio.engineio.revision import Revision


class ClientSession(SessionHost):
    """One session of an `EngineClient`, which makes it."""

    __slots__ = (
        "_client",
        "_heartbeat",
        "_opening",
        "_polling",
        "_upgrade",
        "_websocket",
        "max_payload",
        "revision",
        "sid",
        "state",
        "transport",
    )

    def __init__(self, client: EngineClient, transports: list[str], revision: Revision) -> None:
        super().__init__(client)
        self._client = client
        #: The id of the session, "" until the server has said it; a secret, see `Session.sid`.
        self.sid = ""
        #: Where the session is in its life.
        self.state = ClientState.OPENING
        #: "polling" or "websocket".
        self.transport = transports[0]
        #: The limit of a message, and of the body of a POST, as the server says it; 0 when it does not.
        self.max_payload = 0
        #: How its packets look, and who pings: what is asked for, and once it is open, what is spoken.
        self.revision = revision
        self._framing = revision.framing(binary=True)
        self._opening = ClientOpening(client, self, transports)
        self._heartbeat = ClientHeartbeat(client, self)
        self._polling = ClientPolling(client, self, self._opening)
        self._websocket: Channel | None = None
        self._upgrade: Upgrade | None = None

    def __repr__(self) -> str:
        return f"<ClientSession {self.sid[:4]}… {self.state.value} on {self.transport}>"

    @property
    def over(self) -> bool:
        """Whether it is closed."""
        return self.state is ClientState.CLOSED

    @property
    def protocol(self) -> int:
        """The revision of Engine.IO, 3 or 4: that of the server, as soon as the session is open."""
        return self.revision.number

    @property
    def may_be_older(self) -> bool:
        """Whether, with "auto", nothing has told that it is not revision 3 that the server speaks.

        On a WebSocket, both begin in the same way.
        """
        return self._opening.is_undecided and self.revision is REVISION_4

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
        self.queue(outgoing)
        return True

    def insist(self, outgoing: Outgoing) -> bool:
        """Queue a packet that both sides rely on, whatever `max_outbound` says; False when the session is over.

        With the lock held. Raises LocalProtocolError for one that is larger than the server takes.
        """
        if self.state in (ClientState.CLOSING, ClientState.CLOSED):
            return False
        self.check_size(outgoing)
        self.queue(outgoing)
        return True

    def check_size(self, outgoing: Outgoing) -> None:
        """Raise LocalProtocolError for a packet that `max_outbound` or the server's maxPayload can never let pass.

        The server would end the session for it, and the client might send it again on the next one, for ever.
        """
        if outgoing.size > self._client.settings.max_outbound:
            raise LocalProtocolError(f"a packet of {outgoing.size} bytes is larger than max_outbound")
        # It can grow on its way, but not to twice its size.
        if self.max_payload and 2 * outgoing.size > self.max_payload:
            for packet in outgoing.split():
                size = self._wire_size(packet)
                if size > self.max_payload:
                    raise LocalProtocolError(f"a message of {size} bytes: the server takes {self.max_payload}")

    def _wire_size(self, packet: Outgoing) -> int:
        if self.transport == "polling":
            return len(self.revision.payload([packet], binary=True).body)
        return sum([len(data) for framed in self._framed([packet]) for data in framed.encoded])

    @property
    def writable(self) -> bool:
        """Whether what is sent now leaves at once: what a volatile packet needs."""
        if self.state is not ClientState.OPEN:
            return False
        if self._websocket is not None:
            return not self._websocket.offered
        return self._polling.takes_more

    @atomic
    def close(self) -> None:
        """End the session: what is queued is still delivered, then the server is told. Repeated calls do nothing."""
        if self.state is ClientState.OPENING:
            self.end(FORCED_CLOSE)
        elif self.state in (ClientState.OPEN, ClientState.UPGRADING):
            self._move(ClientTrigger.CLOSE)
            self._heartbeat.stop()
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
            if self.state is not ClientState.CLOSING:
                self._heartbeat.resume()
            self.go_on()

    # -- inputs ----------------------------------------------------------------------------------------------------

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """The response to a request, or one that refuses a WebSocket."""
        if channel is self._polling.poll or channel is self._polling.post:
            self._polling.answered(channel, response)
        elif channel is self._websocket:
            self._websocket = None
            self.fail("websocket error", response)
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
            if isinstance(data, str) and data == packets.PROBE_ANSWER and not upgrade.probed:
                upgrade.probed = True
                self._move(ClientTrigger.PROBED)
                self.go_on()
            else:
                self.fall_back(upgrade)

    def channel_lost(self, channel: Channel, error: Exception | None) -> None:
        """A request gets no response, or a WebSocket is over."""
        if channel is self._polling.poll or channel is self._polling.post:
            self.fail(self._polling.lost(channel), cause=error)
        elif channel is self._websocket:
            self._websocket = None
            if self.state is ClientState.OPENING or isinstance(error, RemoteProtocolError):
                self.fail("websocket error", cause=error)
            else:
                # Cut off or closed in good order: the reference makes no difference.
                self.end(TRANSPORT_CLOSE, error)
        elif self._upgrade is not None and channel is self._upgrade.channel:
            self.fall_back(self._upgrade, lost=True)

    def expire(self, *, now: float) -> None:
        """The handshake, or the close, has taken too long."""
        self.end(FORCED_CLOSE, ConnectError("timeout") if self.state is ClientState.OPENING else None)

    # -- output ----------------------------------------------------------------------------------------------------

    def flush_into(self, channel: Channel) -> None:
        """The driver can send on this channel: hand over what waits, if this is the way out.

        A WebSocket gets it in portions: what its driver cannot send yet is better kept here, where it is counted.
        """
        if not self._outbox.packets:
            return
        if channel is self._websocket:
            portion = self._outbox.take_portion()
            channel.actions.append(SendMessages(channel, self._framed(portion)))
            self._heartbeat.sent(portion)
        elif channel is self._polling.post and channel.offered:
            self._heartbeat.sent(self._polling.fill_post(channel, self._outbox))

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
            self._polling.send_poll()
        else:
            self._websocket = self._open_websocket()

    def _open_websocket(self) -> Channel:
        channel = Channel()
        settings = self._client.settings
        request = self._client.make_request("GET", "websocket", self.sid)
        self._client.act(
            channel, OpenWebSocket(channel, request, settings.max_message_size, settings.per_message_deflate)
        )
        return channel

    def receive(self, packet: str | bytes, now: float) -> None:
        """A packet of the server, over whichever transport."""
        if self._heartbeat.awaits_pong:
            self._heartbeat.put_off(now)
        kind = packets.BASE64 if isinstance(packet, bytes) else packet[:1]
        if self.state is ClientState.OPENING:
            if kind == packets.OPEN and isinstance(packet, str):
                self._handshake(packet[1:], now)
            else:
                self.malformed(RemoteProtocolError("the first packet is no handshake"))
        elif kind == packets.MESSAGE:
            self._client.listener.message(packet[1:])
        elif kind == packets.BASE64:
            try:
                data = self.revision.read_binary(packet)
            except RemoteProtocolError as error:
                self.malformed(error)
            else:
                self._client.listener.message(data)
        elif kind == self.revision.server_beat:
            if self.state is not ClientState.CLOSING and self._heartbeat.heard(now):
                self._client.listener.pinged()
        elif kind == packets.CLOSE:
            self.end(TRANSPORT_CLOSE)
        elif kind not in (packets.NOOP, packets.PING, packets.PONG, packets.UPGRADE):
            self.malformed(RemoteProtocolError("an unknown type of packet, or a second handshake"))

    def malformed(self, error: RemoteProtocolError) -> None:
        """The server has sent what is no packet, or no payload."""
        self.fail("server error", cause=error)

    def speak(self, revision: Revision) -> None:
        """This is what the server speaks, and not what it was asked for. While it is being opened."""
        self.revision = revision
        self._framing = revision.framing(binary=True)

    def _handshake(self, text: str, now: float) -> None:
        try:
            handshake = read_handshake(text)
        except RemoteProtocolError as error:
            self.malformed(error)
            return
        self.sid = handshake.sid
        self.max_payload = handshake.max_payload
        self._opening.opened()
        self._move(ClientTrigger.ADMITTED)
        self._client.deadlines.cancel(self)
        self._heartbeat.start(handshake, now)
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
        """Whether the server takes what was queued before it was known what it takes; reported, when not."""
        try:
            self.check_size(outgoing)
            if self.transport == "polling":
                for packet in outgoing.packets:
                    self.revision.check_polled(packet)
        except LocalProtocolError as error:
            self._client.host.report(error, "a message that was sent before the session was open")
            return False
        return True

    def go_on(self) -> None:
        """One of the two requests has been answered, or something has changed: do what is next on this transport."""
        polling = self._polling
        if polling.busy and not (self.paused and self.state is ClientState.CLOSING):
            if not self.paused:
                polling.go_on()
            self._flush()
            return
        upgrade = self._upgrade
        if upgrade is not None and upgrade.probed:
            if polling.is_at_rest:
                self._switch(upgrade)
            return
        self._flush()
        if self.state is ClientState.CLOSING and polling.post is None:
            self._say_goodbye()
        elif self.transport == "polling" and polling.poll is None and not self.paused:
            polling.send_poll()

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

    def queue(self, outgoing: Outgoing) -> None:
        """Queue a packet, whatever there is already. With the lock held."""
        self._outbox.packets.append(outgoing)
        self._outbox.size += outgoing.size
        self._flush()

    def _flush(self) -> None:
        """Have the driver ask for what waits, if there is a way out."""
        if not self._outbox.packets or self.state in (ClientState.OPENING, ClientState.CLOSED):
            return
        if self._websocket is not None:
            self._client.mark_ready(self._websocket)
        elif not (self._upgrade is not None and self._upgrade.probed):
            self._polling.offer_post()

    def _say_goodbye(self) -> None:
        if self._websocket is None:
            self._polling.say_goodbye()
        elif self._outbox.packets:
            self._client.act(self._websocket, SendMessages(self._websocket, self._framed(self._outbox.take_all())))
        self.end(FORCED_CLOSE)

    def fail(self, message: str, response: Response | None = None, *, cause: Exception | None = None) -> None:
        """The transport has failed: ask again in another way, if there is one, or end the session."""
        opening = self.state is ClientState.OPENING
        error = ConnectError(message) if opening else TransportError(message)
        error.__cause__ = cause
        if response is not None:
            error.status = response.status
            error.data = response_error(response)
        if opening and self._opening.find_another(error):
            self._release_channels()
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
        self._heartbeat.stop()
        if self._upgrade is not None:
            self._leave_candidate(self._upgrade)
        self._release_channels()
        self._outbox.take_all()
        if was_open:
            self._client.closed(reason, error)
        else:
            self._client.failed(error if isinstance(error, ConnectError) else ConnectError(reason))
        self._outbox.resolve_drains()

    def _release_channels(self) -> None:
        self._polling.release()
        if self._websocket is not None:
            release(self._client, self._websocket)
            self._websocket = None

    def _leave_candidate(self, upgrade: Upgrade, *, lost: bool = False) -> None:
        self._upgrade = None
        self._client.deadlines.cancel(upgrade)
        if not lost:
            release(self._client, upgrade.channel)

    def _move(self, trigger: ClientTrigger) -> None:
        state = TRANSITIONS.get((self.state, trigger))
        if state is None:
            raise LocalProtocolError(f"a session that is {self.state.value} cannot {trigger.value}")
        self.state = state
