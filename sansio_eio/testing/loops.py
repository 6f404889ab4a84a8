"""What the network needs of an event loop, and a loop of its own that is turned by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio.handlers import close_awaitable
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from sansio_eio.engineio import Pending

#: The wall clock when a network begins, in seconds since the epoch: 2001-09-09, 01:46:40 UTC.
EPOCH = 1_000_000_000.0

#: What an error that comes of the lack of an event loop says.
HINT = (
    "without an event loop, a handler can only await what this library returns, and net.sleep;"
    " for anything else use sansio_eio_asyncio.testing or sansio_eio_trio.testing"
)


class KitLoop(ABC):
    """What the pumps of a network ask for. It remembers that; the network comes and does it, step by step."""

    #: The libraries of which handlers cannot await anything here, by the names of their packages.
    foreign: frozenset[str] = frozenset()
    #: What is said to whoever does that.
    hint = ""

    def __init__(self) -> None:
        #: What is to be done without time passing, in the order in which it came up.
        self.calls: deque[Callable[[], None]] = deque()
        #: What is to be done when it is time.
        self.timers = Deadlines()

    def call_soon(self, function: Callable[[], None]) -> None:
        """Have this done as one of the next steps: nobody must be told something in the middle of something else."""
        self.calls.append(function)
        self.stir()

    def wall_time(self) -> float:
        """See `Loop`."""
        return EPOCH + self.time()

    @abstractmethod
    def time(self) -> float:
        """See `Loop`."""

    @abstractmethod
    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `Loop`."""

    @abstractmethod
    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Loop`."""

    @abstractmethod
    def is_stray(self, error: BaseException) -> bool:
        """See `Loop`."""

    @abstractmethod
    def stir(self) -> None:
        """Something came up: a `pause` ends early."""

    @abstractmethod
    def sleep(self, seconds: float) -> Awaitable[None]:
        """Let time pass, for a handler."""

    @abstractmethod
    async def idle(self, max_steps: int) -> bool:
        """Let everything else run until it waits for something; False when it still runs after so many steps."""

    @abstractmethod
    async def pause(self, until: float) -> None:
        """Let time pass until `until`, or until `stir`."""

    @abstractmethod
    def running(self) -> list[str]:
        """The handlers that have not ended."""

    @abstractmethod
    async def cancel(self) -> None:
        """End them."""

    def explain(self, error: Exception) -> str | None:
        """The hint, for an error that comes of awaiting something that this loop does not have."""
        if not isinstance(error, (RuntimeError, AttributeError)) or raised_in(error) not in self.foreign:
            return None
        return None if self.hint in str(error) else self.hint


class Park:
    """What a handler awaits where the network itself runs it: `register` is given the function that wakes it."""

    __slots__ = ("register",)

    def __init__(self, register: Callable[[Callable[[], None]], None]) -> None:
        self.register = register

    def __await__(self) -> Generator[Park, None, None]:
        yield self


class Alarm:
    """A function that is called at a time."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function

    def expire(self, *, now: float) -> None:
        """It is time."""
        self._function()


class Task:
    """A coroutine that is run by hand."""

    def __init__(self, loop: ManualLoop, work: Coroutine[Any, Any, None]) -> None:
        self._loop = loop
        self.work = work
        self._error: Exception | None = None

    def wake(self) -> None:
        """It can go on."""
        self._loop.call_soon(self.step)

    def step(self) -> None:
        """Go on, until it waits for something."""
        error, self._error = self._error, None
        try:
            parked: object = self.work.send(None) if error is None else self.work.throw(error)
        except StopIteration:
            self._loop.tasks.pop(self)
            return
        if isinstance(parked, Park):
            parked.register(self.wake)
        else:
            self._error = RuntimeError(f"{HINT}; it awaited {parked!r}")
            self.wake()


class ManualLoop(KitLoop):
    """A clock that is turned by hand, and handlers that are run by hand."""

    foreign = frozenset({"asyncio", "trio", "anyio", "sniffio"})
    hint = HINT

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self.tasks: dict[Task, None] = {}

    def time(self) -> float:
        return self._now

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = Task(self, work)
        self.tasks[task] = None
        # At once, so that there is none that never began.
        task.step()

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        return Park(lambda wake: pending.add_done_callback(lambda _: wake()))

    def is_stray(self, error: BaseException) -> bool:
        return False

    def sleep(self, seconds: float) -> Awaitable[None]:
        return Park(lambda wake: self.timers.at(Alarm(wake), self._now + seconds))

    def stir(self) -> None:
        """A `pause` lasts for no time."""

    async def idle(self, max_steps: int) -> bool:
        """Nothing else runs."""
        return True

    async def pause(self, until: float) -> None:
        self._now = until

    def running(self) -> list[str]:
        return [name_of(task.work) for task in self.tasks]

    async def cancel(self) -> None:
        for task in list(self.tasks):
            task.work.close()
        self.tasks.clear()


def name_of(work: object) -> str:
    """The function of the application that a coroutine of the pump is in, and the line."""
    name = "a handler"
    while isinstance(work, CoroutineType) and work.cr_frame is not None:
        name = f"{work.__qualname__}, line {work.cr_frame.f_lineno}"
        if work.cr_frame.f_globals["__name__"].partition(".")[0] != "sansio_eio":
            break
        work = work.cr_await
    return name


def raised_in(error: BaseException) -> str:
    """The name of the package whose code raised `error`; "" where it was not raised."""
    if error.args == ("no running event loop",):
        # Of `asyncio.get_running_loop`, which is written in C and leaves no trace of itself.
        return "asyncio"
    traceback = error.__traceback__
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def check_main(main: object) -> None:
    """LocalProtocolError when what is to be run has been called, instead of being passed."""
    if not callable(main):
        close_awaitable(main)
        raise LocalProtocolError(f"run takes the async function itself, run(test) and not run(test()): {main!r}")
