"""The parser of revision 3 of Engine.IO, as the reference has it, in a process of its own."""

from typing import Any, cast

from sansio_eio.engineio.packets import MESSAGE
from sansio_eio.engineio.revision import REVISION_3, Payload
from sansio_eio.errors import RemoteProtocolError
from tests.conformance.processes import Child

#: What the reference calls the types of packets.
_TYPES = {"0": "open", "1": "close", "2": "ping", "3": "pong", MESSAGE: "message", "5": "upgrade", "6": "noop"}

#: The type and the data.
Packet = tuple[str, str | bytes]


class ReferenceEngineParser:
    """What runs is tests/js/engine_parser.js."""

    def __init__(self) -> None:
        self._child = Child(["node", "tests/js/engine_parser.js"])

    def _ask(self, **command: object) -> dict[str, Any]:
        self._child.write(command)
        return cast("dict[str, Any]", self._child.inbox.take(lambda _: True, command))

    def encode(self, messages: list[str | bytes], *, binary: bool) -> Payload:
        """The payload with these messages."""
        answer = self._ask(encode=messages, binary=binary)
        return Payload(answer["body"], answer["binary"])

    def decode(self, payload: Payload) -> tuple[list[Packet], bool]:
        """The packets of a payload, and whether that is all there is."""
        return _packets(self._ask(decode=payload.body, binary=payload.binary))

    def frame(self, message: str | bytes, *, binary: bool) -> str | bytes:
        """The WebSocket message of one packet."""
        return cast("str | bytes", self._ask(frame=message, binary=binary)["packet"])

    def unframe(self, packet: str | bytes) -> tuple[list[Packet], bool]:
        """The packet of a WebSocket message."""
        return _packets(self._ask(unframe=packet))

    def form(self, payload: str) -> bytes:
        """What a page posts to send the payload."""
        return str(self._ask(form=payload)["body"]).encode()

    def unform(self, body: bytes) -> bytes:
        """The payload that the server finds in that."""
        return str(self._ask(unform=body.decode())["payload"]).encode()

    def script(self, payload: str, index: str) -> bytes:
        """The script that brings the payload to a page."""
        return str(self._ask(script=payload, index=index)["body"]).encode()

    def stop(self) -> None:
        """End the process, which has to be well."""
        assert self._child.stop() in {0, -15}
        assert self._child.errors == ""


def _packets(answer: dict[str, Any]) -> tuple[list[Packet], bool]:
    return [(packet["type"], packet.get("data") or "") for packet in answer["packets"]], not answer["failed"]


def as_the_reference(packet: str | bytes) -> Packet:
    """A packet as `Revision.read_payload` gives it out; raises RemoteProtocolError where a session ends for it."""
    if isinstance(packet, bytes) or packet.startswith("b"):
        return _TYPES[MESSAGE], REVISION_3.read_binary(packet) or ""
    try:
        return _TYPES[packet[:1]], packet[1:]
    except KeyError as error:
        raise RemoteProtocolError("unknown packet type") from error


def read(payload: Payload) -> tuple[list[Packet], bool]:
    """What is found in a payload here, as `ReferenceEngineParser.decode` tells it."""
    found: list[Packet] = []
    try:
        found.extend(map(as_the_reference, REVISION_3.read_payload(payload, 1_000_000)))
    except RemoteProtocolError:
        return found, False
    return found, True
