"""The threads that run handlers, and how a coroutine runs in one."""

from collections.abc import Callable, Coroutine
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from sansio_eio import LocalProtocolError
from sansio_eio.engineio import Runnable
from sansio_eio_threads.lock import LOCK

#: A session with events, or a handler with `concurrent=True`.
Job: TypeAlias = Runnable | Coroutine[Any, Any, None]


def drive(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end. What it awaits of this library blocks the thread, and is not seen here."""
    try:
        awaited: object = coroutine.send(None)
        while True:
            # A bare yield, as in `asyncio.sleep(0)`, lets the others have a turn. In threads they have it.
            awaited = coroutine.send(None) if awaited is None else coroutine.throw(_cannot_wait_for(awaited))
    except StopIteration:
        pass


def _cannot_wait_for(awaited: object) -> LocalProtocolError:
    return LocalProtocolError(
        f"a handler awaits {awaited!r}, which belongs to an event loop, and here are only threads: call something that "
        "blocks instead (time.sleep, a library without async), or serve the application with asyncio or trio"
    )


class Pool:
    """So many threads, which take jobs in the order in which they came.

    A session is one job at a time, which keeps its handlers in order; the core lists it again after each turn.
    """

    def __init__(self, size: int, failed: Callable[[BaseException], None], idle: Callable[[], None]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        #: Told of what is no Exception, such as the SystemExit of a handler that calls `sys.exit`.
        self._failed = failed
        #: Called, with the lock held, when nothing is left to do.
        self._idle = idle
        #: Jobs that wait or run. Guarded by the lock, as is `_closed`.
        self._unfinished = 0
        self._closed = False
        #: For the driver to start.
        self.threads = [
            Thread(target=self._run, name=f"sansio_eio handlers {number}", daemon=True) for number in range(1, size + 1)
        ]

    @property
    def is_busy(self) -> bool:
        """Whether anything waits or runs."""
        return self._unfinished > 0

    def submit(self, job: Job) -> None:
        """Run a job when a thread is free. From any thread; it never waits."""
        with LOCK:
            if self._closed:
                _forget(job)
                return
            self._unfinished += 1
            self._jobs.put(job)

    def close(self) -> None:
        """Forget the jobs that wait, and wait for those that run, however long that takes."""
        with LOCK:
            self._closed = True
        try:
            while True:
                _forget(self._jobs.get_nowait())
        except Empty:
            pass
        for _ in self.threads:
            self._jobs.put(None)
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                _do(job)
            except BaseException as error:
                # This thread is still needed.
                self._failed(error)
            # Nothing of it may stay alive while this thread waits for the next one.
            del job
            with LOCK:
                self._unfinished -= 1
                if self._unfinished == 0:
                    self._idle()


def _do(job: Job) -> None:
    if isinstance(job, Coroutine):
        drive(job)
        return
    while (rest := job.step()) is not None:
        drive(rest)


def _forget(job: Job | None) -> None:
    if isinstance(job, Coroutine):
        # It would complain that nobody awaited it.
        job.close()
