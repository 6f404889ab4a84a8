"""A channel: one HTTP exchange or one WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sansio_eio.engineio.requests import Request
    from sansio_eio.engineio.runtime import Application
    from sansio_eio.engineio.session import Session


class Channel:
    """The name of one HTTP exchange or one WebSocket, opaque to everyone but the core.

    A driver of a server gets it from `open_channel`, before it feeds the request; that of a client finds it in the
    action that asks for something. Both hand it back with every input. `owner` is the driver's: whatever it passed to
    `open_channel`, or, for a client, has set. Everything else belongs to the core.
    """

    __slots__ = ("actions", "endpoint", "offered", "owner", "ready", "request", "session")

    def __init__(self, owner: object = None) -> None:
        self.owner = owner
        #: The application that took the request; set by whoever routes.
        self.endpoint: Application | None = None
        self.session: Session | None = None
        #: The HTTP request that waits for its response.
        self.request: Request | None = None
        #: Each an `Action`, on a client a `ClientAction`.
        self.actions: list[Any] = []
        #: In the list that `take_ready` is going to return.
        self.ready = False
        #: Returned by `take_ready` and not yet asked for its actions: the driver is waiting for the peer.
        self.offered = False
