"""All connections of a client, and what a driver needs of them together."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from sansio_eio.engineio.actions import CloseChannel, OpenWebSocket, SendRequest
from sansio_eio.engineio.runtime import ClientApplication
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http.base_endpoint import BaseEndpoint
from sansio_eio.http.client_connection import ClientConnection
from sansio_eio.http.client_requests import prepare
from sansio_eio.http.settings import ClientHttpOptions, ClientHttpSettings

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.mounting import Drivable
    from sansio_eio.http.client_requests import Exchange


class ClientEndpoint(BaseEndpoint[ClientApplication, ClientConnection]):
    """Connects a client to its server over connections of bytes. The options are those of `ClientHttpSettings`.

    `owner(connection)` is called for each new connection, and gives its `owner`: what dials, and moves the bytes. The
    contract is that of `ServerEndpoint`, *mutate, then pump*; the connections come out of `take_ready`.
    `token_bytes` makes unpredictable bytes, for the keys of WebSockets.

    A connection is kept alive for the next request: for less time than servers keep it, because a request that is
    on its way when its connection ends may have been served or not. Such a request fails; it is never sent a second
    time, not even a GET, which takes messages out of a server's buffer. Only one of which not a byte had left goes to
    another connection.
    """

    def __init__(
        self,
        client: "Drivable",
        *,
        owner: Callable[[ClientConnection], Any],
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        **options: Unpack[ClientHttpOptions],
    ) -> None:
        super().__init__(client.engine)
        self.client = client
        self.settings = ClientHttpSettings(**options)
        self.token_bytes = token_bytes
        self._owner = owner
        #: When a connection that is begun while closing is aborted.
        self._end = 0.0

    @property
    def done(self) -> bool:
        """`close` was called, all is said, and no connection is left: the driver may go."""
        return self.closing and not self._connections and self.app.over

    def take_ready(self) -> list[ClientConnection]:
        """The connections that have something for the driver to do, each one once; none whose writing is paused."""
        for channel in self.app.take_ready():
            owner = channel.owner
            if owner is None:
                self._start(channel)
            else:
                assert isinstance(owner, ClientConnection | _Refusal)
                owner.attend(channel)
        if self.closing and self.app.over:
            # Not before, or the last request would need a new connection.
            for connection in self._connections:
                connection.retire()
        ready, self._ready = self._ready, []
        return self._unlist(ready) if ready else ready

    def close(self, *, now: float, grace: float) -> None:
        """Close the client: it says goodbye to its server. Connections end when they have nothing more to carry.

        Go on pumping until `done`. The connections that are left after `grace` seconds are aborted.
        """
        self.app.leave()
        self.client.close()
        self._end = now + grace
        self._begin_to_close(now=now, grace=grace)

    # For connections

    def place(self, exchange: "Exchange") -> None:
        """Have this done by a connection that is idle, or by a new one; a WebSocket always by a new one."""
        connection = None
        if exchange.handshake is None:
            connection = next((each for each in reversed(self._connections) if each.idle), None)
        if connection is None:
            if len(self._connections) >= self.settings.max_connections:
                self._refuse(exchange.channel, LocalProtocolError("there are too many connections to the server"))
                return
            connection = ClientConnection(self)
            connection.owner = self._owner(connection)
            self._connections[connection] = None
            if self.closing:
                self.deadlines.at(self._grace, self._end)
        connection.begin(exchange)

    def keep(self, connection: ClientConnection) -> None:
        """This one is idle, and the first to be used again: the others may then end unused."""
        del self._connections[connection]
        self._connections[connection] = None

    # Inside

    def _start(self, channel: "Channel") -> None:
        actions = self.app.take_actions(channel)
        if not actions or any(isinstance(action, CloseChannel) for action in actions):
            return
        action, *others = actions
        assert isinstance(action, SendRequest | OpenWebSocket)
        try:
            exchange = prepare(action, self.app.address.authority, self.token_bytes)
        except LocalProtocolError as error:
            self._refuse(channel, error)
            return
        self.place(exchange)
        if isinstance(channel.owner, ClientConnection):
            channel.owner.adjust(others)

    def _refuse(self, channel: "Channel", error: Exception) -> None:
        channel.owner = _Refusal(self, channel, error)


class _Refusal:
    """Of something that cannot be done. It is told with the next look at the clock, not while the driver asks."""

    def __init__(self, endpoint: ClientEndpoint, channel: "Channel", error: Exception) -> None:
        self._endpoint = endpoint
        self._channel = channel
        self._error = error
        endpoint.deadlines.after(self, 0.0)

    def attend(self, channel: "Channel") -> None:
        """The application wants something on the channel: that it is closed, maybe."""
        if any(isinstance(action, CloseChannel) for action in self._endpoint.app.take_actions(channel)):
            self._endpoint.deadlines.cancel(self)

    def expire(self, *, now: float) -> None:
        self._endpoint.app.channel_closed(self._channel, now=now, error=self._error)
