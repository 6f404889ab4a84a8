"""A small future that belongs to no event loop: acknowledgements and drains."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Generic, TypeVar

from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.runtime import Runtime

T = TypeVar("T")


class Pending(Generic[T]):
    """A value that will be there later: `await` it under an async driver, or look at it anywhere.

    It ends exactly once, with a value or with an exception, and everything that the library returns as Pending always
    ends: at the latest when its session does.
    """

    __slots__ = ("_callbacks", "_error", "_runtime", "_value", "done")

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._runtime = runtime
        self._value: T | None = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Pending[T]], object]] = []
        #: Whether it has ended.
        self.done = False

    @property
    def value(self) -> T:
        """The value; raises the error it ended with, or LocalProtocolError while it has not ended."""
        if not self.done:
            raise LocalProtocolError("there is no value yet: await it, or add a callback")
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # T may itself be Optional

    @property
    def error(self) -> Exception | None:
        """The error that it ended with, None after a value and while it has not ended."""
        return self._error

    def add_done_callback(self, callback: Callable[[Pending[T]], object]) -> None:
        """Call `callback(self)` when it ends, at once when it has; it must not raise."""
        if self.done:
            callback(self)
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
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def __await__(self) -> Generator[object, None, T]:
        if not self.done:
            if self._runtime is None:
                raise LocalProtocolError("nothing serves this object: there is no event loop to wait in")
            yield from self._runtime.wait(self).__await__()
        return self.value
