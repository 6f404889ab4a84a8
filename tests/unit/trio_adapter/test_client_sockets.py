"""Connecting over real sockets: TCP, TLS and Unix sockets, on loopback."""

import gc
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import trio

from sansio_eio import ConnectError, EngineClient
from sansio_eio.engineio import Mountable
from sansio_eio.socketio import Client
from sansio_eio_trio import connect, serve, serve_listeners
from tests.unit.client_scenarios import ask
from tests.unit.peers import TRANSPORTS, echo, make_io, tls_contexts
from tests.unit.trio_adapter.client_support import CancelsAt
from tests.unit.trio_adapter.test_sockets import run


@asynccontextmanager
async def serving(
    ssl_context: ssl.SSLContext | None = None, app: Mountable | None = None, port: int = 0
) -> AsyncGenerator[int]:
    """A server on loopback, cancelled at the end; its port."""
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(serve, app or echo(), "127.0.0.1", port, ssl_context=ssl_context))
        if ssl_context is not None:
            listener = cast("trio.SSLListener[trio.SocketStream]", listener).transport_listener
        yield cast("trio.SocketListener", listener).socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called localhost, and for a client that trusts it."""
    return tls_contexts(tmp_path)


def test_tcp() -> None:
    async def main() -> None:
        async with serving() as port:
            for host in ("127.0.0.1", "localhost"):
                async with connect(EngineClient(f"http://{host}:{port}")) as client:
                    await ask(client, 100_000)

    run(main)


def test_where_nobody_listens() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            client = EngineClient(f"ws://127.0.0.1:{taken.getsockname()[1]}", transports=["websocket"])
            with pytest.raises(ConnectError, match="websocket error") as raised:
                async with connect(client):
                    raise AssertionError
            assert isinstance(raised.value.__cause__, OSError)

    run(main)


def test_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with serving(contexts[0]) as port:
            async with connect(EngineClient(f"https://localhost:{port}"), ssl_context=contexts[1]) as client:
                await ask(client)
            # Another name, and another authority.
            for url, context in ((f"https://127.0.0.1:{port}", contexts[1]), (f"https://localhost:{port}", None)):
                with pytest.raises(ConnectError) as raised:
                    async with connect(EngineClient(url), ssl_context=context):
                        raise AssertionError
                assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)

    run(main)


def test_unix_socket(tmp_path: Path) -> None:
    async def main() -> None:
        path = str(tmp_path / "socket")
        with pytest.raises(ConnectError) as raised:
            async with connect(EngineClient("http://localhost"), unix_path=path):
                raise AssertionError
        assert isinstance(raised.value.__cause__, FileNotFoundError)
        bound = trio.socket.socket(socket.AF_UNIX)
        await bound.bind(path)
        bound.listen()
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_listeners, echo(), [trio.SocketListener(bound)])
            async with connect(EngineClient("http://localhost"), unix_path=path) as client:
                await ask(client)
            nursery.cancel_scope.cancel()

    run(main)


def test_tls_through_a_proxy(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with serving(contexts[0]) as server:
            dialled: list[tuple[str, int]] = []

            async def dial(host: str, port: int) -> trio.abc.Stream:
                dialled.append((host, port))
                return await trio.open_tcp_stream("127.0.0.1", server)

            client = EngineClient("wss://localhost", transports=["websocket"])
            async with connect(client, dial=dial, ssl_context=contexts[1]):
                await ask(client)
            assert dialled == [("localhost", 443)]

    run(main)


@TRANSPORTS
def test_a_server_that_is_restarted(transports: list[str]) -> None:
    async def main() -> None:
        async with serving(app=make_io()) as port:
            pass
        client = Client(f"http://127.0.0.1:{port}", transports=transports, reconnection_delay=0.01)
        async with connect(client, wait=False) as io:
            for _ in range(3):
                async with serving(app=make_io(), port=port):
                    assert await io.call("echo", 1, timeout=10.0) == 1
                assert io.active
                assert not io.connected

    run(main)


@pytest.mark.parametrize("secure", [False, True], ids=["TCP", "TLS"])
def test_a_cancellation_at_any_step_leaves_nothing(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], secure: bool
) -> None:
    async def main() -> None:
        async with serving(contexts[0] if secure else None) as port:
            steps = 0
            is_cancelled = True
            while is_cancelled:
                steps += 1
                client = EngineClient(f"{'wss' if secure else 'ws'}://localhost:{port}", transports=["websocket"])
                with CancelsAt(steps) as scope:
                    async with connect(client, ssl_context=contexts[1]):
                        await ask(client)
                is_cancelled = scope.cancelled_caught
                assert client.runtime is None
            assert steps > 10
        # What had not been closed would say so now.
        gc.collect()

    run(main)
