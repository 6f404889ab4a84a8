"""What drives the server, and each of the clients: one pump for each, on the loop of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sansio_eio.http import Pump

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from sansio_eio.engineio import Pending
    from sansio_eio.http import Endpoint
    from sansio_eio.testing.loops import KitLoop

#: Seconds that connections and handlers are given when an endpoint closes.
GRACE = 10.0


class Driver:
    """The `Loop` of one pump: what the pump asks for becomes a step of the network."""

    def __init__(self, endpoint: Endpoint, loop: KitLoop) -> None:
        self._endpoint = endpoint
        self._loop = loop
        self.pump = Pump(endpoint, self)
        endpoint.install(self.pump)

    def close(self) -> None:
        """Shut the endpoint down; that it is, is `Endpoint.done`."""
        if not self._endpoint.closing:
            self._endpoint.close(now=self.time(), grace=GRACE)
            self.pump.pump()

    def time(self) -> float:
        """See `Loop`."""
        return self._loop.time()

    def wall_time(self) -> float:
        """See `Loop`."""
        return self._loop.wall_time()

    def call_soon(self) -> None:
        """See `Loop`."""
        self._loop.call_soon(self.pump.turn)

    def call_at(self, when: float) -> None:
        """See `Loop`."""
        self._loop.timers.at(self, when)
        self._loop.stir()

    def expire(self, *, now: float) -> None:
        """It is time: see `call_at`."""
        self._loop.call_soon(self.pump.ring)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `Loop`."""
        self._loop.spawn(work)

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        """See `Loop`."""
        return self._loop.wait(pending)

    def is_stray(self, error: BaseException) -> bool:
        """See `Loop`."""
        return self._loop.is_stray(error)

    def stop(self, error: Exception) -> None:
        """See `Loop`."""
        self._loop.call_soon(self.close)
