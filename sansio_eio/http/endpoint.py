"""All connections of a server, and what a driver needs of them together."""

from typing import Any, Unpack

from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio.mounting import Mountable
from sansio_eio.engineio.runtime import Runnable, Runtime
from sansio_eio.http.router import Router
from sansio_eio.http.server_connection import ServerConnection
from sansio_eio.http.settings import HttpOptions, HttpSettings


class ServerEndpoint:
    """Serves an application over connections of bytes. The options are those of `HttpSettings`.

    The contract in one line: *mutate, then pump*. After every input to the endpoint or to a connection, and after
    `wake` of the installed runtime:

    1. if `next_deadline()` is not after the time, call `advance`;
    2. call `step` of each of `take_runnable()`; where it returns a coroutine, await that beside everything else,
       pump, and call `step` again;
    3. for each of `take_ready()`, write `data_to_send` and do what `ServerConnection` says;
    4. if anything was runnable or ready, start again; else sleep until an input, `wake` or `next_deadline()`.
    """

    def __init__(self, app: Mountable | Router, **options: Unpack[HttpOptions]) -> None:
        self.app = app if isinstance(app, Router) else Router({app.path: app})
        self.settings = HttpSettings(**options)
        #: Of the connections; the application has its own.
        self.deadlines = Deadlines()
        #: `close` was called.
        self.closing = False
        # A dict, not a set: they are closed in the order in which they came, the same in every run.
        self._connections: dict[ServerConnection, None] = {}
        self._grace = _Grace(self)
        self._ready: list[ServerConnection] = []

    @property
    def connections(self) -> frozenset[ServerConnection]:
        """Those for which `connection_lost` has not been called."""
        return frozenset(self._connections)

    def connect(
        self, *, remote: str = "", secure: bool = False, half_close: bool = True, owner: Any = None, now: float
    ) -> ServerConnection:
        """A peer has connected. `remote` is its address as text; `owner` is yours, and comes back as `owner`.

        `half_close`: the transport can end its output and go on reading, as TCP can and TLS cannot.
        """
        connection = ServerConnection(self, remote=remote, secure=secure, half_close=half_close, owner=owner, now=now)
        if self.closing or len(self._connections) >= self.settings.max_connections:
            connection.turn_away()
        self._connections[connection] = None
        return connection

    def take_ready(self) -> list[ServerConnection]:
        """The connections that have something for the driver to do, each one once; none whose writing is paused."""
        ready, self._ready = self._ready, []
        for channel in self.app.take_ready():
            connection = channel.owner
            assert isinstance(connection, ServerConnection)
            if not connection.listed:
                connection.listed = True
                ready.append(connection)
        if not ready:
            return ready
        for connection in ready:
            connection.listed = False
        return [
            each for each in ready if each in self._connections and (not each.paused or each.closing or each.aborted)
        ]

    def take_runnable(self) -> list[Runnable]:
        """The sessions with events for the application."""
        return self.app.take_runnable()

    def next_deadline(self) -> float | None:
        """When to call `advance` at the latest; in the past means at once, None never."""
        mine, theirs = self.deadlines.next(), self.app.next_deadline()
        if mine is None or (theirs is not None and theirs < mine):
            return theirs
        return mine

    def advance(self, *, now: float) -> None:
        """The time is now `now`."""
        self.deadlines.expire_due(now=now)
        self.app.advance(now=now)

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver with the application, or with None take it away."""
        self.app.install(runtime)

    def close(self, *, now: float, grace: float) -> None:
        """Shut down: end every session. Idle connections end now, others with their response.

        Go on pumping until none is left. Those that still are after `grace` seconds are aborted.
        """
        self.closing = True
        self.app.close()
        if self._connections:
            self.deadlines.at(self._grace, now + grace)
        for connection in list(self._connections):
            connection.shut_down(now=now)

    def cut(self) -> None:
        """Abort every connection that is left: the end of the grace."""
        for connection in self._connections:
            connection.abort()

    def mark_ready(self, connection: ServerConnection) -> None:
        """For connections: have `take_ready` return this one."""
        if not connection.listed:
            connection.listed = True
            self._ready.append(connection)

    def forget(self, connection: ServerConnection) -> None:
        """For connections: this one is lost."""
        self._connections.pop(connection, None)
        if not self._connections:
            self.deadlines.cancel(self._grace)


class _Grace:
    """The deadline of shutting down."""

    def __init__(self, endpoint: ServerEndpoint) -> None:
        self._endpoint = endpoint

    def expire(self, *, now: float) -> None:
        self._endpoint.cut()
