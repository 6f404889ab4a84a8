"""HTTP and WebSocket by hand: for what no well-behaved client does."""

import contextlib
import http.client
import json
import os
import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from tests.conformance.processes import PATIENCE
from tests.conformance.servers import Server

POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"


_opened: list[socket.socket | http.client.HTTPConnection] = []


def remember(connection: socket.socket | http.client.HTTPConnection) -> None:
    """Note a connection, so that it is closed whatever becomes of the scenario."""
    _opened.append(connection)


def close_all() -> None:
    """Close what scenarios have left open."""
    while _opened:
        _opened.pop().close()


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body."""
        return self.body.decode()

    @property
    def error(self) -> tuple[int, object]:
        """The status and the JSON body of an error, which must say that it is JSON."""
        assert self.headers["content-type"] == "application/json"
        return self.status, json.loads(self.body)


class Exchange:
    """A request that is under way on a connection of its own."""

    def __init__(
        self, server: Server, method: str, target: str, body: bytes | str | None, headers: Mapping[str, str]
    ) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        remember(self._connection)
        data = body.encode() if isinstance(body, str) else body
        # The server may answer before it has read the body.
        with contextlib.suppress(ConnectionError):
            self._connection.request(method, target, data, dict(headers))

    def answer(self) -> Answer:
        """Wait for the response."""
        with contextlib.closing(self._connection):
            response = self._connection.getresponse()
            body = response.read()
            headers: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
            return Answer(response.status, headers, body)

    def abort(self) -> None:
        """Cut the connection."""
        self._connection.close()


def start(
    server: Server, method: str, target: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
) -> Exchange:
    """Send a request."""
    return Exchange(server, method, target, body, headers or {})


def request(
    server: Server, method: str, target: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request and wait for the response."""
    return start(server, method, target, body, headers).answer()


def wait_for_what_was_sent(server: Server) -> None:
    """A poll that a client has just sent is at the server, too, when a request behind it has been answered.

    The client has to have received all that the server has for it, or its poll does not stay there.
    """
    request(server, "GET", "/engine.io/")


class Polling:
    """A long-polling session, one request at a time."""

    revision = "EIO=4"

    def __init__(self, server: Server, path: str = "/engine.io/", headers: Mapping[str, str] | None = None) -> None:
        self.server = server
        target = f"{path}?{self.revision}&transport=polling"
        opening = request(server, "GET", target, headers=headers)
        payload = self.read(opening)
        assert payload.startswith("0")
        self.opening = opening
        self.handshake: dict[str, Any] = json.loads(payload[1:])
        self.sid = str(self.handshake["sid"])
        self.path = path
        self.target = f"{target}&sid={self.sid}"

    def read(self, answer: Answer) -> str:
        """The payload of a poll, which must have all that belongs to it."""
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
        assert answer.headers["cache-control"] == "no-store"
        return answer.text

    def poll(self) -> str:
        """One GET; the payload."""
        return self.read(request(self.server, "GET", self.target))

    def start_poll(self) -> Exchange:
        """One GET; its answer can wait."""
        return start(self.server, "GET", self.target)

    def push(self, payload: str | bytes) -> None:
        """One POST."""
        answer = request(self.server, "POST", self.target, payload)
        assert (answer.status, answer.text) == (200, "ok")
        assert answer.headers["content-type"] == "text/html"
        assert answer.headers["cache-control"] == "no-store"

    def candidate(self) -> "WebSocket":
        """A WebSocket for the same session."""
        return WebSocket(self.server, f"{self.path}?{self.revision}&transport=websocket&sid={self.sid}")

    def probe(self) -> "WebSocket":
        """The start of an upgrade: the candidate, its probe answered."""
        candidate = self.candidate()
        candidate.send("2probe")
        assert candidate.receive() == "3probe"
        return candidate

    @property
    def is_known(self) -> bool:
        """Whether the server still has the session; a request that changes nothing for it."""
        answer = request(self.server, "PUT", self.target)
        if answer.status == 500:
            return True
        assert answer.error == (400, {"code": 1, "message": "Session ID unknown"})
        return False


class RefusedError(Exception):
    """The server answered the WebSocket handshake with a response, which it is about."""

    def __init__(self, status: int, head: str, body: str) -> None:
        super().__init__(status, head, body)
        self.status = status
        self.head = head
        self.body = body


class WebSocket:
    """A WebSocket; raises RefusedError when the server does not accept it."""

    def __init__(self, server: Server, target: str, headers: Mapping[str, str] | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        remember(self._socket)
        fields = {
            "Host": f"127.0.0.1:{server.port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }
        lines = [f"GET {target} HTTP/1.1", *[f"{name}: {value}" for name, value in fields.items()], "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self._socket.recv(65536)
            if not chunk:
                self._socket.close()
                raise RefusedError(0, data.decode("latin-1"), "")
            data += chunk
        head, _, rest = data.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        status = int(self.head.split(" ", 2)[1])
        if status != 101:
            while chunk := self._socket.recv(65536):
                rest += chunk
            self._socket.close()
            raise RefusedError(status, self.head, rest.decode())
        self._connection = Connection(ConnectionType.CLIENT)
        self._messages: list[str | bytes] = []
        self._text = ""
        self._binary = b""
        #: The code of the close frame, None as long as there was none.
        self.code: int | None = None
        self._ended = False
        if rest:
            self._process(rest)

    def send(self, data: str | bytes) -> None:
        """Send one message."""
        event = TextMessage(data) if isinstance(data, str) else BytesMessage(data)
        self._socket.sendall(self._connection.send(event))

    def receive(self) -> str | bytes:
        """Wait for one message."""
        while not self._messages:
            assert not self._ended, f"closed with {self.code} instead of a message"
            self._read()
        return self._messages.pop(0)

    def closed(self, *, patience: float = PATIENCE) -> list[str | bytes]:
        """Wait for the end of the connection; the messages before it."""
        self._socket.settimeout(patience)
        with contextlib.closing(self._socket):
            while not self._ended:
                self._read()
        return self._messages

    def hurry(self, patience: float) -> None:
        """Wait no longer than this, in seconds, for anything."""
        self._socket.settimeout(patience)

    def cut(self) -> None:
        """End the connection without a close frame."""
        self._socket.close()

    def close(self) -> None:
        """Close it properly."""
        if self._connection.state is ConnectionState.OPEN:
            self._socket.sendall(self._connection.send(CloseConnection(1000)))
        self.closed()

    def _read(self) -> None:
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        except TimeoutError:
            raise AssertionError("waited in vain for the other end of a WebSocket") from None
        if not data:
            self._ended = True
        else:
            self._process(data)

    def _process(self, data: bytes) -> None:
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage():
                    self._text += event.data
                    if event.message_finished:
                        self._messages.append(self._text)
                        self._text = ""
                case BytesMessage():
                    self._binary += event.data
                    if event.message_finished:
                        self._messages.append(self._binary)
                        self._binary = b""
                case CloseConnection():
                    self.code = event.code
                    if self._connection.state is ConnectionState.REMOTE_CLOSING:
                        with contextlib.suppress(OSError):
                            self._socket.sendall(self._connection.send(event.response()))
                            # The reference reads no more after a close of its own making: it waits for this.
                            self._socket.shutdown(socket.SHUT_WR)
                case Ping():
                    self._socket.sendall(self._connection.send(event.response()))
                case _:
                    raise AssertionError(f"unexpected: {event!r}")


def refused(server: Server, target: str, headers: Mapping[str, str] | None = None) -> RefusedError:
    """The refusal of a WebSocket handshake."""
    try:
        websocket = WebSocket(server, target, headers)
    except RefusedError as error:
        return error
    websocket.cut()
    raise AssertionError("the server took the handshake")
