"""One client in one namespace."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import AnyFunction, HandlerTable, Listening, check_function
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import Ack, AckDisconnected, AckError, AckSlot, AckTimeout, PendingAcks
from sansio_eio.socketio.broadcast import BroadcastOperator, Rooms, as_rooms
from sansio_eio.socketio.catch_all import CatchAll, tell_outgoing
from sansio_eio.socketio.delivery import PLAIN, Delivery
from sansio_eio.socketio.emitting import Emitting
from sansio_eio.socketio.encoding import event_data
from sansio_eio.socketio.events import Disconnected
from sansio_eio.socketio.parser import ACK, DISCONNECT, EVENT, Packet
from sansio_eio.socketio.reasons import SERVER_NAMESPACE_DISCONNECT
from sansio_eio.socketio.socket_operator import SocketOperator

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.errors import RemoteProtocolError
    from sansio_eio.socketio.connection import Connection
    from sansio_eio.socketio.handshake import Handshake
    from sansio_eio.socketio.namespace import Namespace

F = TypeVar("F", bound=AnyFunction)

#: The events of a socket's own life, which no client can send.
LIFECYCLE = ("disconnecting", "disconnect")


class SocketState(Enum):
    """Where a socket is in its life."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class Socket(Emitting[SocketOperator], CatchAll, Listening):
    """One client in one namespace. Given to middleware and handlers.

    Nothing here waits: `emit` queues, `join` and `leave` work at once. After the end of the connection, everything is
    harmless and `emit` answers False.
    """

    __slots__ = (
        "_acks",
        "_data",
        "_handlers",
        "_last_rooms",
        "_lifecycle",
        "_middlewares",
        "connection",
        "handshake",
        "id",
        "kicked",
        "namespace",
        "state",
    )

    def __init__(self, namespace: Namespace, connection: Connection, socket_id: str, handshake: Handshake) -> None:
        super().__init__()
        #: The public id: unlike that of the engine's session, it may be told to others (but for an old client, see
        #: `allow_eio3`: its id is made of that). Also the name of a room.
        self.id = socket_id
        self.namespace = namespace
        #: What was known of the client when it connected.
        self.handshake = handshake
        self.connection = connection
        self.state = SocketState.CONNECTING
        #: Disconnected by this side: what the client had sent before is no longer wanted.
        self.kicked = False
        self._data: dict[str, Any] | None = None
        self._acks: PendingAcks[Socket] | None = None
        self._handlers: HandlerTable | None = None
        self._lifecycle: HandlerTable | None = None
        self._middlewares: tuple[AnyFunction, ...] = ()
        self._last_rooms: set[str] | None = None

    def __repr__(self) -> str:
        # The id of an old client has the secret one of its session in it.
        sid = self.connection.session.sid
        return f"<Socket {self.id.replace(sid, f'{sid[:4]}…')} of {self.namespace.name} {self.state.value}>"

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.namespace.server.engine.lock

    # -- state -----------------------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the client is connected to the namespace: from the end of the middleware to the disconnection."""
        return self.state is SocketState.CONNECTED

    @property
    def disconnected(self) -> bool:
        """Whether it is over; a middleware that waits for something can look here whether it still makes sense."""
        return self.state is SocketState.DISCONNECTED

    @property
    @atomic
    def data(self) -> dict[str, Any]:
        """Whatever the application wants to remember about this client."""
        if self._data is None:
            self._data = {}
        return self._data

    @property
    @atomic
    def rooms(self) -> set[str]:
        """The rooms it is in, the one of its own id included; in "disconnecting" handlers, those that it was in."""
        if self._last_rooms is not None:
            return set(self._last_rooms)
        if self.disconnected:
            return set()
        return {self.id} | self.namespace.adapter.rooms_of(self)

    @property
    def buffered(self) -> int:
        """Bytes that wait for the peer to take them, for all namespaces of its connection."""
        return self.connection.session.buffered

    def drain(self) -> Pending[None]:
        """Done when the peer has taken most of what waits for it, or has gone: await it to go at its pace."""
        return self.connection.session.drain()

    # -- rooms -----------------------------------------------------------------------------------------------------

    def join(self, rooms: Rooms) -> None:
        """Enter a room, or several; nothing happens after the disconnection."""
        self._join(as_rooms(rooms))

    @atomic
    def _join(self, rooms: tuple[str, ...]) -> None:
        if not self.disconnected:
            self.namespace.adapter.join(self, rooms)

    @atomic
    def leave(self, room: str) -> None:
        """Leave a room; one that it is not in is not an error."""
        self.namespace.adapter.leave(self, room)

    # -- emitting --------------------------------------------------------------------------------------------------

    def emit(self, event: str | float, *args: Any) -> bool:
        """Send an event. True when it was queued, False when it cannot be delivered: the client is gone.

        Arguments are what JSON knows, and bytes at any depth. Raises LocalProtocolError for anything else, for a
        reserved name, and before the socket is connected (in middleware); nothing has changed then.
        """
        return self.emit_as(PLAIN, event, args)

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """Send an event and wait for the answer: None, its one argument, or a tuple of several.

        Ends with AckDisconnected when the client goes first. It has no deadline but with `timeout`, unless the client
        sends more than handlers can take (`max_inbound`): nothing is read from it then, and what it has not answered
        ends with AckTimeout after the server's `ack_timeout`.
        """
        return self.emit_with_ack_as(PLAIN, None, event, args)

    def _operator(self, delivery: Delivery = PLAIN, seconds: float | None = None) -> SocketOperator:
        return SocketOperator(self, delivery, seconds)

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody in the namespace but this socket."""
        return SocketOperator(self).broadcast

    @property
    def local(self) -> BroadcastOperator:
        """The same, in this process only."""
        return self.broadcast.local

    def to(self, rooms: Rooms) -> BroadcastOperator:
        """The sockets in these rooms, but this one."""
        return self.broadcast.to(rooms)

    def in_(self, rooms: Rooms) -> BroadcastOperator:
        """The same as `to`."""
        return self.broadcast.to(rooms)

    def except_(self, rooms: Rooms) -> BroadcastOperator:
        """Everybody but this socket and those in these rooms."""
        return self.broadcast.except_(rooms)

    # -- handlers --------------------------------------------------------------------------------------------------

    def handler_table(self, event: str | float) -> HandlerTable:
        if event in LIFECYCLE:
            if self._lifecycle is None:
                self._lifecycle = HandlerTable()
            return self._lifecycle
        if self._handlers is None:
            self._handlers = HandlerTable()
        return self._handlers

    @atomic
    def use(self, middleware: F) -> F:
        """Call `middleware(event, args)` before the handlers of each event of this client; it may change `args`.

        When it raises, the event is not handled, and the exception goes to `on_error`. `def` or `async def`.
        """
        check_function(middleware)
        self._middlewares = (*self._middlewares, middleware)
        return middleware

    @property
    def handlers(self) -> HandlerTable | None:
        """The handlers for events of the client, None while there are none."""
        return self._handlers

    @property
    def lifecycle(self) -> HandlerTable | None:
        """The handlers for the end, None while there are none."""
        return self._lifecycle

    @property
    def middlewares(self) -> tuple[AnyFunction, ...]:
        """What `use` was given."""
        return self._middlewares

    # -- the end ---------------------------------------------------------------------------------------------------

    @atomic
    def disconnect(self, close: bool = False) -> None:
        """Disconnect the client from this namespace, or with `close` from all of them, and end its connection.

        The client does not reconnect by itself. What was emitted before is still delivered.
        """
        if not self.connected:
            return
        if close:
            self.connection.disconnect_all()
            return
        self.send_packet(Packet(DISCONNECT, self.namespace.name))
        self.connection.tolerate(self.namespace.name)
        self.kicked = True
        self.end(SERVER_NAMESPACE_DISCONNECT)

    def end(self, reason: str, error: RemoteProtocolError | None = None) -> None:
        """It is over: leave the rooms, end the acknowledgements, tell the application. With the lock held."""
        if self.state is SocketState.DISCONNECTED:
            return
        was_connected = self.connected
        rooms = self.rooms
        self.state = SocketState.DISCONNECTED
        self.namespace.remove(self)
        self.connection.remove(self)
        self.fail_acks(AckDisconnected)
        if was_connected:
            self._last_rooms = rooms
            self.connection.put(Disconnected(self, reason, error))

    @atomic
    def forget_rooms(self) -> None:
        """The "disconnecting" handlers are done."""
        self._last_rooms = None

    # -- packets ---------------------------------------------------------------------------------------------------

    def emit_as(self, delivery: Delivery, event: str | float, args: Sequence[Any]) -> bool:
        """`emit`, in the way that an operator says."""
        if not self._may_emit():
            return False
        data = event_data(event, args)
        outgoing = self._encode(data, None, delivery)
        self.tell_outgoing(data)
        lock = self.lock
        if lock is None:
            return self.queue_packet(outgoing)
        with lock:
            return self.queue_packet(outgoing)

    def emit_with_ack_as(
        self, delivery: Delivery, timeout: float | None, event: str | float, args: Sequence[Any]
    ) -> Pending[Any]:
        """`emit_with_ack`, in the way that an operator says."""
        server = self.namespace.server
        data = event_data(event, args)
        if not self._may_emit():
            ended = Pending[Any](server.engine)
            ended.fail(AckDisconnected())
            return ended
        ack_id = self.namespace.next_ack_id()
        outgoing = self._encode(data, ack_id, delivery)
        self.tell_outgoing(data)
        lock = self.lock
        if lock is None:
            return self._ask(outgoing, ack_id, timeout)
        with lock:
            return self._ask(outgoing, ack_id, timeout)

    def _ask(self, outgoing: Outgoing, ack_id: int, timeout: float | None) -> Ack:
        ack = Ack(self.connection.session, self.namespace.server.engine, self, ack_id, timeout)
        self.queue_with_ack(outgoing, ack_id, ack)
        return ack

    def _may_emit(self) -> bool:
        if self.state is SocketState.CONNECTING:
            raise LocalProtocolError("the client is not connected yet: emit in a connection handler")
        return self.state is SocketState.CONNECTED

    def _encode(self, data: list[Any], ack_id: int | None, delivery: Delivery) -> Outgoing:
        packet = Packet(EVENT, self.namespace.name, data, ack_id)
        return self.namespace.server.encode(packet, volatile=delivery.volatile, compress=delivery.compress)

    def send_packet(self, packet: Packet) -> bool:
        """Send a packet of this namespace."""
        return self.connection.session.send_packet(self.namespace.server.encode(packet))

    def tell_outgoing(self, data: Sequence[Any]) -> None:
        """Tell the catch-all listeners of an event, its name and arguments."""
        if self.namespace.any_outgoing or self.any_outgoing:
            session = self.connection.session
            tell_outgoing(self.namespace.any_outgoing, (self, *data), session)
            tell_outgoing(self.any_outgoing, data, session)

    def queue_packet(self, outgoing: Outgoing) -> bool:
        """Send an event that has been encoded. With the lock held."""
        # The listeners, or what an earlier recipient of the same broadcast has set off, may have ended it.
        return self.state is SocketState.CONNECTED and self.connection.session.queue_packet(outgoing)

    def queue_with_ack(self, outgoing: Outgoing, ack_id: int, slot: AckSlot[Socket]) -> None:
        """The same for an event that asks for an answer, which `slot` waits for."""
        if not self.connected:
            slot.failed(self, AckDisconnected())
            return
        if self._acks is None:
            self._acks = PendingAcks(self.namespace.server.max_pending_acks)
        if not self._acks.add(ack_id, slot):
            slot.failed(self, AckError("too many acknowledgements are pending"))
            return
        # When this very packet ends the session, `end` has told the slot, and there is nothing left to take back.
        if not self.queue_packet(outgoing) and self.forget_ack(ack_id):
            slot.failed(self, AckError("the event could not be sent"))

    def answered(self, ack_id: int, arguments: Sequence[Any]) -> None:
        """The client has answered."""
        if self._acks is not None:
            self._acks.answered(self, ack_id, arguments)

    def fail_acks(self, error: type[AckDisconnected | AckTimeout]) -> None:
        """None of the answers will come."""
        if self._acks is not None:
            self._acks.fail_all(self, error)

    def forget_ack(self, ack_id: int) -> bool:
        """Nobody waits for this answer any longer. False when nobody did anyway."""
        return self._acks is not None and self._acks.forget(ack_id)

    # -- for events that ask for an answer -------------------------------------------------------------------------

    def encode_answer(self, ack_id: int, args: list[Any]) -> Outgoing:
        """The acknowledgement of an event; LocalProtocolError for what cannot be sent."""
        return self.namespace.server.encode(Packet(ACK, self.namespace.name, args, ack_id))

    def queue_answer(self, event: object, outgoing: Outgoing) -> bool:
        """Send the acknowledgement of an event. With the lock held."""
        return self.state is SocketState.CONNECTED and self.connection.session.queue_packet(outgoing)

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `Server.on_error`."""
        self.connection.session.report(error, where)
