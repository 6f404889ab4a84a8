"""Why a Socket.IO socket was disconnected; the strings are those of the reference.

The end of the engine session has its own: see `sansio_eio.engineio.reasons`.
"""

CLIENT_NAMESPACE_DISCONNECT = "client namespace disconnect"
SERVER_NAMESPACE_DISCONNECT = "server namespace disconnect"
SERVER_SHUTTING_DOWN = "server shutting down"
FORCED_SERVER_CLOSE = "forced server close"
IO_SERVER_DISCONNECT = "io server disconnect"
IO_CLIENT_DISCONNECT = "io client disconnect"
#: Not reasons of the reference: why a socket is no longer active that has not been disconnected.
CONNECT_ERROR = "connect_error"
RECONNECT_FAILED = "reconnect_failed"
