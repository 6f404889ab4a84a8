"""A web in memory between clients and a server, on their parsed faces: requests and messages, no bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, assert_never

from sansio_eio.engineio import (
    AcceptWebSocket,
    Application,
    Channel,
    ClientApplication,
    CloseChannel,
    OpenWebSocket,
    Outgoing,
    Request,
    Respond,
    Response,
    SendMessages,
    SendRequest,
    SetReading,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Exchange:
    """One HTTP exchange or WebSocket, with a channel at each end."""

    def __init__(self, client: ClientApplication, mine: Channel, request: Request, *, websocket: bool) -> None:
        self.client = client
        self.mine = mine
        self.theirs: Channel | None = None
        self.request = request
        self.websocket = websocket
        #: Nothing is carried any more.
        self.over = False


class Web:
    """Carries what clients and a server say to each other, one thing at a time, and turns the clock."""

    def __init__(self, server: Application) -> None:
        self.server = server
        self.clients: list[ClientApplication] = []
        self.now = 0.0
        self.exchanges: list[Exchange] = []
        #: Nothing of a client reaches the server any more, nor the other way round.
        self.is_dead = False
        self._jobs: deque[Callable[[], None]] = deque()
        #: All requests that were sent.
        self.requests: list[Request] = []
        #: All packets on WebSockets, in the direction of the arrow.
        self.frames: list[tuple[str, str | bytes]] = []

    # -- running ---------------------------------------------------------------------------------------------------

    def add(self, client: ClientApplication) -> None:
        """Carry what this client says, too."""
        self.clients.append(client)

    def settle(self) -> None:
        """Carry everything that there is to be carried, and run all handlers."""
        for _ in range(100_000):
            if not self.step():
                return
        raise AssertionError("it never ends")

    def step(self) -> bool:
        """Do one thing; False when there is none."""
        self._collect()
        if not self._jobs:
            return False
        self._jobs.popleft()()
        return True

    def advance(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        end = self.now + seconds
        self.settle()
        while True:
            due = [when for each in self._everybody() if (when := each.next_deadline()) is not None]
            if not due or min(due) > end:
                break
            self.now = max(self.now, min(due))
            for each in self._everybody():
                each.advance(now=self.now)
            self.settle()
        self.now = end
        for each in self._everybody():
            each.advance(now=end)
        self.settle()

    def cut(self) -> None:
        """All connections are lost."""
        for exchange in list(self.exchanges):
            self.lose(exchange)

    def lose(self, exchange: Exchange) -> None:
        """This connection is lost: both sides are told, and nothing that was under way arrives."""
        self._end(exchange)
        exchange.client.channel_closed(exchange.mine, now=self.now, error=ConnectionResetError("lost"))
        if exchange.theirs is not None:
            self.server.channel_closed(exchange.theirs, now=self.now)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _everybody(self) -> list[Application | ClientApplication]:
        return [self.server, *self.clients]

    def _collect(self) -> None:
        for each in self._everybody():
            deadline = each.next_deadline()
            if deadline is not None and deadline <= self.now:
                each.advance(now=self.now)
            for runnable in each.take_runnable():
                rest = runnable.step()
                assert rest is None, "only plain handlers run here"
        for client in self.clients:
            for channel in client.take_ready():
                for asked in client.take_actions(channel):
                    self._from_client(client, channel, asked)
        for channel in self.server.take_ready():
            for action in self.server.take_actions(channel):
                self._from_server(channel, action)

    def _from_client(
        self,
        client: ClientApplication,
        channel: Channel,
        action: SendRequest | OpenWebSocket | SendMessages | CloseChannel | SetReading,
    ) -> None:
        exchange = channel.owner
        match action:
            case SendRequest() | OpenWebSocket():
                self.requests.append(action.request)
                exchange = Exchange(client, channel, action.request, websocket=isinstance(action, OpenWebSocket))
                channel.owner = exchange
                self.exchanges.append(exchange)
                self._jobs.append(partial(self._arrive, exchange))
            case SendMessages():
                assert isinstance(exchange, Exchange)
                for packet in _packets(action.outgoing):
                    self.frames.append(("->", packet))
                    self._jobs.append(partial(self._message_to_server, exchange, packet))
            case CloseChannel():
                assert isinstance(exchange, Exchange)
                self._jobs.append(partial(self._close_from_client, exchange))
            case SetReading():
                pass
            case _:
                assert_never(action)

    def _from_server(
        self, channel: Channel, action: AcceptWebSocket | Respond | SendMessages | CloseChannel | SetReading
    ) -> None:
        exchange = channel.owner
        assert isinstance(exchange, Exchange)
        match action:
            case AcceptWebSocket():
                self._jobs.append(partial(self._accept, exchange, Response(101, action.headers)))
            case Respond():
                response = replace(
                    action.response, headers=[(name.lower(), value) for name, value in action.response.headers]
                )
                self._jobs.append(partial(self._respond, exchange, response))
            case SendMessages():
                for packet in _packets(action.outgoing):
                    self.frames.append(("<-", packet))
                    self._jobs.append(partial(self._message_to_client, exchange, packet))
            case CloseChannel():
                self._jobs.append(partial(self._close_from_server, exchange))
            case SetReading():
                pass
            case _:
                assert_never(action)

    def _arrive(self, exchange: Exchange) -> None:
        if exchange.over:
            return
        if self.is_dead:
            self._end(exchange)
            exchange.client.channel_closed(exchange.mine, now=self.now, error=ConnectionRefusedError("nobody there"))
            return
        channel = exchange.theirs = self.server.open_channel(exchange)
        request = replace(exchange.request, headers=[*exchange.request.headers, ("host", "server")])
        if exchange.websocket:
            self.server.websocket_requested(channel, request, now=self.now)
        else:
            self.server.request_received(channel, request, now=self.now)

    def _message_to_server(self, exchange: Exchange, packet: str | bytes) -> None:
        if not exchange.over and exchange.theirs is not None:
            self.server.message_received(exchange.theirs, packet, now=self.now)

    def _message_to_client(self, exchange: Exchange, packet: str | bytes) -> None:
        if not exchange.over:
            exchange.client.message_received(exchange.mine, packet, now=self.now)

    def _accept(self, exchange: Exchange, response: Response) -> None:
        if not exchange.over:
            exchange.client.websocket_accepted(exchange.mine, response, now=self.now)

    def _respond(self, exchange: Exchange, response: Response) -> None:
        if not exchange.over:
            self._end(exchange)
            exchange.client.response_received(exchange.mine, response, now=self.now)

    def _close_from_client(self, exchange: Exchange) -> None:
        if not exchange.over:
            self._end(exchange)
            if exchange.theirs is not None:
                self.server.channel_closed(exchange.theirs, now=self.now)

    def _close_from_server(self, exchange: Exchange) -> None:
        if not exchange.over:
            self._end(exchange)
            exchange.client.channel_closed(exchange.mine, now=self.now)

    def _end(self, exchange: Exchange) -> None:
        exchange.over = True
        self.exchanges.remove(exchange)


def _packets(outgoing: list[Outgoing]) -> list[str | bytes]:
    return [packet for each in outgoing for packet in each.packets]
