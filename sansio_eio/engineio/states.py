"""The states of an Engine.IO session, and what may follow what.

The rules of the table TRANSITIONS, which is the only place that says so:

* OPENING: known, not yet admitted. Nothing has been sent.
* OPEN: the peer has its id. Messages go both ways.
* UPGRADING: open, and a WebSocket (the candidate) has come that may take over from polling. Until it sends `5`, the
  old transport carries the messages, and every poll is answered at once so that the client can pause it.
* CLOSING: we have closed the session, and wait for a poll (or for the end of an upgrade) to deliver what is left and
  the news. Packets of the peer are ignored, as the reference does, but for its own close.
* CLOSED: over, reported, forgotten by the registry. Nothing leads out of it.

A pair that is not in the table is a mistake of this library, or of its caller, never of a peer.
"""

from enum import Enum
from typing import Final


class State(Enum):
    """Where a session is in its life."""

    OPENING = "opening"
    OPEN = "open"
    UPGRADING = "upgrading"
    CLOSING = "closing"
    CLOSED = "closed"


class Trigger(Enum):
    """What moves a session from one state to another."""

    ADMIT = "admit"
    CANDIDATE = "candidate"
    UPGRADE = "upgrade"
    FALL_BACK = "fall back"
    CLOSE = "close"
    END = "end"


TRANSITIONS: Final[dict[tuple[State, Trigger], State]] = {
    (State.OPENING, Trigger.ADMIT): State.OPEN,
    (State.OPENING, Trigger.END): State.CLOSED,
    (State.OPEN, Trigger.CANDIDATE): State.UPGRADING,
    (State.OPEN, Trigger.CLOSE): State.CLOSING,
    (State.OPEN, Trigger.END): State.CLOSED,
    (State.UPGRADING, Trigger.UPGRADE): State.OPEN,
    (State.UPGRADING, Trigger.FALL_BACK): State.OPEN,
    (State.UPGRADING, Trigger.CLOSE): State.CLOSING,
    (State.UPGRADING, Trigger.END): State.CLOSED,
    (State.CLOSING, Trigger.UPGRADE): State.CLOSING,
    (State.CLOSING, Trigger.FALL_BACK): State.CLOSING,
    (State.CLOSING, Trigger.END): State.CLOSED,
}
