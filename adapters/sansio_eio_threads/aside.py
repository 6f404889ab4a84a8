"""What blocks, and cannot be cancelled, in a thread of its own."""

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from sansio_eio_threads.lock import LOCK

if TYPE_CHECKING:
    from sansio_eio_threads.driver import Driver

T = TypeVar("T")


class Aside(Generic[T]):
    """Calls a function that may take long, and tells `done` in the driver's thread what it gave or raised.

    Whoever does not want to wait for that any longer gives it up: `done` is not called then, and what the function
    gives, late, goes to `discard`. Its thread is left to itself, and keeps no program from ending.
    """

    def __init__(
        self,
        driver: "Driver",
        function: Callable[[], T],
        done: Callable[[T | Exception], None],
        discard: Callable[[T], None],
    ) -> None:
        self._driver = driver
        self._function = function
        self._done = done
        self._discard = discard
        self._given_up = False
        self._thread = Thread(target=self._run, name="sansio_eio dial", daemon=True)
        self._thread.start()

    def give_up(self) -> None:
        """Wait no longer."""
        with LOCK:
            self._given_up = True

    def _run(self) -> None:
        try:
            outcome: T | Exception = self._function()
        except Exception as error:
            outcome = error
        except BaseException as error:
            # Such as SystemExit, of an application's own function.
            self._driver.stop(error)
            outcome = InterruptedError(str(error))
        with LOCK:
            if not self._given_up:
                self._driver.call(partial(self._end, outcome))
                return
        self._drop(outcome)

    def _end(self, outcome: T | Exception) -> None:
        # It has nothing more to do.
        self._thread.join()
        if self._given_up:
            self._drop(outcome)
        else:
            self._done(outcome)

    def _drop(self, outcome: T | Exception) -> None:
        if not isinstance(outcome, Exception):
            self._discard(outcome)
