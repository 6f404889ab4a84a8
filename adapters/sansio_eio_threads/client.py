"""Connecting, and leaving in good order."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from ssl import SSLContext, create_default_context
from typing import TypeVar, Unpack, overload

from sansio_eio import Client, ClientSocket, EngineClient, LocalProtocolError
from sansio_eio.engineio import Connectable
from sansio_eio.http import ClientConnection, ClientEndpoint, ClientHttpOptions, ConnectOptions
from sansio_eio.socketio import ClientOptions, Target, as_client
from sansio_eio_threads.dialling import Dial, DialFunction, Route
from sansio_eio_threads.driver import Driver
from sansio_eio_threads.lock import is_held

T = TypeVar("T", ClientSocket, EngineClient)


class Options(ConnectOptions, total=False):
    """The options of `connect`, whatever it connects."""

    ssl_context: SSLContext | None
    """For "https" and "wss"; by default, that of `ssl.create_default_context`."""
    dial: DialFunction | None
    """`dial(host, port)` gives a socket that is connected, through a proxy for example. It may block."""
    max_workers: int
    """The threads for handlers (4)."""


class UrlOptions(Options, ClientOptions, total=False):
    """The options of `connect` for a URL: those of the `Client` that it makes, too."""


@overload
def connect(target: EngineClient, **options: Unpack[Options]) -> AbstractContextManager[EngineClient]: ...


@overload
def connect(target: Client, **options: Unpack[Options]) -> AbstractContextManager[ClientSocket]: ...


@overload
def connect(target: str, **options: Unpack[UrlOptions]) -> AbstractContextManager[ClientSocket]: ...


def connect(
    target: Target,
    *,
    wait: bool = True,
    ssl_context: SSLContext | None = None,
    unix_path: str | None = None,
    dial: DialFunction | None = None,
    max_workers: int = 4,
    shutdown_timeout: float = 5.0,
    http: ClientHttpOptions | None = None,
    **options: Unpack[ClientOptions],
) -> AbstractContextManager[ClientSocket] | AbstractContextManager[EngineClient]:
    """Be connected while the body of `with` runs: to a URL, or with a `Client` or an `EngineClient` of your own.

    It gives the socket of the URL's namespace, or the EngineClient::

        with connect("http://127.0.0.1:3000/chat", auth={"token": "secret"}) as socket:
            socket.emit("hello", "world")
            answer = socket.call("question", 42, timeout=5.0).wait()
            for event in socket:
                print(event.event, event.args)

    The body begins when it is connected, and the first failure is raised, a `ConnectError`. With `wait=False` it begins
    at once, and trying goes on as after a lost connection. Any thread may use the socket; handlers run in `max_workers`
    threads. Names are looked up, and `dial` is called, in threads of their own.

    At the end the server is told, and gets what was sent before, if that takes no longer than `shutdown_timeout`
    seconds. Then connections are cut, and handlers that run are waited for: a thread cannot be cancelled.
    Nothing is left, but for a thread that is still in `dial`, or in the system's search for a name, with nobody waiting
    for it any more; the socket that comes of it is closed.

    When an `on_error` hook says `OnError.STOP`, the client ends at once, and with it whatever the body waits for; the
    exception is raised at the end of the body.

    `options` are those of `Client`. Raises LocalProtocolError for options that make no sense, and for those of a client
    together with one; and at the start of the body in a callback, and when something connects the client already.
    """
    if max_workers < 1:
        raise LocalProtocolError("handlers need at least one thread")
    if unix_path is not None and dial is not None:
        raise LocalProtocolError("a Unix socket is not dialled: give unix_path or dial")
    client = as_client(target, options)
    if not client.engine.address.secure:
        ssl_context = None
    elif ssl_context is None:
        ssl_context = create_default_context()
    connected = partial(
        _connected, client, Route(ssl_context, unix_path, dial), wait, max_workers, shutdown_timeout, http or {}
    )
    return connected(client) if isinstance(client, EngineClient) else connected(client.socket)


@contextmanager
def _connected(
    client: Connectable, route: Route, wait: bool, max_workers: int, grace: float, http: ClientHttpOptions, face: T
) -> Generator[T]:
    if is_held():
        raise LocalProtocolError("nothing can be connected here, in the middle of something else")

    def dial(connection: ClientConnection) -> Dial:
        return Dial(driver, route, connection)

    endpoint = ClientEndpoint(client, owner=dial, **http)
    driver: Driver = Driver(endpoint, max_workers=max_workers, grace=grace)
    try:
        driver.run()
        pending = client.open()
        if wait:
            pending.wait()
        yield face
    finally:
        error = driver.abandon()
        if error is not None:
            raise error
