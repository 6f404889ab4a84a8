"""Happy eyeballs, on a loop with a virtual clock that plays the network."""

import asyncio
import errno
import gc
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sansio_eio_asyncio.dialling import open_socket, open_tcp_socket
from sansio_eio_asyncio.testing import VirtualClockLoop

#: The addresses of a host, as `getaddrinfo` sorts them.
HOST = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"]


class NetworkLoop(VirtualClockLoop):
    """Says what addresses there are, and after how many seconds they answer."""

    def __init__(self, answers: dict[str, float | OSError]) -> None:
        super().__init__()
        self.answers = answers
        #: When each address was tried.
        self.tried: list[tuple[str, float]] = []
        self.sockets: list[socket.socket] = []

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> list[Any]:
        assert (host, options) == ("host.example", {"type": socket.SOCK_STREAM})
        await asyncio.sleep(0)
        return [(family_of(each), socket.SOCK_STREAM, 6, "", (each, port)) for each in HOST if each in self.answers]

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        assert not sock.getblocking()
        assert sock.family == family_of(address[0])
        self.sockets.append(sock)
        self.tried.append((address[0], self.time()))
        answer = self.answers[address[0]]
        if isinstance(answer, OSError):
            raise answer
        await asyncio.sleep(answer)


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def dial(answers: dict[str, float | OSError]) -> tuple[list[tuple[str, float]], list[bool]]:
    """Connect: which addresses were tried when, and which of the sockets are open afterwards."""
    loop = NetworkLoop(answers)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            sock = runner.run(checked(open_tcp_socket("host.example", 80)))
            open_ones = [each.fileno() >= 0 for each in loop.sockets]
            sock.close()
        finally:
            assert all(each.fileno() < 0 for each in loop.sockets)
    return loop.tried, open_ones


async def checked(work: Awaitable[socket.socket]) -> socket.socket:
    """No task may be left, when those that have been cancelled have had their turn."""
    sock = await work
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    return sock


def test_the_first_address_answers() -> None:
    assert dial(dict.fromkeys(HOST, 0.1)) == ([("2001:db8::1", 0.0)], [True])


def test_families_take_turns_and_each_address_has_a_head_start() -> None:
    tried, are_open = dial({HOST[0]: 9.0, HOST[1]: 9.0, HOST[2]: 9.0, HOST[3]: 0.1})
    assert tried == [(HOST[0], 0.0), (HOST[2], 0.25), (HOST[1], 0.5), (HOST[3], 0.75)]
    assert are_open == [False, False, False, True]


def test_the_one_that_began_first_may_still_win() -> None:
    tried, are_open = dial({HOST[0]: 0.3, HOST[2]: 9.0})
    assert tried == [(HOST[0], 0.0), (HOST[2], 0.25)]
    assert are_open == [True, False]


def test_a_refusal_is_not_waited_for() -> None:
    tried, are_open = dial({HOST[0]: OSError(errno.ENETUNREACH, "no route"), HOST[2]: 0.1})
    assert tried == [(HOST[0], 0.0), (HOST[2], 0.0)]
    assert are_open == [False, True]


def test_two_that_answer_at_the_same_time() -> None:
    _, are_open = dial({HOST[0]: 0.35, HOST[2]: 0.1})
    assert are_open.count(True) == 1


def test_nobody_answers() -> None:
    with pytest.raises(OSError, match="the last one"):
        dial({HOST[0]: OSError(errno.ENETUNREACH, "no route"), HOST[2]: OSError(errno.ECONNREFUSED, "the last one")})


def descriptors() -> int:
    """How many files and sockets are open."""
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


def test_an_address_needs_no_resolver() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sock = await open_tcp_socket("127.0.0.1", listener.getsockname()[1])
            assert sock.getpeername() == listener.getsockname()
            sock.close()

    for factory in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_a_cancellation_at_any_moment_leaves_nothing(
    factory: Callable[[], asyncio.AbstractEventLoop], family: int, tmp_path: Path
) -> None:
    async def main() -> None:
        listener = socket.socket(family)
        listener.bind(("127.0.0.1", 0) if family == socket.AF_INET else str(tmp_path / "socket"))
        listener.listen(100)
        before = descriptors()
        connected = 0
        turns = 0
        while not connected:
            if family == socket.AF_INET:
                task = asyncio.create_task(open_tcp_socket(*listener.getsockname()))
            else:
                task = asyncio.create_task(open_socket(family, listener.getsockname()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result().close()
                connected += 1
            del task
            for _ in range(3):
                await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1
            turns += 1
        assert turns > 1
        assert descriptors() == before
        listener.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())
