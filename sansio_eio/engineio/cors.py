"""Which origins may use the server (the Fetch standard's CORS protocol), for polling and WebSocket alike.

The reference checks Origin on neither: it only leaves out headers, which does not keep a foreign page from opening a
WebSocket. Here a refused origin gets no session at all.
"""

import re
from collections.abc import Callable, Collection
from typing import TypeAlias

from sansio_eio.engineio.requests import Request, Response, is_header_value
from sansio_eio.errors import LocalProtocolError

#: None: the origin of the server itself; "*": any; a collection of origins; or a predicate.
AllowedOrigins: TypeAlias = str | Collection[str] | Callable[[str, Request], bool] | None

#: RFC 6454, section 6.2: what a browser sends, which is what is compared.
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/?#\sA-Z]+")

#: The origin in a Referer (RFC 9110, section 10.1.3).
_REFERER = re.compile(r"https?://[^/?#\s@]+(?=[/?#]|$)", re.IGNORECASE)

#: Seconds for which a browser may remember the answer to a preflight.
PREFLIGHT_MAX_AGE = 600


class Cors:
    """The policy for the Origin header."""

    def __init__(self, allowed: AllowedOrigins, *, credentials: bool, trust_proxy: bool) -> None:
        self._allowed = allowed
        self._credentials = credentials
        self._trust_proxy = trust_proxy
        self._origins = frozenset(
            (allowed,) if isinstance(allowed, str) else () if callable(allowed) else allowed or ()
        )
        for origin in self._origins - {"*"}:
            if not _ORIGIN.fullmatch(origin):
                raise LocalProtocolError(f"an origin is scheme://host[:port] in lower case and no more, not {origin!r}")
        if "*" in self._origins and credentials:
            raise LocalProtocolError("with credentials, every page of the world could act for your users: name origins")

    def allows(self, request: Request) -> bool:
        """Whether this request may be served; one without an Origin does not come from a foreign page, and may.

        A script (JSONP) has none in any case: it is the page that counts, where the request tells which.

        Raises whatever a predicate raises, and LocalProtocolError when it returns something else than a bool.
        """
        origin = request.header("origin")
        if origin is None and "j" in request.params:
            origin = _origin_of_script(request)
        if origin is None:
            return True
        if self._allowed is None:
            # In a form of JSONP, a page that hides its address hides its origin, too; Fetch Metadata tells it.
            hidden = origin == "null" and request.header("sec-fetch-site") == "same-origin"
            return hidden or origin.lower() in self._own_origins(request)
        if callable(self._allowed):
            return _verdict(self._allowed(origin, request))
        return "*" in self._origins or origin in self._origins

    def headers(self, request: Request) -> list[tuple[str, str]]:
        """The headers that let a page of the request's (allowed) origin read the response."""
        origin = request.header("origin")
        if self._allowed is None or origin is None or not is_header_value(origin):
            return []
        if "*" in self._origins:
            return [("Access-Control-Allow-Origin", "*")]
        headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        if self._credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        return headers

    def preflight(self, request: Request) -> Response | None:
        """The answer to a preflight request of an allowed origin; None when this is not one."""
        if (
            request.method != "OPTIONS"
            or request.header("access-control-request-method") is None
            or not (headers := self.headers(request))
        ):
            return None
        headers.append(("Access-Control-Allow-Methods", "GET, POST"))
        wanted = request.header("access-control-request-headers")
        if wanted and is_header_value(wanted):
            headers.append(("Access-Control-Allow-Headers", wanted))
        headers.append(("Access-Control-Max-Age", str(PREFLIGHT_MAX_AGE)))
        return Response(204, headers)

    def _own_origins(self, request: Request) -> set[str]:
        host = request.header("host") or ""
        scheme = "https" if request.secure else "http"
        origins = {f"{scheme}://{host}".lower()} if host else set[str]()
        if self._trust_proxy:
            # The first value is that of the outermost proxy, which is the one that the browser talked to.
            host = (request.header("x-forwarded-host") or host).split(",")[0].strip()
            scheme = (request.header("x-forwarded-proto") or scheme).split(",")[0].strip()
            if host:
                origins.add(f"{scheme}://{host}".lower())
        return origins


def _origin_of_script(request: Request) -> str | None:
    """The origin of the page that loads a script (JSONP), None when the request does not tell of a page.

    Browsers send no Origin for a script of any page, and the page reads what is in it.
    """
    referer = request.header("referer")
    if referer is not None:
        page = _REFERER.match(referer)
        return "null" if page is None else page[0].lower()
    # Fetch Metadata: the page has forbidden to be named, but not to be told from the server's own.
    return "null" if request.header("sec-fetch-site") in ("cross-site", "same-site") else None


def _verdict(allowed: object) -> bool:
    # A coroutine, say of an `async def` predicate, would count as true.
    if not isinstance(allowed, bool):
        raise LocalProtocolError(f"a predicate for origins must return True or False, not {allowed!r}")
    return allowed
