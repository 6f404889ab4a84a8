"""Namespaces: what clients connect to, by name or by pattern."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import AnyFunction, HandlerTable, Listening, check_function
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.broadcast import Broadcasting, BroadcastOperator
from sansio_eio.socketio.catch_all import CatchAll

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.socketio.rooms import Adapter
    from sansio_eio.socketio.server import Server
    from sansio_eio.socketio.socket import Socket

F = TypeVar("F", bound=AnyFunction)

#: What a dynamic namespace is given by: a regular expression that is searched in the name, or a predicate of the name
#: and the client's `auth`, `def` or `async def`.
Matcher: TypeAlias = "re.Pattern[str] | Callable[[str, dict[str, Any]], bool | Awaitable[bool]]"

#: Events of a socket's life, as opposed to those that clients emit; no client can send one.
LIFECYCLE = ("connection", "connect", "disconnecting", "disconnect")


class ConnectionRefused(Exception):  # noqa: N818  (a decision, not an error)
    """Raise this in a middleware to refuse a client; it gets the message, and `data` if there is any."""

    def __init__(self, message: str = "Connection refused", data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Handling(Broadcasting, CatchAll, Listening):
    """What a namespace and a dynamic namespace have in common: handlers, middleware, catch-all listeners."""

    __slots__ = ("handlers", "lifecycle", "middlewares", "server")

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        self.handlers = HandlerTable()
        self.lifecycle = HandlerTable()
        self.middlewares: tuple[AnyFunction, ...] = ()

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.server.engine.lock

    def handler_table(self, event: str | float) -> HandlerTable:
        return self.lifecycle if event in LIFECYCLE else self.handlers

    @atomic
    def use(self, middleware: F) -> F:
        """Call `middleware(socket)` before a client is connected; it refuses the client by raising ConnectionRefused.

        `def` or `async def`, in the order of registration. Any other exception refuses it as well, with a message that
        says nothing, and goes to `on_error`.
        """
        check_function(middleware)
        self.middlewares = (*self.middlewares, middleware)
        return middleware


class Namespace(Handling):
    """A namespace: its clients, its rooms, its handlers. Made by `Server.of`.

    Handlers of `on` are called with the socket first: "connection" (also called "connect") with the socket alone,
    "disconnecting" (the rooms are still there) and "disconnect" with the reason, and those of the clients' events with
    the arguments. What such a handler returns is the acknowledgement.
    """

    __slots__ = ("_next_ack_id", "adapter", "connecting", "name", "parent", "sockets")

    def __init__(self, server: Server, name: str, parent: ParentNamespace | None = None) -> None:
        super().__init__(server)
        self.name = name
        #: The connected sockets by their ids.
        self.sockets: dict[str, Socket] = {}
        #: Those whose middleware has not finished.
        self.connecting: dict[str, Socket] = {}
        self.adapter: Adapter = server.make_adapter(self)
        #: The pattern that made it, and that it goes back to when it is empty; None for one that was asked for by name.
        self.parent = parent
        self._next_ack_id = 0
        if parent is not None:
            self.handlers = parent.handlers.copy()
            self.lifecycle = parent.lifecycle.copy()
            self.middlewares = parent.middlewares
            self.any_handlers = parent.any_handlers
            self.any_outgoing = parent.any_outgoing

    def __repr__(self) -> str:
        return f"<Namespace {self.name} with {len(self.sockets)} sockets>"

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self)

    @property
    def namespaces(self) -> Sequence[Namespace]:
        """See `Target`."""
        return (self,)

    @property
    def is_pattern(self) -> bool:
        """See `Target`."""
        return False

    @atomic
    def next_ack_id(self) -> int:
        """A fresh id; they count per namespace, so that all sockets of a broadcast can share one."""
        ack_id = self._next_ack_id
        self._next_ack_id += 1
        return ack_id

    def add(self, socket: Socket) -> None:
        """A socket is connected. With the lock held."""
        del self.connecting[socket.id]
        self.sockets[socket.id] = socket

    def remove(self, socket: Socket) -> None:
        """A socket is gone. With the lock held."""
        self.adapter.leave_all(socket)
        self.connecting.pop(socket.id, None)
        self.sockets.pop(socket.id, None)
        self.forget_if_empty()

    def forget_if_empty(self) -> None:
        """Go back to the pattern that made this, when nobody is here. With the lock held."""
        if self.parent is not None and not self.sockets and not self.connecting:
            self.parent.forget(self)


class ParentNamespace(Handling):
    """All namespaces whose names match. Each client that connects to one makes it, with copies of the handlers.

    Emitting reaches the clients of all of them. A child that its last client has left is forgotten (and made again
    when somebody connects), so that clients cannot fill the memory with names.
    """

    __slots__ = ("children", "matcher")

    def __init__(self, server: Server, matcher: Matcher) -> None:
        super().__init__(server)
        if not isinstance(matcher, re.Pattern) and not callable(matcher):
            raise LocalProtocolError(f"a namespace is a name, a regular expression or a predicate, not {matcher!r}")
        self.matcher = matcher
        self.children: dict[str, Namespace] = {}

    def _operator(self) -> BroadcastOperator:
        return BroadcastOperator(self)

    @property
    @atomic
    def namespaces(self) -> Sequence[Namespace]:
        """See `Target`."""
        return tuple(self.children.values())

    @property
    def is_pattern(self) -> bool:
        """See `Target`."""
        return True

    def matches(self, name: str, auth: dict[str, Any]) -> bool | Awaitable[bool]:
        """Whether a client may connect to `name`."""
        if isinstance(self.matcher, re.Pattern):
            return self.matcher.search(name) is not None
        return self.matcher(name, auth)

    def child(self, name: str) -> Namespace:
        """Make the namespace `name`, which is not there yet. With the lock held."""
        namespace = self.children[name] = Namespace(self.server, name, self)
        self.server.add_child(namespace)
        return namespace

    def forget(self, namespace: Namespace) -> None:
        """The last client has left this child. With the lock held."""
        self.children.pop(namespace.name, None)
        self.server.forget_child(namespace)
