"""A child process that talks in JSON lines, and the bounded waiting for what it says."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from tests.conformance.values import dumps, loads

#: What one scenario may take, in seconds; every wait ends by then.
PATIENCE = 10.0

ROOT = Path(__file__).parents[2]


class Inbox:
    """What has arrived and was not taken yet, in order. Filled by one thread, emptied by the test."""

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._changed = threading.Condition()
        self._ended = False

    def put(self, item: Any) -> None:
        """Add `item`, and wake up who waits for it."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, wanted: Callable[[Any], bool], what: object, *, patience: float = PATIENCE) -> Any:
        """Remove and return the first item that is `wanted`; an AssertionError when none comes in time."""
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                for index, item in enumerate(self._items):
                    if wanted(item):
                        return self._items.pop(index)
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError(
                        f"waited in vain for {what}; there is: {_short(self._items)}{' (ended)' * self._ended}"
                    )
                self._changed.wait(left)

    def all(self, wanted: Callable[[Any], bool]) -> list[Any]:
        """Remove and return what is `wanted` and here already."""
        with self._changed:
            taken = [item for item in self._items if wanted(item)]
            self._items = [item for item in self._items if not wanted(item)]
            return taken


class Child:
    """A child process: `inbox` has what it prints, `errors` what it writes to its standard error."""

    def __init__(self, arguments: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        )
        assert self._process.stdin is not None
        self._stdin: IO[bytes] = self._process.stdin
        self.inbox = Inbox()
        self._errors: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.inbox.put(loads(line))
        self.inbox.end()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)

    @property
    def errors(self) -> str:
        """What it has written to its standard error."""
        return b"".join(self._errors).decode(errors="replace")

    def write(self, value: object) -> None:
        """Send one line to its standard input."""
        self._stdin.write(dumps(value).encode() + b"\n")
        self._stdin.flush()

    def stop(self) -> int:
        """Ask it to end, with SIGTERM and the end of its input; the exit code. It is killed after PATIENCE."""
        self._process.terminate()
        self._stdin.close()
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdout.close()
        self._process.stderr.close()
        return code


def _short(items: list[Any]) -> str:
    text = repr(items[-20:])
    return text if len(text) < 2000 else text[:2000] + "..."
