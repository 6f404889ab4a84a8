"""What must be so at the end of every test of the threads."""

import gc
import threading
from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True)
def no_thread_left() -> Generator[None]:
    """Every thread that a test has started, directly or not, has ended; and no socket was forgotten."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) - before == set()
    # A ResourceWarning is an error here, for pytest sees what the garbage collector finds.
    gc.collect()
