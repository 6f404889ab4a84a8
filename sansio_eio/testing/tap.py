"""What a client and its connections say to each other: written down, and held back where a fault wants that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sansio_eio.engineio import Channel, CloseChannel, OpenWebSocket, SendMessages, SendRequest, packets, payloads
from sansio_eio.testing.transcript import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sansio_eio.engineio import (
        Address,
        ClientAction,
        ClientSession,
        EngineClient,
        Request,
        Response,
        Runnable,
        Runtime,
    )


@dataclass(slots=True)
class Answer:
    """What comes of a request."""

    #: None while there is none, and when none has come.
    response: Response | None = None
    #: Nothing more comes.
    over: bool = False


class Tap:
    """A `ClientApplication` that stands in front of an `EngineClient`, and does what that does."""

    def __init__(self, engine: EngineClient, record: Callable[[str, str, str], None]) -> None:
        self._engine = engine
        self._record = record
        #: What the exchanges that are under way are called in the transcript.
        self._labels: dict[Channel, str] = {}
        self._session: ClientSession | None = None
        #: The poll that is under way.
        self.poll: Channel | None = None
        #: The requests that are not the client's.
        self._answers: dict[Channel, Answer] = {}
        #: Pings are kept from the client.
        self.silent = False
        #: The session that has not seen its ping.
        self._waiting: ClientSession | None = None

    @property
    def session(self) -> ClientSession | None:
        """The session of the client; when there is none, the last one."""
        return self._engine.session or self._session

    def end_silence(self, *, now: float) -> None:
        """The client sees the ping that has come meanwhile."""
        self.silent = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting is self._engine.session:
            waiting.receive(packets.PING, now)

    def ask(self, request: Request, label: str) -> Answer:
        """Send a request that the client knows nothing of."""
        channel = Channel()
        self._labels[channel] = label
        answer = self._answers[channel] = Answer()
        self._engine.act(channel, SendRequest(channel, request, None))
        return answer

    # What the client asks for

    def take_actions(self, channel: Channel) -> list[ClientAction]:
        """See `ClientApplication`."""
        actions = self._engine.take_actions(channel)
        self._session = self.session
        for action in actions:
            if isinstance(action, SendRequest):
                self._begin(channel, "poll" if action.request.method == "GET" else "post", action.request)
            elif isinstance(action, OpenWebSocket):
                self._begin(channel, "ws", action.request)
            elif isinstance(action, SendMessages):
                for outgoing in action.outgoing:
                    self._record_all("->", "ws", outgoing.packets)
            elif isinstance(action, CloseChannel) and self._end(channel) == "ws":
                self._record("->", "ws", "close")
        return actions

    def _begin(self, channel: Channel, label: str, request: Request) -> None:
        if channel not in self._labels:
            self._labels[channel] = label
            if label == "poll":
                self.poll = channel
        label = self._labels[channel]
        target = f"{request.path}?{request.query}" if request.query else request.path
        self._record("->", label, f"{request.method} {target}")
        if label == "post":
            self._record_all("->", label, payloads.decode_payload(request.body, len(request.body) + 1))

    # What comes of it

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication`."""
        label = self._end(channel)
        self._record("<-", label, str(response.status))
        if label == "poll" and response.status == 200:
            payload = payloads.decode_payload(response.body, len(response.body) + 1)
            self._record_all("<-", label, payload)
            if self._hides_ping(payload):
                kept = [packets.NOOP if packet == packets.PING else packet for packet in payload]
                response.body = packets.SEPARATOR.join(kept).encode()
        self._answer(channel, response)
        self._engine.response_received(channel, response, now=now)

    def websocket_accepted(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication`."""
        self._record("<-", self._labels[channel], str(response.status))
        self._engine.websocket_accepted(channel, response, now=now)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """See `ClientApplication`."""
        self._record("<-", self._labels[channel], describe(data))
        self._engine.message_received(channel, packets.NOOP if self._hides_ping([data]) else data, now=now)

    def channel_closed(self, channel: Channel, *, now: float, error: Exception | None = None) -> None:
        """See `ClientApplication`."""
        label = self._end(channel)
        self._record("<-", label, "closed" if label == "ws" else "lost")
        self._answer(channel, None)
        self._engine.channel_closed(channel, now=now, error=error)

    def _answer(self, channel: Channel, response: Response | None) -> None:
        answer = self._answers.pop(channel, None)
        if answer is not None:
            answer.response = response
            answer.over = True

    def _end(self, channel: Channel) -> str:
        if channel is self.poll:
            self.poll = None
        return self._labels.pop(channel, "")

    def _hides_ping(self, payload: Sequence[str | bytes]) -> bool:
        session = self._engine.session
        if session is None or not self.silent or packets.PING not in payload:
            return False
        self._waiting = session
        # This has it wait for the next ping: it is not the client who is to miss one.
        session.pause(session.paused)
        return True

    def _record_all(self, arrow: str, label: str, payload: Iterable[str | bytes]) -> None:
        for packet in payload:
            self._record(arrow, label, describe(packet))

    # The rest

    @property
    def address(self) -> Address:
        """See `ClientApplication`."""
        return self._engine.address

    @property
    def max_message_size(self) -> int:
        """See `ClientApplication`."""
        return self._engine.max_message_size

    @property
    def over(self) -> bool:
        """See `ClientApplication`."""
        return self._engine.over

    def take_ready(self) -> list[Channel]:
        """See `ClientApplication`."""
        return self._engine.take_ready()

    def take_runnable(self) -> list[Runnable]:
        """See `ClientApplication`."""
        return self._engine.take_runnable()

    def next_deadline(self) -> float | None:
        """See `ClientApplication`."""
        return self._engine.next_deadline()

    def advance(self, *, now: float) -> None:
        """See `ClientApplication`."""
        self._engine.advance(now=now)

    def leave(self) -> None:
        """See `ClientApplication`."""
        self._engine.leave()

    def install(self, runtime: Runtime | None) -> None:
        """See `ClientApplication`."""
        self._engine.install(runtime)
