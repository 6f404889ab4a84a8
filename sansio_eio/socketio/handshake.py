"""What is known of a client when it connects to a namespace."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sansio_eio.engineio.requests import Request


@dataclass(slots=True)
class Handshake:
    """The request that opened the connection, and the `auth` of this namespace. The peer sent all of it: check it.

    `issued` is in seconds since the epoch by the clock of the driver (the time of the core where none serves it).
    """

    headers: dict[str, str]
    query: dict[str, str]
    auth: dict[str, Any]
    address: str
    url: str
    secure: bool
    #: Whether the request had an Origin header, as those of browsers to other origins have.
    xdomain: bool
    issued: float

    @property
    def time(self) -> datetime:
        """`issued`, as a moment in UTC."""
        return datetime.fromtimestamp(self.issued, UTC)


def make_handshake(request: Request, auth: dict[str, Any], issued: float) -> Handshake:
    """The handshake of a client that sent `request` and connects with `auth`."""
    headers = dict.fromkeys(name for name, _ in request.headers)
    return Handshake(
        headers={name: request.header(name) or "" for name in headers},
        # A copy: the engine goes on reading its own.
        query=dict(request.params),
        auth=auth,
        address=request.remote,
        url=f"{request.path}?{request.query}" if request.query else request.path,
        secure=request.secure,
        xdomain=request.header("origin") is not None,
        issued=issued,
    )
