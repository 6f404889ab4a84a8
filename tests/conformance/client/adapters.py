"""One way to run a scenario on each adapter: it is an `async def`, which blocks where the adapter is that of threads.

Acknowledgements and drains are awaited by scenarios as they are. What differs is behind `Adapter`.
"""

import asyncio
import faulthandler
import socket
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

import python_socks.async_.asyncio
import python_socks.async_.trio
import python_socks.sync
import trio
import uvloop

import sansio_eio_asyncio
import sansio_eio_threads
import sansio_eio_trio
from sansio_eio import Client, ClientSocket, EngineClient
from sansio_eio.socketio import EventReceived

T = TypeVar("T")

#: What a whole scenario may take, in seconds: a bit more than each single wait of it.
LIMIT = 20.0
#: When it has not even ended then, it hangs, and is left behind.
PATIENCE = 30.0

Scenario: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

#: What may be connected; the adapters give the socket for the first two, and the last one itself.
Target: TypeAlias = str | Client | EngineClient


class Adapter(Protocol):
    """What scenarios need of an adapter."""

    name: str

    def run(self, scenario: Scenario) -> None:
        """Run it to its end, in this thread."""

    def connect(self, target: Target, **options: Any) -> AbstractAsyncContextManager[Any]:
        """The adapter's own `connect`."""
        ...

    async def blocking(self, function: Callable[..., T], *args: object) -> T:
        """Call something that blocks, without blocking the client."""
        ...

    async def next_event(self, socket: ClientSocket) -> EventReceived | None:
        """The next event by iteration; None at its end."""
        ...

    def http_proxy(self, port: int) -> Any:
        """What to give for `dial`, to go through an HTTP proxy at this port."""

    def socks_proxy(self, port: int) -> Any:
        """What to give for `dial`, to go through a SOCKS proxy at this port."""


class Asyncio:
    """asyncio, with its own loop or another one."""

    def __init__(self, name: str, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self.name = name
        self._loop_factory = loop_factory

    def run(self, scenario: Scenario) -> None:
        async def main() -> None:
            async with asyncio.timeout(LIMIT):
                await scenario()
            assert asyncio.all_tasks() == {asyncio.current_task()}, "tasks are left"

        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(main())

    def connect(self, target: Target, **options: Any) -> AbstractAsyncContextManager[Any]:
        connect: Any = sansio_eio_asyncio.connect
        context: AbstractAsyncContextManager[Any] = connect(target, **options)
        return context

    async def blocking(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.to_thread(function, *args)

    async def next_event(self, socket: ClientSocket) -> EventReceived | None:
        return await anext(aiter(socket), None)

    async def cancel(self, function: Scenario, signal: Callable[[], object]) -> None:
        """Cancel the function when `signal`, which blocks, has returned."""
        task = asyncio.create_task(function())
        await asyncio.to_thread(signal)
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()

    def http_proxy(self, port: int) -> Any:
        async def dial(host: str, destination: int) -> socket.socket:
            return await asyncio.to_thread(http_tunnel, port, host, destination)

        return dial

    def socks_proxy(self, port: int) -> Any:
        async def dial(host: str, destination: int) -> socket.socket:
            proxy = python_socks.async_.asyncio.Proxy.from_url(f"socks5://127.0.0.1:{port}")
            return await proxy.connect(host, destination)

        return dial


class Trio:
    """trio."""

    name = "trio"

    def run(self, scenario: Scenario) -> None:
        async def main() -> None:
            with trio.fail_after(LIMIT):
                await scenario()

        trio.run(main)

    def connect(self, target: Target, **options: Any) -> AbstractAsyncContextManager[Any]:
        connect: Any = sansio_eio_trio.connect
        context: AbstractAsyncContextManager[Any] = connect(target, **options)
        return context

    async def blocking(self, function: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(partial(function, *args))

    async def next_event(self, socket: ClientSocket) -> EventReceived | None:
        return await anext(aiter(socket), None)

    async def cancel(self, function: Scenario, signal: Callable[[], object]) -> None:
        """Cancel the function when `signal`, which blocks, has returned."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(function)
            await trio.to_thread.run_sync(signal)
            nursery.cancel_scope.cancel()
        assert nursery.cancel_scope.cancelled_caught

    def http_proxy(self, port: int) -> Any:
        async def dial(host: str, destination: int) -> trio.SocketStream:
            tunnel = await trio.to_thread.run_sync(http_tunnel, port, host, destination)
            return trio.SocketStream(trio.socket.from_stdlib_socket(tunnel))

        return dial

    def socks_proxy(self, port: int) -> Any:
        async def dial(host: str, destination: int) -> trio.SocketStream:
            proxy = python_socks.async_.trio.Proxy.from_url(f"socks5://127.0.0.1:{port}")
            return trio.SocketStream(await proxy.connect(host, destination))

        return dial


class Threads:
    """Threads: whatever is awaited blocks, and nothing is ever yielded to a loop, since there is none."""

    name = "threads"

    def run(self, scenario: Scenario) -> None:
        before = set(threading.enumerate())
        coroutine = scenario()
        try:
            coroutine.send(None)
        except StopIteration:
            pass
        else:
            coroutine.close()
            raise AssertionError("it has waited for an event loop")
        left = set(threading.enumerate()) - before
        assert not left, f"threads are left: {left}"

    def connect(self, target: Target, **options: Any) -> AbstractAsyncContextManager[Any]:
        connect: Any = sansio_eio_threads.connect

        @asynccontextmanager
        async def connected() -> AsyncGenerator[Any]:
            with connect(target, **options) as socket:
                yield socket

        return connected()

    async def blocking(self, function: Callable[..., T], *args: object) -> T:
        return function(*args)

    async def next_event(self, socket: ClientSocket) -> EventReceived | None:
        return next(iter(socket), None)

    def http_proxy(self, port: int) -> Any:
        return partial(http_tunnel, port)

    def socks_proxy(self, port: int) -> Any:
        def dial(host: str, destination: int) -> socket.socket:
            return python_socks.sync.Proxy.from_url(f"socks5://127.0.0.1:{port}").connect(host, destination)

        return dial


def run(adapter: Adapter, scenario: Scenario) -> None:
    """Run it on the adapter; a scenario that hangs fails, whatever it hangs in."""
    errors: list[BaseException] = []

    def target() -> None:
        try:
            adapter.run(scenario)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, name=f"scenario on {adapter.name}", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        with tempfile.TemporaryFile("w+") as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            raise AssertionError(f"it hangs:\n{file.read()}")
    if errors:
        raise errors[0]


def http_tunnel(port: int, host: str, destination: int) -> socket.socket:
    """A connection to this place through the HTTP proxy at `port`."""
    tunnel = socket.create_connection(("127.0.0.1", port))
    tunnel.sendall(f"CONNECT {host}:{destination} HTTP/1.1\r\nHost: {host}:{destination}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += tunnel.recv(1)
    assert answer.startswith(b"HTTP/1.1 200 ")
    return tunnel


ADAPTERS: dict[str, Adapter] = {
    "asyncio": Asyncio("asyncio"),
    "uvloop": Asyncio("uvloop", uvloop.new_event_loop),
    "trio": Trio(),
    "threads": Threads(),
}
