"""A Socket.IO client and the other end of its WebSocket, played by the test, on the driver of the Engine.IO tests."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from functools import partial
from json import dumps
from typing import Any, cast

from sansio_eio.engineio import (
    Channel,
    ClientAction,
    CloseChannel,
    OpenWebSocket,
    Request,
    Response,
    SendMessages,
    SendRequest,
)
from sansio_eio.socketio import Client, ClientSocket
from tests.unit.engineio.driving import Driver

MANAGER_EVENTS = ("open", "close", "error", "reconnect_attempt", "reconnect", "reconnect_error", "reconnect_failed")


class ClientNet(Driver):
    """A driven client. Every error that `on_error` is told lands in `errors`; see the fixture `dial`."""

    def __init__(self, url: str = "http://server", *, runtime: bool = True, **options: Any) -> None:
        # Jitter that neither adds nor takes away: the reference's first digit decides the sign, and there is none.
        defaults: dict[str, Any] = {"transports": ["websocket"], "jitter": lambda: 0.0}
        self.client = Client(url, **(defaults | options))
        self.socket = self.client.socket
        self.errors: list[tuple[Exception, str]] = []
        self.client.on_error(lambda error, where: self.errors.append((error, where)))
        # The inputs of a server are not used, and all else is the same.
        super().__init__(cast("Any", self.client.engine))
        if runtime:
            self.installed()
        #: The newest WebSocket, and what was sent on it.
        self.channel: Channel | None = None
        self.sent: list[str | bytes] = []
        #: All requests for a WebSocket.
        self.requests: list[Request] = []
        #: Whether the client has closed the newest WebSocket.
        self.closed = False
        self.reading = True
        #: The driver does not take what is to be sent.
        self.stalled = False
        self.sids = 0

    def _write(self) -> bool:
        busy = False
        ready, self._stalled = self._stalled, []
        for channel in ready:
            if self.stalled:
                self._stalled.append(channel)
                continue
            for action in self.client.engine.take_actions(channel):
                self._do(action)
                busy = True
        return busy

    def _do(self, action: ClientAction) -> None:
        if isinstance(action, OpenWebSocket):
            self.requests.append(action.request)
            self.channel, self.closed, self.reading = action.channel, False, True
            self.sent.clear()
            return
        assert not isinstance(action, SendRequest)
        if action.channel is not self.channel:
            return
        if isinstance(action, SendMessages):
            assert not self.closed
            for outgoing in action.outgoing:
                self.sent += outgoing.packets
        elif isinstance(action, CloseChannel):
            self.closed = True
        else:
            self.reading = action.enabled

    # -- the server ------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Any:
        """The engine of the client, with its inputs."""
        return self.client.engine

    def accept(self, *, max_payload: int = 1_000_000) -> None:
        """The server takes the WebSocket, and opens the session."""
        self.pump()
        fields = {"sid": "e", "upgrades": [], "pingInterval": 10**9, "pingTimeout": 10**9, "maxPayload": max_payload}
        self.engine.websocket_accepted(self.channel, Response(101), now=self.now)
        self.raw("0" + dumps(fields))

    def refuse(self, status: int = 500) -> None:
        """The server does not."""
        self.pump()
        self.engine.response_received(self.channel, Response(status), now=self.now)
        self.pump()

    def raw(self, *messages: str | bytes) -> None:
        """Messages of Engine.IO."""
        for message in messages:
            if not self.closed:
                self.engine.message_received(self.channel, message, now=self.now)
        self.pump()

    def say(self, *packets: str | bytes) -> None:
        """Packets of Socket.IO."""
        self.raw(*[packet if isinstance(packet, bytes) else f"4{packet}" for packet in packets])

    def heard(self) -> list[str | bytes]:
        """What the client has said since the last call; `Engine.IO:` in front of what is not Socket.IO."""
        self.pump()
        sent, self.sent = self.sent, []
        return [
            packet if isinstance(packet, bytes) else packet[1:] if packet[0] == "4" else f"Engine.IO:{packet}"
            for packet in sent
        ]

    def lose(self, error: Exception | None = None) -> None:
        """The connection is gone."""
        self.engine.channel_closed(self.channel, now=self.now, error=error)
        self.pump()

    def admit(self, namespace: str = "/") -> str:
        """The server lets the client into a namespace, with the ids s1, s2, ..."""
        self.sids += 1
        self.say(f'0{prefix(namespace)}{{"sid":"s{self.sids}"}}')
        return f"s{self.sids}"

    def connected(self) -> "ClientNet":
        """Connect the namespace of the URL, for a test that begins behind that."""
        self.client.open()
        self.accept()
        self.heard()
        self.admit(self.socket.namespace)
        return self

    def failures(self) -> list[tuple[str, str]]:
        """What `on_error` was told since the last call: where, and the type and text of the error."""
        errors, self.errors = self.errors, []
        return [(where, f"{type(error).__name__}: {error}") for error, where in errors]


class ClientLog:
    """Handlers that write down what happens, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def watch(self, thing: Client | ClientSocket, *events: str) -> "ClientLog":
        """Add handlers for the life of a client or a socket, and for these events."""
        own = MANAGER_EVENTS if isinstance(thing, Client) else ("connect", "connect_error", "disconnect")
        for event in (*own, *events):
            name = event if isinstance(thing, Client) or thing.namespace == "/" else f"{thing.namespace} {event}"
            thing.on(event, partial(self._add, name))
        return self

    def _add(self, *line: Any) -> None:
        self.lines.append(tuple(str(part) if isinstance(part, Exception) else part for part in line))

    def taken(self) -> list[tuple[Any, ...]]:
        """The lines since the last call."""
        lines, self.lines = self.lines, []
        return lines


def prefix(namespace: str) -> str:
    """A namespace as it stands in a packet."""
    return "" if namespace == "/" else f"{namespace},"
