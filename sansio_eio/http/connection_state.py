"""Where a connection is."""

from enum import Enum, auto


class State(Enum):
    """Of a server's connection: HEAD, BODY, EXCHANGE, RESPONDING and again; or HANDSHAKE, WEBSOCKET.

    Of a client's: DIALING, then EXCHANGE, IDLE and again; or HANDSHAKE, WEBSOCKET.

    Then, of both, LINGERING or not, CLOSING, CLOSED.
    """

    #: The driver is to connect, or is about to.
    DIALING = auto()
    #: Waiting for a request of the application.
    IDLE = auto()
    #: Waiting for a request head, with some of it or none.
    HEAD = auto()
    #: Waiting for the rest of a request body.
    BODY = auto()
    #: The application, or the server, has a request.
    EXCHANGE = auto()
    #: The application, or the server, has a WebSocket handshake.
    HANDSHAKE = auto()
    #: The driver has not taken all of the response.
    RESPONDING = auto()
    WEBSOCKET = auto()
    #: Everything is said, and the peer's end is waited for. A close while it still sends would reset the connection and
    #: could destroy what it has not read: a server half-closes (RFC 9112, section 9.6), and a client lets the server
    #: close a WebSocket first (RFC 6455, section 7.1.1).
    LINGERING = auto()
    #: To be closed by the driver.
    CLOSING = auto()
    #: Closed, as the driver said.
    CLOSED = auto()
