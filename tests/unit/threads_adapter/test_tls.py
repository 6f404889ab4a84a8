"""TLS on sockets that do not block."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import socket
import ssl
import threading

from sansio_eio import Server, Socket
from sansio_eio_threads import Server as Threads
from sansio_eio_threads.lock import LOCK
from tests.unit.http.support import Echo, request
from tests.unit.threads_adapter.client import PATIENCE, dial, in_thread, wait_for


def is_closed(sock: socket.socket) -> bool:
    """Wait for the end, in good order or not. (The server may say why, in TLS.)"""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        # It had not read everything.
        pass
    return True


def test_both_ways_and_much_of_it(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    io = Server()
    secure: list[bool] = []

    @io.on("echo")
    def echo(socket: Socket, data: bytes) -> bytes:
        secure.append(socket.handshake.secure)
        return data

    with (
        Threads(io, "127.0.0.1", 0, ssl_context=server_context) as server,
        dial(server, tls=client_context) as client,
    ):
        for size in (1, 1000, 60_000):
            client.say('451-1["echo",{"_placeholder":true,"num":0}]'[1:], b"x" * size)
            assert client.event() == [b"x" * size]
        # More than fits into the buffers of the kernel, before anything of it is read.
        for number in range(100):
            io.emit("news", number, b"y" * 60_000)
        for number in range(100):
            assert client.event() == ["news", number, b"y" * 60_000]
    assert secure == [True] * 3


def test_it_is_closed_without_a_close_notify_of_the_peer(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    io = Server()
    gone = threading.Event()
    io.on("disconnect", lambda _socket, _reason: gone.set())
    with Threads(io, "127.0.0.1", 0, ssl_context=server_context) as server:
        with dial(server, tls=client_context):
            pass
        wait_for(gone)


def test_a_response_and_the_end(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    with (
        Threads(Echo(), "127.0.0.1", 0, ssl_context=server_context) as server,
        socket.create_connection(server.addresses[0], PATIENCE) as plain,
        client_context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        sock.sendall(request("GET", "/", ["Connection: close"]))
        data = b""
        while received := sock.recv(65536):
            data += received
        assert data.endswith(b"GET /? ")


def test_who_does_not_speak_tls_is_sent_away_and_nobody_else(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0, ssl_context=server_context) as server:
        with socket.create_connection(server.addresses[0], PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert is_closed(plain)
        with dial(server, tls=client_context):
            pass


def test_a_handshake_has_a_time_limit(server_context: ssl.SSLContext) -> None:
    with (
        Threads(Echo(), "127.0.0.1", 0, ssl_context=server_context, header_timeout=0.05) as server,
        socket.create_connection(server.addresses[0], PATIENCE) as silent,
    ):
        assert silent.recv(1) == b""


def test_so_has_that_of_one_too_many(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    with (
        Threads(Echo(), "127.0.0.1", 0, ssl_context=server_context, max_connections=1, write_timeout=0.5) as server,
        socket.create_connection(server.addresses[0], PATIENCE),
        socket.create_connection(server.addresses[0], PATIENCE) as plain,
        socket.create_connection(server.addresses[0], PATIENCE) as silent,
        client_context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        assert sock.recv(12) == b"HTTP/1.1 503"
        assert silent.recv(1) == b""


def test_half_a_handshake_does_not_hold_up_the_end(server_context: ssl.SSLContext) -> None:
    server = Threads(Echo(), "127.0.0.1", 0, ssl_context=server_context, shutdown_timeout=0.05)
    with server, socket.create_connection(server.addresses[0], PATIENCE) as half:
        # The beginning of a record with a ClientHello.
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        stopping = in_thread(server.stop)
        assert is_closed(half)
        stopping.join(PATIENCE)
        assert not stopping.is_alive()


def test_who_is_gone_before_he_is_accepted(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    io = Server()
    with Threads(io, "127.0.0.1", 0, ssl_context=server_context) as server:
        for _ in range(3):
            with LOCK, socket.create_connection(server.addresses[0], PATIENCE) as sock:
                # Closing resets the connection.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with dial(server, tls=client_context):
            pass
