"""Starting, listening, stopping."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import contextlib
import errno
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import pytest

import sansio_eio_threads
from sansio_eio import (
    AckDisconnected,
    EngineServer,
    LocalProtocolError,
    OnError,
    Request,
    Response,
    Server,
    Session,
    Socket,
)
from sansio_eio.engineio import Action, Channel, Runtime
from sansio_eio.http import Router
from sansio_eio_threads import Server as Threads
from tests.benchmarks.wire import poll_request, take_response
from tests.unit.http.support import Echo, request
from tests.unit.threads_adapter.client import PATIENCE, Client, dial, finish, in_thread, wait_for


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, PATIENCE)


def read(sock: socket.socket, until: bytes) -> bytes:
    """What comes up to and with these bytes."""
    data = b""
    while until not in data:
        received = sock.recv(65536)
        assert received, data
        data += received
    return data


def read_all(sock: socket.socket) -> bytes:
    """What comes up to the end."""
    data = b""
    while received := sock.recv(65536):
        data += received
    return data


def test_it_listens_while_the_body_runs_and_may_be_started_again() -> None:
    server = Threads(Echo(), "127.0.0.1", 0)
    assert server.addresses == []
    for _ in range(2):
        with server:
            [(host, port)] = server.addresses
            assert host == "127.0.0.1"
            with connect((host, port)) as sock:
                sock.sendall(request())
                assert read(sock, b"GET /? ").startswith(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(OSError, match=r"."):
            connect((host, port))


def test_several_hosts_and_all_of_them() -> None:
    with Threads(Echo(), ["127.0.0.1", "::1"], None) as server:
        assert [host for host, _ in server.addresses] == ["127.0.0.1", "::1"]
        for address in server.addresses:
            with connect(address) as sock:
                sock.sendall(request())
                read(sock, b"GET /? ")
    with Threads(Echo()) as server:
        assert {host for host, _ in server.addresses} <= {"0.0.0.0", "::"}  # noqa: S104  (for a moment, on a free port)


def test_a_port_in_use_leaves_nothing_behind() -> None:
    app = Echo()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Threads(app, ["::1", "127.0.0.1"], taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            server.start()
    server.stop()
    assert app.runtime is None
    with Threads(app, "127.0.0.1", 0):
        assert app.runtime is not None
    assert app.runtime is None


def test_without_room_for_threads_nothing_is_left_behind() -> None:
    io = Server()
    server = Threads(io, "127.0.0.1", 0)
    # More than there are addresses.
    threading.stack_size(1 << 50)
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            server.start()
    finally:
        threading.stack_size(0)
    assert io.engine.runtime is None
    with server, dial(server):
        pass


def test_an_application_is_served_once() -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0) as server:
        with pytest.raises(LocalProtocolError, match="started already"):
            server.start()
        other = Threads(io, "127.0.0.1", 0)
        with pytest.raises(LocalProtocolError, match="served already"):
            other.start()
    with other, dial(other):
        pass


def test_several_applications_on_one_port() -> None:
    io, engine = Server(), EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", session.send)

    with Threads(Router({"/socket.io/": io, "/engine.io/": engine}), "127.0.0.1", 0) as server, dial(server):
        with connect(server.addresses[0]) as sock:
            sock.sendall(poll_request().replace(b"/socket.io/", b"/engine.io/"))
            taken = take_response(read(sock, b'"maxPayload":1000000}'))
            assert taken is not None
            assert taken[0].startswith(b"0{")
        assert len(io.engine.sessions) == len(engine.sessions) == 1


def test_requests_in_many_pieces_and_a_long_response_to_a_slow_reader() -> None:
    with Threads(Echo(), "127.0.0.1", 0) as server, connect(server.addresses[0]) as sock:
        for byte in request():
            sock.sendall(bytes((byte,)))
        read(sock, b"GET /? ")
        sock.sendall(request("GET", "/long") * 50 + request("GET", "/", ["Connection: close"]))
        assert read_all(sock).count(b"x" * 200_000) == 50


def test_an_error_response_arrives_although_the_peer_goes_on_sending() -> None:
    with Threads(Echo(), "127.0.0.1", 0) as server, connect(server.addresses[0]) as sock:
        sock.sendall(request("POST", "/", ["Content-Length: 5000000"]) + b"x" * 5_000_000)
        assert read_all(sock).startswith(b"HTTP/1.1 413 ")


def test_a_peer_that_has_ended_gets_its_answer() -> None:
    with Threads(Echo(), "127.0.0.1", 0) as server, connect(server.addresses[0]) as sock:
        sock.sendall(request())
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).endswith(b"GET /? ")


def test_too_many_connections() -> None:
    with Threads(Echo(), "127.0.0.1", 0, max_connections=1) as server, connect(server.addresses[0]) as first:
        first.sendall(request())
        read(first, b"GET /? ")
        with connect(server.addresses[0]) as second:
            assert read_all(second).startswith(b"HTTP/1.1 503 ")


def test_time_passes() -> None:
    io = Server(ping_interval=0.05, ping_timeout=0.05)
    gone = threading.Event()
    reasons: list[str] = []

    @io.on("disconnect")
    def disconnected(_socket: Socket, reason: str) -> None:
        reasons.append(reason)
        gone.set()

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        # It answers no pings, for it reads nothing.
        wait_for(gone)
        assert client.end() == b"\x81\x012\x88\x00"
    assert reasons == ["ping timeout"]


# -- the end -----------------------------------------------------------------------------------------------------------


def test_sessions_are_told_and_handlers_finish() -> None:
    io = Server()
    events: list[str] = []
    blocked, release = threading.Event(), threading.Event()

    @io.on("work")
    def work(socket: Socket) -> None:
        blocked.set()
        wait_for(release)
        events.append(f"worked, emitted: {socket.emit('too late')}")

    io.on("disconnect", lambda _socket, reason: events.append(reason))
    server = Threads(io, "127.0.0.1", 0)
    server.start()
    with dial(server) as client:
        client.emit("work")
        wait_for(blocked)
        stopping = in_thread(server.stop)
        assert client.end() == b"\x88\x00"
        assert stopping.is_alive()
        release.set()
        finish(stopping)
    assert events == ["worked, emitted: False", "server shutting down"]


def test_who_waits_for_an_answer_when_it_stops() -> None:
    io = Server()
    asked = threading.Event()
    errors: list[Exception] = []
    io.on_error(lambda error, _where: errors.append(error))

    @io.on("ask me")
    def ask(socket: Socket) -> None:
        pending = socket.emit_with_ack("question")
        asked.set()
        pending.wait()

    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client:
        client.emit("ask me")
        wait_for(asked)
    assert [type(error) for error in errors] == [AckDisconnected]


def test_who_waits_for_something_that_the_end_does_not_end() -> None:
    """A session over polling is closed with the next poll, which does not come; and then nobody counts the time."""
    engine = EngineServer()
    waiting = threading.Event()
    errors: list[Exception] = []
    engine.on_error(lambda error, _where: errors.append(error))

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.send("x" * 100_000)
        pending = session.drain()
        waiting.set()
        pending.wait()

    with (
        Threads(engine, "127.0.0.1", 0, shutdown_timeout=0.01) as server,
        connect(server.addresses[0]) as sock,
    ):
        sock.sendall(poll_request().replace(b"/socket.io/", b"/engine.io/"))
        wait_for(waiting)
    [error] = errors
    assert isinstance(error, LocalProtocolError)
    assert str(error) == "the server or client has stopped"


def test_handlers_that_have_not_begun_are_forgotten_after_the_grace() -> None:
    io = Server()
    handled: list[int] = []
    blocked, release = threading.Event(), threading.Event()

    @io.on("work", concurrent=True)
    async def work(_socket: Socket, number: int) -> None:
        handled.append(number)
        blocked.set()
        wait_for(release)
        io.on("connection", lambda _socket: None)

    @io.on("more")
    def more(_socket: Socket) -> None:
        pass

    server = Threads(io, "127.0.0.1", 0, max_workers=2, shutdown_timeout=0.01)
    server.start()
    with dial(server) as client:
        for number in range(4):
            client.emit("work", number)
        wait_for(blocked)
        stopping = in_thread(server.stop)
        client.end()
        release.set()
        finish(stopping)
    assert 1 <= len(handled) <= 4


def test_idle_peers_of_every_kind_hold_up_nothing() -> None:
    io = Server()
    with (
        Threads(io, "127.0.0.1", 0, shutdown_timeout=0.2) as server,
        connect(server.addresses[0]) as silent,
        connect(server.addresses[0]) as half,
        connect(server.addresses[0]) as polling,
        dial(server) as client,
    ):
        half.sendall(b"GET /socket.io/ HT")
        polling.sendall(poll_request())
        read(polling, b"}")
        server.stop()
        server.stop()
        assert silent.recv(1) == b""
        assert half.recv(1) == b""
        assert polling.recv(1) == b""
        assert client.sock.recv(3) == b"\x88\x00"


def test_who_does_not_go_is_cut_off_after_the_grace() -> None:
    with Threads(Echo(), "127.0.0.1", 0, shutdown_timeout=0.01) as server, connect(server.addresses[0]) as sock:
        sock.sendall(request("GET", "/wait"))
        sock.sendall(request("POST", "/", ["Content-Length: 10"]))
        server.stop()


def test_a_handler_may_stop_it() -> None:
    io = Server()
    server = Threads(io, "127.0.0.1", 0)

    @io.on("stop")
    def stop(_socket: Socket) -> str:
        server.stop()
        return "soon"

    with server, dial(server) as client:
        client.emit("stop", ack="1")
        # Whether the answer still leaves is a matter of luck.
        assert client.end().endswith(b"\x88\x00")
        server.wait()
    server.wait()


def test_a_callback_may_stop_it() -> None:
    io = Server()
    server = Threads(io, "127.0.0.1", 0)
    with server, dial(server) as client:
        [socket] = io.fetch_sockets().wait()
        socket.emit_with_ack("question").add_done_callback(lambda _: server.stop())
        client.say("30[]")
        client.end()
        server.wait()


def test_several_threads_stop_it() -> None:
    server = Threads(Server(), "127.0.0.1", 0)
    server.start()
    finish(*[in_thread(server.stop) for _ in range(5)])


def test_an_error_for_which_a_hook_says_stop_is_raised_by_stop_once() -> None:
    io = Server()
    io.on_error(lambda _error, _where: OnError.STOP)

    @io.on("fail")
    def fail(_socket: Socket) -> None:
        raise ValueError("the end")

    server = Threads(io, "127.0.0.1", 0)
    server.start()
    with dial(server) as client:
        client.emit("fail")
        client.end()
        server.wait()
        with pytest.raises(ValueError, match="the end"):
            server.stop()
        server.stop()
    with server, dial(server):
        pass


def test_the_second_error_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    io.on_error(lambda _error, _where: OnError.STOP)
    barrier = threading.Barrier(2)

    @io.on("fail")
    def fail(_socket: Socket) -> None:
        barrier.wait(PATIENCE)
        raise ValueError("the end")

    server = Threads(io, "127.0.0.1", 0)
    server.start()
    with dial(server) as one, dial(server) as other:
        one.emit("fail")
        other.emit("fail")
        one.end()
        other.end()
        with pytest.raises(ValueError, match="the end"):
            server.stop()
    [record] = caplog.records
    assert record.getMessage() == "while it stops already"


def test_a_handler_that_ends_the_program() -> None:
    io = Server()

    @io.on("exit")
    def leave(_socket: Socket) -> None:
        raise SystemExit(3)

    server = Threads(io, "127.0.0.1", 0, max_workers=1)
    server.start()
    with dial(server) as client:
        client.emit("exit")
        client.end()
    with pytest.raises(SystemExit):
        server.stop()


def free_port() -> int:
    """A port that is free now. (`serve` does not say which one it has chosen.)"""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def connect_as_soon_as_it_listens(port: int) -> Client:
    """A client of `serve`."""
    server = Threads(Server())
    server.addresses = [("127.0.0.1", port)]
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return Client(server)


def test_serve_raises_what_stopped_it() -> None:
    io = Server()
    io.on_error(lambda _error, _where: OnError.STOP)

    @io.on("connection")
    def connected(_socket: Socket) -> None:
        raise ValueError("the end")

    raised: list[Exception] = []

    def main() -> None:
        try:
            sansio_eio_threads.serve(io, "127.0.0.1", port)
        except ValueError as error:
            raised.append(error)

    port = free_port()
    serving = in_thread(main)
    client = connect_as_soon_as_it_listens(port)
    client.join()
    client.end()
    finish(serving)
    client.close()
    assert [str(error) for error in raised] == ["the end"]


def test_serve_ends_with_a_keyboard_interrupt() -> None:
    io = Server()
    port = free_port()
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def interrupt() -> None:
        client = connect_as_soon_as_it_listens(port)
        client.join()
        signal.pthread_kill(main_thread, signal.SIGINT)
        assert client.end() == b"\x88\x00"
        client.close()

    thread = in_thread(interrupt)
    with pytest.raises(KeyboardInterrupt):
        sansio_eio_threads.serve(io, "127.0.0.1", port)
    assert io.engine.runtime is None
    finish(thread)


# -- no room -----------------------------------------------------------------------------------------------------------


@contextmanager
def one_file_left() -> Generator[None]:
    """This process may open one more file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_room_for_another_connection_it_serves_the_others(caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    io.on("echo", lambda _socket, value: value)
    gc.collect()
    with Threads(io, "127.0.0.1", 0) as server, dial(server) as client, caplog.at_level(logging.WARNING):
        with one_file_left():
            # The one that is left is the client's; the server's end of it is not there.
            waiting = connect(server.addresses[0])
            for number in range(20):
                client.emit("echo", number, ack="1")
                assert client.event() == [number]
        waiting.sendall(poll_request())
        read(waiting, b"0{")
        waiting.close()
    assert 1 <= len(caplog.records) <= 3
    assert caplog.records[0].getMessage().startswith("no connection can be accepted for 1.0 second(s): ")


# -- at the worst moment -----------------------------------------------------------------------------------------------


class StopsAtOnce(Echo):
    """An application that stops the server as soon as it is installed."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Threads(self, "127.0.0.1", 0)

    def install(self, runtime: Runtime | None) -> None:
        super().install(runtime)
        if runtime is not None:
            self.server.stop()


def test_it_may_be_stopped_before_the_start_is_over() -> None:
    server = StopsAtOnce().server
    server.start()
    finish(in_thread(server.wait))
    server.stop()


def test_a_signal_handler_stops_it_at_any_moment_of_a_wait() -> None:
    """Each time one call later, until there are no more: whatever is held there, the server can end."""
    calls = called = 0

    def interrupt(_frame: object, _event: str, _argument: object) -> None:
        nonlocal called
        called += 1
        if called == calls:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGUSR1)

    server = Threads(Server(), "127.0.0.1", 0)
    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: server.stop())
    try:
        while calls == called:
            calls, called = calls + 1, 0
            server.start()
            # When the signal would come too late.
            last = threading.Timer(0.1, server.stop)
            last.start()
            sys.setprofile(interrupt)
            try:
                server.wait()
            finally:
                sys.setprofile(None)
            server.stop()
            finish(last)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert calls > 2


def test_a_late_stop_does_not_take_the_next_start_for_its_own() -> None:
    io = Server()
    blocked, release = threading.Event(), threading.Event()
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    @io.on("work")
    def work(_socket: Socket) -> None:
        blocked.set()
        wait_for(release)

    def restart(_number: int, _frame: object) -> None:
        release.set()
        server.stop()
        server.start()

    def interrupt() -> None:
        client.end()
        signal.pthread_kill(main_thread, signal.SIGUSR1)

    server = Threads(io, "127.0.0.1", 0)
    before = signal.signal(signal.SIGUSR1, restart)
    try:
        server.start()
        with dial(server) as client:
            client.emit("work")
            wait_for(blocked)
            thread = in_thread(interrupt)
            server.stop()
            finish(thread)
        with dial(server):
            pass
    finally:
        signal.signal(signal.SIGUSR1, before)
        server.stop()


class LastWords(Echo):
    """An application that has something for a handler when the last bytes of a connection are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.said = threading.Event()

    def close(self) -> None:
        super().close()
        for channel in self.channels:
            self.respond(channel, Response(200))

    def take_actions(self, channel: Channel) -> list[Action]:
        if self.shut_down:
            self.runnable.append(self)
        return super().take_actions(channel)

    def step(self) -> None:
        self.said.set()


def test_what_the_last_connection_sets_off_is_done_before_the_end() -> None:
    app = LastWords()
    with Threads(app, "127.0.0.1", 0) as server, connect(server.addresses[0]) as sock:
        sock.sendall(request() + request("GET", "/park"))
        read(sock, b"GET /? ")
        while len(app.channels) < 2:
            time.sleep(0)
        server.stop()
        read_all(sock)
    assert app.said.is_set()


def test_a_deadline_that_is_years_away() -> None:
    """Selectors cannot wait for so long."""
    with (
        Threads(Echo(), "127.0.0.1", 0, header_timeout=1e9, keep_alive_timeout=float("inf")) as server,
        connect(server.addresses[0]) as silent,
        connect(server.addresses[0]) as sock,
    ):
        for _ in range(2):
            sock.sendall(request())
            read(sock, b"GET /? ")
        silent.sendall(request())
        read(silent, b"GET /? ")


def test_coroutines_that_are_forgotten_do_not_complain() -> None:
    """Those of handlers, and of `allow_request`. A warning is an error here."""
    blocked, release = threading.Event(), threading.Event()

    async def allow() -> bool:
        return True

    def ask(request: Request) -> Coroutine[Any, Any, bool]:
        coroutine = allow()
        if request.params["transport"] == "polling":
            # It is the last in the queue: when it is gone, all have been forgotten.
            references.append(weakref.ref(coroutine, lambda _: release.set()))
            asked.set()
        return coroutine

    asked = threading.Event()
    references: list[object] = []
    io = Server(allow_request=ask)

    @io.on("work", concurrent=True)
    async def work(_socket: Socket) -> None:
        blocked.set()
        wait_for(release)

    server = Threads(io, "127.0.0.1", 0, max_workers=1, shutdown_timeout=0.01)
    server.start()
    with dial(server) as client, connect(server.addresses[0]) as sock:
        client.say(*['2["work"]'] * 3)
        wait_for(blocked)
        sock.sendall(poll_request())
        wait_for(asked)
        stopping = in_thread(server.stop)
        client.end()
        finish(stopping)
    gc.collect()


def test_every_interface_is_every_one_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server
    missing: set[int] = {socket.AF_INET6}

    def create_server(address: Any, *, family: int, backlog: int) -> socket.socket:
        if family in missing:
            raise OSError(errno.EAFNOSUPPORT, "there is none")
        return create(("127.0.0.1", 0), family=family, backlog=backlog)

    monkeypatch.setattr(socket, "create_server", create_server)
    with Threads(Server()) as server:
        assert [host for host, _ in server.addresses] == ["127.0.0.1"]
    missing.add(socket.AF_INET)
    with pytest.raises(OSError, match="there is none"):
        Threads(Server()).start()
    # Who names an address wants that one.
    missing.remove(socket.AF_INET)
    with pytest.raises(OSError, match="there is none"):
        Threads(Server(), ["127.0.0.1", "::1"]).start()
