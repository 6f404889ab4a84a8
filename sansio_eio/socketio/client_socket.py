"""One namespace of a server, seen by a client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.client_events import ConnectError
from sansio_eio.engineio.handlers import HandlerTable, Listening
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.catch_all import CatchAll
from sansio_eio.socketio.client_events import ClientEventReceived, Inactive, News, Stay
from sansio_eio.socketio.client_options import check_auth
from sansio_eio.socketio.delivery import PLAIN, Delivery
from sansio_eio.socketio.emitting import EmitOperator, Emitting
from sansio_eio.socketio.encoding import event_data
from sansio_eio.socketio.inbox import EventIterator, Inbox
from sansio_eio.socketio.membership import Membership
from sansio_eio.socketio.outlet import Outlet
from sansio_eio.socketio.parser import ACK, RESERVED_EVENTS, Packet
from sansio_eio.socketio.reasons import CONNECT_ERROR, IO_CLIENT_DISCONNECT

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.socketio.client import Client
    from sansio_eio.socketio.client_options import Auth
    from sansio_eio.socketio.events import EventReceived

logger = logging.getLogger("sansio_eio")

#: The events of a socket's own life, which no server can send.
LIFECYCLE = ("connect", "connect_error", "disconnect")


class ClientSocket(Emitting["ClientOperator"], CatchAll, Listening):
    """One namespace of a server, seen by a client: made by `Client`, `Client.of`, and `of`.

    It has these events, besides those that the server emits, for `on`:

    * "connect": it is connected, the first time and after each loss of the connection;
    * "connect_error" with a `ConnectError`: it is not. Look at `active`: the connection could not be made, and it is
      tried again; or the server has refused the namespace, and will not be asked again before `connect` is called;
    * "disconnect" with the reason: "io server disconnect" and "io client disconnect" are for good; "ping timeout",
      "transport close", "transport error" and "parse error" are those of a lost connection, after which it comes back.

    What a handler of a server's event returns is the acknowledgement. Events that no handler takes wait for whoever
    iterates over the socket, with `async for`, and where a driver of threads serves it, with `for`. While somebody
    does, none is dropped, and the server is not read from while too many wait; else the oldest of more than
    `max_inbound` are dropped. It ends when the socket is no longer active.

    Nothing here waits: `emit` queues, and a `Pending` is to be awaited, or in threads waited for with `wait`.
    """

    def __init__(self, client: Client, namespace: str, auth: Auth) -> None:
        super().__init__()
        settings = client.engine.settings
        self.client = client
        #: The name of the namespace, which begins with a slash.
        self.namespace = namespace
        self._auth = check_auth(auth)
        #: Whether it is connected, or tries to be by itself.
        self.active = False
        self.handlers = HandlerTable()
        self._lifecycle = HandlerTable()
        self._membership = Membership(self, client.link)
        self._outlet = Outlet(self)
        self._inbox = Inbox(
            client.engine,
            client.link.brake,
            namespace,
            max_events=settings.max_inbound,
            max_size=settings.max_inbound_size,
        )
        #: Why it is no longer active.
        self._reason = IO_CLIENT_DISCONNECT
        #: It has been active, and is not any longer; why, for those who wait for it to be connected.
        self.is_given_up = False
        self._failure = ConnectError(IO_CLIENT_DISCONNECT)
        # Who waits for what; see `wait_connected` and `wait_disconnected`.
        self._connect: Pending[None] | None = None
        self._end: Pending[str] | None = None

    def __repr__(self) -> str:
        state = "connected" if self.connected else "active" if self.active else "inactive"
        return f"<ClientSocket of {self.namespace} {state}>"

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.client.engine.lock

    # -- state -----------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str | None:
        """The public id that the server gave it; None while it is not connected, and another one each time."""
        stay = self._membership.stay
        return None if stay is None else stay.id

    @property
    def connected(self) -> bool:
        """Whether the server has let it in, and it has not been disconnected since."""
        return self._membership.stay is not None

    @property
    def auth(self) -> Auth:
        """What it shows of itself at its next connect: a dict, None, or a function that gives one. May be set."""
        return self._auth

    @auth.setter
    @atomic
    def auth(self, auth: Auth) -> None:
        self._auth = check_auth(auth)

    @property
    @atomic
    def buffered(self) -> int:
        """Bytes that wait: for a connection, or for the server to take them, for all namespaces of the connection."""
        return self._outlet.size + self.client.engine.buffered

    def drain(self) -> Pending[None]:
        """Done when most of what waits has been taken, or the socket is no longer active: await it to keep its pace."""
        return self._outlet.drain()

    # -- connecting ------------------------------------------------------------------------------------------------

    @atomic
    def connect(self) -> None:
        """Connect to the namespace, and stay connected: after a loss of the connection it comes back by itself.

        Nothing happens at the end of a driver's `connect`, such as in a handler of the last "disconnect".
        """
        if self.active or (self.client.engine.leaving and self.client.engine.runtime is not None):
            return
        self.client.reopen()
        self.active = True
        self.is_given_up = False
        self._inbox.ended = False
        self.client.link.start()
        self._membership.ask()

    @atomic
    def disconnect(self) -> None:
        """Leave the namespace, with the reason "io client disconnect". It does not come back before `connect`.

        What was emitted before on this connection is still sent, though the reference's server forgets events that it
        finds in front of a DISCONNECT: to lose none, wait for an acknowledgement first, or use `Client.close`. What
        waits for a connection is kept for the next. When no namespace is left, the connection is closed.
        """
        if not self.active:
            return
        was_connected = self.connected
        self.active = False
        self._membership.leave()
        self.client.link.look()
        if was_connected:
            self._disconnected(IO_CLIENT_DISCONNECT)
        self._inactive(IO_CLIENT_DISCONNECT)

    def of(self, namespace: str, *, auth: Auth = None) -> ClientSocket:
        """The socket of another namespace of the same connection; see `Client.of`."""
        return self.client.of(namespace, auth=auth)

    @atomic
    def wait_connected(self) -> Pending[None]:
        """Done when it is connected; fails with ConnectError at the next "connect_error", and when it is given up.

        Before the first `connect` it waits for that; when it has been given up, it fails at once.
        """
        if not self.connected and not self.is_given_up:
            self._connect = self._connect or Pending[None](self.client.engine)
            return self._connect
        pending = Pending[None](self.client.engine)
        if self.connected:
            pending.resolve(None)
        else:
            pending.fail(self._failure)
        return pending

    @atomic
    def wait_disconnected(self) -> Pending[str]:
        """Done, with the reason, when it is no longer active: it will not come back by itself.

        The reason is that of "disconnect"; or "connect_error" when the server has refused the namespace, or the
        connection could not be made; or "reconnect_failed" when the client has tried it too often.
        """
        if self.active:
            self._end = self._end or Pending[str](self.client.engine)
            return self._end
        pending = Pending[str](self.client.engine)
        pending.resolve(self._reason)
        return pending

    # -- events ----------------------------------------------------------------------------------------------------

    def handler_table(self, event: str | float) -> HandlerTable:
        if event in LIFECYCLE:
            return self._lifecycle
        if event in RESERVED_EVENTS:
            raise LocalProtocolError(f"a socket of a client has the events {', '.join(LIFECYCLE)}, not {event!r}")
        return self.handlers

    @atomic
    def next_event(self) -> EventReceived[ClientSocket] | None:
        """The oldest event that no handler has taken; None when there is none now.

        For programs without a loop to wait in. Who has called it once has to go on: it counts as iterating for ever.
        """
        self._inbox.pulled = True
        return self._inbox.take()

    def __aiter__(self) -> EventIterator:
        return EventIterator(self._inbox)

    def __iter__(self) -> EventIterator:
        return EventIterator(self._inbox)

    # -- emitting: see `Emitting` for the rest ---------------------------------------------------------------------

    def emit(self, event: str | float, *args: Any) -> bool:
        """Send an event. False when it will not be sent: too much waits, or the client is closed.

        While the socket is not connected the event is kept for the next connect. With the client's `retries` it is sent
        again until the server acknowledges it. Arguments are what JSON knows, and bytes at any depth. Raises
        LocalProtocolError for anything else, for a reserved name, and for what is larger than the server takes.
        """
        return self.emit_as(PLAIN, event, args)

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """Send an event and wait for the answer: None, its one argument, or a tuple of several.

        Ends with AckDisconnected when the connection is lost first, and with AckTimeout after the client's
        `ack_timeout`, or that of `timeout`. With the client's `retries` it is the end of the last try.
        """
        return self.emit_with_ack_as(PLAIN, None, event, args)

    def emit_as(self, delivery: Delivery, event: str | float, args: Sequence[Any]) -> bool:
        return self._outlet.emit(event_data(event, args), delivery)

    def emit_with_ack_as(
        self, delivery: Delivery, timeout: float | None, event: str | float, args: Sequence[Any]
    ) -> Pending[Any]:
        return self._outlet.ask(event_data(event, args), delivery, timeout)

    def _operator(self, delivery: Delivery = PLAIN, seconds: float | None = None) -> ClientOperator:
        return ClientOperator(self, delivery, seconds)

    # -- for the link, with the lock held --------------------------------------------------------------------------

    def ask(self) -> None:
        """The session is open: connect."""
        self._membership.ask()

    def take(self, packet: Packet, size: int) -> None:
        """A packet of the namespace has arrived, in so many bytes."""
        self._membership.take(packet, size)

    def failed(self, error: ConnectError) -> None:
        """It is not connected; whether it stays active is another question."""
        self._tell("connect_error", error)
        self._fail_connect(error)

    def leave_session(self, reason: str, *, wanted: bool, again: bool) -> Callable[[], None]:
        """The session is over, `wanted` by this side or not; `again`, the next one is opened at once.

        What is given back tells the application, and whoever waits for something.
        """
        was_connected = self.connected
        self._membership.session_over(wanted=wanted)
        if was_connected:
            return partial(self._disconnected, reason)
        return partial(self.failed, ConnectError(reason)) if self.active and not again else ignore_end

    def abandon(self, reason: str) -> None:
        """It will not be tried again."""
        self.active = False
        self._inactive(reason)

    def send_rest(self) -> None:
        """The client is about to be closed: nothing more is waited for."""
        self._outlet.send_rest()

    def drop_all(self) -> None:
        """The client is closed: nothing waits any longer."""
        self.active = False
        self._outlet.drop_all()
        self._inactive(IO_CLIENT_DISCONNECT)

    def give_up_acks(self) -> None:
        """Nothing has been read for too long."""
        self._outlet.give_up_acks()

    # -- for the membership, with the lock held --------------------------------------------------------------------

    def joined(self, stay: Stay) -> None:
        """The server has let it in."""
        self._tell("connect")
        self._outlet.open()
        if self._membership.stay is stay:
            pending, self._connect = self._connect, None
            if pending is not None:
                pending.resolve(None)

    def refused(self, error: ConnectError) -> None:
        """The server has not let it in, or has not been asked: it is not tried again."""
        self.active = False
        if self._connect is None and not self._lifecycle.get("connect_error"):
            logger.warning("%s is not connected any more, and nobody is told: %s", self.namespace, error)
        self.client.link.look()
        self.failed(error)
        self._inactive(CONNECT_ERROR, error)

    def disconnected(self, reason: str) -> None:
        """This side or the other has ended its stay: it does not come back."""
        self.active = False
        self.client.link.look()
        self._disconnected(reason)
        self._inactive(reason)

    def answered(self, ack_id: int, arguments: Sequence[Any]) -> None:
        """The server has acknowledged an event."""
        self._outlet.acks.answered(self, ack_id, arguments)

    # -- for events that come ----------------------------------------------------------------------------------------

    def encode_answer(self, ack_id: int, args: list[Any]) -> Outgoing:
        """The acknowledgement of an event; LocalProtocolError for what cannot be sent."""
        return self.client.encode(Packet(ACK, self.namespace, args, ack_id))

    def queue_answer(self, event: EventReceived[Any], outgoing: Outgoing) -> bool:
        """Send it, unless the stay of the event is over: to the next one, it would answer another question."""
        assert isinstance(event, ClientEventReceived)
        return self._membership.stay is event.stay and self._outlet.queue_packet(outgoing)

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `Client.on_error`."""
        self.client.engine.host.report(error, where)

    @atomic
    def keep_event(self, event: ClientEventReceived) -> None:
        """No handler has taken it: it waits for whoever iterates."""
        self._inbox.put(event)

    @atomic
    def end_iteration(self) -> None:
        """All events have been told that came before the socket was no longer active."""
        if not self.active:
            self._inbox.end()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _tell(self, event: str, *args: object) -> None:
        self.client.link.put(News(self._lifecycle, event, args))

    def _disconnected(self, reason: str) -> None:
        self._reason = reason
        self._tell("disconnect", reason)
        self._outlet.close()

    def _inactive(self, reason: str, failure: ConnectError | None = None) -> None:
        if self.active:
            # Whoever was told has connected it again.
            return
        self._reason = reason
        self.is_given_up = True
        self.client.link.put(Inactive(self))
        self._outlet.give_up()
        self._failure = failure or ConnectError(reason)
        self._fail_connect(self._failure)
        end, self._end = self._end, None
        if end is not None:
            end.resolve(reason)
        self._outlet.look_at_drains()

    def _fail_connect(self, error: ConnectError) -> None:
        pending, self._connect = self._connect, None
        if pending is not None:
            pending.fail(error)


def ignore_end() -> None:
    """For a socket that is not concerned."""


class ClientOperator(EmitOperator):
    """How to emit to the server. Immutable."""

    __slots__ = ()

    socket: ClientSocket
