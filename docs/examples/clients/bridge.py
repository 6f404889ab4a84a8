"""A bridge between two servers, under asyncio: what is emitted to it on one side, it emits on the other."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import sansio_eio_asyncio
from sansio_eio import Client, ClientSocket


def forward(source: ClientSocket, target: ClientSocket) -> None:
    @source.on_any
    async def pass_on(event: str, *args: Any) -> None:
        if not target.emit(event, *args):
            print(f"{event} is lost: too much waits for {target.client}")
        await target.drain()  # at the pace of the slower side; the other is not read from meanwhile


async def run_bridge(one: str, other: str) -> None:
    left, right = Client(one), Client(other)
    forward(left.socket, right.socket)
    forward(right.socket, left.socket)
    async with sansio_eio_asyncio.connect(left) as here, sansio_eio_asyncio.connect(right) as there:
        print(f"{one} and {other} are connected")
        ended = [asyncio.ensure_future(wait(each)) for each in (here, there)]
        await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.cancel()


async def wait(socket: ClientSocket) -> None:
    print(f"sent away: {await socket.wait_disconnected()}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(run_bridge(*sys.argv[1:3]))
