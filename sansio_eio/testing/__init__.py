"""Test a whole application without a socket, an event loop or a sleep.

A `Network` is a network in memory around your application, with a clock that is turned by hand. Its clients, which are
the library's own or yours, send real HTTP requests and WebSocket frames to the real server; they arrive late, in pieces
or not at all when a test wants that.
"""

from sansio_eio.testing.async_network import AsyncClient, AsyncEngineClient, AsyncNetwork
from sansio_eio.testing.client import Event, Line
from sansio_eio.testing.loops import KitLoop
from sansio_eio.testing.network import MakeNetwork, Network, NetworkClient, NetworkEngineClient
from sansio_eio.testing.options import ConnectOptions, KitOptions, NetworkOptions, PeerOptions, Transport
from sansio_eio.testing.simulation import NetworkAssertionError
from sansio_eio.testing.transcript import Transcript

__all__ = [
    "AsyncClient",
    "AsyncEngineClient",
    "AsyncNetwork",
    "ConnectOptions",
    "Event",
    "KitLoop",
    "KitOptions",
    "Line",
    "MakeNetwork",
    "Network",
    "NetworkAssertionError",
    "NetworkClient",
    "NetworkEngineClient",
    "NetworkOptions",
    "PeerOptions",
    "Transcript",
    "Transport",
]
