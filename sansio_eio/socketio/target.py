"""What the `connect` of a driver is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.engineio.client import EngineClient
from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.client import Client

if TYPE_CHECKING:
    from sansio_eio.socketio.client_options import ClientOptions

Target: TypeAlias = str | Client | EngineClient


def as_client(target: Target, options: ClientOptions) -> Client | EngineClient:
    """The client itself, or that for a URL, with these options.

    Raises LocalProtocolError for options that make no sense, and for those of a client together with one.
    """
    if isinstance(target, str):
        return Client(target, **options)
    if options:
        raise LocalProtocolError(f"a client has its options already: {', '.join(options)}")
    return target
