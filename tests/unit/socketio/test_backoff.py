"""How long a client waits before it tries again: the numbers of the reference's `backo2`."""

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import Client
from sansio_eio.socketio.backoff import Backoff
from sansio_eio.socketio.client_options import chance


def delays(count: int, jitter: float = 0.0, randomization: float = 0.5, delay_max: float = 5.0) -> list[float]:
    backoff = Backoff(1.0, delay_max, randomization, lambda: jitter)
    return [backoff.next_delay() for _ in range(count)]


def test_it_doubles_up_to_the_limit() -> None:
    assert delays(5) == [1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("jitter", "expected"),
    [
        # The sign is that of the first digit: an even one takes away, an odd one adds.
        (0.05, [0.975, 1.95, 3.9, 5.0]),
        (0.1234, [1.061, 2.123, 4.246, 5.0]),
        (0.5, [1.25, 2.5, 5.0, 5.0]),
        (0.89, [0.555, 1.11, 2.22, 4.44]),
        (0.999, [1.499, 2.999, 5.0, 5.0]),
    ],
)
def test_jitter(jitter: float, expected: list[float]) -> None:
    assert delays(4, jitter) == expected


def test_without_randomization_nobody_asks_for_jitter() -> None:
    def never() -> float:
        raise AssertionError

    assert Backoff(0.1, 1.0, 0.0, never).next_delay() == 0.1


def test_milliseconds_are_the_finest() -> None:
    assert Backoff(0.0015, 1.0, 0.0, lambda: 0.0).next_delay() == 0.001


def test_it_never_overflows() -> None:
    backoff = Backoff(1e6, 1e7, 1.0, lambda: 0.25)
    backoff.attempts = 100_000
    assert backoff.next_delay() == 1e7
    backoff.reset()
    assert backoff.attempts == 0
    assert backoff.next_delay() == 750_000.0


@pytest.mark.parametrize(
    "options",
    [
        {"randomization_factor": -0.1},
        {"randomization_factor": 1.1},
        {"reconnection_delay": 0.0},
        {"reconnection_delay_max": float("inf")},
        {"reconnection_attempts": 0},
        {"ack_timeout": 0.0},
        {"attachment_timeout": -1.0},
        {"max_attachments": 0},
        {"max_pending_acks": 0},
        {"max_send_buffer": 0},
        {"retries": 1},
        {"retries": -1, "ack_timeout": 1.0},
        {"path": "no slash"},
        {"max_outbound": 1},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    make: Callable[..., Client] = Client
    with pytest.raises(LocalProtocolError):
        make("http://server", **options)


def test_the_default_jitter_is_a_chance() -> None:
    assert all(0 <= chance() < 1 for _ in range(100))


@pytest.mark.parametrize("jitter", [1.0, -0.1, float("nan")])
def test_jitter_that_is_none(jitter: float) -> None:
    with pytest.raises(LocalProtocolError, match="jitter is a number from 0 up to 1"):
        Backoff(1.0, 5.0, 0.5, lambda: jitter).next_delay()
