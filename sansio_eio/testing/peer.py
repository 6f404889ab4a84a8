"""A client in the network: what drives it, its connections, and what may happen to them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sansio_eio.errors import LocalProtocolError
from sansio_eio.http import ClientConnection, ClientEndpoint
from sansio_eio.socketio import Client
from sansio_eio.socketio.link import LinkState
from sansio_eio.testing.borrowed import borrow_errors
from sansio_eio.testing.driver import Driver
from sansio_eio.testing.tap import Tap
from sansio_eio.testing.wires import Conditions, End, Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio import EngineClient, Pending, Request
    from sansio_eio.testing.tap import Answer
    from sansio_eio.testing.transcript import Transcript
    from sansio_eio.testing.wires import Wires


class Peer:
    """A client, as the network sees it. For its endpoint it is the client."""

    def __init__(
        self,
        client: Client | EngineClient,
        wires: Wires,
        transcript: Transcript,
        conditions: Conditions,
        report: Callable[[Exception, str], None],
        *,
        name: str,
        remote: str,
    ) -> None:
        self.name = name
        self.conditions = conditions
        self.client = client
        self._wires = wires
        self._transcript = transcript
        self._remote = remote
        self._links: list[Link] = []
        self.engine = self._tap = Tap(client.engine, self._record)
        self.endpoint = ClientEndpoint(self, owner=self._begin, token_bytes=wires.token_bytes)
        self.driver = Driver(self.endpoint, wires.loop)
        self._report = report
        self._undo = [borrow_errors(client.engine, self.driver.pump, self._collect)]

    @property
    def state(self) -> str:
        """Where its session is: "opening", "open", "upgrading", "closing", "closed"; or "waiting" to try it again."""
        client = self.client
        if isinstance(client, Client) and client.link.state is LinkState.WAITING:
            return "waiting"
        return client.engine.state.value

    @property
    def transport(self) -> str:
        """What its session is on, or was: "polling" or "websocket"; "" before the first one."""
        session = self._tap.session
        return "" if session is None else session.transport

    # Drivable, for the endpoint, and for the network

    def open(self) -> Pending[None]:
        """Connect."""
        return self.client.open()

    def close(self) -> None:
        """End the session, and do not come back."""
        self.client.close()

    def flush(self) -> None:
        """What the client has to send is on its way, in the order in which the test has asked for it."""
        self.driver.pump.pump()

    def ask(self, request: Request) -> Answer:
        """Send a request that is none of the client's."""
        answer = self._tap.ask(request, "http")
        self.flush()
        return answer

    def borrow(self, chance: Callable[[], float]) -> None:
        """The client is not of the network's making: leave nothing of it to chance until it is given back."""
        settings = self.client.engine.settings
        self._undo.append(partial(setattr, settings, "timestamp_requests", settings.timestamp_requests))
        settings.timestamp_requests = False
        if isinstance(self.client, Client):
            backoff = self.client.link.backoff
            self._undo.append(partial(setattr, backoff, "jitter", backoff.jitter))
            backoff.jitter = chance

    def leave(self) -> None:
        """The client is through with the network, and its own again."""
        self.endpoint.cut()
        self.flush()
        self.endpoint.install(None)
        for undo in self._undo:
            undo()

    # Faults

    def note(self, text: str) -> None:
        """A fault, for the transcript."""
        self._record("!!", "", text)

    def cut(self) -> None:
        """All connections die."""
        self.flush()
        for link in self._living():
            link.cut()

    def stall(self, stalled: bool) -> None:
        """Read nothing more, or read again."""
        self.conditions.stalled = stalled
        for link in self._living():
            link.stall(stalled)

    def silence(self) -> None:
        """Answer no more pings."""
        self._tap.silent = True

    def resume(self) -> None:
        """Read again, and answer pings, also the one that has come: it waited for a client that was busy elsewhere."""
        self.stall(False)
        self._tap.end_silence(now=self._wires.loop.time())
        self.flush()

    def drop_poll(self) -> None:
        """The response to the poll that is under way is lost, and the connection with it."""
        self._polling_end().loses_next = True

    def duplicate_poll(self) -> None:
        """Poll while a poll is under way."""
        engine, session = self.client.engine, self.client.engine.session
        self._polling_end()
        if session is None or not session.sid:
            raise self._not_polling()
        self._tap.ask(engine.make_request("GET", "polling", session.sid), "poll")
        self.flush()

    # Inside

    def _collect(self, error: Exception, where: str) -> None:
        self._report(error, f"{where} of {self.name}")

    def _begin(self, connection: ClientConnection) -> End:
        link = Link(self._wires, self.conditions, self._remote, self.driver, connection)
        self._links = [*self._living(), link]
        return link.near

    def _living(self) -> list[Link]:
        return [link for link in self._links if not link.dead]

    def _polling_end(self) -> End:
        """The server's end of the connection with the poll."""
        self.flush()
        channel = self._tap.poll
        for link in self._living():
            if channel is not None and link.near.connection is channel.owner and link.far is not None:
                return link.far
        raise self._not_polling()

    def _not_polling(self) -> LocalProtocolError:
        return LocalProtocolError(f"{self.name} is not polling")

    def _record(self, arrow: str, label: str, text: str) -> None:
        self._transcript.add(self.name, arrow, label, text)
