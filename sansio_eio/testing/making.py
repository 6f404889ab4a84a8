"""Clients of the library, as the keyword arguments of `connect` and `connect_engine` want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sansio_eio.engineio import EngineClient, EngineServer
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import TEXT_PARSER, Client, Server
from sansio_eio.socketio.names import normal_name
from sansio_eio.testing.client import make_socket
from sansio_eio.testing.options import ConnectOptions, PeerOptions, check_auth, check_options, transports_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sansio_eio.engineio import EngineClientOptions
    from sansio_eio.socketio import ClientOptions
    from sansio_eio.testing.borrowed import Borrowed
    from sansio_eio.testing.client import KitSocket

# For pytest: whoever reads the report of a failure looks for the line of the test.
__tracebackhide__ = True

#: Where the clients of a network connect to.
URL = "http://localhost"


def make_client(
    namespace: str, options: ConnectOptions, servers: Borrowed, chance: Callable[[], float]
) -> tuple[str, Client, KitSocket]:
    """A client, and its socket in the namespace; before them its name, "" for the next one."""
    check_options(options, ConnectOptions.__optional_keys__, "connect")
    auth = options.pop("auth", None)
    check_auth(auth)
    path = options.setdefault("path", servers.path or "/socket.io/")
    server = servers.server_at(path)
    if isinstance(server, EngineServer):
        raise LocalProtocolError(f"an EngineServer is at {path}, and no Server of Socket.IO: use connect_engine")
    options.setdefault("parser", server.parser if isinstance(server, Server) else TEXT_PARSER)
    options.setdefault("reconnection", False)
    options.setdefault("jitter", chance)
    name = _take_name(options)
    client = Client(URL, **cast("ClientOptions", options))
    return name, client, make_socket(client, normal_name(namespace), auth)


def make_engine_client(options: PeerOptions, servers: Borrowed) -> tuple[str, EngineClient]:
    """A client of Engine.IO alone; before it its name."""
    check_options(options, PeerOptions.__optional_keys__, "connect_engine")
    path = options.pop("path", servers.path or "/engine.io/")
    name = _take_name(options)
    return name, EngineClient(URL, path=path, **cast("EngineClientOptions", options))


def _take_name(options: ConnectOptions | PeerOptions) -> str:
    """Turn those options that are the kit's own into the client's; what is left is the name."""
    options.setdefault("transports", transports_of(options.pop("transport", "upgrade")))
    options.setdefault("timestamp_requests", False)
    return options.pop("name", "")
