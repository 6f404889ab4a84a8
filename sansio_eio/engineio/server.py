"""The registry of sessions: routing, limits, time."""

import re
from collections.abc import Callable
from typing import Unpack

from sansio_eio.engineio import responses
from sansio_eio.engineio.actions import AcceptWebSocket, Action, CloseChannel, Respond
from sansio_eio.engineio.admission import (
    ORIGIN_REFUSED,
    SERVER_FULL,
    SHUTTING_DOWN,
    Admission,
    Refusal,
    revision_of,
    verify,
)
from sansio_eio.engineio.atomic import atomic
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.core import Core
from sansio_eio.engineio.cors import Cors
from sansio_eio.engineio.events import HandshakeRefused
from sansio_eio.engineio.handlers import HandlerTable, call_inline, must_be_awaited
from sansio_eio.engineio.reasons import FORCED_CLOSE
from sansio_eio.engineio.requests import Request, Response, check_header, is_header_value
from sansio_eio.engineio.revision import Payload
from sansio_eio.engineio.runtime import Runtime
from sansio_eio.engineio.session import Session, SessionListener
from sansio_eio.engineio.session_mailbox import SessionMailbox
from sansio_eio.engineio.settings import EngineOptions, Settings, normal_path
from sansio_eio.engineio.states import State
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

#: An id is sent in a cookie (RFC 6265, section 4.1.1), and in an OPEN packet that must fit into any buffer.
USABLE_ID = re.compile(r"[!#-+\--:<-\[\]-~]{1,255}")

#: Called while a request is being answered, so they must be plain functions.
INLINE_EVENTS = ("connection_error", "initial_headers", "headers")


class EngineServer(Core):
    """An Engine.IO server: sessions over long-polling and WebSocket (revision 4 of the protocol, and 3 when allowed).

    As a product of its own it is given handlers and served by a driver::

        engine = EngineServer()


        @engine.on("connection")
        def connected(session):
            @session.on("message")
            def echo(data):
                session.send(data)

    Its events, for `on`, are:

    * "connection", with the new `Session`: `def` or `async def`; not on the engine of a Socket.IO server;
    * "connection_error", with a `HandshakeRefused`: a request was answered with an error of the table;
    * "initial_headers" (the response that opens a session) and "headers" (every response of a session, and the answer
      to a WebSocket handshake), with a list of (name, value) to add to, and the request.

    The last three are called while the request is answered, and must be plain functions.

    As a state machine it implements `Application`: feed it the inputs, then drain it. The options are those of
    `EngineOptions`. Raises LocalProtocolError for an option that makes no sense.
    """

    def __init__(self, *, path: str = "/engine.io/", **options: Unpack[EngineOptions]) -> None:
        self.settings = Settings(**options)
        super().__init__(max_concurrent=self.settings.max_concurrent)
        self.path = normal_path(path)
        #: The open sessions by their ids.
        self.sessions: dict[str, Session] = {}
        self.handlers = HandlerTable()
        self.inline_handlers = HandlerTable()
        self._cors = Cors(
            self.settings.cors_allowed_origins,
            credentials=self.settings.cors_credentials,
            trust_proxy=self.settings.trust_proxy,
        )
        self._opening: dict[str, Session] = {}
        self._shutting_down = False
        self._owned = False
        self._listen: Callable[[Session], SessionListener] = lambda session: SessionMailbox(self, session)
        self._full: Callable[[], bool] = lambda: False

    @property
    def engine(self) -> "EngineServer":
        """Itself: what a router mounts (see `Mountable`)."""
        return self

    # -- for the application ---------------------------------------------------------------------------------------

    def handler_table(self, event: str | float) -> HandlerTable:
        if event in INLINE_EVENTS:
            return self.inline_handlers
        if event != "connection":
            raise LocalProtocolError(f"an engine has the events connection, {', '.join(INLINE_EVENTS)}, not {event!r}")
        if self._owned:
            raise LocalProtocolError(
                'the sessions of this engine belong to a Socket.IO server: use io.on("connection")'
            )
        return self.handlers

    @property
    @atomic
    def buffered(self) -> int:
        """Bytes that wait for peers to take them, over all sessions; what several peers wait for counts for each."""
        return sum(session.buffered for session in self.sessions.values())

    @atomic
    def close(self) -> None:
        """See `Application.close`. The next driver that serves this object opens it again."""
        self._shutting_down = True
        for session in list(self._opening.values()):
            self._refuse_opening(session, SHUTTING_DOWN)
        for session in list(self.sessions.values()):
            session.close()

    # -- Application: inputs ---------------------------------------------------------------------------------------

    def open_channel(self, owner: object = None) -> Channel:
        """See `Application.open_channel`."""
        return Channel(owner)

    def body_limit(self, request: Request) -> int:
        """See `Application.body_limit`."""
        return self.settings.max_http_buffer_size

    def request_started(self, channel: Channel, request: Request, *, now: float) -> None:
        """See `Application.request_started`."""
        self.now = now
        if request.method == "POST" and self._allows_origin(request):
            found = verify(self, request, websocket=False)
            if isinstance(found, Session):
                channel.request = request
                found.post_started(channel)

    def request_received(self, channel: Channel, request: Request, *, now: float) -> None:
        """See `Application.request_received`."""
        self.now = now
        if channel.session is not None:
            # It has been admitted when it started.
            channel.session.post(channel, request)
            return
        if not self._allows_origin(request):
            self._refuse(channel, request, ORIGIN_REFUSED, websocket=False)
            return
        preflight = self._cors.preflight(request)
        if preflight is not None:
            self.act(channel, Respond(channel, preflight))
            return
        # From here on the page may read the answer, be it an error: see `respond`.
        channel.request = request
        found = verify(self, request, websocket=False)
        if len(request.body) > self.settings.max_http_buffer_size:
            self.respond(channel, Response(413))
        elif isinstance(found, Refusal):
            self._refuse(channel, request, found, websocket=False)
        elif found is None:
            self._shake_hands(channel, request, websocket=False)
        elif request.method == "GET":
            found.poll(channel)
        elif request.method == "POST":
            found.post(channel, request)
        else:
            self.respond(channel, Response(500))

    def websocket_requested(self, channel: Channel, request: Request, *, now: float) -> None:
        """See `Application.websocket_requested`."""
        self.now = now
        if not self._allows_origin(request):
            self._refuse(channel, request, ORIGIN_REFUSED, websocket=True)
            return
        found = verify(self, request, websocket=True)
        if isinstance(found, Refusal):
            self._refuse(channel, request, found, websocket=True)
        elif request.params["transport"] != "websocket":
            # A WebSocket cannot carry polling. The reference finds out behind the handshake, and so do its clients.
            self._accept(channel, request)
            self.act(channel, CloseChannel(channel))
        elif found is None:
            self._shake_hands(channel, request, websocket=True)
        else:
            self._accept(channel, request)
            found.candidate(channel, request, now=now)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """See `Application.message_received`."""
        self.now = now
        if channel.session is not None:
            channel.session.websocket_message(channel, data, now=now)

    def channel_closed(self, channel: Channel, *, now: float, error: RemoteProtocolError | None = None) -> None:
        """See `Application.channel_closed`."""
        self.now = now
        session, channel.session = channel.session, None
        if session is not None:
            session.channel_lost(channel, error)

    # -- Application: drains and time ------------------------------------------------------------------------------

    def take_actions(self, channel: Channel) -> list[Action]:
        """See `Application.take_actions`."""
        return self._hand_over(channel, channel.session)

    def install(self, runtime: Runtime | None) -> None:
        """See `Application.install`."""
        super().install(runtime)
        if runtime is not None:
            self._shutting_down = False
        elif self._shutting_down:
            # Nobody can tell the peers of these any more, and the next driver may have another clock.
            for session in list(self.sessions.values()):
                session.end(FORCED_CLOSE)

    # -- for the session and the protocol above --------------------------------------------------------------------

    def attach(self, listen: Callable[[Session], SessionListener], full: Callable[[], bool]) -> None:
        """Give the sessions to the protocol above: `listen` makes the listener of each, `full` refuses more of them."""
        self._listen = listen
        self._full = full
        self._owned = True

    def respond(self, channel: Channel, response: Response) -> None:
        """Answer the request of a channel, so that the page that sent it may read the answer."""
        if channel.request is not None:
            response.headers += self._cors.headers(channel.request)
            channel.request = None
        self.act(channel, Respond(channel, response))

    def answer(self, session: Session, channel: Channel, payload: Payload, *, compress: bool) -> None:
        """Answer a poll with a payload, or a POST with "ok"."""
        request = channel.request
        assert request is not None
        headers = self._extra_headers(request)
        response = responses.of_session(self.settings, session.sid, request, payload, headers, compress=compress)
        self.respond(channel, response)

    def forget(self, session: Session) -> None:
        """A session is over."""
        self.sessions.pop(session.sid, None)
        self._opening.pop(session.sid, None)

    @atomic
    def decide(self, session: Session, allowed: object) -> None:
        """The application has said whether a handshake is admitted; too late when the peer has gone meanwhile."""
        if session.state is not State.OPENING:
            return
        if allowed is True:
            self._open(session)
        else:
            if not isinstance(allowed, (bool, str)):
                error = LocalProtocolError(f"allow_request must return True, False or a message, not {allowed!r}")
                self.report(error, "allow_request")
            message = allowed if isinstance(allowed, str) else ""
            self._refuse_opening(session, Refusal(responses.FORBIDDEN, message))

    def admission_expired(self, session: Session) -> None:
        """The application has not said in time whether a handshake is admitted."""
        self._refuse_opening(session, Refusal(responses.FORBIDDEN, context={"name": "ADMISSION_TIMEOUT"}))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _shake_hands(self, channel: Channel, request: Request, *, websocket: bool) -> None:
        if self._shutting_down:
            self._refuse(channel, request, SHUTTING_DOWN, websocket=websocket)
            return
        if len(self.sessions) + len(self._opening) >= self.settings.max_sessions or self._full():
            self._refuse(channel, request, SERVER_FULL, websocket=websocket)
            return
        sid = self._new_id(request)
        if sid is None:
            context = {"name": "ID_GENERATION_ERROR"}
            self._refuse(channel, request, Refusal(responses.BAD_REQUEST, context=context), websocket=websocket)
            return
        session = Session(self, sid, request, revision_of(request))
        if websocket:
            session.open_on_websocket(channel)
        else:
            session.open_on_poll(channel)
        self._opening[sid] = session
        allowed = self._ask(request)
        if must_be_awaited(allowed):
            self.deadlines.at(session, self.now + self.settings.admission_timeout)
            self.make_runnable(Admission(self, session, allowed))
        else:
            self.decide(session, allowed)

    def _ask(self, request: Request) -> object:
        if self.settings.allow_request is None:
            return True
        try:
            return self.settings.allow_request(request)
        except Exception as error:
            self.report(error, "allow_request")
            return False

    def _new_id(self, request: Request) -> str | None:
        try:
            sid = self.settings.generate_id(request)
            if not USABLE_ID.fullmatch(sid) or sid in self.sessions or sid in self._opening:
                raise LocalProtocolError("generate_id gave an id that is taken, or cannot be used")
        except Exception as error:
            self.report(error, "generate_id")
            return None
        return sid

    def _open(self, session: Session) -> None:
        self.sessions[session.sid] = self._opening.pop(session.sid)
        if session.transport == "websocket":
            self._accept(session.channel, session.request)
        session.admit()
        session.listener = self._listen(session)

    def _accept(self, channel: Channel, request: Request) -> None:
        settings = self.settings
        headers = self._extra_headers(request)
        compression = settings.per_message_deflate
        self.act(channel, AcceptWebSocket(channel, settings.max_http_buffer_size, headers, compression))

    def _refuse_opening(self, session: Session, refusal: Refusal) -> None:
        websocket = session.transport == "websocket"
        self._refuse(session.withdraw(), session.request, refusal, websocket=websocket)

    def _refuse(self, channel: Channel, request: Request, refusal: Refusal, *, websocket: bool) -> None:
        self.respond(channel, refusal.response(websocket=websocket))
        event = HandshakeRefused(request, refusal.code, refusal.message, dict(refusal.context))
        self._call_inline("connection_error", event)

    def _allows_origin(self, request: Request) -> bool:
        if not is_header_value(request.header("origin") or ""):
            # Refused by `verify`, with the error that the reference has for it.
            return True
        try:
            return self._cors.allows(request)
        except Exception as error:
            self.report(error, "cors_allowed_origins")
            return False

    def _extra_headers(self, request: Request) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = []
        if not request.params.get("sid"):
            self._call_inline("initial_headers", headers, request)
        self._call_inline("headers", headers, request)
        try:
            for name, value in headers:
                check_header(name, value)
        except Exception as error:
            self.report(error, "a handler of headers")
            return []
        return headers

    def _call_inline(self, event: str, *args: object) -> None:
        for handler in self.inline_handlers.get(event):
            call_inline(handler.function, args, self, f"a handler of {event}")
