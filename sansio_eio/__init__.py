"""Engine.IO and Socket.IO as pure state machines: bytes, requests and the time go in, actions and events come out."""

from sansio_eio.engineio import (
    ConnectError,
    Cookie,
    EngineClient,
    EngineServer,
    HandshakeRefused,
    OnError,
    Pending,
    Request,
    Response,
    Session,
    TransportError,
)
from sansio_eio.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from sansio_eio.socketio import (
    AckDisconnected,
    AckError,
    AckTimeout,
    ConnectionRefused,
    Handshake,
    Namespace,
    Server,
    Socket,
)

__all__ = [
    "AckDisconnected",
    "AckError",
    "AckTimeout",
    "ConnectError",
    "ConnectionRefused",
    "Cookie",
    "EngineClient",
    "EngineServer",
    "Handshake",
    "HandshakeRefused",
    "LocalProtocolError",
    "Namespace",
    "OnError",
    "Pending",
    "ProtocolError",
    "RemoteProtocolError",
    "Request",
    "Response",
    "Server",
    "Session",
    "Socket",
    "TransportError",
]
