"""An HTTP request of somebody who is no client: a browser that loads a page, a load balancer that looks after us."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from sansio_eio.engineio import Channel, Request, SendRequest
from sansio_eio.errors import LocalProtocolError
from sansio_eio.http.client_requests import prepare

if TYPE_CHECKING:
    from sansio_eio.engineio import Response

#: Headers. A name may come twice in a sequence.
Pairs: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

#: Who asks, in the block that is set aside for private use, and none of the clients.
REMOTE = "10.255.0.1"


def make_request(method: str, target: str, headers: Pairs, body: bytes) -> Request:
    """The request; LocalProtocolError for what is none."""
    path, _, query = target.partition("?")
    request = Request(method, path, query, check_pairs(headers), body)
    # For what it refuses: here it is still the test's mistake.
    prepare(SendRequest(Channel(), request, None), "localhost", bytes)
    return request


def decode(response: Response) -> Response:
    """The response with its body as it was before it was compressed."""
    if dict(response.headers).get("content-encoding") in ("gzip", "deflate"):
        # 47: gzip or zlib, whichever it is.
        response.body = zlib.decompress(response.body, 47)
    return response


def check_pairs(given: Pairs) -> list[tuple[str, str]]:
    """The headers as a list; LocalProtocolError when they are none."""
    try:
        items: list[object] = list(given.items() if isinstance(given, Mapping) else given)
    except TypeError:
        items = [given]
    pairs: list[tuple[str, str]] = []
    for item in items:
        match item:
            case (str(name), str(value)):
                pairs.append((name, value))
            case _:
                raise LocalProtocolError(f"headers are a dict, or pairs of a name and a value, all str: not {given!r}")
    return pairs
