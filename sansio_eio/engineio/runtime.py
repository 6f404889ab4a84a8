"""What a core needs of the driver that serves it, and what a driver does for a core."""

from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from sansio_eio.engineio.actions import Action, ClientAction
from sansio_eio.engineio.address import Address
from sansio_eio.engineio.atomic import Lock
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.requests import Request, Response
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.pending import Pending


class Runtime(Protocol):
    """The driver's side, installed with `Application.install`. Without one, the pull face and `def` handlers work."""

    @property
    def lock(self) -> Lock | None:
        """None, unless threads share the application.

        A driver with threads holds its lock (reentrant, the same for as long as the process lives) around everything
        that it asks of the core, but for `Runnable.step`, which calls the application and takes the lock where it must.
        Then `wake` and `stop` are called by any thread, `wake` with the lock held.
        """
        ...

    def wake(self) -> None:
        """Something came up outside of an input (an `emit` from a background task): pump soon. Cheap, idempotent."""

    def wait(self, pending: "Pending[Any]") -> Awaitable[None]:
        """An awaitable of this event loop that is done when `pending` is done. Cancelling it leaves `pending` alone.

        A driver with threads blocks the thread that awaits it, and yields nothing.
        """
        ...

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a handler with `concurrent=True` beside everything else. It takes care of its own errors."""

    def wall_time(self) -> float:
        """Seconds since the epoch, for `handshake.time`; never used for a deadline."""
        ...

    def stop(self, error: Exception) -> None:
        """An `on_error` hook wants the server to stop: shut down, soon and not from here, and raise `error` then."""


class Runnable(Protocol):
    """A session with something for the application to do."""

    def step(self) -> Coroutine[Any, Any, None] | None:
        """Run handlers in order until none is left (None) or one has to be awaited (the rest of it).

        None comes, too, when a busy session has had its turn: it is listed again then.

        Await what it returns, in a task or thread of your choice, then call `step` again. Until then this session is
        not returned by `take_runnable`, and nothing else of it runs, which is what keeps its events in order. Never
        raises: handler errors go to `on_error`.
        """


class Application(Protocol):
    """What a driver drives: an `EngineServer`, or a `Router` over several.

    The contract in one line: *mutate, then pump*. After each input, after `advance` and after `wake`,
    drain `take_runnable`, drain `take_ready`, then sleep until `next_deadline`. `now` is the driver's monotonic clock
    in seconds and never goes back. No input ever raises because of what a peer did.
    """

    def open_channel(self, owner: object = None) -> Channel:
        """A new channel, for the next request or WebSocket handshake."""
        ...

    def body_limit(self, request: Request) -> int:
        """The most bytes that the body of this request (only its head is known) may have.

        Announced as longer, answer 413 before it is read. Found to be longer while it is read, cut it behind the first
        byte too many and feed it: the answer is 413 as well.
        """
        ...

    def request_started(self, channel: Channel, request: Request, *, now: float) -> None:
        """The head of a request, whose body is still to come.

        The same channel's `request_received` follows with the whole request, or `channel_closed`; or a `Respond` comes
        at once, which makes the body useless. For drivers that read bodies themselves; others leave it out.
        """

    def request_received(self, channel: Channel, request: Request, *, now: float) -> None:
        """A complete HTTP request; a `Respond` will follow, at once or when there is something to say."""

    def websocket_requested(self, channel: Channel, request: Request, *, now: float) -> None:
        """A valid WebSocket handshake; `AcceptWebSocket` or `Respond` (a refusal) will follow."""

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """A complete message on an accepted WebSocket.

        Raises LocalProtocolError on an HTTP exchange that waits for its answer.
        """

    def channel_closed(self, channel: Channel, *, now: float, error: RemoteProtocolError | None = None) -> None:
        """The peer is gone, or cut the exchange. Harmless after the last action of a channel, and when repeated.

        `error` says what the peer did wrong, where it was closed for that (a broken frame, a message over the limit).
        """

    def take_ready(self) -> list[Channel]:
        """The channels that have actions since the last call; each is listed once until `take_actions`."""
        ...

    def take_actions(self, channel: Channel) -> list[Action]:
        """The actions of one channel, oldest first. Call it when the peer can take more bytes."""
        ...

    def take_runnable(self) -> list[Runnable]:
        """The sessions that have events for the application; call `step` of each."""
        ...

    def next_deadline(self) -> float | None:
        """When to call `advance` at the latest; in the past means at once, None never."""
        ...

    def advance(self, *, now: float) -> None:
        """The time is now `now`: everything that is due happens. Idempotent."""

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver, or with None take it away. Its lock stays: threads may still be using the application."""

    def close(self) -> None:
        """End every session, so that the clients know; new ones are refused. Go on pumping to deliver it."""


class ClientApplication(Protocol):
    """What a driver drives for a client: an `EngineClient`. The contract is that of `Application`.

    Here it is the core that names channels: one comes with its first action, `SendRequest` or `OpenWebSocket`, out of
    `take_actions`, and from then on the driver may keep something of its own in `Channel.owner`. A channel without
    actions is one that was closed before it had been listed. After `CloseChannel` nothing need be told of a channel.
    """

    @property
    def address(self) -> Address:
        """Where all connections lead."""
        ...

    @property
    def max_message_size(self) -> int:
        """The limit in bytes of a response body."""
        ...

    @property
    def over(self) -> bool:
        """Whether there is no session, and nothing that a driver has still to be asked for."""
        ...

    def leave(self) -> None:
        """The driver is about to go: no new session is to be opened. `install` takes that back."""

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """The complete response to a request; or the one that refuses a WebSocket. The last input of a channel."""

    def websocket_accepted(self, channel: Channel, response: Response, *, now: float) -> None:
        """The WebSocket is there. `response` is the 101, for its headers."""

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """A complete message on a WebSocket."""

    def channel_closed(self, channel: Channel, *, now: float, error: Exception | None = None) -> None:
        """No response will come, or the WebSocket is over. The last input of a channel.

        `error` says why: what the connection failed with, or a RemoteProtocolError; None where the server has closed
        in good order.
        """

    def take_ready(self) -> list[Channel]:
        """See `Application.take_ready`."""
        ...

    def take_actions(self, channel: Channel) -> list[ClientAction]:
        """See `Application.take_actions`."""
        ...

    def take_runnable(self) -> list[Runnable]:
        """See `Application.take_runnable`."""
        ...

    def next_deadline(self) -> float | None:
        """See `Application.next_deadline`."""
        ...

    def advance(self, *, now: float) -> None:
        """See `Application.advance`."""

    def install(self, runtime: Runtime | None) -> None:
        """See `Application.install`. Without a driver there is no session either: it ends with "forced close"."""
