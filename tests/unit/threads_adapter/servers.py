"""Servers that the tests of `connect` need, good ones and bad ones."""

import asyncio
import re
import socket
import threading
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha1

from sansio_eio import Server, Socket
from sansio_eio_asyncio import start_server
from sansio_eio_threads import Server as Threads
from tests.benchmarks.wire import server_frame
from tests.unit.threads_adapter.client import PATIENCE, finish, in_thread, wait_for

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def make_url(server: Threads, namespace: str = "", *, scheme: str = "http") -> str:
    """The URL of a server that listens on one address."""
    host, port = server.addresses[0]
    return f"{scheme}://{host}:{port}{namespace}"


def make_echo() -> Server:
    """An application that sends every event back, but for "ask", which it answers."""
    io = Server()

    @io.on("connection")
    def connected(socket: Socket) -> None:
        @socket.on_any
        def received(event: str, *args: object) -> None:
            if event != "ask":
                socket.emit(event, *args)

    @io.on("ask")
    def ask(_socket: Socket, value: object) -> object:
        return value

    return io


@contextmanager
def on_unix_socket(io: Server, path: str) -> Generator[None]:
    """A server on a Unix socket, which asyncio can and threads cannot."""
    begun = threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        over = asyncio.Event()
        ends.append((asyncio.get_running_loop(), over))
        async with start_server(io, unix_path=path):
            begun.set()
            await over.wait()

    thread = in_thread(asyncio.run, main())
    wait_for(begun)
    try:
        yield
    finally:
        [(loop, over)] = ends
        loop.call_soon_threadsafe(over.set)
        finish(thread)


@contextmanager
def silent_server() -> Generator[socket.socket]:
    """A listener. Who connects to it is accepted by the system, and hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def admit(listener: socket.socket) -> socket.socket:
    """Accept a client's WebSocket, and let it into the main namespace."""
    sock, _ = listener.accept()
    sock.settimeout(PATIENCE)
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += sock.recv(65536)
    [key] = re.findall(rb"(?i)sec-websocket-key: (\S+)", request)
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + b64encode(sha1(key + GUID).digest()) + b"\r\n\r\n"  # noqa: S324  (RFC 6455)
    )
    sock.sendall(server_frame('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'))
    sock.recv(65536)
    sock.sendall(server_frame('40{"sid":"b"}'))
    return sock


def listening(listener: socket.socket) -> str:
    """The URL of a listener."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def refused_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def black_hole() -> Generator[tuple[str, int]]:
    """An address at which nobody ever answers: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address: tuple[str, int] = listener.getsockname()
        waiting: list[socket.socket] = []
        try:
            for _ in range(4):
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(address)
            yield address
        finally:
            for each in waiting:
                each.close()
