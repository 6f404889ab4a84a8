"""The events of one session, in order: handlers, or pulling."""

from collections.abc import Iterator
from typing import Any

import pytest

from sansio_eio.engineio import Closed, EngineServer, Mailbox, Message, Opened, Request, Session, State
from sansio_eio.engineio.handlers import Steps
from sansio_eio.engineio.session_mailbox import SessionMailbox
from sansio_eio.errors import LocalProtocolError
from tests.unit.engineio.driving import Driver, Gate, Journal


class Owner:
    """Takes integers; an even one is awaited."""

    def __init__(self, limit: int = 4, size: int = 1000) -> None:
        self.gate = Gate()
        self.taken: list[int] = []
        self.queued: list[Mailbox[Any]] = []
        self.congested: list[bool] = []
        self.mailbox = Mailbox[int](
            self.dispatch, self.queued.append, self.congested.append, max_events=limit, max_size=size
        )

    def dispatch(self, item: int) -> Steps:
        if item % 2 == 0:
            yield self.gate
        self.taken.append(item)


def test_it_is_runnable_once_until_it_is_empty() -> None:
    owner = Owner()
    for item in (1, 3, 5):
        owner.mailbox.put(item)
    assert owner.queued == [owner.mailbox]
    assert len(owner.mailbox) == 3
    assert owner.mailbox.step() is None
    assert owner.taken == [1, 3, 5]
    owner.mailbox.put(7)
    assert owner.queued == [owner.mailbox, owner.mailbox]


def test_while_one_is_awaited_the_others_wait() -> None:
    owner = Owner()
    for item in (1, 2, 3):
        owner.mailbox.put(item)
    rest = owner.mailbox.step()
    assert rest is not None
    rest.send(None)
    assert owner.taken == [1]
    owner.mailbox.put(5)
    assert owner.queued == [owner.mailbox]
    owner.gate.open()
    for _ in finishing(rest):
        raise AssertionError
    assert owner.taken == [1, 2]
    assert owner.mailbox.step() is None
    assert owner.taken == [1, 2, 3, 5]


def finishing(coroutine: Any) -> Iterator[None]:
    try:
        while True:
            yield coroutine.send(None)
    except StopIteration:
        return


def test_pulling_gives_the_items_in_order_and_makes_it_runnable_again() -> None:
    owner = Owner()
    owner.mailbox.put(1)
    owner.mailbox.put(2)
    assert [owner.mailbox.next_event() for _ in range(3)] == [1, 2, None]
    owner.mailbox.put(3)
    assert owner.queued == [owner.mailbox] * 2


def test_congestion_begins_at_the_limit_and_ends_at_half_of_it() -> None:
    owner = Owner(limit=4)
    for item in (1, 3, 5):
        owner.mailbox.put(item)
    assert owner.congested == []
    owner.mailbox.put(7)
    owner.mailbox.put(9)
    assert owner.congested == [True]
    owner.mailbox.take()
    owner.mailbox.take()
    assert owner.congested == [True]
    owner.mailbox.take()
    assert owner.congested == [True, False]
    owner.mailbox.take()
    owner.mailbox.take()
    assert owner.congested == [True, False]


def test_congestion_by_size_ends_when_all_is_gone() -> None:
    owner = Owner(limit=100, size=10)
    owner.mailbox.put(1, 4)
    owner.mailbox.put(3, 5)
    assert owner.congested == []
    owner.mailbox.put(5, 1)
    owner.mailbox.put(7, 100)
    assert owner.congested == [True]
    for _ in range(3):
        owner.mailbox.take()
        assert owner.congested == [True]
    owner.mailbox.take()
    assert owner.congested == [True, False]
    owner.mailbox.put(9, 9)
    assert owner.congested == [True, False]


def test_a_limit_of_one() -> None:
    owner = Owner(limit=1)
    owner.mailbox.put(1)
    assert owner.congested == [True]
    assert owner.mailbox.take() == 1
    assert owner.congested == [True, False]


def test_a_program_that_adds_no_handlers_pulls_events() -> None:
    engine = EngineServer()
    driver = Driver(engine)
    events: list[object] = []

    def pull() -> None:
        for runnable in engine.take_runnable():
            assert isinstance(runnable, SessionMailbox)
            while (event := runnable.next_event()) is not None:
                events.append(event)

    request = Request("GET", "/engine.io/", "EIO=4&transport=websocket")
    channel = engine.open_channel()
    engine.websocket_requested(channel, request, now=driver.now)
    engine.message_received(channel, "4hello", now=driver.now)
    pull()
    [session] = engine.sessions.values()
    assert events == [Opened(session), Message(session, "hello")]
    engine.message_received(channel, b"bytes", now=driver.now)
    engine.message_received(channel, "1", now=driver.now)
    pull()
    assert events[2:] == [Message(session, b"bytes"), Closed(session, "transport close", None)]
    assert engine.take_runnable() == []


def test_handlers_run_in_the_order_of_the_wire_whatever_they_await() -> None:
    driver = Driver()
    order: list[object] = []
    gates = {"a": Gate(), "b": Gate()}

    @driver.app.on("connection")
    async def connected(session: Session) -> None:
        order.append("connected")

        @session.on("message")
        async def message(data: str) -> None:
            order.append(data)
            await gates[data]
            order.append(data + " done")

        @session.on("close")
        def closed(reason: str) -> None:
            order.append(reason)

    client = driver.websocket()
    client.websocket.say("4a", "4b", "1")
    assert order == ["connected", "a"]
    gates["b"].open()
    driver.pump()
    assert order == ["connected", "a"]
    gates["a"].open()
    driver.pump()
    assert order == ["connected", "a", "a done", "b", "b done", "transport close"]


def test_concurrent_handlers_do_not_hold_the_session() -> None:
    driver = Driver().installed()
    order: list[str] = []
    gate = Gate()

    @driver.app.on("connection")
    def connected(session: Session) -> None:
        @session.on("message", concurrent=True)
        async def slow(data: str) -> None:
            await gate
            order.append("slow " + data)

        @session.on("message")
        def fast(data: str) -> None:
            order.append("fast " + data)

    driver.websocket().websocket.say("4a", "4b")
    assert order == ["fast a", "fast b"]
    gate.open()
    driver.pump()
    assert order == ["fast a", "fast b", "slow a", "slow b"]


def test_an_error_in_a_handler_is_reported_and_the_session_lives() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    error = ValueError("x")

    @client.session.on("message")
    def fail(_: str) -> None:
        raise error

    client.websocket.say("4a", "4b")
    assert journal.errors == [(error, "a handler of message")] * 2
    assert journal.taken() == ["a", "b"]
    assert not client.websocket.over


def test_a_session_without_handlers_of_its_own() -> None:
    driver = Driver()
    client = driver.websocket()
    client.websocket.say("4a", "1")
    assert client.session.state is State.CLOSED
    assert client.session.handlers is None


def test_the_events_of_a_session() -> None:
    client = Driver().websocket()
    with pytest.raises(LocalProtocolError, match="events message and close, not 'data'"):
        client.session.on("data")


def test_the_events_of_an_engine() -> None:
    engine = EngineServer()
    with pytest.raises(
        LocalProtocolError, match=r"events connection, connection_error, initial_headers, headers, not 'x'"
    ):
        engine.on("x")


def test_the_sessions_of_an_engine_with_an_owner_are_not_for_handlers() -> None:
    driver = Driver()
    listeners: list[SessionMailbox] = []

    def listen(session: Session) -> SessionMailbox:
        listeners.append(SessionMailbox(driver.app, session))
        return listeners[-1]

    driver.app.attach(listen, lambda: len(listeners) >= 2)
    with pytest.raises(LocalProtocolError, match=r"belong to a Socket\.IO server"):
        driver.app.on("connection")
    for _ in range(2):
        driver.websocket()
    assert driver.dial().response.status == 503
    assert len(listeners) == 2


def test_what_comes_behind_a_keyboard_interrupt_is_listed_again() -> None:
    queued: list[Mailbox[Any]] = []

    def dispatch(item: int) -> Steps:
        if item == 1:
            raise KeyboardInterrupt
        taken.append(item)
        yield from ()

    taken: list[int] = []
    mailbox = Mailbox[int](dispatch, queued.append, lambda _: None, max_events=4, max_size=1000)
    mailbox.put(1)
    mailbox.put(2)
    with pytest.raises(KeyboardInterrupt):
        mailbox.step()
    assert queued == [mailbox, mailbox]
    assert mailbox.step() is None
    assert taken == [2]
