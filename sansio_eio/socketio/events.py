"""What there is to tell the application, for programs that pull events instead of adding handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import FAILED
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import ack_arguments

if TYPE_CHECKING:
    # Only type checkers know that S has a default, so `EventReceived` alone is a type as well.
    from typing_extensions import TypeVar

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.errors import RemoteProtocolError
    from sansio_eio.socketio.socket import Socket

    S = TypeVar("S", bound="Answering", default=Any)
else:
    from typing import TypeVar

    S = TypeVar("S", bound="Answering")


class Answering(Protocol):
    """A socket that events come to: a `Socket` of a server, or a `ClientSocket`."""

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        ...

    @property
    def connected(self) -> bool:
        """Whether anything can be sent to the peer."""
        ...

    def encode_answer(self, ack_id: int, args: list[Any]) -> Outgoing:
        """The acknowledgement of an event; LocalProtocolError for what cannot be sent."""
        ...

    def queue_answer(self, event: EventReceived[Any], outgoing: Outgoing) -> bool:
        """Send the acknowledgement of this event, unless the peer that waits for it has gone. With the lock held."""
        ...

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `on_error`."""


@dataclass(slots=True)
class Connected:
    """A client has connected to a namespace."""

    socket: Socket


@dataclass(slots=True)
class EventReceived(Generic[S]):
    """The peer has emitted an event. With an `ack_id`, it waits for an answer."""

    socket: S
    event: str | float
    args: list[Any]
    ack_id: int | None = None

    def ack(self, *args: Any) -> bool:
        """Answer, once. False when it cannot be delivered, nobody asked, or there was an answer before.

        Raises LocalProtocolError for what cannot be sent; the peer can still be answered then.
        """
        ack_id = self.ack_id
        if ack_id is None or not self.socket.connected:
            return False
        outgoing = self.socket.encode_answer(ack_id, list(args))
        lock = self.socket.lock
        if lock is None:
            return self._answer(outgoing)
        with lock:
            return self._answer(outgoing)

    def _answer(self, outgoing: Outgoing) -> bool:
        if self.ack_id is None:
            return False
        ack_id, self.ack_id = self.ack_id, None
        try:
            return self.socket.queue_answer(self, outgoing)
        except LocalProtocolError:
            # Larger than the peer takes.
            self.ack_id = ack_id
            raise


@dataclass(slots=True)
class Disconnected:
    """A socket has been disconnected, for this reason; `error` says what the peer did wrong, if it did."""

    socket: Socket
    reason: str
    error: RemoteProtocolError | None = None


Event: TypeAlias = "Connected | EventReceived[Socket] | Disconnected"


class Reply:
    """The acknowledgement of an event by its handlers: the first that returns something answers.

    When none does, the answer has no argument. A handler that raises does not answer: what the peer waits for ends with
    its timeout, for an empty answer would tell it that all is well.
    """

    __slots__ = ("_any_done", "_event", "_handlers", "_left")

    def __init__(self, event: EventReceived[Any], handlers: int) -> None:
        self._event = event
        self._handlers = self._left = handlers
        self._any_done = False

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        socket: Answering = self._event.socket
        return socket.lock

    def finished(self, result: object) -> None:
        """One of the handlers has finished; `result` is FAILED when it raised."""
        done = result is not FAILED
        if not done:
            result = None
        last = done if self._handlers == 1 else self._is_last(done)
        if last or result is not None:
            try:
                self._event.ack(*ack_arguments(result))
            except LocalProtocolError as error:
                self._event.socket.report(error, f"the return value of a handler of {self._event.event}")

    @atomic
    def _is_last(self, done: bool) -> bool:
        """Whether all have finished, and not all by raising. In threads, concurrent handlers may finish at once."""
        self._left -= 1
        self._any_done = self._any_done or done
        return self._left == 0 and self._any_done
