"""The application's handlers: a table of them, and how they are run without knowing an event loop."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from enum import Enum
from inspect import iscoroutinefunction
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeGuard, TypeVar, overload

from sansio_eio.engineio.atomic import atomic
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.pending import Host
    from sansio_eio.engineio.runtime import Runtime

logger = logging.getLogger("sansio_eio")

AnyFunction: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=AnyFunction)

#: A run of handlers. It yields what has to be awaited, and is sent the result: one code path for `def` and `async def`.
Steps: TypeAlias = Generator[Awaitable[Any], Any, None]


def check_event(event: object) -> str | int | float:
    """The name of an event itself; LocalProtocolError for what is none, such as the function of a bare `@x.on`."""
    if isinstance(event, bool) or not isinstance(event, (str, int, float)):
        raise LocalProtocolError(f'the name of an event is a str or a number, not {event!r}: write @x.on("event")')
    return event


def check_function(function: object, *, plain: bool = False) -> None:
    """LocalProtocolError for what cannot be called; `plain`: or would have to be awaited where nobody can."""
    if not callable(function):
        raise LocalProtocolError(f"it must be a function, not {function!r}")
    if plain and iscoroutinefunction(function):
        raise LocalProtocolError(f"it is called in the middle of something else: {function!r} must be a plain def")


class Handling(Protocol):
    """Whose handlers are run: a session. See `Host` for the rest of it."""

    def report(self, error: Exception, where: str) -> None:
        """See `Host.report`."""

    def begin_concurrent(self) -> Runtime | None:
        """A handler leaves the order of the others: who runs it; None when it has to take its turn."""
        ...

    def end_concurrent(self) -> None:
        """Such a handler has ended."""


class Handler:
    """A function of the application; `concurrent` takes it out of its session's order."""

    __slots__ = ("concurrent", "function")

    def __init__(self, function: AnyFunction, *, concurrent: bool = False) -> None:
        self.function = function
        self.concurrent = concurrent


class HandlerTable:
    """Handlers by event name, in the order of registration.

    A change makes a new dict, so that `get` needs no lock, and copies of the table cost nothing.
    """

    __slots__ = ("_handlers",)

    def __init__(self) -> None:
        self._handlers: dict[str | int | float, tuple[Handler, ...]] = {}

    def get(self, event: str | float) -> tuple[Handler, ...]:
        """The handlers of `event`, an empty tuple when there are none."""
        return self._handlers.get(event, ())

    def __contains__(self, event: str) -> bool:
        return event in self._handlers

    def add(self, event: str | float, function: AnyFunction, *, concurrent: bool = False) -> None:
        """Add a handler behind the others of `event`."""
        check_function(function)
        self._handlers = {**self._handlers, event: (*self.get(event), Handler(function, concurrent=concurrent))}

    def remove(self, event: str | float, function: AnyFunction | None = None) -> None:
        """Remove a handler of `event`, or all of them; one that is not there is not an error."""
        handlers = dict(self._handlers)
        left = tuple(h for h in handlers.pop(event, ()) if function is not None and h.function != function)
        if left:
            handlers[event] = left
        self._handlers = handlers

    def copy(self) -> HandlerTable:
        """A table of its own with the same handlers."""
        table = HandlerTable()
        table._handlers = self._handlers
        return table


class Listening(ABC):
    """`on` and `off`, for whatever has handlers."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def lock(self) -> Lock | None:
            """The lock of the driver, None where everything happens in one thread; see `atomic`."""
            ...

    @abstractmethod
    def handler_table(self, event: str | float) -> HandlerTable:
        """The table that a handler of `event` belongs into; LocalProtocolError when there is no such event."""

    @overload
    def on(self, event: str | float, function: None = None, *, concurrent: bool = False) -> Callable[[F], F]: ...
    @overload
    def on(self, event: str | float, function: F, *, concurrent: bool = False) -> F: ...
    def on(self, event: str | float, function: F | None = None, *, concurrent: bool = False) -> F | Callable[[F], F]:
        """Add a handler, as a decorator (`@x.on("event")`) or directly (`x.on("event", function)`).

        A handler is a `def` or an `async def`. Those of one session run one at a time, in the order of the wire, except
        for one with `concurrent=True`, which nobody waits for: it runs in a task of its own, in threads in a thread of
        the pool. Raises LocalProtocolError for an event that does not exist here.
        """
        self._find_table(check_event(event))

        def add(added: F) -> F:
            self._add_handler(event, added, concurrent)
            return added

        return add if function is None else add(function)

    @atomic
    def off(self, event: str | float, function: AnyFunction | None = None) -> None:
        """Remove one handler of `event`, or all of them."""
        self.handler_table(event).remove(event, function)

    @atomic
    def _find_table(self, event: str | float) -> HandlerTable:
        return self.handler_table(event)

    @atomic
    def _add_handler(self, event: str | float, function: AnyFunction, concurrent: bool) -> None:
        self.handler_table(event).add(event, function, concurrent=concurrent)


class OnError(Enum):
    """What an `on_error` hook may return: what is to be done about the exception."""

    #: Write it to the log, as happens without a hook.
    LOG = "log"
    #: Write it to the log and close the session in whose handler it came up, if it was in one.
    CLOSE = "close"
    #: Shut the server down; what serves it raises the exception then.
    STOP = "stop"


Hook: TypeAlias = Callable[[Exception, str], OnError | None]


class Closable(Protocol):
    """A session."""

    def close(self) -> None:
        """End it."""


class ErrorHook:
    """Where exceptions of the application's own code end: one hook, which decides, and the log."""

    __slots__ = ("_stop", "hook")

    def __init__(self, stop: Callable[[Exception], bool]) -> None:
        self.hook: Hook | None = None
        #: Stops the server, and answers False when nothing serves it.
        self._stop = stop

    def report(self, error: Exception, where: str, session: Closable | None = None) -> None:
        """The application's code raised `error` in `where`, maybe for `session`: do what the hook says.

        When the hook returns None, it has dealt with it.
        """
        verdict = OnError.LOG if self.hook is None else self._ask(self.hook, error, where)
        if verdict is None or (verdict is OnError.STOP and self._stop(error)):
            return
        logger.error("error in %s", where, exc_info=error)
        if verdict is OnError.CLOSE and session is not None:
            session.close()

    def _ask(self, hook: Hook, error: Exception, where: str) -> OnError | None:
        try:
            verdict = call_plain(hook, (error, where))
            if verdict is None or isinstance(verdict, OnError):
                return verdict
            raise LocalProtocolError(f"an on_error hook returns None or one of OnError, not {verdict!r}")
        except Exception:
            logger.exception("the on_error hook itself failed")
            return OnError.LOG


def must_be_awaited(value: object) -> TypeGuard[Awaitable[Any]]:
    """Whether a handler returned something to await; coroutines, the usual case, are told by their type alone."""
    return type(value) is CoroutineType or hasattr(type(value), "__await__")


def close_awaitable(value: object) -> None:
    """A coroutine that nobody is going to await: close it, so that it does not warn when it is thrown away."""
    if isinstance(value, CoroutineType):
        value.close()


def call_plain(function: AnyFunction, args: Sequence[Any]) -> object:
    """Call a function that nobody can wait for; LocalProtocolError when it is a coroutine function."""
    result = function(*args)
    if isinstance(result, CoroutineType):
        result.close()
        raise LocalProtocolError("it is called in the middle of something else: it must be a plain def")
    return result


def call_inline(function: AnyFunction, args: Sequence[Any], host: Host, where: str) -> None:
    """The same, with the errors reported and without the result."""
    try:
        call_plain(function, args)
    except Exception as error:
        host.report(error, where)


async def finish(steps: Steps, awaitable: Awaitable[Any]) -> None:
    """Go on with a run of handlers that has met something to await."""
    try:
        while True:
            try:
                value = await awaitable
            except Exception as error:
                awaitable = steps.throw(error)
            else:
                awaitable = steps.send(value)
    except StopIteration:
        pass


def start(steps: Steps) -> Coroutine[Any, Any, None] | None:
    """Run handlers up to the first that has to be awaited; None when there was none, and all is done."""
    for awaitable in steps:
        return finish(steps, awaitable)
    return None


#: What `call` tells `done` of a handler that raised.
FAILED: Final = object()


def ignore(result: object) -> None:
    """For handlers whose result means nothing."""


def call(
    handlers: tuple[Handler, ...],
    args: tuple[Any, ...],
    host: Handling,
    where: object,
    done: Callable[[object], None] = ignore,
) -> Steps:
    """Run handlers one after another; `done` is told the result of each, or FAILED. An exception stops only its own."""
    for handler in handlers:
        if handler.concurrent:
            runtime = host.begin_concurrent()
            if runtime is not None:
                runtime.start(_run_concurrent(handler.function, args, host, where, done))
                continue
        try:
            result = handler.function(*args)
        except Exception as error:
            host.report(error, f"a handler of {where}")
            done(FAILED)
            continue
        if must_be_awaited(result):
            try:
                result = yield result
            except Exception as error:
                host.report(error, f"a handler of {where}")
                result = FAILED
            except GeneratorExit:
                # Nobody is going to await it: the driver has ended before it was its turn.
                close_awaitable(result)
                raise
        done(result)


async def _run_concurrent(
    function: AnyFunction, args: tuple[Any, ...], host: Handling, where: object, done: Callable[[object], None]
) -> None:
    try:
        result = function(*args)
        if must_be_awaited(result):
            result = await result
    except Exception as error:
        host.report(error, f"a handler of {where}")
        result = FAILED
    finally:
        host.end_concurrent()
    done(result)
