"""Emitting to one peer: what a socket of a server and one of a client have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.delivery import PLAIN, Delivery

if TYPE_CHECKING:
    from typing import Self

    from sansio_eio.engineio.pending import Pending


def check_timeout(seconds: float) -> float:
    """The timeout itself; LocalProtocolError when it is not a positive number of seconds."""
    if not 0 < seconds < float("inf"):
        raise LocalProtocolError("a timeout is a positive number of seconds")
    return seconds


class Emitter(Protocol):
    """A socket, as an operator knows it."""

    def emit_as(self, delivery: Delivery, event: str | float, args: Sequence[Any]) -> bool:
        """`emit`, in the way that an operator says."""
        ...

    def emit_with_ack_as(
        self, delivery: Delivery, timeout: float | None, event: str | float, args: Sequence[Any]
    ) -> Pending[Any]:
        """`emit_with_ack`, in the way that an operator says."""
        ...


O_co = TypeVar("O_co", covariant=True)


@dataclass(slots=True, frozen=True)
class EmitOperator:
    """How to emit to one peer. Immutable: each step gives a new one, so one may be kept and used again."""

    socket: Emitter
    delivery: Delivery = PLAIN
    seconds: float | None = None

    @property
    def volatile(self) -> Self:
        """Drop the event when the peer is not ready for it now."""
        return replace(self, delivery=replace(self.delivery, volatile=True))

    def compress(self, compress: bool) -> Self:
        """Whether the event may be compressed, where the transport can."""
        return replace(self, delivery=replace(self.delivery, compress=compress))

    def timeout(self, seconds: float) -> Self:
        """How long `emit_with_ack` waits for the answer."""
        return replace(self, seconds=check_timeout(seconds))

    def emit(self, event: str | float, *args: Any) -> bool:
        """See `emit` of the socket."""
        return self.socket.emit_as(self.delivery, event, args)

    def send(self, *args: Any) -> bool:
        """`emit("message", ...)`."""
        return self.emit("message", *args)

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """See `emit_with_ack` of the socket."""
        return self.socket.emit_with_ack_as(self.delivery, self.seconds, event, args)


class Emitting(ABC, Generic[O_co]):
    """`emit` and what goes with it, for a socket. No method of it ever waits."""

    __slots__ = ()

    @abstractmethod
    def emit_as(self, delivery: Delivery, event: str | float, args: Sequence[Any]) -> bool:
        """`emit`, in the way that an operator says."""

    @abstractmethod
    def emit_with_ack_as(
        self, delivery: Delivery, timeout: float | None, event: str | float, args: Sequence[Any]
    ) -> Pending[Any]:
        """`emit_with_ack`, in the way that an operator says."""

    @abstractmethod
    def _operator(self, delivery: Delivery = PLAIN, seconds: float | None = None) -> O_co:
        """The operator for this way."""

    def send(self, *args: Any) -> bool:
        """`emit("message", ...)`."""
        return self.emit_as(PLAIN, "message", args)

    def call(self, event: str | float, *args: Any, timeout: float) -> Pending[Any]:
        """`emit_with_ack` that ends with AckTimeout after `timeout` seconds."""
        return self.emit_with_ack_as(PLAIN, check_timeout(timeout), event, args)

    def timeout(self, seconds: float) -> O_co:
        """How long `emit_with_ack` waits for the answer."""
        return self._operator(seconds=check_timeout(seconds))

    @property
    def volatile(self) -> O_co:
        """Drop the event when the peer is not ready for it now."""
        return self._operator(Delivery(volatile=True))

    def compress(self, compress: bool) -> O_co:
        """Whether the event may be compressed, where the transport can."""
        return self._operator(Delivery(compress=compress))
