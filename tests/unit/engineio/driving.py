"""A driver without a network.

It feeds an application, pumps it as the contract says, and keeps what each channel was told. The clock is a number that
the test turns. Everything that the contract forbids a core to do (a second answer, a message before the handshake,
anything behind a close) fails right here, in whatever test it happens.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, cast

from sansio_eio.engineio import (
    AcceptWebSocket,
    Action,
    Channel,
    CloseChannel,
    EngineServer,
    HandshakeRefused,
    Headers,
    Pending,
    Request,
    Respond,
    Response,
    Runnable,
    SendMessages,
    Session,
    SetReading,
)
from sansio_eio.engineio.atomic import Lock
from sansio_eio.errors import RemoteProtocolError

PATH = "/engine.io/"


class Exchange:
    """One HTTP exchange, or one WebSocket, as its peer sees it."""

    def __init__(self, driver: "Driver", request: Request) -> None:
        self.driver = driver
        self.request = request
        self.channel = driver.app.open_channel(self)
        self.accepted: AcceptWebSocket | None = None
        self.messages: list[str | bytes] = []
        self.frames: list[bytes] = []
        self.ended: CloseChannel | None = None
        self.reading = True
        #: The peer is gone.
        self.lost = False
        #: The peer does not read, so the driver does not ask for more.
        self.stalled = False
        self._response: Response | None = None

    @property
    def over(self) -> bool:
        """Nothing more may come."""
        return self._response is not None or self.ended is not None or self.lost

    @property
    def answered(self) -> bool:
        """There is a response."""
        return self._response is not None

    @property
    def waiting(self) -> bool:
        """The request has had no answer."""
        return not self.over

    @property
    def response(self) -> Response:
        """The answer; fails when there is none."""
        assert self._response is not None, f"no answer to {self.request}"
        return self._response

    @property
    def text(self) -> str:
        """The body of the answer, whose status must be 200."""
        assert self.response.status == 200, self.response
        return self.response.body.decode()

    def do(self, action: Action) -> None:
        """Carry out one action, and check that it is a legal one."""
        assert action.channel is self.channel
        assert not self.lost, f"{action} for a peer that is gone"
        assert not self.over, f"{action} behind the end of {self.request}"
        if isinstance(action, Respond):
            assert self.accepted is None, f"{action} on a WebSocket"
            self._response = action.response
            return
        if isinstance(action, AcceptWebSocket):
            assert self.accepted is None, "two handshakes"
            self.accepted = action
            return
        if isinstance(action, CloseChannel):
            # Of a WebSocket, or of an exchange that is cut without an answer.
            self.ended = action
            return
        assert self.accepted is not None, f"{action} without a handshake"
        if isinstance(action, SendMessages):
            for outgoing in action.outgoing:
                self.messages.extend(outgoing.packets)
                self.frames.append(outgoing.frame)
        else:
            assert isinstance(action, SetReading)
            self.reading = action.enabled

    def say(self, *messages: str | bytes) -> None:
        """The peer sends messages on this WebSocket."""
        for message in messages:
            if not self.over:
                self.driver.app.message_received(self.channel, message, now=self.driver.now)
        self.driver.pump()

    def lose(self, error: RemoteProtocolError | None = None) -> None:
        """The peer is gone: what was not sent stays so, and nothing may be added to it."""
        self.lost = True
        left = self.channel.actions[:]
        self.driver.app.channel_closed(self.channel, now=self.driver.now, error=error)
        assert self.driver.app.take_actions(self.channel) == left
        self.driver.pump()

    def taken(self) -> list[str | bytes]:
        """The messages since the last call."""
        messages, self.messages = self.messages, []
        return messages


class Gate:
    """Something to await, opened by the test."""

    def __init__(self) -> None:
        self.is_open = False
        self.value: Any = None
        self.error: BaseException | None = None

    def open(self, value: object = None, error: BaseException | None = None) -> None:
        self.is_open, self.value, self.error = True, value, error

    def __await__(self) -> Generator[None, None, Any]:
        while not self.is_open:
            yield
        if self.error is not None:
            raise self.error
        return self.value


class Driver:
    """Plays the driver of one application; it is a `Runtime` as well, once it is `installed`."""

    def __init__(self, app: EngineServer | None = None, *, now: float = 1000.0) -> None:
        self.app = EngineServer() if app is None else app
        self.now = now
        self.woken = 0
        self.stopped: list[Exception] = []
        self._stalled: list[Channel] = []
        self._workers: list[tuple[Runnable | None, Coroutine[Any, Any, None]]] = []

    def installed(self) -> "Driver":
        self.app.install(self)
        return self

    # -- the driver's loop --

    def pump(self) -> None:
        """Do all that there is to do now."""
        busy = True
        while busy:
            busy = False
            deadline = self.app.next_deadline()
            if deadline is not None and deadline <= self.now:
                self.app.advance(now=self.now)
                busy = True
            for runnable in self.app.take_runnable():
                self._step(runnable)
                busy = True
            busy = self._work() or busy
            self._stalled += self.app.take_ready()
            busy = self._write() or busy

    def at(self, now: float) -> None:
        """Turn the clock to this time, stopping at every deadline on the way."""
        while (deadline := self.app.next_deadline()) is not None and deadline <= now:
            self.now = max(self.now, deadline)
            self.pump()
        self.now = now
        self.pump()

    def later(self, seconds: float) -> None:
        """Let some time go by."""
        self.at(self.now + seconds)

    def _step(self, runnable: Runnable) -> None:
        rest = runnable.step()
        if rest is not None:
            self._workers.append((runnable, rest))

    def _work(self) -> bool:
        """Let every coroutine go on as far as it can."""
        busy = False
        workers, self._workers = self._workers, []
        for runnable, coroutine in workers:
            try:
                coroutine.send(None)
            except StopIteration:
                busy = True
                if runnable is not None:
                    self._step(runnable)
            else:
                self._workers.append((runnable, coroutine))
        return busy

    def _write(self) -> bool:
        busy = False
        ready, self._stalled = self._stalled, []
        for channel in ready:
            exchange = cast("Exchange", channel.owner)
            if exchange.stalled:
                self._stalled.append(channel)
                continue
            for action in self.app.take_actions(channel):
                exchange.do(action)
                busy = True
        return busy

    def unstall(self, exchange: Exchange) -> None:
        """The peer reads again."""
        exchange.stalled = False
        self.pump()

    # -- Runtime --

    #: Everything happens in one thread.
    lock: Lock | None = None

    def wake(self) -> None:
        self.woken += 1

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        gate = Gate()
        pending.add_done_callback(lambda _: gate.open())
        return gate

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._workers.append((None, coroutine))

    def wall_time(self) -> float:
        return self.now

    def stop(self, error: Exception) -> None:
        self.stopped.append(error)

    # -- the peers --

    def request(
        self,
        method: str = "GET",
        *,
        query: str = "",
        headers: Headers = (),
        body: bytes = b"",
        secure: bool = False,
    ) -> Exchange:
        """Send a request; `query` goes behind what Engine.IO always has there."""
        request = Request(method, PATH, query, headers, body, remote="192.0.2.1", secure=secure)
        exchange = Exchange(self, request)
        self.app.request_received(exchange.channel, request, now=self.now)
        self.pump()
        return exchange

    def dial(self, query: str = "EIO=4&transport=websocket", *, headers: Headers = ()) -> Exchange:
        """Ask for a WebSocket."""
        request = Request("GET", PATH, query, headers, remote="192.0.2.1")
        exchange = Exchange(self, request)
        self.app.websocket_requested(exchange.channel, request, now=self.now)
        self.pump()
        return exchange

    def polling(self, *, query: str = "", headers: Headers = ()) -> "Poller":
        """A client that has opened a session over long-polling."""
        opened = self.request(query="EIO=4&transport=polling" + query, headers=headers)
        return Poller(self, opened)

    def websocket(self) -> "Dialer":
        """A client that has opened a session over a WebSocket."""
        return Dialer(self, self.dial())


class Poller:
    """A client of one session over long-polling."""

    def __init__(self, driver: Driver, opened: Exchange) -> None:
        self.driver = driver
        self.opened = opened
        self.handshake: dict[str, Any] = json.loads(opened.text[1:])
        self.sid = cast("str", self.handshake["sid"])
        self.session: Session = driver.app.sessions[self.sid]

    @property
    def query(self) -> str:
        return f"EIO=4&transport=polling&sid={self.sid}"

    def poll(self, *, query: str = "", headers: Headers = ()) -> Exchange:
        return self.driver.request(query=self.query + query, headers=headers)

    def post(self, body: bytes | str, *, query: str = "", headers: Headers = ()) -> Exchange:
        data = body.encode() if isinstance(body, str) else body
        return self.driver.request("POST", query=self.query + query, headers=headers, body=data)

    def candidate(self) -> Exchange:
        """The WebSocket that this session wants to move to."""
        return self.driver.dial(f"EIO=4&transport=websocket&sid={self.sid}")

    def upgrade(self) -> Exchange:
        """Move to a WebSocket, with all that belongs to it."""
        websocket = self.candidate()
        websocket.say("2probe")
        assert websocket.taken() == ["3probe"]
        websocket.say("5")
        return websocket


class Dialer:
    """A client of one session that was opened on a WebSocket."""

    def __init__(self, driver: Driver, websocket: Exchange) -> None:
        self.driver = driver
        self.websocket = websocket
        [opened] = websocket.taken()
        assert isinstance(opened, str)
        self.handshake: dict[str, Any] = json.loads(opened[1:])
        self.sid = cast("str", self.handshake["sid"])
        self.session: Session = driver.app.sessions[self.sid]


class Journal:
    """An application that writes down what it is told."""

    def __init__(self, engine: EngineServer) -> None:
        self.sessions: list[Session] = []
        self.messages: list[str | bytes] = []
        self.closed: list[str] = []
        self.refused: list[tuple[int, str, dict[str, str]]] = []
        self.errors: list[tuple[Exception, str]] = []
        engine.on("connection", self._connected)
        engine.on("connection_error", self._refused)
        engine.on_error(lambda error, where: self.errors.append((error, where)))

    def _connected(self, session: Session) -> None:
        self.sessions.append(session)
        session.on("message", self.messages.append)
        session.on("close", self.closed.append)

    def _refused(self, event: HandshakeRefused) -> None:
        self.refused.append((event.code, event.message, event.context))

    def taken(self) -> list[str | bytes]:
        """The messages since the last call."""
        messages = self.messages[:]
        self.messages.clear()
        return messages


def ids(*names: str) -> Callable[[Request], str]:
    """A `generate_id` that gives these."""
    left = list(names)
    return lambda _request: left.pop(0)
