"""All connections of a server, and what a driver needs of them together."""

from typing import Any, Unpack

from sansio_eio.engineio.mounting import Mountable
from sansio_eio.http.base_endpoint import BaseEndpoint
from sansio_eio.http.router import Router
from sansio_eio.http.server_connection import ServerConnection
from sansio_eio.http.settings import HttpOptions, HttpSettings


class ServerEndpoint(BaseEndpoint[Router, ServerConnection]):
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
        super().__init__(app if isinstance(app, Router) else Router({app.path: app}))
        self.settings = HttpSettings(**options)

    @property
    def done(self) -> bool:
        """`close` was called, and no connection is left."""
        return self.closing and not self._connections

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
        return self._unlist(ready) if ready else ready

    def close(self, *, now: float, grace: float) -> None:
        """Shut down: end every session. Idle connections end now, others with their response.

        Go on pumping until none is left. Those that still are after `grace` seconds are aborted.
        """
        self.app.close()
        self._begin_to_close(now=now, grace=grace)
        for connection in list(self._connections):
            connection.shut_down(now=now)
