"""Connecting a socket."""

import asyncio
import socket
from collections import deque
from itertools import zip_longest
from typing import TypeAlias

_Address: TypeAlias = tuple[object, ...] | str

#: The seconds that an address has for itself (RFC 8305, section 5). Then the next one is tried as well.
_HEAD_START = 0.25


async def open_tcp_socket(host: str, port: int) -> socket.socket:
    """A connection to that address of the host which answers first: happy eyeballs, RFC 8305.

    uvloop has nothing of the kind, and that of `loop.create_connection` loses a socket that has just been connected
    when it is cancelled at that moment.
    """
    addresses = deque(await _resolve(host, port))
    attempts: list[asyncio.Task[socket.socket]] = []
    try:
        while addresses or not all(attempt.done() for attempt in attempts):
            if addresses:
                attempts.append(asyncio.create_task(open_socket(*addresses.popleft())))
            running = [attempt for attempt in attempts if not attempt.done()]
            if running:
                head_start = _HEAD_START if addresses else None
                await asyncio.wait(running, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
            for attempt in attempts:
                if _has_connected(attempt):
                    attempts.remove(attempt)
                    return attempt.result()
        # Raises what the last one has failed with.
        return attempts[-1].result()
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_discard)


async def open_socket(family: int, address: _Address) -> socket.socket:
    """A connection to an address as sockets of this family have it."""
    sock = socket.socket(family)
    try:
        sock.setblocking(False)
        if family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does that for sockets that it makes itself.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _resolve(host: str, port: int) -> list[tuple[int, _Address]]:
    """The addresses, IPv6 and IPv4 by turns (RFC 8305, section 4)."""
    try:
        # What is an address already needs no thread.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[int, list[tuple[int, _Address]]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append((family, address))
    return [each for row in zip_longest(*families.values()) for each in row if each is not None]


def _has_connected(attempt: "asyncio.Task[socket.socket]") -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


def _discard(attempt: "asyncio.Task[socket.socket]") -> None:
    if _has_connected(attempt):
        attempt.result().close()
