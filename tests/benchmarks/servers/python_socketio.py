"""python-socketio on uvicorn (with uvloop and httptools), with the default options of both but for the logs."""

import socket
from importlib import import_module
from typing import Any

# Only `make bench` installs them, so the type checkers must do without.
socketio: Any = import_module("socketio")
uvicorn: Any = import_module("uvicorn")
sio = socketio.AsyncServer(async_mode="asgi")


async def echo(_sid: str, text: str) -> str:
    return text


async def broadcast(_sid: str, text: str) -> None:
    await sio.emit("news", text)


def main() -> None:
    sio.on("echo", echo)
    sio.on("broadcast", broadcast)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(socketio.ASGIApp(sio), log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
