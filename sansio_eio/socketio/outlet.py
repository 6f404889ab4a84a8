"""What goes out of a client's socket, and what of it is waited for."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.outbox import LOW_WATER
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import Ack, AckDisconnected, AckError, AckTimeout, PendingAcks
from sansio_eio.socketio.catch_all import tell_outgoing
from sansio_eio.socketio.parser import EVENT, Packet
from sansio_eio.socketio.retry_queue import Repeated, RetryQueue
from sansio_eio.socketio.send_buffer import Kept, SendBuffer

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.client_session import ClientSession
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.socketio.client_socket import ClientSocket
    from sansio_eio.socketio.delivery import Delivery

logger = logging.getLogger("sansio_eio")

#: When the buffer of the session is full, it is looked at again after so many seconds.
FULL = 0.1


class Outlet:
    """Events on their way out: sent at once, kept until the socket is connected, or sent again and again.

    `emit`, `ask` and `drain` are for anybody; all else is called with the lock held.
    """

    def __init__(self, socket: ClientSocket) -> None:
        client = self._client = socket.client
        self._socket = socket
        self._next_id = 0
        #: The acknowledgements that are to come, some of them of events that have not been sent.
        self.acks = PendingAcks[object](client.max_pending_acks)
        self._buffer = SendBuffer(client.max_send_buffer)
        limit = client.max_send_buffer
        self._queue = RetryQueue(self, socket, client.retries, limit) if client.retries else None
        self._drain: Pending[None] | None = None

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._client.engine.lock

    @property
    def size(self) -> int:
        """Bytes that wait here, and not yet in the session."""
        return self._buffer.size + (0 if self._queue is None else self._queue.size)

    @property
    def _session(self) -> ClientSession | None:
        return self._client.link.session if self._socket.connected else None

    # -- for the application ---------------------------------------------------------------------------------------

    def emit(self, data: list[Any], delivery: Delivery) -> bool:
        """Send an event; False when it never will be."""
        outgoing = self._encode(data, None, delivery)
        if self._queue is None or delivery.volatile:
            return self._emit(Kept(outgoing, data, None))
        whole = Pending[Any](self._client.engine)
        return self._repeat(self._queue, Repeated(data, delivery, None, outgoing.size, whole), outgoing)

    def ask(self, data: list[Any], delivery: Delivery, timeout: float | None) -> Pending[Any]:
        """Send an event, and wait for the answer."""
        if self._socket.is_given_up:
            ended = Pending[Any](self._client.engine)
            ended.fail(AckDisconnected())
            return ended
        if self._queue is None or delivery.volatile:
            ack_id = self._new_id()
            return self._ask(Kept(self._encode(data, ack_id, delivery), data, ack_id), ack_id, timeout)
        whole = Pending[Any](self._client.engine)
        outgoing = self._encode(data, None, delivery)
        event = Repeated(data, delivery, timeout, outgoing.size, whole, asks=True)
        if not self._repeat(self._queue, event, outgoing):
            whole.fail(self._unsent())
        return whole

    @atomic
    def drain(self) -> Pending[None]:
        """Done when most of what waits has been taken, or the socket is no longer active."""
        pending = self._drain = self._drain or Pending[None](self._client.engine)
        self.look_at_drains()
        return pending

    # -- what happens to the socket --------------------------------------------------------------------------------

    def open(self) -> None:
        """The socket is connected: send what has been kept, and then what is sent again and again."""
        while self._buffer and (session := self._session) is not None:
            kept = self._buffer.oldest
            try:
                if not session.queue_packet(kept.outgoing):
                    # Its buffer is full of what other sockets have sent.
                    self._client.engine.set_timeout(self, FULL)
                    return
            except LocalProtocolError as error:
                self._give_up(kept, error)
            else:
                self._buffer.drop_oldest()
                tell_outgoing(self._socket.any_outgoing, kept.data, self._client.engine.host)
        if self._queue is not None:
            self._queue.go_on()
        self.look_at_drains()

    def expire(self, *, now: float) -> None:
        """There may be room in the session again."""
        self.open()

    def close(self) -> None:
        """The socket is not connected any longer: no answer will come to what was sent."""
        self._client.engine.deadlines.cancel(self)
        self.acks.fail_all(self._socket, AckDisconnected, self._buffer)

    def give_up(self) -> None:
        """The socket is no longer active: nobody knows when an answer could come to what has not been sent."""
        self._buffer.drop_asking()
        if self._queue is not None:
            self._queue.drop_asking()
        self.acks.fail_all(self._socket, AckDisconnected)

    def drop_all(self) -> None:
        """The client is closed: nothing waits any longer, and nobody."""
        dropped = self._buffer.clear()
        if self._queue is not None:
            dropped += self._queue.clear()
        if dropped:
            logger.warning("%d events for %s were not sent: the client was closed", dropped, self._socket.namespace)
        self.acks.fail_all(self._socket, AckDisconnected)

    def give_up_acks(self) -> None:
        """No answer has been read for too long."""
        self.acks.fail_all(self._socket, AckTimeout, self._buffer)

    def forget_ack(self, ack_id: int) -> bool:
        """Nobody waits for this answer any longer: an event that has not been sent need not be."""
        self._buffer.remove(ack_id)
        self.look_at_drains()
        return self.acks.forget(ack_id)

    def queue_packet(self, outgoing: Outgoing) -> bool:
        """Send a packet now; False when that cannot be."""
        session = self._session
        return session is not None and session.queue_packet(outgoing)

    def try_to_send(self, data: list[Any], delivery: Delivery, timeout: float | None) -> Ack:
        """One try of an event that is sent again and again: it ends at the timeout, even if it could not be sent."""
        ack_id = self._new_id()
        outgoing = self._encode(data, ack_id, delivery)
        self._check_size(outgoing)
        ack = self._make_ack(ack_id, timeout)
        # There is one at a time, and none must be tried in vain because of others that are waited for.
        self.acks.add(ack_id, ack, anyway=True)
        tell_outgoing(self._socket.any_outgoing, data, self._client.engine.host)
        self.queue_packet(outgoing)
        return ack

    def send_rest(self) -> None:
        """The client is about to be closed: send what has been waiting for the acknowledgement of something else."""
        if self._queue is not None:
            self._queue.send_rest()

    def send_once(self, data: list[Any], delivery: Delivery) -> bool:
        """An event whose acknowledgement nobody has the time to wait for; False when it cannot be sent."""
        try:
            return self.queue_packet(self._encode(data, None, delivery))
        except LocalProtocolError as error:
            self._socket.report(error, f"an event for {self._socket.namespace} that waited for the connection")
            return False

    def look_at_drains(self) -> None:
        """Something that waited here does so no longer."""
        if self._drain is None or (self._socket.active and self.size > LOW_WATER):
            return
        pending, self._drain = self._drain, None
        session = self._session
        if session is None:
            pending.resolve(None)
        else:
            session.drain().add_done_callback(partial(_release, pending))

    # -- inside ----------------------------------------------------------------------------------------------------

    @atomic
    def _new_id(self) -> int:
        ack_id = self._next_id
        self._next_id += 1
        return ack_id

    def _encode(self, data: list[Any], ack_id: int | None, delivery: Delivery) -> Outgoing:
        packet = Packet(EVENT, self._socket.namespace, data, ack_id)
        return self._client.encode(packet, volatile=delivery.volatile, compress=delivery.compress)

    def _check_size(self, outgoing: Outgoing) -> None:
        """LocalProtocolError for more than the server takes, where it is known how much that is."""
        session = self._session
        if session is not None:
            session.check_size(outgoing)

    @atomic
    def _emit(self, kept: Kept) -> bool:
        self._check_size(kept.outgoing)
        return self._send(kept)

    @atomic
    def _ask(self, kept: Kept, ack_id: int, timeout: float | None) -> Ack:
        self._check_size(kept.outgoing)
        ack = self._make_ack(ack_id, timeout)
        if not self.acks.add(ack_id, ack):
            ack.failed(self, AckError("too many acknowledgements are pending"))
        elif not self._send(kept):
            self.acks.fail(self._socket, ack_id, self._unsent())
        return ack

    @atomic
    def _repeat(self, queue: RetryQueue, event: Repeated, outgoing: Outgoing) -> bool:
        self._check_size(outgoing)
        return not self._client.closed and queue.add(event)

    def _make_ack(self, ack_id: int, timeout: float | None) -> Ack:
        engine = self._client.engine
        return Ack(engine, engine, self, ack_id, self._client.ack_timeout if timeout is None else timeout)

    def _send(self, kept: Kept) -> bool:
        session = self._session
        if session is None or self._buffer:
            # Behind what waits already, if there is any.
            return not (kept.outgoing.volatile or self._client.closed) and self._buffer.add(kept)
        if kept.outgoing.volatile and not session.writable:
            return False
        tell_outgoing(self._socket.any_outgoing, kept.data, self._client.engine.host)
        # What a listener does may have ended it.
        return self.queue_packet(kept.outgoing)

    def _unsent(self) -> AckError:
        return AckDisconnected() if self._client.closed else AckError("the event could not be sent")

    def _give_up(self, kept: Kept, error: LocalProtocolError) -> None:
        """An event can never be sent: what this server takes was not known when it was emitted."""
        self._buffer.drop_oldest()
        self._socket.report(error, f"an event for {self._socket.namespace} that waited for the connection")
        if kept.ack_id is not None:
            self.acks.fail(self._socket, kept.ack_id, AckError(str(error)))


def _release(waiting: Pending[None], _: object) -> None:
    waiting.resolve(None)
