"""The pump and the connections, with a transport that is none."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine

import pytest
import uvloop

from sansio_eio import EngineServer, Pending, Session
from sansio_eio.http import Router
from sansio_eio_asyncio.server import Accepted
from tests.unit.asyncio_adapter.fake import FakeTransport, dial, drive, settle
from tests.unit.http.support import Echo, close, handshake, ok, request, split, status, text

WEBSOCKET = handshake("/engine.io/?EIO=4&transport=websocket")


def run(main: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run it with asyncio watching for mistakes."""
    asyncio.run(main(), debug=True)


def test_a_request_and_its_response() -> None:
    async def main() -> None:
        app = Echo()
        driver = drive(app)
        protocol, transport = dial(driver)
        for byte in split(request()):
            protocol.data_received(byte)
        assert transport.writes == [ok(b"GET /? ")]
        assert app.requests[0].remote == "192.0.2.1"
        assert not app.requests[0].secure
        protocol.data_received(request("GET", "/", ["Connection: close"]))
        assert transport.calls == ["close"]
        await settle()
        assert not driver.endpoint.connections

    run(main)


def test_tls_and_unix_sockets() -> None:
    async def main() -> None:
        app = Echo()
        driver = drive(app)
        for secure, peer in ((True, ("2001:db8::1", 5, 0, 0)), (False, "")):
            protocol, _ = dial(driver, secure=secure, peer=peer)
            protocol.data_received(request())
        assert [(each.remote, each.secure) for each in app.requests] == [("2001:db8::1", True), ("", False)]

    run(main)


def test_an_error_response_is_not_reset() -> None:
    async def main() -> None:
        protocol, transport = dial(drive(Echo()))
        protocol.data_received(b"nonsense\r\n\r\n")
        assert status(transport.take()) == 400
        protocol.data_received(b"more")
        assert transport.calls == ["write_eof"]
        assert protocol.eof_received()
        assert transport.calls == ["write_eof", "close"]
        # TLS cannot be closed by halves.
        protocol, transport = dial(drive(Echo()), secure=True)
        protocol.data_received(b"nonsense\r\n\r\n")
        assert transport.calls == ["close"]
        assert not protocol.eof_received()

    run(main)


def test_backpressure_out() -> None:
    async def main() -> None:
        app = Echo()
        protocol, transport = dial(drive(app))
        transport.room = 100_000
        protocol.data_received(request("GET", "/long") + request())
        assert [len(each) for each in transport.writes] == [65536, 65536]
        transport.room = 1_000_000
        protocol.resume_writing()
        assert transport.take().endswith(b"\r\n\r\n" + b"x" * 200_000 + ok(b"GET /? "))

    run(main)


def test_a_paused_websocket_gets_everything_in_one_write() -> None:
    async def main() -> None:
        app = Echo()
        protocol, transport = dial(drive(app))
        protocol.data_received(handshake())
        transport.take()
        protocol.pause_writing()
        for each in ("a", "b", "c"):
            protocol.data_received(text(each))
        assert transport.writes == []
        protocol.resume_writing()
        assert transport.writes == [b"\x81\x01a\x81\x01b\x81\x01c"]

    run(main)


def test_backpressure_in() -> None:
    async def main() -> None:
        app = Echo()
        protocol, transport = dial(drive(app, max_pipelined_size=10))
        protocol.data_received(request("GET", "/park") + b"GET / HTTP/1.1\r\n")
        assert not transport.is_reading()
        protocol.connection_lost(None)
        assert transport.calls == ["pause_reading"]
        protocol, transport = dial(drive(app, max_pipelined_size=10))
        protocol.data_received(request("GET", "/cut"))
        assert transport.calls == ["close"]

    run(main)


def test_a_slow_consumer_is_aborted() -> None:
    async def main() -> None:
        protocol, transport = dial(drive(Echo(), write_timeout=0.01))
        transport.room = 10
        protocol.data_received(request("GET", "/long"))
        await asyncio.sleep(0.03)
        assert transport.calls == ["abort"]

    run(main)


def test_one_timer_that_is_moved_only_forward() -> None:
    async def main() -> None:
        app = Echo()
        driver = drive(app, header_timeout=100.0)
        dial(driver)
        first, now = driver.timer, asyncio.get_running_loop().time()
        assert first is not None
        app.deadline = now + 150.0
        driver.pump.pump()
        assert driver.timer is first
        app.deadline = now + 50.0
        driver.pump.pump()
        assert first.cancelled()
        second = driver.timer
        assert second is not None
        assert second.when() == app.deadline
        app.deadline = asyncio.get_running_loop().time() + 0.001
        driver.pump.pump()
        await asyncio.sleep(0.01)
        assert app.advanced
        app.deadline = None
        driver.forget_timer()
        assert second.cancelled()

    run(main)


def test_a_deadline_that_has_passed_meanwhile_under_uvloop() -> None:
    async def main() -> None:
        app = Echo()
        driver = drive(app)
        app.deadline = asyncio.get_running_loop().time() - 1.0
        driver.pump.pump()
        driver.pump.pump()
        assert len(app.advanced) == 2
        app.deadline = None
        await settle(2)
        app.deadline = asyncio.get_running_loop().time() - 1.0
        driver.pump.pump()
        await settle(2)
        assert len(app.advanced) >= 4

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_thousands_of_requests_at_once_do_not_hold_up_the_others() -> None:
    async def main() -> None:
        protocol, transport = dial(drive(Echo()))
        protocol.data_received(request() * 1000)
        at_once = transport.take().count(b"200 OK")
        assert 1 <= at_once <= 20
        await settle(1000)
        assert transport.take().count(b"200 OK") == 1000 - at_once

    run(main)


def test_many_busy_connections_share_one_turn_of_the_loop() -> None:
    async def main() -> None:
        driver = drive(Echo())
        peers = [dial(driver) for _ in range(10)]
        for protocol, _ in peers:
            protocol.data_received(request() * 100)
        # Not each of them for all: the first has had its rounds, and the others wait for the next turn.
        assert sum(transport.take().count(b"200 OK") for _, transport in peers) <= 20
        quiet, transport = dial(driver)
        quiet.data_received(request())
        assert transport.writes == []
        await settle(1)
        assert transport.take() == ok(b"GET /? ")
        await settle(1000)
        assert all(transport.take().count(b"200 OK") >= 80 for _, transport in peers)

    run(main)


def test_a_pump_that_is_cut_short_still_looks_at_the_time() -> None:
    async def main() -> None:
        app = Echo()
        protocol, transport = dial(drive(app))
        app.deadline = 0.0
        protocol.data_received(request() * 1000)
        assert transport.take().count(b"200 OK") <= 20
        assert len(app.advanced) == 1
        app.deadline = None

    run(main)


def test_wake_pumps_once() -> None:
    async def main() -> None:
        app = Echo()
        driver = drive(app)
        protocol, transport = dial(driver)
        protocol.data_received(handshake())
        transport.take()
        for each in ("a", "b"):
            app.send(app.channels[0], each)
            driver.pump.wake()
        assert transport.writes == []
        await settle(1)
        assert transport.writes == [b"\x81\x01a\x81\x01b"]

    run(main)


def opened(engine: EngineServer) -> tuple[Accepted, FakeTransport]:
    """A session over WebSocket."""
    protocol, transport = dial(drive(engine))
    protocol.data_received(WEBSOCKET)
    transport.take()
    return protocol, transport


def test_def_handlers_run_inline() -> None:
    async def main() -> None:
        engine = EngineServer()

        @engine.on("connection")
        def connected(session: Session) -> None:
            @session.on("message")
            def message(data: str | bytes) -> None:
                session.send(data)

        protocol, transport = opened(engine)
        protocol.data_received(text("4a") + text("4b"))
        assert transport.writes == [b"\x81\x024a\x81\x024b"]
        assert len(asyncio.all_tasks()) == 1

    run(main)


def asynchronous(handler: Callable[[Session, str | bytes], Awaitable[None]]) -> EngineServer:
    """A server whose messages go to this handler."""
    engine = EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        @session.on("message")
        async def message(data: str | bytes) -> None:
            await handler(session, data)

    return engine


def test_async_handlers_run_in_order_in_one_task() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        tasks: set[asyncio.Task[None] | None] = set()

        async def handler(session: Session, data: str | bytes) -> None:
            tasks.add(asyncio.current_task())
            await (gate.wait() if data == "a" else asyncio.sleep(0))
            session.send(data)

        protocol, transport = opened(asynchronous(handler))
        protocol.data_received(text("4a") + text("4b") + text("4c"))
        await settle()
        assert transport.writes == []
        gate.set()
        await settle(10)
        assert transport.take() == b"\x81\x024a\x81\x024b\x81\x024c"
        assert len(tasks) == 1
        assert len(asyncio.all_tasks()) == 1

    run(main)


def test_an_async_handler_that_does_not_wait_costs_no_turn_of_the_loop() -> None:
    async def main() -> None:
        async def handler(session: Session, data: str | bytes) -> None:
            session.send(data)

        protocol, transport = opened(asynchronous(handler))
        protocol.data_received(text("4a"))
        if sys.version_info < (3, 12):
            await settle(1)
        assert transport.writes == [b"\x81\x024a"]

    run(main)


def test_thousands_of_async_handlers_that_do_not_wait_do_not_hold_up_the_others() -> None:
    async def main() -> None:
        async def handler(session: Session, data: str | bytes) -> None:
            session.send(data)

        protocol, transport = opened(asynchronous(handler))
        protocol.data_received(text("4a") * 5000)
        await settle(1)
        at_once = transport.take().count(b"\x81\x024a")
        # A pump has twenty rounds, with a turn of the session in each; an eager task (3.12) has its first at once.
        assert at_once <= 2 * 20 * 64
        await settle(1000)
        assert transport.take().count(b"\x81\x024a") == 5000 - at_once

    run(main)


def test_a_handler_that_awaits_something_cancelled() -> None:
    async def main() -> None:
        async def handler(session: Session, data: str | bytes) -> None:
            if data == "a":
                future = asyncio.get_running_loop().create_future()
                future.cancel()
                await future
            session.send(data)

        protocol, transport = opened(asynchronous(handler))
        protocol.data_received(text("4a") + text("4b"))
        await settle()
        assert transport.take() == b"\x81\x024b"

    run(main)


def test_a_failing_handler_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[str] = []

    async def main() -> None:
        async def handler(session: Session, data: str | bytes) -> None:
            await asyncio.sleep(0)
            raise ValueError(data)

        engine = asynchronous(handler)
        engine.on_error(lambda error, where: errors.append(f"{error} in {where}"))
        protocol, _ = opened(engine)
        protocol.data_received(text("4a"))
        await settle()

    run(main)
    assert errors == ["a in a handler of message"]
    assert not caplog.records


def test_concurrent_handlers_and_output_from_them() -> None:
    async def main() -> None:
        engine = EngineServer()
        gate = asyncio.Event()

        @engine.on("connection")
        def connected(session: Session) -> None:
            @session.on("message", concurrent=True)
            async def message(data: str | bytes) -> None:
                if data == "a":
                    await gate.wait()
                session.send(data)

        protocol, transport = opened(engine)
        protocol.data_received(text("4a") + text("4b"))
        await settle()
        assert transport.take() == b"\x81\x024b"
        gate.set()
        await settle()
        assert transport.take() == b"\x81\x024a"

    run(main)


def test_output_from_a_background_task() -> None:
    async def main() -> None:
        engine = EngineServer()
        sessions: list[Session] = []
        engine.on("connection", sessions.append)
        _, transport = opened(engine)

        async def background() -> None:
            await asyncio.sleep(0)
            sessions[0].send("x")

        await asyncio.create_task(background())
        await settle(1)
        assert transport.writes == [b"\x81\x024x"]

    run(main)


def test_waiting_for_a_pending() -> None:
    async def main() -> None:
        engine = EngineServer()
        driver = drive(engine)
        pending: Pending[int] = Pending(engine)
        waiting = asyncio.create_task(_result(pending))
        cancelled = asyncio.create_task(_result(pending))
        await settle()
        cancelled.cancel()
        await settle()
        pending.resolve(5)
        assert await waiting == 5
        assert cancelled.cancelled()
        assert await pending == 5
        assert driver.wall_time() > 1.6e9

    run(main)


async def _result(pending: Pending[int]) -> int:
    return await pending


def test_a_peer_that_closes() -> None:
    async def main() -> None:
        reasons: list[object] = []
        engine = EngineServer()

        @engine.on("connection")
        def connected(session: Session) -> None:
            session.on("close", reasons.append)

        protocol, transport = opened(engine)
        protocol.data_received(close(1000))
        assert transport.take() == b"\x88\x02\x03\xe8"
        assert transport.calls == ["close"]
        protocol, transport = opened(EngineServer())
        protocol.eof_received()
        assert transport.calls == ["close"]
        assert reasons == ["transport close"]

    run(main)


def test_nothing_is_written_for_a_peer_that_is_gone() -> None:
    async def main() -> None:
        engine = EngineServer()
        sessions: list[Session] = []
        engine.on("connection", sessions.append)
        protocol, transport = opened(engine)
        # As asyncio does when a write fails; `connection_lost` is called later.
        transport.closed = True
        sessions[0].send("a")
        await settle()
        protocol.data_received(text("4b"))
        assert transport.writes == []
        assert transport.calls == []
        protocol.connection_lost(BrokenPipeError())
        assert engine.sessions == {}

    run(main)


def test_any_number_of_servers() -> None:
    async def main() -> None:
        first, second = Echo(), Echo()
        protocol, transport = dial(drive(Router({"/1/": first, "/2/": second})))
        protocol.data_received(request("GET", "/1/") + request("GET", "/2/") + request("GET", "/3/"))
        assert transport.take().count(b"200 OK") == 2
        assert (len(first.requests), len(second.requests)) == (1, 1)

    run(main)
