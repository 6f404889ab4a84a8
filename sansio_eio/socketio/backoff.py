"""How long a client waits before it tries to connect again."""

from collections.abc import Callable

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.emitting import check_timeout

#: From here on the wait is the longest one in any case, and the power is kept small enough for a float.
MAX_EXPONENT = 64


class Backoff:
    """Exponential backoff with jitter, to the millisecond that of the reference (its `backo2`).

    The n-th wait is `delay` times two to the power of n, more or less by up to `randomization`, of which the jitter
    decides; never more than `delay_max`.
    """

    def __init__(self, delay: float, delay_max: float, randomization: float, jitter: Callable[[], float]) -> None:
        if not 0 <= randomization <= 1:
            raise LocalProtocolError("randomization_factor is a number from 0 to 1")
        #: Waits since the last reset.
        self.attempts = 0
        self._delay = 1000 * check_timeout(delay)
        self._delay_max = 1000 * check_timeout(delay_max)
        self._randomization = randomization
        self.jitter = jitter

    def next_delay(self) -> float:
        """How long to wait before the next attempt, in seconds."""
        delay = self._delay * 2 ** min(self.attempts, MAX_EXPONENT)
        self.attempts += 1
        if self._randomization:
            jitter = self.jitter()
            if not 0 <= jitter < 1:
                raise LocalProtocolError(f"jitter is a number from 0 up to 1, not {jitter!r}")
            deviation = int(jitter * self._randomization * delay)
            # The first digit behind the point decides about the sign.
            delay += deviation if int(jitter * 10) % 2 else -deviation
        return int(min(delay, self._delay_max)) / 1000

    @property
    def longest(self) -> float:
        """The longest wait, in seconds."""
        return self._delay_max / 1000

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self.attempts = 0
