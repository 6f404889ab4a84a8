"""What a client has for its application, in order, and whose handlers are called for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sansio_eio.engineio.handlers import Handling, Steps, call, ignore
from sansio_eio.socketio.dispatch import guarded
from sansio_eio.socketio.events import EventReceived, Reply

if TYPE_CHECKING:
    from sansio_eio.engineio.handlers import HandlerTable
    from sansio_eio.socketio.client_socket import ClientSocket


class Stay:
    """One stay of a socket in its namespace, from the server's CONNECT to the end."""

    __slots__ = ("id", "left")

    def __init__(self, socket_id: str) -> None:
        self.id = socket_id
        #: We have left: what the server had sent before is no longer wanted.
        self.left = False


@dataclass(slots=True)
class ClientEventReceived(EventReceived["ClientSocket"]):
    """The server has emitted an event, during this stay, in so many bytes."""

    stay: Stay = field(kw_only=True, repr=False, compare=False)
    size: int = field(kw_only=True, repr=False, compare=False)

    def is_unwanted(self) -> bool:
        """Whether the application has left the namespace since."""
        return self.stay.left


@dataclass(slots=True)
class News:
    """Something has happened to a client or a socket that handlers of its own are for."""

    handlers: HandlerTable
    event: str
    args: tuple[Any, ...]


@dataclass(slots=True)
class Inactive:
    """A socket is no longer active; news, too, for whoever iterates over its events."""

    socket: ClientSocket


Item: TypeAlias = "ClientEventReceived | News | Inactive"


def run_item(item: Item, host: Handling) -> Steps:
    """Call the handlers of an item."""
    if isinstance(item, ClientEventReceived):
        yield from _run_event(item, host)
    elif isinstance(item, News):
        yield from call(item.handlers.get(item.event), item.args, host, item.event)
    else:
        item.socket.end_iteration()


def _run_event(received: ClientEventReceived, host: Handling) -> Steps:
    """The catch-all listeners, then the handlers; without any, it waits for whoever iterates."""
    socket, event, args = received.socket, received.event, tuple(received.args)
    if received.is_unwanted():
        return
    for listener in socket.any_handlers:
        yield from guarded(listener, (event, *args), host)
    if received.is_unwanted():  # meanwhile
        return
    handlers = socket.handlers.get(event)
    if handlers:
        done = ignore if received.ack_id is None else Reply(received, len(handlers)).finished
        yield from call(handlers, args, host, event, done)
    else:
        socket.keep_event(received)
