"""The revisions of Engine.IO that are spoken here, as data: a session is told which, and is the same machine for both.

What is different in revision 3: who pings, how packets look in a payload, and that bytes have a type in front.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sansio_eio.engineio import packets, payloads
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sansio_eio.engineio.outgoing import Outgoing


#: The Content-Type of a binary payload.
BINARY = "application/octet-stream"


class Payload(NamedTuple):
    """The body of a poll's response, or of a POST; `binary`: its Content-Type is BINARY."""

    body: bytes
    binary: bool = False


class Revision(ABC):
    """One revision. There are two of them, and nothing else: REVISION_3 and REVISION_4.

    `binary` always says whether the peer can take bytes where the transport can carry them; a client of revision 3 may
    ask for base64 instead.
    """

    number: int
    #: Whether it is the client that pings, and the server that answers.
    client_pings: bool
    #: The packet of the heartbeat that a client sends, and that of a server.
    client_beat: str
    server_beat: str
    #: Whether a server says in its handshake how much it takes.
    tells_max_payload = False
    has_binary_payloads = False

    @abstractmethod
    def check_polled(self, message: str | bytes) -> None:
        """Raise LocalProtocolError for a message that has no place in a payload."""

    @abstractmethod
    def payload(self, outgoing: list[Outgoing], *, binary: bool) -> Payload:
        """The payload with these packets."""

    @abstractmethod
    def payload_size(self, outgoing: Outgoing) -> int:
        """The bytes that these packets add to a payload for a peer that can take bytes, at most."""

    @abstractmethod
    def read_payload(self, payload: Payload, max_packets: int) -> Iterator[str | bytes]:
        """The packets of a payload, in order, for `Session.receive`.

        Raises RemoteProtocolError for more than `max_packets`, at once or behind the last one that is given out.
        """

    @abstractmethod
    def framing(self, *, binary: bool) -> Callable[[Outgoing], Outgoing] | None:
        """What makes of packets those that a WebSocket carries; None where it carries them as they are."""

    @abstractmethod
    def read_binary(self, packet: str | bytes) -> bytes:
        """The data of a binary message: bytes as they have come, or base64 with the "b" in front.

        Raises RemoteProtocolError for what is none.
        """


class _Revision4(Revision):
    number = 4
    client_pings = False
    client_beat = packets.PONG
    server_beat = packets.PING
    tells_max_payload = True

    def check_polled(self, message: str | bytes) -> None:
        if isinstance(message, str) and packets.SEPARATOR in message:
            raise LocalProtocolError("a text with U+001E cannot be sent over polling: it separates the packets there")

    def payload(self, outgoing: list[Outgoing], *, binary: bool) -> Payload:
        return Payload(payloads.encode_payload(outgoing))

    def payload_size(self, outgoing: Outgoing) -> int:
        # And what separates it from the next.
        return len(outgoing.payload) + 1

    def read_payload(self, payload: Payload, max_packets: int) -> Iterator[str | bytes]:
        return iter(payloads.decode_payload(payload.body, max_packets))

    def framing(self, *, binary: bool) -> Callable[[Outgoing], Outgoing] | None:
        return None

    def read_binary(self, packet: str | bytes) -> bytes:
        return packet if isinstance(packet, bytes) else packets.decode_base64(packet[1:])


class _Revision3(Revision):
    number = 3
    client_pings = True
    client_beat = packets.PING
    server_beat = packets.PONG
    has_binary_payloads = True

    def check_polled(self, message: str | bytes) -> None:
        """Anything can be in a packet that has its length in front."""

    def payload(self, outgoing: list[Outgoing], *, binary: bool) -> Payload:
        # "All-text" payloads are text even for a peer that takes bytes, as the reference does.
        if binary and any(payloads.has_bytes(each) for each in outgoing):
            return Payload(b"".join([each.once(payloads.binary_part) for each in outgoing]), binary=True)
        return Payload(b"".join([each.once(payloads.text_part) for each in outgoing]))

    def payload_size(self, outgoing: Outgoing) -> int:
        # In a binary payload: a mark, the digits, what ends them, the type. In one of text it is a little less.
        return sum([len(data) + len(str(len(data) + 1)) + 3 for data in outgoing.encoded])

    def read_payload(self, payload: Payload, max_packets: int) -> Iterator[str | bytes]:
        read = payloads.read_binary_payload if payload.binary else payloads.read_text_payload
        found = read(payload.body)
        yield from islice(found, max_packets)
        if next(found, None) is not None:
            raise RemoteProtocolError(f"more than {max_packets} packets in one payload")

    def framing(self, *, binary: bool) -> Callable[[Outgoing], Outgoing] | None:
        return payloads.with_type if binary else payloads.in_base64

    def read_binary(self, packet: str | bytes) -> bytes:
        if isinstance(packet, bytes):
            if packet[:1] == packets.MESSAGE_BYTE:
                return packet[1:]
        elif packet[1:2] == packets.MESSAGE:
            return packets.decode_base64(packet[2:])
        raise RemoteProtocolError("bytes that are no message")


REVISION_3 = _Revision3()
REVISION_4 = _Revision4()
