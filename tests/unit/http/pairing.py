"""A client's endpoint and a server's, and the bytes between them; one byte at a time, if a test wants that."""

from sansio_eio import EngineClient, EngineServer
from sansio_eio.engineio import Runnable
from sansio_eio.http import ClientConnection, ClientEndpoint, ServerConnection, ServerEndpoint


class Cable:
    """One connection: its two ends, and what is under way."""

    def __init__(self, pair: "Pair", near: ClientConnection) -> None:
        self.pair = pair
        self.near = near
        self.far: ServerConnection | None = None
        self.up = b""
        self.down = b""
        self.broken = False
        self.near_closed = self.far_closed = False

    def write(self, now: float) -> None:
        """One of the ends is ready."""
        if self.far is None and not self.near.aborted:
            self.far = self.pair.server.connect(owner=self, now=now)
            self.near.connected(now=now)
        if not self.near_closed:
            self.up += self.near.data_to_send(now=now)
        if self.far is not None and not self.far_closed:
            self.down += self.far.data_to_send(now=now)

    def carry(self, size: int) -> bool:
        """Bytes arrive, in pieces of this size; then the end of what was closed. Whether anything was."""
        now, far = self.pair.now, self.far
        moved = False
        if self.up and far is not None and not self.far_closed and far.reading:
            data, self.up = self.up[:size], self.up[size:]
            far.receive_data(data, now=now)
            moved = True
        if self.down and not self.near_closed and self.near.reading:
            data, self.down = self.down[:size], self.down[size:]
            self.near.receive_data(data, now=now)
            moved = True
        return self._close(now) or moved

    def _close(self, now: float) -> bool:
        far, moved = self.far, False
        if not self.near_closed and (self.near.aborted or (self.near.closing and not self.up)):
            self.near_closed = moved = True
            self.near.connection_lost(now=now)
            if far is not None and not self.far_closed:
                far.receive_eof(now=now)
        if far is not None and not self.far_closed and (far.aborted or (far.closing and not self.down)):
            self.far_closed = moved = True
            far.connection_lost(now=now)
            if not self.near_closed:
                self.near.receive_eof(now=now)
        return moved

    def cut(self, error: Exception | None = None) -> None:
        """Neither end hears of the other one again."""
        if not self.near_closed:
            self.near_closed = True
            self.near.connection_lost(now=self.pair.now, error=error)
        if self.far is not None and not self.far_closed:
            self.far_closed = True
            self.far.connection_lost(now=self.pair.now)


class Pair:
    """A client, a server, and a clock that is turned by hand."""

    def __init__(self, client: EngineClient, server: EngineServer, *, size: int = 1 << 20) -> None:
        self.now = 0.0
        self.size = size
        self.cables: list[Cable] = []
        self.client = ClientEndpoint(client, owner=self._plug)
        self.server = ServerEndpoint(server)

    def _plug(self, connection: ClientConnection) -> Cable:
        cable = Cable(self, connection)
        self.cables.append(cable)
        return cable

    def settle(self) -> "Pair":
        """Until nothing happens any more at this time."""
        while self._step():
            pass
        return self

    def wait(self, seconds: float) -> "Pair":
        """Time passes, deadline by deadline."""
        end = self.now + seconds
        self.settle()
        while (when := self._next()) is not None and when <= end:
            self.now = max(self.now, when)
            self.client.advance(now=self.now)
            self.server.advance(now=self.now)
            self.settle()
        self.now = end
        return self

    def open_cables(self) -> int:
        """How many connections there are."""
        return len(self.client.connections)

    def _step(self) -> bool:
        moved = False
        for endpoint in (self.client, self.server):
            when = endpoint.next_deadline()
            if when is not None and when <= self.now:
                endpoint.advance(now=self.now)
                moved = True
            for runnable in endpoint.take_runnable():
                _run(runnable)
                moved = True
            for connection in endpoint.take_ready():
                connection.owner.write(self.now)
                moved = True
        for cable in self.cables:
            moved = cable.carry(self.size) or moved
        return moved

    def _next(self) -> float | None:
        whens = [when for each in (self.client, self.server) if (when := each.next_deadline()) is not None]
        return min(whens, default=None)


def _run(runnable: Runnable) -> None:
    assert runnable.step() is None
