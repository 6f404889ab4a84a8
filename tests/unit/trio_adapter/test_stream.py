"""One connection at a time, in memory and on a virtual clock."""

import logging

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from sansio_eio import AckTimeout, EngineServer, Pending, Response, Server, Session, Socket
from sansio_eio_trio import serve_stream
from tests.unit.http.support import Echo, close, handshake, ok, request, split, status, switching, text
from tests.unit.trio_adapter.support import WEBSOCKET, Peer, dial, listening, on_close, run, tasks


class Awkward(trio.abc.Stream):
    """A stream that has no half close, may take its time to be closed, and may not send."""

    def __init__(self, stream: trio.abc.Stream, *, farewell: float = 0.0, error: Exception | None = None) -> None:
        self.stream = stream
        self.farewell = farewell
        self.error = error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.error is not None:
            raise self.error
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        try:
            await trio.sleep(self.farewell)
        finally:
            await self.stream.aclose()


def test_requests_and_their_responses() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, app)
            for byte in split(request()):
                await peer.send(byte)
                await wait_all_tasks_blocked()
            await peer.expect(ok(b"GET /? "))
            await peer.ask(request("POST", "/", ["Content-Length: 3"], b"abc"), ok(b"POST /? abc"))
            await peer.send(request("GET", "/", ["Connection: close"]))
            assert (await peer.end()).endswith(b"GET /? ")
        assert (app.requests[0].remote, app.requests[0].secure) == ("", False)

    run(main)


def test_a_websocket() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, Echo())
            await peer.ask(handshake() + text("a"), switching() + b"\x81\x01a")
            await peer.ask(text("b"), b"\x81\x01b")
            await peer.ask(close(1000), b"\x88\x02\x03\xe8")
            assert await peer.end() == b""

    run(main)


def test_an_error_response_is_not_reset() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, Echo())
            await peer.send(b"nonsense\r\n\r\n")
            # It has ended in one direction only, and reads on.
            assert status(await peer.end()) == 400
            await peer.send(b"more")
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 1
            await peer.send_eof()

    run(main)


def test_a_stream_without_a_half_close() -> None:
    async def main() -> None:
        ours, theirs = memory_stream_pair()
        await ours.send_all(b"nonsense\r\n\r\n")
        await serve_stream(Echo(), Awkward(theirs))
        assert status(await Peer(ours).end()) == 400

    run(main)


def test_a_farewell_that_takes_too_long_is_cut() -> None:
    async def main() -> None:
        begin = trio.current_time()
        ours, theirs = memory_stream_pair()
        await ours.send_all(request("GET", "/", ["Connection: close"]))
        await serve_stream(Echo(), Awkward(theirs, farewell=1000.0), write_timeout=7.0)
        assert trio.current_time() - begin == 7.0
        assert (await Peer(ours).end()).startswith(b"HTTP/1.1 200 OK")

    run(main)


def test_a_peer_that_ends_first_gets_its_response() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, app, lockstep=True)
            await peer.send(request("GET", "/long"))
            await peer.send_eof()
            await wait_all_tasks_blocked()
            assert (await peer.end()).endswith(b"x" * 200_000)
        # And who hangs up while nothing is on its way is gone at once.
        async with trio.open_nursery() as nursery:
            await dial(nursery, app).stream.aclose()

    run(main)


@pytest.mark.parametrize("error", [trio.BrokenResourceError(), trio.ClosedResourceError(), ConnectionResetError()])
def test_a_peer_to_whom_nothing_can_be_sent_is_lost(error: Exception) -> None:
    async def main() -> None:
        begin = trio.current_time()
        ours, theirs = memory_stream_pair()
        await ours.send_all(handshake())
        app = Echo()
        await serve_stream(app, Awkward(theirs, error=error))
        assert app.closed == [(app.channels[0], None)]
        assert await Peer(ours).end() == b""
        # At once, not when the core has lost its patience.
        assert trio.current_time() == begin

    run(main)


def test_a_stream_that_its_owner_closes() -> None:
    async def main() -> None:
        ours, theirs = memory_stream_pair()
        app = Echo()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, app, theirs)
            await Peer(ours).ask(handshake(), switching())
            await theirs.aclose()
        assert len(app.closed) == 1

    run(main)


def test_backpressure_out() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            slow, fast = dial(nursery, app, lockstep=True), dial(nursery, app)
            await slow.send(request("GET", "/long") + request())
            await wait_all_tasks_blocked()
            # Nobody else waits for it.
            await fast.ask(request(), ok(b"GET /? "))
            await fast.stream.aclose()
            data = await slow.read_past(ok(b"GET /? "))
            assert data.endswith(b"\r\n\r\n" + b"x" * 200_000 + ok(b"GET /? "))
            await slow.stream.aclose()

    run(main)


def test_what_comes_up_meanwhile_is_sent_at_once() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, app, lockstep=True)
            await peer.ask(handshake(), switching())
            for each in ("a", "b", "c"):
                await peer.send(text(each))
            assert await peer.stream.receive_some() == b"\x81\x01a"
            assert await peer.stream.receive_some() == b"\x81\x01b\x81\x01c"
            await peer.stream.aclose()

    run(main)


def test_a_slow_consumer_is_cut() -> None:
    async def main() -> None:
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, Echo(), lockstep=True, write_timeout=7.0)
            await peer.send(request("GET", "/long"))
        assert trio.current_time() - begin == 7.0

    run(main)


def test_backpressure_in() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, app, lockstep=True, max_pipelined_size=10)
            await peer.send(request("GET", "/park") + b"GET / HTTP/1.1\r\n")
            await wait_all_tasks_blocked()
            # One piece is held back, the next one is not read.
            await peer.send(b"Host: ")
            with trio.move_on_after(1.0) as scope:
                await peer.send(b"example.org\r\n\r\n")
            assert scope.cancelled_caught
            app.respond(app.channels[0], Response(200))
            assert app.runtime is not None
            app.runtime.wake()
            await peer.stream.aclose()

    run(main)


def test_messages_that_wait_for_handlers_are_not_read() -> None:
    async def main() -> None:
        gate = trio.Event()
        handled: list[str] = []

        async def handler(session: Session, data: str) -> None:
            await gate.wait()
            handled.append(data)

        engine = listening(handler, max_inbound=2)
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine, lockstep=True)
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b") + text("4c"))
            await peer.send(text("4d"))
            nursery.start_soon(peer.send, text("4e"))
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 2
            gate.set()
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) == 1
            assert handled == ["a", "b", "c", "d", "e"]
            await peer.stream.aclose()

    run(main)


def test_a_connection_that_is_not_read_can_be_closed() -> None:
    async def main() -> None:
        reasons: list[str] = []

        async def handler(session: Session, data: str) -> None:
            session.close()
            await trio.sleep(1.0)

        engine = listening(handler, max_inbound=1)
        on_close(engine, reasons.append)
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine, close_timeout=0.5)
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b") + text("4c"))
            await peer.send(text("4d"))
            await peer.end()
        assert reasons == ["forced close"]

    run(main)


def test_thousands_of_requests_at_once_do_not_hold_up_the_others() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            busy, quiet = dial(nursery, app), dial(nursery, app)
            await busy.send(request() * 1000)
            await quiet.ask(request(), ok(b"GET /? "))
            assert len(app.requests) < 500
            await busy.expect(ok(b"GET /? ") * 1000)
            await busy.stream.aclose()
            await quiet.stream.aclose()

    run(main)


def test_thousands_of_async_handlers_that_do_not_wait_do_not_hold_up_the_others() -> None:
    async def main() -> None:
        answered = 0

        async def handler(session: Session, data: str) -> None:
            nonlocal answered
            answered += 1
            session.send(data)

        engine = listening(handler, max_inbound=10_000)
        async with trio.open_nursery() as nursery:
            busy, quiet = dial(nursery, engine), dial(nursery, engine)
            await busy.open_websocket()
            await quiet.open_websocket()
            await busy.send(text("4a") * 5000)
            await quiet.ask(text("4b"), b"\x81\x024b")
            assert answered < 2500
            await busy.expect(b"\x81\x024a" * 5000)
            await busy.stream.aclose()
            await quiet.stream.aclose()

    run(main)


def test_def_handlers_cost_no_task() -> None:
    async def main() -> None:
        engine = EngineServer()
        counts: list[int] = []

        @engine.on("connection")
        def connected(session: Session) -> None:
            @session.on("message")
            def message(data: str) -> None:
                counts.append(tasks())
                session.send(data)

        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            await peer.open_websocket()
            await wait_all_tasks_blocked()
            idle = tasks()
            await peer.ask(text("4a") + text("4b"), b"\x81\x024a\x81\x024b")
            assert counts == [idle, idle]
            await peer.stream.aclose()

    run(main)


def test_async_handlers_run_in_order_in_one_task() -> None:
    async def main() -> None:
        gate = trio.Event()
        where: set[trio.lowlevel.Task] = set()

        async def handler(session: Session, data: str) -> None:
            where.add(trio.lowlevel.current_task())
            if data == "a":
                await gate.wait()
            await trio.sleep(1.0)
            session.send(data)

        async with trio.open_nursery() as nursery:
            peer = dial(nursery, listening(handler))
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b") + text("4c"))
            await wait_all_tasks_blocked()
            gate.set()
            begin = trio.current_time()
            await peer.expect(b"\x81\x024a\x81\x024b\x81\x024c")
            assert trio.current_time() - begin == 3.0
            assert len(where) == 1
            await peer.stream.aclose()

    run(main)


def test_concurrent_handlers() -> None:
    async def main() -> None:
        gate = trio.Event()

        async def handler(session: Session, data: str) -> None:
            if data == "a":
                await gate.wait()
            session.send(data)

        async with trio.open_nursery() as nursery:
            peer = dial(nursery, listening(handler, concurrent=True))
            await peer.open_websocket()
            await peer.ask(text("4a") + text("4b"), b"\x81\x024b")
            gate.set()
            await peer.expect(b"\x81\x024a")
            await peer.stream.aclose()

    run(main)


def test_output_from_a_background_task() -> None:
    async def main() -> None:
        engine = EngineServer()
        sessions: list[Session] = []
        engine.on("connection", sessions.append)
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            await peer.open_websocket()
            sessions[0].send("x")
            sessions[0].send("y")
            assert await peer.stream.receive_some() == b"\x81\x024x\x81\x024y"
            await peer.stream.aclose()

    run(main)


def test_a_peer_that_does_not_answer_pings() -> None:
    async def main() -> None:
        reasons: list[str] = []
        engine = on_close(EngineServer(ping_interval=25.0, ping_timeout=20.0), reasons.append)
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            begin = trio.current_time()
            await peer.open_websocket()
            await peer.expect(b"\x81\x012")
            assert trio.current_time() - begin == 25.0
            await peer.send(text("3"))
            await peer.expect(b"\x81\x012")
            await peer.expect(b"\x88\x00")
            assert trio.current_time() - begin == 70.0
            await peer.stream.aclose()
        assert reasons == ["ping timeout"]

    run(main)


def test_acknowledgements() -> None:
    async def main() -> None:
        io = Server()
        answers: list[object] = []

        @io.on("ask")
        async def ask(socket: Socket) -> str:
            # With scopes and tasks of its own, as anywhere in trio.
            with trio.move_on_after(1.0) as scope:
                await trio.sleep_forever()
            answers.append(scope.cancelled_caught)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(collect, socket.emit_with_ack("question", 1))
                nursery.start_soon(collect, socket.timeout(5.0).emit_with_ack("question", 2))
            return "done"

        async def collect(pending: Pending[object]) -> None:
            try:
                answers.append(await pending)
            except AckTimeout:
                answers.append(trio.current_time() - begin)

        async with trio.open_nursery() as nursery:
            peer = dial(nursery, io)
            await peer.send(WEBSOCKET.replace(b"/engine.io/", b"/socket.io/"))
            await peer.read_past(b'"maxPayload":1000000}')
            await peer.send(text("40"))
            await peer.read_past(b"}")
            begin = trio.current_time()
            await peer.send(text('421["ask"]'))
            await peer.read_past(b'420["question",1]')
            await peer.read_past(b'421["question",2]')
            await peer.send(text('430["yes"]'))
            await peer.read_past(b'431["done"]')
            assert answers == [True, "yes", 6.0]
            await peer.stream.aclose()

    run(main)


def test_cancelling_a_wait_leaves_what_was_waited_for() -> None:
    async def main() -> None:
        engine = EngineServer()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            await peer.open_websocket()
            pending: Pending[int] = Pending(engine)
            with trio.move_on_after(1.0) as scope:
                await pending
            assert scope.cancelled_caught
            assert not pending.done
            results: list[int] = []

            async def wait() -> None:
                results.append(await pending)

            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            pending.resolve(5)
            await wait_all_tasks_blocked()
            assert results == [5]
            await peer.stream.aclose()

    run(main)


def test_a_failing_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def handler(session: Session, data: str) -> None:
            await trio.sleep(1.0)
            raise ValueError(data)

        async with trio.open_nursery() as nursery:
            peer = dial(nursery, listening(handler))
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b"))
            await trio.sleep(3.0)
            await peer.stream.aclose()

    with caplog.at_level(logging.ERROR, "sansio_eio"):
        run(main)
    assert [record.getMessage() for record in caplog.records] == ["error in a handler of message"] * 2
