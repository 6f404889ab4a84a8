"""Real sockets on loopback, TLS, and trio as a guest of asyncio."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme
from trio.testing import wait_all_tasks_blocked

from sansio_eio import EngineServer, LocalProtocolError, Session
from sansio_eio_trio import serve, serve_listeners, serve_stream
from sansio_eio_trio.streams import receive
from tests.unit.http.support import Echo, close, handshake, ok, request, status, switching, text
from tests.unit.trio_adapter.support import Peer, listening, tasks


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run it; no task may be left, and it may not take for ever."""

    async def checked() -> None:
        before = tasks()
        with trio.fail_after(20):
            await main()
        assert tasks() == before

    trio.run(checked, strict_exception_groups=True)


@asynccontextmanager
async def serving(app: Echo | EngineServer, **options: float) -> AsyncGenerator[tuple[trio.Nursery, int]]:
    """A server on loopback, cancelled at the end: the nursery that it runs in, and its port."""
    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(
            partial(serve, app.engine, "127.0.0.1", 0, **options)  # type: ignore[arg-type]  # the names are right
        )
        yield nursery, listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Peer]:
    """A TCP client."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        yield Peer(stream)


def test_requests_and_addresses() -> None:
    async def main() -> None:
        app = Echo()
        async with serving(app) as (_, port):
            async with connected(port) as peer:
                await peer.ask(request(), ok(b"GET /? "))
                await peer.ask(handshake() + text("a"), switching() + b"\x81\x01a")
                await peer.ask(close(1000), b"\x88\x02\x03\xe8")
                assert await peer.end() == b""
            assert (app.requests[0].remote, app.requests[0].secure) == ("127.0.0.1", False)
        with pytest.raises(OSError, match=r"."):
            await trio.open_tcp_stream("127.0.0.1", port)

    run(main)


def test_an_idle_connection_costs_one_task() -> None:
    async def main() -> None:
        app = Echo()
        streams: list[trio.SocketStream] = []
        async with serving(app) as (_, port):
            idle = tasks()
            for count in range(1, 4):
                stream = await trio.open_tcp_stream("127.0.0.1", port)
                await Peer(stream).ask(handshake(), switching())
                assert tasks() == idle + count
                app.send(app.channels[-1], "x" * 1_000_000)
                assert app.runtime is not None
                app.runtime.wake()
                await Peer(stream).read(1_000_000)
                assert tasks() == idle + count
                streams.append(stream)
            for stream in streams:
                await stream.aclose()

    run(main)


def test_a_large_response_to_a_slow_reader() -> None:
    async def main() -> None:
        async with serving(Echo()) as (_, port), connected(port) as peer:
            await peer.send(request("GET", "/long") * 50 + request("GET", "/", ["Connection: close"]))
            await trio.sleep(0.05)
            data = await peer.end()
            assert data.count(b"HTTP/1.1 200 OK") == 51
            assert data.count(b"x" * 200_000) == 50

    run(main)


def test_an_error_response_arrives_although_the_peer_goes_on_sending() -> None:
    async def main() -> None:
        async with serving(Echo()) as (_, port), connected(port) as peer:
            await peer.send(request("POST", "/", ["Content-Length: 5000000"]) + b"x" * 5_000_000)
            assert status(await peer.end()) == 413

    run(main)


def test_peers_that_reset_the_connection() -> None:
    async def main() -> None:
        app = Echo()
        async with serving(app) as (_, port):
            for data in (b"", handshake(), request("GET", "/long") * 100):
                async with connected(port) as peer:
                    await peer.send(data + b"GET")
                    await trio.sleep(0.01)
                    assert isinstance(peer.stream, trio.SocketStream)
                    peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            async with connected(port) as peer:
                await peer.ask(request(), ok(b"GET /? "))

    run(main)


def test_a_socket_that_its_owner_closes() -> None:
    async def main() -> None:
        for late in (False, True):
            ours, theirs = (trio.SocketStream(each) for each in trio.socket.socketpair())
            app = Echo()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_stream, app, theirs)
                peer = Peer(ours)
                await peer.ask(handshake(), switching())
                if late:
                    # Between two pieces: the descriptor is gone when it is looked at.
                    await peer.send(text("a"))
                theirs.socket.close()
            assert len(app.closed) == 1
            await ours.aclose()

    run(main)


def test_a_socket_that_takes_nothing_at_first() -> None:
    async def main() -> None:
        ours, theirs = (trio.SocketStream(each) for each in trio.socket.socketpair())
        number = theirs.socket.fileno()
        filled = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                filled += os.write(number, b"x" * 1000)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, Echo(), theirs)
            peer = Peer(ours)
            await peer.send(request())
            await trio.sleep(0.01)
            assert await peer.read(filled) == b"x" * filled
            await peer.expect(ok(b"GET /? "))
            await ours.aclose()

    run(main)


def test_a_socket_whose_peer_is_gone_already() -> None:
    async def main() -> None:
        app = Echo()
        await serve_stream(app, trio.SocketStream(trio.socket.socket()))
        assert app.requests == []

    run(main)


def test_a_unix_socket(tmp_path: Path) -> None:
    async def main() -> None:
        app = Echo()
        bound = trio.socket.socket(socket.AF_UNIX)
        await bound.bind(str(tmp_path / "socket"))
        bound.listen()
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_listeners, app, [trio.SocketListener(bound)])
            async with await trio.open_unix_socket(str(tmp_path / "socket")) as stream:
                await Peer(stream).ask(request(), ok(b"GET /? "))
            nursery.cancel_scope.cancel()
        assert app.requests[0].remote == ""

    run(main)


def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())

    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            listeners: list[trio.SSLListener[trio.SocketStream]] = await nursery.start(
                partial(serve, app.engine, "127.0.0.1", 0, ssl_context=context)
            )
            listener = listeners[0].transport_listener
            assert isinstance(listener, trio.SocketListener)
            port: int = listener.socket.getsockname()[1]

            async with connected(port) as plain:
                await plain.send(request())
                with contextlib.suppress(trio.BrokenResourceError):
                    assert b"HTTP" not in await plain.end()
            stream = trio.SSLStream(
                await trio.open_tcp_stream("127.0.0.1", port),
                trusting,
                server_hostname="localhost",
                https_compatible=True,
            )
            async with stream:
                peer = Peer(stream)
                await peer.ask(request(), ok(b"GET /? "))
                assert (app.requests[0].remote, app.requests[0].secure) == ("127.0.0.1", True)
                await peer.send(request("GET", "/long") * 20)
                assert (await peer.read(4_000_000)).count(b"HTTP/1.1 200 OK") == 20
                await peer.send(b"nonsense\r\n\r\n")
                assert b"HTTP/1.1 400 " in await peer.end()
            nursery.cancel_scope.cancel()

    run(main)


def test_a_handshake_of_tls_that_never_comes(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listeners: list[trio.SSLListener[trio.SocketStream]] = await nursery.start(
                partial(serve, EngineServer(), "127.0.0.1", 0, ssl_context=context, header_timeout=0.01)
            )
            listener = listeners[0].transport_listener
            assert isinstance(listener, trio.SocketListener)
            async with connected(listener.socket.getsockname()[1]) as peer:
                assert await peer.end() == b""
            nursery.cancel_scope.cancel()

    run(main)


def test_where_it_cannot_listen() -> None:
    async def main() -> None:
        engine = EngineServer()
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            await serve(engine, "127.0.0.1", taken.getsockname()[1])
        assert engine.runtime is None
        async with serving(engine):
            with pytest.raises(LocalProtocolError):
                await serve(engine, None, 0)

    run(main)


def test_as_a_guest_of_asyncio() -> None:
    log: list[str] = []

    async def handler(session: Session, data: str) -> None:
        try:
            await trio.sleep(0.01)
            session.send(data)
            await trio.sleep_forever()
        finally:
            log.append(data)

    async def guest(ready: asyncio.Future[int], stop: trio.Event) -> None:
        async with serving(listening(handler, concurrent=True)) as (_, port):
            ready.set_result(port)
            await stop.wait()

    async def host() -> None:
        loop = asyncio.get_running_loop()
        ready, stop, done = loop.create_future(), trio.Event(), loop.create_future()
        trio.lowlevel.start_guest_run(
            guest, ready, stop, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", await ready)
        writer.write(handshake("/engine.io/?EIO=4&transport=websocket") + text("4a"))
        await reader.readuntil(b"\x81\x024a")
        writer.write(close())
        await reader.read()
        writer.close()
        await writer.wait_closed()
        stop.set()
        (await done).unwrap()

    asyncio.run(asyncio.wait_for(host(), 20), debug=False)
    assert log == ["a"]


class GivesAway(trio.abc.Instrument):
    """Closes a socket just before the task that was woken to read it goes on; a new one gets its number."""

    def __init__(self, stream: trio.SocketStream, reader: str) -> None:
        self.stream = stream
        self.reader = reader
        self.mine, self.yours = socket.socketpair()
        self.yours.send(b"for somebody else")
        self.other: socket.socket | None = None

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.other is None and task.name == self.reader:
            number = self.stream.socket.fileno()
            self.stream.socket.close()
            self.other = socket.socket(fileno=os.dup2(self.mine.fileno(), number))


def test_a_socket_that_is_closed_when_its_reader_has_been_woken() -> None:
    async def main() -> None:
        ours, theirs = (trio.SocketStream(each) for each in trio.socket.socketpair())
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(OSError, match="Bad file descriptor"):
                    await receive(theirs)

            nursery.start_soon(read, name="the reader")
            await wait_all_tasks_blocked()
            instrument = GivesAway(theirs, "the reader")
            trio.lowlevel.add_instrument(instrument)
            await ours.send_all(b"for the first")
        trio.lowlevel.remove_instrument(instrument)
        assert instrument.other is not None
        assert instrument.other.recv(100) == b"for somebody else"
        for each in (instrument.mine, instrument.yours, instrument.other):
            each.close()
        await ours.aclose()

    run(main)
