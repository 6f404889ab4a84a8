"""The pump on an event loop that the test turns by hand."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest

from sansio_eio import EngineServer, Pending, Session
from sansio_eio.http import Loop, Pump, Router, ServerConnection, ServerEndpoint
from tests.unit.http.client_support import Asker, Net, response
from tests.unit.http.support import Echo, handshake, ok, request, text

WEBSOCKET = handshake("/engine.io/?EIO=4&transport=websocket")


class Cancelled(BaseException):
    """A cancellation of this loop; `stray`: of something that was awaited."""

    def __init__(self, *, stray: bool) -> None:
        super().__init__()
        self.stray = stray


class Parked:
    """Something to await until the test sends it on."""

    def __await__(self) -> Generator["Parked", None, None]:
        yield self


class HandLoop:
    """Writes down what the pump asks for. Tasks run when the test says so."""

    def __init__(self, app: Echo | EngineServer | Router) -> None:
        self.now = 100.0
        #: Added to `now` by each look at the clock.
        self.tick = 0.0
        self.endpoint = ServerEndpoint(app)
        self.pump = Pump(self.endpoint, self)
        self.endpoint.install(self.pump)
        self.soon = 0
        self.alarms: list[float] = []
        self.tasks: deque[Coroutine[Any, Any, None]] = deque()
        self.stopped: list[Exception] = []

    def time(self) -> float:
        self.now += self.tick
        return self.now

    def wall_time(self) -> float:
        return 1e9

    def call_soon(self) -> None:
        self.soon += 1

    def call_at(self, when: float) -> None:
        self.alarms.append(when)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(work)

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        return Parked()

    def is_stray(self, error: BaseException) -> bool:
        return isinstance(error, Cancelled) and error.stray

    def stop(self, error: Exception) -> None:
        self.stopped.append(error)

    def run(self) -> None:
        """Send every task on to its next wait."""
        for _ in range(len(self.tasks)):
            task = self.tasks.popleft()
            try:
                task.send(None)
            except StopIteration:
                continue
            self.tasks.append(task)

    def turn(self) -> None:
        """What was asked for with `call_soon`."""
        assert self.soon == 1
        self.soon = 0
        self.pump.turn()


# The type checker reads here that it is one.
IS_LOOP: Callable[[Echo], Loop] = HandLoop


class Peer:
    """A connection, and the owner that writes for it."""

    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        self.sent = b""
        self.connection: ServerConnection = loop.endpoint.connect(owner=self, now=loop.now)
        loop.pump.pump()

    def write(self, now: float) -> None:
        self.sent += self.connection.data_to_send(now=now)

    def feed(self, data: bytes) -> None:
        self.connection.receive_data(data, now=self.loop.now)
        self.loop.pump.pump()

    def take(self) -> bytes:
        sent, self.sent = self.sent, b""
        return sent


def opened(loop: HandLoop) -> Peer:
    """A session over WebSocket."""
    peer = Peer(loop)
    peer.feed(WEBSOCKET)
    peer.take()
    return peer


def test_an_input_is_answered_and_the_alarm_set() -> None:
    loop = HandLoop(Echo())
    peer = Peer(loop)
    peer.feed(request())
    assert peer.take() == ok(b"GET /? ")
    assert (loop.soon, loop.alarms) == (0, [120.0])


def test_the_alarm_is_moved_only_forward_until_it_rings() -> None:
    app = Echo()
    loop = HandLoop(app)
    for app.deadline in (150.0, 160.0, 140.0, None):
        loop.pump.pump()
    assert loop.alarms == [150.0, 140.0]
    loop.now, app.deadline = 140.0, 200.0
    loop.pump.ring()
    assert loop.alarms == [150.0, 140.0, 200.0]
    assert app.advanced == []


def test_what_is_due_happens_once_in_a_pump() -> None:
    app = Echo()
    loop = HandLoop(app)
    app.deadline = 90.0
    loop.pump.pump()
    assert app.advanced == [100.0]
    # It is still due, so says the application: the loop gets its turn first.
    assert loop.alarms == [90.0]


def test_wakes_are_one_turn() -> None:
    app = Echo()
    loop = HandLoop(app)
    peer = Peer(loop)
    peer.feed(handshake())
    peer.take()
    for each in ("a", "b"):
        app.send(app.channels[0], each)
        loop.pump.wake()
    assert peer.take() == b""
    loop.turn()
    assert peer.take() == b"\x81\x01a\x81\x01b"
    loop.pump.wake()
    loop.turn()


def test_a_flood_is_cut_into_rounds() -> None:
    loop = HandLoop(Echo())
    flooding, quiet = Peer(loop), Peer(loop)
    flooding.feed(request() * 100)
    assert flooding.take().count(b"200 OK") == 20
    # Nobody works for the flood meanwhile, and `wake` need not ask for what is coming anyway.
    quiet.feed(request())
    loop.pump.wake()
    assert quiet.take() == b""
    loop.turn()
    assert quiet.take() == ok(b"GET /? ")
    assert flooding.take().count(b"200 OK") == 20


def test_a_flood_is_cut_after_a_time_but_what_is_due_happens() -> None:
    app = Echo()
    loop = HandLoop(app)
    peer = Peer(loop)
    loop.tick = 0.02
    app.deadline = 100.0
    peer.feed(request() * 100)
    assert peer.take().count(b"200 OK") == 1
    assert len(app.advanced) == 1
    loop.turn()
    assert peer.take().count(b"200 OK") == 1


def test_a_plain_handler_needs_no_task() -> None:
    engine = EngineServer()
    heard: list[object] = []

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", heard.append)

    loop = HandLoop(engine)
    opened(loop).feed(text("4hi"))
    assert heard == ["hi"]
    assert not loop.tasks
    assert loop.pump.busy == 0


def test_handlers_that_wait_are_one_task_for_each_session() -> None:
    engine = EngineServer()
    log: list[str] = []

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message")
        async def received(data: str) -> None:
            log.append(f"{data} begins")
            await Parked()
            session.send(f"{data} ends")

    loop = HandLoop(engine)
    peer = opened(loop)
    for each in ("4a", "4b"):
        peer.feed(text(each))
    loop.run()
    assert (len(loop.tasks), loop.pump.busy) == (1, 1)
    assert log == ["a begins"]
    loop.run()
    assert peer.take() == b"\x81\x074a ends"
    loop.run()
    assert peer.take() == b"\x81\x074b ends"
    assert (len(loop.tasks), loop.pump.busy) == (0, 0)
    assert log == ["a begins", "b begins"]


def test_a_stray_cancellation_ends_one_handler_only(caplog: pytest.LogCaptureFixture) -> None:
    engine = EngineServer()
    done: list[str] = []

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message")
        async def received(data: str) -> None:
            if data == "cancel":
                raise Cancelled(stray=True)
            done.append(data)

    loop = HandLoop(engine)
    peer = opened(loop)
    peer.feed(text("4cancel"))
    peer.feed(text("4go on"))
    loop.run()
    assert done == ["go on"]
    assert [record.getMessage() for record in caplog.records] == ["something that a handler awaited was cancelled"]


def test_a_cancellation_of_the_task_goes_through() -> None:
    engine = EngineServer()

    @engine.on("connection")
    async def connected(session: Session) -> None:
        await Parked()

    loop = HandLoop(engine)
    opened(loop)
    loop.run()
    [task] = loop.tasks
    assert loop.pump.busy == 1
    with pytest.raises(Cancelled):
        task.throw(Cancelled(stray=False))
    assert loop.pump.busy == 0


def test_a_handler_beside_everything_pumps_at_its_end() -> None:
    engine = EngineServer()

    @engine.on("connection", concurrent=True)
    async def connected(session: Session) -> None:
        await Parked()
        session.send("late")

    loop = HandLoop(engine)
    peer = opened(loop)
    assert (len(loop.tasks), loop.pump.busy) == (1, 0)
    loop.run()
    loop.run()
    assert peer.take() == b"\x81\x054late"
    assert not loop.tasks


def test_the_runtime_asks_the_loop() -> None:
    engine = EngineServer()
    loop = HandLoop(engine)
    assert loop.pump.wall_time() == 1e9
    assert isinstance(loop.pump.wait(Pending[None](engine)), Parked)


def test_only_the_first_error_stops_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    loop = HandLoop(Echo())
    first = ValueError("first")
    loop.pump.stop(first)
    loop.pump.stop(ValueError("second"))
    assert loop.stopped == [first]
    [record] = caplog.records
    assert record.getMessage() == "while it stops already"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "second"


def test_an_error_does_not_stop_a_loop_that_ends_already(caplog: pytest.LogCaptureFixture) -> None:
    loop = HandLoop(Echo())
    loop.endpoint.close(now=loop.now, grace=1.0)
    loop.pump.stop(ValueError("late"))
    assert loop.stopped == []
    assert [record.getMessage() for record in caplog.records] == ["while it stops already"]


class Interrupted:
    """A session whose handler is interrupted by Ctrl-C."""

    def step(self) -> None:
        raise KeyboardInterrupt


class CountedRunnable:
    """A session that counts its turns."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self) -> None:
        self.steps += 1


def test_an_interrupted_handler_takes_nothing_from_the_others() -> None:
    app = Echo()
    loop = HandLoop(app)
    peer, other = Peer(loop), CountedRunnable()
    app.runnable = [Interrupted(), other]
    app.deadline = 110.0
    peer.connection.receive_data(request(), now=loop.now)
    with pytest.raises(KeyboardInterrupt):
        loop.pump.pump()
    assert other.steps == 0
    loop.turn()
    assert other.steps == 1
    assert peer.take() == ok(b"GET /? ")
    assert loop.alarms == [120.0, 110.0]


def test_an_interrupted_write_takes_nothing_from_the_others() -> None:
    class InterruptedPeer(Peer):
        def write(self, now: float) -> None:
            raise KeyboardInterrupt

    loop = HandLoop(Echo())
    loop.tick = 1.0
    one, other = InterruptedPeer(loop), Peer(loop)
    one.connection.receive_data(request(), now=loop.now)
    other.connection.receive_data(request(), now=loop.now)
    with pytest.raises(KeyboardInterrupt):
        loop.pump.pump()
    loop.turn()
    assert other.take() == ok(b"GET /? ")
    # It was behind already.
    other.connection.receive_data(request(), now=loop.now)
    assert loop.soon == 1


def test_an_interruption_of_what_is_due_when_the_pump_is_behind_already() -> None:
    class InterruptedApp(Echo):
        def advance(self, *, now: float) -> None:
            raise KeyboardInterrupt

    app = InterruptedApp()
    loop = HandLoop(app)
    peer = Peer(loop)
    loop.tick, app.deadline = 1.0, 90.0
    peer.connection.receive_data(request(), now=loop.now)
    with pytest.raises(KeyboardInterrupt):
        loop.pump.pump()
    assert peer.take() == ok(b"GET /? ")
    # It was asked for once.
    assert loop.soon == 1


def test_it_drives_a_client_as_well() -> None:
    loop, app = HandLoop(Echo()), Asker()
    net = Net(app, max_connections=1)
    pump = Pump(net.endpoint, loop)
    net.endpoint.install(pump)
    assert app.runtime is pump
    net.now = loop.now
    app.ask(timeout=5.0)
    refused = app.ask()
    pump.pump()
    assert net.lines[0].take().startswith(b"GET / ")
    # What cannot be done is told in the same turn.
    assert [channel for channel, _ in app.closed] == [refused]
    assert loop.alarms == [105.0]
    net.lines[0].connection.receive_data(response(b"a"), now=loop.now)
    pump.pump()
    assert [each.body for _, each in app.responses] == [b"a"]
