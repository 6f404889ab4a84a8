"""What a router can mount, and what a driver can connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sansio_eio.engineio.pending import Pending
    from sansio_eio.engineio.runtime import ClientApplication
    from sansio_eio.engineio.server import EngineServer


class Mountable(Protocol):
    """A Socket.IO `Server` or an `EngineServer`: something with an engine, and the path that it is served under."""

    @property
    def engine(self) -> EngineServer:
        """The Engine.IO server that takes the requests."""
        ...

    @property
    def path(self) -> str:
        """The default path, with a slash at both ends, such as "/socket.io/"."""
        ...

    def close(self) -> None:
        """End every session, so that the clients know; see `Application.close`."""


class Drivable(Protocol):
    """Something with an engine that says what is to be done over connections to a server."""

    @property
    def engine(self) -> ClientApplication:
        """What says it: an `EngineClient`."""
        ...

    def close(self) -> None:
        """End the session in good order, and do not come back. Go on pumping to deliver it."""


class Connectable(Drivable, Protocol):
    """A Socket.IO `Client` or an `EngineClient`: what a driver can connect."""

    def open(self) -> Pending[None]:
        """Connect. The result is done when that has succeeded, and fails with ConnectError when it has not."""
        ...
