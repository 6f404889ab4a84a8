"""Acknowledgements: they always end, with an answer, a timeout, or the end of the connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from sansio_eio.engineio.pending import Pending

if TYPE_CHECKING:
    from sansio_eio.socketio.server import Server
    from sansio_eio.socketio.socket import Socket


class AckError(Exception):
    """An acknowledgement ended without an answer. After a broadcast, `responses` are the answers that did come."""

    def __init__(self, message: str, responses: list[Any] | None = None) -> None:
        super().__init__(message)
        self.responses: list[Any] = responses if responses is not None else []


class AckTimeout(AckError):  # noqa: N818  (a timeout is not an error of anybody's)
    """The answer did not come in time."""

    def __init__(self, responses: list[Any] | None = None) -> None:
        super().__init__("operation has timed out", responses)


class AckDisconnected(AckError):  # noqa: N818  (the same)
    """The peer was disconnected before it answered."""

    def __init__(self, responses: list[Any] | None = None) -> None:
        super().__init__("socket has been disconnected", responses)


class AckSlot(Protocol):
    """What a socket keeps under the id of an acknowledgement that it waits for."""

    def answered(self, socket: Socket, arguments: Sequence[Any]) -> None:
        """The peer has answered."""

    def failed(self, socket: Socket, error: AckError) -> None:
        """There will be no answer."""


def ack_value(arguments: Sequence[Any]) -> Any:
    """What an answer is for the application: None, the one argument, or a tuple of several."""
    if len(arguments) == 1:
        return arguments[0]
    return tuple(arguments) if arguments else None


def ack_arguments(value: Any) -> list[Any]:
    """The other way round: the arguments that a handler's return value stands for."""
    if value is None:
        return []
    return list(cast("Sequence[Any]", value)) if isinstance(value, tuple) else [value]


class Ack(Pending[Any]):
    """The acknowledgement of one socket."""

    __slots__ = ("_id", "_server", "_socket")

    def __init__(self, server: Server, socket: Socket, ack_id: int, timeout: float | None) -> None:
        super().__init__(socket.connection.session)
        self._server = server
        self._socket = socket
        self._id = ack_id
        if timeout is not None:
            server.engine.set_timeout(self, timeout)

    def answered(self, socket: Socket, arguments: Sequence[Any]) -> None:
        """See `AckSlot`."""
        self._server.engine.deadlines.cancel(self)
        self._end(ack_value(arguments), None)

    def failed(self, socket: Socket, error: AckError) -> None:
        """See `AckSlot`."""
        self._server.engine.deadlines.cancel(self)
        self._end(None, error)

    def expire(self, *, now: float) -> None:
        """The answer did not come in time; one that comes later is ignored."""
        self._socket.forget_ack(self._id)
        self._end(None, AckTimeout())


class BroadcastAck(Pending[list[Any]]):
    """The acknowledgements of all the sockets that a packet was broadcast to, in the order in which they came.

    It ends when every one of them has answered or gone, and at the latest at the timeout.
    """

    __slots__ = ("_failure", "_id", "_responses", "_server", "_waiting")

    def __init__(self, server: Server, ack_id: int, sockets: Sequence[Socket], timeout: float) -> None:
        super().__init__(server.engine)
        self._server = server
        self._id = ack_id
        self._waiting = dict.fromkeys(sockets)
        self._responses: list[Any] = []
        self._failure: AckError | None = None
        server.engine.set_timeout(self, timeout)
        if not self._waiting:
            self._finish()

    def answered(self, socket: Socket, arguments: Sequence[Any]) -> None:
        """See `AckSlot`."""
        self._responses.append(ack_value(arguments))
        self._done_with(socket)

    def failed(self, socket: Socket, error: AckError) -> None:
        """See `AckSlot`."""
        self._failure = self._failure or error
        self._done_with(socket)

    def expire(self, *, now: float) -> None:
        """Some answers did not come in time; those that come later are ignored."""
        for socket in self._waiting:
            socket.forget_ack(self._id)
        self._waiting.clear()
        self._end(None, AckTimeout(self._responses))

    def _done_with(self, socket: Socket) -> None:
        self._waiting.pop(socket, None)
        if not self._waiting:
            self._finish()

    def _finish(self) -> None:
        self._server.engine.deadlines.cancel(self)
        if self._failure is None:
            self._end(self._responses, None)
        else:
            self._failure.responses = self._responses
            self._end(None, self._failure)
