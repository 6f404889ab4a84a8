"""What a client and its connections say to each other: written down, and held back where a fault wants that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sansio_eio.engineio import Channel, CloseChannel, OpenWebSocket, Outgoing, SendMessages, SendRequest, packets
from sansio_eio.engineio.admission import revision_of
from sansio_eio.engineio.client_handshake import response_payload
from sansio_eio.engineio.revision import BINARY, Payload, Revision
from sansio_eio.errors import RemoteProtocolError
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
        #: The revision that they were asked for in.
        self._revisions: dict[Channel, Revision] = {}
        self._session: ClientSession | None = None
        #: The poll that is under way.
        self.poll: Channel | None = None
        #: The requests that are not the client's.
        self._answers: dict[Channel, Answer] = {}
        #: Pings are kept from the client; or, where it is the client that pings, from the server.
        self.silent = False
        #: The session with the ping that was not seen.
        self._waiting: ClientSession | None = None

    @property
    def session(self) -> ClientSession | None:
        """The session of the client; when there is none, the last one."""
        return self._engine.session or self._session

    def end_silence(self, *, now: float) -> None:
        """The ping that there was meanwhile is seen."""
        self.silent = False
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting is not self._engine.session:
            return
        if waiting.revision.client_pings:
            waiting.send_packet(packets.PING_PACKET)
        else:
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
                if packets.PING_PACKET in action.outgoing and self._hides_ping(by_client=True):
                    action.outgoing = [
                        packets.NOOP_PACKET if each is packets.PING_PACKET else each for each in action.outgoing
                    ]
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
        revision = self._revisions[channel] = revision_of(request)
        if label == "post":
            payload = Payload(request.body, request.header("content-type") == BINARY)
            found = _take_apart(revision, payload)
            if packets.PING in found and self._hides_ping(by_client=True):
                found = _without_ping(found)
                request.body = _put_together(revision, payload, found)
            self._record_all("->", label, found)

    # What comes of it

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication`."""
        revision = self._revisions[channel]
        label = self._end(channel)
        self._record("<-", label, str(response.status))
        if label == "poll" and response.status == 200:
            payload = response_payload(response)
            found = _take_apart(revision, payload)
            self._record_all("<-", label, found)
            if packets.PING in found and self._hides_ping(by_client=False):
                response.body = _put_together(revision, payload, _without_ping(found))
        self._answer(channel, response)
        self._engine.response_received(channel, response, now=now)

    def websocket_accepted(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication`."""
        self._record("<-", self._labels[channel], str(response.status))
        self._engine.websocket_accepted(channel, response, now=now)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """See `ClientApplication`."""
        self._record("<-", self._labels[channel], describe(data))
        hidden = data == packets.PING and self._hides_ping(by_client=False)
        self._engine.message_received(channel, packets.NOOP if hidden else data, now=now)

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
        self._revisions.pop(channel, None)
        return self._labels.pop(channel, "")

    def _hides_ping(self, *, by_client: bool) -> bool:
        session = self._engine.session
        if session is None or not self.silent or session.revision.client_pings is not by_client:
            return False
        self._waiting = session
        # This has it wait for what comes next: it is not the client who is to miss something.
        session.pause(session.paused)
        return True

    def _record_all(self, arrow: str, label: str, found: Iterable[str | bytes]) -> None:
        for packet in found:
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


def _take_apart(revision: Revision, payload: Payload) -> list[str | bytes]:
    """The packets of a payload; where it is malformed, what is wrong comes last."""
    found: list[str | bytes] = []
    try:
        found.extend(revision.read_payload(payload, len(payload.body) + 1))
    except RemoteProtocolError as error:
        found.append(f"({error})")
    return found


def _put_together(revision: Revision, payload: Payload, found: Sequence[str | bytes]) -> bytes:
    """Such a payload with these packets."""
    untyped = [packet[1:] if isinstance(packet, bytes) else packet for packet in found]
    return revision.payload([Outgoing(tuple(untyped))], binary=payload.binary).body


def _without_ping(found: Sequence[str | bytes]) -> list[str | bytes]:
    """In its place there is a packet that means nothing."""
    return [packets.NOOP if packet == packets.PING else packet for packet in found]
