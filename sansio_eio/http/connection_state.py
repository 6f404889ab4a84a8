"""Where a connection of a server is."""

from enum import Enum, auto


class State(Enum):
    """HEAD, BODY, EXCHANGE, RESPONDING and again; or HANDSHAKE, WEBSOCKET. Then LINGERING or not, CLOSING, CLOSED."""

    #: Waiting for a request head, with some of it or none.
    HEAD = auto()
    #: Waiting for the rest of a request body.
    BODY = auto()
    #: The application has a request.
    EXCHANGE = auto()
    #: The application has a WebSocket handshake.
    HANDSHAKE = auto()
    #: The driver has not taken all of the response.
    RESPONDING = auto()
    WEBSOCKET = auto()
    #: Everything is said, but a close while the peer still sends would reset the connection and could destroy what it
    #: has not read: half-close and wait for its end (RFC 9112, section 9.6).
    LINGERING = auto()
    #: To be closed by the driver.
    CLOSING = auto()
    #: Closed, as the driver said.
    CLOSED = auto()
