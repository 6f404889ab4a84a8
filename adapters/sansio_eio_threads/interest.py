"""What the selector looks for on a socket."""

import socket
from collections.abc import Callable
from selectors import BaseSelector


class Interest:
    """Tells the selector what one socket waits for, and only when that changes."""

    def __init__(self, selector: BaseSelector, sock: socket.socket, ready: Callable[[], None]) -> None:
        self._selector = selector
        self._sock = sock
        self._ready = ready
        self._events = 0

    def set(self, events: int) -> None:
        """Have `ready` called when the socket can be read or written (EVENT_READ, EVENT_WRITE, both); 0: never."""
        if events == self._events:
            return
        if not self._events:
            self._selector.register(self._sock, events, self._ready)
        elif not events:
            self._selector.unregister(self._sock)
        else:
            self._selector.modify(self._sock, events, self._ready)
        self._events = events
