"""A client's end of its connections: HTTP requests one after the other, or a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sansio_eio.engineio.outgoing import encode_text
from sansio_eio.testing import responses
from sansio_eio.testing.responses import FrameReader, ResponseReader, encode_frame, encode_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sansio_eio.engineio import Response
    from sansio_eio.testing.wires import Link, Receiver

#: A key need not be random where nobody is between the two ends: the sample of RFC 6455, section 1.3.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
#: Not zero, so that a server that forgot to unmask would be noticed.
MASK = b"\x5a\x01\xff\x80"


class Exchange:
    """One request at a time, over a connection that is kept for the next, and dialled again when it has been closed."""

    def __init__(self, dial: Callable[[Receiver], Link], headers: Sequence[tuple[str, str]]) -> None:
        self._dial = dial
        self._headers = headers
        self._reader = ResponseReader()
        self._done: Callable[[Response | None], None] | None = None
        self._last = False
        #: The connection, None while there is none.
        self.link: Link | None = None

    @property
    def busy(self) -> bool:
        """Whether a response is being waited for."""
        return self._done is not None

    def request(self, method: str, target: str, body: bytes, done: Callable[[Response | None], None]) -> None:
        """Send a request; `done` is called with the response, or with None when the connection is lost before it."""
        self._done = done
        if self.link is None:
            self._reader = ResponseReader()
            self.link = self._dial(self)
        self.link.send(encode_request(method, target, self._headers, body))

    def close(self, *, abort: bool) -> None:
        """End the connection, behind the response that is being waited for unless `abort`."""
        if self.busy and not abort:
            self._last = True
        elif self.link is not None:
            self._done = None
            link, self.link = self.link, None
            link.close()

    def data_received(self, data: bytes) -> None:
        """See `Receiver`."""
        response = self._reader.feed(data)
        done = self._done
        if response is not None and done is not None:
            self._done = None
            if self._last:
                self.close(abort=True)
            done(response)

    def connection_lost(self) -> None:
        """See `Receiver`."""
        self.link = None
        done, self._done = self._done, None
        if done is not None:
            done(None)


class WebSocketOwner(Protocol):
    """Who is told what happens on a WebSocket."""

    def websocket_opened(self, websocket: WebSocket) -> None:
        """The handshake is done."""

    def websocket_message(self, websocket: WebSocket, data: str | bytes) -> None:
        """A message came."""

    def websocket_closed(self, websocket: WebSocket, refusal: Response | None) -> None:
        """It is over; `refusal` is the response to a handshake that was not accepted. The last call."""


class WebSocket:
    """A WebSocket, from its handshake on."""

    def __init__(
        self,
        owner: WebSocketOwner,
        dial: Callable[[Receiver], Link],
        target: str,
        headers: Sequence[tuple[str, str]],
    ) -> None:
        self._owner = owner
        self._reader: ResponseReader | None = ResponseReader()
        self._frames = FrameReader()
        #: Nothing more comes of it.
        self.over = False
        self.link = dial(self)
        upgrade = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ]
        self.link.send(encode_request("GET", target, [*headers, *upgrade]))

    def send(self, data: str | bytes) -> None:
        """Send a message."""
        if isinstance(data, str):
            self._send_frame(responses.TEXT, encode_text(data))
        else:
            self._send_frame(responses.BINARY, data)

    def close(self) -> None:
        """Say goodbye, as a browser does, and have the server end the connection. The owner is told nothing more."""
        if self._reader is None:
            self._send_frame(responses.CLOSE, b"")
        else:
            self.link.close()
        self.over = True

    def data_received(self, data: bytes) -> None:
        """See `Receiver`."""
        if self._reader is not None:
            response = self._reader.feed(data)
            if response is None:
                return
            if response.status != 101:
                self.link.close()
                self._end(response)
                return
            data = self._reader.take_rest()
            self._reader = None
            self._owner.websocket_opened(self)
        for opcode, payload in self._frames.feed(data):
            self._frame_received(opcode, payload)

    def connection_lost(self) -> None:
        """See `Receiver`."""
        self._end(None)

    def _frame_received(self, opcode: int, payload: bytes) -> None:
        if opcode == responses.CLOSE:
            if not self.over:
                self._send_frame(responses.CLOSE, payload[:2])
            self._end(None)
        elif not self.over:
            self._owner.websocket_message(self, payload.decode() if opcode == responses.TEXT else payload)

    def _end(self, refusal: Response | None) -> None:
        if not self.over:
            self.over = True
            self._owner.websocket_closed(self, refusal)

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        self.link.send(encode_frame(opcode, payload, MASK))
