"""A small future that belongs to no event loop: acknowledgements and drains."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.handlers import ErrorHook
    from sansio_eio.engineio.runtime import Runtime

T = TypeVar("T")


class Host(Protocol):
    """What a Pending needs of the server or client that it belongs to."""

    @property
    def runtime(self) -> Runtime | None:
        """The driver, when one serves it."""
        ...

    @property
    def errors(self) -> ErrorHook:
        """Where errors of callbacks are reported."""
        ...


class Pending(Generic[T]):
    """A value that will be there later: `await` it under an async driver, or look at it anywhere.

    It ends exactly once, with a value or with an exception, and everything that the library returns as Pending always
    ends: at the latest when its session does.
    """

    __slots__ = ("_callbacks", "_error", "_host", "_value", "done")

    def __init__(self, host: Host) -> None:
        self._host = host
        self._value: T | None = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Pending[T]], object]] | None = None
        #: Whether it has ended.
        self.done = False

    @property
    def value(self) -> T:
        """The value; raises the error it ended with, or LocalProtocolError while it has not ended."""
        if not self.done:
            raise LocalProtocolError("there is no value yet: await it, or add a callback")
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    @property
    def error(self) -> Exception | None:
        """The error that it ended with, None after a value and while it has not ended."""
        return self._error

    def add_done_callback(self, callback: Callable[[Pending[T]], object]) -> None:
        """Call `callback(self)` when it ends, at once when it has; an exception of it goes to `on_error`."""
        if self.done:
            self._call(callback)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def resolve(self, value: T) -> None:
        """End with a value. After the end this does nothing: the first answer wins."""
        if not self.done:
            self._value = value
            self._end()

    def fail(self, error: Exception) -> None:
        """End with an error. After the end this does nothing."""
        if not self.done:
            self._error = error
            self._end()

    def _end(self) -> None:
        self.done = True
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            self._call(callback)

    def _call(self, callback: Callable[[Pending[T]], object]) -> None:
        try:
            callback(self)
        except Exception as error:
            self._host.errors.report(error, "a callback")

    def __await__(self) -> Generator[object, None, T]:
        if not self.done:
            if self._host.runtime is None:
                raise LocalProtocolError("nothing serves this object: there is no event loop to wait in")
            yield from self._host.runtime.wait(self).__await__()
        return self.value
