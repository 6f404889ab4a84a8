"""A small application, a driver without a network, and the bytes of a client."""

from collections.abc import Callable, Iterable
from typing import cast

from sansio_eio import EngineServer, RemoteProtocolError, Request, Response
from sansio_eio.engineio import (
    AcceptWebSocket,
    Action,
    Application,
    Channel,
    CloseChannel,
    Mountable,
    Outgoing,
    Respond,
    Runnable,
    Runtime,
    SendMessages,
)
from sansio_eio.http import HttpOptions, Router, ServerEndpoint
from sansio_eio.http.frames import FrameConnection

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# Of RFC 6455, section 1.3.
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Echo:
    """Answers requests with themselves, unless their path asks for something else, and echoes WebSocket messages."""

    path = "/"

    def __init__(self, *, body_limit: int = 1000, max_message_size: int = 1000, compression: bool = False) -> None:
        self.limit = body_limit
        self.max_message_size = max_message_size
        self.compression = compression
        #: The heads of requests, whose bodies were not there at once.
        self.started: list[tuple[Channel, Request]] = []
        self.requests: list[Request] = []
        self.messages: list[str | bytes] = []
        self.closed: list[tuple[Channel, RemoteProtocolError | None]] = []
        self.channels: list[Channel] = []
        self.deadline: float | None = None
        self.advanced: list[float] = []
        self.runnable: list[Runnable] = []
        self.runtime: Runtime | None = None
        self.shut_down = False
        self._ready: list[Channel] = []

    @property
    def engine(self) -> EngineServer:
        """It stands for one."""
        return cast("EngineServer", self)

    def act(self, channel: Channel, *actions: Action) -> None:
        """Have these done."""
        channel.actions += actions
        if channel not in self._ready:
            self._ready.append(channel)

    def respond(self, channel: Channel, response: Response) -> None:
        """Answer a request that was left open."""
        self.act(channel, Respond(channel, response))

    def accept(self, channel: Channel, headers: list[tuple[str, str]] | None = None) -> None:
        """Accept a handshake that was left open."""
        self.act(channel, AcceptWebSocket(channel, self.max_message_size, headers or [], self.compression))

    def send(self, channel: Channel, *packets: str | bytes) -> None:
        """Send a message."""
        self.act(channel, SendMessages(channel, [Outgoing(packets)]))

    def open_channel(self, owner: object = None) -> Channel:
        return Channel(owner)

    def body_limit(self, request: Request) -> int:
        return self.limit

    def request_started(self, channel: Channel, request: Request, *, now: float) -> None:
        assert request.body == b""
        self.started.append((channel, request))
        if request.path == "/overlap":
            self.respond(channel, Response(400))
        elif request.path == "/cut-early":
            self.act(channel, CloseChannel(channel))

    def request_received(self, channel: Channel, request: Request, *, now: float) -> None:
        self.requests.append(request)
        self.channels.append(channel)
        match request.path:
            case _ if len(request.body) > self.limit:
                self.respond(channel, Response(413))
            case "/park":
                pass
            case "/cut":
                self.act(channel, CloseChannel(channel))
            case "/long":
                self.respond(channel, Response(200, [], b"x" * 200_000))
            case _:
                text = f"{request.method} {request.path}?{request.query} "
                self.respond(channel, Response(200, [("content-type", "text/plain")], text.encode() + request.body))

    def websocket_requested(self, channel: Channel, request: Request, *, now: float) -> None:
        self.requests.append(request)
        self.channels.append(channel)
        if request.path == "/refuse":
            self.respond(channel, Response(403, [], b"no"))
        elif request.path != "/park":
            self.accept(channel, [("x-extra", "1")])

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        self.messages.append(data)
        self.send(channel, data)

    def channel_closed(self, channel: Channel, *, now: float, error: RemoteProtocolError | None = None) -> None:
        self.closed.append((channel, error))

    def take_ready(self) -> list[Channel]:
        ready, self._ready = self._ready, []
        return ready

    def take_actions(self, channel: Channel) -> list[Action]:
        actions, channel.actions = channel.actions, []
        return actions

    def take_runnable(self) -> list[Runnable]:
        runnable, self.runnable = self.runnable, []
        return runnable

    def next_deadline(self) -> float | None:
        return self.deadline

    def advance(self, *, now: float) -> None:
        self.advanced.append(now)

    def install(self, runtime: Runtime | None) -> None:
        self.runtime = runtime

    def close(self) -> None:
        self.shut_down = True


# The type checker reads here that it is one, although `Mountable` asks for an `EngineServer`.
IS_APPLICATION: Callable[[], Application] = Echo
IS_MOUNTABLE: Callable[[], Mountable] = Echo


class Wire:
    """The driver: bytes in, bytes out, and a clock that is turned by hand."""

    def __init__(self, endpoint: ServerEndpoint, **address: str | bool) -> None:
        self.endpoint = endpoint
        self.now = 0.0
        self.sent = b""
        self.connection = endpoint.connect(
            remote=str(address.get("remote", "")),
            secure=bool(address.get("secure")),
            half_close=bool(address.get("half_close", True)),
            owner=self,
            now=self.now,
        )
        self.pump()

    @property
    def end(self) -> str:
        """What the driver has been told about the end of the connection."""
        if self.connection.aborted:
            return "aborted"
        return "closing" if self.connection.closing else "half closed" if self.connection.write_eof else ""

    def feed(self, *chunks: bytes) -> "Wire":
        """Bytes of the client."""
        for chunk in chunks:
            self.connection.receive_data(chunk, now=self.now)
            self.pump()
        return self

    def eof(self) -> "Wire":
        """The client half-closes."""
        self.connection.receive_eof(now=self.now)
        self.pump()
        return self

    def lose(self) -> "Wire":
        """The transport is gone."""
        self.connection.connection_lost(now=self.now)
        self.pump()
        return self

    def wait(self, seconds: float) -> "Wire":
        """Time passes, deadline by deadline."""
        end = self.now + seconds
        while (when := self.endpoint.next_deadline()) is not None and when <= end:
            self.now = max(self.now, when)
            self.endpoint.advance(now=self.now)
            self.pump()
        self.now = end
        return self

    def pump(self) -> "Wire":
        """See `ServerEndpoint`."""
        while ready := self.endpoint.take_ready():
            for connection in ready:
                wire = connection.owner
                if not connection.paused:
                    wire.sent += connection.data_to_send(now=self.now)
        return self

    def take(self) -> bytes:
        """What has been sent since the last call."""
        sent, self.sent = self.sent, b""
        return sent


def connect(app: Echo | Router | None = None, **options: float) -> Wire:
    """A connection to an endpoint of its own."""
    return Wire(ServerEndpoint(app or Echo(), **cast("HttpOptions", options)))


def split(data: bytes) -> Iterable[bytes]:
    """One byte after the other."""
    return [data[i : i + 1] for i in range(len(data))]


def request(
    method: str = "GET",
    target: str = "/",
    headers: Iterable[str] = (),
    body: bytes = b"",
    *,
    version: str = "1.1",
    host: str = "Host: example.org",
) -> bytes:
    """A request with these header lines."""
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def handshake(target: str = "/", headers: Iterable[str] = (), **replaced: str) -> bytes:
    """A WebSocket handshake; `replaced` changes a header, "" takes it away."""
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    } | {name.replace("_", "-"): value for name, value in replaced.items()}
    return request("GET", target, [*(f"{name}: {value}" for name, value in fields.items() if value), *headers])


def ok(body: bytes, *extra: str) -> bytes:
    """The response of `Echo` with this body."""
    lines = ["HTTP/1.1 200 OK", "content-type: text/plain", f"content-length: {len(body)}", *extra, "", ""]
    return "\r\n".join(lines).encode() + body


def switching(*extra: str) -> bytes:
    """The response to a handshake with `KEY`."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-accept: {ACCEPT}",
        *extra,
        "x-extra: 1",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\x01\xff\x03\x04"
) -> bytes:
    """A frame of a client (RFC 6455, section 5.2)."""
    head = bytes([(0x80 if fin else 0) | rsv | opcode])
    flag = 0 if mask is None else 0x80
    if len(payload) < 126:
        head += bytes([flag | len(payload)])
    elif len(payload) < 65536:
        head += bytes([flag | 126]) + len(payload).to_bytes(2, "big")
    else:
        head += bytes([flag | 127]) + len(payload).to_bytes(8, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def text(data: str, *, fin: bool = True) -> bytes:
    """A text frame of a client."""
    return frame(1, data.encode(), fin=fin)


def receive_all(connection: FrameConnection, data: bytes) -> list[str | bytes]:
    """All messages in these bytes, portion by portion."""
    messages = connection.receive_data(data)
    while connection.has_rest:
        messages += connection.receive_data(b"")
    return messages


def close(code: int | None = None, reason: str = "") -> bytes:
    """A Close frame of a client."""
    return frame(8, b"" if code is None else code.to_bytes(2, "big") + reason.encode())


def status(response: bytes) -> int:
    """The status of the first response in these bytes, 0 for none."""
    return int(response.split(b" ", 2)[1]) if response else 0
