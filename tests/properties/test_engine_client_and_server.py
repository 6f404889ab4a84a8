"""An Engine.IO client and a server under faults that are drawn.

What is sent arrives once and in order, or is lost with its session; both sides learn of every end; nothing is left.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sansio_eio import EngineClient, EngineServer, Session
from sansio_eio.engineio.client_settings import Protocol
from tests.unit.engineio.web import Web

PROTOCOLS: tuple[Protocol, ...] = (4, 3)


class Faults(RuleBasedStateMachine):
    """One client, one server, and a web that loses connections."""

    def __init__(self) -> None:
        super().__init__()
        self.server = EngineServer(ping_interval=5.0, ping_timeout=4.0, allow_eio3=True)
        self.server.on("connection", self.connected)
        self.web = Web(self.server)
        #: The sessions of the server, and for each what was sent down and what came up.
        self.sessions: list[Session] = []
        self.sent_down: list[list[str]] = []
        self.came_up: list[list[Any]] = []
        #: What was sent up, and what came down in each session.
        self.sent_up: list[str] = []
        self.came_down: dict[int, list[str]] = {}
        self.opens = 0
        #: The news of each side.
        self.news: list[str] = []
        self.ends: list[str] = []
        self.count = 0

    @initialize(
        transports=st.sampled_from([["polling"], ["websocket"], ["polling", "websocket"]]),
        protocol=st.sampled_from(PROTOCOLS),
    )
    def begin(self, transports: list[str], protocol: Protocol) -> None:
        self.client = EngineClient("http://server", transports=transports, protocol=protocol)
        self.client.on("message", self.received)
        for event in ("open", "close", "error"):
            self.client.on(event, partial(self.told, event))
        self.web.add(self.client)

    def connected(self, session: Session) -> None:
        self.sessions.append(session)
        self.sent_down.append([])
        self.came_up.append([])
        session.on("message", self.came_up[-1].append)
        session.on("close", self.ends.append)

    def told(self, event: str, *_: object) -> None:
        self.news.append(event)

    def received(self, text: str) -> None:
        self.came_down.setdefault(int(text.split(maxsplit=1)[0]), []).append(text)

    def next_text(self) -> str:
        self.count += 1
        return f"{len(self.sessions) - 1} {self.count}"

    # -- what happens ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.client.session is None)
    @rule()
    def open(self) -> None:
        self.client.open()
        self.opens += 1

    @rule()
    def send_up(self) -> None:
        text = self.next_text()
        if self.client.send(text):
            self.sent_up.append(text)

    @precondition(lambda self: self.sessions)
    @rule()
    def send_down(self) -> None:
        text = self.next_text()
        if self.sessions[-1].send(text):
            self.sent_down[-1].append(text)

    @rule(count=st.integers(1, 5))
    def step(self, count: int) -> None:
        for _ in range(count):
            self.web.step()

    @rule()
    def settle(self) -> None:
        self.web.settle()

    @rule(seconds=st.floats(0.01, 30.0))
    def wait(self, seconds: float) -> None:
        self.web.advance(seconds)

    @rule()
    def cut(self) -> None:
        self.web.cut()

    @precondition(lambda self: self.web.exchanges)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.web.lose(self.web.exchanges[data.draw(st.integers(0, len(self.web.exchanges) - 1))])

    @rule(dead=st.booleans())
    def die_or_revive(self, dead: bool) -> None:
        self.web.is_dead = dead

    @rule()
    def close(self) -> None:
        self.client.close()

    @precondition(lambda self: self.sessions)
    @rule()
    def kick(self) -> None:
        self.sessions[-1].close()

    # -- what holds ------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        self.web.is_dead = False
        self.client.close()
        self.web.advance(200)
        # Every opening has one outcome, and every session that was open one end.
        assert self.news.count("open") + self.news.count("error") == self.opens
        assert self.news.count("open") == self.news.count("close")
        assert len(self.ends) == len(self.sessions)
        for number, received in self.came_down.items():
            assert is_part_of(received, self.sent_down[number])
        assert is_part_of([text for texts in self.came_up for text in texts], self.sent_up)
        # Nothing is left.
        assert self.client.over
        assert self.client.buffered == 0
        assert self.client.next_deadline() is None
        assert self.server.sessions == {}
        assert self.server.next_deadline() is None
        assert self.web.exchanges == []


def is_part_of(received: list[str], sent: list[str]) -> bool:
    """Whether it came in order, each once, maybe not all of it."""
    rest = iter(sent)
    return all(text in rest for text in received)


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
