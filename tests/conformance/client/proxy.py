"""A network with faults: TCP proxies on loopback that cut, delay, split, swallow and hold what they forward."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from tests.conformance.processes import PATIENCE

T = TypeVar("T")

#: Discards what is not sent yet, and sends a reset.
RESET = struct.pack("ii", 1, 0)


class Network:
    """The thread of all the proxies, and what is left of them at the end of a scenario."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._proxies: list[Proxy] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in the thread of the proxies, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def proxy(self, port: int) -> "Proxy":
        """A proxy in front of what listens at this port."""

        async def target(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> tuple[str, int]:
            return "127.0.0.1", port

        return self._add(Proxy(self, target))

    def http_proxy(self) -> "Proxy":
        """A proxy to any place, which the client names with HTTP CONNECT."""
        return self._add(Proxy(self, http_connect))

    def socks_proxy(self) -> "Proxy":
        """The same with SOCKS 5, without authentication."""
        return self._add(Proxy(self, socks_connect))

    def answering(self, answer: bytes) -> "Proxy":
        """No server at all: answers the first bytes of every connection with `answer`, and closes it."""

        async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
            await reader.read(65536)
            writer.write(answer)
            await writer.drain()
            raise EOFError

        return self._add(Proxy(self, target))

    def _add(self, proxy: "Proxy") -> "Proxy":
        self._proxies.append(proxy)
        return proxy

    def reset(self) -> None:
        """Close the proxies that a scenario has made."""
        for proxy in self._proxies:
            proxy.close()
        self._proxies.clear()

    def stop(self) -> None:
        """End the thread."""
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


class Gate:
    """Holds what follows from a pattern on, until it is released or the connection is cut."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pattern: bytes) -> None:
        self.pattern = pattern
        self._loop = loop
        self._reached = threading.Event()
        self._released = asyncio.Event()
        self._gone = threading.Event()
        self._answer: bytes | None = None

    def wait(self) -> None:
        """Block until the pattern has come. (It has not been forwarded yet.)"""
        assert self._reached.wait(PATIENCE), f"{self.pattern!r} never came"

    def release(self) -> None:
        """Forward it, and what follows."""
        self._loop.call_soon_threadsafe(self._released.set)

    def cut(self) -> None:
        """End this one connection with a reset; the pattern is lost."""
        self.answer(b"")

    def answer(self, data: bytes) -> None:
        """Say this to the client instead of the server, and end this one connection."""
        self._answer = data
        self.release()

    def wait_until_gone(self) -> None:
        """Block until the client has ended the connection that is held."""
        assert self._gone.wait(PATIENCE), "it has never ended"

    async def hold(self, link: "Link") -> None:
        """The pattern is here."""
        self._reached.set()
        released = asyncio.ensure_future(self._released.wait())
        left = asyncio.ensure_future(link.left.wait())
        await asyncio.wait((released, left), return_when=asyncio.FIRST_COMPLETED)
        if not released.done():
            released.cancel()
            self._gone.set()
            raise EOFError
        left.cancel()
        if self._answer is not None:
            link.writers[0].write(self._answer)
            await link.writers[0].drain()
            link.cut(reset=not self._answer)
            raise EOFError


class Link:
    """One connection through a proxy."""

    def __init__(self) -> None:
        #: To the client, and to the server as soon as there is a connection.
        self.writers: list[asyncio.StreamWriter] = []
        #: The client has ended it.
        self.left = asyncio.Event()
        #: It was cut, maybe before there was anything to cut.
        self.cut_by: bool | None = None

    def cut(self, *, reset: bool) -> None:
        """End it, on both sides."""
        self.cut_by = reset
        for writer in self.writers:
            if reset:
                sock: socket.socket = writer.get_extra_info("socket")
                if sock.fileno() != -1:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    def add(self, writer: asyncio.StreamWriter) -> None:
        """One more side of it is there."""
        self.writers.append(writer)
        if self.cut_by is not None:
            self.cut(reset=self.cut_by)
            raise EOFError


class Proxy:
    """Forwards connections of `port` to where `target` says, with the faults that are switched on."""

    def __init__(
        self,
        network: Network,
        target: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[tuple[str, int]]],
    ) -> None:
        self._network = network
        self._target = target
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._gates: dict[str, Gate] = {}
        self.port = 0
        #: How many connections there have been.
        self.accepted = 0
        #: Where they wanted to go.
        self.targets: list[tuple[str, int]] = []
        #: Everything that comes is dropped, and the connections stay.
        self.swallow = False
        #: Byte by byte.
        self.split = False
        #: Seconds that whatever comes is late.
        self.delay = 0.0
        self.listen()

    @property
    def url(self) -> str:
        """Its address, for clients of what is behind it."""
        return f"http://127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Accept connections (again)."""

        async def listen() -> None:
            # Not `asyncio.start_server`, which loses a connection that it is about to accept when it is closed.
            listener = self._listener = socket.create_server(("127.0.0.1", self.port))
            listener.setblocking(False)
            self.port = listener.getsockname()[1]
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

        self._network.run(listen())

    def refuse(self) -> None:
        """New connections are refused; those that there are stay."""

        async def refuse() -> None:
            if self._listener is not None:
                asyncio.get_running_loop().remove_reader(self._listener)
                self._listener.close()
                self._listener = None

        self._network.run(refuse())

    def cut(self, *, reset: bool = True) -> int:
        """End all connections, with a reset or in good order (a FIN); how many there were."""

        async def cut() -> int:
            number = len(self._links)
            for link in list(self._links):
                link.cut(reset=reset)
            return number

        return self._network.run(cut())

    def hold(self, way: str, pattern: bytes) -> Gate:
        """Hold the chunk with the end of `pattern`, and what follows in this direction on the same connection.

        `way` is "up" (to the server) or "down". It happens once.
        """

        async def make() -> Gate:
            return Gate(asyncio.get_running_loop(), pattern)

        gate = self._gates[way] = self._network.run(make())
        return gate

    def wait_until_idle(self) -> None:
        """Block until no connection is open."""

        async def wait() -> None:
            while self._tasks:
                await asyncio.wait(self._tasks)

        self._network.run(wait())

    def close(self) -> None:
        """Nothing of it is left."""

        async def close() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self.refuse()
        self.cut()
        self._network.run(close())

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        self.accepted += 1
        link = Link()
        self._links.add(link)
        task = asyncio.get_running_loop().create_task(self._serve(link, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: Link, client: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=client)
            link.add(writer)
            host, port = await self._target(reader, writer)
            self.targets.append((host, port))
            # Without a resolver, whose thread would stay.
            numeric = "127.0.0.1" if host == "localhost" else host
            up_reader, up_writer = await asyncio.open_connection(numeric, port)
            link.add(up_writer)
            ways = (self._forward(link, "up", reader, up_writer), self._forward(link, "down", up_reader, writer))
            await asyncio.gather(*ways)
        except (OSError, EOFError, asyncio.CancelledError):
            # Cut from one of the three sides: there is nobody to tell.
            pass
        finally:
            self._links.discard(link)
            for one in link.writers:
                one.close()

    async def _forward(self, link: Link, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tail = b""
        while data := await self._read(link, way, reader):
            gate = self._gates.get(way)
            if gate is not None:
                if gate.pattern in tail + data:
                    del self._gates[way]
                    await gate.hold(link)
                tail = (tail + data)[-len(gate.pattern) :]
            if self.swallow:
                continue
            if self.delay:
                await asyncio.sleep(self.delay)
            for piece in [bytes([byte]) for byte in data] if self.split else [data]:
                writer.write(piece)
                await writer.drain()
                # Everybody else has a turn, and the byte is on its way.
                await asyncio.sleep(0)
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    async def _read(self, link: Link, way: str, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        if not data and way == "up":
            link.left.set()
        return data


async def http_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """RFC 9110, 9.3.6: the request names the place, any 2xx answer opens the tunnel."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b" ", 2)
    assert method == b"CONNECT"
    host, _, port = target.decode().rpartition(":")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    return host, int(port)


async def socks_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """RFC 1928: the methods (answer: none is needed), then CONNECT with an IPv4 address or a name."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    _, command, _, kind = await reader.readexactly(4)
    assert command == 1
    length = 4 if kind == 1 else (await reader.readexactly(1))[0]
    address = await reader.readexactly(length)
    host = socket.inet_ntoa(address) if kind == 1 else address.decode()
    port = int.from_bytes(await reader.readexactly(2), "big")
    writer.write(b"\x05\x00\x00\x01" + bytes(6))
    return host, port
