"""Serves sansio_eio on asyncio (and uvloop), and connects its clients."""

from sansio_eio_asyncio.client import connect
from sansio_eio_asyncio.server import Server, serve, start_server

__all__ = ["Server", "connect", "serve", "start_server"]
