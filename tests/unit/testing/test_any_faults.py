"""Whatever goes wrong, in whatever order: nothing hangs, nothing is left over, and it goes the same way again."""

import logging
from collections.abc import Callable
from contextlib import suppress

import pytest

from sansio_eio import AckDisconnected, AckTimeout, LocalProtocolError, Server, socketio
from sansio_eio.testing import Network, NetworkAssertionError, NetworkClient, Transport
from sansio_eio.testing.dice import Dice
from tests.unit.testing.chat import make_chat

TRANSPORTS: tuple[Transport, ...] = ("upgrade", "polling", "websocket")


def answer(*args: object) -> tuple[object, ...]:
    """What a client says when it is asked."""
    return args


ACTIONS: tuple[Callable[[Network, NetworkClient, Dice], object], ...] = (
    lambda net, client, dice: net.settle(),
    lambda net, client, dice: net.advance((0.1, 1.0, 5.0, 20.0)[dice.below(4)]),
    lambda net, client, dice: client.emit("say", "x" * (1, 100, 4_000, 4_900)[dice.below(4)]),
    lambda net, client, dice: client.emit("echo", b"x" * (0, 10, 3_000)[dice.below(3)], [b"y"]),
    lambda net, client, dice: client.emit("ask", 1),
    lambda net, client, dice: client.on("question", answer),
    lambda net, client, dice: client.of(("/admin", "/closed", "/nowhere")[dice.below(3)], wait=False),
    lambda net, client, dice: client.delay((0.0, 0.1, 2.0)[dice.below(3)]),
    lambda net, client, dice: client.split((0, 1, 5, 100)[dice.below(4)]),
    lambda net, client, dice: client.stall(),
    lambda net, client, dice: client.silence(),
    lambda net, client, dice: client.resume(),
    lambda net, client, dice: client.cut(),
    lambda net, client, dice: client.refuse(),
    lambda net, client, dice: client.accept(),
    lambda net, client, dice: client.connect(wait=False),
    lambda net, client, dice: client.drop_poll(),
    lambda net, client, dice: client.duplicate_poll(),
    lambda net, client, dice: client.disconnect(),
    lambda net, client, dice: client.close(),
)


def run(io: Server, seed: int) -> str:
    """Sixty things that may happen, drawn from the seed; the transcript of them."""
    dice = Dice(seed)
    net = Network(io, seed=seed, latency=(0.0, 0.0, 0.01, 0.5)[dice.below(4)])
    bot = socketio.Client("http://localhost")
    bot.socket.on("said", answer)
    net.attach(bot, wait=False, name="bot")
    clients: list[NetworkClient] = []
    for _ in range(60):
        if not clients or dice.below(5) == 0:
            transport, comes_back = TRANSPORTS[dice.below(3)], dice.below(2) == 1
            clients.append(net.connect(transport=transport, reconnection=comes_back, wait=False))
        # A fault may make no sense for a client, and questions that were asked may end without an answer.
        with suppress(LocalProtocolError):
            tolerate(lambda: ACTIONS[dice.below(len(ACTIONS))](net, clients[dice.below(len(clients))], dice))
    transcript = str(net.transcript)
    tolerate(net.close)
    for socket in (bot.socket, *(client.socket for client in clients)):
        assert not socket.active
        assert socket.client.engine.over
        assert socket.client.engine.runtime is None
    return transcript


def tolerate(action: Callable[[], object]) -> None:
    """Questions may end without an answer; nothing else may go wrong."""
    try:
        action()
    except NetworkAssertionError as error:
        if not isinstance(error.__cause__, (AckDisconnected, AckTimeout)):
            raise


@pytest.mark.parametrize("seed", range(25))
def test_any_faults(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    io = make_chat(ping_interval=10.0, ping_timeout=5.0, max_outbound=20_000, max_http_buffer_size=5_000)
    transcript = run(io, seed)
    assert io.engine.sessions == {}
    assert io.sockets.sockets == {}
    assert io.engine.runtime is None
    again = make_chat(ping_interval=10.0, ping_timeout=5.0, max_outbound=20_000, max_http_buffer_size=5_000)
    assert run(again, seed) == transcript
    # What was emitted before a connection that never came.
    assert {record.msg for record in caplog.records} <= {"%d events for %s were not sent: the client was closed"}
