"""This library beside socket.io on Node and python-socketio on uvicorn: `make bench`, or with the number of rounds.

Every server gets the same load from the same generator, one server after another, in a process of its own; and that
several times, in turns. The best round counts for each figure (for memory the median), since whatever else the machine
does can only make a figure worse. The CPU time of the server process is the fairest comparison: it does not
depend on what the generator can do.
"""

import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TypeAlias

from tests.benchmarks.figures import Figures
from tests.benchmarks.load import ECHOING, IDLE
from tests.benchmarks.table import print_table

ROOT = Path(__file__).parents[2]
SERVERS = Path(__file__).parent / "servers"
NODE_MODULES = ROOT / "tests" / "js" / "node_modules"
ROUNDS = 3
#: Seconds for one round with one server; far more than it takes.
ROUND_TIMEOUT = 90
#: 1,000 WebSockets, and some.
FILES = 4096

#: A name, and the command that serves.
Contestant: TypeAlias = tuple[str, list[str]]


def contestants() -> list[Contestant]:
    """Those that are installed; the others are named on standard error."""
    drivers = ["asyncio", *(["uvloop"] if _installed("uvloop") else []), "trio", "threads"]
    found: list[Contestant] = [
        (f"sansio_eio, {driver}", [sys.executable, str(SERVERS / "sansio.py"), driver]) for driver in drivers
    ]
    if (NODE_MODULES / "socket.io").is_dir():
        found.append(("socket.io, Node", ["node", str(SERVERS / "node.cjs"), str(NODE_MODULES.parent)]))
    else:
        print(f"left out: socket.io on Node, there is no {NODE_MODULES.relative_to(ROOT)}/socket.io", file=sys.stderr)
    if _installed("socketio") and _installed("uvicorn"):
        found.append(("python-socketio, uvicorn", [sys.executable, str(SERVERS / "python_socketio.py")]))
    else:
        print("left out: python-socketio on uvicorn, install the extra `bench`", file=sys.stderr)
    return found


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@contextmanager
def serving(command: list[str]) -> Generator[tuple[int, int]]:
    """Start a server; its port and its process id."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline()
            if not port:
                raise RuntimeError(f"{' '.join(command)} does not start")
            yield int(port), process.pid
        finally:
            process.kill()


def measure(command: list[str]) -> Figures:
    """One round with one server."""
    with serving(command) as (port, pid):
        load = [sys.executable, str(Path(__file__).with_name("load.py")), str(port), str(pid)]
        result = subprocess.run(load, capture_output=True, text=True, cwd=ROOT, timeout=ROUND_TIMEOUT, check=False)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    return Figures.from_json(result.stdout)


def versions() -> str:
    """What was measured, and on what."""
    names = ["sansio-eio", "uvloop", "trio", "python-socketio", "python-engineio", "uvicorn", "httptools", "websockets"]
    found = [f"Python {platform.python_version()}"]
    for name in names:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    package = NODE_MODULES / "socket.io" / "package.json"
    if package.is_file():
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        found.append(f"Node {node}, socket.io {json.loads(package.read_text())['version']}")
    return ", ".join(found)


def summary(rounds: list[Figures]) -> dict[str, str]:
    """The rows of one server: the best of the rounds, for memory the median."""
    rows: dict[str, str] = {}
    for count in ECHOING:
        echoes = [figures.echoes[count] for figures in rounds]
        fastest = max(echoes, key=lambda echo: echo.per_second)
        sockets = f"echo, {count} WebSocket{'s' * (count > 1)}"
        rows[f"{sockets}: messages per second"] = f"{fastest.per_second:,.0f}"
        rows[f"{sockets}: median latency, ms"] = f"{min(echo.median_us for echo in echoes) / 1000:.2f}"
        rows[f"{sockets}: 99th percentile, ms"] = f"{min(echo.p99_us for echo in echoes) / 1000:.2f}"
        rows[f"{sockets}: server's CPU per message, µs"] = f"{min(echo.cpu_us for echo in echoes):.1f}"
        rows[f"{sockets}: generator busy"] = f"{fastest.generator_busy:.0%}"
    broadcasts = [figures.broadcast for figures in rounds]
    rows[f"broadcast to {IDLE:,}: until the last has it, ms"] = f"{min(each.last_ms for each in broadcasts):.1f}"
    rows[f"broadcast to {IDLE:,}: server's CPU, ms"] = f"{min(each.cpu_ms for each in broadcasts):.1f}"
    rows["memory per idle WebSocket, kB"] = f"{median(figures.memory_kb for figures in rounds):.1f}"
    connects = [figures.connects for figures in rounds]
    rows["polling, upgrade, event: clients per second"] = f"{max(each.per_second for each in connects):,.0f}"
    rows["polling, upgrade, event: generator busy"] = f"{max(each.generator_busy for each in connects):.0%}"
    rows["polling, upgrade, event: server's CPU, ms"] = f"{min(each.cpu_ms for each in connects):.2f}"
    return rows


def main(count: int) -> int:
    """Measure, print, and return how many servers failed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(FILES, hard)), hard))
    servers = contestants()
    results: dict[str, list[Figures]] = {}
    failed: set[str] = set()
    for number in range(count):
        for name, command in servers:
            if name in failed:
                continue
            print(f"round {number + 1} of {count}: {name}", file=sys.stderr)
            try:
                results.setdefault(name, []).append(measure(command))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed.add(name)
    done = {name: summary(rounds) for name, rounds in results.items() if name not in failed and rounds}
    if done:
        labels = next(iter(done.values()))
        print(versions())
        print(f"the best of {count} rounds (memory: the median), one after another on {os.cpu_count()} CPUs\n")
        print_table(["", *done], [[label, *[rows[label] for rows in done.values()]] for label in labels])
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
