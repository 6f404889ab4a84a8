"""Serves and connects sansio_eio on plain threads: one that moves the bytes, and a pool for handlers."""

from sansio_eio_threads.client import connect
from sansio_eio_threads.server import Server, serve

__all__ = ["Server", "connect", "serve"]
