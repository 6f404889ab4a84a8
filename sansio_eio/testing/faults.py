"""What can go wrong with a client's connections, on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sansio_eio.testing.peer import Peer
    from sansio_eio.testing.wires import Conditions


class Faults(ABC):
    """The faults of one client, or of a network for all of its clients. They begin at once; time need not pass."""

    @abstractmethod
    def _peers(self) -> Sequence[Peer]:
        """Those that the faults happen to."""

    @abstractmethod
    def _conditions(self) -> Sequence[Conditions]:
        """Theirs, and those of the ones to come."""

    def cut(self) -> None:
        """All connections die without a goodbye; what is under way is lost. Both sides notice at once."""
        for peer in self._peers():
            peer.cut()
            peer.note("cut")

    def delay(self, seconds: float) -> None:
        """Bytes that are sent from now on travel so many seconds, in each direction. 0 ends it."""
        check_delay(seconds)
        self._flush()
        for conditions in self._conditions():
            conditions.delay = seconds
        self._note(f"delay of {seconds:g} s")

    def split(self, piece: int = 0, *, at: Sequence[int] = ()) -> None:
        """Bytes that are sent from now on arrive in pieces of `piece` bytes; or cut at these places of what is sent
        together (a request or response begins at 0). With neither, as the network does it on its own.
        """
        check_piece(piece, at)
        self._flush()
        for conditions in self._conditions():
            conditions.piece = piece
            conditions.places = tuple(at)
        self._note(f"split into pieces of {piece}" if piece else f"split at {list(at)}")

    def refuse(self) -> None:
        """New connections are refused, as by a server that is down, until `accept`. Those that are there go on."""
        for conditions in self._conditions():
            conditions.refused = True
        self._note("connections are refused")

    def accept(self) -> None:
        """The end of `refuse`."""
        for conditions in self._conditions():
            conditions.refused = False
        self._note("connections are accepted")

    def _flush(self) -> None:
        """What has been asked for before is sent before."""
        for peer in self._peers():
            peer.flush()

    def _note(self, text: str) -> None:
        for peer in self._peers():
            peer.note(text)


class ClientFaults(Faults):
    """The faults that make sense for one client."""

    def drop_poll(self) -> None:
        """The response to the poll that is under way gets lost, and its connection with it; the server does not notice.

        Raises LocalProtocolError when the client is not polling.
        """
        for peer in self._peers():
            peer.drop_poll()
            peer.note("the next response to a poll gets lost")

    def duplicate_poll(self) -> None:
        """A second poll while one is under way, as of a proxy that tries again.

        Raises LocalProtocolError when the client is not polling.
        """
        for peer in self._peers():
            peer.note("a second poll")
            peer.duplicate_poll()

    def stall(self) -> None:
        """The client reads no more, and there is no room on the way: what is sent to it stays with the server."""
        for peer in self._peers():
            peer.note("stalls")
            peer.stall(True)

    def silence(self) -> None:
        """The client answers no more pings, until `resume`; one of revision 3, where the client pings, sends no more.

        It goes on with everything else.
        """
        for peer in self._peers():
            peer.note("answers no more pings")
            peer.silence()

    def resume(self) -> None:
        """The end of `stall` and `silence`: the client reads what waits for it, and answers the ping that has come, or
        sends its own.
        """
        for peer in self._peers():
            peer.note("resumes")
            peer.resume()


def check_delay(seconds: float) -> float:
    """The delay itself; LocalProtocolError when there is no such delay."""
    if not 0 <= seconds < float("inf"):
        raise LocalProtocolError(f"a delay is a number of seconds, not {seconds!r}")
    return seconds


def check_piece(piece: int, at: Sequence[int]) -> None:
    """LocalProtocolError for what nothing can be split into."""
    if piece < 0 or any(place < 1 for place in at) or (piece and at):
        raise LocalProtocolError("split takes a number of bytes, or places after the first byte")
