"""The clients of a network: Socket.IO in one namespace, or Engine.IO alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sansio_eio.engineio.handlers import AnyFunction, HandlerTable, call_plain, check_event, check_function
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.acks import AckDisconnected, ack_arguments, ack_value
from sansio_eio.socketio.packets import Decoder
from sansio_eio.socketio.parser import ACK, CONNECT, DISCONNECT, EVENT, Packet, ParseError
from sansio_eio.testing.faults import ClientFaults
from sansio_eio.testing.options import check_auth
from sansio_eio.testing.peer import ConnectError, Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sansio_eio.socketio.parser import Parser
    from sansio_eio.testing.simulation import Simulation
    from sansio_eio.testing.wires import Conditions

T = TypeVar("T")

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

#: So many events or messages of one client are kept; more than anybody looks at means that a test does not end.
MAX_RECEIVED = 100_000


class Event:
    """An event as it was received: equal to the tuple of its name and its arguments, and unpacked like that."""

    __slots__ = ("_answer", "args", "name")

    def __init__(self, data: Sequence[Any], answer: Callable[[list[Any]], None] | None = None) -> None:
        self.name: str | float = data[0]
        self.args = tuple(data[1:])
        self._answer = answer

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
        return self._answer is not None

    def ack(self, *args: Any) -> None:
        """Answer the server's question. Raises LocalProtocolError when it did not ask, or has been answered."""
        answer, self._answer = self._answer, None
        if answer is None:
            raise LocalProtocolError(f"nobody waits for an answer to {self.name!r}")
        answer(list(args))


class Inbox(ClientFaults):
    """What a client has received, and the assertions on it that all clients share."""

    def __init__(self, net: Simulation, peer: Peer) -> None:
        self._net = net
        self._peer = peer
        self._looked_at = 0
        #: Why it was disconnected, in the words of the JavaScript client; None while it is not.
        self.disconnect_reason: str | None = None
        #: Why it did not get in; None where it did, or has not been answered yet.
        self.connect_error: ConnectError | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self._peer.state} on {self.transport}>"

    @property
    def name(self) -> str:
        """What the transcript calls it."""
        return self._peer.name

    @property
    def transport(self) -> str:
        """What it is on now: "polling" or "websocket"."""
        return self._peer.transport

    def _peers(self) -> Sequence[Peer]:
        return (self._peer,)

    def _conditions(self) -> Sequence[Conditions]:
        return (self._peer.conditions,)

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


class Manager:
    """One client's connection, which its namespaces share."""

    def __init__(self, net: Simulation, peer: Peer, parser: Parser) -> None:
        self.net = net
        self.peer = peer
        self.parser = parser
        self.members: dict[str, Member] = {}
        self._decoder = Decoder(parser)
        peer.start(self)

    def add(self, member: Member) -> None:
        """A namespace more."""
        if member.namespace in self.members:
            raise LocalProtocolError(f"{self.peer.name} is connected to {member.namespace} already")
        if self.peer.state not in ("opening", "open"):
            raise LocalProtocolError(f"the connection of {self.peer.name} is over")
        self.members[member.namespace] = member
        if self.peer.state == "open":
            member.ask()

    def remove(self, member: Member) -> None:
        """A namespace is left; with the last one, the connection ends, as the reference client does it."""
        del self.members[member.namespace]
        if not self.members:
            self.peer.close()

    def send(self, packet: Packet) -> None:
        """Send a packet and its attachments."""
        self.peer.send(*self.parser.encode(packet))

    def opened(self) -> None:
        """See `PeerListener`."""
        for member in list(self.members.values()):
            member.ask()

    def message(self, data: str | bytes) -> None:
        """See `PeerListener`."""
        try:
            packet = self._decoder.feed(data)
        except ParseError:
            self._end("parse error", None)
            self.peer.close()
            return
        member = None if packet is None else self.members.get(packet.namespace)
        if packet is not None and member is not None:
            member.take_packet(packet)

    def closed(self, reason: str, error: ConnectError | None) -> None:
        """See `PeerListener`."""
        self._end(reason, error)

    def _end(self, reason: str, error: ConnectError | None) -> None:
        members, self.members = self.members, {}
        for member in members.values():
            member.end(reason, error)


class Member(Inbox):
    """A Socket.IO client in one namespace; what is the same whether it runs by itself or in an event loop."""

    def __init__(self, manager: Manager, namespace: str, auth: dict[str, Any] | None) -> None:
        check_auth(auth)
        super().__init__(manager.net, manager.peer)
        self._manager = manager
        self._auth = auth
        self._handlers = HandlerTable()
        self._acks: dict[int, Pending[Any]] = {}
        self._unsent: list[Packet] = []
        self._next_id = 0
        #: The namespace.
        self.namespace = namespace
        #: Whether it is connected to its namespace.
        self.connected = False
        #: The id that the server has given it, of the last connection; "" before there was one.
        self.id = ""
        #: Everything that it has received.
        self.received: list[Event] = []
        manager.add(self)

    # What a test says

    def on(self, event: str | float, function: AnyFunction) -> AnyFunction:
        """Call `function(*args)`, a plain `def`, for each such event; what it returns answers the server's question.

        None answers with nothing, a tuple with several values. Without a function nothing is answered: see `Event.ack`.
        """
        check_function(function, plain=True)
        self._handlers.add(check_event(event), function)
        return function

    def emit(self, event: str | float, *args: Any) -> None:
        """Send an event. Before the connection, it waits for it; LocalProtocolError behind its end."""
        self._send_event(Packet(EVENT, self.namespace, [check_event(event), *args]))

    def emit_with_ack(self, event: str | float, *args: Any) -> Pending[Any]:
        """Send an event that asks for an answer: look at `done` and `value` of what is returned when the network has
        settled. The end of the connection fails it with AckDisconnected.
        """
        pending = Pending[Any](self._net)
        ack_id, self._next_id = self._next_id, self._next_id + 1
        self._send_event(Packet(EVENT, self.namespace, [check_event(event), *args], ack_id))
        self._acks[ack_id] = pending
        return pending

    def disconnect(self) -> None:
        """Leave the namespace with a DISCONNECT packet; leaving the last one closes the connection."""
        if self.connected:
            self._manager.send(Packet(DISCONNECT, self.namespace))
        if self._manager.members.get(self.namespace) is self:
            self.end("io client disconnect", None)
            self._manager.remove(self)

    def close(self) -> None:
        """Close the connection, and so leave all of its namespaces, as a browser tab does that is closed."""
        self._peer.close()

    async def _calling(self, event: str | float, args: Sequence[Any], timeout: float) -> Any:
        answer = self.emit_with_ack(event, *args)
        await self._net.run_until(lambda: answer.done, timeout)
        if not answer.done:
            within = f" within {timeout:g} s" if timeout else ""
            raise self._net.failure(f"{self.name} has had no answer to {event!r}{within}")
        return answer.value

    # For the manager

    def ask(self) -> None:
        """Ask to be let in."""
        self._manager.send(Packet(CONNECT, self.namespace, self._auth))

    def take_packet(self, packet: Packet) -> None:
        """A packet of this namespace."""
        if packet.type is EVENT:
            self._event_received(Event(packet.data, None if packet.id is None else partial(self._answer, packet.id)))
        elif packet.type is ACK:
            assert packet.id is not None
            pending = self._acks.pop(packet.id, None)
            if pending is not None:
                pending.resolve(ack_value(packet.data))
        elif packet.type is CONNECT:
            self.id = packet.data["sid"]
            self.connected = True
            unsent, self._unsent = self._unsent, []
            for waiting in unsent:
                self._manager.send(waiting)
        elif packet.type is DISCONNECT:
            self.end("io server disconnect", None)
            self._manager.remove(self)
        else:
            self.end(None, ConnectError(packet.data["message"], packet.data.get("data")))
            self._manager.remove(self)

    def end(self, reason: str | None, error: ConnectError | None) -> None:
        """It is over."""
        self.connect_error = error
        if error is None:
            self.disconnect_reason = reason
        self.connected = False
        self._unsent.clear()
        acks, self._acks = self._acks, {}
        for pending in acks.values():
            pending.fail(AckDisconnected())

    def answered_or_over(self) -> bool:
        """Whether it is connected, or never will be."""
        return self.connected or self._manager.members.get(self.namespace) is not self

    def _send_event(self, packet: Packet) -> None:
        if self.answered_or_over() and not self.connected:
            raise LocalProtocolError(f"{self.name} is not connected to {self.namespace}{self._ending()}")
        if self.connected:
            self._manager.send(packet)
        else:
            self._unsent.append(packet)

    def _answer(self, ack_id: int, args: list[Any]) -> None:
        self._manager.send(Packet(ACK, self.namespace, args, ack_id))

    def _event_received(self, event: Event) -> None:
        self._keep(self.received, event)
        for handler in self._handlers.get(event.name):
            try:
                result = call_plain(handler.function, event.args)
                if event.asks:
                    event.ack(*ack_arguments(result))
            except Exception as error:
                self._net.report(error, f"a handler of {self.name} for {event.name}")


class EngineMember(Inbox):
    """An Engine.IO client; what is the same whether it runs by itself or in an event loop."""

    def __init__(self, net: Simulation, peer: Peer) -> None:
        super().__init__(net, peer)
        #: Everything that it has received.
        self.messages: list[str | bytes] = []
        peer.start(self)

    @property
    def connected(self) -> bool:
        """Whether its session is open."""
        return self._peer.state == "open"

    def send(self, *messages: str | bytes) -> None:
        """Send messages; LocalProtocolError when the session is not open."""
        if not self.connected:
            raise LocalProtocolError(f"{self.name} is not connected{self._ending()}")
        self._peer.send(*messages)

    def close(self) -> None:
        """Close the session, behind what has been sent."""
        self._peer.close()

    def answered_or_over(self) -> bool:
        """Whether it is connected, or never will be."""
        return self._peer.state != "opening"

    def opened(self) -> None:
        """See `PeerListener`."""

    def message(self, data: str | bytes) -> None:
        """See `PeerListener`."""
        self._keep(self.messages, data)

    def closed(self, reason: str, error: ConnectError | None) -> None:
        """See `PeerListener`."""
        self.connect_error = error
        if error is None:
            self.disconnect_reason = reason
