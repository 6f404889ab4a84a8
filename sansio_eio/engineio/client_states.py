"""The states of a client's Engine.IO session, and what may follow what.

The rules of the table TRANSITIONS, which is the only place that says so:

* OPENING: the handshake is under way. Messages are kept.
* OPEN: the server has said its id. Messages go both ways; a WebSocket may be probed.
* UPGRADING: the WebSocket has answered the probe. Nothing more is sent on polling; when the poll and the POST that are
  under way have been answered, `5` goes out on the WebSocket, and behind it what has been kept.
* CLOSING: we have closed the session, and what was queued before is still being delivered by POSTs.
* CLOSED: over, reported. Nothing leads out of it; a client that opens again has a new session.
"""

from enum import Enum
from typing import Final


class ClientState(Enum):
    """Where a session is in its life."""

    OPENING = "opening"
    OPEN = "open"
    UPGRADING = "upgrading"
    CLOSING = "closing"
    CLOSED = "closed"


class ClientTrigger(Enum):
    """What moves a session from one state to another."""

    ADMITTED = "be admitted"
    PROBED = "pause polling"
    UPGRADE = "upgrade"
    FALL_BACK = "fall back"
    CLOSE = "close"
    END = "end"


TRANSITIONS: Final[dict[tuple[ClientState, ClientTrigger], ClientState]] = {
    (ClientState.OPENING, ClientTrigger.ADMITTED): ClientState.OPEN,
    (ClientState.OPENING, ClientTrigger.END): ClientState.CLOSED,
    (ClientState.OPEN, ClientTrigger.PROBED): ClientState.UPGRADING,
    (ClientState.OPEN, ClientTrigger.CLOSE): ClientState.CLOSING,
    (ClientState.OPEN, ClientTrigger.END): ClientState.CLOSED,
    (ClientState.UPGRADING, ClientTrigger.UPGRADE): ClientState.OPEN,
    (ClientState.UPGRADING, ClientTrigger.FALL_BACK): ClientState.OPEN,
    (ClientState.UPGRADING, ClientTrigger.CLOSE): ClientState.CLOSING,
    (ClientState.UPGRADING, ClientTrigger.END): ClientState.CLOSED,
    (ClientState.CLOSING, ClientTrigger.UPGRADE): ClientState.CLOSING,
    (ClientState.CLOSING, ClientTrigger.FALL_BACK): ClientState.CLOSING,
    (ClientState.CLOSING, ClientTrigger.END): ClientState.CLOSED,
}
