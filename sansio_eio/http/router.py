"""Several servers and a fallback on one port."""

import logging
from collections.abc import Callable, Mapping

from sansio_eio.engineio.actions import Action, Respond
from sansio_eio.engineio.channel import Channel
from sansio_eio.engineio.mounting import Mountable
from sansio_eio.engineio.requests import Request, Response
from sansio_eio.engineio.runtime import Application, Runnable, Runtime
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from sansio_eio.http.responses import plain_response

_log = logging.getLogger("sansio_eio.http")

Fallback = Callable[[Request], Response]


class Router:
    """Shares requests out by the longest prefix of the path.

    The keys are paths with a slash at both ends; "/socket.io/" takes "/socket.io" too. What no prefix takes goes to
    `fallback`, a function that answers at once (`StaticFiles` is one); without one it is 404, as is a WebSocket
    handshake. `max_body_size` is the fallback's limit for request bodies, in bytes.

    Raises LocalProtocolError for a prefix that is not such a path.
    """

    def __init__(
        self, mounts: Mapping[str, Mountable], fallback: Fallback | None = None, *, max_body_size: int = 1_000_000
    ) -> None:
        for prefix in mounts:
            _check_prefix(prefix)
        #: What was mounted, by the prefixes, in the order that was given.
        self.mounts: Mapping[str, Mountable] = dict(mounts)
        # The longest first.
        self._routes: list[tuple[str, Application]] = [
            (prefix, mounts[prefix].engine) for prefix in sorted(mounts, key=len, reverse=True)
        ]
        # An engine may be mounted more than once.
        self._engines: list[Application] = list(dict.fromkeys(engine for _, engine in self._routes))
        self._fallback = fallback or _not_found
        self._max_body_size = max_body_size
        self._ready: list[Channel] = []

    def open_channel(self, owner: object = None) -> Channel:
        """A new channel; the request decides where it belongs."""
        return Channel(owner)

    def body_limit(self, request: Request) -> int:
        """The limit of the server that is going to get this request, or the fallback's."""
        engine = self._find(request.path)
        return self._max_body_size if engine is None else engine.body_limit(request)

    def request_started(self, channel: Channel, request: Request, *, now: float) -> None:
        """Pass the head on; the fallback has no use for it."""
        engine = self._find(request.path)
        if engine is not None:
            channel.endpoint = engine
            engine.request_started(channel, request, now=now)

    def request_received(self, channel: Channel, request: Request, *, now: float) -> None:
        """Pass the request on, or answer it with the fallback (413 when its body is over the fallback's limit)."""
        engine = self._find(request.path)
        if engine is None:
            too_large = len(request.body) > self._max_body_size
            self._answer(channel, Response(413) if too_large else self._fall_back(request))
        else:
            channel.endpoint = engine
            engine.request_received(channel, request, now=now)

    def websocket_requested(self, channel: Channel, request: Request, *, now: float) -> None:
        """Pass the handshake on, or refuse it."""
        engine = self._find(request.path)
        if engine is None:
            self._answer(channel, plain_response(404))
        else:
            channel.endpoint = engine
            engine.websocket_requested(channel, request, now=now)

    def message_received(self, channel: Channel, data: str | bytes, *, now: float) -> None:
        """Pass the message on; the fallback has no WebSockets."""
        if channel.endpoint is not None and channel.endpoint is not self:
            channel.endpoint.message_received(channel, data, now=now)

    def channel_closed(self, channel: Channel, *, now: float, error: RemoteProtocolError | None = None) -> None:
        """Pass it on; the fallback has no use for it."""
        if channel.endpoint is not None and channel.endpoint is not self:
            channel.endpoint.channel_closed(channel, now=now, error=error)

    def take_ready(self) -> list[Channel]:
        """The channels of all servers, and those that the fallback has answered."""
        ready, self._ready = self._ready, []
        for engine in self._engines:
            ready += engine.take_ready()
        return ready

    def take_actions(self, channel: Channel) -> list[Action]:
        """The actions of one channel, oldest first."""
        if channel.endpoint is not None and channel.endpoint is not self:
            return channel.endpoint.take_actions(channel)
        actions, channel.actions = channel.actions, []
        return actions

    def take_runnable(self) -> list[Runnable]:
        """The busy sessions of all servers."""
        runnable: list[Runnable] = []
        for engine in self._engines:
            runnable += engine.take_runnable()
        return runnable

    def next_deadline(self) -> float | None:
        """The earliest of all servers."""
        earliest: float | None = None
        for engine in self._engines:
            when = engine.next_deadline()
            if when is not None and (earliest is None or when < earliest):
                earliest = when
        return earliest

    def advance(self, *, now: float) -> None:
        """The time is now `now`, for all servers."""
        for engine in self._engines:
            engine.advance(now=now)

    def install(self, runtime: Runtime | None) -> None:
        """Connect the driver with all servers, or with None take it away."""
        installed: list[Application] = []
        try:
            for engine in self._engines:
                engine.install(runtime)
                installed.append(engine)
        except LocalProtocolError:
            # One of them is served already: all or none.
            for engine in installed:
                engine.install(None)
            raise

    def close(self) -> None:
        """Close all servers; not only their engines, which know nothing of what is above them."""
        for mount in dict.fromkeys(self.mounts.values()):
            mount.close()

    def _find(self, path: str) -> Application | None:
        slashed = f"{path}/"
        for prefix, engine in self._routes:
            if path.startswith(prefix) or slashed == prefix:
                return engine
        return None

    def _fall_back(self, request: Request) -> Response:
        try:
            return self._fallback(request)
        except Exception:
            # Somebody else's function: its error must not stop the driver.
            _log.exception("the fallback failed for %s", request.path)
            return plain_response(500)

    def _answer(self, channel: Channel, response: Response) -> None:
        channel.endpoint = self
        channel.actions.append(Respond(channel, response))
        self._ready.append(channel)


def _not_found(_request: Request) -> Response:
    return plain_response(404)


def _check_prefix(prefix: str) -> None:
    if (
        not (prefix.startswith("/") and prefix.endswith("/"))
        or "//" in prefix
        or not prefix.isascii()
        or set("?# %") & set(prefix)
    ):
        raise LocalProtocolError(
            f"a prefix is a path with a slash at both ends, such as '/socket.io/', and not {prefix!r}"
        )
