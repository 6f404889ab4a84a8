"""HTTP and WebSocket over bytes: what a driver feeds, and what mounts applications on paths."""

from sansio_eio.http.client_connection import ClientConnection
from sansio_eio.http.client_endpoint import ClientEndpoint
from sansio_eio.http.endpoint import ServerEndpoint
from sansio_eio.http.pump import Endpoint, Loop, Pump
from sansio_eio.http.router import Router
from sansio_eio.http.server_connection import ServerConnection
from sansio_eio.http.settings import ClientHttpOptions, ClientHttpSettings, ConnectOptions, HttpOptions, HttpSettings
from sansio_eio.http.static import StaticFiles

__all__ = [
    "ClientConnection",
    "ClientEndpoint",
    "ClientHttpOptions",
    "ClientHttpSettings",
    "ConnectOptions",
    "Endpoint",
    "HttpOptions",
    "HttpSettings",
    "Loop",
    "Pump",
    "Router",
    "ServerConnection",
    "ServerEndpoint",
    "StaticFiles",
]
