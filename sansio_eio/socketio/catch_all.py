"""Listeners for every event, whatever its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.handlers import AnyFunction, call_inline, check_function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.pending import Host

F = TypeVar("F", bound=AnyFunction)

#: Where errors of a listener for what is sent are said to be.
OUTGOING = "a catch-all listener for what is sent"


class CatchAll:
    """`on_any` and its like. Those of a server's namespace are called with the socket first."""

    __slots__ = ("any_handlers", "any_outgoing")

    def __init__(self) -> None:
        #: What `on_any` was given.
        self.any_handlers: tuple[AnyFunction, ...] = ()
        #: What `on_any_outgoing` was given.
        self.any_outgoing: tuple[AnyFunction, ...] = ()

    if TYPE_CHECKING:

        @property
        def lock(self) -> Lock | None:
            """The lock of the driver, None where everything happens in one thread; see `atomic`."""
            ...

    @atomic
    def on_any(self, listener: F) -> F:
        """Call `listener(event, *args)` for each event of the peer, before its handlers; `def` or `async def`."""
        check_function(listener)
        self.any_handlers = (*self.any_handlers, listener)
        return listener

    @atomic
    def off_any(self, listener: AnyFunction | None = None) -> None:
        """Remove one catch-all listener, or all of them."""
        self.any_handlers = _without(self.any_handlers, listener)

    @atomic
    def on_any_outgoing(self, listener: F) -> F:
        """Call `listener(event, *args)` before each event is sent to the peer.

        A plain function. In threads it may be called with the lock held (a broadcast reaches all at once, and then the
        next one): it must not wait.
        """
        check_function(listener, plain=True)
        self.any_outgoing = (*self.any_outgoing, listener)
        return listener

    @atomic
    def off_any_outgoing(self, listener: AnyFunction | None = None) -> None:
        """Remove one catch-all listener for what is sent, or all of them."""
        self.any_outgoing = _without(self.any_outgoing, listener)


def tell_outgoing(listeners: tuple[AnyFunction, ...], args: Sequence[Any], host: Host) -> None:
    """Call the listeners for what is sent."""
    for listener in listeners:
        call_inline(listener, args, host, OUTGOING)


def _without(listeners: tuple[AnyFunction, ...], listener: AnyFunction | None) -> tuple[AnyFunction, ...]:
    return tuple(kept for kept in listeners if listener is not None and kept != listener)
