"""Serves sansio_eio on trio, and connects its clients."""

from sansio_eio_trio.client import connect
from sansio_eio_trio.server import serve, serve_listeners, serve_stream

__all__ = ["connect", "serve", "serve_listeners", "serve_stream"]
