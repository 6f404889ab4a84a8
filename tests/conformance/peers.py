"""The official JavaScript clients, remote-controlled in one node process (tests/js/peer.js)."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlencode

from tests.conformance.processes import PATIENCE, ROOT, Child

JS = ROOT / "tests" / "js"

#: What a JavaScript socket answers when the server asks: event name to the arguments, or "echo".
Answers = Mapping[str, Sequence[object] | str]


class PeerError(Exception):
    """A call into the peer ended with this JavaScript error."""


class Peer:
    """The node process. One is enough for a whole run: every scenario makes clients of its own."""

    def __init__(self) -> None:
        if not (JS / "node_modules").is_dir():
            raise RuntimeError(f"the JavaScript peers are not installed: run 'npm ci' in {JS}")
        self.child = Child(["node", JS / "peer.js"])
        self._numbers = count(1)

    def new(self, command: str, **arguments: object) -> int:
        """Make an object over there, and return its number."""
        number = next(self._numbers)
        self.do(command, id=number, **arguments)
        return number

    def start(self, command: str, **arguments: object) -> int:
        """Send a command; `result` waits for what comes of it."""
        number = next(self._numbers)
        self.child.write({"do": command, "reply": number, **arguments})
        return number

    def result(self, number: int, *, patience: float = PATIENCE) -> Any:
        """The value that the command ended with; raises PeerError with the message of its error."""
        reply = self.child.inbox.take(lambda item: item.get("reply") == number, "a reply", patience=patience)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply.get("value")

    def do(self, command: str, **arguments: object) -> Any:
        """Send a command and wait for its value."""
        return self.result(self.start(command, **arguments))

    def expect(self, number: int, event: str, *, patience: float = PATIENCE) -> list[Any]:
        """Wait for the next event with this name of one object, and return its arguments."""
        item = self.child.inbox.take(
            lambda item: self._matches(item, number, event),
            f"{event!r} of {number}",
            patience=patience,
        )
        return list(item["args"])

    def seen(self, number: int, event: str) -> list[list[Any]]:
        """The arguments of all such events that have come so far."""
        return [item["args"] for item in self.child.inbox.all(lambda item: self._matches(item, number, event))]

    @staticmethod
    def _matches(item: Any, number: int, event: str) -> bool:
        return bool(item.get("of") == number and item["event"] == event)

    def reset(self) -> None:
        """Close everything that scenarios have left open, and forget what nobody asked for."""
        self.do("reset")
        self.child.inbox.all(lambda _: True)


class Socket:
    """A socket.io-client `Socket`: one namespace."""

    def __init__(self, client: "Client", namespace: str, auth: Mapping[str, object] | None, answers: Answers) -> None:
        self.client = client
        self.namespace = namespace
        self._peer = client.peer
        options: dict[str, object] = {}
        if auth is not None:
            # The oldest takes no object.
            options = {"query": urlencode(auth) if client.version == "1" else auth} if client.is_old else {"auth": auth}
        self._number = self._peer.new(
            "socket", of=client.number, namespace=namespace, options=options, answers=dict(answers)
        )

    def connected(self) -> str:
        """Wait until it is connected; the id, which both ends know it by."""
        return str(self._peer.expect(self._number, "connect")[0])

    def refused(self) -> Any:
        """Wait until it is refused: the message and the data, or for an old client, whatever the server has sent."""
        return self._peer.expect(self._number, "error" if self.client.is_old else "connect_error")[0]

    def disconnected(self, *, patience: float = PATIENCE) -> str:
        """Wait until it is disconnected; the reason."""
        return str(self._peer.expect(self._number, "disconnect", patience=patience)[0])

    def expect(self, event: str) -> list[Any]:
        """Wait for the next event with this name; its arguments."""
        return self._peer.expect(self._number, "event:" + event)

    def seen(self, event: str) -> list[list[Any]]:
        """The arguments of all events with this name that have come so far."""
        return self._peer.seen(self._number, "event:" + event)

    def emit(self, event: str, *args: object, times: int = 1, **flags: object) -> None:
        """`socket.emit`; with `times`, that often in one go, each with its number as one more argument."""
        self._peer.do("emit", id=self._number, args=[event, *args], times=times, flags=flags, acknowledge=False)

    def ask(self, event: str, *args: object, **flags: object) -> int:
        """`socket.emit` with an acknowledgement, which `answer` waits for."""
        return self._peer.start("emit", id=self._number, args=[event, *args], times=1, flags=flags, acknowledge=True)

    def answer(self, question: int) -> list[Any]:
        """The arguments of the acknowledgement; raises PeerError after a timeout."""
        return list(self._peer.result(question))

    def call(self, event: str, *args: object, **flags: object) -> list[Any]:
        """`ask`, then `answer`."""
        return self.answer(self.ask(event, *args, **flags))

    def connect(self) -> None:
        """Connect (again)."""
        self._peer.do("connect", id=self._number)

    def disconnect(self) -> None:
        """Leave the namespace."""
        self._peer.do("disconnect", id=self._number)

    @property
    def state(self) -> Any:
        """`connected`, `active` and `id` at this moment."""
        return self._peer.do("state", id=self._number)


class Client:
    """A socket.io-client `Manager`: one connection for any number of namespaces."""

    def __init__(self, peer: Peer, version: str, url: str, options: Mapping[str, object], parser: str = "") -> None:
        self.peer = peer
        self.version = version
        #: Whether it speaks revision 3 of Engine.IO: the client pings, and the server has the namespace / connected.
        self.is_old = version in {"1", "2"}
        self.number = peer.new("manager", version=version, url=url, options=dict(options), parser=parser)

    def socket(
        self, namespace: str = "/", *, auth: Mapping[str, object] | None = None, answers: Answers | None = None
    ) -> Socket:
        """A socket for the namespace; it starts to connect. Old clients send `auth` as a query."""
        return Socket(self, namespace, auth, answers or {})

    def expect(self, event: str) -> list[Any]:
        """Wait for an event of the manager: open, upgrade, close, reconnect, reconnect_attempt."""
        return self.peer.expect(self.number, event)

    def expect_heartbeat(self) -> None:
        """Wait until the server's part of the heartbeat comes."""
        self.expect("pong" if self.is_old else "ping")

    @property
    def transport(self) -> str:
        """The name of the transport at this moment."""
        return str(self.peer.do("transport", id=self.number))

    def write(self, data: str | bytes) -> None:
        """Send an Engine.IO message around Socket.IO."""
        self.peer.do("write", id=self.number, data=data)

    def close(self) -> None:
        """Close the connection below the namespaces."""
        self.peer.do("close", id=self.number)

    def leave(self) -> None:
        """Close the connection and do not come back."""
        self.peer.do("leave", id=self.number)

    def mute(self) -> None:
        """Send nothing any more, not even pongs."""
        self.peer.do("mute", id=self.number)


class EngineClient:
    """An engine.io-client `Socket`, of its major version 6 or 3."""

    def __init__(self, peer: Peer, version: str, url: str, options: Mapping[str, object]) -> None:
        self._peer = peer
        self._version = version
        self._number = peer.new("engine", version=version, url=url, options=dict(options))

    def opened(self) -> str:
        """Wait until it is open; the session id."""
        return str(self._peer.expect(self._number, "open")[0])

    def closed(self) -> str:
        """Wait until it is closed; the reason."""
        return str(self._peer.expect(self._number, "close")[0])

    def message(self) -> str | bytes:
        """Wait for the next message."""
        data: str | bytes = self._peer.expect(self._number, "message")[0]
        return data

    def expect(self, event: str) -> list[Any]:
        """Wait for an event: upgrade, error."""
        return self._peer.expect(self._number, event)

    def expect_heartbeat(self) -> None:
        """Wait until the server's part of the heartbeat comes."""
        self.expect("pong" if self._version == "3" else "ping")

    def send(self, *messages: str | bytes) -> None:
        """Send messages, in one go."""
        self._peer.do("send", id=self._number, messages=messages)

    def end(self) -> None:
        """Close it."""
        self._peer.do("end", id=self._number)

    def mute(self) -> None:
        """Send nothing any more, not even pongs."""
        self._peer.do("mute", id=self._number)
