"""What a TCP connection of a server and one of a client have in common: the transport, and WebSocket messages on it."""

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from sansio_eio.errors import RemoteProtocolError
from sansio_eio.http.connection_state import State

if TYPE_CHECKING:
    from sansio_eio.deadlines import Deadlines
    from sansio_eio.engineio.actions import CloseChannel
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.http.frames import FrameConnection
    from sansio_eio.http.settings import CommonHttpSettings

# A long message is handed out in pieces, so that the rest of it waits here and not in the transport's buffer.
_PIECE = 64 * 1024


class Listener(Protocol):
    """The application, as far as a WebSocket is concerned."""

    def message_received(self, channel: "Channel", data: str | bytes, *, now: float) -> None:
        """See `Application`."""

    def channel_closed(self, channel: "Channel", *, now: float, error: RemoteProtocolError | None = None) -> None:
        """See `Application`."""


class Home(Protocol):
    """The endpoint, as far as its connections are concerned."""

    @property
    def app(self) -> Listener:
        """Where what comes in goes to."""
        ...

    @property
    def deadlines(self) -> "Deadlines":
        """Of the connections."""
        ...

    @property
    def settings(self) -> "CommonHttpSettings":
        """What a connection may cost."""
        ...

    def mark_ready(self, connection: Any) -> None:
        """Have `take_ready` return this one."""

    def forget(self, connection: Any) -> None:
        """This one is lost."""


E = TypeVar("E", bound=Home)


class Connection(Generic[E]):
    """The inputs and outputs of `ServerConnection` and `ClientConnection`, which say how to use them."""

    __slots__ = (
        "_app_reading",
        "_channel",
        "_endpoint",
        "_eof",
        "_frames",
        "_held_back",
        "_out",
        "_stall",
        "_state",
        "_unread",
        "aborted",
        "listed",
        "owner",
    )

    def __init__(self, endpoint: E, state: State, owner: Any) -> None:
        #: The driver's own.
        self.owner: Any = owner
        #: Close the transport now.
        self.aborted = False
        #: For the endpoint: in its list of ready connections.
        self.listed = False
        self._endpoint = endpoint
        self._state = state
        self._channel: Channel | None = None
        self._app_reading = True
        self._frames: FrameConnection | None = None
        #: The peer has ended behind frames that still wait.
        self._eof = False
        self._out = b""
        #: What the transport did not take.
        self._held_back = b""
        self._stall: _Stall | None = None
        #: WebSocket bytes received while the peer took none.
        self._unread = 0

    # What the driver looks at

    @property
    def closing(self) -> bool:
        """Close the transport, when it has sent what it took."""
        return self._state is State.CLOSING and not self._held_back

    @property
    def reading(self) -> bool:
        """Whether the driver should read from the transport."""
        if not self._app_reading:
            return False
        if self._frames is not None:
            # While the peer takes nothing, the application cannot say that it has enough either.
            return self._unread <= self._frames.max_message_size and not self._frames.has_rest
        return self._has_room()

    @property
    def paused(self) -> bool:
        """Between `pause_writing` and `resume_writing`."""
        return self._stall is not None

    # Inputs

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Bytes came from the peer."""
        if self._frames is not None:
            if self._stall is not None:
                self._unread += len(data)
            self._receive_frames(data, now)
        else:
            self._receive_http(data, now)

    def receive_eof(self, *, now: float) -> None:
        """The peer has sent its last byte."""
        if self._frames is not None and self._frames.has_rest:
            self._eof = True
        elif self._state is not State.CLOSED:
            self._ended(now)

    def connection_lost(self, *, now: float, error: Exception | None = None) -> None:
        """The transport is closed, maybe because of `error`. The connection is forgotten; further inputs do nothing."""
        if self._state is State.CLOSED:
            return
        self._endpoint.forget(self)
        self._lost(error, now)
        self._state = State.CLOSED
        self._endpoint.deadlines.cancel(self)
        if self._stall is not None:
            self._endpoint.deadlines.cancel(self._stall)
        self._frames = None
        self._out = self._held_back = b""

    def hold_back(self, data: bytes, *, now: float) -> None:
        """The transport did not take this rest of what `data_to_send` gave; nor does it take more: see `pause_writing`.

        It comes first when `data_to_send` is called again.
        """
        self._held_back = data
        self.pause_writing(now=now)

    def pause_writing(self, *, now: float) -> None:
        """The transport takes no more bytes: do not call `data_to_send`. The time that this may last is limited."""
        if self._stall is None and self._state is not State.CLOSED:
            self._stall = _Stall(self)
            self._endpoint.deadlines.at(self._stall, now + self._endpoint.settings.write_timeout)

    def resume_writing(self, *, now: float) -> None:
        """The transport takes bytes again."""
        if self._stall is not None:
            self._endpoint.deadlines.cancel(self._stall)
            self._stall = None
            self._unread = 0
            self._mark_ready()

    def expire(self, *, now: float) -> None:
        """The deadline of the current state has passed. For the endpoint."""

    def abort(self) -> None:
        """Have the transport closed without waiting for anything."""
        self.aborted = True
        self._mark_ready()

    # Output

    def data_to_send(self, *, now: float) -> bytes:
        """All that can be sent now, maybe nothing. Call it when the transport takes bytes, and write them at once."""
        if self._held_back:
            # More of it may not fit; what else there is waits where it is counted.
            data, self._held_back = self._held_back, b""
            self._mark_ready()
            return data
        if self._channel is not None:
            self._perform(self._channel, now)
        if self._frames is not None:
            return self._websocket_data(self._frames, now)
        data, self._out = self._out[:_PIECE], self._out[_PIECE:]
        if self._out:
            self._mark_ready()
        else:
            self._sent(now)
        return data

    # WebSocket

    def _receive_frames(self, data: bytes, now: float) -> None:
        frames, channel = self._frames, self._channel
        assert frames is not None
        messages = frames.receive_data(data)
        if channel is not None:
            message_received = self._endpoint.app.message_received
            for message in messages:
                message_received(channel, message, now=now)
        if frames.closed:
            self._report_close(frames, now)
        if frames.has_control or frames.has_rest or frames.closed or self._eof:
            self._mark_ready()

    def _websocket_data(self, frames: "FrameConnection", now: float) -> bytes:
        data, self._out = self._out, b""
        if frames.has_control:
            data += frames.take_control()
        if frames.closed:
            self._leave(frames, now)
        elif frames.has_rest:
            if self._app_reading:
                self._receive_frames(b"", now)
        elif self._eof:
            self._ended(now)
        return data

    def _close_websocket(self, frames: "FrameConnection", action: "CloseChannel", now: float) -> None:
        self._take_channel()
        frames.close(action.code, action.reason)
        self._endpoint.deadlines.at(self, now + self._endpoint.settings.close_timeout)

    # The end

    def _take_channel(self) -> "Channel | None":
        channel, self._channel = self._channel, None
        self._app_reading = True
        return channel

    def _drop_channel(self, now: float, error: RemoteProtocolError | None = None) -> None:
        channel = self._take_channel()
        if channel is not None:
            self._endpoint.app.channel_closed(channel, now=now, error=error)

    def _linger(self, now: float) -> None:
        self._end(State.LINGERING, self._endpoint.settings.close_timeout, now)

    def _close(self, now: float) -> None:
        self._end(State.CLOSING, self._endpoint.settings.write_timeout, now)

    def _end(self, state: State, seconds: float, now: float) -> None:
        """Nothing of the peer counts any more: be in this state, for so long at most."""
        self._state = state
        self._frames = None
        self._endpoint.deadlines.at(self, now + seconds)

    def _mark_ready(self) -> None:
        self._endpoint.mark_ready(self)

    # What is different on the two sides

    def _has_room(self) -> bool:
        """Whether to read on, where there is no WebSocket."""
        return True

    def _receive_http(self, data: bytes, now: float) -> None:
        """Bytes came that are not of a WebSocket."""

    def _perform(self, channel: "Channel", now: float) -> None:
        """Do what the application asks for on the channel."""

    def _sent(self, now: float) -> None:
        """The driver has taken all that there is to send, and there is no WebSocket."""

    def _ended(self, now: float) -> None:
        """The peer has sent its last byte, and all of its frames have been looked at."""

    def _lost(self, error: Exception | None, now: float) -> None:
        """The transport is closed."""

    def _report_close(self, frames: "FrameConnection", now: float) -> None:
        """The peer has closed the WebSocket, or was cut off for a mistake."""
        self._drop_channel(now, frames.error)

    def _leave(self, frames: "FrameConnection", now: float) -> None:
        """The WebSocket is closed, and the answer has been taken by the driver."""


class _Stall:
    """The deadline of a peer that takes no bytes; beside the connection's own, which goes on."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def expire(self, *, now: float) -> None:
        self._connection.abort()
