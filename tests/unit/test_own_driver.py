"""The driver on `select` that the documentation shows in full, with a client on a real socket."""

import base64
import contextlib
import importlib.util
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sansio_eio import Server, Socket

pytestmark = pytest.mark.checkout

DRIVER = Path(__file__).parents[2] / "docs" / "examples" / "own_driver" / "driver.py"
#: Seconds after which a test that waits for the driver gives up.
PATIENCE = 10.0


@pytest.fixture
def io() -> Server:
    io = Server()

    @io.on("echo")
    def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
        return args

    return io


@pytest.fixture
def driver(io: Server) -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("own_driver", DRIVER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    driver = module.SelectDriver(io, "127.0.0.1", 0)
    thread = threading.Thread(target=driver.serve)
    thread.start()
    yield driver
    driver.stop()
    # It looks at that when something happens: so knock, unless it has gone already.
    with contextlib.suppress(ConnectionError):
        socket.create_connection(driver.address, PATIENCE).close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    driver.selector.close()


def read(client: socket.socket, end: bytes) -> bytes:
    """What the client gets, up to `end`."""
    data = bytearray()
    while end not in data[-len(end) - 65536 :]:
        chunk = client.recv(65536)
        assert chunk, data[-200:]
        data += chunk
    return bytes(data)


def frame(text: str) -> bytes:
    """A text message of a client, with a key of zeros (RFC 6455, section 5.2)."""
    payload = text.encode()
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + payload


def dial(address: tuple[str, int]) -> socket.socket:
    """A client over a WebSocket, connected to the main namespace."""
    client = socket.socket()
    client.settimeout(PATIENCE)
    # Small, so that the server has to wait for this client to read.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.connect(address)
    key = base64.b64encode(b"k" * 16).decode()
    client.sendall(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + key.encode()
        + b"\r\n\r\n"
    )
    assert read(client, b"maxPayload").startswith(b"HTTP/1.1 101 ")
    client.sendall(frame("40"))
    read(client, b'40{"sid":')
    return client


def test_polling_and_websocket(driver: Any) -> None:
    with socket.create_connection(driver.address, PATIENCE) as poller:
        poller.sendall(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b'"upgrades":["websocket"]' in read(poller, b"maxPayload")
    with dial(driver.address) as client:
        client.sendall(frame('420["echo","a"]'))
        assert b'430["a"]' in read(client, b"430")


def test_more_than_the_sockets_hold(io: Server, driver: Any) -> None:
    text = "x" * 60_000

    @io.on("flood")
    def flood(socket: Socket) -> None:
        for number in range(150):
            socket.emit("line", number, text)

    with dial(driver.address) as client:
        client.sendall(frame('42["flood"]'))
        received = read(client, f'42["line",149,"{text}"]'.encode())
    assert all(f'42["line",{number},"{text}"]'.encode() in received for number in range(150))


def test_nonsense_is_answered_and_the_connection_ends(driver: Any) -> None:
    with socket.create_connection(driver.address, PATIENCE) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert read(client, b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
    with dial(driver.address):
        pass


def test_stopping_tells_the_clients(io: Server, driver: Any) -> None:
    reasons: list[str] = []

    @io.on("disconnect")
    def gone(socket: Socket, reason: str) -> None:
        reasons.append(reason)

    @io.on("stop")
    def stop(socket: Socket) -> None:
        driver.stop()

    with dial(driver.address) as client:
        client.sendall(frame('42["stop"]'))
        assert b"\x88" in read(client, b"\x88")
        client.sendall(b"\x88\x80\0\0\0\0")
        assert not client.recv(65536)
    assert reasons == ["server shutting down"]
