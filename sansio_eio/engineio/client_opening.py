"""The ways that a client's session has to get open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_eio.engineio.client_handshake import is_of_revision_3, is_unsupported
from sansio_eio.engineio.revision import REVISION_3, REVISION_4
from sansio_eio.errors import RemoteProtocolError

if TYPE_CHECKING:
    from sansio_eio.engineio.client import EngineClient
    from sansio_eio.engineio.client_events import TransportError
    from sansio_eio.engineio.client_session import ClientSession
    from sansio_eio.engineio.revision import Payload, Revision


class ClientOpening:
    """Those that are left: transports, and with "auto" another revision. With the lock held."""

    __slots__ = ("_client", "_session", "_transports", "is_undecided")

    def __init__(self, client: EngineClient, session: ClientSession, transports: list[str]) -> None:
        self._client = client
        self._session = session
        #: Those that have not failed, in the order in which they are tried.
        self._transports = transports
        #: "auto" is wanted, and nothing has told yet which revision the server speaks.
        self.is_undecided = client.settings.protocol == "auto"

    def accepts(self, payload: Payload) -> bool:
        """Whether to go on with the first payload: it may be that of an older server than was asked for."""
        if self._session.revision is REVISION_3 or not is_of_revision_3(payload):
            return True
        if self.is_undecided:
            self._decide(REVISION_3)
            return True
        return False

    def find_another(self, error: TransportError) -> bool:
        """This way has failed: whether there is another one, which is chosen then."""
        session = self._session
        if self.is_undecided:
            if session.revision is REVISION_3 and error.status is not None and error.status < 500:
                # However it says so: it may be another server than that which was found to be old.
                self._client.expect_older(False)
            if is_unsupported(error.data):
                self._decide(REVISION_3 if session.revision is REVISION_4 else REVISION_4)
                return True
            if self._is_garbled(error):
                # A guess, so that it is not decided yet. It cannot come a second time.
                self._client.expect_older(False)
                session.speak(REVISION_4)
                return True
        if not self._client.settings.try_all_transports or len(self._transports) == 1:
            return False
        del self._transports[0]
        session.transport = self._transports[0]
        return True

    def _is_garbled(self, error: TransportError) -> bool:
        """Whether this is how a newer server than the one before has refused it.

        That of the reference accepts the WebSocket of an old client, and then has HTTP for it, where frames should be.
        """
        return self._session.revision is REVISION_3 and isinstance(error.__cause__, RemoteProtocolError)

    def opened(self) -> None:
        """The session is open: over polling, that has told which revision it is, and a WebSocket later need not ask."""
        if self._session.transport == "polling" and self._client.settings.protocol == "auto":
            self.is_undecided = False
            self._client.expect_older(self._session.revision is REVISION_3)

    def _decide(self, revision: Revision) -> None:
        self.is_undecided = False
        self._session.speak(revision)
