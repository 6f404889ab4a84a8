"""The answers of a server that has not said yet which revision it speaks, and its OPEN packet."""

import re
from dataclasses import dataclass
from json import loads
from typing import Any, cast

from sansio_eio.engineio.requests import Response
from sansio_eio.engineio.revision import BINARY, Payload
from sansio_eio.errors import RemoteProtocolError

#: Longer than any interval that makes sense, and short enough for a clock to be added to: a year, in milliseconds.
_LONGEST = 366 * 24 * 3600 * 1000

#: An OPEN packet behind its length.
_OPEN_OF_REVISION_3 = re.compile(rb"[0-9]+:0")

_UNSUPPORTED = 5


@dataclass(slots=True, frozen=True)
class ClientHandshake:
    """What the server says when it admits a client."""

    sid: str
    upgrades: tuple[str, ...]
    #: In seconds.
    ping_interval: float
    ping_timeout: float
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
    interval, timeout = _milliseconds(fields.get("pingInterval")), _milliseconds(fields.get("pingTimeout"))
    # It came with Engine.IO 6.2, and other servers leave it out.
    limit = fields.get("maxPayload", 0)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise RemoteProtocolError("the handshake has a maxPayload that is none")
    names = tuple(name for name in cast("list[object]", upgrades) if isinstance(name, str))
    return ClientHandshake(sid, names, interval, timeout, limit)


def _milliseconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _LONGEST:
        raise RemoteProtocolError("the handshake has an interval that is none")
    return value / 1000


def response_payload(response: Response) -> Payload:
    """The payload in the response to a poll."""
    kind = next((value for name, value in response.headers if name == "content-type"), "")
    return Payload(response.body, kind.partition(";")[0].strip().lower() == BINARY)


def is_of_revision_3(payload: Payload) -> bool:
    """Whether the answer to the first poll is that of an old server, which has not looked at what was asked for.

    Engine.IO 1.x answers in binary whoever has not asked for base64.
    """
    in_binary = payload.binary and payload.body[:1] in (b"\x00", b"\x01")
    return in_binary or _OPEN_OF_REVISION_3.match(payload.body) is not None


def response_error(response: Response) -> Any:
    """The body of an error, decoded where it is JSON, as the errors of Engine.IO are."""
    text = response.body.decode("utf-8", "replace")
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return text


def is_unsupported(error: Any) -> bool:
    """Whether the server has refused a handshake for its revision: there is JSON over polling, text for a WebSocket."""
    if isinstance(error, dict):
        # There are servers whose codes are text.
        return cast("dict[str, object]", error).get("code") in (_UNSUPPORTED, str(_UNSUPPORTED))
    # That of python-engineio is longer.
    return isinstance(error, str) and re.search("unsupported (protocol )?version", error.lower()) is not None
