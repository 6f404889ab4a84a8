"""python-socketio on uvicorn with the application of tests/js/application_for_clients.js, as far as it can do that.

`python -m tests.conformance.client.python_server` prints `{"port": ...}` and then what happens, as JSON lines,
until the end of its input.
"""

import asyncio
import os
import socket
import threading
from collections import defaultdict
from importlib import import_module
from typing import Any

import uvicorn

from sansio_eio.socketio.acks import ack_arguments
from tests.conformance.values import dumps

# It has no types.
socketio: Any = import_module("socketio")

Future = asyncio.Future[tuple[Any, ...]]

collected: defaultdict[str, list[Any]] = defaultdict(list)


def log(event: str, **attributes: object) -> None:
    """Tell the tests."""
    print(dumps({"event": event, **attributes}), flush=True)


class Application:
    """One namespace."""

    def __init__(self, server: Any, namespace: str) -> None:
        self._server = server
        self._namespace = namespace
        self._held: defaultdict[str, list[Future]] = defaultdict(list)
        self._auth: dict[str, Any] = {}
        server.on("connect", self.do_connect, namespace=namespace)
        server.on("disconnect", self.do_disconnect, namespace=namespace)
        server.on("*", self._handle, namespace=namespace)

    async def _handle(self, event: str, sid: str, *args: Any) -> Any:
        """Call the method that has the name of the event."""
        method = getattr(self, "do_" + event.replace(" ", "_"), None)
        return None if method is None else await method(sid, *args)

    async def _emit(self, event: str, data: Any = None, **options: Any) -> None:
        await self._server.emit(event, data, namespace=self._namespace, **options)

    async def do_connect(self, sid: str, _: dict[str, Any], auth: Any = None) -> None:
        self._auth[sid] = auth = auth or {}
        match self._namespace:
            case "/admin" if auth.get("token") != "secret":
                why = {"code": 7, "why": ["no token", None, {"☃": 1.5}]}
                raise socketio.exceptions.ConnectionRefusedError("not allowed", why)
            case "/bare":
                raise socketio.exceptions.ConnectionRefusedError("bare")
            case "/words":
                raise socketio.exceptions.ConnectionRefusedError("refused", "in a few words")
            case _:
                log("connection", namespace=self._namespace, id=sid, auth=auth)
                # It leaves before the CONNECT of the server, which the client has to bear.
                await self._emit("welcome", auth, to=sid)

    async def do_disconnect(self, sid: str, reason: str) -> None:
        log("disconnect", namespace=self._namespace, id=sid, reason=reason)

    async def do_echo(self, sid: str, *args: Any) -> None:
        await self._emit("echo back", args, to=sid)

    async def do_ask(self, _: str, *args: Any) -> Any:
        return args

    async def do_hold(self, sid: str, *_: Any) -> Any:
        future: Future = asyncio.get_running_loop().create_future()
        self._held[sid].append(future)
        return await future

    async def do_release(self, sid: str, *args: Any) -> None:
        for future in self._held.pop(sid, []):
            future.set_result(args)

    async def do_count(self, sid: str, times: int, event: str, *args: Any) -> None:
        for number in range(times):
            await self._emit(event, (number, *args), to=sid)

    async def do_collect(self, _: str, key: str, value: Any) -> Any:
        collected[key].append(value)
        return value

    async def do_collected(self, _: str, key: str) -> Any:
        return collected[key]

    async def do_handshake(self, sid: str) -> Any:
        return {"auth": self._auth[sid]}

    async def do_question(self, sid: str, patience: float, *args: Any) -> None:
        try:
            answer = await self._server.call("question", args, to=sid, timeout=patience, namespace=self._namespace)
        except socketio.exceptions.TimeoutError:
            await self._emit("answered", "timeout", to=sid)
        else:
            await self._emit("answered", ("value", *ack_arguments(answer)), to=sid)

    async def do_join(self, sid: str, room: str) -> Any:
        await self._server.enter_room(sid, room, namespace=self._namespace)
        return room

    async def do_leave(self, sid: str, room: str) -> Any:
        await self._server.leave_room(sid, room, namespace=self._namespace)
        return room

    async def do_tell(self, sid: str, room: str, event: str, *args: Any) -> None:
        await self._emit(event, args, room=room, skip_sid=sid)

    async def do_tell_all(self, _: str, room: str, event: str, *args: Any) -> None:
        await self._emit(event, args, room=room)

    async def do_kick(self, sid: str, _: bool) -> None:
        await self._server.disconnect(sid, namespace=self._namespace)

    async def do_last_words(self, sid: str) -> None:
        await self._emit("farewell", to=sid)
        await self._server.disconnect(sid, namespace=self._namespace)


def application(path: str, other: Any, **options: Any) -> Any:
    """A server under this path, in front of another application."""
    server = socketio.AsyncServer(async_mode="asgi", **options)
    for name in ("/", "/custom", "/admin", "/bare", "/words"):
        Application(server, name)
    return socketio.ASGIApp(server, other, socketio_path=path)


def main() -> None:
    """Serve until it is told to stop."""
    app = application("/msgpack/socket.io/", None, serializer="msgpack")
    app = application("/socket.io/", app)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))

    def at_the_end_of_input() -> None:
        while os.read(0, 1024):
            pass
        # It would wait for its clients.
        os._exit(0)

    threading.Thread(target=at_the_end_of_input, daemon=True).start()
    print(dumps({"port": listener.getsockname()[1]}), flush=True)
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
