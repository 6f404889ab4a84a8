"""Many clients, and clients that many threads use."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import contextlib
import itertools
import logging
import threading

import pytest

from sansio_eio import (
    Client,
    ClientSocket,
    ConnectError,
    Server,
    Socket,
)
from sansio_eio_threads import Server as Threads
from sansio_eio_threads import connect
from tests.unit.threads_adapter.client import PATIENCE, finish, in_thread, wait_for
from tests.unit.threads_adapter.servers import make_echo, make_url, refused_port

THREADS = 8
EACH = 50


def test_emits_of_many_threads_arrive_once_and_in_the_order_of_each() -> None:
    io = Server()
    seen: list[tuple[int, int]] = []
    whole: list[bool] = []
    done = threading.Event()

    @io.on("data")
    def data(_socket: Socket, thread: int, number: int, data: bytes) -> int:
        seen.append((thread, number))
        whole.append(data == b"%d:%d" % (thread, number) * 100)
        if len(seen) == THREADS * EACH:
            done.set()
        return number

    with Threads(io, "127.0.0.1", 0) as server, connect(make_url(server)) as client:

        def emit(thread: int) -> None:
            for number in range(EACH):
                data = b"%d:%d" % (thread, number) * 100
                if number % 10 == 9:
                    assert client.call("data", thread, number, data, timeout=PATIENCE).wait() == number
                else:
                    assert client.emit("data", thread, number, data)

        finish(*[in_thread(emit, thread) for thread in range(THREADS)])
        wait_for(done)
    assert all(whole)
    for thread in range(THREADS):
        assert [number for each, number in seen if each == thread] == list(range(EACH))


def test_nothing_is_lost_when_threads_change_the_same_things() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))
        with connect(client) as socket:
            start = threading.Barrier(THREADS)

            def change(thread: int) -> None:
                start.wait()
                for number in range(EACH):
                    socket.on("event", lambda *_args: None)
                    socket.on_any(lambda *_args: None)
                    socket.on_any_outgoing(lambda *_args: None)
                    client.of(f"/{thread}-{number}")

            finish(*[in_thread(change, thread) for thread in range(THREADS)])
            assert len(socket.handler_table("event").get("event")) == THREADS * EACH
            names = {f"/{thread}-{number}" for thread, number in itertools.product(range(THREADS), range(EACH))}
            assert all(client.of(name) is client.of(name) for name in names)


def test_a_hundred_clients_in_one_process() -> None:
    io = make_echo()
    answers: list[object] = []
    with Threads(io, "127.0.0.1", 0, max_workers=2) as server, contextlib.ExitStack() as clients:
        sockets: list[ClientSocket] = [
            clients.enter_context(connect(make_url(server), max_workers=1)) for _ in range(100)
        ]
        assert len(io.sockets.sockets) == 100
        io.emit("news", "for all")
        for number, each in enumerate(sockets):
            assert next(iter(each)).args == ["for all"]
            answers.append(each.call("ask", number, timeout=PATIENCE).wait())
    assert answers == list(range(100))
    assert io.sockets.sockets == {}


def test_clients_come_and_go_in_many_threads() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:

        def come_and_go(number: int) -> None:
            for _ in range(5):
                transports = ["websocket"] if number % 2 else ["polling", "websocket"]
                with connect(make_url(server), transports=transports, max_workers=1) as client:
                    assert client.emit_with_ack("ask", number).wait() == number

        finish(*[in_thread(come_and_go, number) for number in range(THREADS)])


def test_a_quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    """Coming and going is nothing to write about."""
    with caplog.at_level(logging.INFO), Threads(make_echo(), "127.0.0.1", 0) as server:
        with connect(make_url(server)) as client:
            client.emit("news")
        with pytest.raises(ConnectError), connect(f"http://127.0.0.1:{refused_port()}"):
            pass
    assert caplog.records == []
