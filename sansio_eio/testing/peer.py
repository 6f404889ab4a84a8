"""An Engine.IO client (revision 4) that talks bytes: polling, WebSocket, and the upgrade from one to the other.

It does what the reference client does, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias
from urllib.parse import urlencode

from sansio_eio.engineio import packets
from sansio_eio.engineio.outgoing import SEPARATOR, Outgoing
from sansio_eio.engineio.reasons import FORCED_CLOSE, PING_TIMEOUT, TRANSPORT_CLOSE, TRANSPORT_ERROR
from sansio_eio.errors import LocalProtocolError
from sansio_eio.testing.exchange import Exchange, WebSocket
from sansio_eio.testing.responses import check_pairs, header_of, request_headers
from sansio_eio.testing.transcript import describe
from sansio_eio.testing.wires import Conditions, Link

if TYPE_CHECKING:
    from sansio_eio.deadlines import Deadlines
    from sansio_eio.engineio import Response
    from sansio_eio.testing.responses import Pairs
    from sansio_eio.testing.transcript import Transcript
    from sansio_eio.testing.wires import Receiver, Wires

#: How a client connects: by polling and then the upgrade to a WebSocket, as clients do when they are told nothing;
#: or by one of the two alone.
Transport: TypeAlias = Literal["upgrade", "polling", "websocket"]


@dataclass(slots=True)
class ConnectError:
    """Why a client did not get in: a namespace refused it, or the HTTP request was answered with an error.

    `data` is that of the application's ConnectionRefused, or the body of the HTTP response; `status` the status of that
    response, None where a namespace said no.
    """

    message: str
    data: Any = None
    status: int | None = None


class PeerListener(Protocol):
    """Who is told what happens to a connection."""

    def opened(self) -> None:
        """The session is open."""

    def message(self, data: str | bytes) -> None:
        """A message came."""

    def closed(self, reason: str, error: ConnectError | None) -> None:
        """It is over, for this reason; `error` when it had not even begun. The last call."""


class Peer:
    """One client's Engine.IO session, and the connections that it lives on."""

    def __init__(
        self,
        wires: Wires,
        timers: Deadlines,
        transcript: Transcript,
        conditions: Conditions,
        *,
        name: str,
        remote: str,
        path: str,
        query: Pairs,
        headers: Pairs,
        transport: Transport,
    ) -> None:
        if transport not in ("upgrade", "polling", "websocket"):
            raise LocalProtocolError(f'a transport is "upgrade", "polling" or "websocket", not {transport!r}')
        self.name = name
        self.conditions = conditions
        self._listener: PeerListener
        #: "opening", "open", "closing" or "closed".
        self.state = "opening"
        #: What the session is on now, "polling" or "websocket".
        self.transport = "websocket" if transport == "websocket" else "polling"
        #: Pings are not answered.
        self._silent = False
        #: One came meanwhile.
        self._owes_pong = False
        #: The connections that are not dead.
        self.links: list[Link] = []
        self._wires = wires
        self._timers = timers
        self._transcript = transcript
        self._remote = remote
        self._path = path
        self._query = check_pairs(query, "query parameters")
        self._headers = request_headers(headers)
        self._upgrades = transport == "upgrade"
        self._sid = ""
        self._patience = 0.0
        self._max_payload = 0
        self._outbox: list[str | bytes] = []
        #: The two requests that can be under way at the same time.
        self.poll = Exchange(self._dial, self._headers)
        self.post = Exchange(self._dial, self._headers)
        self._websocket: WebSocket | None = None
        self._candidate: WebSocket | None = None
        #: The candidate has been answered: no more polls and POSTs.
        self._upgrading = False

    # What the client does

    def start(self, listener: PeerListener) -> None:
        """Shake hands. Call it once, before anything else."""
        self._listener = listener
        if self.transport == "websocket":
            self._websocket = self._open_websocket()
        else:
            self._send_poll()

    def send(self, *messages: str | bytes) -> None:
        """Send messages, together; nothing happens behind the end."""
        if self.state != "open":
            return
        self._send_packets([packets.MESSAGE + data if isinstance(data, str) else data for data in messages])

    def close(self) -> None:
        """Say goodbye, behind what has been sent."""
        if self.state == "opening":
            self._end(FORCED_CLOSE, abort=True)
        elif self.state == "open":
            self.state = "closing"
            self._flush()

    # Faults

    def note(self, text: str) -> None:
        """A fault, for the transcript."""
        self._transcript.add(self.name, "!!", "", text)

    def cut(self) -> None:
        """All connections die."""
        for link in self._living():
            link.cut()

    def stall(self) -> None:
        """Read nothing more."""
        self.conditions.stalled = True
        for link in self._living():
            link.stall()

    def silence(self) -> None:
        """Answer no more pings."""
        self._silent = True

    def resume(self) -> None:
        """Read again, and answer pings, also the one that has come: it waited for a client that was busy elsewhere."""
        self.conditions.stalled = self._silent = False
        for link in self._living():
            link.resume()
        if self._owes_pong and self.state == "open":
            self._send_packets([packets.PONG])
        self._owes_pong = False

    def drop_poll(self) -> None:
        """The response to the next poll is lost, and the connection with it."""
        link = self.poll.link
        if link is None:
            raise LocalProtocolError(f"{self.name} is not polling")
        link.loses_next = True

    def duplicate_poll(self) -> None:
        """Poll while a poll is under way."""
        if self.poll.link is None or not self._sid:
            raise LocalProtocolError(f"{self.name} is not polling")
        second = Exchange(self._dial, self._headers)
        target = self._target("polling")
        self._record("->", "poll", f"GET {target}")

        def done(response: Response | None) -> None:
            self._record("<-", "poll", "lost" if response is None else str(response.status))

        second.request("GET", target, b"", done)
        second.close(abort=False)

    # Polling

    def _send_poll(self) -> None:
        target = self._target("polling")
        self._record("->", "poll", f"GET {target}")
        self.poll.request("GET", target, b"", self._polled)

    def _polled(self, response: Response | None) -> None:
        success = self._check("poll", response)
        if success is None:
            return
        for packet in packets.decode_payload(success.body, len(success.body) + 1):
            self._record("<-", "poll", describe(packet))
            self._packet_received(packet)
        if self.state == "closed":
            return
        if self._upgrading:
            self._complete_upgrade()
        else:
            self._send_poll()

    def _send_post(self, payload: list[str | bytes]) -> None:
        target = self._target("polling")
        self._record("->", "post", f"POST {target}")
        for packet in payload:
            self._record("->", "post", describe(packet))
        body = SEPARATOR.join([Outgoing((packet,)).payload for packet in payload])
        self.post.request("POST", target, body, self._posted)

    def _posted(self, response: Response | None) -> None:
        if self._check("post", response) is None:
            return
        if self._upgrading:
            self._complete_upgrade()
        else:
            self._flush()

    def _check(self, label: str, response: Response | None) -> Response | None:
        """The response, None for one behind which there is no going on."""
        self._record("<-", label, "lost" if response is None else str(response.status))
        if self.state == "closed":
            return None
        if response is None or response.status != 200:
            self._fail(response, f"xhr {label} error")
            return None
        return response

    # WebSocket

    def websocket_opened(self, websocket: WebSocket) -> None:
        """See `WebSocketOwner`."""
        self._record("<-", "ws", "101")
        if websocket is self._candidate:
            self._send_on(websocket, packets.PROBE)

    def websocket_message(self, websocket: WebSocket, data: str | bytes) -> None:
        """See `WebSocketOwner`."""
        self._record("<-", "ws", describe(data))
        if websocket is not self._candidate:
            self._packet_received(data)
        else:
            # The answer to the probe: a server sends nothing else here.
            self._upgrading = True
            self._complete_upgrade()

    def websocket_closed(self, websocket: WebSocket, refusal: Response | None) -> None:
        """See `WebSocketOwner`."""
        self._record("<-", "ws", "closed" if refusal is None else str(refusal.status))
        if websocket is self._candidate:
            self._candidate = None
            if self._upgrading:
                self._upgrading = False
                if not self.poll.busy:
                    self._send_poll()
                self._flush()
        elif self.state == "opening":
            self._fail(refusal, "websocket error")
        else:
            self._end(TRANSPORT_CLOSE)

    def _open_websocket(self) -> WebSocket:
        target = self._target("websocket")
        self._record("->", "ws", f"GET {target}")
        return WebSocket(self, self._dial, target, self._headers)

    def _complete_upgrade(self) -> None:
        candidate = self._candidate
        if candidate is None or self.poll.busy or self.post.busy:
            return
        self._send_on(candidate, packets.UPGRADE)
        self._websocket, self._candidate = candidate, None
        self._upgrading = False
        self.transport = "websocket"
        self.poll.close(abort=False)
        self.post.close(abort=False)
        self._flush()

    # Packets

    def expire(self, *, now: float) -> None:
        """The server has not pinged for too long."""
        self._end(PING_TIMEOUT, abort=True)

    def _packet_received(self, packet: str | bytes) -> None:
        if self.state == "closed":
            return
        if isinstance(packet, bytes):
            self._listener.message(packet)
            return
        kind, data = packet[:1], packet[1:]
        if kind == packets.MESSAGE:
            self._listener.message(data)
        elif kind == packets.BASE64:
            self._listener.message(packets.decode_base64(data))
        elif kind == packets.PING:
            self._timers.at(self, self._wires.clock() + self._patience)
            if self._silent:
                self._owes_pong = True
            else:
                self._send_packets([packets.PONG])
        elif kind == packets.OPEN:
            self._open(loads(data))
        elif kind == packets.CLOSE:
            self._end(TRANSPORT_CLOSE)

    def _open(self, handshake: dict[str, Any]) -> None:
        self.state = "open"
        self._sid = handshake["sid"]
        self._max_payload = handshake["maxPayload"]
        self._patience = (handshake["pingInterval"] + handshake["pingTimeout"]) / 1000
        self._timers.at(self, self._wires.clock() + self._patience)
        self._listener.opened()
        self._flush()
        if self._upgrades and "websocket" in handshake["upgrades"]:
            self._candidate = self._open_websocket()

    def _send_packets(self, more: list[str | bytes]) -> None:
        self._outbox += more
        self._flush()

    def _flush(self) -> None:
        if self._upgrading:
            return
        if self._websocket is not None:
            waiting, self._outbox = self._outbox, []
            for packet in waiting:
                self._send_on(self._websocket, packet)
        elif self.post.busy:
            return
        elif self._outbox:
            self._send_post(self._take_payload())
            return
        if self.state == "closing":
            self._say_goodbye()

    def _take_payload(self) -> list[str | bytes]:
        """As many packets as the server takes in one POST, and at least one."""
        size = count = 0
        for packet in self._outbox:
            size += len(Outgoing((packet,)).payload) + len(SEPARATOR)
            if count and size > self._max_payload:
                break
            count += 1
        payload, self._outbox = self._outbox[:count], self._outbox[count:]
        return payload

    def _say_goodbye(self) -> None:
        if self._websocket is None:
            self._send_post([packets.CLOSE])
        self._end(FORCED_CLOSE)

    # The end

    def _fail(self, response: Response | None, message: str) -> None:
        error = ConnectError(message) if self.state == "opening" else None
        if error is not None and response is not None:
            is_json = header_of(response, "content-type") == "application/json"
            error.data = loads(response.body) if is_json else response.body.decode()
            error.status = response.status
        self._end(TRANSPORT_ERROR, error, abort=True)

    def _end(self, reason: str, error: ConnectError | None = None, *, abort: bool = False) -> None:
        self.state = "closed"
        self._timers.cancel(self)
        self.poll.close(abort=abort)
        self.post.close(abort=abort)
        for websocket in (self._candidate, self._websocket):
            if websocket is not None and not websocket.over:
                self._record("->", "ws", "close")
                websocket.close()
        self._listener.closed(reason, error)

    # Helpers

    def _dial(self, receiver: Receiver) -> Link:
        link = Link(self._wires, self.conditions, receiver, remote=self._remote)
        self.links = [*self._living(), link]
        return link

    def _living(self) -> list[Link]:
        return [link for link in self.links if not link.dead]

    def _target(self, transport: str) -> str:
        own = [("EIO", "4"), ("transport", transport), *([("sid", self._sid)] if self._sid else [])]
        return f"{self._path}?{urlencode([*own, *self._query])}"

    def _send_on(self, websocket: WebSocket, packet: str | bytes) -> None:
        self._record("->", "ws", describe(packet))
        websocket.send(packet)

    def _record(self, arrow: str, label: str, text: str) -> None:
        self._transcript.add(self.name, arrow, label, text)
