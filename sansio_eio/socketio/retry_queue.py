"""Events that are sent again until the server has acknowledged them: the reference's `retries`."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import AckDisconnected, AckError

if TYPE_CHECKING:
    from sansio_eio.socketio.client_socket import ClientSocket
    from sansio_eio.socketio.delivery import Delivery
    from sansio_eio.socketio.outlet import Outlet

logger = logging.getLogger("sansio_eio")


class Repeated:
    """An event that is sent again, until it is acknowledged."""

    __slots__ = ("asks", "data", "delivery", "size", "timeout", "tries", "under_way", "whole")

    def __init__(
        self,
        data: list[Any],
        delivery: Delivery,
        timeout: float | None,
        size: int,
        whole: Pending[Any],
        *,
        asks: bool = False,
    ) -> None:
        self.data = data
        self.delivery = delivery
        #: Of one try.
        self.timeout = timeout
        #: In bytes, as it will be sent, but for the id of its acknowledgement.
        self.size = size
        #: The end of it all, as opposed to that of one try.
        self.whole = whole
        #: Somebody looks at that.
        self.asks = asks
        self.tries = 0
        #: The try whose acknowledgement is to come.
        self.under_way: Pending[Any] | None = None


class RetryQueue:
    """One event at a time, so that they arrive in order; each several times, perhaps. With the lock held.

    A try ends with the acknowledgement, at its timeout, or when the connection is lost. The rest waits meanwhile, as it
    does in the reference: the order is worth more than the delay.
    """

    __slots__ = ("_events", "_is_trying", "_limit", "_outlet", "_retries", "_socket", "size")

    def __init__(self, outlet: Outlet, socket: ClientSocket, retries: int, limit: int) -> None:
        self._outlet = outlet
        self._socket = socket
        self._retries = retries
        self._limit = limit
        self._events: deque[Repeated] = deque()
        #: Bytes that wait.
        self.size = 0
        self._is_trying = False

    def add(self, event: Repeated) -> bool:
        """Send an event behind the others; False when too much waits already."""
        if self.size + event.size > self._limit:
            return False
        self.size += event.size
        self._events.append(event)
        self.go_on()
        return True

    def go_on(self) -> None:
        """Send what is next, if it is not under way, and the socket is connected."""
        # A listener for what is sent may emit, in the middle of a try.
        while self._events and not self._is_trying and self._events[0].under_way is None and self._socket.connected:
            event = self._events[0]
            event.tries += 1
            self._is_trying = True
            try:
                event.under_way = self._outlet.try_to_send(event.data, event.delivery, event.timeout)
            except LocalProtocolError as error:
                # The server that takes less than this was not known when it was emitted.
                self._socket.report(error, f"an event for {self._socket.namespace} that waited for the connection")
                self._drop()
                event.whole.fail(AckError(str(error)))
            finally:
                self._is_trying = False
            if event.under_way is not None:
                event.under_way.add_done_callback(self._tried)

    def drop_asking(self) -> None:
        """Forget the events whose end somebody waits for, and tell them."""
        dropped = [event for event in self._events if event.asks]
        self._events = deque(event for event in self._events if not event.asks)
        self.size = sum(event.size for event in self._events)
        for event in dropped:
            event.whole.fail(AckDisconnected())

    def send_rest(self) -> None:
        """There is no time to wait for acknowledgements: send what was not sent yet, once."""
        for event in list(self._events):
            if event.tries == 0 and self._outlet.send_once(event.data, event.delivery):
                event.tries = 1

    def clear(self) -> int:
        """Nothing of it will be sent any more; how many events have never been."""
        events, self._events = self._events, deque()
        self.size = 0
        for event in events:
            event.whole.fail(AckDisconnected())
        return sum(event.tries == 0 for event in events)

    def _tried(self, ack: Pending[Any]) -> None:
        event = self._events[0] if self._events else None
        if event is None or event.under_way is not ack:
            # It has been dropped meanwhile.
            return
        event.under_way = None
        if ack.error is None:
            self._drop()
            event.whole.resolve(ack.value)
        elif event.tries > self._retries:
            self._drop()
            logger.warning("an event for %s was given up: %s", self._socket.namespace, ack.error)
            event.whole.fail(ack.error)
        self.go_on()

    def _drop(self) -> None:
        self.size -= self._events.popleft().size
        self._outlet.look_at_drains()
