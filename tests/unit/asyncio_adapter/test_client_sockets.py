"""Connecting over real sockets: TCP, TLS and Unix sockets, on loopback."""

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from sansio_eio import ConnectError, EngineClient
from sansio_eio.http import Pump
from sansio_eio.socketio import Client
from sansio_eio_asyncio import connect, start_server
from sansio_eio_asyncio.dialling import open_tcp_socket
from tests.unit.asyncio_adapter.loops import Main
from tests.unit.client_scenarios import ask
from tests.unit.peers import TRANSPORTS, echo, make_io, tls_contexts


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server called localhost, and for a client that trusts it."""
    return tls_contexts(tmp_path)


def test_tcp(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with start_server(echo(), "127.0.0.1", 0) as server:
            for host in ("127.0.0.1", "localhost"):
                async with connect(EngineClient(f"http://{host}:{server.addresses[0][1]}")) as client:
                    await ask(client, 100_000)

    run(main)


def test_where_nobody_listens(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            client = EngineClient(f"ws://127.0.0.1:{taken.getsockname()[1]}", transports=["websocket"])
            with pytest.raises(ConnectError, match="websocket error") as raised:
                async with connect(client):
                    raise AssertionError
            assert isinstance(raised.value.__cause__, ConnectionRefusedError)

    run(main)


def test_tls(run: Callable[[Main], None], contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with start_server(echo(), "127.0.0.1", 0, ssl_context=contexts[0]) as server:
            port = server.addresses[0][1]
            async with connect(EngineClient(f"https://localhost:{port}"), ssl_context=contexts[1]) as client:
                await ask(client)
            # Another name, and another authority.
            for url, context in ((f"https://127.0.0.1:{port}", contexts[1]), (f"https://localhost:{port}", None)):
                with pytest.raises(ConnectError) as raised:
                    async with connect(EngineClient(url), ssl_context=context):
                        raise AssertionError
                assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)

    run(main)


def test_unix_socket(run: Callable[[Main], None], tmp_path: Path) -> None:
    async def main() -> None:
        path = str(tmp_path / "socket")
        with pytest.raises(ConnectError) as raised:
            async with connect(EngineClient("http://localhost"), unix_path=path):
                raise AssertionError
        assert isinstance(raised.value.__cause__, FileNotFoundError)
        async with (
            start_server(echo(), unix_path=path),
            connect(EngineClient("http://localhost"), unix_path=path) as client,
        ):
            await ask(client)

    run(main)


def test_tls_through_a_proxy(run: Callable[[Main], None], contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def main() -> None:
        async with start_server(echo(), "127.0.0.1", 0, ssl_context=contexts[0]) as server:
            dialled: list[tuple[str, int]] = []

            async def dial(host: str, port: int) -> socket.socket:
                dialled.append((host, port))
                return socket.create_connection(server.addresses[0])

            client = EngineClient("wss://localhost", transports=["websocket"])
            async with connect(client, dial=dial, ssl_context=contexts[1]):
                await ask(client)
            assert dialled == [("localhost", 443)]

    run(main)


def test_a_peer_that_is_gone_at_once(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        own: list[socket.socket] = []

        async def dial(host: str, port: int) -> socket.socket:
            ours, theirs = socket.socketpair()
            theirs.close()
            own.append(ours)
            return ours

        with pytest.raises(ConnectError):
            async with connect(EngineClient("http://localhost"), dial=dial):
                raise AssertionError
        await asyncio.sleep(0)
        assert [sock.fileno() for sock in own] == [-1]

    run(main)


def test_given_up_in_the_moment_before_it_is_connected(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        client = EngineClient("http://localhost")
        peers: list[socket.socket] = []
        own: list[socket.socket] = []

        def give_up() -> None:
            client.close()
            assert isinstance(client.runtime, Pump)
            client.runtime.pump()

        async def dial(host: str, port: int) -> socket.socket:
            ours, theirs = socket.socketpair()
            peers.append(theirs)
            own.append(ours)
            asyncio.get_running_loop().call_soon(give_up)
            return ours

        with pytest.raises(ConnectError):
            async with connect(client, dial=dial):
                raise AssertionError
        assert peers[0].recv(1) == b""
        peers[0].close()
        # It must not close the descriptor a second time, which may be somebody else's by now.
        await asyncio.sleep(0)
        assert own[0].fileno() == -1

    run(main)


@TRANSPORTS
def test_a_server_that_is_restarted(run: Callable[[Main], None], transports: list[str]) -> None:
    async def main() -> None:
        async with start_server(make_io(), "127.0.0.1", 0) as server:
            port = server.addresses[0][1]
        client = Client(f"http://127.0.0.1:{port}", transports=transports, reconnection_delay=0.01)
        async with connect(client, wait=False) as io:
            for _ in range(3):
                async with start_server(make_io(), "127.0.0.1", port):
                    assert await io.call("echo", 1, timeout=10.0) == 1
                assert io.active
                assert not io.connected

    run(main)


@pytest.mark.parametrize("secure", [False, True], ids=["TCP", "TLS"])
def test_a_cancellation_in_any_turn_leaves_nothing(
    run: Callable[[Main], None], contexts: tuple[ssl.SSLContext, ssl.SSLContext], secure: bool
) -> None:
    dialled: list[socket.socket] = []

    async def dial(host: str, port: int) -> socket.socket:
        dialled.append(await open_tcp_socket(host, port))
        return dialled[-1]

    async def session(client: EngineClient) -> None:
        async with connect(client, dial=dial, ssl_context=contexts[1]):
            await ask(client)

    async def main() -> None:
        async with start_server(echo(), "127.0.0.1", 0, ssl_context=contexts[0] if secure else None) as server:
            turns = 0
            others = asyncio.all_tasks()
            url = f"{'wss' if secure else 'ws'}://localhost:{server.addresses[0][1]}"
            while True:
                client = EngineClient(url, transports=["websocket"])
                task = asyncio.create_task(session(client))
                for _ in range(turns):
                    await asyncio.sleep(0)
                cancelled = task.cancel()
                await asyncio.wait([task])
                assert asyncio.all_tasks() == others
                assert client.runtime is None
                if not cancelled:
                    break
                assert task.cancelled()
                turns += 1
            assert turns > 10
        # What had not been closed would say so now. And nothing is closed twice.
        gc.collect()
        assert [sock for sock in dialled if sock.fileno() != -1] == []

    run(main)
