"""The load generator, a process of its own: `load.py PORT PID`, for the server on that port; prints figures as JSON.

One thread, one epoll, ready-made frames: it must cost less than any server that it measures. `busy` tells
which part of the time it computed, so that a rate that is its own limit is seen for what it is.
"""

import json
import select
import socket
import sys
from collections.abc import Callable, Generator
from time import perf_counter_ns, process_time_ns, sleep
from typing import TypeAlias

from tests.benchmarks.figures import Broadcast, Connects, Echo, Figures
from tests.benchmarks.process import cpu_seconds, resident_bytes
from tests.benchmarks.wire import (
    client_frame,
    poll_request,
    post_request,
    server_frame,
    take_frame,
    take_response,
    websocket_request,
)

TEXT = "a line of text, as one types it"
ECHO = client_frame(f'420["echo","{TEXT}"]')
ANSWER = server_frame(f'430["{TEXT}"]')
BROADCAST = client_frame(f'42["broadcast","{TEXT}"]')
NEWS = server_frame(f'42["news","{TEXT}"]')
PING = server_frame("2")
PONG = client_frame("3")

#: Numbers of WebSockets that echo at the same time, one message of each on its way.
ECHOING = (1, 50, 200)
ECHO_SECONDS = 1.0
WARM_UP_SECONDS = 0.2
IDLE = 1000
BROADCAST_SECONDS = 0.8
CONNECT_SECONDS = 1.2
#: Clients that connect over WebSocket at the same time.
CONNECTING = 20
#: Clients that upgrade at the same time: many, since the reference looks for a poll to end only every 100 ms.
UPGRADING = 100
#: The longest that anything may take.
PATIENCE = 15.0

#: A client that yields the socket that it waits for, to be read from.
Client: TypeAlias = Generator[socket.socket, None, None]


class Stopped(Exception):  # noqa: N818 - not an error of anybody's
    """The server does not answer, or not as it should."""


class Poller:
    """Runs clients until they wait, and again when they can read."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._waiting: dict[int, Client] = {}

    def start(self, client: Client) -> None:
        """Run a client up to where it has to wait."""
        try:
            waits_for = next(client)
        except StopIteration:
            return
        # A level-triggered registration for each wait: connecting is not what this program has to be fastest at.
        self._epoll.register(waits_for, select.EPOLLIN)
        self._waiting[waits_for.fileno()] = client

    def run(self) -> None:
        """Run all clients until none is left."""
        while self._waiting:
            ready = self._epoll.poll(PATIENCE)
            if not ready:
                raise Stopped("the server does not answer")
            for number, _ in ready:
                client = self._waiting.pop(number)
                self._epoll.unregister(number)
                self.start(client)
        self._epoll.close()


class Reader:
    """The bytes of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def _take(self, take: Callable[[bytes], tuple[bytes, bytes] | None]) -> Generator[socket.socket, None, bytes]:
        while (taken := take(self._buffer)) is None:
            yield self._connection
            data = self._connection.recv(65536)
            if not data:
                raise Stopped(f"the server has closed a connection: {self._buffer!r}")
            self._buffer += data
        body, self._buffer = taken
        return body

    def response(self) -> Generator[socket.socket, None, bytes]:
        """The body of the next response."""
        return self._take(take_response)

    def switched(self) -> Generator[socket.socket, None, None]:
        """The answer to a WebSocket handshake."""
        head = yield from self._take(_take_head)
        if not head.startswith(b"HTTP/1.1 101"):
            raise Stopped(f"not a 101: {head!r}")

    def frame(self) -> Generator[socket.socket, None, bytes]:
        """The payload of the next frame."""
        return self._take(take_frame)


def _take_head(buffer: bytes) -> tuple[bytes, bytes] | None:
    head, separator, rest = buffer.partition(b"\r\n\r\n")
    return (head, rest) if separator else None


def _dial(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _expect(payload: bytes, start: bytes) -> None:
    if not payload.startswith(start):
        raise Stopped(f"{start!r} was expected, not {payload!r}")


def _connect(port: int, connections: list[socket.socket]) -> Client:
    """A client over WebSocket, in the main namespace."""
    connection = _dial(port)
    reader = Reader(connection)
    connection.sendall(websocket_request())
    yield from reader.switched()
    _expect((yield from reader.frame()), b"0{")
    connection.sendall(client_frame("40"))
    _expect((yield from reader.frame()), b"40{")
    connections.append(connection)


def _connect_and_upgrade(port: int, done: list[int], more: Callable[[], bool]) -> Client:
    """Again and again: long-polling, the upgrade to a WebSocket, as clients do by default; an event, and goodbye."""
    while more():
        start = perf_counter_ns()
        with _dial(port) as polling, _dial(port) as websocket:
            polls, frames = Reader(polling), Reader(websocket)
            polling.sendall(poll_request())
            opened = yield from polls.response()
            _expect(opened, b"0{")
            sid = json.loads(opened[1:])["sid"]
            polling.sendall(post_request(sid, "40"))
            yield from polls.response()
            polling.sendall(poll_request(sid))
            _expect((yield from polls.response()), b"40{")
            polling.sendall(poll_request(sid))
            websocket.sendall(websocket_request(sid))
            yield from frames.switched()
            websocket.sendall(client_frame("2probe"))
            _expect((yield from frames.frame()), b"3probe")
            _expect((yield from polls.response()), b"6")
            websocket.sendall(client_frame("5") + ECHO)
            answer = yield from frames.frame()
            if answer == b"6":
                # The noop for a poll that another one has ended: python-engineio sends it here.
                answer = yield from frames.frame()
            _expect(answer, b"430[")
        done.append(perf_counter_ns() - start)


def connect(port: int, count: int) -> list[socket.socket]:
    """Clients over WebSocket."""
    connections: list[socket.socket] = []
    left = [count]

    def next_client() -> Client:
        while left[0] > 0:
            left[0] -= 1
            yield from _connect(port, connections)

    poller = Poller()
    for _ in range(CONNECTING):
        poller.start(next_client())
    poller.run()
    return connections


def echo(port: int, pid: int, count: int) -> Echo:
    """Each of `count` WebSockets sends a message when it has the answer to the one before."""
    connections = connect(port, count)
    _echo(connections, WARM_UP_SECONDS)
    busy, cpu, start = process_time_ns(), cpu_seconds(pid), perf_counter_ns()
    latencies = _echo(connections, ECHO_SECONDS)
    elapsed = perf_counter_ns() - start
    busy, cpu = process_time_ns() - busy, cpu_seconds(pid) - cpu
    close(connections)
    latencies.sort()
    return Echo(
        per_second=len(latencies) / elapsed * 1e9,
        median_us=latencies[len(latencies) // 2] / 1000,
        p99_us=latencies[len(latencies) * 99 // 100] / 1000,
        cpu_us=cpu / len(latencies) * 1e6,
        generator_busy=busy / elapsed,
    )


def _echo(connections: list[socket.socket], seconds: float) -> list[int]:
    """The round trip times in nanoseconds. This loop bounds what can be measured: it holds only what is needed."""
    latencies: list[int] = []
    epoll = select.epoll()
    by_number: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], int]]] = {}
    sent: dict[int, int] = {}
    for connection in connections:
        number = connection.fileno()
        epoll.register(number, select.EPOLLIN)
        by_number[number] = connection.recv, connection.send
        sent[number] = perf_counter_ns()
        connection.send(ECHO)
    now, end = perf_counter_ns(), perf_counter_ns() + round(seconds * 1e9)
    left = len(connections)
    while left:
        ready = epoll.poll(PATIENCE)
        if not ready:
            raise Stopped("the server does not answer")
        for number, _ in ready:
            receive, send = by_number[number]
            data = receive(4096)
            now = perf_counter_ns()
            if data != ANSWER:
                raise Stopped(f"{ANSWER!r} was expected, not {data!r}")
            latencies.append(now - sent[number])
            if now < end:
                sent[number] = perf_counter_ns()
                send(ECHO)
            else:
                left -= 1
    epoll.close()
    return latencies


def broadcast(connections: list[socket.socket], pid: int) -> Broadcast:
    """One client asks for a broadcast to all, and when all have it for the next one."""
    epoll = select.epoll()
    receivers: dict[int, Callable[[int], bytes]] = {}
    for connection in connections:
        epoll.register(connection, select.EPOLLIN)
        receivers[connection.fileno()] = connection.recv
    first = connections[0]
    _broadcast(first, epoll, receivers)
    times: list[int] = []
    cpu, end = cpu_seconds(pid), perf_counter_ns() + round(BROADCAST_SECONDS * 1e9)
    while perf_counter_ns() < end:
        times.append(_broadcast(first, epoll, receivers))
    cpu = cpu_seconds(pid) - cpu
    epoll.close()
    times.sort()
    return Broadcast(last_ms=times[len(times) // 2] / 1e6, cpu_ms=cpu / len(times) * 1000)


def _broadcast(first: socket.socket, epoll: select.epoll, receivers: dict[int, Callable[[int], bytes]]) -> int:
    """Nanoseconds from the request to the last client."""
    left = len(receivers)
    start = perf_counter_ns()
    first.send(BROADCAST)
    while left:
        ready = epoll.poll(PATIENCE)
        if not ready:
            raise Stopped("the server does not answer")
        for number, _ in ready:
            data = receivers[number](4096)
            if data != NEWS:
                raise Stopped(f"{NEWS!r} was expected, not {data!r}")
            left -= 1
    return perf_counter_ns() - start


def connects(port: int, pid: int) -> Connects:
    """Clients that begin with long-polling and upgrade, one after another, on several connections at the same time."""
    times: list[int] = []
    busy, cpu, start = process_time_ns(), cpu_seconds(pid), perf_counter_ns()
    end = start + round(CONNECT_SECONDS * 1e9)
    poller = Poller()
    for _ in range(UPGRADING):
        poller.start(_connect_and_upgrade(port, times, lambda: perf_counter_ns() < end))
    poller.run()
    elapsed = perf_counter_ns() - start
    busy, cpu = process_time_ns() - busy, cpu_seconds(pid) - cpu
    return Connects(
        per_second=len(times) / elapsed * 1e9, cpu_ms=cpu / len(times) * 1000, generator_busy=busy / elapsed
    )


def close(connections: list[socket.socket]) -> None:
    """Goodbye to all, and a moment for the server to take note."""
    for connection in connections:
        connection.close()
    sleep(0.1)


def run(port: int, pid: int) -> Figures:
    """Everything, once."""
    # So that what is made once, at the first connections, is not taken for the cost of a connection.
    close(connect(port, 100))
    before = resident_bytes(pid)
    idle = connect(port, IDLE)
    sleep(0.3)
    memory = (resident_bytes(pid) - before) / IDLE
    broadcasting = broadcast(idle, pid)
    close(idle)
    echoes = {count: echo(port, pid, count) for count in ECHOING}
    return Figures(memory_kb=memory / 1024, broadcast=broadcasting, echoes=echoes, connects=connects(port, pid))


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2])).to_json())
