"""What a router can mount."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
