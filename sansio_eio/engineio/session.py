"""One Engine.IO session: its buffer, and the channels that it lives on. `states` has the rules.

The session owns its deadlines, that of its `Heartbeat` included: no transport can take one with it when it goes.
"""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any, Protocol

from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import CloseChannel, SendMessages, SetReading
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import HandlerTable, Listening
from sansio_eio.engineio.heartbeat import Heartbeat
from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.post import PostReceiver
from sansio_eio.engineio.reasons import (
    FORCED_CLOSE,
    PARSE_ERROR,
    SLOW_CONSUMER,
    TRANSPORT_CLOSE,
    TRANSPORT_ERROR,
)
from sansio_eio.engineio.requests import Response
from sansio_eio.engineio.revision import Revision
from sansio_eio.engineio.session_host import SessionHost
from sansio_eio.engineio.states import TRANSITIONS, State, Trigger
from sansio_eio.engineio.upgrade import Upgrade
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.requests import Request
    from sansio_eio.engineio.server import EngineServer


class SessionListener(Protocol):
    """Who is told of one session: the mailbox of raw Engine.IO, or a Socket.IO connection."""

    def message(self, data: str | bytes) -> None:
        """A message has arrived."""

    def closed(self, reason: str, error: RemoteProtocolError | None) -> None:
        """The session has ended. The last call."""


class Session(SessionHost, Listening):
    """One Engine.IO session. Made by `EngineServer`; found in its "connection" event.

    `send` queues a message, `close` ends the session, `on` adds handlers for "message" (called with the `str` or
    `bytes`) and "close" (called with the reason).
    """

    __slots__ = (
        "_heartbeat",
        "_poll",
        "_post",
        "_server",
        "_takes_bytes",
        "_upgrade",
        "_websocket",
        "handlers",
        "listener",
        "request",
        "revision",
        "sid",
        "state",
        "transport",
    )

    def __init__(self, server: EngineServer, sid: str, request: Request, revision: Revision) -> None:
        super().__init__(server)
        self._server = server
        #: How its packets look, and who pings.
        self.revision = revision
        #: The id of the session; whoever knows it can read and write the session, so it is kept out of logs.
        self.sid = sid
        #: The request that opened the session.
        self.request = request
        #: Where the session is in its life.
        self.state = State.OPENING
        #: "polling" or "websocket".
        self.transport = "polling"
        self.handlers: HandlerTable | None = None
        self.listener: SessionListener | None = None
        self._poll: Channel | None = None
        self._post = PostReceiver(server, self)
        #: The client has not asked for base64.
        self._takes_bytes = not request.params.get("b64")
        self._websocket: Channel | None = None
        self._upgrade: Upgrade | None = None
        self._heartbeat = Heartbeat(server, self)

    def __repr__(self) -> str:
        return f"<Session {self.sid[:4]}… {self.state.value} on {self.transport}>"

    # -- for the application ---------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether it is closed."""
        return self.state is State.CLOSED

    @property
    def protocol(self) -> int:
        """The revision of Engine.IO that the client speaks: 4, or 3 (see `allow_eio3`)."""
        return self.revision.number

    def handler_table(self, event: str | float) -> HandlerTable:
        # "message" is called with the `str` or `bytes`, "close" with the reason.
        if event not in ("message", "close"):
            raise LocalProtocolError(f"a session has the events message and close, not {event!r}")
        if self.handlers is None:
            self.handlers = HandlerTable()
        return self.handlers

    def send(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> bool:
        """Queue a message; never waits. False when the session is over (or closing) and it cannot be delivered.

        Raises LocalProtocolError for a message that is larger than `max_outbound`, or not `str` or `bytes`, and over
        polling (of revision 4) for a text with U+001E, which separates the packets there; nothing has changed then. To
        go at the pace of the receiver, `await session.drain()`.
        """
        message = packets.as_message(data)
        if self.transport == "polling":
            self.revision.check_polled(message)
        return self.send_packet(packets.messages((message,), compress=compress))

    @atomic
    def close(self) -> None:
        """End the session: what is queued is still delivered, then the peer is told. Repeated calls do nothing.

        The "close" handlers get the reason "forced close" when it is done: on a WebSocket, or with a poll waiting and
        nothing to deliver, at once; else with the client's next poll, at the latest after `close_timeout` seconds.
        """
        if self.state in (State.CLOSING, State.CLOSED):
            return
        self._move(Trigger.CLOSE)
        self._heartbeat.stop()
        if self._websocket is not None or (self._poll is not None and not self._outbox.packets):
            self.end(FORCED_CLOSE)
        else:
            self._server.set_timeout(self, self._server.settings.close_timeout)

    # -- for the registry: inputs ----------------------------------------------------------------------------------

    def admit(self) -> None:
        """The handshake is accepted: send the OPEN packet and start the heartbeat."""
        self._move(Trigger.ADMIT)
        settings = self._server.settings
        upgrades = ["websocket"] if self._may_upgrade() else []
        handshake: dict[str, Any] = {
            "sid": self.sid,
            "upgrades": upgrades,
            "pingInterval": round(settings.ping_interval * 1000),
            "pingTimeout": round(settings.ping_timeout * 1000),
        }
        if self.revision.tells_max_payload:
            handshake["maxPayload"] = settings.max_http_buffer_size
        self._server.deadlines.cancel(self)
        self._heartbeat.start()
        self.send_packet(Outgoing((packets.OPEN + dumps(handshake, separators=(",", ":")),), compress=False))
        if self._poll is not None:
            # Alone in its response, as the reference sends it: what the application says now comes with the next poll.
            self._answer_poll(self._outbox.take_all())

    def open_on_poll(self, channel: Channel) -> None:
        """The session begins with this GET."""
        channel.session = self
        self._poll = channel

    def open_on_websocket(self, channel: Channel) -> None:
        """The session begins on this WebSocket."""
        channel.session = self
        self.transport = "websocket"
        self._websocket = channel
        self._framing = self.revision.framing(binary=self._takes_bytes)

    @property
    def channel(self) -> Channel:
        """The channel of a session that is OPENING."""
        channel = self._websocket or self._poll
        assert channel is not None
        return channel

    def withdraw(self) -> Channel:
        """The session will not be admitted: give its channel back, for the refusal."""
        channel = self.channel
        channel.session = self._websocket = self._poll = None
        self.end(FORCED_CLOSE)
        return channel

    def poll(self, channel: Channel) -> None:
        """A GET: it waits until there is something to say."""
        if self._poll is not None:
            self._server.respond(channel, Response(400))
            self.end(TRANSPORT_ERROR, RemoteProtocolError("overlap of two polls"))
            return
        channel.session = self
        self._poll = channel
        if self._outbox.packets:
            self._server.mark_ready(channel)
        elif self.state is State.CLOSING:
            # In a response of its own, as the reference does: a client that finds the close in the payload that has its
            # last messages closes first, and takes the messages for late.
            self.end(FORCED_CLOSE)
        elif self._upgrade is not None and self._upgrade.probed:
            self._answer_poll([packets.NOOP_PACKET])

    def post_started(self, channel: Channel) -> None:
        """The head of a POST, whose body is still to come."""
        self._post.start(channel)

    def post(self, channel: Channel, request: Request) -> None:
        """A POST: its packets are taken in order, before it is answered."""
        self._post.receive(channel, request)

    def candidate(self, channel: Channel, request: Request, *, now: float) -> None:
        """A WebSocket for this session: it may take over from polling, once, if the session was opened for that."""
        if self.state is not State.OPEN or not self._may_upgrade():
            self._server.act(channel, CloseChannel(channel))
            return
        self._move(Trigger.CANDIDATE)
        channel.session = self
        self._framing = self.revision.framing(binary=not request.params.get("b64"))
        self._upgrade = Upgrade(self, channel)
        self._server.deadlines.at(self._upgrade, now + self._server.settings.upgrade_timeout)

    def websocket_message(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """A message on a WebSocket of this session."""
        upgrade = self._upgrade
        if channel is self._websocket:
            self.receive(data, now)
        elif upgrade is None or channel is not upgrade.channel:
            raise LocalProtocolError("a message on a channel that is not a WebSocket")
        elif isinstance(data, bytes):
            self.fall_back(upgrade)
        elif data == packets.PROBE and not upgrade.probed:
            # A second one gets no answer, or who does not read could pile them up.
            upgrade.probed = True
            self._server.act(channel, SendMessages(channel, [packets.PROBE_ANSWER_PACKET]))
            if self._poll is not None and not self._outbox.packets:
                self._answer_poll([packets.NOOP_PACKET])
        elif data == packets.UPGRADE and upgrade.probed:
            self._switch(upgrade)
        else:
            self.fall_back(upgrade)

    def channel_lost(self, channel: Channel, error: RemoteProtocolError | None) -> None:
        """The peer is gone from a channel of this session."""
        if channel is self._websocket:
            self._websocket = None
            self.end(TRANSPORT_CLOSE if error is None else TRANSPORT_ERROR, error)
        elif self._upgrade is not None and channel is self._upgrade.channel:
            self.fall_back(self._upgrade)
        elif channel is self._poll:
            self._poll = None
            self.end(TRANSPORT_ERROR, RemoteProtocolError("poll closed prematurely"))
        else:
            self._post.lose()
            self.end(TRANSPORT_ERROR, RemoteProtocolError("data request closed prematurely"))

    def expire(self, *, now: float) -> None:
        """The deadline of the session has passed: of its admission or its close."""
        if self.state is State.OPENING:
            self._server.admission_expired(self)
        else:
            self.end(FORCED_CLOSE)

    # -- for the listener ------------------------------------------------------------------------------------------

    def send_packet(self, outgoing: Outgoing) -> bool:
        """Queue a packet. False when it will not be sent: the session is over, or it is volatile and the peer busy."""
        lock = self._server.lock
        if lock is None:
            return self.queue_packet(outgoing)
        with lock:
            return self.queue_packet(outgoing)

    def queue_packet(self, outgoing: Outgoing) -> bool:
        """`send_packet`, with the lock held."""
        if self.state is not State.OPEN and self.state is not State.UPGRADING:
            return False
        channel = self._websocket or self._poll
        if outgoing.volatile and (channel is None or channel.offered):
            return False
        outbox = self._outbox
        outbox.packets.append(outgoing)
        outbox.size += outgoing.size
        if outbox.size > self._server.settings.max_outbound:
            return self._shed(outgoing)
        if channel is not None and not channel.ready:
            self._server.mark_ready(channel)
        return True

    def pause(self, paused: bool) -> None:
        """The application does not keep up: stop reading (True), or go on (False).

        A WebSocket is not read; a POST is not answered, and the client sends the next one after the answer.
        """
        self.paused = paused
        if self._websocket is not None:
            self._server.act(self._websocket, SetReading(self._websocket, not paused))
        if not paused:
            self._post.go_on()
            if self.state is State.OPEN or self.state is State.UPGRADING:
                self._heartbeat.resume()

    def end(self, reason: str, error: RemoteProtocolError | None = None) -> None:
        """The session is over, now. What waits on any of its channels is released, the listener is told."""
        if self.state is State.CLOSED:
            return
        self._move(Trigger.END)
        self._server.deadlines.cancel(self)
        self._heartbeat.stop()
        if self._upgrade is not None:
            self._leave_candidate(self._upgrade)
        if self._poll is not None:
            # The reference releases the poll of a client that closed by itself with a noop, any other with a close.
            last = packets.NOOP_PACKET if reason == TRANSPORT_CLOSE else packets.CLOSE_PACKET
            self._answer_poll([*self._outbox.packets, last])
        self._post.release()
        if self._websocket is not None:
            if self._outbox.packets:
                self._server.act(self._websocket, SendMessages(self._websocket, self._framed(self._outbox.take_all())))
            self._server.act(self._websocket, CloseChannel(self._websocket))
            self._websocket.session = None
            self._websocket = None
        self._outbox.take_all()
        self._server.forget(self)
        if self.listener is not None:
            self.listener.closed(reason, error)
        self._outbox.resolve_drains()

    # -- output ----------------------------------------------------------------------------------------------------

    def flush_into(self, channel: Channel) -> None:
        """The driver can send on this channel: hand over what waits, if this is the way out.

        A WebSocket gets it in portions: what its driver cannot send yet is better kept here, where it is counted.
        """
        if not self._outbox.packets:
            return
        if channel is self._websocket:
            portion = self._outbox.take_portion()
            # Looked at right here, which is the hot path.
            channel.actions.append(SendMessages(channel, portion if self._framing is None else self._framed(portion)))
        elif channel is self._poll:
            self._answer_poll(self._outbox.take_all())

    def flushed(self, channel: Channel) -> None:
        """It has been handed over: announce the rest, and tell who waits for that, now that it may send and close."""
        if self._outbox.packets and channel is self._websocket:
            self._server.mark_ready(channel)
        self._outbox.resolve_drains()

    def fall_back(self, upgrade: Upgrade) -> None:
        """The upgrade has failed: the candidate goes, the session lives on, on its old transport."""
        self._move(Trigger.FALL_BACK)
        self._leave_candidate(upgrade)

    def _leave_candidate(self, upgrade: Upgrade) -> None:
        self._upgrade = None
        self._server.deadlines.cancel(upgrade)
        if upgrade.channel.session is not None:
            upgrade.channel.session = None
            self._server.act(upgrade.channel, CloseChannel(upgrade.channel))

    def _may_upgrade(self) -> bool:
        settings = self._server.settings
        return self.transport == "polling" and settings.allow_upgrades and "websocket" in settings.transports

    def _move(self, trigger: Trigger) -> None:
        state = TRANSITIONS.get((self.state, trigger))
        if state is None:
            raise LocalProtocolError(f"a session that is {self.state.value} cannot {trigger.value}")
        self.state = state

    def receive(self, packet: str | bytes, now: float) -> None:
        """A packet of the peer, over whichever transport."""
        kind = packets.BASE64 if isinstance(packet, bytes) else packet[:1]
        if self.state is State.CLOSING and kind != packets.CLOSE:
            return
        heartbeat = self._heartbeat
        if heartbeat.awaits_pong and kind != packets.PONG:
            heartbeat.put_off(now)
        if kind == packets.MESSAGE:
            self._deliver(packet[1:])
        elif kind == packets.BASE64:
            try:
                self._deliver(self.revision.read_binary(packet))
            except RemoteProtocolError as error:
                self.end(PARSE_ERROR, error)
        elif kind == self.revision.client_beat:
            heartbeat.heard(now)
        elif kind == packets.CLOSE:
            self.end(TRANSPORT_CLOSE)
        elif kind == self.revision.server_beat:
            self.end(TRANSPORT_ERROR, RemoteProtocolError("invalid heartbeat direction"))
        elif kind not in (packets.OPEN, packets.UPGRADE, packets.NOOP):
            self.end(PARSE_ERROR, RemoteProtocolError("unknown packet type"))

    def answer_ping(self) -> None:
        """The client has pinged."""
        waiting = self._outbox.packets
        # One answers several: a million pings in one POST are not to become a million pongs in one poll.
        if not waiting or waiting[-1] is not packets.PONG_PACKET:
            self.send_packet(packets.PONG_PACKET)

    def malformed(self, error: RemoteProtocolError) -> None:
        """What has been posted is no payload, behind the packets that were received."""
        if self.state is not State.CLOSING:
            self.end(PARSE_ERROR, error)

    def _deliver(self, data: str | bytes) -> None:
        if self.listener is not None and (self.state is State.OPEN or self.state is State.UPGRADING):
            self.listener.message(data)

    def _switch(self, upgrade: Upgrade) -> None:
        """The client has sent `5`: from now on the WebSocket carries everything, in order (the buffer moves over)."""
        self._move(Trigger.UPGRADE)
        self._server.deadlines.cancel(upgrade)
        channel = self._websocket = upgrade.channel
        self._upgrade = None
        self.transport = "websocket"
        if self._poll is not None:
            self._answer_poll([packets.NOOP_PACKET])
        self._post.release_if_taken()
        if self.state is State.CLOSING:
            self.end(FORCED_CLOSE)
            return
        if self.paused:
            self._server.act(channel, SetReading(channel, False))
        if self._outbox.packets:
            self._server.mark_ready(channel)

    def _answer_poll(self, outgoing: list[Outgoing]) -> None:
        channel, self._poll = self._poll, None
        assert channel is not None
        channel.session = None
        # A script is text.
        is_script = channel.request is not None and "j" in channel.request.params
        payload = self.revision.payload(outgoing, binary=self._takes_bytes and not is_script)
        self._server.answer(self, channel, payload, compress=any(packet.compress for packet in outgoing))

    def _shed(self, outgoing: Outgoing) -> bool:
        """The buffer is over its limit: volatile packets go first, then the session, so that memory stays bounded."""
        limit = self._server.settings.max_outbound
        if outgoing.size > limit:
            self._outbox.take_back()
            raise LocalProtocolError(f"a packet of {outgoing.size} bytes is larger than max_outbound")
        self._outbox.drop_volatile()
        if self.buffered <= limit:
            return not outgoing.volatile
        self._outbox.take_all()
        self.end(SLOW_CONSUMER, RemoteProtocolError("the peer does not take what is sent to it"))
        return False
