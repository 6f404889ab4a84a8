"""The application is used from any thread: what is sent is whole and in order, and nothing is lost."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import itertools
import threading

import pytest

from sansio_eio import Namespace, Server, Socket
from sansio_eio_threads import Server as Threads
from tests.unit.threads_adapter.client import Client, dial, finish, in_thread, wait_for

THREADS = 8
EACH = 50


def test_packets_with_attachments_from_many_threads_arrive_whole_and_in_the_order_of_each() -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        [socket] = io.fetch_sockets().wait()

        def emit(thread: int) -> None:
            for number in range(EACH):
                data = f"{thread}:{number}".encode()
                assert socket.emit("data", thread, number, data, data * 100)

        threads = [in_thread(emit, thread) for thread in range(THREADS)]
        seen: dict[int, int] = {}
        for _ in range(THREADS * EACH):
            event, thread, number, data, more = client.event()
            assert (event, number) == ("data", seen.get(thread, 0))
            seen[thread] = number + 1
            assert data == f"{thread}:{number}".encode()
            assert more == data * 100
        finish(*threads)


@pytest.mark.parametrize("pattern", [False, True], ids=["one namespace", "a pattern"])
def test_broadcasts_have_one_order_for_everybody(pattern: bool) -> None:
    io = Server()
    target = io.of(lambda _name, _auth: True) if pattern else io
    with Threads(io, "127.0.0.1", 0) as server:
        clients = [Client(server) for _ in range(6)]
        for number, client in enumerate(clients):
            client.join(f"/room{number}" if pattern else "/")

        def emit(thread: int) -> None:
            for number in range(EACH):
                target.emit("news", thread, number)

        threads = [in_thread(emit, thread) for thread in range(THREADS)]
        orders = [[tuple(client.event()) for _ in range(THREADS * EACH)] for client in clients]
        finish(*threads)
        assert all(order == orders[0] for order in orders)
        for client in clients:
            client.close()


def test_acknowledgements_of_many_threads_find_their_way() -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        [socket] = io.fetch_sockets().wait()
        answers: dict[int, object] = {}

        def ask(thread: int) -> None:
            answers[thread] = [socket.emit_with_ack("double", thread * EACH + n).wait() for n in range(EACH)]

        threads = [in_thread(ask, thread) for thread in range(THREADS)]
        for _ in range(THREADS * EACH):
            head = client.frame().decode()
            ack_id, _, value = head.removeprefix("42").removesuffix("]").partition('["double",')
            client.say(f"3{ack_id}[{int(value) * 2}]")
        finish(*threads)
        assert answers == {
            thread: [2 * number for number in range(thread * EACH, (thread + 1) * EACH)] for thread in range(THREADS)
        }


def test_nothing_is_lost_when_threads_change_the_same_things() -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0) as server, dial(server):
        [socket] = io.fetch_sockets().wait()
        start = threading.Barrier(THREADS)

        def change(thread: int) -> None:
            start.wait()
            for number in range(EACH):
                name = f"{thread}-{number}"
                io.on("event", lambda *_args: None)
                io.use(lambda _socket: None)
                socket.on("event", lambda *_args: None)
                socket.on_any(lambda *_args: None)
                socket.join(name)
                io.of(f"/{name}")
                socket.data[name] = True

        finish(*[in_thread(change, thread) for thread in range(THREADS)])
        names = {f"{thread}-{number}" for thread, number in itertools.product(range(THREADS), range(EACH))}
        assert len(io.sockets.handlers.get("event")) == THREADS * EACH
        assert len(io.sockets.middlewares) == THREADS * EACH
        assert socket.handlers is not None
        assert len(socket.handlers.get("event")) == THREADS * EACH
        assert len(socket.any_handlers) == THREADS * EACH
        assert socket.rooms == names | {socket.id}
        assert socket.data.keys() == names


def test_clients_come_and_go_while_threads_emit_and_move_them() -> None:
    io = Server()
    done = threading.Event()
    disconnected = threading.Semaphore(0)
    rooms = io.of(lambda _name, _auth: True)
    made: list[Namespace] = []
    io.on("new_namespace", made.append)

    @rooms.on("connection")
    def connected(socket: Socket) -> None:
        socket.join(["a", "b"])
        socket.on("disconnect", lambda _reason: disconnected.release())

    def busy() -> None:
        while not done.is_set():
            rooms.to("a").emit("news", b"bytes")
            rooms.in_("b").sockets_leave("b")
            io.of("/x").emit("more")
            assert io.buffered >= 0

    with Threads(io, "127.0.0.1", 0, max_workers=4) as server:
        threads = [in_thread(busy) for _ in range(4)]
        for number in range(100):
            client = Client(server)
            client.join(f"/{number % 3}")
            client.close()
        for _ in range(100):
            assert disconnected.acquire(timeout=20)
        done.set()
        finish(*threads)
        assert rooms.namespaces == ()
        assert {namespace.name for namespace in made} == {"/0", "/1", "/2", "/x"}


def test_a_slow_reader_holds_up_nobody() -> None:
    io = Server(max_outbound=1_000_000)
    gone = threading.Event()
    io.on("disconnect", lambda _socket, _reason: gone.set())
    with Threads(io, "127.0.0.1", 0) as server, dial(server, small=True) as slow, dial(server) as quick:
        for number in range(200):
            io.emit("news", number, "x" * 60_000)
            assert quick.event()[1] == number
        # More than the buffers of the kernel and its own: it is sent away.
        wait_for(gone)
        assert io.buffered == 0
        assert slow.event()[1] == 0


def test_who_sends_without_end_does_not_keep_the_others_from_their_turn() -> None:
    io = Server()
    done = threading.Event()

    @io.on("echo")
    def echo(_socket: Socket, value: int) -> int:
        return value

    with Threads(io, "127.0.0.1", 0, max_workers=2) as server, dial(server) as busy, dial(server) as client:

        def flood() -> None:
            while not done.is_set():
                busy.say(*['2["echo",0]'] * 1000)

        thread = in_thread(flood)
        for number in range(50):
            client.emit("echo", number, ack="1")
            assert client.event() == [number]
        done.set()
        finish(thread)
