"""Clients of a Socket.IO server without a network, on the hand-turned driver of the Engine.IO tests."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import json
from itertools import count
from typing import Any, TypeAlias

from sansio_eio.errors import RemoteProtocolError
from sansio_eio.socketio import Server, Socket
from tests.unit.engineio.driving import Driver, Exchange

Heard: TypeAlias = list[str | bytes]


class Net(Driver):
    """A served Socket.IO server with predictable ids: s1, s2 for sockets.

    Pings are far apart, so that clients need not answer any. Every error that `on_error` is told lands in `errors`,
    which a test must empty with `failures`: see the fixture `serve`.
    """

    def __init__(self, *, runtime: bool = True, **options: Any) -> None:
        ids = count(1)
        defaults: dict[str, Any] = {"ping_interval": 10_000.0, "generate_socket_id": lambda: f"s{next(ids)}"}
        self.io = Server(**(defaults | options))
        self.errors: list[tuple[Exception, str]] = []
        self.io.on_error(lambda error, where: self.errors.append((error, where)))
        super().__init__(self.io.engine)
        if runtime:
            self.installed()

    def client(self, *packets: str) -> "Client":
        """A WebSocket client that has sent these packets, such as "0" to connect to the main namespace."""
        client = Client(self, self.websocket().websocket)
        client.say(*packets)
        return client

    def socket(self, namespace: str = "/") -> tuple["Client", Socket]:
        """A client that is connected to a namespace, and its socket here."""
        sockets = self.io.of(namespace).sockets
        client = self.client("0" if namespace == "/" else f"0{namespace},")
        [connected] = client.heard()
        return client, sockets[sid_of(connected)]

    def sockets(self, number: int) -> tuple[list["Client"], list[Socket]]:
        """Several clients of the main namespace."""
        pairs = [self.socket() for _ in range(number)]
        return [client for client, _ in pairs], [socket for _, socket in pairs]

    def failures(self) -> list[tuple[str, str]]:
        """What `on_error` was told since the last call: where, and the type and text of the error."""
        errors, self.errors = self.errors, []
        return [(where, f"{type(error).__name__}: {error}") for error, where in errors]


class Client:
    """One Engine.IO session over a WebSocket, seen by the client: Socket.IO packets, without the digit of Engine.IO."""

    def __init__(self, net: Net, exchange: Exchange) -> None:
        self.net = net
        self.exchange = exchange
        exchange.taken()

    def say(self, *packets: str | bytes) -> None:
        """Send packets in one go."""
        self.exchange.say(*[packet if isinstance(packet, bytes) else f"4{packet}" for packet in packets])

    def heard(self) -> Heard:
        """What has come since the last call."""
        return [packet if isinstance(packet, bytes) else packet[1:] for packet in self.exchange.taken()]

    def lose(self, error: RemoteProtocolError | None = None) -> None:
        """The network is gone."""
        self.exchange.lose(error)

    @property
    def closed(self) -> bool:
        """The server has closed the connection."""
        return self.exchange.ended is not None

    def stall(self) -> None:
        """Stop reading."""
        self.exchange.stalled = True

    def unstall(self) -> None:
        """Read on."""
        self.net.unstall(self.exchange)


class Log:
    """Handlers of a namespace that write down what happens in it, in order."""

    def __init__(self, *events: str) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self._events = events

    def watch(self, namespace: Any) -> "Log":
        """Add handlers for the life of its sockets, and for these events."""
        namespace.on("connection", lambda socket: self.lines.append(("connection", socket.id)))
        namespace.on(
            "disconnecting",
            lambda socket, reason: self.lines.append(("disconnecting", socket.id, reason, sorted(socket.rooms))),
        )
        namespace.on(
            "disconnect",
            lambda socket, reason: self.lines.append(("disconnect", socket.id, reason, sorted(socket.rooms))),
        )
        for event in self._events:
            namespace.on(event, self._handler(event))
        return self

    def _handler(self, event: str) -> Any:
        return lambda socket, *args: self.lines.append((event, socket.id, *args))

    def taken(self) -> list[tuple[Any, ...]]:
        """The lines since the last call."""
        lines, self.lines = self.lines, []
        return lines


def sid_of(connected: str | bytes) -> str:
    """The id in a CONNECT packet of the server."""
    assert isinstance(connected, str)
    return str(json.loads(connected[connected.index("{") :])["sid"])


def ended(socket_id: str, reason: str, *rooms: str) -> list[tuple[Any, ...]]:
    """The two lines of a `Log` for the end of a socket that was in these rooms."""
    return [
        ("disconnecting", socket_id, reason, sorted([socket_id, *rooms])),
        ("disconnect", socket_id, reason, []),
    ]
