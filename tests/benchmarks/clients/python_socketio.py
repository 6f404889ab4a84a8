"""The client of python-socketio for asyncio (on aiohttp), with its default options."""

import asyncio
import json
import sys
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

# Only `make bench` installs it, so the type checkers must do without.
socketio: Any = import_module("socketio")

ONE_BY_ONE = 2_000
AT_ONCE, WINDOW = 20_000, 64


async def run(client: Any, count: int, window: int) -> None:
    done = asyncio.get_running_loop().create_future()
    left = to_come = count

    async def emit() -> None:
        nonlocal left
        left -= 1
        await client.emit("echo", "hello", callback=answered)

    async def answered(answer: str) -> None:
        nonlocal to_come
        assert answer == "hello"
        to_come -= 1
        if left > 0:
            await emit()
        elif to_come == 0:
            done.set_result(None)

    for _ in range(window):
        await emit()
    await done


async def main(port: str) -> None:
    client = socketio.AsyncClient()
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
    results: dict[str, dict[str, float]] = {}
    await run(client, 200, WINDOW)
    for name, count, window in (("one by one", ONE_BY_ONE, 1), ("at once", AT_ONCE, WINDOW)):
        start, cpu = perf_counter(), process_time()
        await run(client, count, window)
        elapsed, used = perf_counter() - start, process_time() - cpu
        results[name] = {"per_second": count / elapsed, "cpu_us": used / count * 1e6}
    print(json.dumps(results))
    await client.disconnect()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
