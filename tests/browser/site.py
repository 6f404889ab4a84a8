"""A small site: a Socket.IO server, an Engine.IO server, and pages with a client in them, driven from a test."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import BrowserContext, Error, Page, Response

from sansio_eio import EngineServer, Server, Session, Socket
from sansio_eio.engineio import AllowedOrigins, HandshakeRefused, Request
from sansio_eio.http import Router, StaticFiles
from sansio_eio_threads import Server as Threads
from tests.conformance.peers import JS

_MODULES = JS / "node_modules"
_PAGE = (
    b"<!doctype html><title>A page</title><link rel=icon href='data:,'>%s"
    b"<script src='/%s.js'></script><script src='/driver.js'></script>"
)
_HIDES = b"<meta name=referrer content=no-referrer>"

#: How an old client is told to load scripts, as browsers without CORS have to.
SCRIPTS = {"forceJSONP": True, "transports": ["polling"], "upgrade": False}


class Site:
    """What its server has received is in `received`, and whom it has refused in `refused`."""

    def __init__(self, allowed: AllowedOrigins = None) -> None:
        self.received: list[tuple[Any, ...]] = []
        self.refused: list[HandshakeRefused] = []
        self._io = Server(allow_eio3=True, cors_allowed_origins=allowed)
        self._engine = EngineServer(allow_eio3=True, cors_allowed_origins=allowed)
        for engine in (self._io.engine, self._engine):
            engine.on("headers", _be_strict)
        self._engine.on("connection", _echo)
        self._io.engine.on("connection_error", self.refused.append)
        self._io.on("connection", _join)
        self._io.on("echo", self._receive)
        self._io.on("flood", _flood)
        self._io.on("say", _say)
        self._threads = Threads(
            Router({"/socket.io/": self._io, "/engine.io/": self._engine}, fallback=StaticFiles(_files())),
            "127.0.0.1",
        )

    def _receive(self, _socket: Socket, *args: Any) -> tuple[Any, ...]:
        self.received.append(args)
        return args

    @property
    def url(self) -> str:
        host, port = self._threads.addresses[0]
        return f"http://{host}:{port}"

    @contextmanager
    def serving(self) -> Generator[Site]:
        with self._threads:
            yield self


def _files() -> dict[str, Any]:
    return {
        "/old.html": _PAGE % (b"", b"old"),
        "/hidden.html": _PAGE % (_HIDES, b"old"),
        "/new.html": _PAGE % (b"", b"new"),
        "/old.js": _MODULES / "sio-client2" / "dist" / "socket.io.js",
        "/driver.js": Path(__file__).with_name("driver.js"),
        "/new.js": _MODULES / "socket.io-client" / "dist" / "socket.io.min.js",
    }


def _be_strict(headers: list[tuple[str, str]], _request: Request) -> None:
    # As many proxies do: no response is taken for anything else than it says.
    headers.append(("X-Content-Type-Options", "nosniff"))


def _echo(session: Session) -> None:
    session.on("message", session.send)


def _join(socket: Socket) -> None:
    socket.join("room")


def _flood(socket: Socket, count: int) -> None:
    for number in range(count):
        socket.emit("said", number)


def _say(socket: Socket, *args: Any) -> None:
    socket.to("room").emit("said", *args)


class Visitor:
    """A tab with one of the pages."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        #: What was loaded from the two servers.
        self.responses: list[Response] = []
        self.complaints: list[str] = []
        self.page.on("response", self._loaded)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        self.page.goto(url)

    def _loaded(self, response: Response) -> None:
        if ".io/" in response.url:
            self.responses.append(response)

    def connect(self, url: str, **options: Any) -> str:
        """Connect; the id of the socket."""
        return str(self.page.evaluate("([url, options]) => connect(url, options)", [url, options]))

    def refused(self, url: str, **options: Any) -> str:
        """Connect in vain; the message of the error."""
        try:
            found = self.connect(url, **options)
        except Error as error:
            return error.message
        raise AssertionError(f"it is connected, as {found}")

    def emit(self, event: str, *args: Any) -> None:
        self.page.evaluate("([event, args]) => emit(event, args)", [event, _packed(args)])

    def ask(self, event: str, *args: Any) -> list[Any]:
        """Emit with an acknowledgement; its arguments."""
        answer = self.page.evaluate("([event, args]) => ask(event, args)", [event, _packed(args)])
        return _unpacked_all(answer)

    def echo(self, url: str, messages: Sequence[str | bytes], **options: Any) -> list[Any]:
        """Send messages of Engine.IO; those that come back."""
        arguments = [url, options, _packed(messages)]
        return _unpacked_all(self.page.evaluate("(args) => echo(...args)", arguments))

    def heard(self, count: int) -> list[Any]:
        """Wait for so many events; the arguments of all that have come."""
        self.page.wait_for_function("(count) => heard.length >= count", arg=count)
        return _unpacked_all(self.page.evaluate("() => heard.splice(0)"))


def _packed(value: Any) -> Any:
    match value:
        case bytes():
            return {"bytes": list(value)}
        case list() | tuple():
            return [_packed(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _unpacked(value: Any) -> Any:
    match value:
        case {"bytes": data}:
            return bytes(data)
        case [*values]:
            return _unpacked_all(values)
        case _:
            return value


def _unpacked_all(values: list[Any]) -> list[Any]:
    return [_unpacked(value) for value in values]
