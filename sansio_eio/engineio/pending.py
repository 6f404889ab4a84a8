"""A small future that belongs to no event loop: acknowledgements and drains."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from sansio_eio.engineio.atomic import atomic
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.runtime import Runtime

T = TypeVar("T")


class Host(Protocol):
    """What handlers and Pendings need of the server, client or session that they belong to."""

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, or of the one before; None where everything happens in one thread."""
        ...

    @property
    def runtime(self) -> Runtime | None:
        """The driver, when one serves it."""
        ...

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `on_error`."""


class Pending(Generic[T]):
    """A value that will be there later: `await` it, `wait` for it in a thread, or look at it anywhere.

    It ends exactly once, with a value or with an exception, and everything that the library returns as Pending always
    ends: at the latest when its session does.
    """

    __slots__ = ("_callbacks", "_host", "_outcome")

    def __init__(self, host: Host) -> None:
        self._host = host
        #: The value and the error. One object, so that to look at it needs no lock.
        self._outcome: tuple[T | None, Exception | None] | None = None
        self._callbacks: list[Callable[[Pending[T]], object]] | None = None

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._host.lock

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._outcome is not None

    @property
    def value(self) -> T:
        """The value; raises the error it ended with, or LocalProtocolError while it has not ended."""
        if self._outcome is None:
            raise LocalProtocolError("there is no value yet: await it, or add a callback")
        value, error = self._outcome
        if error is not None:
            raise error
        return cast("T", value)

    @property
    def error(self) -> Exception | None:
        """The error that it ended with, None after a value and while it has not ended."""
        return None if self._outcome is None else self._outcome[1]

    def add_done_callback(self, callback: Callable[[Pending[T]], object]) -> None:
        """Call `callback(self)` when it ends, at once when it has; an exception of it goes to `on_error`.

        A plain function. It is called in the middle of what ends this, in threads with the lock held: it must not wait.
        """
        if not self._add(callback):
            self._call(callback)

    @atomic
    def remove_done_callback(self, callback: Callable[[Pending[T]], object]) -> None:
        """Do not call it any more; nothing happens when it is not there, or has been called."""
        if self._callbacks is not None and callback in self._callbacks:
            self._callbacks.remove(callback)

    @atomic
    def resolve(self, value: T) -> None:
        """End with a value. After the end this does nothing: the first answer wins."""
        self._end(value, None)

    @atomic
    def fail(self, error: Exception) -> None:
        """End with an error. After the end this does nothing."""
        self._end(None, error)

    def wait(self) -> T:
        """Block this thread until it has ended; the value, or raises the error it ended with.

        Only where a driver of threads serves the application. Raises LocalProtocolError under an event loop, which it
        would stop, and in a callback or hook that is called in the middle of something else, for the same reason.
        """
        runtime = self._host.runtime
        if not self.done and runtime is not None and runtime.lock is None:
            raise LocalProtocolError("this would block the event loop: await it instead")
        # What it would yield to an event loop it does by itself: it blocks.
        list(self.__await__())
        return self.value

    @atomic
    def _add(self, callback: Callable[[Pending[T]], object]) -> bool:
        if self._outcome is not None:
            return False
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)
        return True

    def _end(self, value: T | None, error: Exception | None) -> None:
        """`resolve` or `fail`, with the lock held."""
        if self._outcome is None:
            self._outcome = value, error
            callbacks, self._callbacks = self._callbacks, None
            for callback in callbacks or ():
                self._call(callback)

    def _call(self, callback: Callable[[Pending[T]], object]) -> None:
        try:
            callback(self)
        except Exception as error:
            self._host.report(error, "a callback")

    def __await__(self) -> Generator[object, None, T]:
        if not self.done:
            # Looked at once: in threads, the server may stop meanwhile.
            runtime = self._host.runtime
            if runtime is None:
                raise LocalProtocolError("nothing serves this object: there is no event loop to wait in")
            yield from runtime.wait(self).__await__()
        return self.value
