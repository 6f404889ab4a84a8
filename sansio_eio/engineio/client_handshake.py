"""The OPEN packet of a server, as a client reads it."""

from dataclasses import dataclass
from json import loads
from typing import Any, cast

from sansio_eio.errors import RemoteProtocolError

#: Longer than any interval that makes sense, and short enough for a clock to be added to: a year, in milliseconds.
_LONGEST = 366 * 24 * 3600 * 1000


@dataclass(slots=True, frozen=True)
class ClientHandshake:
    """What the server says when it admits a client."""

    sid: str
    upgrades: tuple[str, ...]
    #: Seconds that may pass from one ping to the next.
    patience: float
    #: The limit of a message and of the body of a POST in bytes; 0 when the server does not say.
    max_payload: int


def read_handshake(text: str) -> ClientHandshake:
    """The JSON behind the type of an OPEN packet. Raises RemoteProtocolError for what a client cannot go by."""
    try:
        data = loads(text)
    except (ValueError, RecursionError) as error:
        raise RemoteProtocolError("the handshake is not JSON") from error
    if not isinstance(data, dict):
        raise RemoteProtocolError("the handshake is not an object")
    fields = cast("dict[str, Any]", data)
    sid, upgrades = fields.get("sid"), fields.get("upgrades")
    if not isinstance(sid, str) or not sid or not isinstance(upgrades, list):
        raise RemoteProtocolError("the handshake has no session id, or no upgrades")
    patience = _milliseconds(fields.get("pingInterval")) + _milliseconds(fields.get("pingTimeout"))
    # It came with Engine.IO 6.2, and other servers leave it out.
    limit = fields.get("maxPayload", 0)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise RemoteProtocolError("the handshake has a maxPayload that is none")
    names = tuple(name for name in cast("list[object]", upgrades) if isinstance(name, str))
    return ClientHandshake(sid, names, patience, limit)


def _milliseconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LONGEST:
        raise RemoteProtocolError("the handshake has an interval that is none")
    return value / 1000
