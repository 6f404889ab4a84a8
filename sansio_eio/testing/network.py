"""The network that runs by itself: no event loop, a clock that is turned by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, Unpack

from sansio_eio.testing.client import EngineMember, Event, Member
from sansio_eio.testing.loops import ManualLoop
from sansio_eio.testing.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from sansio_eio import engineio, socketio
    from sansio_eio.engineio import Mountable, Response
    from sansio_eio.http import Router
    from sansio_eio.socketio import Auth
    from sansio_eio.testing.client import Line
    from sansio_eio.testing.options import ConnectOptions, NetworkOptions, PeerOptions
    from sansio_eio.testing.plain_request import Pairs

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


class Network(Simulation):
    """A network in memory around your application: a `Server`, an `EngineServer`, or a `Router` over several.

    The real server runs behind it, over bytes, with `def` handlers, and with `async def` handlers that await what this
    library returns, and `sleep`. The clock begins at 0 and moves in `advance` only (and, where `timeout` or `latency`
    say so, in what waits for an answer). With a `seed`, what happens next of all that can is drawn from it, and so are
    the pieces that bytes arrive in; the same seed gives the same run.

    Close it, or use it in a `with` statement. Exceptions of the application's code are collected in `errors`, whatever
    its own `on_error` hook does with them, and raised by the next method that lets the network run. What fails raises
    AssertionError with the last lines of the `transcript`. A wrong argument raises LocalProtocolError.
    """

    def __init__(self, app: Mountable | Router, **options: Unpack[NetworkOptions]) -> None:
        super().__init__(app, ManualLoop(), **options)

    def connect(self, namespace: str = "/", **options: Unpack[ConnectOptions]) -> NetworkClient:
        """A new Socket.IO client. When it is not let in, it is not `connected` and has a `connect_error`.

        Time passes only when it has to; after its `connect_timeout`, 20 seconds, no answer counts as a refusal. Raises
        LocalProtocolError for an unknown option, and where the path leads to an `EngineServer`.
        """
        wait = options.pop("wait", True)
        client = NetworkClient(self, *self._new_client(namespace, options))
        if wait:
            run(self.let_in(client))
        return client

    def connect_engine(self, **options: Unpack[PeerOptions]) -> NetworkEngineClient:
        """A new Engine.IO client; otherwise the same. The `path` of a Socket.IO server gives what is below it, raw."""
        wait = options.pop("wait", True)
        client = NetworkEngineClient(self, *self._new_engine_client(options))
        if wait:
            run(self.let_in(client))
        return client

    def attach(self, client: socketio.Client | engineio.EngineClient, *, name: str = "", wait: bool = True) -> Line:
        """Connect a client of yours to the server, whatever host its URL names; what is returned has its faults.

        It is what `connect` of an adapter does: the client is opened; the network runs until it is connected, with
        `wait`, and raises ConnectError when it is refused. When the network closes, the client is closed, and can be
        used again. Until then its requests have no timestamps, and its delays are drawn from the `seed`.
        """
        return run(self._attach(client, name, wait))

    def request(self, method: str, target: str, headers: Pairs = (), body: bytes = b"") -> Response:
        """A plain HTTP request from outside, such as a page, a CORS preflight or a health check, and its response.

        The names of the response's headers are in lower case. Raises AssertionError when there is no response within
        20 seconds; time passes only when it has to.
        """
        return run(self._request(method, target, headers, body))

    def settle(self) -> None:
        """Have everything happen that can happen without time passing.

        Raises AssertionError for an exception of the application's code, and when that goes on for ever.
        """
        run(self.settle_and_raise())

    def advance(self, seconds: float) -> None:
        """Let time pass, and stop on the way wherever something is due; it settles at the end. Raises as `settle`."""
        run(self.advance_and_raise(seconds))

    def expect_error(self, kind: type[E], *, within: float = 0.0) -> E:
        """The next exception of the application's code, which must be of this kind, and is then forgotten.

        Let `within` seconds pass for it. Raises AssertionError when there is none, or another one.
        """
        return run(self._expect_error(kind, within))

    def close(self) -> None:
        """Shut the server down in good order, and say what is wrong.

        Clients and handlers are given 10 seconds, sessions that wait for a poll their `close_timeout`. Raises
        AssertionError for exceptions of the application's code, and for handlers that do not end; they are cancelled.
        The application can be served again.
        """
        run(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        run(self._close() if error is None else self._abandon(error))


class MakeNetwork(Protocol):
    """What makes a network: the type of `Network` itself, and of the fixture of pytest."""

    def __call__(self, app: Mountable | Router, **options: Unpack[NetworkOptions]) -> Network:
        """See `Network`."""
        ...


class NetworkClient(Member):
    """A Socket.IO client in one namespace of a `Network`. Made by `connect`."""

    def of(self, namespace: str, *, auth: Auth = None, wait: bool = True) -> NetworkClient:
        """The one in another namespace of the same connection, connected if it is not; see `Network.connect`."""
        client = self._sibling(namespace, auth)
        if wait:
            run(self._net.let_in(client))
        return client

    def connect(self, *, wait: bool = True) -> None:
        """Come back, after the connection has been lost or closed, or the namespace left."""
        self.begin()
        if wait:
            run(self._net.let_in(self))

    def call(self, event: str | float, *args: Any, timeout: float = 0.0) -> Any:
        """Send an event, and give the answer: None, its one argument, or a tuple of several.

        Raises AssertionError when the answer has not come without time passing, or with `timeout` within so many
        seconds; AckDisconnected when the connection ends first.
        """
        return run(self._calling(event, args, timeout))

    def expect(self, event: str | float, *args: Any) -> Event:
        """Settle; the next event that was not looked at must be this one, and is then looked at."""
        run(self._net.settle_and_raise())
        return self._next(self.received, (event, *args))

    def expect_nothing(self) -> None:
        """Settle; every event must have been looked at."""
        run(self._net.settle_and_raise())
        self._nothing(self.received)

    def take(self) -> list[Event]:
        """Settle; all the events that were not looked at, and now are. It is there for a closed network, too."""
        run(self._net.settle_if_open())
        return self._take(self.received)


class NetworkEngineClient(EngineMember):
    """An Engine.IO client of a `Network`. Made by `connect_engine`."""

    def connect(self, *, wait: bool = True) -> None:
        """Come back, after the session has ended. Raises LocalProtocolError while there is one."""
        self.begin()
        if wait:
            run(self._net.let_in(self))

    def expect(self, message: str | bytes) -> None:
        """Settle; the next message that was not looked at must be this one, and is then looked at."""
        run(self._net.settle_and_raise())
        self._next(self.messages, message)

    def expect_nothing(self) -> None:
        """Settle; every message must have been looked at."""
        run(self._net.settle_and_raise())
        self._nothing(self.messages)

    def take(self) -> list[str | bytes]:
        """Settle; all the messages that were not looked at, and now are. It is there for a closed network, too."""
        run(self._net.settle_if_open())
        return self._take(self.messages)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run what never has to wait: with the `ManualLoop`, all that lets a network run is such."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waited")
