"""Raw Engine.IO for the application: the events of one session, and the handlers that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio.events import Closed, Event, Message, Opened
from sansio_eio.engineio.handlers import HandlerTable, Steps, call
from sansio_eio.engineio.mailbox import Mailbox

if TYPE_CHECKING:
    from sansio_eio.engineio.atomic import Lock
    from sansio_eio.engineio.server import EngineServer
    from sansio_eio.engineio.session import Session
    from sansio_eio.errors import RemoteProtocolError


class SessionMailbox(Mailbox[Event]):
    """The listener of a session that belongs to no protocol above Engine.IO."""

    __slots__ = ("_server", "session")

    def __init__(self, server: EngineServer, session: Session) -> None:
        super().__init__(
            self._run,
            server.make_runnable,
            session.pause,
            max_events=server.settings.max_inbound,
            max_size=server.settings.max_inbound_size,
        )
        self._server = server
        self.session = session
        self.put(Opened(session))

    @property
    def lock(self) -> Lock | None:
        """The lock of the driver, None where everything happens in one thread."""
        return self._server.lock

    def message(self, data: str | bytes) -> None:
        """See `SessionListener`."""
        self.put(Message(self.session, data), len(data))

    def closed(self, reason: str, error: RemoteProtocolError | None) -> None:
        """See `SessionListener`."""
        self.put(Closed(self.session, reason, error))

    def _run(self, event: Event) -> Steps:
        if isinstance(event, Opened):
            yield from self._call(self._server.handlers, "connection", self.session)
        elif isinstance(event, Message):
            yield from self._call(self.session.handlers, "message", event.data)
        else:
            yield from self._call(self.session.handlers, "close", event.reason)

    def _call(self, table: HandlerTable | None, event: str, argument: object) -> Steps:
        if table is not None:
            yield from call(table.get(event), (argument,), self.session, event)
