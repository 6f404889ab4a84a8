"""A transport without a network, and a driver around it."""

import asyncio
from typing import Any

from sansio_eio.engineio import Mountable
from sansio_eio.http import Router, ServerEndpoint
from sansio_eio_asyncio.driver import Driver
from sansio_eio_asyncio.server import Accepted


class FakeTransport(asyncio.Transport):
    """Remembers what the protocol asks for."""

    def __init__(self, protocol: Accepted, *, secure: bool = False, peer: object = ("192.0.2.1", 5)) -> None:
        super().__init__({"peername": peer, "sslcontext": "a context" if secure else None})
        self._protocol = protocol
        self._secure = secure
        self._reading = True
        #: Bytes that are written before `pause_writing`, as a transport with a full buffer.
        self.room = 1_000_000
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self.closed = False

    def take(self) -> bytes:
        """What was written since the last call."""
        data = b"".join(self.writes)
        self.writes.clear()
        return data

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.writes.append(bytes(data))
        self.room -= len(data)
        if self.room < 0:
            self._protocol.pause_writing()

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self._reading = True
        self.calls.append("resume_reading")

    def can_write_eof(self) -> bool:
        return not self._secure

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self._end("close")

    def abort(self) -> None:
        self._end("abort")

    def _end(self, how: str) -> None:
        self.calls.append(how)
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)


def ignore_stop(error: Exception) -> None:
    """Nothing here is stopped by an error."""
    raise AssertionError from error


def drive(app: Mountable | Router, **options: float) -> Driver[ServerEndpoint]:
    """A driver for this loop."""
    endpoint = ServerEndpoint(app, **options)  # type: ignore[arg-type]  # the names are those of the options
    driver = Driver(endpoint, ignore_stop)
    endpoint.install(driver.pump)
    return driver


def dial(
    driver: Driver[ServerEndpoint], *, secure: bool = False, peer: object = ("192.0.2.1", 5)
) -> tuple[Accepted, FakeTransport]:
    """A connection of a peer."""
    protocol = Accepted(driver)
    transport = FakeTransport(protocol, secure=secure, peer=peer)
    protocol.connection_made(transport)
    return protocol, transport


async def settle(rounds: int = 5) -> None:
    """Let the loop do what is due."""
    for _ in range(rounds):
        await asyncio.sleep(0)
