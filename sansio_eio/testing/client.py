"""The clients of a network: Socket.IO in one namespace, or Engine.IO alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sansio_eio.engineio import ConnectError
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import ClientSocket
from sansio_eio.socketio.names import normal_name
from sansio_eio.testing.faults import ClientFaults
from sansio_eio.testing.options import check_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from sansio_eio.engineio import EngineClient, Pending
    from sansio_eio.engineio.handlers import AnyFunction
    from sansio_eio.socketio import Auth, Client, EventReceived
    from sansio_eio.socketio.client_events import ClientEventReceived
    from sansio_eio.testing.peer import Peer
    from sansio_eio.testing.simulation import Simulation
    from sansio_eio.testing.wires import Conditions

T = TypeVar("T")

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

#: So many events or messages of one client are kept; more than anybody looks at means that a test does not end.
MAX_RECEIVED = 100_000


class Event:
    """An event as it was received: equal to the tuple of its name and its arguments, and unpacked like that."""

    __slots__ = ("args", "name", "question")

    def __init__(self, data: Sequence[Any]) -> None:
        self.name: str | float = data[0]
        self.args = tuple(data[1:])
        #: The event of the library, where no function has answered it.
        self.question: EventReceived[Any] | None = None

    def __hash__(self) -> int:
        return hash(self.name)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.name, *self.args))

    def __eq__(self, other: object) -> bool:
        mine = (self.name, *self.args)
        return mine == (tuple(other) if isinstance(other, Event) else other)

    def __repr__(self) -> str:
        return repr((self.name, *self.args))

    @property
    def asks(self) -> bool:
        """Whether the server waits for an answer."""
        return self.question is not None and self.question.ack_id is not None

    def ack(self, *args: Any) -> None:
        """Answer the server's question. Raises LocalProtocolError when it did not ask, or has been answered."""
        if self.question is None or not self.asks:
            raise LocalProtocolError(f"nobody waits for an answer to {self.name!r}")
        self.question.ack(*args)


class Line(ClientFaults):
    """The line between a client and the server: its name in the transcript, and its faults. Made by `attach`."""

    def __init__(self, peer: Peer) -> None:
        #: For the network: the client.
        self.peer = peer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.peer.state} on {self.transport}>"

    @property
    def name(self) -> str:
        """What the transcript calls it."""
        return self.peer.name

    @property
    def transport(self) -> str:
        """What it is on now, or was last: "polling" or "websocket"."""
        return self.peer.transport

    def _peers(self) -> Sequence[Peer]:
        return (self.peer,)

    def _conditions(self) -> Sequence[Conditions]:
        return (self.peer.conditions,)


class Inbox(Line):
    """What a client has received, and the assertions on it that all clients share."""

    def __init__(self, net: Simulation, peer: Peer) -> None:
        super().__init__(peer)
        self._net = net
        self._looked_at = 0
        #: Why it was disconnected, in the words of the JavaScript client; None while it is not.
        self.disconnect_reason: str | None = None
        #: Why it did not get in; None where it did, or has not been answered yet.
        self.connect_error: ConnectError | None = None

    def close(self) -> None:
        """Close the connection behind what has been sent, and with it all namespaces, as a browser does with a tab."""
        self.peer.close()
        self.peer.flush()

    def answered(self) -> bool:
        """For the network: whether it has been let in, or refused."""
        return self._entering.done

    def _enter(self, entering: Pending[None]) -> None:
        """It is going to connect."""
        self._entering = entering
        entering.add_done_callback(self._entered)
        self.peer.flush()

    def _entered(self, entering: Pending[None]) -> None:
        if isinstance(entering.error, ConnectError):
            self.connect_error = entering.error

    def _connected(self) -> None:
        self.disconnect_reason = self.connect_error = None

    def _failed(self, error: ConnectError) -> None:
        self.connect_error = error

    def _disconnected(self, reason: str) -> None:
        self.disconnect_reason = reason

    def _keep(self, received: list[T], item: T) -> None:
        if len(received) >= MAX_RECEIVED:
            raise self._net.failure(f"{self.name} has received {MAX_RECEIVED} events")
        received.append(item)

    def _next(self, received: Sequence[T], expected: object) -> T:
        """The next that was not looked at, if it is what is expected."""
        if self._looked_at >= len(received):
            raise self._net.failure(f"{self.name} expected {expected!r} and has received nothing more{self._ending()}")
        item = received[self._looked_at]
        if item != expected:
            rest = len(received) - self._looked_at - 1
            behind = f" ({rest} more behind it)" if rest else ""
            raise self._net.failure(f"{self.name} expected {expected!r} and received {item!r}{behind}")
        self._looked_at += 1
        return item

    def _ending(self) -> str:
        """Why nothing more is going to come, for failures."""
        if self.connect_error is not None:
            return f": it was not let in ({self.connect_error.message})"
        return "" if self.disconnect_reason is None else f": it is disconnected ({self.disconnect_reason})"

    def _nothing(self, received: Sequence[object]) -> None:
        if self._looked_at < len(received):
            rest = list(received[self._looked_at :])
            raise self._net.failure(f"{self.name} expected nothing and received {rest!r}")

    def _take(self, received: Sequence[T]) -> list[T]:
        taken = list(received[self._looked_at :])
        self._looked_at = len(received)
        return taken


class KitSocket(ClientSocket):
    """The library's socket, which keeps for the test what no function has taken."""

    #: What is to be told of such an event.
    keep: Callable[[ClientEventReceived], None]

    def keep_event(self, event: ClientEventReceived) -> None:
        self.keep(event)


class Member(Inbox):
    """A Socket.IO client in one namespace; what is the same whether it runs by itself or in an event loop."""

    def __init__(self, net: Simulation, peer: Peer, socket: KitSocket) -> None:
        super().__init__(net, peer)
        #: The library's own socket, for all that is not here.
        self.socket: ClientSocket = socket
        #: Those of the same connection, by their namespaces, when there are several.
        self.family: dict[str, Self] = {}
        #: The id that the server has given it, of the last connection; "" before there was one.
        self.id = ""
        #: Everything that it has received.
        self.received: list[Event] = []
        socket.on_any(self._heard)
        socket.keep = self._unanswered
        socket.on("connect", self._connected)
        socket.on("connect_error", self._failed)
        socket.on("disconnect", self._disconnected)
        self.begin()

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.socket.namespace

    @property
    def connected(self) -> bool:
        """Whether it is connected to its namespace."""
        return self.socket.connected

    # What a test says

    def on(self, event: str | float, function: AnyFunction) -> AnyFunction:
        """Call `function(*args)` for each such event; what it returns answers the server's question.

        None answers with nothing, a tuple with several values. Without a function nothing is answered: see `Event.ack`.
        """
        return self.socket.on(event, function)

    def emit(self, event: str | float, *args: Any) -> None:
        """Send an event. Before the connection, it waits for it; LocalProtocolError behind its end."""
        self._check_active()
        self.socket.emit(event, *args)
        self.peer.flush()

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """Send an event that asks for an answer: look at `done` and `value` of what is returned when the network has
        settled. The end of the connection fails it with AckDisconnected.
        """
        self._check_active()
        answer = self.socket.emit_with_ack(event, *args)
        self.peer.flush()
        return answer

    def disconnect(self) -> None:
        """Leave the namespace with a DISCONNECT packet; leaving the last one closes the connection."""
        self.socket.disconnect()
        self.peer.flush()

    async def _calling(self, event: str | float, args: Sequence[Any], timeout: float) -> Any:
        answer = self.emit_with_ack(event, *args)
        await self._net.run_until(lambda: answer.done, timeout)
        if not answer.done:
            within = f" within {timeout:g} s" if timeout else ""
            raise self._net.failure(f"{self.name} has had no answer to {event!r}{within}")
        return answer.value

    def begin(self) -> None:
        """For the network: connect, if it is not connected."""
        entering = self.socket.wait_connected()
        self.socket.connect()
        self._enter(entering)

    # Inside

    def _sibling(self, namespace: str, auth: Auth) -> Self:
        """The one in another namespace of the same connection, connecting or connected."""
        check_auth(auth)
        client = self.socket.client
        name = normal_name(namespace)
        self.family[self.namespace] = self
        sibling = self.family.get(name)
        if sibling is None:
            sibling = self.family[name] = type(self)(self._net, self.peer, make_socket(client, name, auth))
            sibling.family = self.family
        else:
            client.of(name, auth=auth)
            sibling.begin()
        return sibling

    def _check_active(self) -> None:
        if not self.socket.active:
            raise LocalProtocolError(f"{self.name} is not connected to {self.namespace}{self._ending()}")

    def _connected(self) -> None:
        super()._connected()
        self.id = self.socket.id or self.id

    def _heard(self, *data: Any) -> None:
        self._keep(self.received, Event(data))

    def _unanswered(self, event: ClientEventReceived) -> None:
        # It has just been heard.
        self.received[-1].question = event


def make_socket(client: Client, namespace: str, auth: Auth) -> KitSocket:
    """The client's socket in this namespace."""
    socket = client.sockets[namespace] = KitSocket(client, namespace, auth)
    return socket


class EngineMember(Inbox):
    """An Engine.IO client; what is the same whether it runs by itself or in an event loop."""

    def __init__(self, net: Simulation, peer: Peer, engine: EngineClient) -> None:
        super().__init__(net, peer)
        #: The library's own client, for all that is not here.
        self.engine = engine
        #: Everything that it has received.
        self.messages: list[str | bytes] = []
        engine.on("open", self._connected)
        engine.on("error", self._failed)
        engine.on("close", self._disconnected)
        engine.on("message", self._heard)
        self.begin()

    @property
    def connected(self) -> bool:
        """Whether its session is open."""
        return self.peer.state in ("open", "upgrading")

    def send(self, *messages: str | bytes) -> None:
        """Send messages; LocalProtocolError when the session is not open."""
        if not self.connected:
            raise LocalProtocolError(f"{self.name} is not connected{self._ending()}")
        for message in messages:
            self.engine.send(message)
        self.peer.flush()

    def begin(self) -> None:
        """For the network: connect."""
        self._enter(self.engine.open())

    def _heard(self, data: str | bytes) -> None:
        self._keep(self.messages, data)
