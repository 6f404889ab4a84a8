"""What one call costs: time, calls and memory. Only the time depends on the machine and on what else it does."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from types import FrameType

#: One round of timing takes about this long; the fastest of the rounds counts, since noise only ever adds.
ROUND_NS = 20_000_000
ROUNDS = 9
#: Calls over which the memory that stays allocated is averaged.
KEPT_OVER = 64


@dataclass(slots=True)
class Cost:
    """The cost of one unit of work."""

    name: str
    microseconds: float
    #: Calls of Python functions; a generator that goes on counts as one.
    python_calls: float
    #: Calls of functions written in C.
    c_calls: float
    #: The most bytes that were allocated at one moment, beyond what was there before.
    peak_bytes: float
    #: Blocks of memory that stay allocated; 0 unless something is meant to be kept.
    kept_blocks: float


def measure(name: str, run: Callable[[], object], *, per: int = 1, restore: Callable[[], object] | None = None) -> Cost:
    """The cost of `run` divided by `per`. `restore` undoes what it did, and is not measured."""
    restore = restore or _nothing
    for _ in range(3):
        run()
        restore()
    gc.collect()
    gc.disable()
    try:
        fastest = _fastest(run, restore)
        python_calls, c_calls = _calls(run)
        restore()
        peak = _peak(run)
        restore()
        kept = _kept(run, restore)
    finally:
        gc.enable()
    return Cost(name, fastest / 1000 / per, python_calls / per, c_calls / per, peak / per, kept / per)


def _nothing() -> None:
    pass


def _fastest(run: Callable[[], object], restore: Callable[[], object]) -> float:
    """Nanoseconds."""
    start = perf_counter_ns()
    run()
    loops = max(1, ROUND_NS // max(1, perf_counter_ns() - start))
    restore()
    fastest = float("inf")
    for _ in range(ROUNDS):
        if restore is _nothing:
            start = perf_counter_ns()
            for _ in range(loops):
                run()
            elapsed = perf_counter_ns() - start
        else:
            elapsed = 0
            for _ in range(loops):
                start = perf_counter_ns()
                run()
                elapsed += perf_counter_ns() - start
                restore()
        fastest = min(fastest, elapsed / loops)
        gc.collect()
    return fastest


def _calls(run: Callable[[], object]) -> tuple[int, int]:
    counts = {"call": 0, "c_call": 0}

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        if event in counts:
            counts[event] += 1

    sys.setprofile(count)
    run()
    sys.setprofile(None)
    # Not `run` itself, and not the call that ends the counting.
    return counts["call"] - 1, counts["c_call"] - 1


def _peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def _kept(run: Callable[[], object], restore: Callable[[], object]) -> float:
    before = sys.getallocatedblocks()
    for _ in range(KEPT_OVER):
        run()
        restore()
    gc.collect()
    return max(0, sys.getallocatedblocks() - before) / KEPT_OVER
