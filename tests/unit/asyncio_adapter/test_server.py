"""Listening, TLS, Unix sockets, uvloop and shutting down, on loopback."""

import asyncio
import contextlib
import gc
import socket
import ssl
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

import sansio_eio_asyncio
from sansio_eio import EngineServer, LocalProtocolError, OnError, Session
from tests.unit.asyncio_adapter.loops import Main
from tests.unit.http.support import Echo, close, handshake, ok, request, text


class Client:
    """Reads and writes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes, answer: bytes) -> None:
        """Send bytes, and get exactly these back."""
        self.writer.write(data)
        assert await self.reader.readexactly(len(answer)) == answer

    async def end(self) -> bytes:
        """Everything up to the end of the connection."""
        return await self.reader.read()


@asynccontextmanager
async def dial(host: str, port: int, **options: Any) -> AsyncGenerator[Client]:
    """A TCP client."""
    async with _client(*await asyncio.open_connection(host, port, **options)) as client:
        yield client


@asynccontextmanager
async def _client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncGenerator[Client]:
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def open_websocket(client: Client) -> None:
    """An Engine.IO session over WebSocket."""
    client.writer.write(handshake("/engine.io/?EIO=4&transport=websocket"))
    await client.reader.readuntil(b'"maxPayload":1000000}')


def test_requests_and_addresses(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with sansio_eio_asyncio.start_server(Echo(), "127.0.0.1", 0) as server:
            [(host, port)] = server.addresses
            assert host == "127.0.0.1"
            async with dial(host, port) as client:
                await client.ask(request(), ok(b"GET /? "))
                await client.ask(handshake("/?x"), b"HTTP/1.1 101 ")
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection(host, port)

    run(main)


def test_a_large_response_to_a_slow_reader(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with (
            sansio_eio_asyncio.start_server(Echo(), "127.0.0.1", 0) as server,
            dial(*server.addresses[0], limit=1000) as client,
        ):
            client.writer.write(request("GET", "/long") * 50 + request("GET", "/", ["Connection: close"]))
            await asyncio.sleep(0.1)
            data = await client.end()
            assert data.count(b"HTTP/1.1 200 OK") == 51
            assert data.count(b"x" * 200_000) == 50

    run(main)


def test_an_error_response_arrives_although_the_peer_goes_on_sending(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with (
            sansio_eio_asyncio.start_server(Echo(), "127.0.0.1", 0) as server,
            dial(*server.addresses[0]) as client,
        ):
            client.writer.write(request("POST", "/", ["Content-Length: 5000000"]) + b"x" * 5_000_000)
            assert (await client.end()).startswith(b"HTTP/1.1 413 ")

    run(main)


def test_unix_socket(run: Callable[[Main], None], tmp_path: Path) -> None:
    async def main() -> None:
        path = str(tmp_path / "socket")
        async with sansio_eio_asyncio.start_server(Echo(), unix_path=path) as server:
            assert server.addresses == []
            async with _client(*await asyncio.open_unix_connection(path)) as client:
                await client.ask(request(), ok(b"GET /? "))

    run(main)


def test_a_socket_that_is_bound_already(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        async with sansio_eio_asyncio.start_server(Echo(), sock=sock) as server:
            assert server.addresses == [("127.0.0.1", port)]
            async with dial("127.0.0.1", port) as client:
                await client.ask(request(), ok(b"GET /? "))

    run(main)


def test_tls(run: Callable[[Main], None], tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")

    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem")
        trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        app = Echo()
        async with sansio_eio_asyncio.start_server(app, "127.0.0.1", 0, ssl_context=context) as server:
            async with dial(*server.addresses[0], ssl=trusting, server_hostname="localhost") as client:
                await client.ask(request(), ok(b"GET /? "))
                client.writer.write(b"nonsense\r\n\r\n")
                assert (await client.end()).startswith(b"HTTP/1.1 400 ")
            assert app.requests[0].secure
            # And who talks plainly gets nothing.
            async with dial(*server.addresses[0]) as client:
                client.writer.write(request())
                assert b"HTTP" not in await client.end()

    run(main)


def listening(app: Echo | EngineServer, **options: Any) -> tuple[asyncio.Task[None], int]:
    """`serve` in a task, and the port."""
    sock = socket.create_server(("127.0.0.1", 0))
    port: int = sock.getsockname()[1]
    return asyncio.create_task(sansio_eio_asyncio.serve(app, sock=sock, **options)), port


async def stop(task: asyncio.Task[None]) -> None:
    """Cancel it, and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def closing_server(reasons: list[str], seconds: float) -> EngineServer:
    """A server whose handler of the end takes a while."""
    engine = EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("close")
        async def closed(reason: str) -> None:
            await asyncio.sleep(seconds)
            reasons.append(reason)

    return engine


def test_shutting_down_tells_the_peers_and_waits_for_handlers(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        reasons: list[str] = []
        task, port = listening(closing_server(reasons, 0.05))
        async with dial("127.0.0.1", port) as idle, dial("127.0.0.1", port) as client:
            await open_websocket(client)
            idle.writer.write(request("GET", "/none"))
            await idle.reader.readuntil(b"Not Found\n")
            task.cancel()
            assert await client.reader.readexactly(2) == b"\x88\x00"
            assert await idle.end() == b""
            assert not task.done()
            client.writer.write(close())
            assert await client.end() == b""
            with pytest.raises(asyncio.CancelledError):
                await task
        assert reasons == ["forced close"]

    run(main)


def test_peers_and_handlers_that_do_not_end_are_cut_off(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        reasons: list[str] = []
        task, port = listening(closing_server(reasons, 1000.0), shutdown_timeout=0.1)
        async with dial("127.0.0.1", port) as client:
            await open_websocket(client)
            await stop(task)
            assert await client.reader.readexactly(2) == b"\x88\x00"
            with contextlib.suppress(ConnectionResetError):
                assert await client.end() == b""
        assert reasons == []
        assert len(asyncio.all_tasks()) <= 2

    run(main)


def test_a_second_cancellation_ends_the_grace(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        task, port = listening(closing_server([], 1000.0), shutdown_timeout=1000.0)
        async with dial("127.0.0.1", port) as client:
            await open_websocket(client)
            task.cancel()
            assert await client.reader.readexactly(2) == b"\x88\x00"
            assert not task.done()
            await stop(task)

    run(main)


def test_handlers_beside_everything_are_cancelled(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        log: list[str] = []
        engine = EngineServer()

        @engine.on("connection", concurrent=True)
        async def connected(session: Session) -> None:
            try:
                log.append("started")
                await asyncio.sleep(1000.0)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                log.append("cancelled")
                raise

        task, port = listening(engine)
        async with dial("127.0.0.1", port) as client:
            await open_websocket(client)
            client.writer.write(close())
            await client.end()
            await asyncio.sleep(0.01)
            await stop(task)
        assert log == ["started", "cancelled"]

    run(main)


def stopping_server() -> EngineServer:
    """A server that an error stops."""
    engine = EngineServer()
    engine.on_error(lambda _error, _where: OnError.STOP)

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message")
        def received(data: str) -> None:
            raise ValueError(data)

    return engine


async def raise_in_a_handler(client: Client) -> None:
    await open_websocket(client)
    client.writer.write(text("4mine"))
    assert await client.reader.readexactly(2) == b"\x88\x00"
    client.writer.write(close())
    assert await client.end() == b""


def test_an_error_stops_serve_and_is_raised(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        task, port = listening(stopping_server())
        async with dial("127.0.0.1", port) as client:
            await raise_in_a_handler(client)
        with pytest.raises(ValueError, match="mine"):
            await task
        assert not task.cancelling()

    run(main)


def test_an_error_cancels_the_body_of_a_server(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        ended: list[str] = []

        async def body() -> None:
            async with sansio_eio_asyncio.start_server(stopping_server(), "127.0.0.1", 0) as server:
                port.set_result(server.addresses[0][1])
                try:
                    await asyncio.sleep(1000.0)
                finally:
                    ended.append("body")

        port = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(body())
        async with dial("127.0.0.1", await port) as client:
            await raise_in_a_handler(client)
        with pytest.raises(ValueError, match="mine"):
            await task
        assert ended == ["body"]

    run(main)


def test_a_body_that_is_cancelled_besides_is_cancelled(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        task, port = listening(stopping_server())
        async with dial("127.0.0.1", port) as client:
            await open_websocket(client)
            client.writer.write(text("4mine"))
            assert await client.reader.readexactly(2) == b"\x88\x00"
            await stop(task)

    run(main)


def test_an_error_while_it_shuts_down_cuts_nothing_short(
    run: Callable[[Main], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        engine = EngineServer()
        engine.on_error(lambda _error, _where: OnError.STOP)
        log: list[str] = []

        @engine.on("connection")
        def connected(session: Session) -> None:
            @session.on("close")
            def fail(reason: str) -> None:
                raise ValueError(reason)

            @session.on("close")
            async def linger(reason: str) -> None:
                await asyncio.sleep(0.05)
                log.append(reason)

        task, port = listening(engine)
        async with dial("127.0.0.1", port) as client:
            await open_websocket(client)
            task.cancel()
            assert await client.reader.readexactly(2) == b"\x88\x00"
            client.writer.write(close())
            assert await client.end() == b""
            with pytest.raises(asyncio.CancelledError):
                await task
        assert log == ["forced close"]
        assert [record.getMessage() for record in caplog.records] == ["while it stops already"]

    run(main)


def test_an_error_in_the_last_moment_of_the_body(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        engine = stopping_server()
        with pytest.raises(ValueError, match="mine"):
            async with sansio_eio_asyncio.start_server(engine, "127.0.0.1", 0):
                engine.report(ValueError("mine"), "the body")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    run(main)


def test_the_same_application_may_be_served_again_but_not_twice(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        engine = EngineServer()
        for _ in range(2):
            async with sansio_eio_asyncio.start_server(engine, "127.0.0.1", 0) as server:
                async with dial(*server.addresses[0]) as client:
                    await open_websocket(client)
                    client.writer.write(text("2probe"))
                    client.writer.write(close())
                    await client.end()
                with pytest.raises(LocalProtocolError):
                    await sansio_eio_asyncio.serve(engine, "127.0.0.1", 0)

    run(main)


def test_where_it_cannot_listen(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        engine = EngineServer()
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            await sansio_eio_asyncio.serve(engine, "127.0.0.1", taken.getsockname()[1])
        async with sansio_eio_asyncio.start_server(engine, "127.0.0.1"):
            pass

    run(main)


def test_an_exception_of_the_body_comes_through(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="mine"):
            async with sansio_eio_asyncio.start_server(EngineServer(), "127.0.0.1", 0):
                raise ValueError("mine")

    run(main)


async def serve_a_failing_body(body: Main) -> None:
    """The server is stopped by an error, and then the body does this."""
    engine = stopping_server()
    async with sansio_eio_asyncio.start_server(engine, "127.0.0.1", 0):
        engine.report(ValueError("mine"), "the body")
        await body()


def test_an_error_takes_its_cancellation_back_whatever_the_body_makes_of_it(run: Callable[[Main], None]) -> None:
    async def swallow() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(1000.0)

    async def replace() -> None:
        try:
            await asyncio.sleep(1000.0)
        except asyncio.CancelledError:
            raise KeyError("its own") from None

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        for body, cause in (swallow, type(None)), (replace, KeyError):
            with pytest.raises(ValueError, match="mine") as raised:
                await serve_a_failing_body(body)
            assert type(raised.value.__cause__) is cause
            assert task.cancelling() == 0

    run(main)


def test_an_error_of_the_body_is_its_own(run: Callable[[Main], None]) -> None:
    async def fail() -> None:
        async with sansio_eio_asyncio.start_server(Echo(), "127.0.0.1", 0):
            raise KeyError("its own")

    async def main() -> None:
        with pytest.raises(KeyError, match="its own"):
            await fail()

    run(main)


def test_an_error_in_a_task_that_has_been_cancelled_before(run: Callable[[Main], None]) -> None:
    async def wait() -> None:
        await asyncio.sleep(1000.0)

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        with pytest.raises(ValueError, match="mine"):
            await serve_a_failing_body(wait)
        assert task.cancelling() == 1
        task.uncancel()

    run(main)


def test_a_handshake_of_tls_that_ends_after_the_server(run: Callable[[Main], None], tmp_path: Path) -> None:
    """The application is somebody else's then."""
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    trusting = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())

    async def main() -> None:
        app = Echo()
        async with sansio_eio_asyncio.start_server(app, "127.0.0.1", 0, ssl_context=context) as server:
            reader, writer = await asyncio.open_connection(*server.addresses[0])
            await asyncio.sleep(0.05)
        app.deadline = 1.0
        with contextlib.suppress(ConnectionError):
            await writer.start_tls(trusting, server_hostname="localhost")
            assert await reader.read() == b""
        writer.transport.abort()
        await asyncio.sleep(0)
        assert app.advanced == []

    run(main)


def test_a_task_that_is_cancelled_before_it_begins_is_not_waited_for(run: Callable[[Main], None]) -> None:
    async def main() -> None:
        engine = EngineServer()
        others = asyncio.all_tasks()
        cancelled: list[asyncio.Task[Any]] = []

        @engine.on("connection")
        def connected(session: Session) -> None:
            if len(engine.sessions) == 1:
                session.on("close", wait)
            else:
                session.on("close", cancel)

        async def wait(_reason: str) -> None:
            await asyncio.sleep(1000.0)

        def cancel(_reason: str) -> None:
            cancelled.extend(asyncio.all_tasks() - others)
            for task in cancelled:
                task.cancel()

        async with sansio_eio_asyncio.start_server(engine, "127.0.0.1", 0, shutdown_timeout=1000.0) as server:
            async with dial(*server.addresses[0]) as one, dial(*server.addresses[0]) as other:
                await open_websocket(one)
                await open_websocket(other)
                for session in engine.sessions.copy().values():
                    session.close()
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
        assert len(cancelled) == 1

    with warnings.catch_warnings():
        # Of what was cancelled.
        warnings.simplefilter("ignore", RuntimeWarning)
        run(main)
        gc.collect()
