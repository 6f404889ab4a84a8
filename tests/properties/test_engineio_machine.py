"""Several clients and one server, for as long as it pleases: polling, WebSockets, upgrades, slow readers, losses, time.

The driver of the tests checks each action (nothing is answered twice, nothing comes behind an end or for a lost peer);
the invariants here check what lies between, and the end checks that nothing is left.
"""

from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sansio_eio.engineio import EngineServer, Outgoing, Pending, Request, Session, State
from sansio_eio.engineio.packets import decode_base64, messages
from tests.unit.engineio.driving import PATH, Driver, Exchange, Gate

#: More than `drain` waits for, and little enough to be reached.
MAX_OUTBOUND = 200_000
INDEX = st.integers(0, 1_000_000)
OPEN_STATES = (State.OPEN, State.UPGRADING)


class Client:
    """The model of one client: what was said in both directions, and the channels that it has."""

    def __init__(self, driver: Driver, exchange: Exchange, session: Session, *, websocket: bool) -> None:
        self.driver = driver
        self.session = session
        self.opened = exchange
        self.polls: list[Exchange] = [] if websocket else [exchange]
        self.posts: list[Exchange] = []
        self.sockets: list[Exchange] = [exchange] if websocket else []
        #: Messages that the server took for this client, and messages that the application got of it.
        self.told: list[str | bytes] = []
        self.said: list[str] = []
        self.heard: list[str] = []
        self.opens = self.closes = 0
        self.gate = Gate()
        self.gate.open()

    @property
    def query(self) -> str:
        return f"EIO=4&transport=polling&sid={self.session.sid}"

    @property
    def exchanges(self) -> list[Exchange]:
        return self.polls + self.posts + self.sockets

    def received(self) -> list[str | bytes]:
        """The messages that this client has, in the order of its channels: a WebSocket comes behind the polls."""
        packets: list[str | bytes] = []
        for poll in self.polls:
            # A refusal has no packets.
            if poll.answered and poll.response.status == 200:
                packets += [
                    decode_base64(packet[1:]) if packet.startswith("b") else packet
                    for packet in poll.text.split("\x1e")
                ]
        for socket in self.sockets:
            packets += socket.messages
        return [
            packet if isinstance(packet, bytes) else packet[1:]
            for packet in packets
            if isinstance(packet, bytes) or packet.startswith("4")
        ]


class Engine(RuleBasedStateMachine):
    """See the module."""

    @initialize(max_inbound=st.integers(1, 3), close_timeout=st.sampled_from([2.0, 20.0]))
    def start(self, max_inbound: int, close_timeout: float) -> None:
        self.engine = EngineServer(
            ping_interval=5.0,
            ping_timeout=4.0,
            upgrade_timeout=3.0,
            close_timeout=close_timeout,
            max_sessions=3,
            max_inbound=max_inbound,
            max_outbound=MAX_OUTBOUND,
            max_http_buffer_size=400,
        )
        self.driver = Driver(self.engine).installed()
        self.clients: list[Client] = []
        self.sessions: dict[Session, Client] = {}
        self.strangers: list[Exchange] = []
        self.errors: list[Exception] = []
        self.drains: list[Pending[None]] = []
        self.count = 0
        self.engine.on_error(lambda error, _where: self.errors.append(error))
        self.opening: Exchange | None = None
        self.engine.on("connection", self.connected)

    def connected(self, session: Session) -> None:
        assert self.opening is not None
        websocket = session.transport == "websocket"
        client = self.sessions[session] = Client(self.driver, self.opening, session, websocket=websocket)
        self.clients.append(client)
        client.opens += 1

        @session.on("message")
        async def heard(data: str) -> None:
            await client.gate
            client.heard.append(data)

        @session.on("close")
        def closed(_reason: str) -> None:
            client.closes += 1

    def one(self, pick: int) -> Client:
        # Mostly one of those that live: the others have little to say.
        living = [client for client in self.clients if client.session.state is not State.CLOSED]
        clients = living if living and pick % 8 else self.clients
        return clients[pick // 8 % len(clients)]

    def text(self) -> str:
        self.count += 1
        return f"m{self.count}"

    # -- the peers --

    @rule(websocket=st.booleans())
    def open(self, websocket: bool) -> None:
        full = len(self.engine.sessions) >= 3
        driver, known = self.driver, len(self.clients)
        query = f"EIO=4&transport={'websocket' if websocket else 'polling'}"
        # The connection handler runs inside, and wants to know the exchange.
        exchange = Exchange(driver, request_of(query))
        self.opening = exchange
        feed = self.engine.websocket_requested if websocket else self.engine.request_received
        feed(exchange.channel, exchange.request, now=driver.now)
        driver.pump()
        assert len(self.clients) == known + (0 if full else 1)
        if full:
            assert exchange.response.status == 503
            self.strangers.append(exchange)

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX)
    def poll(self, pick: int) -> None:
        client = self.one(pick)
        client.polls.append(self.driver.request(query=client.query))

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, number=st.integers(1, 3))
    def post(self, pick: int, number: int) -> None:
        client = self.one(pick)
        texts = [self.text() for _ in range(number)]
        # One whose answer is on its way to a peer that does not read is no longer under way.
        free = not any(post.waiting and post.channel.session is not None for post in client.posts)
        if client.session.transport == "polling" and client.session.state in OPEN_STATES and free:
            client.said += texts
        body = "\x1e".join("4" + text for text in texts).encode()
        client.posts.append(self.driver.request("POST", query=client.query, body=body))

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, body=st.sampled_from(["3", "1", "2", "x", "6", "3", "3", "4" * 401]))
    def post_a_packet(self, pick: int, body: str) -> None:
        client = self.one(pick)
        client.posts.append(self.driver.request("POST", query=client.query, body=body.encode()))

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, which=INDEX, packet=st.sampled_from(["4", "4", "3", "3", "1", "2", "x", "5"]))
    def say(self, pick: int, which: int, packet: str) -> None:
        client = self.one(pick)
        if not client.sockets:
            return
        socket = client.sockets[which % len(client.sockets)]
        if packet == "4":
            packet += self.text()
            session = client.session
            if socket.channel.session is session and session.transport == "websocket" and session.state in OPEN_STATES:
                client.said.append(packet[1:])
        # A driver that is told not to read may still have a message or two at hand.
        socket.say(packet)

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX)
    def candidate(self, pick: int) -> None:
        client = self.one(pick)
        exchange = self.driver.dial(client.query.replace("polling", "websocket"))
        (self.strangers if exchange.accepted is None else client.sockets).append(exchange)

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, steps=st.integers(1, 2))
    def upgrade(self, pick: int, steps: int) -> None:
        client = self.one(pick)
        for socket in client.sockets[-1:]:
            if client.session.transport == "polling":
                socket.say(*["2probe", "5"][:steps])

    @precondition(lambda self: self.clients)
    @rule(
        pick=INDEX,
        steps=st.lists(st.sampled_from(["send", "poll", "post", "close", "2probe", "5"]), max_size=4),
        last=st.sampled_from(["5", "send"]),
    )
    def upgrade_and_more(self, pick: int, steps: list[str], last: str) -> None:
        """An upgrade is too long a story to be met with by chance."""
        client = self.one(pick)
        self.candidate(pick)
        for step in ["2probe", *steps, last]:
            if step == "send":
                self.send(pick, 0, binary=False)
            elif step == "poll":
                self.poll(pick)
            elif step == "post":
                self.post(pick, 1)
            elif step == "close":
                self.close(pick)
            elif client.session.transport == "polling" and client.sockets:
                client.sockets[-1].say(step)

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, which=INDEX)
    def lose(self, pick: int, which: int) -> None:
        exchanges = self.one(pick).exchanges
        exchange = exchanges[which % len(exchanges)]
        if not exchange.lost:
            exchange.lose()

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, which=INDEX)
    def stop_or_go_on_reading(self, pick: int, which: int) -> None:
        exchanges = self.one(pick).exchanges
        exchange = exchanges[which % len(exchanges)]
        if exchange.stalled:
            self.driver.unstall(exchange)
        else:
            exchange.stalled = True

    # -- the application --

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, size=st.sampled_from([0, 10, 70_000]), binary=st.booleans())
    def send(self, pick: int, size: int, binary: bool) -> None:
        client = self.one(pick)
        text = self.text() + "x" * size
        data: str | bytes = text.encode() if binary else text
        alive = client.session.state in OPEN_STATES
        if client.session.send(data):
            client.told.append(data)
        else:
            assert not alive or client.session.state is State.CLOSED
        self.driver.pump()

    @rule(size=st.sampled_from([0, 70_000]))
    def broadcast(self, size: int) -> None:
        text = self.text() + "x" * size
        outgoing = messages((text,))
        for client in self.clients:
            if client.session.send_packet(outgoing):
                client.told.append(text)
        self.driver.pump()

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX)
    def send_volatile(self, pick: int) -> None:
        self.one(pick).session.send_packet(messages(("volatile" + self.text(),), volatile=True))
        self.driver.pump()

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX)
    def answer_when_drained(self, pick: int) -> None:
        client = self.one(pick)
        text = self.text()
        self.drains.append(client.session.drain())
        self.drains[-1].add_done_callback(lambda _: client.told.append(text) if client.session.send(text) else None)
        self.driver.pump()

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX)
    def close(self, pick: int) -> None:
        client = self.one(pick)
        client.session.close()
        assert client.session.state in (State.CLOSING, State.CLOSED)
        self.driver.pump()

    @precondition(lambda self: self.clients)
    @rule(pick=INDEX, slow=st.booleans())
    def be_slow_or_quick(self, pick: int, slow: bool) -> None:
        self.one(pick).gate.is_open = not slow
        self.driver.pump()

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 3.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.driver.later(seconds)

    # -- what is always so --

    @invariant()
    def the_books_are_right(self) -> None:
        for client in self.clients:
            session = client.session
            buffer = cast("list[Outgoing]", cast("Any", session)._outbox.packets)
            assert session.buffered == sum(packet.size for packet in buffer) <= MAX_OUTBOUND
            assert (session.state is State.CLOSED) is (session.sid not in self.engine.sessions)
            assert client.opens == 1
            assert client.closes <= (1 if session.state is State.CLOSED else 0)
            received = [data for data in client.received() if not is_volatile(data)]
            assert received == client.told[: len(received)]
            assert client.heard == client.said[: len(client.heard)]
            if session.state is State.CLOSED:
                assert not any(post.waiting and not post.stalled for post in client.posts)
        assert self.errors == []
        assert self.engine.buffered == sum(client.session.buffered for client in self.clients)
        assert len(self.engine.sessions) <= 3

    @invariant()
    def a_websocket_that_is_read_has_everything(self) -> None:
        for client in self.clients:
            for socket in client.sockets:
                if socket.channel.session is client.session and client.session.transport == "websocket":
                    assert socket.stalled or client.session.buffered == 0
                    assert socket.reading or client.session.state in OPEN_STATES

    @invariant()
    def no_poll_waits_for_what_is_there(self) -> None:
        for client in self.clients:
            for poll in client.polls:
                if poll.waiting and not poll.stalled:
                    assert client.session.buffered == 0
                    assert client.session.state in (State.OPEN, State.UPGRADING)
                    assert client.session.transport == "polling"
                    upgrading = [
                        socket for socket in client.sockets if not socket.over and socket.messages == ["3probe"]
                    ]
                    assert not upgrading

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        for client in self.clients:
            client.gate.open()
            for exchange in client.exchanges:
                exchange.stalled = False
        self.driver.pump()
        for client in self.clients:
            if client.session.state is State.OPEN:
                # Who waits for the buffer to be empty may send once more.
                while client.session.transport == "polling" and client.session.buffered:
                    client.polls.append(self.driver.request(query=client.query))
                assert [data for data in client.received() if not is_volatile(data)] == client.told
                assert client.heard == client.said
        self.the_books_are_right()
        self.engine.close()
        self.driver.pump()
        self.driver.later(100.0)
        assert self.engine.sessions == {}
        assert len(self.engine.deadlines) == 0
        assert self.engine.next_deadline() is None
        assert self.engine.buffered == 0
        assert all(drain.done for drain in self.drains)
        for client in self.clients:
            assert client.closes == 1
            assert not any(exchange.waiting for exchange in client.exchanges)
        assert self.errors == []


def is_volatile(data: str | bytes) -> bool:
    return isinstance(data, str) and data.startswith("volatile")


def request_of(query: str) -> Request:
    return Request("GET", PATH, query)


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=200, stateful_step_count=50)
