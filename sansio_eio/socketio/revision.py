"""The revisions of the Socket.IO protocol that are spoken here, as data: 5, and 4 for old peers, on Engine.IO 3.

What is different in revision 4: a session joins "/" without being asked, a CONNECT shows something in the query of its
namespace instead of a payload, its answer has no id, and an error is any value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import urlencode

from sansio_eio.engineio.requests import parse_query
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.parser import CONNECT, CONNECT_ERROR, Packet

if TYPE_CHECKING:
    from collections.abc import Callable

MAIN = "/"
INVALID_NAMESPACE = "Invalid namespace"


class SocketIORevision(ABC):
    """One revision. There are two of them, and nothing else: SOCKETIO_4 and SOCKETIO_5."""

    number: int
    #: Whether a server may send a CONNECT_ERROR to a connected client: its middleware does not like an event.
    has_event_errors = False
    #: What a client gets as data, besides the message, when it asks for a namespace that is not there.
    invalid_namespace: ClassVar[Any] = None

    # -- of a server -----------------------------------------------------------------------------------------------

    @abstractmethod
    def joins_by_itself(self, namespace: str) -> bool:
        """Whether a session is connected to this namespace by the server, without a CONNECT."""

    @abstractmethod
    def name_of(self, packet: Packet) -> str:
        """The name of the namespace of a client's packet."""

    @abstractmethod
    def auth_of(self, packet: Packet) -> dict[str, Any]:
        """What a CONNECT shows."""

    @abstractmethod
    def make_id(self, namespace: str, sid: str, generate: Callable[[], str]) -> str:
        """The public id of a socket."""

    @abstractmethod
    def accepted(self, namespace: str, socket_id: str) -> Packet:
        """The answer to a CONNECT."""

    @abstractmethod
    def refused(self, namespace: str, message: str, data: Any) -> Packet:
        """The other answer."""

    # -- of a client -----------------------------------------------------------------------------------------------

    @abstractmethod
    def connect_packet(self, namespace: str, auth: dict[str, Any] | None) -> Packet:
        """A CONNECT. Raises LocalProtocolError when it cannot show this."""

    @abstractmethod
    def socket_id(self, packet: Packet, namespace: str, sid: str) -> str:
        """The id that the answer to a CONNECT gives to the socket, "" when it gives none."""


class _Revision5(SocketIORevision):
    number = 5

    def joins_by_itself(self, namespace: str) -> bool:
        return False

    def name_of(self, packet: Packet) -> str:
        return packet.namespace

    def auth_of(self, packet: Packet) -> dict[str, Any]:
        return packet.data or {}

    def make_id(self, namespace: str, sid: str, generate: Callable[[], str]) -> str:
        # Not that of the session: who knows that one can read and write the session.
        return generate()

    def accepted(self, namespace: str, socket_id: str) -> Packet:
        return Packet(CONNECT, namespace, {"sid": socket_id})

    def refused(self, namespace: str, message: str, data: Any) -> Packet:
        error = {"message": message} if data is None else {"message": message, "data": data}
        return Packet(CONNECT_ERROR, namespace, error)

    def connect_packet(self, namespace: str, auth: dict[str, Any] | None) -> Packet:
        return Packet(CONNECT, namespace, auth)

    def socket_id(self, packet: Packet, namespace: str, sid: str) -> str:
        data: dict[str, object] = packet.data or {}
        socket_id = data.get("sid")
        return socket_id if isinstance(socket_id, str) else ""


class _Revision4(SocketIORevision):
    number = 4
    has_event_errors = True
    # The one error that the reference sends to all its clients in the same form.
    invalid_namespace: ClassVar[Any] = {"message": INVALID_NAMESPACE}

    def joins_by_itself(self, namespace: str) -> bool:
        return namespace == MAIN

    def name_of(self, packet: Packet) -> str:
        return packet.namespace.partition("?")[0]

    def auth_of(self, packet: Packet) -> dict[str, Any]:
        return cast("dict[str, Any]", parse_query(packet.namespace.partition("?")[2]))

    def make_id(self, namespace: str, sid: str, generate: Callable[[], str]) -> str:
        # The client makes it up in the same way, without being told.
        return sid if namespace == MAIN else f"{namespace}#{sid}"

    def accepted(self, namespace: str, socket_id: str) -> Packet:
        return Packet(CONNECT, namespace)

    def refused(self, namespace: str, message: str, data: Any) -> Packet:
        # Whatever is false in JavaScript is no data.
        return Packet(CONNECT_ERROR, namespace, message if data in (None, "", 0) else data)

    def connect_packet(self, namespace: str, auth: dict[str, Any] | None) -> Packet:
        if not auth:
            return Packet(CONNECT, namespace)
        values = {key: _as_text(value) for key, value in auth.items()}
        return Packet(CONNECT, f"{namespace}?{urlencode(values, errors='replace')}")

    def socket_id(self, packet: Packet, namespace: str, sid: str) -> str:
        return self.make_id(namespace, sid, str)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise LocalProtocolError("to a server of the old protocol, the values of auth are text, numbers and bool")


SOCKETIO_4 = _Revision4()
SOCKETIO_5 = _Revision5()


def revision_of(protocol: int) -> SocketIORevision:
    """The revision of Socket.IO on top of this one of Engine.IO."""
    return SOCKETIO_4 if protocol == 3 else SOCKETIO_5
