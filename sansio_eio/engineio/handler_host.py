"""The host of handlers: what a session, or a client, is for those that are run for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from sansio_eio.engineio.atomic import atomic

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.core import Core
    from sansio_eio.engineio.runtime import Runtime


class HandlerHost(ABC):
    """See `Host` and `Handling`."""

    __slots__ = ("_concurrent", "_core")

    def __init__(self, core: Core) -> None:
        self._core = core
        #: Handlers that run beside the others.
        self._concurrent = 0

    @abstractmethod
    def close(self) -> None:
        """What `OnError.CLOSE` leads to."""

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._core.lock

    @property
    def runtime(self) -> Runtime | None:
        """The driver, when there is one."""
        return self._core.runtime

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`: see `Core.on_error`."""
        self._core.errors.report(error, where, self)

    @atomic
    def begin_concurrent(self) -> Runtime | None:
        """See `Handling`. Where there is no driver, nobody could run anything beside the others."""
        if self.runtime is None or self._concurrent >= self._core.max_concurrent:
            return None
        self._concurrent += 1
        return self.runtime

    @atomic
    def end_concurrent(self) -> None:
        """See `Handling`."""
        self._concurrent -= 1
