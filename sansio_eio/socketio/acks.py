"""Acknowledgements: they always end, with an answer, a timeout, or the end of the connection."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from sansio_eio.engineio.pending import Pending

if TYPE_CHECKING:
    from sansio_eio.engineio.core import Core
    from sansio_eio.engineio.pending import Host
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


S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class AckSlot(Protocol[S_contra]):
    """What a socket keeps under the id of an acknowledgement that it waits for."""

    def answered(self, socket: S_contra, arguments: Sequence[Any]) -> None:
        """The peer has answered."""

    def failed(self, socket: S_contra, error: AckError) -> None:
        """There will be no answer."""


class PendingAcks(Generic[S]):
    """The acknowledgements that one socket waits for, by their ids."""

    __slots__ = ("_limit", "_slots")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots: dict[int, AckSlot[S]] = {}

    def add(self, ack_id: int, slot: AckSlot[S], *, anyway: bool = False) -> bool:
        """Wait for one more; False when that would be too many, unless it is done `anyway`."""
        if len(self._slots) >= self._limit and not anyway:
            return False
        self._slots[ack_id] = slot
        return True

    def answered(self, socket: S, ack_id: int, arguments: Sequence[Any]) -> None:
        """The peer has answered; an answer to nothing is ignored, as the reference does."""
        slot = self._slots.pop(ack_id, None)
        if slot is not None:
            slot.answered(socket, arguments)

    def fail(self, socket: S, ack_id: int, error: AckError) -> None:
        """This answer will not come."""
        slot = self._slots.pop(ack_id, None)
        if slot is not None:
            slot.failed(socket, error)

    def fail_all(self, socket: S, error: Callable[[], AckError], kept: Container[int] = ()) -> None:
        """None of the answers will come, but for those that are `kept`."""
        slots, self._slots = self._slots, {}
        for ack_id, slot in slots.items():
            if ack_id in kept:
                self._slots[ack_id] = slot
        for ack_id, slot in slots.items():
            if ack_id not in self._slots:
                slot.failed(socket, error())

    def forget(self, ack_id: int) -> bool:
        """Nobody waits for this answer any longer. False when nobody did anyway."""
        return self._slots.pop(ack_id, None) is not None


class Asking(Protocol):
    """A socket that waits for an acknowledgement."""

    def forget_ack(self, ack_id: int) -> bool:
        """Nobody waits for this answer any longer."""
        ...


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

    __slots__ = ("_core", "_id", "_socket")

    def __init__(self, host: Host, core: Core, socket: Asking, ack_id: int, timeout: float | None) -> None:
        super().__init__(host)
        self._core = core
        self._socket = socket
        self._id = ack_id
        if timeout is not None:
            core.set_timeout(self, timeout)

    def answered(self, socket: object, arguments: Sequence[Any]) -> None:
        """See `AckSlot`."""
        self._core.deadlines.cancel(self)
        self._end(ack_value(arguments), None)

    def failed(self, socket: object, error: AckError) -> None:
        """See `AckSlot`."""
        self._core.deadlines.cancel(self)
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
