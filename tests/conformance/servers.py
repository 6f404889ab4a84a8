"""The server processes that scenarios talk to: the application on each adapter, and the same on the reference."""

import contextlib
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.conformance.peers import JS
from tests.conformance.processes import PATIENCE, Child

#: Everything that serves; "reference" is socket.io and engine.io on Node, which keeps the expectations honest.
KINDS = ("asyncio", "uvloop", "trio", "threads", "reference")


def command(kind: str, port: int) -> list[str | Path]:
    """How to start a server of this kind."""
    if kind == "reference":
        return ["node", JS / "reference.js", str(port)]
    return [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.conformance.application", kind, str(port)]


class Server:
    """A running server. Scenarios know its address and what it says about the things that happen to it."""

    def __init__(self, kind: str, port: int = 0) -> None:
        self.kind = kind
        self._stopped = False
        self._child = Child(command(kind, port))
        try:
            self.port = int(self._child.inbox.take(lambda item: "port" in item, "the port")["port"])
        except AssertionError:
            self._child.stop()
            raise AssertionError(f"the {kind} server did not start:\n{self._child.errors}") from None

    @property
    def url(self) -> str:
        """Its address, for the clients."""
        return f"http://127.0.0.1:{self.port}"

    def logged(self, event: str, *, patience: float = PATIENCE, **attributes: object) -> Any:
        """Wait for the next entry of the log for this event that has these attributes."""
        wanted: dict[str, object] = {"event": event, **attributes}
        return self._child.inbox.take(
            lambda item: all(key in item and item[key] == value for key, value in wanted.items()),
            f"{wanted} in the log",
            patience=patience,
        )

    def entries(self, **attributes: object) -> list[Any]:
        """The entries so far that have these attributes."""
        return self._child.inbox.all(lambda item: all(item.get(key) == value for key, value in attributes.items()))

    def stop(self) -> None:
        """Shut it down, unless it is, and look whether it has complained about anything."""
        if self._stopped:
            return
        self._stopped = True
        self._settle()
        code = self._child.stop()
        errors = self._child.errors
        assert (code, errors) == (0, ""), f"the server ended with {code} and complained:\n{errors}"

    def _settle(self) -> None:
        """Let it take the connections that are on their way, on which clients that were closed say so.

        asyncio of Python 3.11 complains about one that comes while the listener is closed.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/")
            connection.getresponse().read()
