"""Emitting to one socket, or from it to others: how, as an immutable operator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sansio_eio.socketio.broadcast import BroadcastOperator, Rooms, check_timeout
from sansio_eio.socketio.rooms import PLAIN, Delivery, Selection

if TYPE_CHECKING:
    from sansio_eio.engineio.pending import Pending
    from sansio_eio.socketio.socket import Socket


@dataclass(slots=True, frozen=True)
class SocketOperator:
    """How to emit to one socket, or from it to others. Immutable."""

    socket: Socket
    delivery: Delivery = PLAIN
    seconds: float | None = None

    @property
    def volatile(self) -> SocketOperator:
        """See `Socket.volatile`."""
        return replace(self, delivery=replace(self.delivery, volatile=True))

    def compress(self, compress: bool) -> SocketOperator:
        """See `Socket.compress`."""
        return replace(self, delivery=replace(self.delivery, compress=compress))

    def timeout(self, seconds: float) -> SocketOperator:
        """See `Socket.timeout`."""
        return replace(self, seconds=check_timeout(seconds))

    @property
    def local(self) -> BroadcastOperator:
        """See `Socket.local`."""
        return self.broadcast.local

    @property
    def broadcast(self) -> BroadcastOperator:
        """See `Socket.broadcast`."""
        selection = Selection(excluded=(self.socket.id,))
        return BroadcastOperator(self.socket.namespace, selection, self.delivery, self.seconds)

    def to(self, rooms: Rooms) -> BroadcastOperator:
        """See `Socket.to`."""
        return self.broadcast.to(rooms)

    def in_(self, rooms: Rooms) -> BroadcastOperator:
        """See `Socket.in_`."""
        return self.broadcast.to(rooms)

    def except_(self, rooms: Rooms) -> BroadcastOperator:
        """See `Socket.except_`."""
        return self.broadcast.except_(rooms)

    def emit(self, event: str | float, *args: Any) -> bool:
        """See `Socket.emit`."""
        return self.socket.emit_as(self.delivery, event, args)

    def send(self, *args: Any) -> bool:
        """See `Socket.send`."""
        return self.emit("message", *args)

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """See `Socket.emit_with_ack`."""
        return self.socket.emit_with_ack_as(self.delivery, self.seconds, event, args)
