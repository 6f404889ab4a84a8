"""Serves sansio_eio on trio."""

from sansio_eio_trio.server import serve, serve_listeners, serve_stream

__all__ = ["serve", "serve_listeners", "serve_stream"]
