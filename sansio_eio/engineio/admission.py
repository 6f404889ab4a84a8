"""Who gets a session: the checks of a request, and the application's own say."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sansio_eio.engineio import responses
from sansio_eio.engineio.handlers import close_awaitable
from sansio_eio.engineio.requests import Request, Response, is_header_value
from sansio_eio.engineio.revision import REVISION_3, REVISION_4, Revision

if TYPE_CHECKING:
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session


@dataclass(slots=True)
class Refusal:
    """An error of the table; `status` only where it is not the usual one."""

    code: int
    message: str = ""
    context: dict[str, str] = field(default_factory=dict[str, str])
    status: int | None = None

    def __post_init__(self) -> None:
        self.message = self.message or responses.MESSAGES[self.code]

    def response(self, *, websocket: bool) -> Response:
        """What the peer gets."""
        if websocket:
            return responses.upgrade_error(self.message, status=self.status or 400)
        return responses.error(self.code, self.message, status=self.status)


ORIGIN_REFUSED = Refusal(responses.FORBIDDEN, "Origin not allowed", {"name": "ORIGIN_NOT_ALLOWED"}, status=403)
SERVER_FULL = Refusal(responses.FORBIDDEN, "Too many sessions", {"name": "TOO_MANY_SESSIONS"}, status=503)
NOT_A_WEBSOCKET = Refusal(responses.BAD_REQUEST, context={"name": "TRANSPORT_HANDSHAKE_ERROR"})
SHUTTING_DOWN = Refusal(responses.FORBIDDEN, "Server is shutting down", {"name": "SHUTTING_DOWN"}, status=503)


def revision_of(request: Request) -> Revision:
    """The revision that a request is of: clients did not always say, and whatever is not 4 is 3 for the reference."""
    return REVISION_4 if request.params.get("EIO") == "4" else REVISION_3


def verify(server: EngineServer, request: Request, *, websocket: bool) -> Session | Refusal | None:
    """The session that a request belongs to, None for a handshake, or why the request is refused.

    The order of the checks is that of the reference, and decides which error a request with several mistakes gets.
    """
    params = request.params
    transport = params.get("transport", "")
    if transport not in server.settings.transports:
        return Refusal(responses.UNKNOWN_TRANSPORT, context={"transport": transport})
    if not is_header_value(request.header("origin") or ""):
        return Refusal(responses.BAD_REQUEST, context={"name": "INVALID_ORIGIN"})
    sid = params.get("sid")
    if sid:
        session = server.sessions.get(sid)
        if session is None:
            return Refusal(responses.UNKNOWN_SID)
        if not websocket and session.transport != transport:
            return Refusal(
                responses.BAD_REQUEST,
                context={
                    "name": "TRANSPORT_MISMATCH",
                    "transport": transport,
                    "previousTransport": session.transport,
                },
            )
        if revision_of(request) is not session.revision:
            return Refusal(
                responses.BAD_REQUEST,
                context={
                    "name": "PROTOCOL_MISMATCH",
                    "protocol": str(revision_of(request).number),
                    "previousProtocol": str(session.protocol),
                },
            )
        if transport == "websocket" and not websocket:
            # As a poll it would take what is meant for the WebSocket that the session lives on.
            return NOT_A_WEBSOCKET
        return session
    if request.method != "GET":
        return Refusal(responses.BAD_HANDSHAKE_METHOD, context={"method": request.method})
    if transport == "websocket" and not websocket:
        return NOT_A_WEBSOCKET
    if revision_of(request) is REVISION_3 and not server.settings.allow_eio3:
        return Refusal(responses.UNSUPPORTED_PROTOCOL_VERSION, context={"protocol": "3"})
    return None


class Admission:
    """An `async def` `allow_request` under way; its session is OPENING meanwhile."""

    def __init__(self, server: EngineServer, session: Session, verdict: Awaitable[bool | str]) -> None:
        self._server = server
        self._session = session
        self._verdict: Awaitable[bool | str] | None = verdict

    def __del__(self) -> None:
        # The driver has ended before it was its turn.
        close_awaitable(self._verdict)

    def step(self) -> Coroutine[Any, Any, None] | None:
        """See `Runnable.step`."""
        verdict, self._verdict = self._verdict, None
        return None if verdict is None else self._wait(verdict)

    async def _wait(self, verdict: Awaitable[bool | str]) -> None:
        try:
            allowed = await verdict
        except Exception as error:
            self._server.report(error, "allow_request")
            allowed = False
        self._server.decide(self._session, allowed)
