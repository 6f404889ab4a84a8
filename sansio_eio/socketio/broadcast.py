"""Emitting to many: immutable operators that narrow down whom, and say how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, cast

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.delivery import PLAIN, Delivery
from sansio_eio.socketio.emitting import check_timeout
from sansio_eio.socketio.encoding import event_data
from sansio_eio.socketio.rooms import EVERYBODY, Selection

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.socketio.namespace import Namespace
    from sansio_eio.socketio.socket import Socket

#: One room, or several.
Rooms: TypeAlias = str | Iterable[str]


def as_rooms(rooms: Rooms) -> tuple[str, ...]:
    """One room or several, as a tuple."""
    if isinstance(rooms, str):
        return (rooms,)
    named = tuple(rooms) if hasattr(type(rooms), "__iter__") else rooms
    if not is_tuple_of_str(named):
        raise LocalProtocolError(f"rooms are named by a str, or several, not {rooms!r}")
    return named


def is_tuple_of_str(value: object) -> TypeGuard[tuple[str, ...]]:
    """Whether these are names."""
    return isinstance(value, tuple) and all(isinstance(name, str) for name in cast("tuple[object, ...]", value))


class Target(Protocol):
    """What an operator narrows down: a namespace, or all those of a pattern."""

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        ...

    @property
    def namespaces(self) -> Sequence[Namespace]:
        """Those that are there now."""
        ...

    @property
    def is_pattern(self) -> bool:
        """Whether these may be many."""
        ...


class Broadcasting(ABC):
    """What a server, a namespace and a narrowed-down operator have in common. No method of it ever waits."""

    __slots__ = ()

    @abstractmethod
    def _operator(self) -> BroadcastOperator:
        """The operator for everybody that this object stands for."""

    def to(self, rooms: Rooms) -> BroadcastOperator:
        """Narrow down to the sockets in any of these rooms, each once; repeated calls add rooms.

        In no room is nobody: an empty list, unlike in the reference, does not mean everybody.
        """
        operator = self._operator()
        selection = operator.selection
        return operator.select(replace(selection, rooms=(selection.rooms or ()) + as_rooms(rooms)))

    def in_(self, rooms: Rooms) -> BroadcastOperator:
        """The same as `to`; reads better in front of `fetch_sockets` and the like."""
        return self.to(rooms)

    def except_(self, rooms: Rooms) -> BroadcastOperator:
        """Leave out the sockets in any of these rooms; a socket's own id is a room."""
        operator = self._operator()
        selection = operator.selection
        return operator.select(replace(selection, excluded=selection.excluded + as_rooms(rooms)))

    @property
    def local(self) -> BroadcastOperator:
        """Keep to the sockets of this process."""
        operator = self._operator()
        return operator.select(replace(operator.selection, local=True))

    @property
    def volatile(self) -> BroadcastOperator:
        """Drop the event for every socket whose peer is not ready for it now."""
        operator = self._operator()
        return operator.deliver(replace(operator.delivery, volatile=True))

    def compress(self, compress: bool) -> BroadcastOperator:
        """Whether the event may be compressed, where the transport can."""
        operator = self._operator()
        return operator.deliver(replace(operator.delivery, compress=compress))

    def timeout(self, seconds: float) -> BroadcastOperator:
        """How long `emit_with_ack` waits for the answers."""
        return replace(self._operator(), seconds=check_timeout(seconds))

    def emit(self, event: str | float, *args: Any) -> None:
        """Send an event, encoded once for all. LocalProtocolError for what cannot be encoded; nothing is sent then."""
        self._operator().emit_data(event_data(event, args))

    def send(self, *args: Any) -> None:
        """`emit("message", ...)`."""
        self.emit("message", *args)

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[list[Any]]:
        """Send an event, and collect the answer of each socket: a list, in the order in which they come.

        It ends with AckTimeout, whose `responses` are those that did come, after `timeout` seconds (default: the
        server's `ack_timeout`), and with AckDisconnected when somebody left before answering, or another AckError where
        the event could not even be sent (it was volatile, or too many acknowledgements are pending).
        """
        operator = self._operator()
        namespace = operator.one_namespace("emit_with_ack")
        seconds = namespace.server.ack_timeout if operator.seconds is None else operator.seconds
        data = event_data(event, args)
        return namespace.adapter.broadcast_with_ack(data, operator.selection, operator.delivery, seconds)

    def fetch_sockets(self) -> Pending[list[Socket]]:
        """The sockets, once they are known: at once in one process, later in a cluster."""
        operator = self._operator()
        namespace = operator.one_namespace("fetch_sockets")
        return namespace.adapter.fetch(operator.selection)

    def sockets_join(self, rooms: Rooms) -> None:
        """Make the sockets join these rooms."""
        operator = self._operator()
        for namespace in operator.namespaces:
            namespace.adapter.join_selected(operator.selection, as_rooms(rooms))

    def sockets_leave(self, rooms: Rooms) -> None:
        """Make the sockets leave these rooms."""
        operator = self._operator()
        for namespace in operator.namespaces:
            namespace.adapter.leave_selected(operator.selection, as_rooms(rooms))

    def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnect the sockets from this namespace, or close their connections; their clients do not reconnect."""
        operator = self._operator()
        for namespace in operator.namespaces:
            namespace.adapter.disconnect_selected(operator.selection, close=close)


@dataclass(slots=True, frozen=True)
class BroadcastOperator(Broadcasting):
    """Whom to emit to, and how. Immutable: each step gives a new one, so one may be kept and used again."""

    target: Target
    selection: Selection = EVERYBODY
    delivery: Delivery = PLAIN
    seconds: float | None = None

    def _operator(self) -> BroadcastOperator:
        return self

    def select(self, selection: Selection) -> BroadcastOperator:
        """The same for other sockets."""
        return replace(self, selection=selection)

    def deliver(self, delivery: Delivery) -> BroadcastOperator:
        """The same in another way."""
        return replace(self, delivery=delivery)

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.target.lock

    def emit_data(self, data: list[Any]) -> None:
        """`emit`, for the name and the arguments in one list."""
        if self.target.is_pattern:
            self._emit_to_many(data)
        else:
            self.target.namespaces[0].adapter.broadcast(data, self.selection, self.delivery)

    @atomic
    def _emit_to_many(self, data: list[Any]) -> None:
        for namespace in self.namespaces:
            namespace.adapter.broadcast(data, self.selection, self.delivery)

    @property
    def namespaces(self) -> Sequence[Namespace]:
        """The namespaces of these sockets; looked up each time, since those of a pattern come and go."""
        return self.target.namespaces

    def one_namespace(self, method: str) -> Namespace:
        """The only namespace; LocalProtocolError for the operator of a dynamic namespace, which stands for many."""
        if self.target.is_pattern:
            raise LocalProtocolError(f"{method} is for one namespace, not for all that match a pattern")
        return self.target.namespaces[0]
