"""One client's connection: the packets of all of its namespaces, and the events that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import Steps, close_awaitable, must_be_awaited
from sansio_eio.engineio.reasons import FORCED_CLOSE, PARSE_ERROR
from sansio_eio.engineio.states import State
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from sansio_eio.socketio.acks import AckTimeout
from sansio_eio.socketio.dispatch import run_connected, run_disconnected, run_event
from sansio_eio.socketio.events import Connected, Event, EventReceived
from sansio_eio.socketio.handshake import make_handshake
from sansio_eio.socketio.names import MAX_NAME, MAX_TARGET
from sansio_eio.socketio.namespace import ConnectionRefused
from sansio_eio.socketio.packet_mailbox import PacketMailbox
from sansio_eio.socketio.parser import ACK, CONNECT, DISCONNECT, EVENT, Packet, ParseError
from sansio_eio.socketio.reasons import CLIENT_NAMESPACE_DISCONNECT, FORCED_SERVER_CLOSE
from sansio_eio.socketio.revision import INVALID_NAMESPACE, MAIN, revision_of
from sansio_eio.socketio.socket import Socket, SocketState

if TYPE_CHECKING:
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.engineio.session import Session
    from sansio_eio.socketio.namespace import Namespace, ParentNamespace
    from sansio_eio.socketio.server import Server

#: For so many seconds, packets of a namespace that we have just disconnected are taken for late, not for wrong.
GRACE = 10.0

#: What a client is told of an error that is none of its business.
INTERNAL_ERROR = "Internal error"


class ConnectRequest:
    """A CONNECT packet whose middleware has not finished."""

    __slots__ = ("auth", "name", "socket", "withdrawn")

    def __init__(self, name: str, auth: dict[str, Any]) -> None:
        self.name = name
        self.auth = auth
        self.socket: Socket | None = None
        #: The client has gone, or changed its mind.
        self.withdrawn = False


class Grace:
    """Packets of a namespace that this side has left are tolerated until this expires."""

    __slots__ = ("_connection", "_name")

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def expire(self, *, now: float) -> None:
        """The time is over."""
        self._connection.left.pop(self._name, None)


Item: TypeAlias = "Event | ConnectRequest"


class Connection(PacketMailbox[Item]):
    """The listener of an engine session, and the mailbox of everything that its client does.

    Packets are taken apart when they arrive; acknowledgements and disconnections work at once, so that a handler that
    waits for an answer is not waited for by the answer. Events, connections and the news of disconnections go through
    the mailbox, in order.
    """

    __slots__ = (
        "_server",
        "connecting",
        "left",
        "revision",
        "session",
        "sockets",
    )

    def __init__(self, server: Server, session: Session) -> None:
        settings = server.engine.settings
        super().__init__(server, server.engine, max_events=settings.max_inbound, max_size=settings.max_inbound_size)
        self._server = server
        self.session = session
        #: What the client calls its namespaces, and how it is answered.
        self.revision = revision_of(session.protocol)
        #: The connected sockets by their namespaces.
        self.sockets: dict[str, Socket] = {}
        self.connecting: dict[str, ConnectRequest] = {}
        self.left: dict[str, Grace] = {}
        server.unjoined.add(self)
        server.engine.deadlines.at(self, server.engine.now + server.connect_timeout)
        if self.revision.joins_by_itself(MAIN):
            self._request(MAIN, {})

    # -- SessionListener: `message` is that of the mailbox ---------------------------------------------------------

    def closed(self, reason: str, error: RemoteProtocolError | None) -> None:
        """See `SessionListener`."""
        self._end_sockets(reason, error)
        deadlines = self._server.engine.deadlines
        deadlines.cancel(self)
        for grace in self.left.values():
            deadlines.cancel(grace)
        self.left.clear()
        self.forget_half()
        deadlines.cancel(self.congestion)
        self._server.unjoined.discard(self)

    # -- time ------------------------------------------------------------------------------------------------------

    def expire(self, *, now: float) -> None:
        """The client has not joined a namespace in time."""
        self.kick("no namespace was joined in time")

    def pause(self, paused: bool) -> None:
        self.session.pause(paused)

    def give_up_acks(self) -> None:
        for socket in list(self.sockets.values()):
            socket.fail_acks(AckTimeout)

    def tolerate(self, name: str) -> None:
        """This side has left a namespace: what the client sent before it heard of that is not a mistake."""
        grace = self.left[name] = Grace(self, name)
        self._server.engine.set_timeout(grace, GRACE)

    # -- the end ---------------------------------------------------------------------------------------------------

    def fail(self, error: ParseError) -> None:
        """The client has sent what is no packet."""
        self._end_sockets(PARSE_ERROR, error)
        self.session.end(PARSE_ERROR, error)

    def kick(self, why: str) -> None:
        """The client does not follow the protocol: end the connection."""
        self._end_sockets(FORCED_SERVER_CLOSE, RemoteProtocolError(why))
        self.session.close()

    def disconnect_all(self) -> None:
        """Disconnect the client from all namespaces and close the connection."""
        for socket in list(self.sockets.values()):
            socket.disconnect()
        self._withdraw_all()
        self.session.close()

    def remove(self, socket: Socket) -> None:
        """A socket is gone."""
        if self.sockets.get(socket.namespace.name) is socket:
            del self.sockets[socket.namespace.name]

    def _end_sockets(self, reason: str, error: RemoteProtocolError | None) -> None:
        for socket in list(self.sockets.values()):
            socket.end(reason, error)
        self._withdraw_all()

    def _withdraw_all(self) -> None:
        for request in list(self.connecting.values()):
            self._withdraw(request)

    def _withdraw(self, request: ConnectRequest) -> None:
        request.withdrawn = True
        self.connecting.pop(request.name, None)
        if request.socket is not None:
            request.socket.end(FORCED_CLOSE)

    # -- packets ---------------------------------------------------------------------------------------------------

    def take_packet(self, packet: Packet, size: int) -> None:
        if packet.type is CONNECT:
            self._connect(packet)
            return
        socket = self.sockets.get(packet.namespace)
        if socket is None and "?" in packet.namespace:
            packet.namespace = self.revision.name_of(packet)
            socket = self.sockets.get(packet.namespace)
        if socket is None:
            self._take_for_nobody(packet)
        elif packet.type is EVENT:
            event, *args = packet.data
            self.put(EventReceived(socket, event, args, packet.id), size)
        elif packet.type is ACK:
            assert packet.id is not None
            socket.answered(packet.id, packet.data)
        elif packet.type is DISCONNECT:
            socket.end(CLIENT_NAMESPACE_DISCONNECT)
        else:
            self.kick("a CONNECT_ERROR from a client")

    def _take_for_nobody(self, packet: Packet) -> None:
        request = self.connecting.get(packet.namespace)
        if request is not None and packet.type is DISCONNECT:
            self._withdraw(request)
        elif packet.namespace not in self.left:
            self.kick("a packet for a namespace that the client is not connected to")

    def _connect(self, packet: Packet) -> None:
        name = self.revision.name_of(packet)
        # Those that were just left count, or a client that is sent away at once could fill the memory with them.
        others = len(self.sockets) + len(self.connecting) + len(self.left) - (name in self.left)
        if len(name) > MAX_NAME or len(packet.namespace) > MAX_TARGET:
            self.fail(ParseError("the name of a namespace is too long"))
        elif name in self.sockets or name in self.connecting:
            self.kick("a second CONNECT for a namespace")
        elif others >= self._server.max_namespaces:
            self._refuse(name, "Too many namespaces", None)
        else:
            grace = self.left.pop(name, None)
            if grace is not None:
                self._server.engine.deadlines.cancel(grace)
            self._request(name, self.revision.auth_of(packet))

    def _request(self, name: str, auth: dict[str, Any]) -> None:
        request = self.connecting[name] = ConnectRequest(name, auth)
        self.put(request)

    def _refuse(self, name: str, message: str, data: Any) -> None:
        self.session.send_packet(self._server.encode(self.revision.refused(name, message, data)))

    # -- events ----------------------------------------------------------------------------------------------------

    def next_event(self) -> Event | None:
        """The oldest event, for a program that handles events itself; middleware has to be plain functions then."""
        while (item := self.take()) is not None:
            if isinstance(item, ConnectRequest):
                for awaitable in self._run_connect(item):
                    close_awaitable(awaitable)
                    self._decline(item, INTERNAL_ERROR, None)
                    raise LocalProtocolError("an async middleware has to be run by a driver, with step()")
            elif not (isinstance(item, EventReceived) and item.socket.kicked):
                return item
        return None

    def run(self, item: Item) -> Steps:
        if isinstance(item, EventReceived):
            return run_event(item, self.session)
        if isinstance(item, ConnectRequest):
            return self._run_connect(item)
        if isinstance(item, Connected):
            return run_connected(item, self.session)
        return run_disconnected(item, self.session)

    def _run_connect(self, request: ConnectRequest) -> Steps:
        where = f"the namespace {request.name}"
        try:
            if not self._enter(request, None):
                pattern = yield from self._server.find_pattern(request.name, request.auth)
                if not self._enter(request, pattern):
                    raise ConnectionRefused(INVALID_NAMESPACE, self.revision.invalid_namespace)
            socket = request.socket
            if socket is None:
                return
            where = f"a middleware of {request.name}"
            for middleware in socket.namespace.middlewares:
                result = middleware(socket)
                if must_be_awaited(result):
                    yield result
                if self._has_gone(request):
                    return
            where = f"the answer to a client of {request.name}"
            self._accept(request, socket)
        except ConnectionRefused as refusal:
            self._decline(request, refusal.message, refusal.data)
        except Exception as error:
            self.session.report(error, where)
            self._decline(request, INTERNAL_ERROR, None)

    def _is_over(self, request: ConnectRequest) -> bool:
        if self.session.state is State.CLOSING:
            self._withdraw(request)
        return request.withdrawn

    @atomic
    def _has_gone(self, request: ConnectRequest) -> bool:
        return self._is_over(request)

    @atomic
    def _enter(self, request: ConnectRequest, pattern: ParentNamespace | None) -> bool:
        """Make the socket, unless the client has gone; False when its namespace is not there, and no pattern makes it.

        In one go, for only a namespace with somebody in it is sure to stay.
        """
        if self._is_over(request):
            return True
        namespace = self._server.find_namespace(request.name, pattern)
        if namespace is None:
            return False
        try:
            request.socket = self._make_socket(namespace, request.auth)
        finally:
            namespace.forget_if_empty()
        return True

    def _make_socket(self, namespace: Namespace, auth: dict[str, Any]) -> Socket:
        engine = self._server.engine
        issued = engine.now if engine.runtime is None else engine.runtime.wall_time()
        handshake = make_handshake(self.session.request, auth, issued)
        socket_id = self.revision.make_id(namespace.name, self.session.sid, self._server.generate_id)
        if not socket_id or socket_id in namespace.sockets or socket_id in namespace.connecting:
            raise LocalProtocolError("generate_socket_id gave an id that is empty or taken")
        socket = namespace.connecting[socket_id] = Socket(namespace, self, socket_id, handshake)
        return socket

    def _accept(self, request: ConnectRequest, socket: Socket) -> None:
        outgoing = self._server.encode(self.revision.accepted(request.name, socket.id))
        self._connected(request, socket, outgoing)

    @atomic
    def _connected(self, request: ConnectRequest, socket: Socket, outgoing: Outgoing) -> None:
        if self._is_over(request):
            return
        name = request.name
        del self.connecting[name]
        self.sockets[name] = socket
        if self in self._server.unjoined:
            self._server.unjoined.discard(self)
            self._server.engine.deadlines.cancel(self)
        socket.state = SocketState.CONNECTED
        socket.namespace.add(socket)
        self.put(Connected(socket))
        # Before any handler can emit, so that this is the first that the client gets of the namespace. And after the
        # event, since this may be the packet that is too much for the session, and ends it.
        self.session.send_packet(outgoing)

    def _decline(self, request: ConnectRequest, message: str, data: Any) -> None:
        try:
            self._refuse_request(request, message, data)
        except LocalProtocolError as error:
            self.session.report(error, f"the refusal of a client by a middleware of {request.name}")
            # Without the data, or else without the message: what is left then can always be sent.
            self._decline(request, message if data is not None else ConnectionRefused().message, None)

    @atomic
    def _refuse_request(self, request: ConnectRequest, message: str, data: Any) -> None:
        if not self._is_over(request):
            self._refuse(request.name, message, data)
            self._withdraw(request)
