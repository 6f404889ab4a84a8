"""The Socket.IO server: namespaces on top of an Engine.IO server."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Unpack, overload

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import HandlerTable, Hook, Listening, call_inline, must_be_awaited
from sansio_eio.engineio.server import EngineServer
from sansio_eio.engineio.settings import EngineOptions, generate_id, normal_path
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.broadcast import Broadcasting, BroadcastOperator
from sansio_eio.socketio.connection import Connection
from sansio_eio.socketio.emitting import check_timeout
from sansio_eio.socketio.encoding import Encoding
from sansio_eio.socketio.names import normal_name
from sansio_eio.socketio.namespace import F, Matcher, Namespace, ParentNamespace
from sansio_eio.socketio.packets import TEXT_PARSER
from sansio_eio.socketio.reasons import SERVER_SHUTTING_DOWN
from sansio_eio.socketio.rooms import AdapterFactory, MemoryAdapter

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.socketio.parser import Parser


class Server(Encoding, Broadcasting, Listening):
    """A Socket.IO server (revision 5 of the protocol, and 4 when allowed), as a pure object that any driver can serve.

    Handlers and emitting on the server itself are those of its main namespace, "/"; `of` gives others. It never touches
    a network: hand it to a driver, to a `Router`, or feed its `engine` yourself.

    Besides the options of `EngineOptions`, with times in seconds:

    * `path`: where it is served ("/socket.io/").
    * `connect_timeout`: a client that has joined no namespace by then is disconnected (45).
    * `ack_timeout`: how long `emit_with_ack` to many waits without `timeout` (10).
    * `attachment_timeout`: binary attachments must have followed their packet by then (20).
    * `parser`: how packets look on the wire; clients have to use the same one (JSON).
    * `adapter`: makes the room registry of each namespace (in memory).
    * `max_attachments` of one packet (10), `max_namespaces` of one connection (100), `max_pending_acks` of one socket
      (10,000), `max_unjoined` connections that have joined no namespace (10,000).
    * `generate_socket_id`: makes the public ids of sockets, but for old clients (see `allow_eio3`), who make up theirs.

    Raises LocalProtocolError for an option that makes no sense.
    """

    def __init__(
        self,
        *,
        path: str = "/socket.io/",
        connect_timeout: float = 45.0,
        ack_timeout: float = 10.0,
        attachment_timeout: float = 20.0,
        parser: Parser = TEXT_PARSER,
        adapter: AdapterFactory = MemoryAdapter,
        max_attachments: int = 10,
        max_namespaces: int = 100,
        max_pending_acks: int = 10_000,
        max_unjoined: int = 10_000,
        generate_socket_id: Callable[[], str] = generate_id,
        **options: Unpack[EngineOptions],
    ) -> None:
        for option in (max_attachments, max_namespaces, max_pending_acks, max_unjoined):
            if option < 1:
                raise LocalProtocolError("a limit must be at least 1")
        #: The Engine.IO server below: what a driver serves; it has the events "connection_error" and "headers".
        self.engine = EngineServer(path=normal_path(path), **options)
        self.engine.attach(self._listen, lambda: len(self.unjoined) >= max_unjoined)
        self.connect_timeout = check_timeout(connect_timeout)
        self.ack_timeout = check_timeout(ack_timeout)
        self.attachment_timeout = check_timeout(attachment_timeout)
        self.parser = parser
        self._max_outbound = self.engine.settings.max_outbound
        self.make_adapter = adapter
        self.max_attachments = max_attachments
        self.max_namespaces = max_namespaces
        self.max_pending_acks = max_pending_acks
        self.generate_id = generate_socket_id
        #: Connections that have not joined a namespace yet.
        self.unjoined: set[Connection] = set()
        self._server_handlers = HandlerTable()
        self._namespaces: dict[str, Namespace] = {}
        self._parents: tuple[ParentNamespace, ...] = ()
        #: The main namespace.
        self.sockets = self._new_namespace("/")

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.engine.lock

    @property
    def congestion_timeout(self) -> float:
        """See `PacketMailbox`."""
        return self.ack_timeout

    @property
    def path(self) -> str:
        """Where it is served."""
        return self.engine.path

    @property
    def buffered(self) -> int:
        """Bytes that wait for peers to take them, over all connections."""
        return self.engine.buffered

    # -- for the application ---------------------------------------------------------------------------------------

    @overload
    def of(self, name: str) -> Namespace: ...
    @overload
    def of(self, name: Matcher) -> ParentNamespace: ...
    def of(self, name: str | Matcher) -> Namespace | ParentNamespace:
        """The namespace of this name, or all those that match a regular expression or a predicate of (name, auth).

        A name that is not there is made, and may then be connected to; with the handlers of a pattern that it matches.
        Patterns are tried in the order in which they were given.
        """
        if not isinstance(name, str):
            return self._add_pattern(name)
        return self._name_namespace(normal_name(name))

    def handler_table(self, event: str | float) -> HandlerTable:
        # "new_namespace" is called with each namespace that is made, by `of` or by a client that matches a pattern.
        return self._server_handlers if event == "new_namespace" else self.sockets.handler_table(event)

    def use(self, middleware: F) -> F:
        """Add a middleware to the main namespace; see `Namespace.use`."""
        return self.sockets.use(middleware)

    def on_any(self, listener: F) -> F:
        """Add a catch-all listener to the main namespace; see `Namespace.on_any`."""
        return self.sockets.on_any(listener)

    def on_any_outgoing(self, listener: F) -> F:
        """Add a catch-all listener for what is sent to the main namespace; see `Namespace.on_any_outgoing`."""
        return self.sockets.on_any_outgoing(listener)

    def on_error(self, hook: Hook) -> Hook:
        """Call `hook(error, where)` for every exception of the application's own code; see `EngineServer.on_error`."""
        return self.engine.on_error(hook)

    @atomic
    def close(self) -> None:
        """End all connections; every socket is told "server shutting down".

        No DISCONNECT packets are sent, so clients reconnect, to the server's successor perhaps. To send them away for
        good, use `disconnect_sockets(close=True)`.
        """
        for namespace in list(self._namespaces.values()):
            for socket in list(namespace.sockets.values()):
                socket.kicked = True
                socket.end(SERVER_SHUTTING_DOWN)
        self.engine.close()

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self.sockets)

    # -- for the layer itself --------------------------------------------------------------------------------------

    def find_pattern(self, name: str, auth: dict[str, Any]) -> Generator[Awaitable[Any], Any, ParentNamespace | None]:
        """The pattern that admits a client to `name`, None when there is none; predicates may have to be awaited."""
        for parent in self._parents:
            try:
                matches = parent.matches(name, auth)
                if must_be_awaited(matches):
                    matches = yield matches
            except Exception as error:
                self.engine.report(error, "the predicate of a namespace")
                continue
            if matches:
                return parent
        return None

    def find_namespace(self, name: str, pattern: ParentNamespace | None) -> Namespace | None:
        """The namespace `name`, made by the pattern when it is not there. With the lock held."""
        namespace = self._namespaces.get(name)
        if namespace is None and pattern is not None:
            namespace = pattern.child(name)
        return namespace

    def add_child(self, namespace: Namespace) -> None:
        """A client has made a namespace by connecting to a name that matches. With the lock held."""
        self._namespaces[namespace.name] = namespace
        self._tell_new(namespace)

    def forget_child(self, namespace: Namespace) -> None:
        """The last client has left a namespace that a client had made. With the lock held."""
        self._namespaces.pop(namespace.name, None)

    @atomic
    def _add_pattern(self, matcher: Matcher) -> ParentNamespace:
        parent = ParentNamespace(self, matcher)
        self._parents = (*self._parents, parent)
        return parent

    @atomic
    def _name_namespace(self, name: str) -> Namespace:
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._new_namespace(name)
        # It was asked for by name: it stays, even when it is empty.
        namespace.parent = None
        return namespace

    def _new_namespace(self, name: str) -> Namespace:
        for parent in self._parents:
            if not callable(parent.matcher) and parent.matches(name, {}):
                return parent.child(name)
        namespace = self._namespaces[name] = Namespace(self, name)
        self._tell_new(namespace)
        return namespace

    def _listen(self, session: Any) -> Connection:
        return Connection(self, session)

    def _tell_new(self, namespace: Namespace) -> None:
        for handler in self._server_handlers.get("new_namespace"):
            call_inline(handler.function, (namespace,), self.engine, "a handler of new_namespace")
