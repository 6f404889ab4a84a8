"""A rule-based machine: clients and namespaces, time, lost channels, closes, peers that do not read, any bytes."""

import json
import re
from collections import Counter
from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from sansio_eio.socketio import Connection, ConnectionRefused, MemoryAdapter, Namespace, Server, Socket
from tests.unit.engineio.driving import Driver, Exchange, Gate

NAMES = ("/", "/b", "/room-1", "/room-2", "/slow", "/refused", "/nowhere")
ROOMS = ("r1", "r2", "r3")

names = st.sampled_from(NAMES)
rooms = st.sampled_from(ROOMS)
numbers = st.integers(0, 100)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
packets = (
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from("0123456789"),
        st.sampled_from(["", "1-", "2-", "99-"]),
        st.sampled_from(["", "/b,", "/room-1,", "/", "/slow,"]),
        st.sampled_from(["", "0", "1", "12345678901234567890"]),
        st.sampled_from(
            ["", "[]", "{}", '["x"]', '["connect"]', '["x",{"_placeholder":true,"num":0}]', "[NaN]", "null"]
        ),
    )
    | st.text(max_size=8)
    | st.binary(max_size=8)
)


class Machine(RuleBasedStateMachine):
    """What the server knows is compared with what its handlers were told."""

    def __init__(self) -> None:
        super().__init__()
        ids = count(1)
        self.io = Server(
            ping_interval=40.0,
            max_outbound=2000,
            max_inbound=5,
            max_namespaces=4,
            max_pending_acks=3,
            generate_socket_id=lambda: f"s{next(ids)}",
        )
        self.driver = Driver(self.io.engine).installed()
        self.errors: list[tuple[Exception, str]] = []
        self.connected: Counter[str] = Counter()
        self.disconnected: Counter[str] = Counter()
        self.sockets: list[Socket] = []
        self.clients: list[Exchange] = []
        self.gates: list[Gate] = []
        self.acks: list[Any] = []

    @initialize()
    def set_up(self) -> None:
        self.io.on_error(lambda error, where: self.errors.append((error, where)))
        for namespace in (self.io, self.io.of("/b"), self.io.of(re.compile("^/room-")), self.io.of("/slow")):
            namespace.on("connection", self._connect)
            namespace.on("disconnecting", self._leave)
            namespace.on("disconnect", self._disconnect)
            namespace.on("x", self._echo)
            namespace.on("slow", self._wait)
            namespace.on("kick", self._kick)
        self.io.of("/slow").use(self._admit)

        @self.io.of("/refused").use
        def refuse(socket: Socket) -> None:
            socket.join("r1")
            raise ConnectionRefused("no", {"a": 1})

    # -- the application --

    def _connect(self, socket: Socket) -> None:
        assert socket.id not in self.connected
        self.connected[socket.id] += 1
        self.sockets.append(socket)

    def _leave(self, socket: Socket, reason: str) -> None:
        assert socket.disconnected
        assert socket.id in socket.rooms

    def _disconnect(self, socket: Socket, reason: str) -> None:
        assert self.connected[socket.id] == 1
        assert socket.rooms == set()
        self.disconnected[socket.id] += 1

    def _echo(self, socket: Socket, *args: Any) -> Any:
        assert not socket.kicked
        return args

    def _kick(self, socket: Socket, *args: Any) -> None:
        socket.disconnect(close=bool(args))

    async def _wait(self, socket: Socket, *args: Any) -> str:
        self.gates.append(Gate())
        await self.gates[-1]
        return "late"

    async def _admit(self, socket: Socket) -> None:
        socket.join("r1")
        self.gates.append(Gate())
        await self.gates[-1]

    # -- clients --

    @rule(namespaces=st.lists(names, max_size=3, unique=True))
    @precondition(lambda self: len(self.clients) < 5)
    def dial(self, namespaces: list[str]) -> None:
        self.clients.append(self.driver.dial())
        self._say(len(self.clients) - 1, *[f"40{name}," for name in namespaces])

    def _say(self, number: int, *messages: str | bytes) -> None:
        self.clients = [client for client in self.clients if not client.over]
        if self.clients:
            client = self.clients[number % len(self.clients)]
            if client.reading:
                client.say(*messages)

    @rule(number=numbers, name=names)
    def connect(self, number: int, name: str) -> None:
        self._say(number, f"40{name},")

    def _joined(self, number: int, which: int) -> str:
        """A namespace that a client is in, where it is in any."""
        live = [client for client in self.clients if not client.over]
        session = live[number % len(live)].channel.session if live else None
        connection = None if session is None else session.listener
        joined = list(connection.sockets) if isinstance(connection, Connection) else []
        return joined[which % len(joined)] if joined and which < 95 else NAMES[which % len(NAMES)]

    @rule(number=numbers, which=numbers)
    def disconnect(self, number: int, which: int) -> None:
        self._say(number, f"41{self._joined(number, which)},")

    @rule(
        number=numbers,
        which=numbers,
        event=st.sampled_from(["x", "slow", "kick", "y"]),
        ack=st.none() | st.integers(0, 3),
        times=st.integers(1, 7),
    )
    def emit(self, number: int, which: int, event: str, ack: int | None, times: int) -> None:
        packet = f"42{self._joined(number, which)},{'' if ack is None else ack}{json.dumps([event])}"
        self._say(number, *[packet] * times)

    @rule(number=numbers, which=numbers, ack=st.integers(0, 5))
    def answer(self, number: int, which: int, ack: int) -> None:
        self._say(number, f"43{self._joined(number, which)},{ack}[]")

    @rule(number=numbers)
    def announce_attachments(self, number: int) -> None:
        self._say(number, '451-["x",{"_placeholder":true,"num":0}]')

    @rule(number=numbers)
    def attach(self, number: int) -> None:
        self._say(number, b"\0")

    @rule(number=numbers, packet=packets)
    def anything(self, number: int, packet: str | bytes) -> None:
        if number < 30:
            self._say(number, packet if isinstance(packet, bytes) else f"4{packet}")

    @rule(number=numbers)
    def pong(self, number: int) -> None:
        self._say(number, "3")

    @rule(number=numbers, error=st.booleans())
    def lose(self, number: int, error: bool) -> None:
        if self.clients and number < 50:
            client = self.clients.pop(number % len(self.clients))
            if not client.over:
                client.lose(RemoteProtocolError("broken") if error else None)

    @rule(number=numbers, stalled=st.booleans())
    def stall(self, number: int, stalled: bool) -> None:
        if self.clients:
            self.clients[number % len(self.clients)].stalled = stalled
            self.driver.pump()

    @rule(seconds=st.sampled_from([0.1, 5.0, 10.0, 20.0, 50.0]))
    def wait(self, seconds: float) -> None:
        self.driver.later(seconds)

    # -- the server --

    def _socket(self, number: int) -> Socket | None:
        # The younger half: most of the others are gone.
        recent = self.sockets[len(self.sockets) // 2 :]
        return recent[number % len(recent)] if recent else None

    @rule(number=numbers, refuse=st.booleans())
    def open_gate(self, number: int, refuse: bool) -> None:
        if self.gates:
            self.gates.pop(number % len(self.gates)).open(error=ValueError("gate") if refuse else None)
            self.driver.pump()

    @rule(number=numbers, room=rooms)
    def join(self, number: int, room: str) -> None:
        if (socket := self._socket(number)) is not None:
            socket.join(room)
            assert room in socket.rooms or socket.disconnected

    @rule(number=numbers, room=rooms)
    def leave(self, number: int, room: str) -> None:
        if (socket := self._socket(number)) is not None:
            socket.leave(room)

    @rule(number=numbers, close=st.booleans())
    def send_away(self, number: int, close: bool) -> None:
        if (socket := self._socket(number)) is not None:
            socket.disconnect(close=close)
            self.driver.pump()

    @rule(room=rooms, close=st.booleans())
    def send_a_room_away(self, room: str, close: bool) -> None:
        self.io.in_(room).disconnect_sockets(close)
        self.driver.pump()

    @rule(number=numbers, volatile=st.booleans(), size=st.sampled_from([0, 900]))
    def emit_to_one(self, number: int, volatile: bool, size: int) -> None:
        if (socket := self._socket(number)) is not None:
            sent = (socket.volatile if volatile else socket).emit("x", b"x" * size)
            assert socket.connected or not sent
            self.driver.pump()

    @rule(room=rooms, size=st.sampled_from([0, 900]))
    def emit_to_many(self, room: str, size: int) -> None:
        self.io.to(room).emit("x", "x" * size)
        self.io.of("/b").except_(room).emit("x")
        self.driver.pump()

    @rule(number=numbers, seconds=st.none() | st.just(5.0))
    def ask_one(self, number: int, seconds: float | None) -> None:
        if (socket := self._socket(number)) is not None:
            ask = socket if seconds is None else socket.timeout(seconds)
            self.acks.append(ask.emit_with_ack("x"))
            self.driver.pump()

    @rule()
    def ask_many(self) -> None:
        self.acks.append(self.io.timeout(5.0).emit_with_ack("x"))
        self.driver.pump()

    @rule(again=st.integers(0, 9))
    def close_everything(self, again: int) -> None:
        if again == 0:
            self.io.close()
            self.driver.pump()
            assert self._namespace_sockets() == set()
            self.driver.app.install(self.driver)

    # -- what always holds --

    def _namespaces(self) -> dict[str, Namespace]:
        return self.io._namespaces  # pyright: ignore[reportPrivateUsage]

    def _namespace_sockets(self) -> set[Socket]:
        return {socket for namespace in self._namespaces().values() for socket in namespace.sockets.values()}

    @invariant()
    def namespaces_and_connections_agree(self) -> None:
        here: set[Socket] = set()
        connecting: set[Socket] = set()
        for session in self.driver.app.sessions.values():
            connection = session.listener
            assert isinstance(connection, Connection)
            for name, socket in connection.sockets.items():
                assert socket.namespace.name == name
                assert socket.connected
                here.add(socket)
            connecting |= {request.socket for request in connection.connecting.values() if request.socket is not None}
            assert len(connection.sockets) + len(connection.connecting) <= 4
            assert not (connection in self.io.unjoined and connection.sockets)
        assert here == self._namespace_sockets()
        assert connecting == {
            socket for namespace in self._namespaces().values() for socket in namespace.connecting.values()
        }

    @invariant()
    def nobody_is_in_a_room_after_the_end(self) -> None:
        for namespace in self._namespaces().values():
            adapter = namespace.adapter
            assert isinstance(adapter, MemoryAdapter)
            present = {*namespace.sockets.values(), *namespace.connecting.values()}
            state = vars(adapter)
            assert set(state["_rooms"]) <= present
            assert {socket for members in state["_members"].values() for socket in members} <= present
            assert all(state["_members"].values())

    @invariant()
    def children_are_not_empty(self) -> None:
        for namespace in self._namespaces().values():
            assert namespace.parent is None or namespace.sockets or namespace.connecting

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.io.buffered <= 2000 * len(self.driver.app.sessions)

    @invariant()
    def each_end_is_told_at_most_once(self) -> None:
        assert set(self.disconnected) <= set(self.connected)
        assert set(self.connected.values()) | set(self.disconnected.values()) <= {1}

    @invariant()
    def only_gates_raise(self) -> None:
        for error, where in self.errors:
            assert str(error) == "gate" or isinstance(error, ConnectionRefused), (error, where)

    def teardown(self) -> None:
        for client in self.clients:
            client.stalled = False
            if not client.over:
                client.lose()
        while self.gates:
            self.gates.pop().open()
            self.driver.pump()
        self.driver.later(1_000.0)
        assert self.connected == self.disconnected
        assert self.driver.app.sessions == {}
        assert self.io.unjoined == set()
        assert self._namespace_sockets() == set()
        assert set(self._namespaces()) == {"/", "/b", "/slow", "/refused"}
        assert all(ack.done for ack in self.acks)
        assert len(self.driver.app.deadlines) == 0
        assert self.driver.app.next_deadline() is None
        self.only_gates_raise()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


@given(st.lists(packets, max_size=6), st.booleans())
def test_any_bytes_give_events_or_an_end(messages: list[str | bytes], connected: bool) -> None:
    io = Server()
    driver = Driver(io.engine).installed()
    errors: list[object] = []
    io.on_error(lambda error, where: errors.append((error, where)))

    @io.on("x")
    def echo(socket: Socket, *args: Any) -> Any:
        return args

    client = driver.dial()
    if connected:
        client.say("40")
    for message in messages:
        if not client.over:
            client.say(message if isinstance(message, bytes) else f"4{message}")
    if not client.over:
        client.lose()
    assert errors == []
    assert io.sockets.sockets == {}
    assert io.unjoined == set()
    assert driver.app.next_deadline() is None


@given(st.lists(values, max_size=4))
def test_what_can_be_sent_comes_back(args: list[Any]) -> None:
    io = Server()
    driver = Driver(io.engine).installed()
    got: list[Any] = []
    expected: list[Any] = []

    @io.on("x")
    def take(socket: Socket, *back: Any) -> None:
        got.append(list(back))

    client = driver.dial()
    client.say("40")
    client.taken()
    [socket] = io.sockets.sockets.values()
    with suppress(LocalProtocolError):  # numbers that JSON does not have, and such
        assert socket.emit("x", *args)
        expected.append(args)
    driver.pump()
    client.say(*client.taken())
    assert got == expected
