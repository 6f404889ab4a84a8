"""What sockets can do and other streams cannot, and the other way round."""

from __future__ import annotations

import os
import sys
from typing import cast

import trio

_PIECE = 65536
# A `SocketStream` tries first, waits then, and passes a checkpoint in any case. Where a socket is a file, waiting first
# and never when there is no need to saves half of what trio costs a message.
_SOCKETS_ARE_FILES = sys.platform != "win32"


async def receive(stream: trio.abc.Stream) -> bytes:
    """The next bytes, none at the end."""
    if not (_SOCKETS_ARE_FILES and isinstance(stream, trio.SocketStream)):
        return bytes(await stream.receive_some())
    while (number := stream.socket.fileno()) >= 0:
        await trio.lowlevel.wait_readable(number)
        try:
            # Asked again: since this task was woken another one may have closed it, and its number be that of another.
            return os.read(stream.socket.fileno(), _PIECE)
        except BlockingIOError:
            pass
    raise trio.ClosedResourceError


def send_now(stream: trio.abc.Stream, data: bytes) -> int:
    """Send what can be sent without waiting: so many bytes. The rest, and an error, is left to `send_all`."""
    if _SOCKETS_ARE_FILES and isinstance(stream, trio.SocketStream):
        try:
            return os.write(stream.socket.fileno(), data)
        except OSError:
            pass
    return 0


def close_now(stream: trio.abc.Stream) -> bool:
    """Close it, if that needs no waiting."""
    if isinstance(stream, trio.SocketStream):
        stream.socket.close()
        return True
    return False


def remote(stream: trio.abc.Stream) -> str:
    """The address of the peer; of a Unix socket, or of something else, there is none."""
    if isinstance(stream, trio.SSLStream):
        return remote(cast("trio.SSLStream[trio.abc.Stream]", stream).transport_stream)
    if not isinstance(stream, trio.SocketStream):
        return ""
    try:
        address: object = stream.socket.getpeername()
    except OSError:
        # It is gone already.
        return ""
    return str(cast("tuple[object, ...]", address)[0]) if isinstance(address, tuple) else ""
