"""What the endpoints of servers and of clients have in common."""

from typing import Any, Generic, Protocol, TypeVar

from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio.runtime import Runnable, Runtime
from sansio_eio.http.connection import Connection


class Driven(Protocol):
    """The application, as far as time and its driver are concerned; see `Application`."""

    def take_runnable(self) -> list[Runnable]:
        """The sessions with events."""
        ...

    def next_deadline(self) -> float | None:
        """When to call `advance`."""
        ...

    def advance(self, *, now: float) -> None:
        """The time is now `now`."""

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver."""


A = TypeVar("A", bound=Driven)
C = TypeVar("C", bound=Connection[Any])


class BaseEndpoint(Generic[A, C]):
    """Connections, their deadlines, and the application that they are for."""

    def __init__(self, app: A) -> None:
        self.app = app
        #: Of the connections; the application has its own.
        self.deadlines = Deadlines()
        #: `close` was called.
        self.closing = False
        # A dict, not a set: they are closed in the order in which they came, the same in every run.
        self._connections: dict[C, None] = {}
        self._grace = _Grace(self)
        self._ready: list[C] = []

    @property
    def connections(self) -> frozenset[C]:
        """Those for which `connection_lost` has not been called."""
        return frozenset(self._connections)

    def take_runnable(self) -> list[Runnable]:
        """The sessions with events for the application."""
        return self.app.take_runnable()

    def next_deadline(self) -> float | None:
        """When to call `advance` at the latest; in the past means at once, None never."""
        mine, theirs = self.deadlines.next(), self.app.next_deadline()
        if mine is None or (theirs is not None and theirs < mine):
            return theirs
        return mine

    def advance(self, *, now: float) -> None:
        """The time is now `now`."""
        self.deadlines.expire_due(now=now)
        self.app.advance(now=now)

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver with the application, or with None take it away."""
        self.app.install(runtime)

    def cut(self) -> None:
        """Abort every connection that is left: the end of the grace."""
        for connection in self._connections:
            connection.abort()

    def mark_ready(self, connection: C) -> None:
        """For connections: have `take_ready` return this one."""
        if not connection.listed:
            connection.listed = True
            self._ready.append(connection)

    def forget(self, connection: C) -> None:
        """For connections: this one is lost."""
        self._connections.pop(connection, None)
        if not self._connections:
            self.deadlines.cancel(self._grace)

    def _unlist(self, ready: list[C]) -> list[C]:
        """Those of `ready` that the driver can do something for; they may be marked again."""
        for connection in ready:
            connection.listed = False
        return [
            each for each in ready if each in self._connections and (not each.paused or each.closing or each.aborted)
        ]

    def _begin_to_close(self, *, now: float, grace: float) -> None:
        """All connections that are left when the grace is over are aborted."""
        self.closing = True
        if self._connections:
            self.deadlines.at(self._grace, now + grace)


class _Grace:
    """The deadline of shutting down."""

    def __init__(self, endpoint: BaseEndpoint[Any, Any]) -> None:
        self._endpoint = endpoint

    def expire(self, *, now: float) -> None:
        self._endpoint.cut()
