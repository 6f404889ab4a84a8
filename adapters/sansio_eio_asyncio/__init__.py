"""Serves sansio_eio on asyncio (and uvloop)."""

from sansio_eio_asyncio.server import Server, serve, start_server

__all__ = ["Server", "serve", "start_server"]
