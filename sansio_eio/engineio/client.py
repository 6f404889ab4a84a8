"""An Engine.IO client: one session at a time, and what a driver has to do for it."""

from __future__ import annotations

import logging
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import urlencode

from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio import packets
from sansio_eio.engineio.actions import CloseChannel
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.client_events import ClientEvent, ClientListener, ClientOwner, ConnectError
from sansio_eio.engineio.client_mailbox import ClientMailbox
from sansio_eio.engineio.client_polling import NO_PAYLOAD
from sansio_eio.engineio.client_session import ClientSession
from sansio_eio.engineio.client_settings import ClientSettings, EngineClientOptions, check_headers, check_query
from sansio_eio.engineio.client_states import ClientState
from sansio_eio.engineio.client_url import parse_url
from sansio_eio.engineio.cookies import CookieJar
from sansio_eio.engineio.core import Core
from sansio_eio.engineio.handler_host import HandlerHost
from sansio_eio.engineio.handlers import HandlerTable
from sansio_eio.engineio.pending import Pending
from sansio_eio.engineio.reasons import FORCED_CLOSE
from sansio_eio.engineio.requests import Request
from sansio_eio.engineio.revision import BINARY, REVISION_3, REVISION_4
from sansio_eio.engineio.settings import normal_path
from sansio_eio.errors import LocalProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.actions import ClientAction
    from sansio_eio.engineio.channel import Channel
    from sansio_eio.engineio.mailbox import Mailbox
    from sansio_eio.engineio.requests import Response
    from sansio_eio.engineio.revision import Payload
    from sansio_eio.engineio.runtime import Runtime

logger = logging.getLogger("sansio_eio")

EVENTS = ("open", "ping", "message", "close", "error")


class ClientHost(HandlerHost):
    """The host of a client's handlers."""

    __slots__ = ("_client",)

    def __init__(self, client: EngineClient) -> None:
        super().__init__(client)
        self._client = client

    def close(self) -> None:
        """Close the client."""
        owner = self._client.owner
        if owner is None:
            self._client.close()
        else:
            owner.close()


class EngineClient(Core):
    """An Engine.IO client: one session at a time, over long-polling and WebSocket, in revision 4 or 3 of the protocol.

    As a product of its own it is given handlers and connected by a driver::

        client = EngineClient("http://127.0.0.1:3000")


        @client.on("message")
        def received(data): ...


        async with sansio_eio_asyncio.connect(client):
            client.send("hello")

    Its events, for `on`, with `def` or `async def` handlers that are called in the order of the wire:

    * "open"; "message" with the `str` or `bytes`;
    * "ping" when the server has sent one and been answered; in revision 3, when it has answered one;
    * "close" with the reason: "forced close" (by `close`), "ping timeout", "transport close", "transport error";
    * "error" with a `ConnectError`: the session could not be opened.

    `url` begins with http, https, ws or wss. Its user and password, if it has them, are sent with every request; so is
    its query. `path` is where the server is mounted. The options are those of `EngineClientOptions`. Raises
    LocalProtocolError for a URL or an option that makes no sense.

    The option `protocol` says which revision is spoken: 4; or 3, for servers of engine.io 1.x to 3.x, as those of
    Socket.IO 1.x and 2.x are. "auto" asks for 4, and speaks 3 when the server answers in that way; and a server that
    says that it does not know the revision is asked once more, for the other one. `ClientSession.protocol` has what
    came of it. This tells only where a session begins with polling: on a WebSocket an old server looks like a new one,
    and its session ends for want of pings.

    As a state machine it implements `ClientApplication`: call `open`, then drain it and feed it what comes of that.
    """

    def __init__(self, url: str, *, path: str = "/engine.io/", **options: Unpack[EngineClientOptions]) -> None:
        parsed = parse_url(url)
        self.settings = ClientSettings(**options)
        super().__init__(max_concurrent=self.settings.max_concurrent)
        #: Where the driver connects to.
        self.address = parsed.address
        self.path = normal_path(path)
        #: The session, None while there is none.
        self.session: ClientSession | None = None
        self.handlers = HandlerTable()
        #: The last session had a WebSocket.
        self.remembers_websocket = False
        #: With "auto": the server has been found to be an old one.
        self._expects_older = False
        self._url_query = parsed.query
        self._authorization = parsed.authorization
        self._cookies = CookieJar()
        #: Of the session: what its options or the functions in their place have given.
        self._query: dict[str, str] = {}
        self._headers: list[tuple[str, str]] = []
        #: The driver is about to go, or has gone: there is nobody to open a session for.
        self.leaving = False
        self._paused = False
        #: Of sessions that have ended, by the POST that says so.
        self._last_polls: dict[Channel, Channel] = {}
        self._pending: Pending[None] | None = None
        self._mailbox = ClientMailbox(self)
        #: Its own, or those of the protocol above.
        self._mailboxes: tuple[Mailbox[Any], ...] = (self._mailbox,)
        #: Who is told of the sessions.
        self.listener: ClientListener = self._mailbox
        #: The protocol above, when there is one.
        self.owner: ClientOwner | None = None
        #: For the handlers of all sessions, since they may outlive one.
        self.host = ClientHost(self)

    def __repr__(self) -> str:
        return f"<EngineClient of {self.address.authority} {self.state.value}>"

    @property
    def engine(self) -> EngineClient:
        """Itself: what a driver connects (see `Connectable`)."""
        return self

    @property
    def max_message_size(self) -> int:
        """See `ClientApplication.max_message_size`."""
        return self.settings.max_message_size

    @property
    def state(self) -> ClientState:
        """Where its session is, CLOSED while there is none."""
        # Looked at once: in threads, it may end meanwhile.
        session = self.session
        return ClientState.CLOSED if session is None else session.state

    # -- for the application ---------------------------------------------------------------------------------------

    def handler_table(self, event: str | float) -> HandlerTable:
        if event not in EVENTS:
            raise LocalProtocolError(f"a client of Engine.IO has the events {', '.join(EVENTS)}, not {event!r}")
        if self.owner is not None:
            raise LocalProtocolError("the sessions of this client belong to a Socket.IO client: use its sockets")
        return self.handlers

    @atomic
    def open(self) -> Pending[None]:
        """Connect. The result is done when the session is open; it fails with ConnectError when that cannot be.

        Raises LocalProtocolError while there is a session that is not closed, and while the driver is leaving.
        """
        if self.leaving and self.runtime is not None:
            raise LocalProtocolError("the driver of this client is leaving")
        if self.session is not None:
            raise LocalProtocolError(f"the client is {self.state.value} already")
        pending = self._pending = Pending[None](self)
        settings = self.settings
        transports = list(settings.transports)
        if settings.remember_upgrade and self.remembers_websocket and "websocket" in transports:
            transports.sort(key=lambda name: name != "websocket")
        self.remembers_websocket = False
        # Polling finds out by itself, whatever the last server was.
        older = self.settings.protocol == 3 or (self._expects_older and transports[0] == "websocket")
        session = self.session = ClientSession(self, transports, REVISION_3 if older else REVISION_4)
        session.paused = self._paused
        try:
            self._headers, self._query = self._ask_options()
        except Exception as error:
            self.report(error, "the function for the headers or the query")
            failure = ConnectError("client error")
            failure.__cause__ = error
            session.end(FORCED_CLOSE, failure)
        else:
            session.open()
        return pending

    def send(self, data: str | bytes | bytearray | memoryview, *, compress: bool = True) -> bool:
        """Queue a message; never waits. While the session is being opened, it waits for that.

        False when it will not be sent: there is no session, it is closing, or `max_outbound` is reached; to go at the
        pace of the server, `await client.drain()`. Raises LocalProtocolError for a message that is larger than that or
        than the server takes, or not `str` or `bytes`, and over polling (of revision 4) for a text with U+001E, which
        separates the packets there; nothing has changed then.
        """
        message = packets.as_message(data)
        session = self.session
        if session is None:
            return False
        if session.transport == "polling":
            session.revision.check_polled(message)
        return session.send_packet(packets.messages((message,), compress=compress))

    def drain(self) -> Pending[None]:
        """Done when the server has taken most of what waits for it, or the session has ended."""
        session = self.session
        if session is not None:
            return session.drain()
        pending = Pending[None](self)
        pending.resolve(None)
        return pending

    @property
    def buffered(self) -> int:
        """Bytes that wait for the server to take them."""
        session = self.session
        return 0 if session is None else session.buffered

    @atomic
    def close(self) -> None:
        """End the session: what is queued is still delivered, within `close_timeout`. Nothing happens without one."""
        if self.session is not None:
            self.session.close()

    def next_event(self) -> ClientEvent | None:
        """The oldest event, for a program that handles events itself; None when there is none left."""
        return self._mailbox.next_event()

    # -- ClientApplication: inputs ---------------------------------------------------------------------------------

    def response_received(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication.response_received`."""
        self.now = now
        self._store_cookies(response)
        self._release_polls(channel)
        if self.session is not None:
            self.session.response_received(channel, response, now=now)

    def websocket_accepted(self, channel: Channel, response: Response, *, now: float) -> None:
        """See `ClientApplication.websocket_accepted`."""
        self.now = now
        self._store_cookies(response)
        if self.session is not None:
            self.session.websocket_accepted(channel)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """See `ClientApplication.message_received`."""
        self.now = now
        if self.session is not None:
            self.session.message_received(channel, data, now=now)

    def channel_closed(self, channel: Channel, *, now: float, error: Exception | None = None) -> None:
        """See `ClientApplication.channel_closed`."""
        self.now = now
        self._release_polls(channel)
        if self.session is not None:
            self.session.channel_lost(channel, error)

    # -- ClientApplication: drains ---------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """See `ClientApplication.over`."""
        return self.session is None and not self._ready

    def take_actions(self, channel: Channel) -> list[ClientAction]:
        """See `ClientApplication.take_actions`."""
        return self._hand_over(channel, self.session)

    def leave(self) -> None:
        """See `ClientApplication.leave`."""
        self.leaving = True

    def install(self, runtime: Runtime | None) -> None:
        """See `ClientApplication.install`."""
        super().install(runtime)
        self.leaving = runtime is None
        if runtime is None:
            # Nobody carries anything any more, and the next driver may have another clock.
            self.host.close()
            if self.session is not None:
                self.session.end(FORCED_CLOSE)
            self._ready.clear()
            self._last_polls.clear()
            self._runnable.clear()
            self.deadlines = Deadlines()
            # Handlers that have not begun never will, and must not count for the next driver.
            self.host = ClientHost(self)
            for mailbox in self._mailboxes:
                mailbox.interrupt()
        else:
            # A client may have one driver after another: what the last one left is handled by this one.
            for mailbox in self._mailboxes:
                mailbox.resume()

    # -- for the session and the protocol above --------------------------------------------------------------------

    def attach(self, owner: ClientOwner, *mailboxes: Mailbox[Any]) -> None:
        """Give the sessions to the protocol above; its `close` is what `OnError.CLOSE` calls."""
        self.listener = self.owner = owner
        self._mailboxes = mailboxes

    def pause(self, paused: bool) -> None:
        """The application does not keep up: stop reading (True), or go on (False). With the lock held."""
        self._paused = paused
        if self.session is not None:
            self.session.pause(paused)

    def release_behind(self, goodbye: Channel, poll: Channel) -> None:
        """A session has ended with this POST: give its poll up when that has been answered, if not before."""
        self._last_polls[goodbye] = poll

    @atomic
    def expect_older(self, older: bool) -> None:
        """What has been found out, with "auto": on a WebSocket, the next session begins with revision 3, or with 4."""
        self._expects_older = older

    def make_request(self, method: str, transport: str, sid: str, payload: Payload = NO_PAYLOAD) -> Request:
        """A request of the session on this transport; without an id, its first."""
        assert self.session is not None
        query = {**self._url_query, **self._query}
        query.pop("sid", None)
        query |= {"EIO": str(self.session.protocol), "transport": transport}
        if sid:
            query["sid"] = sid
        if self.settings.timestamp_requests and transport == "polling":
            query[self.settings.timestamp_param] = token_urlsafe(6)
        headers = list(self._headers)
        if self._authorization is not None and not any(name == "authorization" for name, _ in headers):
            headers.append(("authorization", self._authorization))
        cookies = self._cookies.header(path=self.path, secure=self.address.secure, now=self.now)
        if cookies:
            headers = [(name, value) for name, value in headers if name != "cookie"]
            own = next((value for name, value in self._headers if name == "cookie"), "")
            headers.append(("cookie", f"{own}; {cookies}" if own else cookies))
        if payload.body:
            headers.append(("content-type", BINARY if payload.binary else "text/plain;charset=UTF-8"))
        # A lone surrogate has no place in a URL, and must not be an error of ours.
        return Request(method, self.path, urlencode(query, errors="replace"), headers, payload.body)

    def opened(self, session: ClientSession) -> None:
        """The session is open."""
        self.remembers_websocket = session.transport == "websocket"
        self._settle(None)
        self.listener.opened()

    def failed(self, error: ConnectError) -> None:
        """The session could not be opened."""
        self.session = None
        self._settle(error)
        self.listener.failed(error)

    def closed(self, reason: str, error: Exception | None) -> None:
        """The session had been open, and is over."""
        self.session = None
        if error is not None:
            # The reason alone does not tell a limit of this client from a cable that was pulled.
            logger.info("the session with %s has ended, %s: %s", self.address.authority, reason, error)
        self.listener.closed(reason, error)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _release_polls(self, answered: Channel) -> None:
        """A channel has had its answer, or none will come."""
        if not self._last_polls:
            return
        poll = self._last_polls.pop(answered, None)
        if poll is not None:
            # There are servers that never answer it.
            self.act(poll, CloseChannel(poll))
        self._last_polls = {post: poll for post, poll in self._last_polls.items() if poll is not answered}

    def _settle(self, error: ConnectError | None) -> None:
        pending, self._pending = self._pending, None
        assert pending is not None
        if error is None:
            pending.resolve(None)
        else:
            pending.fail(error)

    def _ask_options(self) -> tuple[list[tuple[str, str]], dict[str, str]]:
        headers, query = self.settings.headers, self.settings.query
        return (
            check_headers(headers() if callable(headers) else headers),
            check_query(query() if callable(query) else query),
        )

    def _store_cookies(self, response: Response) -> None:
        if any(name == "set-cookie" for name, _ in response.headers):
            runtime = self.runtime
            wall_time = 0.0 if runtime is None else runtime.wall_time()
            host = self.address.host
            self._cookies.store(response.headers, host=host, path=self.path, now=self.now, wall_time=wall_time)
