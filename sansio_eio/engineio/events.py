"""What an Engine.IO server has to tell the application."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.engineio.requests import Request
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.session import Session


@dataclass(slots=True)
class Opened:
    """A session has been opened."""

    session: "Session"


@dataclass(slots=True)
class Message:
    """A message has arrived."""

    session: "Session"
    data: str | bytes


@dataclass(slots=True)
class Closed:
    """A session has ended, for this reason; `error` says what the peer did wrong, if it did."""

    session: "Session"
    reason: str
    error: RemoteProtocolError | None = None


Event: TypeAlias = Opened | Message | Closed


@dataclass(slots=True)
class HandshakeRefused:
    """A request was answered with an error of the table of Engine.IO: the value of the event "connection_error"."""

    request: Request
    code: int
    message: str
    context: dict[str, str] = field(default_factory=dict[str, str])
