"""A driver of one EngineClient, moved by hand: what the client asks for as short tuples, answers as method calls."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, assert_never

from sansio_eio.engineio import (
    Channel,
    ClientState,
    CloseChannel,
    EngineClient,
    OpenWebSocket,
    Response,
    SendMessages,
    SendRequest,
    SetReading,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from sansio_eio import Pending
    from sansio_eio.engineio import ClientEvent, EngineClientOptions
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.client_session import ClientSession

SID = "abc"

#: What a client asks for: a word and what belongs to it. Queries without those parameters that are always there.
Asked: TypeAlias = tuple[Any, ...]


def handshake(upgrades: tuple[str, ...] = (), max_payload: int | None = 100, **more: Any) -> str:
    """An OPEN packet: a ping every 25 seconds, and 20 for the answer."""
    fields: dict[str, Any] = {"sid": SID, "upgrades": upgrades, "pingInterval": 25_000, "pingTimeout": 20_000}
    if max_payload is not None:
        fields["maxPayload"] = max_payload
    return "0" + dumps({**fields, **more})


class ManualRuntime:
    """A runtime that does nothing by itself."""

    def __init__(self) -> None:
        self.lock: Lock | None = None
        self.woken = 0
        self.started: list[Coroutine[Any, Any, None]] = []

    def wake(self) -> None:
        """See `Runtime`."""
        self.woken += 1

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Runtime`."""
        raise AssertionError("nothing waits here")

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """See `Runtime`."""
        self.started.append(coroutine)

    def wall_time(self) -> float:
        """See `Runtime`."""
        return 1_000_000_000.0

    def stop(self, error: Exception) -> None:
        """See `Runtime`."""
        raise error


class Hand:
    """The driver."""

    def __init__(self, url: str = "http://server:3000", **options: Unpack[EngineClientOptions]) -> None:
        options.setdefault("timestamp_requests", False)
        self.client = EngineClient(url, **options)
        self.now = 0.0
        #: The channels, by what they are for: "poll", "post", "ws" (the newest of each).
        self.channels: dict[str, Channel] = {}

    @property
    def session(self) -> ClientSession:
        """The session, which is there."""
        assert self.client.session is not None
        return self.client.session

    # -- what the client asks for ----------------------------------------------------------------------------------

    def asked(self) -> list[Asked]:
        """What the client has asked for since the last call."""
        if (deadline := self.client.next_deadline()) is not None and deadline <= self.now:
            self.client.advance(now=self.now)
        return [
            self._short(action) for channel in self.client.take_ready() for action in self.client.take_actions(channel)
        ]

    def _short(self, action: SendRequest | OpenWebSocket | SendMessages | CloseChannel | SetReading) -> Asked:
        match action:
            case SendRequest(channel, request):
                role = "poll" if request.method == "GET" else "post"
                self.channels[role] = channel
                return (role, self._query(request.query), *([request.body] if role == "post" else []))
            case OpenWebSocket(channel, request):
                self.channels["ws"] = channel
                return ("ws", self._query(request.query))
            case SendMessages(channel, outgoing):
                return ("send", self._role(channel), [packet for each in outgoing for packet in each.packets])
            case CloseChannel(channel):
                return ("close", self._role(channel))
            case SetReading(channel, enabled):
                return ("reading", self._role(channel), enabled)
            case _:
                assert_never(action)

    def _role(self, channel: Channel) -> str:
        return next((role for role, each in self.channels.items() if each is channel), "?")

    def _query(self, query: str) -> str:
        return query.replace("EIO=4&transport=", "")

    # -- what the driver tells it ----------------------------------------------------------------------------------

    def respond(self, role: str, body: str | bytes = "ok", status: int = 200, **headers: str) -> None:
        """The response to the newest request of this kind."""
        data = body.encode() if isinstance(body, str) else body
        response = Response(status, [(name.replace("_", "-"), value) for name, value in headers.items()], data)
        self.client.response_received(self.channels[role], response, now=self.now)

    def accept(self) -> None:
        """The WebSocket is there."""
        self.client.websocket_accepted(self.channels["ws"], Response(101), now=self.now)

    def message(self, data: str | bytes) -> None:
        """A message on the WebSocket."""
        self.client.message_received(self.channels["ws"], data, now=self.now)

    def lose(self, role: str, error: Exception | None = None) -> None:
        """No response will come, or the WebSocket is over."""
        self.client.channel_closed(self.channels[role], now=self.now, error=error)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.client.advance(now=self.now)

    # -- ways to begin ---------------------------------------------------------------------------------------------

    def open(self) -> list[Asked]:
        """Open, and what is asked for then."""
        self.client.open()
        return self.asked()

    def open_polling(self, *upgrades: str, max_payload: int | None = 100, more: str = "") -> list[Asked]:
        """A session on polling."""
        self.open()
        self.respond("poll", handshake(upgrades, max_payload) + more)
        return self.asked()

    def open_websocket(self, max_payload: int | None = 100) -> None:
        """A session on a WebSocket; the client has been told to use nothing else."""
        self.open()
        self.accept()
        self.message(handshake((), max_payload))
        assert self.client.state is ClientState.OPEN
        assert self.asked() == []

    def open_probing(self) -> None:
        """A session on polling, whose WebSocket has not answered the probe."""
        assert self.open_polling("websocket") == [("ws", "websocket&sid=abc"), ("poll", "polling&sid=abc")]
        self.accept()
        assert self.asked() == [("send", "ws", ["2probe"])]

    # -- what the application sees ---------------------------------------------------------------------------------

    def events(self) -> list[ClientEvent]:
        """The events since the last call."""
        events: list[ClientEvent] = []
        while (event := self.client.next_event()) is not None:
            events.append(event)
        return events
