"""Emitting to one socket of a server, or from it to others: how, as an immutable operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.socketio.broadcast import BroadcastOperator, Rooms
from sansio_eio.socketio.emitting import EmitOperator
from sansio_eio.socketio.rooms import Selection

if TYPE_CHECKING:
    from sansio_eio.socketio.socket import Socket


class SocketOperator(EmitOperator):
    """How to emit to one socket, or from it to others. Immutable."""

    __slots__ = ()

    socket: Socket

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
