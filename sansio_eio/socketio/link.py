"""What keeps a client connected: one session after another, and what to do between them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sansio_eio.engineio.reasons import FORCED_CLOSE, PARSE_ERROR
from sansio_eio.socketio.client_events import Item, News, run_item
from sansio_eio.socketio.packet_mailbox import PacketMailbox
from sansio_eio.socketio.parser import PacketType, ParseError
from sansio_eio.socketio.reasons import CONNECT_ERROR, IO_CLIENT_DISCONNECT, RECONNECT_FAILED
from sansio_eio.socketio.revision import MAIN, SOCKETIO_5, revision_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio.client_events import ConnectError
    from sansio_eio.engineio.client_session import ClientSession
    from sansio_eio.engineio.handlers import Steps
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.socketio.backoff import Backoff
    from sansio_eio.socketio.client import Client
    from sansio_eio.socketio.client_socket import ClientSocket
    from sansio_eio.socketio.membership import AuthCall, Membership
    from sansio_eio.socketio.parser import Packet
    from sansio_eio.socketio.revision import SocketIORevision


class Entrance(Enum):
    """What the server has said, on this session, of the namespace that it joins by itself, and no socket has taken."""

    #: Nothing that counts: a socket has to ask.
    NONE = "none"
    #: Nothing yet; its CONNECT is to come.
    EXPECTED = "expected"
    #: Its CONNECT, when no socket wanted it.
    OPEN = "open"


class LinkState(Enum):
    """Where the connection of a client is."""

    CLOSED = "closed"
    #: For the next attempt.
    WAITING = "waiting"
    OPENING = "opening"
    OPEN = "open"


class Link(PacketMailbox[Item]):
    """The listener of a client's sessions, and the mailbox of everything that the server does and that happens to it.

    With the lock held, all of it, but for what the mailbox itself says.
    """

    __slots__ = (
        "_attempts",
        "_brakes",
        "_client",
        "_engine",
        "_entrance",
        "_has_gone_back",
        "_is_held",
        "_is_retry",
        "awaits_main",
        "backoff",
        "revision",
        "session",
        "state",
    )

    def __init__(self, client: Client, backoff: Backoff, attempts: int | None) -> None:
        engine = client.engine
        settings = engine.settings
        super().__init__(client, engine, max_events=settings.max_inbound, max_size=settings.max_inbound_size)
        self._client = client
        self._engine = engine
        self.backoff = backoff
        #: How often it is tried again, None for ever.
        self._attempts = attempts
        #: The open session. None as soon as it is let go: what comes of it afterwards is late.
        self.session: ClientSession | None = None
        self.state = LinkState.CLOSED
        #: What is spoken on the session.
        self.revision: SocketIORevision = SOCKETIO_5
        self._entrance = Entrance.NONE
        #: The server joins a namespace by itself, and has not said yet whether it does.
        self.awaits_main = False
        #: Since the last time that the server has let a socket in, or that there was a wait.
        self._has_gone_back = False
        #: The session that is being opened is not the first attempt.
        self._is_retry = False
        #: The next attempt waits for the application to take the news of those before.
        self._is_held = False
        #: Whose events wait: while there is any, nothing is read.
        self._brakes: set[object] = set()
        engine.attach(self, self)

    # -- for the client and its sockets ----------------------------------------------------------------------------

    def start(self) -> None:
        """A socket wants to be connected."""
        if self.state is LinkState.CLOSED:
            self._open()

    def look(self) -> None:
        """A socket does not want to be connected any longer: without any, the connection is closed."""
        if not self._active_sockets():
            self.stop()

    def stop(self) -> None:
        """Close the connection, and do not come back."""
        self._is_retry = self._is_held = False
        self.backoff.reset()
        if self.state is LinkState.CLOSED:
            return
        self._engine.deadlines.cancel(self)
        self._let_go(FORCED_CLOSE, self._engine.close)

    def close(self) -> None:
        """What `OnError.CLOSE` stands for."""
        self._client.close()

    def authenticate(self, call: AuthCall) -> None:
        """Call the function for the `auth` of a socket, soon."""
        self._engine.make_runnable(call)

    def ask_later(self, membership: Membership) -> bool:
        """The function for the `auth` of a socket has failed: ask it again, after a while, if that is wanted."""
        if self._attempts == 0:
            return False
        self._engine.set_timeout(membership, self.backoff.longest)
        return True

    def expect_answer(self, membership: Membership, *, within: float | None = None) -> None:
        """A CONNECT has been sent: its answer is expected in so many seconds, or those that a connection may take."""
        self._engine.set_timeout(membership, within or self._engine.settings.connect_timeout)

    def expect_nothing(self, membership: Membership) -> None:
        """No answer is expected any longer."""
        self._engine.deadlines.cancel(membership)

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read from the server."""
        return self.session is not None and self.session.paused

    def take_entrance(self) -> Entrance:
        """A socket wants to be in the namespace that the server joins by itself; the next one has to ask."""
        entrance, self._entrance = self._entrance, Entrance.NONE
        return entrance

    def pass_over(self, packet: Packet) -> None:
        """Nobody here is in the namespace of this packet: remembered, if it is one that the server joins by itself."""
        if self._entrance is Entrance.NONE or not self.revision.joins_by_itself(packet.namespace):
            return
        if packet.type is PacketType.CONNECT:
            self._entrance = Entrance.OPEN
        elif packet.type is PacketType.DISCONNECT or packet.type is PacketType.CONNECT_ERROR:
            self._entrance = Entrance.NONE

    def read_id(self, packet: Packet) -> str:
        """The id that this CONNECT gives, "" when it gives none."""
        assert self.session is not None
        return self.revision.socket_id(packet, packet.namespace, self.session.sid)

    def _go_back(self) -> bool:
        """The server speaks as one of revision 4 of Socket.IO: begin anew, with that, if it was not told."""
        assert self.session is not None
        if self._has_gone_back or self._engine.leaving or not self.session.may_be_older:
            # Once: a server that sends this, and does not understand revision 3 either, is not to be dialled for ever.
            return False
        if any(socket.connected for socket in self._client.sockets.values()):
            return False
        self._has_gone_back = True
        self._engine.expect_older(True)
        self._let_go(FORCED_CLOSE, self._engine.close, again=True)
        self.start()
        return True

    def encode(self, packet: Packet) -> Outgoing:
        """See `Encoding`."""
        return self._client.encode(packet)

    def send_packet(self, packet: Packet) -> None:
        """Encode and send a packet of the protocol itself."""
        self.send(self.encode(packet))

    def send(self, outgoing: Outgoing) -> None:
        """Send a packet of the protocol itself: without it, the two sides would no longer agree on who is connected."""
        assert self.session is not None
        self.session.insist(outgoing)

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `Client.on_error`."""
        self._engine.host.report(error, where)

    def is_too_much(self, events: int, size: int) -> bool:
        """Whether so many events may not wait."""
        return events > self._engine.settings.max_inbound or size > self._engine.settings.max_inbound_size

    def interrupt(self) -> None:
        """See `Mailbox.interrupt`: without a driver nothing more comes for those who iterate, either."""
        super().interrupt()
        for socket in self._client.sockets.values():
            socket.end_iteration()

    # -- ClientListener --------------------------------------------------------------------------------------------

    def opened(self) -> None:
        """See `ClientListener`."""
        session = self.session = self._engine.session
        assert session is not None
        self.revision = revision_of(session.protocol)
        self.awaits_main = self.revision.joins_by_itself(MAIN)
        self._entrance = Entrance.EXPECTED if self.awaits_main else Entrance.NONE
        self.state = LinkState.OPEN
        attempts, self._is_retry = self.backoff.attempts if self._is_retry else 0, False
        self.backoff.reset()
        self._engine.deadlines.cancel(self)
        if self._brakes:
            self._engine.set_timeout(self.congestion, self._client.congestion_timeout)
        self._tell("open")
        for socket in self._active_sockets():
            if self.session is session:
                socket.ask()
        if attempts:
            self._tell("reconnect", attempts)

    def pinged(self) -> None:
        """See `ClientListener`."""
        self._tell("ping")

    def message(self, data: str | bytes) -> None:
        """See `ClientListener`."""
        if self.session is None:
            return
        if self._received + len(data) > self._engine.settings.max_message_size:
            self.fail(ParseError("the attachments of a packet are too large together"))
        else:
            super().message(data)

    def failed(self, error: ConnectError) -> None:
        """See `ClientListener`."""
        if self.state is not LinkState.OPENING:
            # It had been let go before.
            return
        self.state = LinkState.CLOSED
        is_retry, self._is_retry = self._is_retry, False
        self._tell("error", error)
        for socket in self._active_sockets():
            socket.failed(error)
        self._come_back(CONNECT_ERROR)
        if is_retry:
            self._tell("reconnect_error", error)

    def closed(self, reason: str, error: Exception | None) -> None:
        """See `ClientListener`."""
        if self.session is not None:
            self.backoff.reset()
            self._let_go(reason)
            self._come_back(reason)
        elif self.state is LinkState.OPENING:
            # It has said goodbye, and made room for the next.
            self._engine.open()

    # -- time ------------------------------------------------------------------------------------------------------

    def expire(self, *, now: float) -> None:
        """The wait is over: try again, when the application has time for the news."""
        if self in self._brakes:
            self._is_held = True
        else:
            self._try_again()

    # -- PacketMailbox ---------------------------------------------------------------------------------------------

    def run(self, item: Item) -> Steps:
        return run_item(item, self._engine.host)

    def take_packet(self, packet: Packet, size: int) -> None:
        if packet.type is PacketType.CONNECT:
            if self.read_id(packet):
                self._has_gone_back = False
            elif self._go_back():
                return
        socket = self._client.sockets.get(packet.namespace)
        if self.awaits_main and packet.type not in (PacketType.EVENT, PacketType.ACK):
            self._hear_of_main(packet)
        if socket is None:
            self.pass_over(packet)
        else:
            socket.take(packet, size)

    def fail(self, error: ParseError) -> None:
        # Nothing is taken apart, and no attachments are waited for, without one.
        assert self.session is not None
        self.session.end(PARSE_ERROR, error)

    def congest(self, congested: bool) -> None:
        """See `PacketMailbox`."""
        self.brake(self, congested)
        if not congested and self._is_held:
            self._is_held = False
            self._try_again()

    def brake(self, who: object, congested: bool) -> None:
        """Events wait that are of this mailbox, or of a socket's inbox; as long as there is any, nothing is read."""
        was = bool(self._brakes)
        if congested:
            self._brakes.add(who)
        else:
            self._brakes.discard(who)
        if bool(self._brakes) is not was:
            super().congest(congested)

    def pause(self, paused: bool) -> None:
        self._engine.pause(paused)

    def give_up_acks(self) -> None:
        for socket in list(self._client.sockets.values()):
            socket.give_up_acks()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _active_sockets(self) -> list[ClientSocket]:
        return [socket for socket in self._client.sockets.values() if socket.active]

    def _hear_of_main(self, packet: Packet) -> None:
        """The others have waited for that: Socket.IO 2.x forgets what a CONNECT shows that comes before.

        They go first, in case that the main namespace is left at once: then it would keep them waiting.
        """
        if self.revision.joins_by_itself(packet.namespace):
            self.awaits_main = False
            session = self.session
            for socket in self._active_sockets():
                if self.session is session:
                    socket.ask()

    def _tell(self, event: str, *args: object) -> None:
        self.put(News(self._client.handlers, event, args))

    def _open(self) -> None:
        self.state = LinkState.OPENING
        if self._engine.session is None:
            self._engine.open()
        # Otherwise the session before is still saying goodbye: see `closed`.

    def _let_go(self, reason: str, close: Callable[[], None] | None = None, *, again: bool = False) -> None:
        """The session is over for the sockets; with `close`, because this side wants that; `again` for another one.

        Nothing of it reaches the next one.
        """
        was_open = self.session is not None
        self.session = None
        self.awaits_main = False
        self.state = LinkState.CLOSED
        self.forget_half()
        self._engine.deadlines.cancel(self.congestion)
        # First all of them, and then the news: what is called for one may connect another.
        wanted = close is not None
        why = IO_CLIENT_DISCONNECT if wanted else reason
        ends = [socket.leave_session(why, wanted=wanted, again=again) for socket in self._client.sockets.values()]
        if close is not None:
            close()
        if was_open:
            self._tell("close", reason)
        for end in ends:
            end()

    def _come_back(self, reason: str) -> None:
        """Try again, after a while, if that is wanted and has not been tried too often."""
        if self.state is not LinkState.CLOSED or not self._active_sockets():
            return
        if self._attempts is None or self.backoff.attempts < self._attempts:
            self.state = LinkState.WAITING
            self._engine.set_timeout(self, self._next_delay())
            return
        self.backoff.reset()
        if self._attempts:
            reason = RECONNECT_FAILED
            self._tell(RECONNECT_FAILED)
        for socket in self._active_sockets():
            socket.abandon(reason)

    def _next_delay(self) -> float:
        try:
            return self.backoff.next_delay()
        except Exception as error:
            self.report(error, "jitter")
            return self.backoff.longest

    def _try_again(self) -> None:
        self._is_retry = True
        self._has_gone_back = False
        self._tell("reconnect_attempt", self.backoff.attempts)
        self._open()
