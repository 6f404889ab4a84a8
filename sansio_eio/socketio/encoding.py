"""Packets on their way out: what a server and a client do before one is queued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio.handlers import check_event
from sansio_eio.engineio.packets import messages
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.parser import RESERVED_EVENTS

if TYPE_CHECKING:
    from sansio_eio.engineio.outgoing import Outgoing
    from sansio_eio.socketio.parser import Packet, Parser


def event_data(event: str | float, args: Sequence[Any]) -> list[Any]:
    """The data of an EVENT packet; LocalProtocolError for a reserved name, and for what is none."""
    if check_event(event) in RESERVED_EVENTS:
        raise LocalProtocolError(f"{event} is the name of an event of the library itself")
    return [event, *args]


class Encoding:
    """Whoever has a parser, and a limit for what waits for one peer."""

    parser: Parser
    _max_outbound: int

    def encode(self, packet: Packet, *, volatile: bool = False, compress: bool = True) -> Outgoing:
        """A packet and its attachments, encoded once for all of its recipients; they are queued together or not at all.

        Raises LocalProtocolError for what cannot be sent: unknown types, NaN, nesting, more bytes than `max_outbound`.
        """
        outgoing = messages(self.parser.encode(packet), compress=compress, volatile=volatile)
        if outgoing.size > self._max_outbound:
            raise LocalProtocolError(f"a packet of {outgoing.size} bytes is larger than max_outbound")
        return outgoing
