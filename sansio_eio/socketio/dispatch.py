"""Which of the application's functions an event is for, and in which order they are called."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.handlers import AnyFunction, Steps, call, ignore, must_be_awaited
from sansio_eio.socketio.events import Connected, Disconnected, EventReceived, Reply

if TYPE_CHECKING:
    from sansio_eio.engineio.handlers import Handling
    from sansio_eio.socketio.socket import Socket


def run_event(received: EventReceived[Socket], host: Handling) -> Steps:
    """An event of a client: the catch-all listeners, the socket's middleware, then the handlers.

    Nothing of it happens, or the rest of it does not, once this side has disconnected the socket.
    """
    socket, event, args = received.socket, received.event, received.args
    namespace = socket.namespace
    if socket.kicked:
        return
    for listener in namespace.any_handlers:
        yield from guarded(listener, (socket, event, *args), host)
    for listener in socket.any_handlers:
        yield from guarded(listener, (event, *args), host)
    for middleware in socket.middlewares:
        allowed = yield from guarded(middleware, (event, args), host)
        if not allowed:
            return
    if received.socket.kicked:  # meanwhile
        return
    ours = namespace.handlers.get(event)
    own = socket.handlers.get(event) if socket.handlers is not None else ()
    done = ignore if received.ack_id is None else Reply(received, len(ours) + len(own)).finished
    if ours:
        yield from call(ours, (socket, *args), host, event, done)
    if own:
        yield from call(own, tuple(args), host, event, done)


def run_connected(event: Connected, host: Handling) -> Steps:
    """A client has connected to a namespace; "connect" and "connection" are the same."""
    table = event.socket.namespace.lifecycle
    handlers = table.get("connect") + table.get("connection")
    yield from call(handlers, (event.socket,), host, "connection")


def run_disconnected(event: Disconnected, host: Handling) -> Steps:
    """A client has gone: "disconnecting" while its rooms are still known, then "disconnect"."""
    socket = event.socket
    for name in ("disconnecting", "disconnect"):
        ours = socket.namespace.lifecycle.get(name)
        own = socket.lifecycle.get(name) if socket.lifecycle is not None else ()
        yield from call(ours, (socket, event.reason), host, name)
        yield from call(own, (event.reason,), host, name)
        socket.forget_rooms()


def guarded(function: AnyFunction, args: tuple[Any, ...], host: Handling) -> Generator[Awaitable[Any], Any, bool]:
    """Call a catch-all listener or a middleware; False when it raised."""
    try:
        result = function(*args)
        if must_be_awaited(result):
            yield result
    except Exception as error:
        host.report(error, "a catch-all listener or a middleware of events")
        return False
    return True
