"""Connections that are lost, and come back."""

from typing import Any

import pytest

from sansio_eio import AckDisconnected, AckTimeout, ConnectError, Pending
from tests.conformance.client.proxy import Proxy
from tests.conformance.client.world import WatchedClient, World, causes

QUICK: dict[str, Any] = {"reconnection_delay": 0.02, "randomization_factor": 0.0}
#: What the end of a connection without a word is called: a poll that fails, or a WebSocket that is gone.
LOST = {"polling": "transport error", "websocket": "transport close"}


async def lose(proxy: Proxy, watched: WatchedClient) -> str:
    """Cut the connections, in a way that also a client between two polls notices; the reason of the disconnection."""
    proxy.refuse()
    proxy.cut()
    (reason,) = await watched.expect("disconnect")
    proxy.listen()
    return str(reason)


async def test_restart(world: World) -> None:
    """What is emitted meanwhile is kept, and delivered once and in order; every namespace is back, with its auth."""
    own = world.server.start()
    watched = world.client(url=own.url, **QUICK)
    custom = watched.of("/custom", auth={"who": "me"})
    async with world.connect(watched) as socket:
        await custom.expect("welcome")
        await watched.expect("welcome")
        before = socket.id
        own.stop()
        for one in (watched, custom):
            assert await one.expect("disconnect") in (["transport error"], ["transport close"])
            assert (one.socket.active, one.socket.connected, one.socket.id) == (True, False, None)
        for number in range(20):
            assert socket.emit("collect", world.key, number)
        assert not socket.volatile.emit("collect", world.key, "volatile")
        await watched.refused()
        own.start()
        assert await watched.expect("welcome") == [{}]
        assert await custom.expect("welcome") == [{"who": "me"}]
        assert socket.id not in (before, None)
        assert await world.collected(socket) == list(range(20))
    own.stop()


async def test_restart_with_a_warning(world: World) -> None:
    """The server has closed its sessions in good order: no DISCONNECT of the namespaces, so the client comes back."""
    own = world.server.start()
    watched = world.client(url=own.url, **QUICK)
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
        await watched.expect("connect")
        await world.adapter.blocking(lambda: own.stop(warning=True))
        assert await watched.expect("disconnect") == ["transport close"]
        own.start()
        await watched.expect("connect")
        assert await socket.call("ask", 1, timeout=10) == 1
    own.stop()


async def test_events_of_the_client(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
        assert await watched.manager.expect("open") == []
        proxy.refuse()
        assert proxy.cut() > 0
        await watched.manager.expect("close")
        for number in (1, 2):
            assert await watched.manager.expect("reconnect_attempt") == [number]
            (error,) = await watched.manager.expect("reconnect_error")
            assert isinstance(error, ConnectError)
            assert ConnectionRefusedError in causes(error)
            assert (await watched.refused()).message == error.message
        proxy.listen()
        (attempts,) = await watched.manager.expect("reconnect")
        assert attempts >= 3
        await watched.expect("connect")
        assert watched.manager.seen("open") == [[]]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@pytest.mark.parametrize("reset", [True, False])
async def test_reason_of_a_cut(world: World, reset: bool) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        await socket.call("ask", timeout=10)
        # The next poll may be on its way or not.
        proxy.refuse()
        proxy.cut(reset=reset)
        assert await watched.expect("disconnect") == [LOST[world.transport]]
        proxy.listen()
        await watched.expect("connect")


async def test_cut_many_times(world: World) -> None:
    """Whatever was under way is lost or not, but nothing is doubled or out of order, and acknowledgements end."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched, wait=False) as socket:
        await socket.wait_connected()
        answers: list[tuple[int, Pending[Any]]] = []
        for number in range(100):
            answers.append((number, socket.emit_with_ack("collect", world.key, number)))
            if number % 20 == 10:
                assert await socket.call("ask", timeout=10) is None
            elif number % 20 == 15:
                await lose(proxy, watched)
        answered: list[int] = []
        for number, answer in answers:
            try:
                assert await answer == number
            except AckDisconnected:
                continue
            answered.append(number)
        collected = await world.collected(socket)
        assert collected == sorted(set(collected))
        assert set(answered) <= set(collected)
        assert set(range(100)) - set(answered) <= {n for n in range(100) if n % 20 in range(11, 16)}


async def test_retries(world: World) -> None:
    """At least once, in order: the acknowledgement of number 3 is lost, so 3 is sent again, and nothing else."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, retries=3, ack_timeout=10.0, **QUICK)
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
        gate = proxy.hold("down", b'"number 3"')
        answers = [socket.emit_with_ack("collect", world.key, f"number {number}") for number in range(6)]
        await world.adapter.blocking(gate.wait)
        assert [answer.done for answer in answers[3:]] == [False] * 3
        await lose(proxy, watched)
        assert [await answer for answer in answers] == [f"number {number}" for number in range(6)]
        expected = [f"number {number}" for number in (0, 1, 2, 3, 3, 4, 5)]
        assert await world.collected(socket) == expected


async def test_retries_that_time_out(world: World) -> None:
    """The server has it three times; then the sender is told, and the next one has its turn."""
    watched = world.client(retries=2, ack_timeout=0.03)
    async with world.connect(watched) as socket:
        silent = socket.emit_with_ack("hold")
        next_one = socket.emit_with_ack("ask", "next")
        with pytest.raises(AckTimeout):
            await silent
        assert await next_one == "next"


async def test_pending_acknowledgements(world: World) -> None:
    """They end with the connection; those of events that still wait to be sent do not."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched) as socket:
        lost = socket.emit_with_ack("hold")
        await socket.call("ask", timeout=10)
        proxy.refuse()
        proxy.cut()
        await watched.expect("disconnect")
        kept = socket.emit_with_ack("ask", "kept", b"\x01")
        with pytest.raises(AckDisconnected):
            await lost
        await watched.refused()
        assert not kept.done
        proxy.listen()
        assert await kept == ("kept", b"\x01")


async def test_it_gives_up(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, reconnection_attempts=3, **QUICK)
    async with world.connect(watched) as socket:
        proxy.refuse()
        proxy.cut()
        assert await watched.manager.expect("reconnect_failed") == []
        assert watched.manager.seen("reconnect_attempt") == [[1], [2], [3]]
        assert len(watched.manager.seen("reconnect_error")) == 3
        assert watched.manager.seen("reconnect") == []
        # By hand it works.
        proxy.listen()
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_no_reconnection(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, reconnection=False)
    async with world.connect(watched) as socket:
        ended = socket.wait_disconnected()
        reason = await lose(proxy, watched)
        assert await ended == reason
        assert reason in ("transport error", "transport close")
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1
    assert watched.manager.seen("reconnect_attempt") == []


async def test_server_that_comes_later(world: World) -> None:
    """With `wait=False` the first connection is tried for as long as later ones."""
    proxy = world.network.proxy(world.server.port)
    proxy.refuse()
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched, wait=False) as socket:
        socket.emit("collect", world.key, "patient")
        assert ConnectionRefusedError in causes(await watched.refused())
        assert ConnectionRefusedError in causes(await watched.refused())
        proxy.listen()
        await watched.expect("connect")
        assert await world.collected(socket) == ["patient"]


async def test_leaving_while_waiting_for_the_next_attempt(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, reconnection_delay=1000.0)
    async with world.connect(watched) as socket:
        proxy.refuse()
        proxy.cut()
        await watched.expect("disconnect")
        assert socket.active
    assert not socket.active
    assert watched.manager.seen("reconnect_attempt") == []


async def test_disconnecting_while_waiting_for_the_next_attempt(world: World) -> None:
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, reconnection_delay=1000.0)
    async with world.connect(watched) as socket:
        await lose(proxy, watched)
        ended = socket.wait_disconnected()
        socket.disconnect()
        await ended
        socket.connect()
        await socket.wait_connected()
        assert await socket.call("ask", 1, timeout=10) == 1


async def test_half_of_a_binary_packet(world: World) -> None:
    """The decoder does not remember it in the next connection."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    data = bytes(500_000)
    async with world.connect(watched) as socket:
        await world.upgraded(socket)
        await watched.expect("connect")
        # The packet itself comes through, and over WebSocket its first attachment and most of the second one.
        first = b"bAQ==" if world.protocol == 4 else b"\x01\x02\xff\x04\x01"
        gate = proxy.hold("down", b"the end" if world.last_transport == "websocket" else first)
        socket.emit("echo", b"\x01", data + b"the end")
        await world.adapter.blocking(gate.wait)
        await lose(proxy, watched)
        await watched.expect("connect")
        socket.emit("echo", b"whole")
        assert await watched.expect("echo back") == [b"whole"]
