"""One lock around what threads share, where a driver has threads.

The rule: whoever changes the state of the core, or reads more than one thing of it, holds the lock of its driver
(`Runtime.lock`). A driver holds it around every input, `advance` and drain; what the application calls takes it by
itself. The application's own handlers and middleware are called without it, so they may wait. What is called in the
middle of something else (hooks of requests, callbacks) may find it held, and must not wait.

Without threads there is no lock, and taking it costs a look at an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from types import TracebackType


class Lock(Protocol):
    """What `threading.RLock` makes: the thread that holds it may take it again."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


class Shared(Protocol):
    """Something whose state the lock is for."""

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        ...


S = TypeVar("S", bound=Shared)
P = ParamSpec("P")
R = TypeVar("R")


def atomic(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method that runs with the lock held, so that other threads see all of what it does, or nothing yet."""

    @wraps(method)
    def locked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        lock = self.lock
        if lock is None:
            return method(self, *args, **kwargs)
        with lock:
            return method(self, *args, **kwargs)

    return locked
