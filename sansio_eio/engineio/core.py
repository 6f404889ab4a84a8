"""What a server and a client have in common: time, the lists that a driver drains, and the driver itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sansio_eio.deadlines import Deadlines, Expirable
from sansio_eio.engineio.handlers import ErrorHook, Hook, Listening, check_function
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.actions import Action, ClientAction
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.runtime import Runnable, Runtime


class Flushing(Protocol):
    """A session, of a server or of a client."""

    def flush_into(self, channel: Channel, /) -> None:
        """The driver can send on this channel: hand over what waits, if this is the way out."""

    def flushed(self, channel: Channel, /) -> None:
        """It has been handed over."""


class Core(Listening):
    """The part of an `Application` and of a `ClientApplication` that does not depend on the side."""

    def __init__(self, *, max_concurrent: int) -> None:
        #: The limit of `concurrent=True` handlers of a session, or of a client.
        self.max_concurrent = max_concurrent
        self.deadlines = Deadlines()
        self.errors = ErrorHook(self._stop)
        self.runtime: Runtime | None = None
        #: The lock of the driver, or of the one before; None where everything happens in one thread.
        self.lock: Lock | None = None
        #: The time of the last input.
        self.now = 0.0
        self._ready: list[Channel] = []
        self._runnable: list[Runnable] = []

    # -- for the application ---------------------------------------------------------------------------------------

    def on_error(self, hook: Hook) -> Hook:
        """Call `hook(error, where)` for every exception of the application's own code; without a hook it is logged.

        The hook decides what becomes of it: None, nothing more; or one of `OnError`.
        """
        check_function(hook, plain=True)
        self.errors.hook = hook
        return hook

    # -- for the driver --------------------------------------------------------------------------------------------

    def take_ready(self) -> list[Channel]:
        """See `Application.take_ready`."""
        ready, self._ready = self._ready, []
        for channel in ready:
            channel.offered = True
        return ready

    def take_runnable(self) -> list[Runnable]:
        """See `Application.take_runnable`."""
        runnable, self._runnable = self._runnable, []
        return runnable

    def next_deadline(self) -> float | None:
        """See `Application.next_deadline`."""
        return self.deadlines.next()

    def advance(self, *, now: float) -> None:
        """See `Application.advance`."""
        self.now = now
        self.deadlines.expire_due(now=now)

    def install(self, runtime: Runtime | None) -> None:
        """See `Application.install`."""
        if runtime is not None and self.runtime is not None and runtime is not self.runtime:
            raise LocalProtocolError("it is served already")
        self.runtime = runtime
        if runtime is not None:
            self.lock = runtime.lock

    def _hand_over(self, channel: Channel, session: Flushing | None) -> list[Any]:
        """The actions of a channel, with what its session has to say on it."""
        if session is not None:
            session.flush_into(channel)
        channel.ready = channel.offered = False
        actions, channel.actions = channel.actions, []
        if session is not None:
            session.flushed(channel)
        return actions

    # -- for sessions and the protocol above -----------------------------------------------------------------------

    def report(self, error: Exception, where: str) -> None:
        """The application's own code raised `error` in `where`, and not for one session: see `on_error`."""
        self.errors.report(error, where)

    def mark_ready(self, channel: Channel) -> None:
        """This channel has actions, or its session has something to send on it."""
        if not channel.ready:
            channel.ready = True
            self._ready.append(channel)
            if len(self._ready) == 1:
                self._wake()

    def make_runnable(self, runnable: Runnable) -> None:
        """This session has events for the application."""
        self._runnable.append(runnable)
        if len(self._runnable) == 1:
            self._wake()

    def set_timeout(self, owner: Expirable, seconds: float) -> None:
        """A deadline that starts to count with the next `advance`: for calls of the application, which tell no time."""
        self.deadlines.after(owner, seconds)
        self._wake()

    def act(self, channel: Channel, action: Action | ClientAction) -> None:
        """Ask the driver for something."""
        channel.actions.append(action)
        self.mark_ready(channel)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _stop(self, error: Exception) -> bool:
        # Looked at once: in threads, the driver may stop meanwhile.
        runtime = self.runtime
        if runtime is None:
            return False
        runtime.stop(error)
        return True

    def _wake(self) -> None:
        if self.runtime is not None:
            self.runtime.wake()
