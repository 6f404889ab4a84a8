"""One TCP connection of a server: bytes in and out, requests and messages for the application."""

import logging
from typing import TYPE_CHECKING, Any, assert_never

from sansio_eio.engineio.actions import AcceptWebSocket, CloseChannel, Respond, SendMessages, SetReading
from sansio_eio.engineio.requests import Response
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from sansio_eio.http.connection import Connection
from sansio_eio.http.connection_state import State
from sansio_eio.http.deflate import negotiate
from sansio_eio.http.frames import FrameConnection
from sansio_eio.http.handshake import accept_handshake, check_handshake, is_websocket_attempt
from sansio_eio.http.request_reader import Head, Refusal, RequestReader
from sansio_eio.http.responses import CONTINUE, encode_response, plain_response, wants_close

if TYPE_CHECKING:
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.http.endpoint import ServerEndpoint

_log = logging.getLogger("sansio_eio.http")


class ServerConnection(Connection["ServerEndpoint"]):
    """Made by `ServerEndpoint.connect`, for a driver that moves its bytes.

    Inputs: `receive_data`, `receive_eof`, `connection_lost`, `hold_back`, `pause_writing` and `resume_writing`; after
    each of them, pump (see `ServerEndpoint`). None of them raises because of what the peer did.

    For a connection that `take_ready` returned, write what `data_to_send` returns; what the transport does not take of
    it, `hold_back`. Then look at these, in this order:

    * `aborted`: close the transport at once;
    * `closing`: close the transport, when it has sent what it took;
    * `write_eof`: then send an end of file and go on reading; it may stay True for a while;
    * `reading`: read from the transport only while it is True. Look at it after `receive_data`, too.

    When the transport is closed, for whatever reason, call `connection_lost`.
    """

    __slots__ = ("_body_limit", "_half_close", "_head", "_idle", "_next", "_reader", "remote", "secure")

    def __init__(
        self, endpoint: "ServerEndpoint", *, remote: str, secure: bool, half_close: bool, owner: Any, now: float
    ) -> None:
        super().__init__(endpoint, State.HEAD, owner)
        self.remote = remote
        self.secure = secure
        self._half_close = half_close
        self._reader: RequestReader | None = RequestReader(endpoint.settings)
        #: Between two requests, with not a byte of the next one.
        self._idle = False
        self._head: Head | None = None
        self._body_limit = 0
        self._next = State.HEAD
        endpoint.deadlines.at(self, now + endpoint.settings.header_timeout)

    @property
    def write_eof(self) -> bool:
        """Half-close the transport, when it has sent what it took."""
        return self._state is State.LINGERING and not self._held_back

    # For the endpoint

    def shut_down(self, *, now: float) -> None:
        """The server closes: an idle connection ends now, another one with its response. For the endpoint."""
        if self._state is State.HEAD and self._reader is not None and not self._reader.buffered:
            self._close(now)
            self._mark_ready()

    def turn_away(self) -> None:
        """There are too many connections: answer that, whatever comes, and close. For the endpoint."""
        self._endpoint.deadlines.cancel(self)
        self._send_response(plain_response(503), State.CLOSING)
        self._mark_ready()

    def expire(self, *, now: float) -> None:
        """The deadline of the current state has passed. For the endpoint."""
        match self._state:
            case State.HEAD if self._reader is not None and self._reader.buffered:
                self._refuse(Refusal(408, "the request head took too long"), now)
            case State.BODY:
                self._refuse(Refusal(408, "the request body took too long"), now)
            case State.CLOSING:
                self.abort()
            case _:
                self._close(now)
                self._mark_ready()

    # What is different from a client's connection

    def _has_room(self) -> bool:
        return self._reader is None or self._reader.buffered <= self._endpoint.settings.max_pipelined_size

    def _receive_http(self, data: bytes, now: float) -> None:
        if self._reader is None:
            return
        self._reader.receive(data)
        if self._idle and self._state is State.HEAD:
            self._idle = False
            self._endpoint.deadlines.at(self, now + self._endpoint.settings.header_timeout)
        self._read_request(now)

    def _ended(self, now: float) -> None:
        """Who has asked for something and not waited for it does not get it."""
        if self._state is State.RESPONDING:
            self._next = State.CLOSING
            return
        self._drop_channel(now)
        self._close(now)
        self._mark_ready()

    def _lost(self, error: Exception | None, now: float) -> None:
        self._drop_channel(now)
        self._reader = None

    def _leave(self, frames: FrameConnection, now: float) -> None:
        if frames.failed:
            self._linger(now)
        else:
            self._close(now)

    def _linger(self, now: float) -> None:
        if self._half_close:
            super()._linger(now)
        else:
            self._close(now)

    def _end(self, state: State, seconds: float, now: float) -> None:
        super()._end(state, seconds, now)
        self._reader = None

    # Responses

    def _perform(self, channel: "Channel", now: float) -> None:
        for action in self._endpoint.app.take_actions(channel):
            match action:
                case SendMessages():
                    if self._frames is not None:
                        self._out += self._frames.encode(action.outgoing)
                case Respond():
                    self._respond(action.response)
                case AcceptWebSocket():
                    self._accept(action, now)
                case CloseChannel():
                    self._close_channel(action, now)
                case SetReading():
                    self._app_reading = action.enabled
                case _:
                    assert_never(action)

    def _respond(self, response: Response) -> None:
        head = self._head
        if head is None or self._state not in (State.BODY, State.EXCHANGE, State.HANDSHAKE):
            return
        self._channel = None
        if self._state is State.BODY or len(head.request.body) > self._body_limit:
            # The rest of the body is on its way, and nobody wants it.
            self._endpoint.deadlines.cancel(self)
            self._send_response(response, State.LINGERING)
            return
        # Behind a refused handshake there may be frames.
        keep = (
            head.keep_alive
            and self._state is State.EXCHANGE
            and not wants_close(response)
            and not self._endpoint.closing
        )
        self._send_response(response, State.HEAD if keep else State.CLOSING)

    def _send_response(self, response: Response, then: State) -> None:
        without_body = self._head is not None and self._head.request.method == "HEAD"
        self._out += encode_response(response, without_body=without_body, close=then is not State.HEAD)
        self._head = None
        self._app_reading = True
        self._state = State.RESPONDING
        self._next = then

    def _sent(self, now: float) -> None:
        if self._state is not State.RESPONDING:
            return
        if self._next is State.CLOSING:
            self._close(now)
        elif self._next is State.LINGERING:
            self._linger(now)
        else:
            assert self._reader is not None
            self._state = State.HEAD
            self._idle = self._reader.buffered == 0
            settings = self._endpoint.settings
            timeout = settings.keep_alive_timeout if self._idle else settings.header_timeout
            self._endpoint.deadlines.at(self, now + timeout)
            self._read_request(now)

    # Requests

    def _read_request(self, now: float) -> None:
        reader = self._reader
        if self._state is State.HEAD and reader is not None:
            head = reader.read_head()
            if isinstance(head, Refusal):
                self._refuse(head, now)
            elif head is not None:
                self._head_received(head, now)
        if self._state is State.BODY and reader is not None and self._head is not None:
            self._read_body(reader, self._head, now)

    def _read_body(self, reader: RequestReader, head: Head, now: float) -> None:
        body = reader.read_body(self._body_limit)
        if isinstance(body, bytes):
            self._request_received(head, body, now)
            return
        if self._channel is None:
            # Not for a body that is there already. For one that is refused at once it is, so that an application sees
            # the same whatever the chunks.
            self._endpoint.deadlines.at(self, now + self._endpoint.settings.body_timeout)
            self._channel = self._endpoint.app.open_channel(self)
            self._endpoint.app.request_started(self._channel, head.request, now=now)
        if body is not None:
            self._refuse(body, now)
        elif head.expects_continue:
            # Asked for now, and once.
            head.expects_continue = False
            if not reader.body_started:
                self._out += CONTINUE
                self._mark_ready()

    def _head_received(self, head: Head, now: float) -> None:
        request = head.request
        request.remote = self.remote
        request.secure = self.secure
        self._head = head
        self._body_limit = self._endpoint.app.body_limit(request)
        if is_websocket_attempt(request):
            refusal = check_handshake(head)
            if refusal is not None:
                self._send_error(refusal)
                return
            self._state = State.HANDSHAKE
            self._endpoint.deadlines.cancel(self)
            self._channel = self._endpoint.app.open_channel(self)
            self._endpoint.app.websocket_requested(self._channel, request, now=now)
        elif head.length is not None and head.length > self._body_limit:
            self._refuse(Refusal(413), now)
        else:
            self._state = State.BODY

    def _request_received(self, head: Head, body: bytes, now: float) -> None:
        head.request.body = body
        self._state = State.EXCHANGE
        self._endpoint.deadlines.cancel(self)
        if self._channel is None:
            self._channel = self._endpoint.app.open_channel(self)
        self._endpoint.app.request_received(self._channel, head.request, now=now)

    def _refuse(self, refusal: Refusal, now: float) -> None:
        self._drop_channel(now, RemoteProtocolError(refusal.detail))
        # As in the reference, 413 has no body.
        response = plain_response(refusal.status, refusal.detail) if refusal.detail else Response(refusal.status)
        self._send_error(response)

    def _send_error(self, response: Response) -> None:
        self._endpoint.deadlines.cancel(self)
        self._send_response(response, State.LINGERING)
        self._mark_ready()

    # WebSocket

    def _accept(self, action: AcceptWebSocket, now: float) -> None:
        head, reader = self._head, self._reader
        if head is None or reader is None or self._state is not State.HANDSHAKE:
            return
        deflate = negotiate(head.request.header("sec-websocket-extensions") or "") if action.compression else None
        try:
            self._out += accept_handshake(head.request, action.headers, None if deflate is None else deflate.answer)
        except LocalProtocolError:
            _log.exception("the application made a handshake that cannot be sent")
            self._drop_channel(now)
            self._send_response(plain_response(500), State.CLOSING)
            return
        self._frames = FrameConnection(
            max_message_size=action.max_message_size,
            max_fragments=self._endpoint.settings.max_fragments,
            max_control_frames=self._endpoint.settings.max_control_frames,
            deflate=deflate,
        )
        self._state = State.WEBSOCKET
        self._head = None
        self._reader = None
        # Not one of the bytes behind the handshake is lost.
        self._receive_frames(reader.take_buffered(), now)

    def _close_channel(self, action: CloseChannel, now: float) -> None:
        if self._channel is None:
            return
        if self._frames is not None:
            self._close_websocket(self._frames, action, now)
            return
        self._take_channel()
        if self._state is State.BODY:
            self._linger(now)
        else:
            self._close(now)
