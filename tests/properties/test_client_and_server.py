"""Real Socket.IO clients and a real server, under faults that are drawn.

What is sent arrives at most once and in order within a connection, and exactly once where nothing was lost; every
acknowledgement ends; when all is quiet both sides agree on who is connected; and in the end nothing is left.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sansio_eio.engineio import Pending
from sansio_eio.engineio.client_settings import Protocol
from sansio_eio.socketio import Client, ClientSocket, Server, Socket
from tests.unit.engineio.web import Web

NAMES = ("/", "/b")
PROTOCOLS: tuple[Protocol, ...] = (4, 3)
TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])

numbers = st.integers(0, 100)
seconds = st.sampled_from([0.1, 1.0, 5.0, 20.0])


class Faults(RuleBasedStateMachine):
    """Three clients in two namespaces.

    The first has handlers. The second iterates over its events, with a small limit, so that it stops reading. The third
    sends again what is not acknowledged, and so may be heard twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[tuple[Exception, str]] = []
        self.server = Server(ping_interval=5.0, ping_timeout=4.0, connect_timeout=10.0, allow_eio3=True)
        self.server.on_error(self._report)
        self.web = Web(self.server.engine)
        self.clients: list[Client] = []
        self.count = count(1)
        self.acks: list[Pending[Any]] = []
        #: The server's sockets, the youngest last, and their clients.
        self.sockets: list[Socket] = []
        #: What was accepted, by the client's number and the namespace; and what was handled of it, by the socket's id.
        self.sent_up: dict[tuple[int, str], list[int]] = {}
        self.came_up: dict[str, list[int]] = {}
        self.sent_down: dict[str, list[int]] = {}
        self.came_down: dict[str, list[int]] = {}
        #: The ids that each socket of a client has had, and its news.
        self.ids: dict[tuple[int, str], list[str]] = {}
        self.news: dict[tuple[int, str], list[str]] = {}
        #: Whether something may have been lost on its way.
        self.may_lose_up = self.may_lose_down = False

    def _report(self, error: Exception, where: str) -> None:
        self.errors.append((error, where))

    @initialize(
        transports=st.tuples(*[st.sampled_from(TRANSPORTS)] * 3), protocols=st.tuples(*[st.sampled_from(PROTOCOLS)] * 3)
    )
    def begin(self, transports: tuple[list[str], ...], protocols: tuple[Protocol, ...]) -> None:
        for name in NAMES:
            namespace = self.server.of(name)
            namespace.on("connection", self._connected)
            namespace.on("up", self._up)
            namespace.on("filler", self._filler)
        options: list[dict[str, Any]] = [{}, {"max_inbound": 3}, {"retries": 50, "ack_timeout": 7.0}]
        for number, more in enumerate(options):
            # Without chance, or the same steps would not always lead to the same.
            more |= {"transports": transports[number], "protocol": protocols[number]}
            client = Client("http://server", jitter=lambda: 0.25, **more)
            client.on_error(self._report)
            self.clients.append(client)
            self.web.add(client.engine)
            for name in NAMES:
                socket = client.of(name)
                key = number, name
                self.sent_up[key], self.ids[key], self.news[key] = [], [], []
                socket.on("connect", partial(self._told, key, "connect"))
                socket.on("disconnect", partial(self._told, key, "disconnect"))
                if number == 1:
                    assert socket.next_event() is None
                else:
                    socket.on("down", self._down)

    # -- the application -------------------------------------------------------------------------------------------

    def _connected(self, socket: Socket) -> None:
        self.sockets.append(socket)
        # Old clients have the same id again when they come back on the same session.
        self.sent_down.setdefault(socket.id, [])
        self.came_up.setdefault(socket.id, [])

    def _up(self, socket: Socket, number: int) -> int:
        self.came_up[socket.id].append(number)
        return number

    def _filler(self, socket: Socket, _: bytes) -> None: ...

    def _told(self, key: tuple[int, str], event: str, *_: object) -> None:
        self.news[key].append(event)
        socket_id = self._socket(*key).id
        if event == "connect" and socket_id is not None and socket_id not in self.ids[key]:
            self.ids[key].append(socket_id)

    def _down(self, socket_id: str, number: int) -> int:
        self.came_down.setdefault(socket_id, []).append(number)
        return number

    def _unwanted(self) -> set[str]:
        """Ids in "/" of old clients: their servers connect them, and nobody there may have asked for it."""
        sessions = [
            session
            for client in self.clients
            if (session := client.engine.session) is not None and not client.of("/").connected
        ]
        return {session.sid for session in sessions if session.protocol == 3}

    def _socket(self, number: int, name: str) -> ClientSocket:
        return self.clients[number].of(name)

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 2))
    def open(self, which: int) -> None:
        self.clients[which].open()

    @rule(which=st.integers(0, 2), name=st.sampled_from(NAMES))
    def connect(self, which: int, name: str) -> None:
        self._socket(which, name).connect()

    @rule(which=st.integers(0, 2), name=st.sampled_from(NAMES))
    def disconnect(self, which: int, name: str) -> None:
        self._socket(which, name).disconnect()
        # What the server has sent before that is not wanted any longer, and so not acknowledged either.
        self.may_lose_down = True

    @rule(which=st.integers(0, 2), name=st.sampled_from(NAMES), ask=st.booleans(), size=st.sampled_from([0, 0, 50_000]))
    def emit_up(self, which: int, name: str, ask: bool, size: int) -> None:
        socket, number = self._socket(which, name), next(self.count)
        if ask:
            self.acks.append(socket.emit_with_ack("up", number))
            accepted = not self.acks[-1].done
        else:
            accepted = socket.emit("up", number)
        if size:
            socket.emit("filler", b"f" * size)
        if accepted:
            self.sent_up[which, name].append(number)

    @rule(which=st.integers(0, 2), name=st.sampled_from(NAMES))
    def emit_volatile(self, which: int, name: str) -> None:
        number = next(self.count)
        if self._socket(which, name).volatile.emit("up", number):
            self.sent_up[which, name].append(number)

    # The third one would try it again and again, and all that is behind it would wait.
    @rule(which=st.integers(0, 1), name=st.sampled_from(NAMES), timeout=seconds)
    def call_up(self, which: int, name: str, timeout: float) -> None:
        self.acks.append(self._socket(which, name).call("nobody takes this", b"1", timeout=timeout))

    @precondition(lambda self: self.sockets)
    @rule(which=numbers, ask=st.booleans())
    def emit_down(self, which: int, ask: bool) -> None:
        socket, number = self.sockets[-1 - which % min(6, len(self.sockets))], next(self.count)
        if ask:
            self.acks.append(socket.timeout(9.0).emit_with_ack("down", socket.id, number))
            accepted = not self.acks[-1].done
        else:
            accepted = socket.emit("down", socket.id, number)
        if accepted:
            self.sent_down[socket.id].append(number)
            if socket.id in self._unwanted():
                self.may_lose_down = True

    @rule(name=st.sampled_from(NAMES))
    def iterate(self, name: str) -> None:
        while (event := self._socket(1, name).next_event()) is not None:
            assert event.event == "down"
            event.ack(self._down(*event.args))

    @precondition(lambda self: self.sockets)
    @rule(which=numbers, close=st.booleans())
    def kick(self, which: int, close: bool) -> None:
        self.sockets[-1 - which % min(6, len(self.sockets))].disconnect(close=close)
        self.may_lose_up = self.may_lose_down = True

    @rule(which=st.integers(0, 2))
    def close(self, which: int) -> None:
        self.clients[which].close()
        self.may_lose_up = self.may_lose_down = True

    @rule(count=st.integers(1, 8))
    def step(self, count: int) -> None:
        for _ in range(count):
            self.web.step()

    @rule()
    def settle(self) -> None:
        self.web.settle()

    @rule(seconds=seconds)
    def wait(self, seconds: float) -> None:
        self.web.advance(seconds)

    @rule(really=st.integers(0, 3))
    def cut(self, really: int) -> None:
        if not really:
            self.web.cut()
            self.may_lose_up = self.may_lose_down = True

    @precondition(lambda self: self.web.exchanges)
    @rule(which=numbers, really=st.integers(0, 2))
    def lose(self, which: int, really: int) -> None:
        if not really:
            self.web.lose(self.web.exchanges[which % len(self.web.exchanges)])
            self.may_lose_up = self.may_lose_down = True

    @rule(dead=st.integers(0, 3))
    def die_or_revive(self, dead: int) -> None:
        self.web.is_dead = not dead
        self.may_lose_up = self.may_lose_down = self.may_lose_up or self.web.is_dead

    # -- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def nobody_has_made_a_mistake(self) -> None:
        assert self.errors == []

    @invariant()
    def each_arrives_in_order_and_at_most_once(self) -> None:
        for numbers in self.came_down.values():
            assert numbers == sorted(set(numbers))
        for (which, _), ids in self.ids.items():
            all_of_them: list[int] = []
            for socket_id in ids:
                numbers = self.came_up[socket_id]
                if which == 2:
                    # It says some things again, but never something older.
                    assert numbers == sorted(numbers)
                else:
                    assert numbers == sorted(set(numbers))
                    all_of_them += numbers
            assert len(all_of_them) == len(set(all_of_them))

    @invariant()
    def connects_and_disconnects_take_turns(self) -> None:
        for news in self.news.values():
            assert news[::2] == ["connect"] * len(news[::2])
            assert news[1::2] == ["disconnect"] * len(news[1::2])

    @invariant()
    def only_what_was_sent_arrives(self) -> None:
        sent = {number for numbers in self.sent_up.values() for number in numbers}
        assert {number for numbers in self.came_up.values() for number in numbers} <= sent
        for socket_id, numbers in self.came_down.items():
            assert set(numbers) <= set(self.sent_down[socket_id])

    # -- the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not self.clients:
            return
        self._become_quiet()
        self._both_sides_agree()
        self._nothing_was_lost()
        for client in self.clients:
            client.close()
        self.web.advance(200.0)
        assert all(ack.done for ack in self.acks)
        for client in self.clients:
            assert client.engine.over
            assert client.engine.next_deadline() is None
            assert client.engine.buffered == 0
            for socket in client.sockets.values():
                assert not socket.active
                assert socket.buffered == 0
                assert socket.drain().done
        for name in NAMES:
            assert self.server.of(name).sockets == {}
        assert self.server.engine.sessions == {}
        assert self.server.engine.next_deadline() is None
        assert self.web.exchanges == []
        self.nobody_has_made_a_mistake()
        self.connects_and_disconnects_take_turns()
        self.each_arrives_in_order_and_at_most_once()

    def _become_quiet(self) -> None:
        self.web.is_dead = False
        for _ in range(60):
            for name in NAMES:
                self.iterate(name)
            self.web.advance(5.0)

    def _both_sides_agree(self) -> None:
        for name in NAMES:
            ours = {socket.id for client in self.clients if (socket := client.of(name)).connected}
            theirs = set(self.server.of(name).sockets)
            assert ours <= theirs <= ours | self._unwanted()
            assert all(client.of(name).connected == client.of(name).active for client in self.clients)

    def _nothing_was_lost(self) -> None:
        for (which, name), sent in self.sent_up.items():
            if not self.may_lose_up and self._socket(which, name).connected:
                came = [number for socket_id in self.ids[which, name] for number in self.came_up[socket_id]]
                assert sorted(set(came)) == sent
        if not self.may_lose_down:
            for socket_id, sent in self.sent_down.items():
                assert self.came_down.get(socket_id, []) == sent


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
