"""The client's side of the WebSocket opening handshake (RFC 6455, section 4.1)."""

from base64 import b64encode
from collections.abc import Callable

from sansio_eio.engineio.actions import OpenWebSocket
from sansio_eio.engineio.requests import Response
from sansio_eio.errors import RemoteProtocolError
from sansio_eio.http.deflate import OFFER, Deflate, check_answer
from sansio_eio.http.handshake import accept_value
from sansio_eio.http.headers import find_header, has_token


class Handshake:
    """A handshake that is going to be sent, or waits for its answer."""

    __slots__ = ("_compression", "_key", "max_message_size")

    def __init__(self, action: OpenWebSocket, token_bytes: Callable[[int], bytes]) -> None:
        self.max_message_size = action.max_message_size
        self._compression = action.compression
        self._key = b64encode(token_bytes(16)).decode("ascii")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What makes a GET one that asks for WebSocket."""
        headers = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", self._key),
        ]
        return [*headers, ("sec-websocket-extensions", OFFER)] if self._compression else headers

    def check(self, response: Response) -> Deflate | RemoteProtocolError | None:
        """What was agreed on in a 101, or what is wrong with it."""
        headers = response.headers
        if (find_header(headers, "upgrade") or "").lower() != "websocket":
            return RemoteProtocolError("the answer to the WebSocket handshake has no Upgrade: websocket")
        if not has_token(find_header(headers, "connection"), "upgrade"):
            return RemoteProtocolError("the answer to the WebSocket handshake has no Connection: Upgrade")
        if find_header(headers, "sec-websocket-accept") != accept_value(self._key):
            return RemoteProtocolError("the Sec-WebSocket-Accept is wrong")
        if find_header(headers, "sec-websocket-protocol") is not None:
            return RemoteProtocolError("the server chose a subprotocol, and none was offered")
        answer = find_header(headers, "sec-websocket-extensions")
        if answer is None:
            return None
        deflate = check_answer(answer) if self._compression else None
        return deflate or RemoteProtocolError("the server agreed to an extension that was not offered like that")
