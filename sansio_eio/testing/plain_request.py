"""An HTTP request of somebody who is no client: a browser that loads a page, a load balancer that looks after us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.errors import LocalProtocolError
from sansio_eio.testing.responses import ResponseReader, encode_request, request_headers
from sansio_eio.testing.wires import Link

if TYPE_CHECKING:
    from sansio_eio.engineio import Response
    from sansio_eio.testing.responses import Pairs
    from sansio_eio.testing.transcript import Transcript
    from sansio_eio.testing.wires import Conditions, Wires

#: Who asks, in the block that is set aside for private use, and none of the clients.
REMOTE = "10.255.0.1"


class PlainRequest:
    """One request on a connection of its own, which ends with the response."""

    def __init__(
        self,
        wires: Wires,
        transcript: Transcript,
        conditions: Conditions,
        method: str,
        target: str,
        headers: Pairs,
        body: bytes,
    ) -> None:
        if not (method.isascii() and method.isalpha()):
            raise LocalProtocolError(f'a method is a word such as "GET", not {method!r}')
        if not (target.isascii() and target.isprintable()) or target[:1] not in ("/", "*") or set(target) & set(" #"):
            raise LocalProtocolError(f'a target is a path such as "/page?x=1", not {target!r}')
        data = encode_request(method, target, request_headers(headers), body)
        self._transcript = transcript
        self._reader = ResponseReader(method)
        #: The response, None when there is none yet, or none came.
        self.response: Response | None = None
        #: Nothing more comes.
        self.over = False
        self._record("->", f"{method} {target}")
        self._link = Link(wires, conditions, self, remote=REMOTE)
        self._link.send(data)

    def data_received(self, data: bytes) -> None:
        """See `Receiver`."""
        self.response = self._reader.feed(data)
        if self.response is not None:
            self._record("<-", str(self.response.status))
            self.over = True
            self._link.close()

    def connection_lost(self) -> None:
        """See `Receiver`."""
        self._record("<-", "lost")
        self.over = True

    def _record(self, arrow: str, text: str) -> None:
        self._transcript.add("-", arrow, "http", text)
