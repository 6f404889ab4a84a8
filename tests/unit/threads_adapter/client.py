"""A Socket.IO client of a real server, in the test's own thread, and what the tests of the threads have in common."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from sansio_eio_threads import Server
from tests.benchmarks.wire import client_frame, take_frame, websocket_request

#: Seconds after which something that should have happened is taken for never.
PATIENCE = 20.0


class Client:
    """One WebSocket. What it receives are Socket.IO packets; Engine.IO's pings are answered on the way."""

    def __init__(self, server: Server, *, tls: ssl.SSLContext | None = None, small: bool = False) -> None:
        self.sock = socket.socket()
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.settimeout(PATIENCE)
        try:
            self.sock.connect(server.addresses[0])
        except OSError:
            self.sock.close()
            raise
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self._buffer = b""
        self.sock.sendall(websocket_request())
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        assert self.frame().startswith(b"0{")

    def say(self, *packets: str | bytes) -> None:
        """Send Socket.IO packets."""
        frames = [client_frame("4" + packet if isinstance(packet, str) else packet) for packet in packets]
        self.sock.sendall(b"".join(frames))

    def join(self, namespace: str = "/") -> str:
        """Connect to a namespace; the id of the socket."""
        self.say("0" if namespace == "/" else f"0{namespace},")
        answer = self.frame().decode()
        assert answer.startswith("40"), answer
        return str(json.loads(answer[answer.index("{") :])["sid"])

    def emit(self, *event: object, ack: str = "") -> None:
        """Send an event to the main namespace."""
        self.say(f"2{ack}{json.dumps(event)}")

    def event(self) -> Any:
        """The event (or the answer to one) that is received next, its bytes in their places."""
        head = self.frame().decode()
        data: Any = json.loads(head[head.index("[") :])
        if head.startswith(("45", "46")):
            attachments = [self.frame() for _ in range(int(head[2 : head.index("-")]))]
            return [attachments[each["num"]] if type(each) is dict else each for each in data]
        return data

    def frame(self) -> bytes:
        """The payload of the next frame that is no ping."""
        while True:
            while (taken := take_frame(self._buffer)) is None:
                self._receive()
            payload, self._buffer = taken
            if payload != b"2":
                return payload
            self.sock.sendall(client_frame("3"))

    def end(self) -> bytes:
        """What comes until the server closes the connection; its Close frame is answered."""
        while not self._buffer.endswith(b"\x88\x00"):
            self._receive()
        self.sock.sendall(b"\x88\x80" + bytes(4))
        assert self.sock.recv(1) == b""
        return self._buffer

    def close(self) -> None:
        """Go, without a word."""
        self.sock.close()

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        assert data, "the server has closed the connection"
        self._buffer += data


@contextmanager
def dial(server: Server, *, tls: ssl.SSLContext | None = None, small: bool = False) -> Generator[Client]:
    """A client that is connected to the main namespace."""
    client = Client(server, tls=tls, small=small)
    try:
        client.join()
        yield client
    finally:
        client.close()


def wait_for(event: threading.Event) -> None:
    """It happens, or the test fails."""
    assert event.wait(PATIENCE), "it did not happen"


def wait_until(condition: Callable[[], object]) -> None:
    """It becomes true, or the test fails."""
    late = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < late, "it did not happen"
        time.sleep(0)


def in_thread(function: Any, *args: Any) -> threading.Thread:
    """Run a function in a thread of the test's own."""
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def finish(*threads: threading.Thread) -> None:
    """They end."""
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
