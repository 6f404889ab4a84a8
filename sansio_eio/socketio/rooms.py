"""Who is in which room, and the seam where a cluster takes the place of the memory of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.pending import Pending
from sansio_eio.socketio.acks import BroadcastAck
from sansio_eio.socketio.parser import EVENT, Packet

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.socketio.delivery import Delivery
    from sansio_eio.socketio.namespace import Namespace
    from sansio_eio.socketio.socket import Socket


@dataclass(slots=True, frozen=True)
class Selection:
    """Sockets of a namespace: those in any of `rooms` (None: all of them), but for those in `excluded`.

    `local` keeps to this process.
    """

    rooms: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    local: bool = False


EVERYBODY = Selection()


class Adapter(Protocol):
    """The rooms of one namespace. Every socket is, besides, in a room of its own id.

    Where threads share the application, the methods for one socket are called with its lock held, and the others by any
    thread without it: they take `namespace.lock` for what they change (see `atomic`).
    """

    def join(self, socket: Socket, rooms: Iterable[str]) -> None:
        """Add a socket to rooms."""

    def leave(self, socket: Socket, room: str) -> None:
        """Take a socket out of a room."""

    def leave_all(self, socket: Socket) -> None:
        """Take a socket out of all rooms."""

    def rooms_of(self, socket: Socket) -> set[str]:
        """The rooms of a socket, without that of its id."""
        ...

    def broadcast(self, data: list[Any], selection: Selection, delivery: Delivery) -> None:
        """Send an event (its name and arguments) to the selected sockets."""

    def broadcast_with_ack(
        self, data: list[Any], selection: Selection, delivery: Delivery, timeout: float
    ) -> Pending[list[Any]]:
        """The same, and collect the answers."""
        ...

    def fetch(self, selection: Selection) -> Pending[list[Socket]]:
        """The selected sockets."""
        ...

    def join_selected(self, selection: Selection, rooms: Iterable[str]) -> None:
        """Add the selected sockets to rooms."""

    def leave_selected(self, selection: Selection, rooms: Iterable[str]) -> None:
        """Take the selected sockets out of rooms."""

    def disconnect_selected(self, selection: Selection, *, close: bool) -> None:
        """Disconnect the selected sockets."""


AdapterFactory: TypeAlias = Callable[["Namespace"], Adapter]


class MemoryAdapter:
    """The rooms of one namespace in one process."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        # Dicts, not sets: sockets are served in the order in which they joined, the same in every run.
        self._members: dict[str, dict[Socket, None]] = {}
        self._rooms: dict[Socket, set[str]] = {}

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._namespace.lock

    def join(self, socket: Socket, rooms: Iterable[str]) -> None:
        """See `Adapter`."""
        for room in rooms:
            self._rooms.setdefault(socket, set()).add(room)
            self._members.setdefault(room, {})[socket] = None

    def leave(self, socket: Socket, room: str) -> None:
        """See `Adapter`."""
        members = self._members.get(room)
        if members is None or socket not in members:
            return
        del members[socket]
        if not members:
            del self._members[room]
        rooms = self._rooms[socket]
        rooms.discard(room)
        if not rooms:
            del self._rooms[socket]

    def leave_all(self, socket: Socket) -> None:
        """See `Adapter`."""
        for room in self.rooms_of(socket):
            self.leave(socket, room)

    def rooms_of(self, socket: Socket) -> set[str]:
        """See `Adapter`."""
        return set(self._rooms.get(socket, ()))

    @atomic
    def select(self, selection: Selection) -> list[Socket]:
        """The connected sockets of a selection, each once; a list, since sending may end one and change the rooms."""
        sockets: Iterable[Socket]
        if selection.rooms is None:
            sockets = self._namespace.sockets.values()
            if not selection.excluded:
                return list(sockets)
        elif len(selection.rooms) == 1:
            sockets = self._in_room(selection.rooms[0])
        else:
            sockets = {socket: None for room in selection.rooms for socket in self._in_room(room)}
        if selection.excluded:
            excluded = {socket for room in selection.excluded for socket in self._in_room(room)}
            return [socket for socket in sockets if socket.connected and socket not in excluded]
        # A socket whose middleware still runs may have joined rooms, but must not get an event yet.
        return [socket for socket in sockets if socket.connected]

    def broadcast(self, data: list[Any], selection: Selection, delivery: Delivery) -> None:
        """See `Adapter`."""
        packet = Packet(EVENT, self._namespace.name, data)
        outgoing = self._namespace.server.encode(packet, volatile=delivery.volatile, compress=delivery.compress)
        self._send(outgoing, data, selection)

    def broadcast_with_ack(
        self, data: list[Any], selection: Selection, delivery: Delivery, timeout: float
    ) -> Pending[list[Any]]:
        """See `Adapter`."""
        ack_id = self._namespace.next_ack_id()
        packet = Packet(EVENT, self._namespace.name, data, ack_id)
        outgoing = self._namespace.server.encode(packet, volatile=delivery.volatile, compress=delivery.compress)
        return self._send_with_ack(outgoing, data, selection, ack_id, timeout)

    def fetch(self, selection: Selection) -> Pending[list[Socket]]:
        """See `Adapter`."""
        pending = Pending["list[Socket]"](self._namespace.server.engine)
        pending.resolve(self.select(selection))
        return pending

    @atomic
    def join_selected(self, selection: Selection, rooms: Iterable[str]) -> None:
        """See `Adapter`."""
        rooms = tuple(rooms)
        for socket in self.select(selection):
            self.join(socket, rooms)

    @atomic
    def leave_selected(self, selection: Selection, rooms: Iterable[str]) -> None:
        """See `Adapter`."""
        rooms = tuple(rooms)
        for socket in self.select(selection):
            for room in rooms:
                self.leave(socket, room)

    @atomic
    def disconnect_selected(self, selection: Selection, *, close: bool) -> None:
        """See `Adapter`."""
        for socket in self.select(selection):
            socket.disconnect(close=close)

    def _in_room(self, room: str) -> dict[Socket, None]:
        members = self._members.get(room)
        own = self._namespace.sockets.get(room)
        if own is None:
            return members or {}
        return {own: None} if members is None else {own: None, **members}

    # All recipients at once, so that the packets of two threads have one order for everybody. The listeners for what is
    # sent are called in between, for the same reason.

    @atomic
    def _send(self, outgoing: Outgoing, data: list[Any], selection: Selection) -> None:
        any_outgoing = self._namespace.any_outgoing
        for socket in self.select(selection):
            if any_outgoing or socket.any_outgoing:
                socket.tell_outgoing(data)
            socket.queue_packet(outgoing)

    @atomic
    def _send_with_ack(
        self, outgoing: Outgoing, data: list[Any], selection: Selection, ack_id: int, timeout: float
    ) -> Pending[list[Any]]:
        sockets = self.select(selection)
        ack = BroadcastAck(self._namespace.server, ack_id, sockets, timeout)
        for socket in sockets:
            socket.tell_outgoing(data)
            socket.queue_with_ack(outgoing, ack_id, ack)
        return ack
