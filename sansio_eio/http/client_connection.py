"""One TCP connection of a client: requests and messages of the application out, responses and messages in."""

import re
from typing import TYPE_CHECKING, assert_never

from sansio_eio.engineio.actions import CloseChannel, OpenWebSocket, SendMessages, SendRequest, SetReading
from sansio_eio.errors import RemoteProtocolError
from sansio_eio.http.client_frames import ClientFrames
from sansio_eio.http.connection import Connection
from sansio_eio.http.connection_state import State
from sansio_eio.http.headers import find_header
from sansio_eio.http.response_reader import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sansio_eio.engineio.actions import ClientAction
    from sansio_eio.engineio.address import Address
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.requests import Response
    from sansio_eio.http.client_endpoint import ClientEndpoint
    from sansio_eio.http.client_handshake import Handshake
    from sansio_eio.http.client_requests import Exchange
    from sansio_eio.http.frames import FrameConnection

_KEEP_ALIVE = re.compile(r"(?:^|[\s,])timeout\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
# So much earlier than the server says, in seconds: a request takes its time to get there. Node.js's agent has the same.
_MARGIN = 1.0


class ClientConnection(Connection["ClientEndpoint"]):
    """Made by the `ClientEndpoint`, for a driver that dials and moves its bytes.

    The first time that `take_ready` lists it, nothing has been dialled: do that (TCP, TLS, a Unix socket, a proxy: all
    yours), to `address`, then call `connected`; or `connection_lost`, with the error, when it has failed. Until then
    it is listed again only to be `aborted`: give up, and call `connection_lost`.

    From then on it is as with a `ServerConnection`. Inputs: `receive_data`, `receive_eof`, `connection_lost`,
    `hold_back`, `pause_writing` and `resume_writing`; after each of them, pump (see `ServerEndpoint`). None of them
    raises because of what the server did.

    For a connection that `take_ready` returned, write what `data_to_send` returns; what the transport does not take of
    it, `hold_back`. Then look at these, in this order:

    * `aborted`: close the transport at once;
    * `closing`: close the transport, when it has sent what it took;
    * `reading`: read from the transport only while it is True. Look at it after `receive_data`, too.

    When the transport is closed, for whatever reason, call `connection_lost`.
    """

    __slots__ = ("_exchange", "_reader", "_reused")

    #: A client never ends its output first, and goes on reading. (A `ServerConnection` may.)
    write_eof = False

    def __init__(self, endpoint: "ClientEndpoint") -> None:
        super().__init__(endpoint, State.DIALING, None)
        self._exchange: Exchange | None = None
        self._reader: ResponseReader | None = None
        #: The exchange is not the first one.
        self._reused = False

    @property
    def address(self) -> "Address":
        """Where to connect to."""
        return self._endpoint.app.address

    @property
    def idle(self) -> bool:
        """Another request can be sent. For the endpoint."""
        return self._state is State.IDLE and not self.paused and not self.aborted

    # For the driver

    def connected(self, *, now: float) -> None:
        """The transport is there, and TLS on it where `address.secure` is True."""
        if self._state is State.DIALING:
            exchange = self._exchange
            assert exchange is not None
            self._state = State.EXCHANGE if exchange.handshake is None else State.HANDSHAKE
            self._out = exchange.data
            self._mark_ready()

    # For the endpoint

    def begin(self, exchange: "Exchange") -> None:
        """Do this, as soon as it is connected. For the endpoint."""
        endpoint = self._endpoint
        self._exchange = exchange
        self._channel = exchange.channel
        exchange.channel.owner = self
        self._reader = ResponseReader(exchange.method, endpoint.settings, upgrade=exchange.handshake is not None)
        if exchange.timeout is None:
            endpoint.deadlines.cancel(self)
        else:
            endpoint.deadlines.after(self, exchange.timeout)
        if self._state is State.IDLE:
            self._reused = True
            self._state = State.EXCHANGE
            self._out = exchange.data
        self._mark_ready()

    def attend(self, channel: "Channel") -> None:
        """The application wants something on a channel that has begun here. For the endpoint."""
        if channel is not self._channel:
            # It is over, and the application did not know yet.
            self._endpoint.app.take_actions(channel)
        elif self._state is State.DIALING:
            self.adjust(self._endpoint.app.take_actions(channel))
        else:
            self._mark_ready()

    def adjust(self, actions: "Iterable[ClientAction]") -> None:
        """Do these while nothing is connected. For the endpoint."""
        for action in actions:
            if isinstance(action, CloseChannel):
                self._take_channel()
                self._give_up()
            else:
                assert isinstance(action, SetReading)
                self._app_reading = action.enabled

    def retire(self) -> None:
        """Nothing more is going to be asked for: an idle connection ends. For the endpoint."""
        if self._state is State.IDLE:
            self._state = State.CLOSING
            self._endpoint.deadlines.after(self, self._endpoint.settings.write_timeout)
            self._mark_ready()

    def expire(self, *, now: float) -> None:
        """The deadline of the current state has passed. For the endpoint."""
        match self._state:
            case State.DIALING | State.EXCHANGE:
                self._fail(RemoteProtocolError("the request timed out"), now)
            case State.CLOSING:
                self.abort()
            case _:
                self._cut(now)

    # What is different from a server's connection

    def _receive_http(self, data: bytes, now: float) -> None:
        if self._state is State.IDLE:
            if data:
                # Nobody has asked for anything.
                self._cut(now)
        elif self._reader is not None and not self._moved(now):
            self._reader.receive(data)
            self._read_response(self._reader, now)

    def _ended(self, now: float) -> None:
        if self._frames is not None:
            self._fail(ConnectionError("the server closed the connection without a Close frame"), now)
        elif self._reader is None:
            self._cut(now)
        elif not self._moved(now):
            self._reader.receive_eof()
            self._read_response(self._reader, now)

    def _lost(self, error: Exception | None, now: float) -> None:
        if not self._moved(now):
            self._report(error or ConnectionError("the connection was lost"), now)
        self._reader = None
        self._exchange = None

    def _leave(self, frames: "FrameConnection", now: float) -> None:
        # "a client SHOULD wait for the server to close the connection"  RFC 6455, section 7.1.1
        self._linger(now)

    def _end(self, state: State, seconds: float, now: float) -> None:
        super()._end(state, seconds, now)
        self._reader = None
        self._exchange = None

    def _perform(self, channel: "Channel", now: float) -> None:
        for action in self._endpoint.app.take_actions(channel):
            # A channel begins with one of these, and has no other.
            assert not isinstance(action, SendRequest | OpenWebSocket)
            match action:
                case SendMessages():
                    if self._frames is not None:
                        self._out += self._frames.encode(action.outgoing)
                case CloseChannel():
                    self._close_channel(action, now)
                case SetReading():
                    self._app_reading = action.enabled
                case _:
                    assert_never(action)

    def _close_channel(self, action: CloseChannel, now: float) -> None:
        if self._frames is not None:
            self._close_websocket(self._frames, action, now)
        else:
            self._take_channel()
            self._cut(now)

    # Responses

    def _read_response(self, reader: ResponseReader, now: float) -> None:
        response = reader.read(self._endpoint.app.max_message_size)
        if response is None:
            return
        exchange, channel = self._exchange, self._channel
        assert exchange is not None
        assert channel is not None
        if isinstance(response, RemoteProtocolError):
            self._fail(response, now)
        elif exchange.handshake is not None and response.status == 101:
            self._accepted(exchange.handshake, response, channel, reader.take_buffered(), now)
        else:
            self._take_channel()
            self._responded(response, now, keep=reader.keep_alive and exchange.handshake is None)
            self._endpoint.app.response_received(channel, response, now=now)

    def _responded(self, response: "Response", now: float, *, keep: bool) -> None:
        """Wait for the next request, if that is possible, or close."""
        timeout = self._endpoint.settings.keep_alive_timeout
        found = _KEEP_ALIVE.search(find_header(response.headers, "keep-alive") or "")
        if found is not None:
            timeout = min(timeout, float(found[1]) - _MARGIN)
        # The server may have answered before it had all of the request.
        if not keep or self._out or self._held_back or self.paused or timeout <= 0:
            self._cut(now)
            return
        self._state = State.IDLE
        self._reader = None
        self._exchange = None
        self._endpoint.deadlines.at(self, now + timeout)
        self._endpoint.keep(self)

    def _moved(self, now: float) -> bool:
        """Whether a kept-alive connection has ended before a byte of the request was taken, so that another can do it.

        Later than that nobody knows whether the server has read it, and a request must not be served twice.
        """
        exchange = self._exchange
        if not self._reused or exchange is None or len(self._out) != len(exchange.data):
            return False
        self._take_channel()
        self._cut(now)
        self._endpoint.place(exchange)
        return True

    # WebSocket

    def _accepted(
        self, handshake: "Handshake", response: "Response", channel: "Channel", rest: bytes, now: float
    ) -> None:
        deflate = handshake.check(response)
        if self._out:
            deflate = RemoteProtocolError("the server answered before it was asked")
        if isinstance(deflate, RemoteProtocolError):
            self._fail(deflate, now)
            return
        endpoint = self._endpoint
        self._frames = ClientFrames(
            max_message_size=handshake.max_message_size,
            max_fragments=endpoint.settings.max_fragments,
            max_control_frames=endpoint.settings.max_control_frames,
            deflate=deflate,
            token_bytes=endpoint.token_bytes,
        )
        self._state = State.WEBSOCKET
        self._reader = None
        self._exchange = None
        endpoint.app.websocket_accepted(channel, response, now=now)
        # Not one of the bytes behind the handshake is lost.
        self._receive_frames(rest, now)

    # The end

    def _fail(self, error: Exception, now: float) -> None:
        self._cut(now)
        self._report(error, now)

    def _report_close(self, frames: "FrameConnection", now: float) -> None:
        assert isinstance(frames, ClientFrames)
        self._report(frames.error if frames.failed else frames.complaint, now)

    def _report(self, error: Exception | None, now: float) -> None:
        channel = self._take_channel()
        if channel is not None:
            self._endpoint.app.channel_closed(channel, now=now, error=error)

    def _cut(self, now: float) -> None:
        """Close, and send nothing more."""
        if self._state is State.DIALING or self._out or self._held_back or self.paused:
            self._give_up()
        else:
            self._close(now)
            self._mark_ready()

    def _give_up(self) -> None:
        """Half of a connection, and half of what was to be sent, are worth nothing."""
        self._state = State.CLOSING
        self._frames = None
        self._reader = None
        self._exchange = None
        self._out = self._held_back = b""
        self._endpoint.deadlines.cancel(self)
        self.abort()
