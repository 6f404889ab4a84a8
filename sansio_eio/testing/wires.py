"""Connections in memory: they carry bytes in order, and late, in pieces or not at all where a test wants that."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sansio_eio.http import Pump, ServerEndpoint
    from sansio_eio.testing.dice import Dice


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


class Receiver(Protocol):
    """The client's end of a connection."""

    def data_received(self, data: bytes) -> None:
        """Bytes came from the server."""

    def connection_lost(self) -> None:
        """There will be no more. Called once, and not after `Link.close`."""


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
        self._last = max(self._last, self._wires.clock() + self._conditions.delay)
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
    """All connections, and what is under way on them."""

    def __init__(
        self,
        endpoint: ServerEndpoint,
        pump: Pump,
        clock: Callable[[], float],
        stir: Callable[[], None],
        dice: Dice | None,
    ) -> None:
        self.endpoint = endpoint
        self.pump = pump
        self.clock = clock
        self.dice = dice
        self._stir = stir
        #: Those that carry something; a dict keeps their order.
        self._pipes: dict[Pipe, None] = {}
        self._calls: deque[Callable[[], None]] = deque()

    def fill(self, pipe: Pipe) -> None:
        """For pipes: this one carries something."""
        self._pipes[pipe] = None
        self._stir()

    def empty(self, pipe: Pipe) -> None:
        """For pipes: this one carries nothing."""
        self._pipes.pop(pipe, None)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Have this called as one of the next steps: the server must not be told something in the middle of another."""
        self._calls.append(function)
        self._stir()

    def jobs(self) -> list[Callable[[], None]]:
        """What can happen now, each of it one step."""
        now = self.clock()
        jobs: list[Callable[[], None]] = [self._call_next] if self._calls else []
        for pipe in list(self._pipes):
            arrival = pipe.arrival()
            if arrival is not None and arrival <= now:
                jobs.append(pipe.deliver)
        return jobs

    def next_arrival(self) -> float | None:
        """When something is going to arrive, None when nothing is under way."""
        arrivals = [arrival for pipe in self._pipes if (arrival := pipe.arrival()) is not None]
        return min(arrivals, default=None)

    def _call_next(self) -> None:
        self._calls.popleft()()


class Link:
    """One connection of a client; for the server's side it is the `owner` of the `ServerConnection`."""

    def __init__(self, wires: Wires, conditions: Conditions, receiver: Receiver, *, remote: str) -> None:
        self._wires = wires
        self._conditions = conditions
        self._receiver = receiver
        self.up = Pipe(wires, conditions, self._deliver_up, lambda: not self._server.reading)
        self.down = Pipe(wires, conditions, self._deliver_down, lambda: conditions.stalled and not self._closed)
        #: The client has closed its end: nothing comes out of it any more.
        self._closed = False
        #: The server has closed its end, or its output.
        self._server_closed = False
        self._eof_sent = False
        #: It is dying: nothing is put into it any more.
        self._cut = False
        #: Neither end is told anything any more.
        self.dead = False
        #: What the server sends next is lost, and the connection with it.
        self.loses_next = False
        self._server = wires.endpoint.connect(remote=remote, owner=self, now=wires.clock())
        if conditions.stalled:
            self.stall()
        wires.pump.pump()

    # The client's side

    def send(self, data: bytes) -> None:
        """Bytes of the client."""
        if not self._cut:
            self.up.put(data)

    def close(self) -> None:
        """The client is through with it. Call it once."""
        self._closed = True
        if not self._cut:
            self.up.put(None)

    def cut(self) -> None:
        """It dies without a goodbye; what is under way is lost."""
        self._cut = True
        self.up.clear()
        self.down.clear()
        self._wires.call_soon(self._die)

    def stall(self) -> None:
        """The client reads no more: the server's output has to wait."""
        self._server.pause_writing(now=self._wires.clock())
        self._wires.pump.pump()

    def resume(self) -> None:
        """The client reads again."""
        self._server.resume_writing(now=self._wires.clock())
        self._wires.pump.pump()

    # The server's side

    def write(self, now: float) -> None:
        """The connection is ready: see `ServerConnection`."""
        server = self._server
        if server.aborted:
            self.cut()
            return
        if self._server_closed or self._cut:
            return
        if not server.paused:
            data = server.data_to_send(now=now)
            if data and self.loses_next:
                self.cut()
                return
            if data:
                self.down.put(data)
        if server.closing:
            self._server_closed = True
            self.down.put(None)
        elif server.write_eof and not self._eof_sent:
            self._eof_sent = True
            self.down.put(None)

    # What arrives

    def _deliver_up(self, piece: bytes | None) -> None:
        now = self._wires.clock()
        if piece is None:
            self._server.receive_eof(now=now)
        else:
            self._server.receive_data(piece, now=now)
        self._wires.pump.pump()

    def _deliver_down(self, piece: bytes | None) -> None:
        if piece is None:
            # Whoever has nothing more to get ends its own side as well, unless the server has done that already.
            if self._server_closed:
                self._die()
            elif not self._closed:
                self.close()
                self._receiver.connection_lost()
        elif not self._closed:
            self._receiver.data_received(piece)

    def _die(self) -> None:
        if self.dead:
            return
        self.dead = self._cut = True
        self.up.clear()
        self.down.clear()
        self._server.connection_lost(now=self._wires.clock())
        self._wires.pump.pump()
        if not self._closed:
            self._closed = True
            self._receiver.connection_lost()


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
