"""This library on asyncio, or with the argument "uvloop" on that, with its default options."""

import asyncio
import sys
from importlib import import_module

from sansio_eio import Server, Socket
from sansio_eio_asyncio import start_server

io = Server()


@io.on("echo")
def echo(_socket: Socket, text: str) -> str:
    return text


@io.on("broadcast")
def broadcast(_socket: Socket, text: str) -> None:
    io.emit("news", text)


async def main() -> None:
    async with start_server(io, "127.0.0.1", 0) as server:
        print(server.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    # "asyncio" and "uvloop" have the same name for it.
    with asyncio.Runner(loop_factory=import_module(sys.argv[1]).new_event_loop) as runner:
        runner.run(main())
