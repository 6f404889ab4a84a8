"""A small application of a client, and a driver without a network."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from sansio_eio import EngineClient, Request, Response
from sansio_eio.engineio import (
    Address,
    Channel,
    ClientAction,
    ClientApplication,
    CloseChannel,
    Connectable,
    OpenWebSocket,
    Outgoing,
    Pending,
    Runnable,
    Runtime,
    SendMessages,
    SendRequest,
    SetReading,
)
from sansio_eio.http import ClientConnection, ClientEndpoint, ClientHttpOptions
from tests.unit.http.support import ACCEPT

#: What the endpoint's dice give: with 16 of these bytes the key of a handshake is `KEY`.
SAMPLE = b"the sample nonce"


class Asker:
    """Asks for what it is told to, and keeps what comes of it."""

    def __init__(self, *, max_message_size: int = 1000, address: Address | None = None) -> None:
        self.max_message_size = max_message_size
        self.address = address or Address("example.org", 8000, secure=False)
        #: All that were asked for.
        self.channels: list[Channel] = []
        self.responses: list[tuple[Channel, Response]] = []
        self.accepted: list[Channel] = []
        self.messages: list[str | bytes] = []
        self.closed: list[tuple[Channel, str | None]] = []
        self.over = True
        self.deadline: float | None = None
        self.runtime: Runtime | None = None
        self.shut_down = False
        self._ready: list[Channel] = []

    @property
    def engine(self) -> EngineClient:
        """It stands for one."""
        return cast("EngineClient", self)

    # What a test does

    def act(self, channel: Channel, *actions: ClientAction) -> None:
        """Have these done."""
        channel.actions += actions
        if channel not in self._ready:
            self._ready.append(channel)

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        query: str = "",
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout: float | None = None,
    ) -> Channel:
        """A request."""
        channel = Channel()
        self.channels.append(channel)
        self.act(channel, SendRequest(channel, Request(method, path, query, headers, body), timeout))
        return channel

    def open_websocket(
        self, path: str = "/", *, headers: Sequence[tuple[str, str]] = (), compression: bool = False
    ) -> Channel:
        """A WebSocket."""
        channel = Channel()
        self.channels.append(channel)
        request = Request("GET", path, "", headers)
        self.act(channel, OpenWebSocket(channel, request, self.max_message_size, compression))
        return channel

    def send(self, channel: Channel, *packets: str | bytes, compress: bool = True) -> None:
        """Messages that travel together."""
        self.act(channel, SendMessages(channel, [Outgoing(packets, compress=compress)]))

    def end(self, channel: Channel, code: int | None = None, reason: str = "") -> None:
        """Close a channel."""
        self.act(channel, CloseChannel(channel, code, reason))

    def read(self, channel: Channel, *, enabled: bool) -> None:
        """Stop reading, or go on."""
        self.act(channel, SetReading(channel, enabled))

    # What it is

    def open(self) -> Pending[None]:
        raise AssertionError("it is always open")

    def close(self) -> None:
        self.shut_down = True

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        self.responses.append((channel, response))

    def websocket_accepted(self, channel: Channel, response: Response, *, now: float) -> None:
        assert response.status == 101
        self.accepted.append(channel)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        self.messages.append(data)

    def channel_closed(self, channel: Channel, *, now: float, error: Exception | None = None) -> None:
        self.closed.append((channel, None if error is None else str(error)))

    def take_ready(self) -> list[Channel]:
        ready, self._ready = self._ready, []
        return ready

    def take_actions(self, channel: Channel) -> list[ClientAction]:
        actions, channel.actions = channel.actions, []
        return actions

    def take_runnable(self) -> list[Runnable]:
        return []

    def next_deadline(self) -> float | None:
        return self.deadline

    def advance(self, *, now: float) -> None:
        pass

    def leave(self) -> None:
        """See `ClientApplication`."""

    def install(self, runtime: Runtime | None) -> None:
        self.runtime = runtime


# The type checker reads here that it is one, although `Connectable` asks for an `EngineClient`.
IS_APPLICATION: Callable[[], ClientApplication] = Asker
IS_CONNECTABLE: Callable[[], Connectable] = Asker


class Line:
    """The driver of one connection."""

    def __init__(self, net: "Net", connection: ClientConnection) -> None:
        self.net = net
        self.connection = connection
        self.sent = b""
        #: None before it is dialled, then whether that has succeeded.
        self.dialled: bool | None = None

    def write(self, now: float) -> None:
        """It is ready."""
        if self.connection.aborted:
            return
        if self.dialled is None:
            self.dialled = False
            if self.net.reachable:
                self.connect()
        elif self.dialled:
            self.sent += self.connection.data_to_send(now=now)

    @property
    def end(self) -> str:
        """What the driver has been told about the end of the connection."""
        assert not self.connection.write_eof
        return "aborted" if self.connection.aborted else "closing" if self.connection.closing else ""

    def connect(self) -> "Line":
        """The dial has succeeded."""
        self.dialled = True
        self.connection.connected(now=self.net.now)
        return self

    def feed(self, *chunks: bytes) -> "Line":
        """Bytes of the server."""
        for chunk in chunks:
            self.connection.receive_data(chunk, now=self.net.now)
            self.net.pump()
        return self

    def eof(self) -> "Line":
        """The server half-closes."""
        self.connection.receive_eof(now=self.net.now)
        self.net.pump()
        return self

    def lose(self, error: Exception | None = None) -> "Line":
        """The transport is gone."""
        self.connection.connection_lost(now=self.net.now, error=error)
        self.net.pump()
        return self

    def take(self) -> bytes:
        """What has been sent since the last call."""
        sent, self.sent = self.sent, b""
        return sent


class Net:
    """The driver of all connections, with a clock that is turned by hand."""

    def __init__(self, app: Asker | EngineClient | None = None, **options: float) -> None:
        self.app = app if isinstance(app, Asker) else Asker()
        self.now = 0.0
        self.lines: list[Line] = []
        #: Dials succeed at once; else a test says when.
        self.reachable = True
        self.endpoint = ClientEndpoint(
            app or self.app,
            owner=self._dial,
            token_bytes=lambda size: SAMPLE[:size],
            **cast("ClientHttpOptions", options),
        )

    def _dial(self, connection: ClientConnection) -> Line:
        line = Line(self, connection)
        self.lines.append(line)
        return line

    def pump(self) -> "Net":
        """See `ServerEndpoint`."""
        while True:
            ready = self.endpoint.take_ready()
            for connection in ready:
                connection.owner.write(self.now)
            when = self.endpoint.next_deadline()
            if when is not None and when <= self.now:
                self.endpoint.advance(now=self.now)
            elif not ready:
                return self

    def wait(self, seconds: float) -> "Net":
        """Time passes, deadline by deadline."""
        end = self.now + seconds
        self.pump()
        while (when := self.endpoint.next_deadline()) is not None and when <= end:
            self.now = max(self.now, when)
            self.endpoint.advance(now=self.now)
            self.pump()
        self.now = end
        return self


def asked(net: Net, method: str = "GET", path: str = "/", query: str = "") -> Line:
    """The connection of a request that has been sent."""
    channel = net.app.ask(method, path, query)
    net.pump()
    assert isinstance(channel.owner, ClientConnection)
    return cast("Line", channel.owner.owner)


def response(body: bytes = b"", *headers: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """A response with its length."""
    lines = [f"HTTP/{version} {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def switching(headers: Iterable[str] = (), **replaced: str) -> bytes:
    """The answer to a handshake with `SAMPLE`; `replaced` changes a header, "" takes it away."""
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT} | {
        name.replace("_", "-"): value for name, value in replaced.items()
    }
    lines = ["HTTP/1.1 101 Switching Protocols", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")
