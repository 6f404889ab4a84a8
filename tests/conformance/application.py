"""The application under test: `python -m tests.conformance.application ADAPTER PORT` serves it on loopback.

It prints `{"port": ...}` first and then what happens, as JSON lines. SIGTERM shuts it down, and so
does the end of its input, so that it does not outlive the tests. tests/js/reference.js is the same application on the
reference servers: a change here needs one there.
"""

import re
import sys
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sansio_eio import AckError, AckTimeout, ConnectionRefused, Cookie, EngineServer, Request, Response, Server, Session
from sansio_eio import Socket as ServerSocket
from sansio_eio.http import Router
from sansio_eio.socketio import Broadcasting, Namespace, ParentNamespace
from sansio_eio.socketio.acks import ack_arguments
from sansio_eio.socketio.msgpack import msgpack_parser
from tests.conformance.adapters import Pause, serve
from tests.conformance.values import dumps

How = dict[str, Any]


_printing = threading.Lock()


def log(event: str, **attributes: object) -> None:
    """Tell the tests. A line at a time, in threads too."""
    with _printing:
        print(dumps({"event": event, **attributes}), flush=True)


# -- Socket.IO ---------------------------------------------------------------------------------------------------------


def whom(socket: ServerSocket, how: How) -> Broadcasting:
    """The operator that a client asks for."""
    target: Broadcasting = socket.broadcast if how.get("from") else socket.namespace
    if "to" in how:
        target = target.to(how["to"])
    if "except" in how:
        target = target.except_(how["except"])
    if how.get("local"):
        target = target.local
    if how.get("volatile"):
        target = target.volatile
    if "compress" in how:
        target = target.compress(how["compress"])
    return target


def rooms(socket: ServerSocket) -> list[str]:
    """The rooms of a socket but its own."""
    return sorted(socket.rooms - {socket.id})


def note(path: str, event: str, socket: ServerSocket, **attributes: object) -> None:
    """Log what happens to a socket."""
    log(event, path=path, namespace=socket.namespace.name, id=socket.id, **attributes)


def message(socket: ServerSocket, *args: Any) -> None:
    socket.emit("message-back", *args)


async def message_with_ack(_: ServerSocket, *args: Any) -> tuple[Any, ...]:
    return args


async def ask(socket: ServerSocket, patience: float, *args: Any) -> None:
    try:
        answer = await socket.timeout(patience).emit_with_ack("question", *args)
    except AckTimeout:
        socket.emit("answered", "timeout")
    else:
        socket.emit("answered", "value", *ack_arguments(answer))


async def ask_in_vain(socket: ServerSocket) -> None:
    try:
        await socket.call("question", timeout=5)
    except AckError as error:
        log("in vain", id=socket.id, error="timeout" if isinstance(error, AckTimeout) else "disconnected")


def handshake(socket: ServerSocket) -> dict[str, Any]:
    shake = socket.handshake
    return {
        "address": shake.address,
        "secure": shake.secure,
        "xdomain": shake.xdomain,
        "path": shake.url.partition("?")[0],
        "auth": shake.auth,
        "test": shake.headers.get("x-test"),
        "query": shake.query.get("extra"),
        "timed": shake.time.year > 2020,
        "issued": shake.issued > 1.6e9,
    }


def count(socket: ServerSocket, times: int, event: str) -> None:
    for number in range(times):
        socket.emit(event, number)


def remember(socket: ServerSocket, value: Any) -> tuple[()]:
    socket.data["value"] = value
    return ()


def join(socket: ServerSocket, names: list[str]) -> list[str]:
    socket.join(names)
    return rooms(socket)


def leave(socket: ServerSocket, name: str) -> list[str]:
    socket.leave(name)
    return rooms(socket)


def tell(socket: ServerSocket, how: How, event: str, *args: Any) -> bool:
    whom(socket, how).emit(event, *args)
    return True


async def poll(socket: ServerSocket, how: How, patience: float, event: str, *args: Any) -> None:
    try:
        answers = await whom(socket, how).timeout(patience).emit_with_ack(event, *args)
    except AckTimeout as error:
        socket.emit("polled", "timeout", error.responses)
    else:
        socket.emit("polled", "all", answers)


def sockets_join(socket: ServerSocket, how: How, name: str) -> bool:
    whom(socket, how).sockets_join(name)
    return True


def sockets_leave(socket: ServerSocket, how: How, name: str) -> bool:
    whom(socket, how).sockets_leave(name)
    return True


async def fetch_sockets(socket: ServerSocket, how: How) -> list[dict[str, Any]]:
    found = await whom(socket, how).fetch_sockets()
    return [{"id": one.id, "rooms": rooms(one), "data": one.data} for one in found]


def disconnect_sockets(socket: ServerSocket, how: How, close: bool) -> None:
    whom(socket, how).disconnect_sockets(close=close)


def kick(socket: ServerSocket, close: bool) -> None:
    socket.disconnect(close=close)


def last_words(socket: ServerSocket) -> None:
    socket.emit("farewell")
    socket.disconnect()


def fail(_: ServerSocket, text: str) -> None:
    raise ValueError(text)


HANDLERS: dict[str, Callable[..., Any]] = {
    "message": message,
    "message-with-ack": message_with_ack,
    "ask": ask,
    "ask in vain": ask_in_vain,
    "handshake": handshake,
    "count": count,
    "remember": remember,
    "join": join,
    "leave": leave,
    "tell": tell,
    "poll": poll,
    "sockets join": sockets_join,
    "sockets leave": sockets_leave,
    "fetch sockets": fetch_sockets,
    "disconnect sockets": disconnect_sockets,
    "kick": kick,
    "last words": last_words,
    "fail": fail,
}


def install(path: str, namespace: Namespace | ParentNamespace) -> None:
    """What every namespace does."""

    @namespace.on("connection")
    def connected(socket: ServerSocket) -> None:
        note(path, "connection", socket, auth=socket.handshake.auth)
        socket.emit("auth", socket.handshake.auth)

    @namespace.on("disconnecting")
    def disconnecting(socket: ServerSocket, reason: str) -> None:
        note(path, "disconnecting", socket, reason=reason, rooms=rooms(socket))

    @namespace.on("disconnect")
    def disconnected(socket: ServerSocket, reason: str) -> None:
        note(path, "disconnect", socket, reason=reason)

    for event, handler in HANDLERS.items():
        namespace.on(event, handler)


def check_token(socket: ServerSocket) -> None:
    if socket.handshake.auth.get("token") != "secret":
        raise ConnectionRefused("not allowed", data={"code": 7, "why": ["no token", None, {"☃": 1.5}]})


def refuse_all(_: ServerSocket) -> None:
    raise ConnectionRefused("bare")


def check_slowly(pause: Pause) -> Callable[[ServerSocket], Awaitable[None]]:
    """A middleware that takes a moment."""

    async def check(socket: ServerSocket) -> None:
        await pause()
        socket.data["checked"] = True

    return check


def guard(socket: ServerSocket) -> None:
    """Nobody gets through to the handler of "forbidden"."""

    @socket.use
    def middleware(event: str, args: list[Any]) -> None:
        if event == "forbidden":
            raise ValueError(f"forbidden {args[0]}")

    @socket.on("forbidden")
    def forbidden(*_: Any) -> None:
        log("forbidden", id=socket.id)


def watch(event: str, socket: ServerSocket, name: str, *args: Any) -> None:
    log(event, id=socket.id, name=name, args=args)


def is_dynamic(name: str, auth: dict[str, Any]) -> bool:
    return name.startswith("/dynamic") and auth.get("key") == "open"


def failed(error: Exception, where: str) -> None:
    log("error", message=str(error), where=where)


def refuse_strangers(_: ServerSocket) -> None:
    raise ConnectionRefused("members only", data=["not you"])


def socketio(
    path: str,
    pause: Pause,
    *,
    allow_eio3: bool = True,
    middleware: Callable[[ServerSocket], None] | None = None,
    **options: Any,
) -> Server:
    """A Socket.IO server, for old clients, too; `middleware` is for the namespace /."""
    io = Server(path=path, allow_eio3=allow_eio3, **options)
    io.on_error(failed)
    if middleware is not None:
        io.use(middleware)
    for name in ("/", "/custom", "/admin", "/bare", "/slow", "/guarded", "/watched"):
        install(path, io.of(name))
    install(path, io.of(re.compile(r"^/room-\d+$")))
    install(path, io.of(is_dynamic))
    io.of("/admin").use(check_token)
    io.of("/bare").use(refuse_all)
    io.of("/slow").use(check_slowly(pause))
    io.of("/guarded").on("connection", guard)
    io.of("/watched").on_any(partial(watch, "any"))
    io.of("/watched").on_any_outgoing(partial(watch, "any outgoing"))
    return io


# -- Engine.IO ---------------------------------------------------------------------------------------------------------


def raw(path: str, *, allow_eio3: bool = True, **options: Any) -> EngineServer:
    """A raw Engine.IO server that sends everything back, to old clients, too."""
    engine = EngineServer(path=path, allow_eio3=allow_eio3, **options)

    @engine.on("connection")
    def connected(session: Session) -> None:
        log("open", path=path, id=session.sid, protocol=session.protocol)

        @session.on("message")
        def received(data: str | bytes) -> None:
            if data == "please close":
                session.close()
            elif data == "please note this":
                log("noted", id=session.sid)
            elif data == "please count":
                for number in range(200):
                    session.send(str(number))
            else:
                session.send(data)

        @session.on("close")
        def closed(reason: str) -> None:
            log("close", path=path, id=session.sid, reason=reason)

    return engine


def refuse(request: Request) -> str | bool:
    return request.params.get("why") or False


def application(pause: Pause) -> Router:
    """Every server under its own path, on one port."""
    suite: dict[str, Any] = {"ping_interval": 0.3, "ping_timeout": 0.2, "max_http_buffer_size": 1_000_000}
    origins = ["http://one.example", "http://two.example"]
    servers: list[Server | EngineServer] = [
        socketio("/socket.io/", pause),
        socketio("/suite/socket.io/", pause, connect_timeout=1.0, **suite),
        socketio("/msgpack/socket.io/", pause, parser=msgpack_parser()),
        socketio("/deflate/socket.io/", pause, per_message_deflate=True),
        socketio("/new/socket.io/", pause, allow_eio3=False, **suite),
        socketio("/members/socket.io/", pause, middleware=refuse_strangers),
        raw("/engine.io/"),
        raw("/suite/engine.io/", **suite),
        raw("/new/engine.io/", allow_eio3=False, **suite),
        raw("/old/engine.io/", ping_timeout=60.0),
        raw("/small/engine.io/", max_http_buffer_size=1000),
        raw("/polling/engine.io/", transports=("polling",)),
        raw("/stay/engine.io/", allow_upgrades=False),
        raw("/impatient/engine.io/", upgrade_timeout=0.3),
        raw("/refuse/engine.io/", allow_request=refuse),
        raw("/cookie/engine.io/", cookie=Cookie()),
        raw("/cors/any/engine.io/", cors_allowed_origins="*"),
        raw("/cors/list/engine.io/", cors_allowed_origins=origins, cors_credentials=True),
    ]
    return Router({server.path: server for server in servers}, fallback=lambda _: Response(404))


if __name__ == "__main__":
    serve(sys.argv[1], application, int(sys.argv[2]))
