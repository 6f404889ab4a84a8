"""What clients of the adapters talk to, whatever they run on."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from sansio_eio import ConnectionRefused, EngineClient, EngineServer, Server, Session, Socket

URL = "http://host.example"

#: What a client may be told to use.
TRANSPORT_MODES = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}

TRANSPORTS = pytest.mark.parametrize("transports", TRANSPORT_MODES.values(), ids=TRANSPORT_MODES.keys())


def echo(reasons: list[str] | None = None) -> EngineServer:
    """A server that sends everything back."""
    engine = EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", session.send)
        if reasons is not None:
            session.on("close", reasons.append)

    return engine


def collector(received: list[str]) -> EngineServer:
    """A server that keeps what it is sent."""
    engine = EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", received.append)

    return engine


def make_io(log: list[str] | None = None) -> Server:
    """A Socket.IO server with an answer, an event and a question; it says why the clients have left."""
    io = Server()

    @io.on("connection")
    def connected(socket: Socket) -> None:
        @socket.on("echo")
        def echo_back(*args: Any) -> tuple[Any, ...]:
            return args

        @socket.on("tell me")
        def tell(*args: Any) -> None:
            socket.emit("told", *args)

        @socket.on("ask me")
        async def ask(question: Any) -> Any:
            return await socket.emit_with_ack("question", question)

        @socket.on("throw me out")
        def throw_out() -> None:
            socket.disconnect()

        if log is not None:
            socket.on("disconnect", log.append)

    @io.of("/admin").use
    def check(socket: Socket) -> None:
        if socket.handshake.auth != {"token": "right"}:
            raise ConnectionRefused("who are you?", data={"hint": 42})

    return io


def reasons_of(client: EngineClient) -> list[str]:
    """Why its sessions have ended."""
    reasons: list[str] = []
    client.on("close", reasons.append)
    return reasons


def handshake_of(sid: str) -> bytes:
    """The answer to the first request of a session."""
    body = f'0{{"sid":"{sid}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}'
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def tls_contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called localhost, and for a client that trusts it. The certificate is kept in the folder."""
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
