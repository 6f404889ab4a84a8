"""Handlers in a bounded pool: their order, who waits for whom, and coroutines in threads."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import asyncio
import threading
from collections.abc import Generator
from itertools import count

import pytest

from sansio_eio import AckDisconnected, LocalProtocolError, Server, Socket
from sansio_eio_threads import Server as Threads
from tests.unit.socketio.helpers import Net
from tests.unit.threads_adapter.client import PATIENCE, dial, in_thread, wait_for


def test_the_events_of_one_client_are_handled_in_order_and_one_at_a_time() -> None:
    io = Server()
    seen: list[int] = []
    running = threading.Lock()
    done = threading.Event()

    @io.on("number")
    def number(_socket: Socket, value: int) -> None:
        assert running.acquire(blocking=False)
        seen.append(value)
        running.release()
        if value == 999:
            done.set()

    with Threads(io, "127.0.0.1", 0, max_workers=4) as server, dial(server) as client:
        client.say(*[f'2["number",{value}]' for value in range(1000)])
        wait_for(done)
    assert seen == list(range(1000))


def test_who_blocks_holds_up_nobody_else() -> None:
    io = Server()
    blocked, release = threading.Event(), threading.Event()

    @io.on("block")
    def block(_socket: Socket) -> str:
        blocked.set()
        wait_for(release)
        return "released"

    @io.on("echo")
    def echo(_socket: Socket, value: str) -> str:
        return value

    with Threads(io, "127.0.0.1", 0, max_workers=2) as server, dial(server) as one, dial(server) as other:
        one.emit("block", ack="1")
        wait_for(blocked)
        one.emit("echo", "later", ack="2")
        for each in "abc":
            other.emit("echo", each, ack="1")
            assert other.event() == [each]
        release.set()
        assert one.event() == ["released"]
        assert one.event() == ["later"]


def test_what_a_handler_emits_leaves_while_it_still_runs() -> None:
    io = Server()
    release = threading.Event()

    @io.on("work")
    def work(socket: Socket) -> None:
        socket.emit("begun")
        wait_for(release)

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("work")
        assert client.event() == ["begun"]
        release.set()


def test_the_pool_is_bounded() -> None:
    io = Server()
    running = threading.Semaphore(0)
    release = threading.Event()
    at_once: list[int] = []
    counter = count(1)
    lock = threading.Lock()

    @io.on("work")
    def work(_socket: Socket) -> str:
        with lock:
            at_once.append(next(counter))
        running.release()
        wait_for(release)
        return "done"

    with Threads(io, "127.0.0.1", 0, max_workers=3) as server:
        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("sansio_eio")}
        assert names == {"sansio_eio I/O", *[f"sansio_eio handlers {number}" for number in (1, 2, 3)]}
        with dial(server) as a, dial(server) as b, dial(server) as c, dial(server) as d:
            clients = [a, b, c]
            for client in clients:
                client.emit("work", ack="1")
            for _ in clients:
                assert running.acquire(timeout=PATIENCE)
            # All threads are taken: this one waits, and its connection does not.
            d.emit("work", ack="1")
            d.say("0/elsewhere,")
            assert at_once == [1, 2, 3]
            release.set()
            for client in clients:
                assert client.event() == ["done"]
            assert d.event() == ["done"]
            assert d.frame().startswith(b"44/elsewhere,")


def test_at_least_one_thread() -> None:
    with pytest.raises(LocalProtocolError, match="at least one thread"):
        Threads(Server(), "127.0.0.1", 0, max_workers=0)


def test_a_handler_waits_for_an_answer_of_its_own_client() -> None:
    io = Server()

    @io.on("ask me")
    def ask(socket: Socket) -> list[object]:
        return [socket.emit_with_ack("question", 42).wait(), socket.call("question", 43, timeout=PATIENCE).wait()]

    with Threads(io, "127.0.0.1", 0, max_workers=1) as server, dial(server) as client:
        client.emit("ask me", ack="7")
        for number in (42, 43):
            assert client.frame() == f'42{number - 42}["question",{number}]'.encode()
            client.say(f'3{number - 42}["answer {number}"]')
        assert client.event() == [["answer 42", "answer 43"]]


def test_an_async_handler_runs_to_its_end_in_its_thread() -> None:
    io = Server()
    threads: list[threading.Thread] = []

    @io.on("ask me")
    async def ask(socket: Socket) -> object:
        threads.append(threading.current_thread())
        await asyncio.sleep(0)
        answer = await socket.emit_with_ack("question")
        await socket.drain()
        threads.append(threading.current_thread())
        return answer

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("ask me", ack="1")
        assert client.frame() == b'420["question"]'
        client.say("30[5]")
        assert client.event() == [5]
    assert threads[0] is threads[1]
    assert threads[0].name.startswith("sansio_eio handlers ")


def test_what_only_an_event_loop_can_end_is_told() -> None:
    io = Server()
    errors: list[tuple[str, str]] = []
    told = threading.Event()

    class Foreign:
        def __await__(self) -> Generator[str]:
            yield "a future of a loop"

    @io.on_error
    def on_error(error: Exception, where: str) -> None:
        errors.append((type(error).__name__, str(error)))
        told.set()

    @io.on("wrong")
    async def wrong(_socket: Socket) -> None:
        await Foreign()

    @io.on("mended")
    async def mended(_socket: Socket) -> str:
        try:
            await Foreign()
        except LocalProtocolError:
            return "mended"
        return "not told"

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("wrong", ack="1")
        wait_for(told)
        [(name, message)] = errors
        assert name == "LocalProtocolError"
        assert "'a future of a loop', which belongs to an event loop" in message
        assert "time.sleep" in message
        client.emit("mended", ack="2")
        assert client.event() == ["mended"]


def test_concurrent_handlers_go_to_the_pool_and_out_of_the_order() -> None:
    io = Server()
    release = threading.Event()

    @io.on("slow", concurrent=True)
    async def slow(_socket: Socket, value: str) -> str:
        wait_for(release)
        return value

    @io.on("quick")
    def quick(_socket: Socket) -> str:
        release.set()
        return "quick"

    with Threads(io, "127.0.0.1", 0, max_workers=3) as server, dial(server) as client:
        client.emit("slow", "a", ack="1")
        client.emit("slow", "b", ack="2")
        client.emit("quick", ack="3")
        answers = {client.frame() for _ in range(3)}
        assert answers == {b'431["a"]', b'432["b"]', b'433["quick"]'}


def test_two_concurrent_handlers_give_one_answer() -> None:
    io = Server()
    barrier = threading.Barrier(2)

    async def answer(_socket: Socket) -> str:
        barrier.wait(PATIENCE)
        return "one of two"

    io.on("both", answer, concurrent=True)
    io.on("both", answer, concurrent=True)
    io.on("end", lambda _socket: "end")
    with Threads(io, "127.0.0.1", 0, max_workers=3) as server, dial(server) as client:
        for _ in range(20):
            client.emit("both", ack="1")
            assert client.frame() == b'431["one of two"]'
        client.emit("end", ack="2")
        assert client.frame() == b'432["end"]'


def test_an_async_allow_request_and_async_middleware() -> None:
    async def allow(_request: object) -> bool:
        await asyncio.sleep(0)
        return True

    io = Server(allow_request=allow)
    threads: list[str] = []

    @io.use
    async def check(_socket: Socket) -> None:
        await asyncio.sleep(0)
        threads.append(threading.current_thread().name)

    with Threads(io, "127.0.0.1", 0, max_workers=1) as server, dial(server):
        assert threads == ["sansio_eio handlers 1"]


def test_waiting_for_one_who_goes() -> None:
    io = Server()
    ended: list[object] = []
    done = threading.Event()

    @io.on("ask me")
    def ask(socket: Socket) -> None:
        try:
            socket.emit_with_ack("question").wait()
        except AckDisconnected as error:
            ended.append(error)
        done.set()

    with Threads(io, "127.0.0.1", 0) as server:
        with dial(server) as client:
            client.emit("ask me")
            assert client.event() == ["question"]
        wait_for(done)
    assert len(ended) == 1


def test_waiting_where_it_cannot_end_is_refused() -> None:
    io = Server()
    errors: list[Exception] = []
    io.on_error(lambda error, _where: errors.append(error))

    @io.on("ask me")
    def ask(socket: Socket) -> None:
        other = socket.emit_with_ack("other")
        socket.emit_with_ack("question").add_done_callback(lambda _: other.wait())

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("ask me", ack="9")
        assert client.event() == ["other"]
        assert client.event() == ["question"]
        # The callback is there: one that comes after the answer is called by the handler, which may wait.
        assert client.event() == []
        client.say("31[]", '2["nothing"]')
        client.say("0/x,")
        assert client.frame().startswith(b"44/x,")
        [error] = errors
        assert isinstance(error, LocalProtocolError)
        assert "in the middle of something else" in str(error)


def test_a_handler_cannot_wait_for_the_end_of_its_server() -> None:
    io = Server()

    @io.on("wait")
    def wait(_socket: Socket) -> str:
        with pytest.raises(LocalProtocolError, match="cannot wait for the end"):
            server.wait()
        return "refused"

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("wait", ack="1")
        assert client.event() == ["refused"]


def test_plain_handlers_that_block_leave_the_order_of_the_others() -> None:
    io = Server()
    release = threading.Event()

    @io.on("slow", concurrent=True)
    def slow(_socket: Socket) -> str:
        wait_for(release)
        return "slow"

    @io.on("quick")
    def quick(_socket: Socket) -> str:
        return "quick"

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("slow", ack="1")
        client.emit("quick", ack="2")
        assert client.event() == ["quick"]
        release.set()
        assert client.event() == ["slow"]


def test_waiting_from_a_thread_of_the_program() -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        [socket] = io.fetch_sockets().wait()
        pending = socket.emit_with_ack("question")

        def answer() -> None:
            client.event()
            client.say('30["answer"]')

        thread = in_thread(answer)
        assert pending.wait() == "answer"
        assert pending.wait() == "answer"
        thread.join(PATIENCE)


def test_waiting_is_for_threads() -> None:
    net = Net()
    client, socket = net.socket()
    pending = socket.emit_with_ack("question")
    with pytest.raises(LocalProtocolError, match="await it instead"):
        pending.wait()
    client.say('30["answer"]')
    assert pending.wait() == "answer"


def test_waiting_for_what_nothing_serves() -> None:
    _, socket = Net(runtime=False).socket()
    with pytest.raises(LocalProtocolError, match="nothing serves"):
        socket.emit_with_ack("question").wait()
