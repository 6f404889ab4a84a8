"""A complete driver, on nothing but `select`: the canonical loop, for whoever wants to write another one."""

import contextlib
import selectors
import socket
import time
from collections.abc import Awaitable, Coroutine
from typing import Any

from sansio_eio import EngineServer, Pending, Server
from sansio_eio.http import Router, ServerConnection, ServerEndpoint


class SelectDriver:
    """Serves an application in one thread, until `stop` is called from a handler. It runs `def` handlers only."""

    def __init__(self, app: Server | EngineServer | Router, host: str, port: int) -> None:
        self.endpoint = ServerEndpoint(app)
        self.endpoint.install(self)
        self.listener = socket.create_server((host, port))
        self.listener.setblocking(False)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.running = True
        self.error: Exception | None = None

    # -- Runtime: what the core needs of a driver ------------------------------------------------------------------

    #: Everything happens in one thread.
    lock = None

    def wake(self) -> None:
        """Nothing to do: in one thread, whoever calls this is called by `serve`, which pumps afterwards."""

    def wait(self, pending: Pending[Any]) -> Awaitable[None]:
        raise NotImplementedError("this driver has no event loop to wait in")

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        raise NotImplementedError("this driver has no event loop to run coroutines in")

    def wall_time(self) -> float:
        return time.time()

    def stop(self, error: Exception | None = None) -> None:
        self.running = False
        self.error = self.error or error

    # -- the loop: wait, feed, pump --------------------------------------------------------------------------------

    def serve(self) -> None:
        while self.running:
            self._turn()
        self.selector.unregister(self.listener)
        self.listener.close()
        # Every client is told, and given a second to take it; then the core aborts what is left.
        self.endpoint.close(now=time.monotonic(), grace=1.0)
        self._pump()
        while self.endpoint.connections:
            self._turn()
        self.endpoint.install(None)
        if self.error is not None:
            raise self.error

    def _turn(self) -> None:
        deadline = self.endpoint.next_deadline()
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        for key, events in self.selector.select(timeout):
            if key.data is None:
                self._accept()
            elif events & selectors.EVENT_WRITE:
                key.data.resume_writing(now=time.monotonic())
            else:
                self._read(key.data)
        self._pump()

    def _pump(self) -> None:
        """Mutate, then pump: time, handlers, output, until nothing is left to do."""
        while True:
            now = time.monotonic()
            deadline = self.endpoint.next_deadline()
            if deadline is not None and deadline <= now:
                self.endpoint.advance(now=now)
            runnable = self.endpoint.take_runnable()
            for session in runnable:
                rest = session.step()
                if rest is not None:
                    rest.close()
                    raise NotImplementedError("this driver runs plain functions only")
            ready = self.endpoint.take_ready()
            for connection in ready:
                self._write(connection)
            if not runnable and not ready:
                return

    def _accept(self) -> None:
        sock, address = self.listener.accept()
        sock.setblocking(False)
        connection = self.endpoint.connect(remote=address[0], owner=sock, now=time.monotonic())
        self.selector.register(sock, selectors.EVENT_READ, connection)

    def _read(self, connection: ServerConnection) -> None:
        try:
            data = connection.owner.recv(65536)
        except OSError:
            self._close(connection)
            return
        if data:
            connection.receive_data(data, now=time.monotonic())
            self._choose_events(connection)
        else:
            connection.receive_eof(now=time.monotonic())

    def _write(self, connection: ServerConnection) -> None:
        now = time.monotonic()
        if not (connection.paused or connection.aborted):
            data = connection.data_to_send(now=now)
            try:
                sent = connection.owner.send(data) if data else 0
            except BlockingIOError:
                sent = 0
            except OSError:
                self._close(connection)
                return
            if sent < len(data):
                # The peer is slow: until it takes the rest, the core is not asked for more.
                connection.hold_back(data[sent:], now=now)
        if connection.aborted or connection.closing:
            self._close(connection)
            return
        if connection.write_eof:
            # A peer that is gone is found out by reading.
            with contextlib.suppress(OSError):
                connection.owner.shutdown(socket.SHUT_WR)
        self._choose_events(connection)

    def _choose_events(self, connection: ServerConnection) -> None:
        events = selectors.EVENT_READ if connection.reading else 0
        if connection.paused:
            events |= selectors.EVENT_WRITE
        known = connection.owner in self.selector.get_map()
        if events and known:
            self.selector.modify(connection.owner, events, connection)
        elif events:
            self.selector.register(connection.owner, events, connection)
        elif known:
            self.selector.unregister(connection.owner)

    def _close(self, connection: ServerConnection) -> None:
        if connection.owner in self.selector.get_map():
            self.selector.unregister(connection.owner)
        connection.owner.close()
        connection.connection_lost(now=time.monotonic())
