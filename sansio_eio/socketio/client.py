"""The Socket.IO client: namespaces of one server, over one Engine.IO session at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.client import EngineClient
from sansio_eio.engineio.client_settings import EngineClientOptions
from sansio_eio.engineio.client_url import parse_url
from sansio_eio.engineio.handlers import HandlerTable, Hook, Listening
from sansio_eio.engineio.pending import Pending
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.backoff import Backoff
from sansio_eio.socketio.client_options import chance
from sansio_eio.socketio.client_socket import ClientSocket
from sansio_eio.socketio.emitting import check_timeout
from sansio_eio.socketio.encoding import Encoding
from sansio_eio.socketio.link import Link
from sansio_eio.socketio.names import normal_name
from sansio_eio.socketio.packets import TEXT_PARSER

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.socketio.client_options import Auth
    from sansio_eio.socketio.parser import Parser

EVENTS = (
    "open",
    "close",
    "error",
    "ping",
    "reconnect_attempt",
    "reconnect",
    "reconnect_error",
    "reconnect_failed",
)


#: How long acknowledgements are waited for while the application does not take the events that they come behind.
CONGESTION_TIMEOUT = 10.0


class Client(Encoding, Listening):
    """A Socket.IO client, as a pure object that any driver can connect.

    `socket` is its socket in the namespace that the path of the URL names ("/" without one); `of` gives others, over
    the same connection. Hand the client to the `connect` of an adapter, or call `open` and drive its `engine` yourself.

    When the connection is lost, or could not be made, it connects again by itself, after a while that grows. What the
    connection does can be listened to with `on`; the handlers of all namespaces and these run one at a time, in the
    order of the wire:

    * "open": the connection is there, the namespaces are not connected yet;
    * "ping": the server has sent one, or with `protocol=3` answered one;
    * "close" with the reason; "error" with a `ConnectError`: the connection could not be made;
    * "reconnect_attempt" with the number of this attempt; "reconnect" with the number of attempts that it took;
      "reconnect_error" with a `ConnectError`; "reconnect_failed": it has given up.

    It speaks revision 5 of the protocol, that of servers since Socket.IO 3; with `protocol=3`, which is the revision of
    Engine.IO below, revision 4, for servers of Socket.IO 1.x and 2.x. With "auto" it speaks what the server does: where
    a session begins with polling, the first answer tells (see `EngineClient`). Where it begins with a WebSocket, it is
    the server's first CONNECT that does; an old server is then connected a second time, which it sees, and from then on
    the client begins with revision 3. Where it is known that a server is old, `protocol=3` is the better choice.

    An old server connects "/" by itself, and the other namespaces behind that: what it is to know of the client in "/"
    belongs into the `query`, and an `auth` of "/" is reported to `on_error`, and not sent. For other namespaces `auth`
    becomes a query, of text, numbers and bool. A `ConnectError` of such a server has its message, or its data where
    that was not text. The `id` of a socket shows that of the session, which old servers and clients do not keep secret.

    The options are those of `ClientOptions`. Raises LocalProtocolError for a URL or an option that makes no sense.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: Auth = None,
        path: str = "/socket.io/",
        parser: Parser = TEXT_PARSER,
        reconnection: bool = True,
        reconnection_attempts: int | None = None,
        reconnection_delay: float = 1.0,
        reconnection_delay_max: float = 5.0,
        randomization_factor: float = 0.5,
        jitter: Callable[[], float] = chance,
        retries: int = 0,
        ack_timeout: float | None = None,
        attachment_timeout: float = 20.0,
        max_attachments: int = 10,
        max_pending_acks: int = 10_000,
        max_send_buffer: int = 10_000_000,
        **options: Unpack[EngineClientOptions],
    ) -> None:
        for option in (max_attachments, max_pending_acks, max_send_buffer, reconnection_attempts):
            if option is not None and option < 1:
                raise LocalProtocolError("a limit must be at least 1")
        if retries < 0 or (retries and ack_timeout is None):
            raise LocalProtocolError("retries need an ack_timeout, and cannot be less than none")
        name = normal_name(parse_url(url).path)
        #: The Engine.IO client below: what a driver connects.
        self.engine = EngineClient(url, path=path, **options)
        self.parser = parser
        self.retries = retries
        self.ack_timeout = None if ack_timeout is None else check_timeout(ack_timeout)
        self.attachment_timeout = check_timeout(attachment_timeout)
        self.max_attachments = max_attachments
        self.max_pending_acks = max_pending_acks
        self.max_send_buffer = max_send_buffer
        #: Whether `open` or `connect` was called, and `close` was not called since: what new sockets do.
        self.opened = False
        #: `close` was called, and nothing was opened since.
        self.closed = False
        self.handlers = HandlerTable()
        self._max_outbound = self.engine.settings.max_outbound
        #: The sockets by their namespaces.
        self.sockets: dict[str, ClientSocket] = {}
        backoff = Backoff(reconnection_delay, reconnection_delay_max, randomization_factor, jitter)
        #: What keeps the connection.
        self.link = Link(self, backoff, reconnection_attempts if reconnection else 0)
        #: The socket of the namespace of the URL.
        self.socket = self._make_socket(name, auth)

    def __repr__(self) -> str:
        return f"<Client of {self.engine.address.authority} {self.link.state.value}>"

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self.engine.lock

    # -- for the application ---------------------------------------------------------------------------------------

    def of(self, namespace: str, *, auth: Auth = None) -> ClientSocket:
        """The socket of another namespace, on the same connection; always the same one for the same name.

        A new one is connected by `open`, and at once when the client has been opened. `auth` is for this namespace
        alone; for a socket that is there already it is what it shows at its next connect.
        """
        return self._find_socket(normal_name(namespace), auth)

    @atomic
    def open(self) -> Pending[None]:
        """Connect, with `socket` and those of `of`. To go on after `close` is possible.

        The result is done when they are all connected, and fails with ConnectError when one is not, the first time;
        whether it is tried again is another question, see `ClientSocket.active`.
        """
        for socket in list(self.sockets.values()):
            socket.connect()
        opening = Opening(self.engine)
        opening.wait_for([socket.wait_connected() for socket in self.sockets.values()])
        return opening

    @atomic
    def close(self) -> None:
        """End the connection, and do not come back: what was emitted before on it is still delivered.

        With `retries`, events that wait for the acknowledgement of another one are sent once, and not waited for.

        All sockets are disconnected, with the reason "io client disconnect". Events that wait for a connection are
        dropped, with a word in the log; acknowledgements that have not come end with AckDisconnected.

        No DISCONNECT is sent, since the reference's server forgets the events that it finds before one: the reason on
        the server is "transport close".
        """
        self.opened, self.closed = False, True
        for socket in list(self.sockets.values()):
            socket.send_rest()
        self.link.stop()
        for socket in list(self.sockets.values()):
            socket.drop_all()
        # Who was told of it may have connected a socket whose turn came later.
        self.link.look()

    def on_error(self, hook: Hook) -> Hook:
        """Call `hook(error, where)` for every exception of the application's own code; without a hook it is logged.

        The hook decides what becomes of it: None, nothing more; or one of `OnError`, of which CLOSE closes this client.
        """
        return self.engine.on_error(hook)

    def handler_table(self, event: str | float) -> HandlerTable:
        if event not in EVENTS:
            raise LocalProtocolError(f"a client has the events {', '.join(EVENTS)}, not {event!r}: use its sockets")
        return self.handlers

    # -- for the layer itself --------------------------------------------------------------------------------------

    @property
    def congestion_timeout(self) -> float:
        """See `PacketMailbox`."""
        return CONGESTION_TIMEOUT if self.ack_timeout is None else self.ack_timeout

    def reopen(self) -> None:
        """The application connects a socket. With the lock held."""
        self.opened, self.closed = True, False

    @atomic
    def _find_socket(self, name: str, auth: Auth) -> ClientSocket:
        socket = self.sockets.get(name)
        if socket is None:
            socket = self._make_socket(name, auth)
            if self.opened:
                socket.connect()
        elif auth is not None:
            socket.auth = auth
        return socket

    def _make_socket(self, name: str, auth: Auth) -> ClientSocket:
        socket = self.sockets[name] = ClientSocket(self, name, auth)
        return socket


class Opening(Pending[None]):
    """Done when all of several are, fails when one does."""

    __slots__ = ("_left",)

    def wait_for(self, pendings: list[Pending[None]]) -> None:
        """Begin."""
        self._left = len(pendings)
        for pending in pendings:
            pending.add_done_callback(self._ended)

    def _ended(self, pending: Pending[None]) -> None:
        self._left -= 1
        if pending.error is not None:
            self._end(None, pending.error)
        elif self._left == 0:
            self._end(None, None)
