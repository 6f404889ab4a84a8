"""Chance that is none: the same seed gives the same run, byte for byte."""

import pytest

from sansio_eio.testing import Network
from sansio_eio.testing.dice import Dice
from tests.unit.testing.chat import make_chat


def run(seed: int | None) -> tuple[str, list[str]]:
    """The transcript of a busy network, and the order in which one client heard the others."""
    with Network(make_chat(), seed=seed) as net:
        clients = [net.connect(transport=transport, wait=False) for transport in ("upgrade", "polling", "websocket")]
        listener = net.connect()
        for word in ("one", "two"):
            for client in clients:
                client.emit("say", f"{client.name} {word}")
        clients[0].emit("echo", b"x" * 1000)
        net.settle()
        net.advance(60.0)
        return str(net.transcript), [event.args[0] for event in listener.take()]


@pytest.mark.parametrize("seed", [None, 0, 1, 2**63, -5])
def test_the_same_seed_gives_the_same_transcript(seed: int | None) -> None:
    assert run(seed) == run(seed)


def test_different_seeds_give_different_orders() -> None:
    runs = [run(seed) for seed in range(10)]
    assert len({transcript for transcript, _ in runs}) == 10
    assert len({tuple(heard) for _, heard in runs}) > 3
    for _, heard in runs:
        assert len(heard) == 6
        for name in ("ada", "bob", "cleo"):
            assert heard.index(f"{name} one") < heard.index(f"{name} two")


def test_the_dice() -> None:
    # The first numbers that the reference implementation gives for the seed 1234567.
    dice = Dice(1234567)
    assert [dice.roll() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert {Dice(seed).below(6) for seed in range(100)} == {0, 1, 2, 3, 4, 5}
