"""Connecting, in memory, on a virtual clock."""

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import memory_stream_pair

from sansio_eio import ConnectError, EngineClient
from sansio_eio.socketio import Client
from sansio_eio_trio import connect
from tests.unit.client_scenarios import SCENARIOS, Scenario, use
from tests.unit.peers import TRANSPORTS, URL, echo, make_io
from tests.unit.trio_adapter.client_support import FACE, CancelsAt, Deaf, hang, served
from tests.unit.trio_adapter.support import run


@SCENARIOS
def test_scenario(scenario: Scenario) -> None:
    run(partial(scenario, FACE))


async def silent(host: str, port: int) -> trio.abc.Stream:
    await trio.lowlevel.checkpoint()
    ours, _ = memory_stream_pair()
    return ours


def test_what_takes_too_long() -> None:
    async def main() -> None:
        for each in (hang, silent):
            begin = trio.current_time()
            with pytest.raises(ConnectError, match="timeout"):
                async with connect(EngineClient(URL, connect_timeout=7.0), dial=each):
                    raise AssertionError
            assert trio.current_time() - begin == pytest.approx(7.0)

    run(main)


def test_cancelled_while_it_connects() -> None:
    async def main() -> None:
        for each in (hang, silent):
            begin = trio.current_time()
            with trio.move_on_after(3.0) as scope:
                async with connect(EngineClient(URL), dial=each):
                    raise AssertionError
            assert scope.cancelled_caught
            assert trio.current_time() - begin == pytest.approx(3.0)

    run(main)


# The end


@pytest.mark.parametrize("seconds", [5.0, 2.0])
def test_the_goodbye_has_its_time(seconds: float) -> None:
    async def main() -> None:
        deaf = Deaf()
        options: Any = {} if seconds == 5.0 else {"shutdown_timeout": seconds}
        async with connect(EngineClient(URL, transports=["polling"]), dial=deaf.dial, **options):
            begin = trio.current_time()
        assert trio.current_time() - begin == pytest.approx(seconds)
        assert b"\r\n\r\n1" in await deaf.told()

    run(main)


@pytest.mark.parametrize("error", [ValueError("mine"), ExceptionGroup("ours", [ValueError("mine")])])
def test_an_error_of_the_body_comes_out_as_it_is(error: Exception) -> None:
    async def main() -> None:
        deaf = Deaf()
        begin = trio.current_time()
        with pytest.raises(type(error)) as raised:
            async with connect(EngineClient(URL, transports=["polling"]), dial=deaf.dial):
                raise error
        assert raised.value is error
        assert trio.current_time() - begin == pytest.approx(5.0)
        assert b"\r\n\r\n1" in await deaf.told()

    run(main)


def test_a_cancellation_does_not_wait() -> None:
    async def main() -> None:
        for seconds in (1000.0, 0.0):
            begin = trio.current_time()
            with trio.move_on_after(1.0) as scope:
                async with connect(EngineClient(URL, transports=["polling"]), dial=Deaf().dial):
                    await trio.sleep(seconds)
            assert scope.cancelled_caught
            assert trio.current_time() - begin == pytest.approx(1.0)

    run(main)


def test_an_error_is_not_lost_to_a_cancellation() -> None:
    async def main() -> None:
        with trio.CancelScope() as scope:
            client = EngineClient(URL, transports=["polling"])
            client.on("open", scope.cancel)
            with pytest.raises(ValueError, match="mine"):
                async with connect(client, dial=Deaf().dial):
                    raise ValueError("mine")
            assert scope.cancel_called
        assert not scope.cancelled_caught

    run(main)


def test_handlers_at_the_end() -> None:
    async def main() -> None:
        log: list[str] = []
        client = EngineClient(URL)

        @client.on("close")
        async def closed(reason: str) -> None:
            log.append(reason)
            try:
                await trio.sleep(3.0)
                log.append("done")
            except trio.Cancelled:
                log.append("cancelled")
                raise

        async with served(echo()) as dial:
            async with connect(client, dial=dial):
                pass
            assert trio.current_time() == pytest.approx(3.0)
            async with connect(client, dial=dial, shutdown_timeout=1.0):
                pass
            assert trio.current_time() == pytest.approx(4.0)
            with trio.move_on_after(2.0):
                async with connect(client, dial=dial):
                    await trio.sleep_forever()
            assert trio.current_time() == pytest.approx(6.0)
        assert log == ["forced close", "done", "forced close", "cancelled", "forced close", "cancelled"]

    run(main)


class Leave(BaseException):
    """Like KeyboardInterrupt, but nothing in pytest or trio knows it."""


def test_what_is_no_exception_ends_everything() -> None:
    async def main() -> None:
        client = EngineClient(URL)

        @client.on("open")
        def opened() -> None:
            raise Leave

        async with served(echo()) as dial:
            with pytest.raises(Leave):
                async with connect(client, dial=dial):
                    await trio.sleep_forever()
        assert client.runtime is None

    run(main)


@TRANSPORTS
def test_a_cancellation_at_any_step_leaves_nothing(transports: list[str]) -> None:
    async def main() -> None:
        server = make_io()
        async with served(server) as dial:
            client = Client(URL, transports=transports)
            steps = 0
            is_cancelled = True
            while is_cancelled:
                steps += 1
                before = trio.current_time()
                with CancelsAt(steps) as scope:
                    async with connect(client, dial=dial) as io:
                        await use(io)
                is_cancelled = scope.cancelled_caught
                assert trio.current_time() - before < 1.0
                assert client.engine.runtime is None
                assert client.engine.session is None
                assert not client.socket.active
            assert steps > 10
            # And the server has noticed that they are gone.
            await trio.sleep(200.0)
            assert not server.engine.sessions

    run(main)
