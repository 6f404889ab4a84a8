"""Clients in threads, against servers of this library."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import socket
import threading
from typing import Any

import pytest

from sansio_eio import (
    Client,
    ConnectError,
    ConnectionRefused,
    EngineClient,
    EngineServer,
    LocalProtocolError,
    RemoteProtocolError,
    Server,
    Session,
    Socket,
)
from sansio_eio_threads import Server as Threads
from sansio_eio_threads import connect
from sansio_eio_threads.lock import LOCK
from tests.unit.threads_adapter.client import PATIENCE, wait_for
from tests.unit.threads_adapter.servers import listening, make_echo, make_url, refused_port, silent_server

#: How soon a client tries again in these tests.
SOON = 0.01


@pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids=["polling", "websocket", "upgrade"]
)
def test_events_both_ways_and_acknowledgements(transports: list[str]) -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server, connect(make_url(server), transports=transports) as client:
        assert client.connected
        for number, data in enumerate((b"", b"x" * 100_000)):
            assert client.emit("news", number, data)
            event = next(iter(client))
            assert (event.event, event.args) == ("news", [number, data])
        assert client.emit_with_ack("ask", "a").wait() == "a"
        assert client.call("ask", [b"b"], timeout=PATIENCE).wait() == [b"b"]


def test_iteration_ends_with_the_connection() -> None:
    io = Server()

    @io.on("connection")
    def connected(socket: Socket) -> None:
        for number in range(100):
            socket.emit("number", number)
        socket.disconnect()

    with Threads(io, "127.0.0.1", 0) as server, connect(make_url(server)) as client:
        assert [event.args for event in client] == [[number] for number in range(100)]
        assert not client.active


def test_handlers_run_in_order_in_other_threads() -> None:
    seen: list[int] = []
    threads: set[str] = set()
    done = threading.Event()
    running = threading.Lock()
    with Threads(make_echo(), "127.0.0.1", 0) as server, connect(make_url(server)) as client:

        @client.on("number")
        def number(value: int) -> None:
            assert running.acquire(blocking=False)
            threads.add(threading.current_thread().name.rstrip("0123456789"))
            # What a handler waits for itself arrives all the same.
            if value % 100 == 0:
                assert client.call("ask", value, timeout=PATIENCE).wait() == value
            seen.append(value)
            running.release()
            if value == 499:
                done.set()

        for value in range(500):
            client.emit("number", value)
        wait_for(done)
    assert seen == list(range(500))
    assert threads == {"sansio_eio handlers "}


def test_handlers_run_beside_each_other_when_they_may() -> None:
    both = threading.Barrier(2)
    done = threading.Semaphore(0)

    def meet(_value: object) -> None:
        both.wait(PATIENCE)
        done.release()

    with (
        Threads(make_echo(), "127.0.0.1", 0) as server,
        connect(make_url(server), max_workers=2) as client,
    ):
        client.on("meet", meet, concurrent=True)
        client.emit("meet", 1)
        client.emit("meet", 2)
        for _ in range(2):
            assert done.acquire(timeout=PATIENCE)


def test_several_namespaces_on_one_connection() -> None:
    io = make_echo()
    io.of("/admin").on("ask", lambda _socket, value: f"admin {value}")
    with Threads(io, "127.0.0.1", 0) as server, connect(make_url(server)) as client:
        admin = client.of("/admin")
        admin.wait_connected().wait()
        assert admin.emit_with_ack("ask", 1).wait() == "admin 1"
        assert client.emit_with_ack("ask", 2).wait() == 2
        assert len(io.engine.sessions) == 1
    with Threads(io, "127.0.0.1", 0) as server, connect(make_url(server, "/admin")) as admin:
        assert admin.namespace == "/admin"
        assert admin.emit_with_ack("ask", 3).wait() == "admin 3"


def test_raw_engine_io() -> None:
    engine = EngineServer()
    received: list[object] = []
    closed = threading.Event()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", session.send)
        session.on("close", lambda _reason: closed.set())

    with Threads(engine, "127.0.0.1", 0) as server:
        client = EngineClient(make_url(server))
        echoed = threading.Semaphore(0)

        @client.on("message")
        def message(data: str | bytes) -> None:
            received.append(data)
            echoed.release()

        for _ in range(2):
            with connect(client) as same:
                assert same is client
                client.send("text")
                client.send(b"bytes")
                for _ in range(2):
                    assert echoed.acquire(timeout=PATIENCE)
            wait_for(closed)
    assert received == ["text", b"bytes"] * 2


def test_what_was_sent_last_arrives_and_the_server_is_told() -> None:
    io = Server()
    seen: list[object] = []
    gone = threading.Event()
    io.on("last words", lambda _socket, value: seen.append(value))

    @io.on("disconnect")
    def disconnected(_socket: Socket, reason: str) -> None:
        seen.append(reason)
        gone.set()

    with Threads(io, "127.0.0.1", 0) as server:
        for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
            gone.clear()
            with connect(make_url(server), transports=transports) as client:
                for number in range(10):
                    client.emit("last words", number)
            wait_for(gone)
            assert seen == [*range(10), "transport close"]
            seen.clear()


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_options_of_a_client_are_for_a_url() -> None:
    client = Client("http://127.0.0.1:1")
    options: dict[str, Any] = {"retries": 1}
    with pytest.raises(LocalProtocolError, match="has its options already: retries"):
        connect(client, **options)
    with pytest.raises(LocalProtocolError, match="at least one thread"):
        connect(client, max_workers=0)
    with pytest.raises(LocalProtocolError, match="unix_path or dial"):
        connect(client, unix_path="x", dial=lambda _host, _port: socket.socket())
    with pytest.raises(LocalProtocolError, match=r"."):
        connect("no url")


def test_one_connection_for_each_client_at_a_time() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        client = Client(make_url(server))
        for _ in range(2):
            with connect(client) as socket:
                assert socket is client.socket
                with pytest.raises(LocalProtocolError, match="already"), connect(client):
                    pass
                assert socket.emit_with_ack("ask", 1).wait() == 1
            assert client.engine.runtime is None


def test_the_limits_of_the_connections() -> None:
    with (
        Threads(make_echo(), "127.0.0.1", 0) as server,
        pytest.raises(ConnectError) as caught,
        connect(make_url(server), http={"max_header_size": 20}),
    ):
        pass
    assert isinstance(caught.value.__cause__, RemoteProtocolError)


def test_not_in_a_callback() -> None:
    with LOCK, pytest.raises(LocalProtocolError, match="in the middle of something else"), connect("http://127.0.0.1"):
        pass


# -- who does not get in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_nobody_there(transport: str) -> None:
    with (
        pytest.raises(ConnectError) as caught,
        connect(f"http://127.0.0.1:{refused_port()}", transports=[transport]),
    ):
        pass
    assert caught.value.message == ("xhr poll error" if transport == "polling" else "websocket error")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_what_the_server_says() -> None:
    io = Server()

    @io.use
    def refuse(_socket: Socket) -> None:
        raise ConnectionRefused("no entry", data={"code": 7})

    with Threads(io, "127.0.0.1", 0) as server:
        with pytest.raises(ConnectError) as caught, connect(make_url(server)):
            pass
        assert (caught.value.message, caught.value.data) == ("no entry", {"code": 7})
        with pytest.raises(ConnectError) as caught, connect(make_url(server, "/unknown")):
            pass
        assert caught.value.message == "Invalid namespace"
        with pytest.raises(ConnectError) as caught, connect(make_url(server), path="/elsewhere/"):
            pass
        assert caught.value.status == 404


def test_a_server_that_says_nothing() -> None:
    with silent_server() as listener:
        for transport in ("polling", "websocket"):
            with (
                pytest.raises(ConnectError, match="timeout"),
                connect(listening(listener), transports=[transport], connect_timeout=0.05),
            ):
                pass


# -- trying again ------------------------------------------------------------------------------------------------------


def test_a_server_that_comes_later() -> None:
    port = refused_port()
    failed, connected = threading.Event(), threading.Event()
    client = Client(f"http://127.0.0.1:{port}", reconnection_delay=SOON, reconnection_delay_max=SOON)
    client.socket.on("connect_error", lambda _error: failed.set())
    client.socket.on("connect", connected.set)
    with connect(client, wait=False) as socket:
        assert not socket.connected
        socket.emit("early", 1)
        wait_for(failed)
        with Threads(make_echo(), "127.0.0.1", port):
            wait_for(connected)
            assert next(iter(socket)).args == [1]


def test_a_server_that_comes_back() -> None:
    connected = threading.Semaphore(0)
    reasons: list[str] = []
    ids: set[str | None] = set()
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        port = server.addresses[0][1]
        client = Client(make_url(server), reconnection_delay=SOON, reconnection_delay_max=SOON)
        client.socket.on("connect", connected.release)
        client.socket.on("disconnect", reasons.append)
        with connect(client) as socket:
            for number in range(3):
                assert connected.acquire(timeout=PATIENCE)
                ids.add(socket.id)
                assert socket.emit_with_ack("ask", number).wait() == number
                server.stop()
                server = Threads(make_echo(), "127.0.0.1", port)  # noqa: PLW2901  (the next one, at the same port)
                server.start()
            assert connected.acquire(timeout=PATIENCE)
        server.stop()
    assert reasons[:3] == ["transport close"] * 3
    assert len(ids) == 3


def test_giving_up() -> None:
    client = Client(
        f"http://127.0.0.1:{refused_port()}",
        reconnection_attempts=3,
        reconnection_delay=SOON,
        reconnection_delay_max=SOON,
    )
    attempts: list[int] = []
    failed = threading.Event()
    client.on("reconnect_attempt", attempts.append)
    client.on("reconnect_failed", failed.set)
    with connect(client, wait=False) as socket:
        assert list(socket) == []
        wait_for(failed)
    assert attempts == [1, 2, 3]


def test_a_bridge_between_two_servers() -> None:
    """One client's handler uses another client, and waits for its answer."""
    with (
        Threads(make_echo(), "127.0.0.1", 0) as one,
        Threads(make_echo(), "127.0.0.1", 0) as other,
        connect(make_url(one)) as left,
        connect(make_url(other)) as right,
    ):
        answers: list[object] = []
        done = threading.Event()

        @left.on("question")
        def question(value: int) -> None:
            answers.append(right.call("ask", value, timeout=PATIENCE).wait())
            if value == 9:
                done.set()

        for number in range(10):
            left.emit("question", number)
        wait_for(done)
        assert answers == list(range(10))
