"""Clients over TLS: who is trusted, and why somebody is not."""

# trustme knows contexts of pyOpenSSL, which is not there.
# pyright: reportUnknownMemberType=false

import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from sansio_eio import ConnectError
from sansio_eio_threads import Server as Threads
from sansio_eio_threads import connect
from tests.unit.threads_adapter.client import PATIENCE, finish, in_thread
from tests.unit.threads_adapter.servers import listening, make_echo, make_url, silent_server


def to(host: str, server: Threads, scheme: str = "https") -> str:
    """The URL of a server, by this name."""
    return f"{scheme}://{host}:{server.addresses[0][1]}"


def reason(url: str, context: ssl.SSLContext | None = None, *, transport: str = "polling") -> BaseException | None:
    """Why a client did not get in."""
    with pytest.raises(ConnectError) as caught, connect(url, ssl_context=context, transports=[transport]):
        pass
    return caught.value.__cause__


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_both_ways_and_much_of_it(server_context: ssl.SSLContext, client_context: ssl.SSLContext, scheme: str) -> None:
    with (
        Threads(make_echo(), "127.0.0.1", 0, ssl_context=server_context) as server,
        connect(to("localhost", server, scheme), ssl_context=client_context) as client,
    ):
        for size in (1, 1000, 60_000):
            assert client.emit_with_ack("ask", b"x" * size).wait() == b"x" * size
        # More than fits into the buffers of the kernel, before anything of it is read.
        for number in range(100):
            assert client.emit("news", number, b"y" * 60_000)
        for number in range(100):
            assert next(iter(client)).args == [number, b"y" * 60_000]


def test_a_certificate_that_nobody_has_vouched_for(server_context: ssl.SSLContext) -> None:
    with Threads(make_echo(), "127.0.0.1", 0, ssl_context=server_context) as server:
        # That of `connect` itself, too, knows what the system trusts.
        for transport in ("polling", "websocket"):
            error = reason(to("localhost", server), transport=transport)
            assert isinstance(error, ssl.SSLCertVerificationError)
            assert "unable to get local issuer certificate" in str(error)


def test_a_certificate_of_somebody_else(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    with Threads(make_echo(), "127.0.0.1", 0, ssl_context=server_context) as server:
        error = reason(make_url(server, scheme="https"), client_context)
        assert isinstance(error, ssl.SSLCertVerificationError)
        assert "IP address mismatch" in str(error)


def test_an_address_has_a_certificate_too(authority: trustme.CA, client_context: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "::1").configure_cert(context)
    with Threads(make_echo(), ["127.0.0.1", "::1"], 0, ssl_context=context) as server:
        for host, port in server.addresses:
            name = f"[{host}]" if ":" in host else host
            with connect(f"https://{name}:{port}", ssl_context=client_context) as client:
                assert client.emit_with_ack("ask", 1).wait() == 1


def test_a_name_that_has_no_place_in_tls(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with pytest.raises(ConnectError) as caught, connect("https://.example.com", unix_path=path):
            pass
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_server_that_does_not_speak_tls(client_context: ssl.SSLContext) -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        assert isinstance(reason(make_url(server, scheme="https"), client_context), ssl.SSLError)


def test_a_server_that_speaks_tls_to_a_client_that_does_not(server_context: ssl.SSLContext) -> None:
    with (
        Threads(make_echo(), "127.0.0.1", 0, ssl_context=server_context) as server,
        pytest.raises(ConnectError),
        connect(make_url(server)),
    ):
        pass


@contextmanager
def hanging_up(data: bytes) -> Generator[str]:
    """A server that says this much of a handshake, and goes."""
    with silent_server() as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(data)

        thread = in_thread(serve)
        yield listening(listener).replace("http", "https")
        finish(thread)


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x03\x00\x7a\x02\x00"], ids=["nothing", "half a ServerHello"])
def test_a_server_that_goes_during_the_handshake(client_context: ssl.SSLContext, data: bytes) -> None:
    with hanging_up(data) as url:
        assert isinstance(reason(url, client_context), OSError)


def test_a_server_that_is_gone_before_the_handshake(client_context: ssl.SSLContext) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with (
        pytest.raises(ConnectError) as caught,
        connect("https://localhost", ssl_context=client_context, dial=lambda _host, _port: ours),
    ):
        pass
    assert isinstance(caught.value.__cause__, OSError)


def test_half_a_handshake_does_not_hold_up_the_end(client_context: ssl.SSLContext) -> None:
    with silent_server() as listener:
        url = listening(listener).replace("http", "https")
        with connect(url, ssl_context=client_context, wait=False):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(PATIENCE)
                assert sock.recv(1) == b"\x16"
        with (
            pytest.raises(ConnectError, match="timeout"),
            connect(url, ssl_context=client_context, connect_timeout=0.05),
        ):
            pass


def test_tls_through_dial(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    """The name is that of the URL, whatever `dial` has connected."""
    with Threads(make_echo(), "127.0.0.1", 0, ssl_context=server_context) as server:

        def dial(_host: str, _port: int) -> socket.socket:
            return socket.create_connection(server.addresses[0], PATIENCE)

        with connect("https://localhost", ssl_context=client_context, dial=dial) as client:
            assert client.emit_with_ack("ask", 1).wait() == 1

        def dial_tls(_host: str, _port: int) -> socket.socket:
            return client_context.wrap_socket(dial("", 0), server_hostname="localhost")

        # A socket of TLS is fine without more TLS on it.
        with connect("http://localhost:3000", dial=dial_tls) as client:
            assert client.emit_with_ack("ask", b"x" * 300_000).wait() == b"x" * 300_000
        with (
            pytest.raises(ConnectError) as caught,
            connect("https://localhost", ssl_context=client_context, dial=dial_tls),
        ):
            pass
        assert "TLS" in str(caught.value.__cause__)
