"""The servers that the clients under test meet: socket.io of three versions on Node, and python-socketio."""

import sys
from itertools import count
from pathlib import Path
from typing import Any

from tests.conformance.peers import JS
from tests.conformance.processes import PATIENCE, Child

SOCKETIO_4 = "socket.io 4"
SOCKETIO_2 = "socket.io 2"
#: The newest one, with `allowEIO3`; clients speak revision 3 to it.
SOCKETIO_4_FOR_OLD = "socket.io 4 for old clients"
#: Every server. The first two meet all scenarios, the others a shorter list.
KINDS = (SOCKETIO_4, SOCKETIO_2, SOCKETIO_4_FOR_OLD, "socket.io 3", "python-socketio")
#: Those to which clients speak revision 3.
OLD = (SOCKETIO_2, SOCKETIO_4_FOR_OLD)

_ARGUMENTS = {SOCKETIO_4_FOR_OLD: ("4", "allowEIO3")}


def command(kind: str) -> list[str | Path]:
    """How to start a server of this kind."""
    if kind == "python-socketio":
        return [sys.executable, "-m", "tests.conformance.client.python_server"]
    return ["node", JS / "server_for_clients.js", *_ARGUMENTS.get(kind, (kind[-1],))]


class PeerServer:
    """A running server process; scenarios share it, with keys and rooms of their own."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        #: The revision of Engine.IO that clients speak to it.
        self.protocol = 3 if kind in OLD else 4
        self._child = Child(command(kind))
        self._numbers = count(1)
        try:
            self.port = int(self._child.inbox.take(lambda item: "port" in item, "the port")["port"])
        except AssertionError:
            self._child.stop()
            raise AssertionError(f"{kind} did not start:\n{self._child.errors}") from None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def do(self, what: str, **arguments: object) -> Any:
        """Send a command, and wait for its value. It does not need the client under test, so it may block its loop."""
        number = next(self._numbers)
        self._child.write({"do": what, "reply": number, **arguments})
        reply = self._child.inbox.take(lambda item: item.get("reply") == number, f"the reply to {what}")
        assert "error" not in reply, reply["error"]
        return reply["value"]

    def logged(self, event: str, **attributes: object) -> Any:
        """Wait for the next entry of the log for this event that has these attributes."""
        wanted: dict[str, object] = {"event": event, **attributes}
        return self._child.inbox.take(
            lambda item: all(key in item and item[key] == value for key, value in wanted.items()),
            f"{wanted} in the log",
            patience=PATIENCE,
        )

    def requests(self, key: str) -> list[dict[str, Any]]:
        """The requests so far that had this `key` in their query, oldest first."""
        return list(self.do("requests", key=key))

    def start(self, port: int = 0, **options: object) -> "OwnServer":
        """A socket.io server of a scenario's own, on a port of its own, which may be one that has become free."""
        return OwnServer(self, port, options)

    def stop(self) -> None:
        """End the process, and look whether it has complained about anything."""
        code, errors = self._child.stop(), self._child.errors
        if self.kind == "python-socketio":
            # It complains about clients that leave in the middle of something.
            errors = ""
        assert (code, errors) == (0, ""), f"{self.kind} ended with {code} and complained:\n{errors}"


class OwnServer:
    """A server that can be stopped, and started again on the same port."""

    _numbers = count(1)

    def __init__(self, parent: PeerServer, port: int, options: dict[str, object]) -> None:
        self._parent = parent
        self._options = options
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        """Its address, which stays the same."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it (again)."""
        self._id = next(self._numbers)
        self.port = self._parent.do("start", id=self._id, port=self.port, options=self._options)

    def stop(self, *, warning: bool = False) -> None:
        """Cut all its connections, as the end of its process would; with `warning`, close it in good order."""
        self._parent.do("stop", id=self._id, warning=warning)
