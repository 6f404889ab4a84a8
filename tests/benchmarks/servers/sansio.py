"""This library with its default options, on what the argument says: asyncio, uvloop, trio or threads."""

import asyncio
import sys
from importlib import import_module

import trio

import sansio_eio_threads
import sansio_eio_trio
from sansio_eio import Server, Socket
from sansio_eio_asyncio import start_server

io = Server()


@io.on("echo")
def echo(_socket: Socket, text: str) -> str:
    return text


@io.on("broadcast")
def broadcast(_socket: Socket, text: str) -> None:
    io.emit("news", text)


async def on_asyncio() -> None:
    async with start_server(io, "127.0.0.1", 0) as server:
        print(server.addresses[0][1], flush=True)
        await asyncio.Event().wait()


async def on_trio() -> None:
    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(sansio_eio_trio.serve, io, "127.0.0.1", 0)
        print(listeners[0].socket.getsockname()[1], flush=True)


def in_threads() -> None:
    with sansio_eio_threads.Server(io, "127.0.0.1", 0) as server:
        print(server.addresses[0][1], flush=True)
        server.wait()


if __name__ == "__main__":
    if sys.argv[1] == "trio":
        trio.run(on_trio)
    elif sys.argv[1] == "threads":
        in_threads()
    else:
        # "asyncio" and "uvloop" have the same name for it.
        with asyncio.Runner(loop_factory=import_module(sys.argv[1]).new_event_loop) as runner:
            runner.run(on_asyncio())
