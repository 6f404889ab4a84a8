"""Raw Engine.IO for the application: the events of one session, and the handlers that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio.events import Closed, Event, Message, Opened
from sansio_eio.engineio.handlers import Handler, Steps, must_be_awaited, run_concurrently
from sansio_eio.engineio.mailbox import Mailbox

if TYPE_CHECKING:
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session
    from sansio_eio.errors import RemoteProtocolError


class SessionMailbox(Mailbox[Event]):
    """The listener of a session that belongs to no protocol above Engine.IO."""

    __slots__ = ("_server", "session")

    def __init__(self, server: EngineServer, session: Session) -> None:
        super().__init__(self._run, server.make_runnable, session.pause, server.settings.max_inbound)
        self._server = server
        self.session = session
        self.put(Opened(session))

    def message(self, data: str | bytes) -> None:
        """See `SessionListener`."""
        self.put(Message(self.session, data))

    def closed(self, reason: str, error: RemoteProtocolError | None) -> None:
        """See `SessionListener`."""
        self.put(Closed(self.session, reason, error))

    def _run(self, event: Event) -> Steps:
        if isinstance(event, Opened):
            yield from self._call(self._server.handlers.get("connection"), self.session)
        elif self.session.handlers is not None:
            if isinstance(event, Message):
                yield from self._call(self.session.handlers.get("message"), event.data)
            else:
                yield from self._call(self.session.handlers.get("close"), event.reason)

    def _call(self, handlers: tuple[Handler, ...], argument: object) -> Steps:
        for handler in handlers:
            steps = self._call_one(handler, argument)
            if handler.concurrent:
                run_concurrently(steps, self._server.runtime)
            else:
                yield from steps

    def _call_one(self, handler: Handler, argument: object) -> Steps:
        try:
            result = handler.function(argument)
            if must_be_awaited(result):
                yield result
        except Exception as error:
            self._server.errors.report(error, f"a handler of {self.session!r}")
