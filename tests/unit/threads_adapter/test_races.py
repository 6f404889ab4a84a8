"""What can only happen when a thread comes in between: while a packet is encoded, which needs no lock, others go on."""

import threading

from sansio_eio import Server, Socket
from sansio_eio.socketio import TEXT_PARSER, Packet, PacketType, Parser
from sansio_eio_threads import Server as Threads
from tests.unit.socketio.helpers import Net
from tests.unit.threads_adapter.client import PATIENCE, dial


def test_two_handlers_answer_at_the_same_moment() -> None:
    both = threading.Barrier(2)

    def encode(packet: Packet) -> tuple[str | bytes, ...]:
        if packet.type is PacketType.ACK and packet.data == ["one of two"]:
            both.wait(PATIENCE)
        return TEXT_PARSER.encode(packet)

    io = Server(parser=Parser(encode, TEXT_PARSER.decode))

    async def answer(_socket: Socket) -> str:
        return "one of two"

    io.on("both", answer, concurrent=True)
    io.on("both", answer, concurrent=True)

    @io.on("end")
    def end(_socket: Socket) -> str:
        return "end"

    with Threads(io, "127.0.0.1", 0, max_workers=3) as server, dial(server) as client:
        client.emit("both", ack="1")
        assert client.frame() == b'431["one of two"]'
        client.emit("end", ack="2")
        assert client.frame() == b'432["end"]'


def test_a_client_goes_at_the_moment_of_its_admission() -> None:
    def encode(packet: Packet) -> tuple[str | bytes, ...]:
        if packet.type is PacketType.CONNECT:
            client.lose()
        return TEXT_PARSER.encode(packet)

    net = Net(parser=Parser(encode, TEXT_PARSER.decode))
    connected: list[Socket] = []
    net.io.on("connection", connected.append)
    client = net.client()
    client.say("0")
    assert connected == []
    assert net.io.sockets.sockets == net.io.sockets.connecting == {}


def test_a_client_goes_at_the_moment_of_an_emit() -> None:
    def encode(packet: Packet) -> tuple[str | bytes, ...]:
        if packet.type is PacketType.EVENT:
            client.lose()
        return TEXT_PARSER.encode(packet)

    net = Net(parser=Parser(encode, TEXT_PARSER.decode))
    client, socket = net.socket()
    assert socket.emit("news") is False
    client, socket = net.socket()
    assert socket.emit_with_ack("question").error is not None


def test_the_namespace_of_a_pattern_goes_while_the_next_client_is_looked_at() -> None:
    """The predicate was asked for one that is not there; it stays asked, whoever makes the namespace."""
    net = Net()
    asked: list[str] = []

    @net.io.of
    def pattern(name: str, _auth: object) -> bool:
        asked.append(name)
        if len(asked) == 1:
            # Another thread is quicker.
            net.client(f"0{name},")
        return True

    first = net.client("0/a,")
    assert len(first.heard()) == 1
    assert len(net.io.of("/a").sockets) == 2
    assert asked == ["/a", "/a"]
