"""The client of this library beside those of JavaScript and python-socketio, with the number of rounds as an argument.

Each talks to the same server (socket.io on Node.js) over a WebSocket: acknowledgements one after another, and many at
once. As in `run`, each is a process of its own, they take turns, and the best round counts.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.run import NODE_MODULES, ROOT, ROUNDS, SERVERS, serving, versions
from tests.benchmarks.table import print_table

CLIENTS = Path(__file__).parent / "clients"
#: Seconds for one round with one client; far more than it takes.
ROUND_TIMEOUT = 60


def contestants() -> dict[str, list[str]]:
    """Those that are installed, each with its command, to which the port is added."""
    drivers = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else []), "trio", "threads"]
    found = {f"sansio_eio, {driver}": [sys.executable, str(CLIENTS / "sansio.py"), driver] for driver in drivers}
    found["socket.io-client, Node"] = ["node", str(CLIENTS / "node.cjs"), str(NODE_MODULES.parent)]
    if importlib.util.find_spec("socketio") and importlib.util.find_spec("aiohttp"):
        found["python-socketio, aiohttp"] = [sys.executable, str(CLIENTS / "python_socketio.py")]
    else:
        print("left out: the client of python-socketio, install the extra `bench`", file=sys.stderr)
    return found


def measure(command: list[str], port: int) -> dict[str, dict[str, float]]:
    """One round with one client."""
    result = subprocess.run(
        [*command, str(port)], capture_output=True, text=True, cwd=ROOT, timeout=ROUND_TIMEOUT, check=False
    )
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    figures: dict[str, dict[str, float]] = json.loads(result.stdout)
    return figures


def main(count: int) -> None:
    """Measure and print."""
    clients = contestants()
    results: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in clients}
    server = ["node", str(SERVERS / "node.cjs"), str(NODE_MODULES.parent)]
    for number in range(count):
        for name, command in clients.items():
            print(f"round {number + 1} of {count}: {name}", file=sys.stderr)
            with serving(server) as (port, _):
                results[name].append(measure(command, port))
    print(versions())
    print(f"the best of {count} rounds, one after another on {os.cpu_count()} CPUs\n")
    rows: list[list[str]] = []
    for kind in ("one by one", "at once"):
        best = [max(each[kind]["per_second"] for each in rounds) for rounds in results.values()]
        rows.append([f"acknowledgements {kind}: per second", *[f"{value:,.0f}" for value in best]])
        best = [min(each[kind]["cpu_us"] for each in rounds) for rounds in results.values()]
        rows.append([f"acknowledgements {kind}: client's CPU, µs", *[f"{value:.1f}" for value in best]])
    print_table(["", *results], rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
