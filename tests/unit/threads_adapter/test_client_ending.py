"""How the body of `connect` ends, and what is left then: nothing."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import contextlib
import signal
import threading

import pytest

from sansio_eio import (
    AckDisconnected,
    Client,
    ClientSocket,
    OnError,
    Server,
    Socket,
)
from sansio_eio_threads import Server as Threads
from sansio_eio_threads import connect
from tests.unit.threads_adapter.client import PATIENCE, finish, in_thread, wait_for, wait_until
from tests.unit.threads_adapter.servers import admit, listening, make_echo, make_url, refused_port, silent_server


def test_an_error_of_the_body_is_raised() -> None:
    gone = threading.Event()
    io = Server()
    io.on("disconnect", lambda _socket, _reason: gone.set())
    with Threads(io, "127.0.0.1", 0) as server:
        with pytest.raises(ZeroDivisionError), connect(make_url(server)):
            raise ZeroDivisionError
        wait_for(gone)


def test_a_keyboard_interrupt_in_the_body() -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    io = Server()
    reasons: list[str] = []

    @io.on("disconnect")
    def disconnected(_socket: Socket, reason: str) -> None:
        reasons.append(reason)

    @io.on("connection")
    def connected(_socket: Socket) -> None:
        signal.pthread_kill(main_thread, signal.SIGINT)

    with Threads(io, "127.0.0.1", 0) as server, pytest.raises(KeyboardInterrupt), connect(make_url(server)) as client:
        list(client)
    assert reasons == ["transport close"]


def test_a_keyboard_interrupt_before_the_body() -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    with silent_server() as listener:

        def interrupt() -> None:
            sock, _ = listener.accept()
            with sock:
                signal.pthread_kill(main_thread, signal.SIGINT)
                while sock.recv(65536):
                    pass

        thread = in_thread(interrupt)
        with pytest.raises(KeyboardInterrupt), connect(listening(listener)):
            pass
        finish(thread)


def test_an_error_for_which_a_hook_says_stop_is_raised_at_the_end_of_the_body() -> None:
    ended: list[BaseException | None] = []

    def body(socket: ClientSocket) -> None:
        pending = socket.emit_with_ack("fail")
        # All that the body waits for ends.
        assert list(socket) == []
        wait_until(lambda: pending.done)
        ended.append(pending.error)

    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))
        client.on_error(lambda _error, _where: OnError.STOP)

        @client.socket.on("fail")
        def fail() -> None:
            raise ValueError("the end")

        with pytest.raises(ValueError, match="the end"), connect(client) as socket:
            body(socket)
    assert [type(error) for error in ended] == [AckDisconnected]


def test_a_handler_that_ends_the_program() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))

        @client.socket.on("exit")
        def leave() -> None:
            raise SystemExit(3)

        with pytest.raises(SystemExit), connect(client) as socket:
            socket.call("exit", timeout=PATIENCE).wait()


def test_a_handler_may_end_it() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))

        @client.socket.on("end")
        def end() -> None:
            client.close()

        with connect(client) as socket:
            socket.emit("end")
            assert list(socket) == []
            assert not socket.connected
            assert client.engine.runtime is not None


def test_the_body_may_end_in_a_handler() -> None:
    """It cannot wait for itself: the end comes soon."""
    ended = threading.Event()
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))
        with contextlib.ExitStack() as body:
            socket = body.enter_context(connect(client))
            mine = body.pop_all()

            @socket.on("end")
            def end() -> None:
                mine.close()
                ended.set()

            socket.emit("end")
            wait_for(ended)
        threads = [each for each in threading.enumerate() if each.name.startswith("sansio_eio")]
        wait_until(lambda: client.engine.runtime is None)
    for thread in threads:
        thread.join(PATIENCE)


def test_who_does_not_take_the_goodbye_is_cut_off() -> None:
    """The server has let the client in, and then reads nothing more."""
    with silent_server() as listener:
        url = listening(listener)

        def body() -> None:
            with connect(url, transports=["websocket"], shutdown_timeout=0.05) as socket:
                for _ in range(9):
                    socket.emit("never", "x" * 1_000_000)

        thread = in_thread(body)
        with admit(listener) as sock:
            finish(thread)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(65536):
                    pass


def test_much_that_was_sent_last_arrives_too() -> None:
    io = Server()
    seen: list[tuple[int, bytes]] = []
    io.on("last words", lambda _socket, number, data: seen.append((number, data)))
    data = b"x" * 200_000
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        with Threads(io, "127.0.0.1", 0) as server, connect(make_url(server), transports=transports) as client:
            for number in range(20):
                client.emit("last words", number, data)
        assert seen == [(number, data) for number in range(20)]
        seen.clear()


def test_it_ends_while_the_server_thinks_about_it() -> None:
    io = Server()
    asked, release = threading.Event(), threading.Event()

    @io.use
    def think(_socket: Socket) -> None:
        asked.set()
        wait_for(release)

    with Threads(io, "127.0.0.1", 0) as server:
        for transports in (["polling"], ["websocket"]):
            asked.clear()
            release.clear()
            with connect(make_url(server), wait=False, transports=transports) as client:
                client.emit("never")
                wait_for(asked)
            release.set()


def test_it_ends_while_it_waits_to_try_again() -> None:
    failed = threading.Event()
    client = Client(f"http://127.0.0.1:{refused_port()}", reconnection_delay=1000.0, reconnection_delay_max=1000.0)
    client.socket.on("connect_error", lambda _error: failed.set())
    with connect(client, wait=False) as socket:
        wait_for(failed)
    assert not socket.active


def test_a_handler_that_runs_is_waited_for() -> None:
    begun, release = threading.Event(), threading.Event()
    seen: list[str] = []
    with Threads(make_echo(), "127.0.0.1", 0) as server:

        def body() -> None:
            with connect(make_url(server), shutdown_timeout=0.05) as client:

                @client.on("work")
                def work() -> None:
                    begun.set()
                    wait_for(release)
                    seen.append("worked")

                client.emit("work")
                wait_for(begun)
            seen.append("ended")

        thread = in_thread(body)
        wait_for(begun)
        release.set()
        finish(thread)
    assert seen == ["worked", "ended"]
