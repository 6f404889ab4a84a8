"""Several calls of `serve_stream` for one application."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from sansio_eio import EngineServer, LocalProtocolError, OnError, Session
from sansio_eio.http import Router
from sansio_eio_trio import serve_listeners, serve_stream
from tests.unit.http.support import Echo, close, ok, request, text
from tests.unit.trio_adapter.support import Network, Peer, dial, listening, on_close, run

FIRST = request("GET", "/engine.io/?EIO=4&transport=polling")


def poll(engine: EngineServer) -> bytes:
    """A GET of the only session."""
    (sid,) = engine.sessions
    return request("GET", f"/engine.io/?EIO=4&transport=polling&sid={sid}")


def post(engine: EngineServer, body: bytes) -> bytes:
    """A POST of the only session."""
    (sid,) = engine.sessions
    target = f"/engine.io/?EIO=4&transport=polling&sid={sid}"
    return request("POST", target, [f"Content-Length: {len(body)}"], body)


def test_a_client_that_polls_on_two_connections() -> None:
    async def main() -> None:
        async def handler(session: Session, data: str) -> None:
            session.send(data)

        engine = listening(handler)
        async with trio.open_nursery() as nursery:
            one, two = dial(nursery, engine), dial(nursery, engine)
            await one.send(FIRST)
            await one.read_past(b"}")
            await one.send(poll(engine))
            await two.send(post(engine, b"4a"))
            await two.read_past(b"\r\n\r\nok")
            await one.read_past(b"\r\n\r\n4a")
            await one.stream.aclose()
            await two.stream.aclose()

    run(main)


def test_a_session_lives_on_between_streams() -> None:
    async def main() -> None:
        async def handler(session: Session, data: str) -> None:
            session.send(data)

        engine = listening(handler)
        exchanges: list[tuple[Callable[[], bytes], bytes]] = [
            (lambda: FIRST, b'"maxPayload":1000000}'),
            (lambda: post(engine, b"4a"), b"\r\n\r\nok"),
            (lambda: poll(engine), b"\r\n\r\n4a"),
        ]
        for make, answer in exchanges:
            async with trio.open_nursery() as nursery:
                peer = dial(nursery, engine)
                await peer.send(make())
                await peer.read_past(answer)
                await peer.stream.aclose()
            assert engine.runtime is None
            assert len(engine.sessions) == 1

    run(main)


def test_a_call_that_is_cancelled_cuts_its_stream_and_no_other() -> None:
    async def main() -> None:
        reasons: list[str] = []
        done: list[str] = []

        async def handler(session: Session, data: str) -> None:
            session.on("close", reasons.append)
            await trio.sleep(3.0)
            done.append(data)

        engine = listening(handler)
        ours, theirs = memory_stream_pair()
        peer = Peer(ours)
        async with trio.open_nursery() as nursery:
            other = dial(nursery, engine)
            await other.open_websocket()
            begin = trio.current_time()
            with trio.move_on_after(1.0) as scope:
                async with trio.open_nursery() as inner:
                    inner.start_soon(serve_stream, engine, theirs)
                    await peer.open_websocket()
                    await peer.send(text("4a"))
            assert scope.cancelled_caught
            assert trio.current_time() - begin == 1.0
            assert await peer.end() == b""
            # The handler belongs to the application, and goes on.
            await other.send(close())
            await other.end()
        assert trio.current_time() - begin == 3.0
        assert done == ["a"]
        assert reasons == ["transport close"]

    run(main)


@pytest.mark.parametrize("together", [True, False])
def test_the_last_ones_say_goodbye(together: bool) -> None:
    async def main() -> None:
        engine = EngineServer()
        scopes = [trio.CancelScope(), trio.CancelScope()]
        peers: list[Peer] = []
        ends: list[tuple[float, bytes]] = []

        async def client(peer: Peer) -> None:
            first = await peer.stream.receive_some()
            ends.append((trio.current_time() - begin, bytes(first)))
            if first:
                await peer.send(close())
                await peer.end()

        async def serve(scope: trio.CancelScope, stream: trio.abc.Stream) -> None:
            with scope:
                await serve_stream(engine, stream)
            assert scope.cancelled_caught

        async with trio.open_nursery() as nursery:
            for scope in scopes:
                ours, theirs = memory_stream_pair()
                nursery.start_soon(serve, scope, theirs)
                peers.append(Peer(ours))
                await peers[-1].open_websocket()
            begin = trio.current_time()
            for peer in peers:
                nursery.start_soon(client, peer)
            scopes[0].cancel()
            if not together:
                await trio.sleep(1.0)
            scopes[1].cancel()
        assert ends == [(0.0, b"\x88\x00" if together else b""), (0.0 if together else 1.0, b"\x88\x00")]

    run(main)


def test_the_last_call_waits_for_the_handlers() -> None:
    async def main() -> None:
        done: list[str] = []

        async def handler(session: Session, data: str) -> None:
            await trio.sleep(3.0)
            done.append(data)

        ours, theirs = memory_stream_pair()
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, listening(handler), theirs)
            await Peer(ours).open_websocket()
            await ours.send_all(text("4a") + text("4b"))
            await wait_all_tasks_blocked()
            await ours.aclose()
        assert trio.current_time() - begin == 6.0
        assert done == ["a", "b"]

    run(main)


def test_a_new_call_relieves_it_of_that() -> None:
    async def main() -> None:
        ends: list[float] = []

        async def handler(session: Session, data: str) -> None:
            await trio.sleep(3.0)

        engine = listening(handler)

        async def serve(stream: trio.abc.Stream) -> None:
            await serve_stream(engine, stream)
            ends.append(trio.current_time() - begin)

        ours, theirs = memory_stream_pair()
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, theirs)
            await Peer(ours).open_websocket()
            await ours.send_all(text("4a"))
            await wait_all_tasks_blocked()
            await ours.aclose()
            await trio.sleep(1.0)
            ours, theirs = memory_stream_pair()
            nursery.start_soon(serve, theirs)
            await Peer(ours).ask(request("GET", "/"), b"HTTP/1.1 404 ")
            await ours.aclose()
        assert ends == [1.0, 3.0]

    run(main)


def test_waiting_for_the_handlers_can_be_cancelled() -> None:
    async def main() -> None:
        log: list[str] = []

        async def handler(session: Session, data: str) -> None:
            try:
                await trio.sleep_forever()
            finally:
                log.append(data)

        ours, theirs = memory_stream_pair()
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(serve_stream, listening(handler), theirs, shutdown_timeout=5.0))
            await Peer(ours).open_websocket()
            await ours.send_all(text("4a"))
            await wait_all_tasks_blocked()
            await ours.aclose()
            await trio.sleep(1.0)
            nursery.cancel_scope.cancel()
        assert trio.current_time() - begin == 6.0
        assert log == ["a"]

    run(main)


def test_a_call_that_is_cancelled_when_another_one_has_just_relieved_it() -> None:
    async def main() -> None:
        done: list[str] = []

        async def handler(session: Session, data: str) -> None:
            await trio.sleep(3.0)
            done.append(data)

        engine = listening(handler)
        begin = trio.current_time()
        scope = trio.CancelScope()

        async def serve(stream: trio.abc.Stream) -> None:
            with scope:
                await serve_stream(engine, stream)

        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, theirs)
            await Peer(ours).open_websocket()
            await ours.send_all(text("4a"))
            await wait_all_tasks_blocked()
            await ours.aclose()
            await trio.sleep(1.0)
            ours, theirs = memory_stream_pair()

            async def client() -> None:
                await trio.sleep(4.0)
                await Peer(ours).ask(request(), b"HTTP/1.1 404 ")
                await ours.aclose()

            nursery.start_soon(client)
            scope.cancel()
            await serve_stream(engine, theirs)
        assert scope.cancelled_caught
        assert trio.current_time() - begin == 5.0
        assert done == ["a"]

    run(main)


def test_cancelled_before_it_begins() -> None:
    async def main() -> None:
        engine = EngineServer()
        ours, theirs = memory_stream_pair()
        with trio.CancelScope() as scope:
            scope.cancel()
            await serve_stream(engine, theirs)
        assert scope.cancelled_caught
        assert await Peer(ours).end() == b""
        assert engine.runtime is None

    run(main)


def test_an_error_that_stops_is_raised_by_all() -> None:
    error = ValueError("oh")

    async def main() -> None:
        async def handler(session: Session, data: str) -> None:
            raise error

        engine = listening(handler)
        engine.on_error(lambda error, where: OnError.STOP)
        raised: list[BaseException] = []

        async def serve(stream: trio.abc.Stream) -> None:
            try:
                await serve_stream(engine, stream)
            except ValueError as each:
                raised.append(each)

        async with trio.open_nursery() as nursery:
            peers: list[Peer] = []
            for _ in range(2):
                ours, theirs = memory_stream_pair()
                nursery.start_soon(serve, theirs)
                peers.append(Peer(ours))
                await peers[-1].open_websocket()
            await peers[0].send(text("4a"))
            for peer in peers:
                await peer.expect(b"\x88\x00")
                await peer.send(close())
                assert await peer.end() == b""
        assert raised == [error, error]

    run(main)


def test_a_call_during_the_shutdown_waits_for_its_end() -> None:
    async def main() -> None:
        app = Echo()
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as inner:
                    await dial(inner, app, lockstep=True).send(request("GET", "/long"))
                    await wait_all_tasks_blocked()

                    async def late() -> None:
                        peer = dial(nursery, app)
                        await peer.ask(request(), ok(b"GET /? "))
                        await peer.stream.aclose()
                        assert trio.current_time() - begin == 10.0

                    scope.cancel()
                    with trio.CancelScope(shield=True):
                        await wait_all_tasks_blocked()
                    nursery.start_soon(late)

    run(main)


def test_handlers_see_the_context_of_their_call() -> None:
    async def main() -> None:
        name = ContextVar("name", default="")
        seen: list[str] = []

        async def handler(session: Session, data: str) -> None:
            await trio.sleep(1.0)
            seen.append(name.get())

        engine = listening(handler)
        async with trio.open_nursery() as nursery:
            for each in ("a", "b"):
                name.set(each)
                peer = dial(nursery, engine)
                await peer.open_websocket()
                await peer.send(text("4x"))
                await trio.sleep(2.0)
            nursery.cancel_scope.cancel()
        assert seen == ["a", "b"]

    run(main)


def test_what_the_time_brings_happens_in_the_context_of_the_first_call() -> None:
    async def main() -> None:
        name = ContextVar("name", default="")
        seen: list[str] = []
        engine = on_close(
            EngineServer(ping_interval=1.0, ping_timeout=1.0), lambda reason: seen.append(f"{reason} {name.get()}")
        )
        async with trio.open_nursery() as nursery:
            name.set("a")
            peer = dial(nursery, engine)
            await peer.open_websocket()
            await trio.sleep(3.0)
            await peer.stream.aclose()
        assert seen == ["ping timeout a"]

    run(main)


def test_what_may_not_be_mixed() -> None:
    async def main() -> None:
        app = Echo()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, app, header_timeout=5.0)
            same = dial(nursery, app, header_timeout=5.0)
            await same.ask(request(), ok(b"GET /? "))
            ours, theirs = memory_stream_pair()
            with pytest.raises(LocalProtocolError, match="other options"):
                await serve_stream(app, theirs, header_timeout=6.0)
            assert await Peer(ours).end() == b""
            await peer.ask(request(), ok(b"GET /? "))
            nursery.cancel_scope.cancel()

    run(main)


def test_what_listens_is_not_shared() -> None:
    async def main() -> None:
        engine = EngineServer()
        network = Network()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_listeners, engine, [network])
            await network.dial().open_websocket()
            for app in (engine, Router({engine.path: engine})):
                ours, theirs = memory_stream_pair()
                with pytest.raises(LocalProtocolError, match="already"):
                    await serve_stream(app, theirs)
                assert await Peer(ours).end() == b""
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            await peer.open_websocket()
            with pytest.raises(LocalProtocolError, match="already"):
                await serve_listeners(engine, [Network()])
            nursery.cancel_scope.cancel()

    run(main)


def test_another_run_of_trio_may_serve_it_later() -> None:
    engine = EngineServer()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            peer = dial(nursery, engine)
            await peer.open_websocket()
            await peer.stream.aclose()

    run(main)
    run(main)
