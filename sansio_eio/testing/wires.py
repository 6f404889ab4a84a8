"""Connections in memory: they carry bytes in order, and late, in pieces or not at all where a test wants that."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sansio_eio.http import ClientConnection
from sansio_eio.testing.dice import Dice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sansio_eio.http import ServerConnection, ServerEndpoint
    from sansio_eio.testing.driver import Driver
    from sansio_eio.testing.loops import KitLoop


@dataclass(slots=True)
class Conditions:
    """How a client's connections fare; changes count for bytes that are sent from then on."""

    #: Seconds that bytes need, in each direction.
    delay: float = 0.0
    #: Bytes that travel together at most; 0: as they were sent.
    piece: int = 0
    #: Where in what is sent at once it is cut.
    places: tuple[int, ...] = ()
    #: The client does not read.
    stalled: bool = False
    #: New connections are refused.
    refused: bool = False


class Pipe:
    """One direction of a connection. What is put in comes out in order; None is the end."""

    __slots__ = ("_conditions", "_deliver", "_last", "_pieces", "_wires", "is_blocked")

    def __init__(
        self,
        wires: Wires,
        conditions: Conditions,
        deliver: Callable[[bytes | None], None],
        is_blocked: Callable[[], bool],
    ) -> None:
        self._wires = wires
        self._conditions = conditions
        self._deliver = deliver
        self.is_blocked = is_blocked
        self._pieces: deque[tuple[float, bytes | None]] = deque()
        #: When the newest piece arrives: none overtakes another.
        self._last = 0.0

    def put(self, data: bytes | None) -> None:
        """Send these bytes, or the end."""
        self._last = max(self._last, self._wires.loop.time() + self._conditions.delay)
        for piece in (None,) if data is None else split(data, self._conditions, self._wires.dice):
            self._pieces.append((self._last, piece))
        self._wires.fill(self)

    def clear(self) -> None:
        """Lose what is under way."""
        self._pieces.clear()
        self._wires.empty(self)

    def arrival(self) -> float | None:
        """When the next piece arrives; None when there is none, or nobody reads."""
        return self._pieces[0][0] if self._pieces and not self.is_blocked() else None

    def deliver(self) -> None:
        """Hand over the next piece."""
        _, piece = self._pieces.popleft()
        self._wires.empty(self)
        if self._pieces:
            # Behind those of the others.
            self._wires.fill(self)
        self._deliver(piece)


class Wires:
    """The way to the server, and what is under way on all of its connections."""

    def __init__(self, endpoint: ServerEndpoint, server: Driver, loop: KitLoop, dice: Dice | None) -> None:
        self.endpoint = endpoint
        self.server = server
        self.loop = loop
        self.dice = dice
        #: For keys, which nobody has to guess here. From dice of its own: they are no part of what may happen.
        self.token_bytes = Dice(0).token_bytes
        #: Those that carry something; a dict keeps their order.
        self._pipes: dict[Pipe, None] = {}

    def fill(self, pipe: Pipe) -> None:
        """For pipes: this one carries something."""
        self._pipes[pipe] = None
        self.loop.stir()

    def empty(self, pipe: Pipe) -> None:
        """For pipes: this one carries nothing."""
        self._pipes.pop(pipe, None)

    def jobs(self) -> list[Callable[[], None]]:
        """What can arrive now, each of it one step."""
        now = self.loop.time()
        arrivals = [(pipe, pipe.arrival()) for pipe in self._pipes]
        return [pipe.deliver for pipe, arrival in arrivals if arrival is not None and arrival <= now]

    def next_arrival(self) -> float | None:
        """When something is going to arrive, None when nothing is under way."""
        arrivals = [arrival for pipe in self._pipes if (arrival := pipe.arrival()) is not None]
        return min(arrivals, default=None)


class End:
    """One end of a connection: what the core has there, whose `owner` it is, and what it sends."""

    def __init__(self, link: Link, driver: Driver, connection: ClientConnection | ServerConnection) -> None:
        self._link = link
        self._driver = driver
        self.connection = connection
        connection.owner = self
        self.pipe = Pipe(link.wires, link.conditions, partial(link.deliver, self), partial(link.is_blocked, self))
        #: Nothing more is sent.
        self.closed = False
        self._eof_sent = False
        #: What is sent next is lost, and the connection with it.
        self.loses_next = False
        #: It is over, and told nothing more.
        self.lost = False

    def write(self, now: float) -> None:
        """The connection is ready: see `ServerConnection` and `ClientConnection`."""
        link, connection = self._link, self.connection
        if connection.aborted:
            link.cut()
        if self.closed:
            return
        if link.far is None:
            link.dial(now)
            return
        data = b"" if connection.paused else connection.data_to_send(now=now)
        if data and self.loses_next:
            link.cut()
            return
        if data:
            self.pipe.put(data)
        if connection.closing:
            self.closed = True
            self.pipe.put(None)
        elif connection.write_eof and not self._eof_sent:
            self._eof_sent = True
            self.pipe.put(None)

    def receive(self, piece: bytes | None) -> None:
        """This has come from the other end; None is the end."""
        now = self._driver.time()
        if self.lost:
            if piece is not None:
                # It is closed: what still comes is answered with a reset.
                self._link.cut()
        elif piece is None:
            self.connection.receive_eof(now=now)
        else:
            self.connection.receive_data(piece, now=now)
        self._driver.pump.pump()

    def lose(self, error: Exception | None = None) -> None:
        """It is over."""
        if not self.lost:
            self.lost = self.closed = True
            self.connection.connection_lost(now=self._driver.time(), error=error)
            self._driver.pump.pump()

    def pause(self, paused: bool) -> None:
        """There is no room on the way, or there is again."""
        now = self._driver.time()
        if paused:
            self.connection.pause_writing(now=now)
        else:
            self.connection.resume_writing(now=now)
        self._driver.pump.pump()


class Link:
    """One connection of a client, from its wish to connect on."""

    def __init__(
        self, wires: Wires, conditions: Conditions, remote: str, driver: Driver, connection: ClientConnection
    ) -> None:
        self.wires = wires
        self.conditions = conditions
        self._remote = remote
        self._secure = connection.address.secure
        self._is_cut = False
        #: The client's end.
        self.near = End(self, driver, connection)
        #: The server's end, None before it is connected.
        self.far: End | None = None

    @property
    def dead(self) -> bool:
        """Neither end is told anything any more."""
        return all(end.lost for end in self._ends())

    def dial(self, now: float) -> None:
        """Connect, or be refused."""
        if self.conditions.refused:
            self.cut(ConnectionRefusedError("connections are refused"))
            return
        wires, client = self.wires, self.near.connection
        assert isinstance(client, ClientConnection)
        server = wires.endpoint.connect(remote=self._remote, secure=self._secure, now=now)
        self.far = End(self, wires.server, server)
        if self.conditions.stalled:
            self.far.pause(True)
        client.connected(now=now)

    def cut(self, error: Exception | None = None) -> None:
        """It dies without a goodbye; what is under way is lost."""
        if self._is_cut:
            return
        self._is_cut = True
        for end in self._ends():
            end.closed = True
            end.pipe.clear()
        self.wires.loop.call_soon(partial(self._die, error or ConnectionResetError("the connection was cut")))

    def stall(self, stalled: bool) -> None:
        """The client reads no more, and the server's output has to wait; or it reads again."""
        if self.far is not None:
            self.far.pause(stalled)

    def deliver(self, sender: End, piece: bytes | None) -> None:
        """For pipes: this arrives."""
        self._other(sender).receive(piece)
        if piece is None and sender.closed:
            sender.lose()

    def is_blocked(self, sender: End) -> bool:
        """For pipes: nobody reads what is sent there."""
        reader = self._other(sender)
        is_stalled = self.conditions.stalled and reader is self.near and not reader.closed
        return is_stalled or not reader.connection.reading

    def _other(self, end: End) -> End:
        assert self.far is not None
        return self.far if end is self.near else self.near

    def _ends(self) -> list[End]:
        return [self.near] if self.far is None else [self.near, self.far]

    def _die(self, error: Exception) -> None:
        for end in self._ends():
            end.lose(error)


def split(data: bytes, conditions: Conditions, dice: Dice | None) -> list[bytes]:
    """The pieces that these bytes arrive in: what the test has asked for, or the dice, or all at once."""
    size = len(data)
    places: Sequence[int]
    if conditions.piece:
        places = range(conditions.piece, size, conditions.piece)
    elif conditions.places:
        places = sorted({place for place in conditions.places if 0 < place < size})
    elif dice is not None and size > 1 and dice.below(2):
        places = sorted({1 + dice.below(size - 1) for _ in range(1 + dice.below(3))})
    else:
        return [data]
    return [data[start:end] for start, end in zip([0, *places], [*places, size], strict=True)]
