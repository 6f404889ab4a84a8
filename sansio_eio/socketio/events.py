"""What a Socket.IO server has to tell the application, for programs that pull events instead of adding handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sansio_eio.engineio.handlers import FAILED
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import ack_arguments
from sansio_eio.socketio.parser import ACK, Packet

if TYPE_CHECKING:
    from sansio_eio.errors import RemoteProtocolError
    from sansio_eio.socketio.socket import Socket


@dataclass(slots=True)
class Connected:
    """A client has connected to a namespace."""

    socket: Socket


@dataclass(slots=True)
class EventReceived:
    """A client has emitted an event. With an `ack_id`, it waits for an answer."""

    socket: Socket
    event: str | float
    args: list[Any]
    ack_id: int | None = None

    def ack(self, *args: Any) -> bool:
        """Answer, once. False when it cannot be delivered, nobody asked, or there was an answer before.

        Raises LocalProtocolError for what cannot be sent; the peer can still be answered then.
        """
        # To a client that has left, or has come back since, this would be the answer to another question.
        if self.ack_id is None or not self.socket.connected:
            return False
        sent = self.socket.send_packet(Packet(ACK, self.socket.namespace.name, list(args), self.ack_id))
        self.ack_id = None
        return sent


@dataclass(slots=True)
class Disconnected:
    """A socket has been disconnected, for this reason; `error` says what the peer did wrong, if it did."""

    socket: Socket
    reason: str
    error: RemoteProtocolError | None = None


Event: TypeAlias = Connected | EventReceived | Disconnected


class Reply:
    """The acknowledgement of an event by its handlers: the first that returns something answers.

    When none does, the answer has no argument. A handler that raises does not answer: what the peer waits for ends with
    its timeout, for an empty answer would tell it that all is well.
    """

    __slots__ = ("_any_done", "_event", "_left")

    def __init__(self, event: EventReceived, handlers: int) -> None:
        self._event = event
        self._left = handlers
        self._any_done = False

    def finished(self, result: object) -> None:
        """One of the handlers has finished; `result` is FAILED when it raised."""
        self._left -= 1
        if result is FAILED:
            result = None
        else:
            self._any_done = True
        if result is not None or (self._left == 0 and self._any_done):
            try:
                self._event.ack(*ack_arguments(result))
            except LocalProtocolError as error:
                errors = self._event.socket.namespace.server.engine.errors
                errors.report(error, f"the return value of a handler of {self._event.event}")
