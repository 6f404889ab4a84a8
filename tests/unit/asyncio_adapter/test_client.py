"""Connecting, without a network, on a loop with a virtual clock."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from sansio_eio import ConnectError, EngineClient
from sansio_eio.socketio import Client
from sansio_eio_asyncio import connect
from sansio_eio_asyncio.client import Dial
from tests.unit.asyncio_adapter.client_support import FACE, hang, now, run, served
from tests.unit.client_scenarios import SCENARIOS, Scenario, use
from tests.unit.peers import TRANSPORTS, URL, echo, handshake_of, make_io


@SCENARIOS
def test_scenario(scenario: Scenario) -> None:
    run(partial(scenario, FACE))


async def give_nonsense(host: str, port: int) -> Any:
    return "nonsense"


def test_a_dial_that_gives_nonsense() -> None:
    async def main() -> None:
        with pytest.raises(ConnectError) as raised:
            async with connect(EngineClient(URL), dial=give_nonsense):
                raise AssertionError
        assert raised.value.__cause__ is not None

    run(main)


@asynccontextmanager
async def silent() -> AsyncGenerator[Any]:
    """Connections to somebody who says nothing."""
    peers: list[socket.socket] = []

    async def dial(host: str, port: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        peers.append(theirs)
        return ours

    yield dial
    for peer in peers:
        peer.close()


def test_what_takes_too_long() -> None:
    async def main() -> None:
        async with silent() as dial:
            for each in (hang, dial):
                begin = now()
                with pytest.raises(ConnectError, match="timeout"):
                    async with connect(EngineClient(URL, connect_timeout=7.0), dial=each):
                        raise AssertionError
                assert now() - begin == pytest.approx(7.0)

    run(main)


def test_cancelled_while_it_connects() -> None:
    async def main() -> None:
        async with silent() as dial:
            for each in (hang, dial):
                begin = now()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(3.0), connect(EngineClient(URL), dial=each):
                        raise AssertionError
                assert now() - begin == pytest.approx(3.0)

    run(main)


# The end


class Deaf:
    """A server that answers the first request, and no other one."""

    def __init__(self) -> None:
        self.peers: list[socket.socket] = []
        self.received = b""

    async def dial(self, host: str, port: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.peers.append(theirs)
        theirs.setblocking(False)
        if len(self.peers) == 1:
            theirs.send(handshake_of("x"))
        return ours

    def close(self) -> bytes:
        """What it was told."""
        told = b""
        for peer in self.peers:
            with suppress(BlockingIOError, ConnectionError):
                while data := peer.recv(65536):
                    told += data
            peer.close()
        return told


@pytest.mark.parametrize("seconds", [5.0, 2.0])
def test_the_goodbye_has_its_time(seconds: float) -> None:
    async def main() -> None:
        deaf = Deaf()
        options: Any = {} if seconds == 5.0 else {"shutdown_timeout": seconds}
        async with connect(EngineClient(URL, transports=["polling"]), dial=deaf.dial, **options):
            begin = now()
        assert now() - begin == pytest.approx(seconds)
        assert b"\r\n\r\n1" in deaf.close()

    run(main)


def test_an_error_of_the_body_waits_for_the_goodbye() -> None:
    async def main() -> None:
        deaf = Deaf()
        begin = now()
        error = ValueError("mine")
        with pytest.raises(ValueError, match="mine") as raised:
            async with connect(EngineClient(URL, transports=["polling"]), dial=deaf.dial):
                raise error
        assert raised.value is error
        assert now() - begin == pytest.approx(5.0)
        assert b"\r\n\r\n1" in deaf.close()

    run(main)


def test_a_cancellation_does_not_wait() -> None:
    async def main() -> None:
        for seconds in (1000.0, 0.0):
            deaf = Deaf()
            begin = now()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0), connect(EngineClient(URL, transports=["polling"]), dial=deaf.dial):
                    await asyncio.sleep(seconds)
            assert now() - begin == pytest.approx(1.0)
            deaf.close()

    run(main)


def test_handlers_at_the_end() -> None:
    async def main() -> None:
        log: list[str] = []
        client = EngineClient(URL)

        @client.on("close")
        async def closed(reason: str) -> None:
            log.append(reason)
            try:
                await asyncio.sleep(3.0)
                log.append("done")
            except asyncio.CancelledError:
                log.append("cancelled")
                raise

        async with served(echo()) as dial:
            async with connect(client, dial=dial):
                pass
            assert now() == pytest.approx(3.0)
            async with connect(client, dial=dial, shutdown_timeout=1.0):
                pass
            assert now() == pytest.approx(4.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(2.0), connect(client, dial=dial):
                    await asyncio.sleep(1000.0)
            assert now() == pytest.approx(6.0)
        assert log == ["forced close", "done", "forced close", "cancelled", "forced close", "cancelled"]

    run(main)


@TRANSPORTS
def test_a_cancellation_in_any_turn_leaves_nothing(transports: list[str]) -> None:
    async def session(client: Client, dial: Dial, log: list[str]) -> None:
        async with connect(client, dial=dial) as io:
            await use(io)
        log.append("end")

    async def main() -> None:
        server = make_io()
        async with served(server) as dial:
            client = Client(URL, transports=transports)
            others = asyncio.all_tasks()
            log: list[str] = []
            turns = 0
            while not log:
                task = asyncio.create_task(session(client, dial, log))
                for _ in range(turns):
                    await asyncio.sleep(0)
                cancelled = task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() == cancelled
                assert asyncio.all_tasks() == others
                assert client.engine.runtime is None
                assert client.engine.session is None
                assert not client.socket.active
                turns += 1
            assert turns > 10
            # And the server has noticed that they are gone.
            await asyncio.sleep(200.0)
            assert not server.engine.sessions

    run(main)
