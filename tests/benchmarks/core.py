"""The cost of the core with no network: `python tests/benchmarks/core.py`, or with words that the names must contain.

Bytes of a client go into a `ServerConnection`, bytes for the client come out, and there is nothing between but this
library, h11 and wsproto. Counts of calls are the same on every machine.
"""

import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator

from sansio_eio import Server, Socket
from sansio_eio.engineio import Channel, Request
from sansio_eio.http import ServerConnection, ServerEndpoint
from tests.benchmarks.measure import Cost, measure
from tests.benchmarks.table import print_table
from tests.benchmarks.wire import client_frame, poll_request, post_request, take_response, websocket_request

SOCKETS = 1000
TEXT = "a line of text, as one types it"


class Peer:
    """A client: what the server sent it last, and when it is connected its socket in the main namespace."""

    __slots__ = ("connection", "received", "socket")

    def __init__(self, endpoint: ServerEndpoint, now: float) -> None:
        self.received = b""
        self.connection: ServerConnection = endpoint.connect(owner=self, now=now)
        self.socket: Socket | None = None


class World:
    """A server, clients, and the smallest driver there can be."""

    def __init__(self, peers: int = 0, *, old_peers: int = 0) -> None:
        self.io = Server(max_inbound=1_000_000, allow_eio3=old_peers > 0)
        self.endpoint = ServerEndpoint(self.io)
        self.now = 0.0
        self.peers: list[Peer] = []

        @self.io.on("event")
        def event(_socket: Socket, _text: str) -> None:
            pass

        @self.io.on("echo")
        def echo(_socket: Socket, text: str) -> str:
            return text

        @self.io.on("echo later")
        async def echo_later(_socket: Socket, text: str) -> str:
            return text

        for _ in range(peers):
            self.peers.append(self.connect())
        for _ in range(old_peers):
            self.peers.append(self.connect_old())

    def connect(self) -> Peer:
        """A client over WebSocket, in the main namespace."""
        peer = Peer(self.endpoint, self.now)
        self.feed(peer, websocket_request())
        self.feed(peer, client_frame("40"))
        sid = json.loads(peer.received[peer.received.index(b"40{") + 2 :])["sid"]
        peer.socket = self.io.sockets.sockets[sid]
        return peer

    def connect_old(self) -> Peer:
        """A client of revision 3 over WebSocket, which is in the main namespace at once."""
        peer = Peer(self.endpoint, self.now)
        self.feed(peer, websocket_request().replace(b"EIO=4", b"EIO=3"))
        assert peer.received.endswith(b"40")
        return peer

    def disconnect(self, peer: Peer) -> None:
        """The client is gone."""
        peer.connection.connection_lost(now=self.now)
        self.pump()

    def feed(self, peer: Peer, data: bytes) -> None:
        """Bytes of a client."""
        peer.connection.receive_data(data, now=self.now)
        self.pump()

    def pump(self) -> None:
        """See `ServerEndpoint`."""
        endpoint = self.endpoint
        while True:
            deadline = endpoint.next_deadline()
            if deadline is not None and deadline <= self.now:
                endpoint.advance(now=self.now)
            runnable = endpoint.take_runnable()
            for session in runnable:
                while (rest := session.step()) is not None:
                    _run(rest.send)
            ready = endpoint.take_ready()
            for connection in ready:
                data = connection.data_to_send(now=self.now)
                if data:
                    connection.owner.received = data
            if not runnable and not ready:
                return


def _run(send: Callable[[None], object]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


def _one(world: World) -> tuple[Peer, Socket]:
    peer = world.connect()
    assert peer.socket is not None
    return peer, peer.socket


def inbound() -> Iterator[Cost]:
    """One event of a client, up to the end of its handler."""
    world = World()
    engine = world.io.engine
    engine.websocket_requested(
        channel := Channel(), Request("GET", "/socket.io/", "EIO=4&transport=websocket"), now=world.now
    )
    engine.message_received(channel, "40", now=world.now)

    def settle() -> None:
        while runnable := engine.take_runnable():
            for session in runnable:
                session.step()
        for ready in engine.take_ready():
            engine.take_actions(ready)

    settle()
    message = "42" + json.dumps(["event", TEXT], separators=(",", ":"))

    def parsed() -> None:
        engine.message_received(channel, message, now=0.0)
        settle()

    yield measure("event in, from the message", parsed)

    peer = world.connect()
    frame = client_frame(message)
    yield measure("event in, from the bytes", lambda: world.feed(peer, frame))
    many = frame * 100
    yield measure("event in, 100 in one read", lambda: world.feed(peer, many), per=100)
    binary = client_frame('451-["event",{"_placeholder":true,"num":0}]') + client_frame(bytes(1024))
    yield measure("event in, with 1 kB attached", lambda: world.feed(peer, binary))


def round_trips() -> Iterator[Cost]:
    """Acknowledgements, both ways."""
    world = World()
    peer, socket = _one(world)
    echo = client_frame("420" + json.dumps(["echo", TEXT], separators=(",", ":")))
    yield measure("echo with ack, def", lambda: world.feed(peer, echo))
    assert peer.received.endswith(f'430["{TEXT}"]'.encode())
    later = client_frame("420" + json.dumps(["echo later", TEXT], separators=(",", ":")))
    yield measure("echo with ack, async def", lambda: world.feed(peer, later))

    def ask() -> None:
        pending = socket.emit_with_ack("question", 42)
        world.pump()
        at = peer.received.index(b"42")
        world.feed(peer, client_frame("43" + peer.received[at + 2 : -15].decode() + '["answer"]'))
        assert pending.value == "answer"

    yield measure("emit_with_ack, answered", ask)

    def ask_with_timeout() -> None:
        pending = socket.timeout(5.0).emit_with_ack("question", 42)
        world.pump()
        at = peer.received.index(b"42")
        world.feed(peer, client_frame("43" + peer.received[at + 2 : -15].decode() + '["answer"]'))
        assert pending.value == "answer"

    yield measure("emit_with_ack, timeout, answered", ask_with_timeout)


def outbound() -> Iterator[Cost]:
    """Emitting, up to the bytes of each recipient."""
    world = World(SOCKETS)
    io, pump = world.io, world.pump
    peer, socket = _one(world)

    def emit() -> None:
        socket.emit("news", TEXT)
        pump()

    yield measure("emit to one", emit)

    def emit_binary() -> None:
        socket.emit("news", bytes(1024))
        pump()

    yield measure("emit to one, 1 kB of bytes", emit_binary)
    world.disconnect(peer)

    for each in world.peers:
        if each.socket is not None:
            each.socket.join("room")
    first = world.peers[0].socket
    assert first is not None
    yield measure(f"broadcast to {SOCKETS:,}: queue", lambda: io.emit("news", TEXT), restore=pump)

    def broadcast() -> None:
        io.emit("news", TEXT)
        pump()

    yield measure(f"broadcast to {SOCKETS:,}: up to the bytes", broadcast)

    def broadcast_to_room() -> None:
        first.to("room").emit("news", TEXT)
        pump()

    yield measure("the same to a room, but one", broadcast_to_room)


def heartbeats() -> Iterator[Cost]:
    """Ping, bytes, pong, of all sessions at the same time."""
    world = World(SOCKETS)
    interval = world.io.engine.settings.ping_interval
    pong = client_frame("3")

    def beat() -> None:
        world.now += interval
        world.pump()
        assert world.peers[0].received == b"\x81\x012"
        for peer in world.peers:
            peer.connection.receive_data(pong, now=world.now)
        world.pump()

    yield measure(f"heartbeat, one of {SOCKETS:,} sessions", beat, per=SOCKETS)


def polling() -> Iterator[Cost]:
    """Long-polling, from the bytes of requests to those of responses."""
    world = World()
    peer = Peer(world.endpoint, world.now)
    poller = Peer(world.endpoint, world.now)
    world.feed(peer, poll_request())
    sid = json.loads(_body(peer)[1:])["sid"]
    world.feed(peer, post_request(sid, "40"))
    world.feed(poller, poll_request(sid))
    (socket,) = world.io.sockets.sockets.values()
    event = "42" + json.dumps(["event", TEXT], separators=(",", ":"))
    one = post_request(sid, event)
    hundred = post_request(sid, "\x1e".join([event] * 100))
    yield measure("POST with 1 packet", lambda: world.feed(peer, one))
    yield measure("POST with 100 packets, one packet", lambda: world.feed(peer, hundred), per=100)
    poll = poll_request(sid)

    def emit() -> None:
        world.feed(poller, poll)
        socket.emit("news", TEXT)
        world.pump()

    yield measure("GET, answered by an emit", emit)
    assert TEXT.encode() in _body(poller)


def old_clients() -> Iterator[Cost]:
    """Revision 3: what it costs beside revision 4."""
    half = SOCKETS // 2
    for world, who in ((World(SOCKETS), "new"), (World(half, old_peers=half), "new and old")):

        def broadcast(world: World = world) -> None:
            world.io.emit("news", bytes(1024))
            world.pump()

        yield measure(f"1 kB of bytes to {SOCKETS:,} {who} clients", broadcast)
    world = World(old_peers=1)
    peer = Peer(world.endpoint, world.now)
    world.feed(peer, poll_request().replace(b"EIO=4", b"EIO=3"))
    sid = json.loads(_body(peer).partition(b":0")[2])["sid"]
    event = "42" + json.dumps(["event", TEXT], separators=(",", ":"))
    hundred = post_request(sid, f"{len(event)}:{event}" * 100).replace(b"EIO=4", b"EIO=3")
    yield measure("old POST with 100 packets, one packet", lambda: world.feed(peer, hundred), per=100)
    assert _body(peer) == b"ok"


def _body(peer: Peer) -> bytes:
    response = take_response(peer.received)
    assert response is not None
    return response[0]


def connections() -> Iterator[Cost]:
    """From the connection to the connected socket, and its end."""
    world = World()
    yield measure("connect over WebSocket, and leave", lambda: world.disconnect(world.connect()))


SUITES: list[Callable[[], Iterator[Cost]]] = [
    inbound,
    round_trips,
    outbound,
    heartbeats,
    polling,
    old_clients,
    connections,
]


def memory_per_connection() -> float:
    """Bytes that a connected and idle client over WebSocket costs."""
    world = World(1)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    peers = [world.connect() for _ in range(SOCKETS)]
    for peer in peers:
        peer.received = b""
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / SOCKETS


def _row(cost: Cost) -> list[str]:
    return [
        cost.name,
        f"{cost.microseconds:,.2f}",
        f"{cost.python_calls:,.1f}",
        f"{cost.c_calls:,.1f}",
        f"{cost.peak_bytes:,.0f}",
        f"{cost.kept_blocks:.1f}",
    ]


def main(words: list[str]) -> None:
    """Measure the suites whose names contain one of the words, or all of them, and print the table."""
    rows: list[list[str]] = []
    for suite in SUITES:
        if words and not any(word in suite.__name__ for word in words):
            continue
        rows += map(_row, suite())
    print_table(["", "µs", "Python calls", "C calls", "peak bytes", "blocks kept"], rows)
    if not words:
        print(f"\nan idle connection over WebSocket: {memory_per_connection():,.0f} bytes of Python objects")


if __name__ == "__main__":
    main(sys.argv[1:])
