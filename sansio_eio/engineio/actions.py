"""What the core asks of its driver: things to do on a channel, and one about reading from it."""

from dataclasses import dataclass, field
from typing import TypeAlias

from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.outgoing import Outgoing
from sansio_eio.engineio.requests import Request, Response


@dataclass(slots=True)
class Respond:
    """Send this response to the request, or, on a channel that asked for a WebSocket, refuse the handshake with it."""

    channel: Channel
    response: Response


@dataclass(slots=True)
class AcceptWebSocket:
    """Complete the WebSocket handshake with these extra headers.

    `max_message_size` is the limit in bytes for one message from the peer, decompressed; over it the WebSocket is
    closed with 1009. `compression` says whether permessage-deflate may be agreed on (RFC 7692).
    """

    channel: Channel
    max_message_size: int
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    compression: bool = False


@dataclass(slots=True)
class SendMessages:
    """Send these packets on the WebSocket, in order. They may be shared with other channels: do not change them."""

    channel: Channel
    outgoing: list[Outgoing]


@dataclass(slots=True)
class CloseChannel:
    """Nothing more comes on this channel: send what was asked for before, then close it.

    For a WebSocket, start the closing handshake with `code` (None: a close frame without one, RFC 6455, section 7.1.5).
    For an HTTP exchange that has had no response, cut the connection.
    """

    channel: Channel
    code: int | None = None
    reason: str = ""


@dataclass(slots=True)
class SetReading:
    """Stop (or go on with) reading from the peer of this channel: the application does not keep up with it."""

    channel: Channel
    enabled: bool


Action: TypeAlias = Respond | AcceptWebSocket | SendMessages | CloseChannel | SetReading


@dataclass(slots=True)
class SendRequest:
    """For clients: send this request, on a new connection or one that is kept alive.

    `response_received` follows, or `channel_closed` when there is no response within `timeout` seconds (None: no
    limit), or none will come. Whoever sends it adds Host, Content-Length and the framing of the connection.
    """

    channel: Channel
    request: Request
    timeout: float | None


@dataclass(slots=True)
class OpenWebSocket:
    """For clients: open a WebSocket with this GET, on a connection of its own.

    `websocket_accepted` follows, or `response_received` with the response that refuses it, or `channel_closed`.
    `max_message_size` is the limit in bytes for one message from the server, decompressed; over it the WebSocket is
    closed with 1009. `compression` says whether permessage-deflate may be offered (RFC 7692).
    """

    channel: Channel
    request: Request
    max_message_size: int
    compression: bool


ClientAction: TypeAlias = SendRequest | OpenWebSocket | SendMessages | CloseChannel | SetReading
