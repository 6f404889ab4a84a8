"""How a server ends, in every phase, on a virtual clock."""

import errno
import logging
import signal
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from sansio_eio import EngineServer, LocalProtocolError, OnError, Session
from sansio_eio.engineio import Mountable
from sansio_eio_trio import serve_listeners
from tests.unit.http.support import Echo, close, handshake, ok, request, status, switching, text
from tests.unit.trio_adapter.support import Network, Peer, listening, on_close, run

POLLING = request("GET", "/engine.io/?EIO=4&transport=polling")


async def cancelled_after(
    app: Mountable, client: Callable[[Network], Awaitable[None]], *, shutdown_timeout: float = 10.0
) -> float:
    """Serve, cancel that when the client has done its part, and say how many seconds the end took."""
    network = Network()
    async with trio.open_nursery() as nursery:

        async def serve() -> None:
            await serve_listeners(app, [network], shutdown_timeout=shutdown_timeout)
            raise AssertionError("it has swallowed Cancelled")

        nursery.start_soon(serve)
        await client(network)
        await wait_all_tasks_blocked()
        begin = trio.current_time()
        nursery.cancel_scope.cancel()
    assert network.closed
    return trio.current_time() - begin


def test_idle() -> None:
    async def main() -> None:
        async def client(network: Network) -> None:
            pass

        assert await cancelled_after(EngineServer(), client) == 0.0

    run(main)


def test_cancelled_before_it_begins() -> None:
    async def main() -> None:
        network = Network()
        engine = EngineServer()
        with trio.CancelScope() as scope:
            scope.cancel()
            await serve_listeners(engine, [network])
        assert scope.cancelled_caught
        assert network.closed
        assert engine.runtime is None

    run(main)


def test_the_peers_are_told() -> None:
    async def main() -> None:
        reasons: list[str] = []
        peers: list[Peer] = []

        async def closed(reason: str) -> None:
            reasons.append(reason)

        engine = on_close(EngineServer(), closed)

        async def client(network: Network) -> None:
            websocket, polling, idle = (network.dial() for _ in range(3))
            peers.extend((websocket, polling, idle))
            await websocket.open_websocket()
            await polling.send(POLLING)
            await polling.read_past(b'"maxPayload":1000000}')
            sid = [*engine.sessions][1]
            await polling.send(request("GET", f"/engine.io/?EIO=4&transport=polling&sid={sid}"))
            await idle.send(request("GET", "/none"))
            await idle.read_past(b"Not Found\n")

        async def read(peer: Peer, answer: bytes, reply: bytes = b"") -> None:
            await peer.read_past(answer)
            await peer.send(reply)
            assert await peer.end() == b""

        async with trio.open_nursery() as nursery:

            async def answering(network: Network) -> None:
                await client(network)
                nursery.start_soon(read, peers[0], b"\x88\x00", close())
                nursery.start_soon(read, peers[1], b"\r\n\r\n1")
                nursery.start_soon(read, peers[2], b"")

            assert await cancelled_after(engine, answering) == 0.0
        assert reasons == ["forced close"] * 2

    run(main)


def test_handlers_get_their_time() -> None:
    async def main() -> None:
        reasons: list[str] = []

        async def closed(reason: str) -> None:
            await trio.sleep(7.0)
            reasons.append(reason)

        async def client(network: Network) -> None:
            peer = network.dial()
            await peer.open_websocket()
            await peer.send(close())

        assert await cancelled_after(on_close(EngineServer(), closed), client) == 7.0
        assert reasons == ["transport close"]

    run(main)


def test_handlers_that_take_too_long_are_cancelled_and_awaited() -> None:
    async def main() -> None:
        log: list[str] = []

        async def handler(session: Session, data: str) -> None:
            try:
                await trio.sleep_forever()
            except trio.Cancelled:
                with trio.CancelScope(shield=True):
                    await trio.sleep(1.0)
                log.append("cancelled")
                raise

        async def client(network: Network) -> None:
            peer = network.dial()
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b"))

        assert await cancelled_after(listening(handler), client) == 11.0
        assert log == ["cancelled"]

    run(main)


def test_what_is_cut_is_reported_all_the_same() -> None:
    async def main() -> None:
        reasons: list[str] = []
        engine = on_close(EngineServer(), reasons.append)

        async def client(network: Network) -> None:
            for _ in range(100):
                await network.dial().open_websocket()

        assert await cancelled_after(engine, client, shutdown_timeout=0.0) == 0.0
        assert reasons == ["forced close"] * 100

    run(main)


def test_an_end_behind_many_messages_is_reported_too() -> None:
    async def main() -> None:
        reasons: list[str] = []
        messages = 0
        scope = trio.CancelScope()
        engine = on_close(EngineServer(max_inbound=100_000), reasons.append)

        @engine.on("connection")
        def connected(session: Session) -> None:
            @session.on("message")
            def message(data: str) -> None:
                nonlocal messages
                messages += 1
                scope.cancel()

        network = Network()
        peer = network.dial()
        async with trio.open_nursery() as nursery:

            async def client() -> None:
                await peer.open_websocket()
                await peer.send(text("4a") * 20_000)

            nursery.start_soon(client)
            with scope:
                await serve_listeners(engine, [network], shutdown_timeout=0.0)
        # Those that came before the end of the session.
        assert 0 < messages < 20_000
        assert reasons == ["forced close"]

    run(main)


def test_a_peer_that_takes_nothing_is_cut() -> None:
    async def main() -> None:
        async def client(network: Network) -> None:
            await network.dial(lockstep=True).send(request("GET", "/long"))

        assert await cancelled_after(Echo().engine, client) == 10.0

    run(main)


def test_concurrent_handlers_are_cancelled_when_nothing_else_is_left() -> None:
    async def main() -> None:
        log: list[str] = []

        async def handler(session: Session, data: str) -> None:
            try:
                await trio.sleep_forever()
            finally:
                log.append(data)

        async def client(network: Network) -> None:
            peer = network.dial()
            await peer.open_websocket()
            await peer.send(text("4a") + text("4b") + close())

        assert await cancelled_after(listening(handler, concurrent=True), client) == 0.0
        assert sorted(log) == ["a", "b"]

    run(main)


def test_cancelling_again_changes_nothing() -> None:
    async def main() -> None:
        network = Network()
        begin = trio.current_time()
        with trio.move_on_at(begin + 3.0) as outer, trio.move_on_at(begin + 1.0) as inner:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_listeners, Echo(), [network])
                await network.dial(lockstep=True).send(request("GET", "/long"))
        assert trio.current_time() - begin == 11.0
        assert (inner.cancelled_caught, outer.cancelled_caught) == (False, True)

    run(main)


def failing(verdict: OnError | None, error: BaseException) -> EngineServer:
    """A server whose handler raises this."""

    async def handler(session: Session, data: str) -> None:
        if data == "a":
            await trio.sleep(1.0)
            raise error
        session.send(data)

    engine = listening(handler)
    engine.on_error(lambda error, where: verdict)
    return engine


async def after_an_error(verdict: OnError | None, answer: bytes) -> None:
    async with trio.open_nursery() as nursery:
        network = Network()
        nursery.start_soon(serve_listeners, failing(verdict, ValueError("oh")), [network])
        peer = network.dial()
        await peer.open_websocket()
        await peer.ask(text("4a") + text("4b"), answer)
        nursery.cancel_scope.cancel()


def test_an_error_that_is_dealt_with(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await after_an_error(None, b"\x81\x024b")

    run(main)
    assert not caplog.records


def test_an_error_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await after_an_error(OnError.LOG, b"\x81\x024b")

    run(main)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_error_that_closes_the_session(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await after_an_error(OnError.CLOSE, b"\x88\x00")

    run(main)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_error_that_stops_the_server() -> None:
    error = ValueError("oh")

    async def main() -> None:
        network = Network()
        peer = network.dial()

        async def client() -> None:
            await peer.open_websocket()
            await peer.send(text("4a"))
            await peer.expect(b"\x88\x00")
            await peer.send(close())
            assert await peer.end() == b""

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client)
            # As it is, and not in a group.
            with pytest.raises(ValueError, match="oh") as caught:
                await serve_listeners(failing(OnError.STOP, error), [network])
        assert caught.value is error
        assert network.closed

    run(main)


def test_a_cancellation_does_not_hide_the_error_that_stops_the_server() -> None:
    async def main() -> None:
        begin = trio.current_time()
        network = Network()
        peer = network.dial()

        async def client() -> None:
            await peer.open_websocket()
            await peer.send(text("4a"))

        raised = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client)
            # It stops after 1 second, and the peer does not answer the goodbye.
            with trio.move_on_after(5.0):
                with pytest.raises(ValueError, match="oh"):
                    await serve_listeners(failing(OnError.STOP, ValueError("oh")), [network])
                raised = True
        assert raised
        assert trio.current_time() - begin == 11.0

    run(main)


def test_a_cancellation_does_not_hide_what_is_no_exception() -> None:
    async def main() -> None:
        network = Network()
        peer = network.dial()

        async def client() -> None:
            await peer.open_websocket()
            await peer.send(text("4a"))

        raised = False
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client)
            # The handler raises after 1 second, while the server shuts down.
            with trio.move_on_after(0.5):
                with pytest.raises(Leave):
                    await serve_listeners(failing(None, Leave()), [network])
                raised = True
        assert raised

    run(main)


class Leave(BaseException):
    """Like KeyboardInterrupt, but nothing in pytest or trio knows it."""


@pytest.mark.parametrize("kind", ["def", "async def", "timer"])
def test_what_is_no_exception_ends_everything(kind: str) -> None:
    error = Leave()

    def leave(*args: object) -> None:
        raise error

    engine = EngineServer(ping_interval=1.0, ping_timeout=1.0)
    if kind == "async def":
        engine = failing(None, error)
    elif kind == "timer":
        on_close(engine, leave)
    else:
        engine.on("connection", leave)

    async def main() -> None:
        network = Network()
        peers = [network.dial(), network.dial()]
        async with trio.open_nursery() as nursery:

            async def client() -> None:
                await peers[1].send(handshake())
                await peers[0].send(handshake("/engine.io/?EIO=4&transport=websocket") + text("4a"))
                await peers[0].end()
                await peers[1].end()

            nursery.start_soon(client)
            with pytest.raises(Leave) as caught:
                await serve_listeners(engine, [network])
        assert caught.value is error
        assert engine.runtime is None

    run(main)


@trio.lowlevel.enable_ki_protection
def interrupt() -> None:
    """Ctrl-C, for the main task, as when all tasks wait."""
    signal.raise_signal(signal.SIGINT)


def test_the_keyboard() -> None:
    async def main() -> None:
        network = Network()
        peer = network.dial()

        async def client() -> None:
            await peer.open_websocket()
            interrupt()
            await peer.expect(b"\x88\x00")
            await peer.send(close())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client)
            with pytest.raises(KeyboardInterrupt):
                await serve_listeners(EngineServer(), [network])

    run(main)


def test_several_errors_are_a_group() -> None:
    async def main() -> None:
        gate = trio.Event()

        async def handler(session: Session, data: str) -> None:
            if data == "c":
                gate.set()
                return
            await gate.wait()
            raise Leave

        network = Network()
        async with trio.open_nursery() as nursery:
            peer = network.dial()

            async def client() -> None:
                await peer.open_websocket()
                await peer.send(text("4a") + text("4b"))
                await wait_all_tasks_blocked()
                await peer.send(text("4c"))

            nursery.start_soon(client)
            with pytest.raises(BaseExceptionGroup) as caught:
                await serve_listeners(listening(handler, concurrent=True), [network])
        assert [type(each) for each in caught.value.exceptions] == [Leave, Leave]

    run(main)


def test_a_listener_that_fails() -> None:
    async def main() -> None:
        network = Network()
        peer = network.dial()
        network.fail(errno.EBADF)
        with pytest.raises(OSError, match="as asked for"):
            await serve_listeners(Echo(), [network])
        # Who was there has been told.
        assert await peer.end() == b""

    run(main)


def test_too_many_files_are_a_matter_of_patience(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        network = Network()
        network.fail(errno.EMFILE)
        peer = network.dial()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_listeners, Echo(), [network])
            await peer.ask(request(), ok(b"GET /? "))
            nursery.cancel_scope.cancel()

    run(main)
    assert len(caplog.records) == 1


def test_connections_that_come_while_it_ends_are_turned_away() -> None:
    async def main() -> None:
        app = Echo()
        network = Network()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_listeners, app, [network])
            peer = network.dial()
            await peer.ask(handshake(), switching())
            late = network.dial()
            nursery.cancel_scope.cancel()
        assert status(await late.end()) in (0, 503)

    run(main)


def test_the_same_application_may_be_served_again_but_not_twice() -> None:
    async def main() -> None:
        engine = EngineServer()
        for _ in range(2):
            networks = Network(), Network()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_listeners, engine, [networks[0]])
                await networks[0].dial().open_websocket()
                with pytest.raises(LocalProtocolError):
                    await serve_listeners(engine, [networks[1]])
                assert networks[1].closed
                await networks[0].dial().open_websocket()
                nursery.cancel_scope.cancel()

    run(main)


def test_several_listeners() -> None:
    async def main() -> None:
        networks = [Network(), Network()]
        async with trio.open_nursery() as nursery:
            assert await nursery.start(serve_listeners, Echo(), networks) == networks
            for network in networks:
                await network.dial().ask(request(), ok(b"GET /? "))
            nursery.cancel_scope.cancel()

    run(main)
