"""What an Engine.IO client has to tell, and why it could not connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from sansio_eio.engineio.handlers import Closable


class TransportError(Exception):
    """A request was answered with an error, or not at all, or a WebSocket failed.

    `message` is the reference's word for it. `status` is that of the HTTP response, if there was one, and `data` its
    body, decoded where it is JSON. `__cause__` is what the driver has reported, such as an OSError.
    """

    def __init__(self, message: str, data: Any = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.status = status

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __str__(self) -> str:
        if self.status is not None:
            return f"{self.message}: the server has answered {self.status}"
        return self.message if self.__cause__ is None else f"{self.message}: {self.__cause__}"


class ConnectError(TransportError):
    """A client did not get in. `message`, `data` and `status` say why; for a namespace, what its server has said."""


class ClientListener(Protocol):
    """Who is told of the sessions of a client: the mailbox of raw Engine.IO, or a Socket.IO client."""

    def opened(self) -> None:
        """A session is open."""

    def pinged(self) -> None:
        """The server has sent a ping, and been answered."""

    def message(self, data: str | bytes) -> None:
        """A message has arrived."""

    def failed(self, error: ConnectError) -> None:
        """It could not be opened. The last call of a session."""

    def closed(self, reason: str, error: Exception | None) -> None:
        """It had been open, and is over. The last call of a session."""


class ClientOwner(ClientListener, Closable, Protocol):
    """The protocol above Engine.IO."""


@dataclass(slots=True)
class ClientOpened:
    """The session is open."""


@dataclass(slots=True)
class ClientPinged:
    """The server has sent a ping, and been answered."""


@dataclass(slots=True)
class ClientMessage:
    """A message has arrived."""

    data: str | bytes


@dataclass(slots=True)
class ClientFailed:
    """The session could not be opened."""

    error: ConnectError


@dataclass(slots=True)
class ClientClosed:
    """The session had been open, and has ended for this reason; `error` says what went wrong, if anything did."""

    reason: str
    error: Exception | None = None


ClientEvent: TypeAlias = ClientOpened | ClientPinged | ClientMessage | ClientFailed | ClientClosed
