"""Whether a client's socket is in its namespace: CONNECT, its answers, and the end, on one session after another."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.client_events import ConnectError
from sansio_eio.engineio.handlers import Steps, close_awaitable, must_be_awaited, start
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.client_events import ClientEventReceived, Stay
from sansio_eio.socketio.link import Entrance
from sansio_eio.socketio.parser import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Packet, ParseError
from sansio_eio.socketio.reasons import IO_SERVER_DISCONNECT

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.socketio.client_socket import ClientSocket
    from sansio_eio.socketio.link import Link

#: What a CONNECT without an id means; the reference says it in more words.
OLDER = "the server speaks an older protocol: it is a Socket.IO 2.x server (see the option protocol), or sent no id"

#: Why the auth of a namespace that the server joins by itself has not been sent.
NOT_ASKED = "a server of Socket.IO 1.x or 2.x is not asked for this namespace: what it has to see is for the query"


#: A server of Socket.IO 1.x or 2.x does not answer who asks for the namespace that it joins by itself, unless there is
#: middleware: it has said its CONNECT when the session began. Silence for so many seconds is taken for an answer.
SILENCE = 1.0


class Wire(Enum):
    """What the server knows of a socket, on this session."""

    #: Nothing, or that it has left.
    APART = "apart"
    #: That it wants to connect; the answer is to come.
    ASKED = "asked"
    JOINED = "joined"


#: Calls of a function for `auth` at the same time: one that hangs does not keep the next connect from asking again.
MAX_CALLS = 10


class AuthCall:
    """One call of the function for `auth`; a `Runnable`.

    Not in the mailbox of the events: a handler there may wait for the very connect that waits for this.
    """

    __slots__ = ("_attempt", "_has_begun", "_membership")

    def __init__(self, membership: Membership, attempt: int) -> None:
        self._membership = membership
        self._attempt = attempt
        self._has_begun = False

    def step(self) -> Coroutine[Any, Any, None] | None:
        """See `Runnable.step`."""
        if self._has_begun:
            return None
        self._has_begun = True
        return start(self._membership.authenticate(self._attempt))


class Membership:
    """The side of a `ClientSocket` that faces the server. With the lock held, but for `authenticate`.

    Whether the application wants the socket to be connected (`ClientSocket.active`) and what the server knows of it are
    two things: a CONNECT cannot be taken back before it is answered (the reference's server closes the connection for
    such a DISCONNECT), and so its answer may come when it is no longer wanted.
    """

    __slots__ = (
        "_attempt",
        "_calls",
        "_early",
        "_early_size",
        "_has_left",
        "_is_asking",
        "_is_presumed",
        "_is_stale",
        "_knows_silence",
        "_link",
        "_socket",
        "_wire",
        "stay",
    )

    def __init__(self, socket: ClientSocket, link: Link) -> None:
        self._socket = socket
        self._link = link
        self._wire = Wire.APART
        #: While it is connected: since when.
        self.stay: Stay | None = None
        #: The answer that is to come is to a CONNECT that is no longer wanted.
        self._is_stale = False
        #: There may be no answer to what has been asked, see SILENCE.
        self._knows_silence = False
        #: It is connected as far as silence tells, and nothing of the server has said so.
        self._is_presumed = False
        #: It has been in the namespace on this session: what comes before the next CONNECT was sent to it then.
        self._has_left = False
        #: Events that came before the CONNECT that they belong behind.
        self._early: list[tuple[Packet, int]] = []
        self._early_size = 0
        #: The newest of the calls of the function for `auth` has not ended.
        self._is_asking = False
        #: Calls of the function for `auth` that have not ended.
        self._calls = 0
        #: Counts the calls of the function for `auth`, so that a late answer of an old one is known.
        self._attempt = 0

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._link.lock

    # -- what the client wants -------------------------------------------------------------------------------------

    def ask(self) -> None:
        """The session is open: connect, unless an answer is still to come, behind which this is done."""
        if self._wire is not Wire.APART or self._link.session is None:
            return
        self._attempt += 1
        self._is_asking = False
        auth = self._socket.auth
        if self._link.revision.joins_by_itself(self._socket.namespace):
            self._enter()
            if auth:
                self._link.report(LocalProtocolError(NOT_ASKED), f"the auth of {self._socket.namespace}")
        elif self._link.awaits_main:
            # It asks again then.
            self._link.expect_answer(self)
        elif not callable(auth):
            self._connect(auth)
        elif self._calls < MAX_CALLS:
            self._calls += 1
            self._is_asking = True
            self._link.expect_answer(self)
            self._link.authenticate(AuthCall(self, self._attempt))
        else:
            self._link.ask_later(self)
            self._socket.failed(ConnectError("auth is being asked for too often at the same time"))

    def leave(self) -> None:
        """The application does not want to be connected any longer."""
        self._attempt += 1
        if self._wire is Wire.ASKED:
            self._is_stale = True
        elif self.stay is not None:
            self._leave(self.stay, wanted=False)
            self._link.send_packet(Packet(DISCONNECT, self._socket.namespace))

    def session_over(self, *, wanted: bool) -> None:
        """The session has ended, `wanted` by this side or not, and all that the server knew with it."""
        self._attempt += 1
        if self.stay is not None:
            self.stay.left = wanted
        self._wire = Wire.APART
        self._link.expect_nothing(self)
        self.stay = None
        self._is_stale = self._has_left = self._knows_silence = self._is_presumed = False
        self._forget_early()

    def expire(self, *, now: float) -> None:
        """There is no answer in time, of the server or the function for `auth`; or it is time to ask that again."""
        if self._knows_silence:
            if self._link.is_paused:
                # It is us who do not read.
                self._link.expect_answer(self, within=SILENCE)
                return
            self._take_answer(Packet(CONNECT, self._socket.namespace), is_silence=True)
            self._is_presumed = self.stay is not None
            return
        if not self._socket.active:
            return
        if self._wire is Wire.APART and not self._is_asking and not self._link.awaits_main:
            self.ask()
            return
        # The answer may still come.
        self._link.expect_answer(self)
        self._socket.failed(ConnectError("timeout"))

    # -- auth ------------------------------------------------------------------------------------------------------

    def authenticate(self, attempt: int) -> Steps:
        """Ask the application's function what to show, then connect. Without the lock."""
        auth = self._socket.auth
        try:
            data: Any = auth() if callable(auth) else auth
            if must_be_awaited(data):
                try:
                    data = yield data
                except GeneratorExit:
                    # Nobody is going to await it: the driver has ended before it was its turn.
                    close_awaitable(data)
                    raise
        except Exception as error:
            self._failed(attempt, error)
        else:
            self._finish(attempt, data)
        finally:
            self._ended(attempt)

    @atomic
    def _ended(self, attempt: int) -> None:
        self._calls -= 1
        if attempt == self._attempt:
            self._is_asking = False

    @atomic
    def _failed(self, attempt: int, error: Exception) -> None:
        """The function has raised: maybe what it asks was not there, as the server may not have been."""
        if attempt == self._attempt and self._link.ask_later(self):
            self._link.report(error, f"the auth of {self._socket.namespace}")
            self._socket.failed(_auth_failure(error))
        else:
            self._refuse(attempt, error)

    @atomic
    def _finish(self, attempt: int, auth: Any) -> None:
        if attempt == self._attempt:
            self._connect(auth)

    @atomic
    def _refuse(self, attempt: int, error: Exception) -> None:
        self._link.report(error, f"the auth of {self._socket.namespace}")
        if attempt == self._attempt:
            self._socket.refused(_auth_failure(error))

    def _enter(self) -> None:
        """The server lets the socket in without being asked, unless it has done that already on this session."""
        entrance = self._link.take_entrance()
        if entrance is Entrance.NONE:
            self._connect(None)
            if self._wire is Wire.ASKED:
                self._knows_silence = True
                self._link.expect_answer(self, within=SILENCE)
            return
        self._wire = Wire.ASKED
        self._link.expect_answer(self)
        if entrance is Entrance.OPEN:
            self._take_answer(Packet(CONNECT, self._socket.namespace))

    def _connect(self, auth: Any) -> None:
        try:
            if not (auth is None or isinstance(auth, dict)):
                raise LocalProtocolError(f"auth is a dict or None, not {type(auth).__name__}")
            packet = self._link.revision.connect_packet(self._socket.namespace, cast("Any", auth))
            outgoing = self._link.encode(packet)
            self._wire = Wire.ASKED
            self._link.send(outgoing)
            self._link.expect_answer(self)
        except LocalProtocolError as error:
            self._wire = Wire.APART
            self._refuse(self._attempt, error)

    # -- what the server says --------------------------------------------------------------------------------------

    def take(self, packet: Packet, size: int) -> None:
        """A packet of the namespace, which came in so many bytes. What does not fit is late, or means nothing."""
        stay = self.stay
        if self._wire is Wire.ASKED:
            if packet.type is EVENT:
                self._keep(packet, size)
            elif packet.type is not ACK:
                self._take_answer(packet)
        elif stay is None:
            self._link.pass_over(packet)
        elif packet.type is CONNECT_ERROR:
            self._take_error(packet, stay)
        elif packet.type is DISCONNECT:
            self._leave(stay, wanted=True)
            self._socket.disconnected(IO_SERVER_DISCONNECT)
        else:
            self._is_presumed = False
            if packet.type is EVENT:
                self._put(packet, size, stay)
            elif packet.type is ACK:
                assert packet.id is not None
                self._socket.answered(packet.id, packet.data)

    def _take_error(self, packet: Packet, stay: Stay) -> None:
        """While it is connected: servers of Socket.IO 2.x send errors of their middleware for events in this way.

        Where silence was taken for the answer to a CONNECT, it is the answer.
        """
        if self._is_presumed:
            self._leave(stay, wanted=True)
            self._socket.disconnected(IO_SERVER_DISCONNECT)
        if self._link.revision.has_event_errors:
            self._socket.failed(_refusal(packet))

    def _put(self, packet: Packet, size: int, stay: Stay) -> None:
        event, *args = packet.data
        self._link.put(ClientEventReceived(self._socket, event, args, packet.id, stay=stay, size=size), size)

    def _keep(self, packet: Packet, size: int) -> None:
        if self._is_stale or (self._has_left and not self._knows_silence):
            return
        self._early.append((packet, size))
        self._early_size += size
        if self._link.is_too_much(len(self._early), self._early_size):
            self._link.fail(ParseError("too many events before the CONNECT of their namespace"))

    def _take_answer(self, packet: Packet, *, is_silence: bool = False) -> None:
        if packet.type is DISCONNECT and self._has_left and not self._knows_silence:
            # Of the stay before: it has crossed our own DISCONNECT. A server that may say nothing when it lets us in
            # means the stay that has just begun.
            return
        socket_id = self._link.read_id(packet) if packet.type is CONNECT else ""
        early = self._forget_early()
        if self._has_left and not is_silence:
            early.clear()
        self._wire = Wire.APART
        self._knows_silence = self._is_presumed = False
        self._link.expect_nothing(self)
        is_stale, self._is_stale = self._is_stale, False
        if is_stale and self._socket.active and self._link.revision.joins_by_itself(self._socket.namespace):
            # It is wanted again, and nothing that would have to be asked for has changed.
            is_stale = False
        if is_stale:
            if packet.type is CONNECT:
                self._has_left = True
                self._link.send_packet(Packet(DISCONNECT, self._socket.namespace))
            if self._socket.active:
                self.ask()
        elif socket_id:
            self._wire = Wire.JOINED
            stay = self.stay = Stay(socket_id)
            for kept, size in early:
                self._put(kept, size, stay)
            self._socket.joined(stay)
        else:
            self._socket.refused(_refusal(packet))

    def _leave(self, stay: Stay, *, wanted: bool) -> None:
        self._wire = Wire.APART
        self._has_left = True
        self.stay = None
        stay.left = not wanted

    def _forget_early(self) -> list[tuple[Packet, int]]:
        early, self._early, self._early_size = self._early, [], 0
        return early


def _auth_failure(error: Exception) -> ConnectError:
    failure = ConnectError("auth has failed")
    failure.__cause__ = error
    return failure


def _refusal(packet: Packet) -> ConnectError:
    """Why the server has not let a socket in."""
    if packet.type is CONNECT:
        return ConnectError(OLDER)
    if packet.type is DISCONNECT:
        return ConnectError(IO_SERVER_DISCONNECT)
    data: Any = packet.data
    if isinstance(data, str):
        return ConnectError(data)
    fields = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    message = fields.get("message")
    return ConnectError(message, fields.get("data")) if isinstance(message, str) else ConnectError("", data)
