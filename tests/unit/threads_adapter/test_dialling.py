"""How a client finds its server and connects to it, and what becomes of that when nobody wants it any more."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sansio_eio import Client, ConnectError
from sansio_eio_threads import Server as Threads
from sansio_eio_threads import connect
from tests.unit.threads_adapter.client import PATIENCE, finish, wait_for, wait_until
from tests.unit.threads_adapter.servers import (
    black_hole,
    listening,
    make_echo,
    make_url,
    on_unix_socket,
    refused_port,
    silent_server,
)

#: A name of which no system knows an address.
NOWHERE = "http://server.invalid:3000"


def dial_threads() -> list[threading.Thread]:
    """Those that the dials of clients have left to themselves."""
    return [thread for thread in threading.enumerate() if thread.name == "sansio_eio dial"]


def cause(url: str, **options: Any) -> BaseException | None:
    """Why a client did not get in."""
    with pytest.raises(ConnectError) as caught, connect(url, **options):
        pass
    return caught.value.__cause__


# -- addresses ---------------------------------------------------------------------------------------------------------


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, Any]) -> None:
    """Names have these addresses."""

    def find(host: str, port: int, *, type: int, flags: int) -> list[Any]:  # noqa: A002  (that is its name)
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        return [(family, type, 0, "", address) for family, address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", find)


def test_a_name_is_looked_up() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        port = server.addresses[0][1]
        # Where the system has IPv6 as well, nobody listens at the first address.
        with connect(f"http://localhost:{port}") as client:
            assert client.emit_with_ack("ask", 1).wait() == 1


def test_an_address_of_ipv6() -> None:
    with Threads(make_echo(), "::1", 0) as server, connect(f"http://[::1]:{server.addresses[0][1]}") as client:
        assert client.emit_with_ack("ask", 1).wait() == 1


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_args: Any, **_options: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    assert isinstance(cause(NOWHERE), socket.gaierror)


def test_a_name_that_cannot_exist() -> None:
    assert isinstance(cause(f"http://{'x' * 70}.invalid"), (UnicodeError, socket.gaierror))


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    error = cause(NOWHERE)
    assert isinstance(error, OSError)
    assert str(error) == "the host has no address"


def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        resolve_to(
            monkeypatch,
            # A family that this system does not have, an address at which nobody listens, one that is none.
            (12345, ("x", 1)),
            (socket.AF_INET, ("127.0.0.1", refused_port())),
            (socket.AF_INET6, ("127.0.0.1", 1)),
            (socket.AF_INET, server.addresses[0]),
            (socket.AF_INET, ("127.0.0.1", 1)),
        )
        with connect(NOWHERE) as client:
            assert client.emit_with_ack("ask", 1).wait() == 1


def test_the_next_address_is_tried_while_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as hole, Threads(make_echo(), "127.0.0.1", 0) as server:
        resolve_to(monkeypatch, (socket.AF_INET, hole), (socket.AF_INET, server.addresses[0]))
        with connect(NOWHERE) as client:
            assert client.emit_with_ack("ask", 1).wait() == 1


def test_the_error_of_the_last_address_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, (12345, ("x", 1)), (socket.AF_INET, ("127.0.0.1", refused_port())))
    assert isinstance(cause(NOWHERE), ConnectionRefusedError)
    resolve_to(monkeypatch, (socket.AF_INET, ("127.0.0.1", refused_port())), (12345, ("x", 1)))
    assert not isinstance(cause(NOWHERE), ConnectionRefusedError)


# -- Unix sockets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_unix_socket(tmp_path: Path, transport: str) -> None:
    path = str(tmp_path / "socket")
    with on_unix_socket(make_echo(), path), connect(NOWHERE, unix_path=path, transports=[transport]) as client:
        assert client.emit_with_ack("ask", b"x" * 300_000).wait() == b"x" * 300_000


def test_no_unix_socket(tmp_path: Path) -> None:
    assert isinstance(cause(NOWHERE, unix_path=str(tmp_path / "socket")), FileNotFoundError)
    assert isinstance(cause(NOWHERE, unix_path="x" * 1000), OSError)
    assert isinstance(cause(NOWHERE, unix_path="\0\0" * 1000), OSError)


def test_a_unix_socket_whose_server_is_busy(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(path)
        listener.listen(0)
        first.connect(path)
        assert isinstance(cause(NOWHERE, unix_path=path), OSError)


# -- dial --------------------------------------------------------------------------------------------------------------


def test_dial_gives_the_sockets() -> None:
    dialled: list[tuple[str, int]] = []
    threads: set[str] = set()
    with Threads(make_echo(), "127.0.0.1", 0) as server:

        def dial(host: str, port: int) -> socket.socket:
            dialled.append((host, port))
            threads.add(threading.current_thread().name)
            return socket.create_connection(server.addresses[0], PATIENCE)

        with connect(NOWHERE, dial=dial) as client:
            assert client.emit_with_ack("ask", 1).wait() == 1
    assert set(dialled) == {("server.invalid", 3000)}
    assert threads == {"sansio_eio dial"}


def test_dial_may_give_a_socket_that_is_no_tcp(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    def dial(_host: str, _port: int) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        return sock

    with on_unix_socket(make_echo(), path), connect(NOWHERE, dial=dial) as client:
        assert client.emit_with_ack("ask", 1).wait() == 1


def test_what_dial_raises_is_the_reason() -> None:
    class ProxyError(Exception):
        pass

    def dial(_host: str, _port: int) -> socket.socket:
        raise ProxyError("407")

    error = cause(NOWHERE, dial=dial)
    assert isinstance(error, ProxyError)


def test_what_dial_gives_must_be_a_socket() -> None:
    nothing: Any = None
    assert isinstance(cause(NOWHERE, dial=lambda _host, _port: nothing), AttributeError)


def test_dial_may_end_the_program() -> None:
    def dial(_host: str, _port: int) -> socket.socket:
        raise SystemExit(3)

    with pytest.raises(SystemExit), connect(NOWHERE, dial=dial):
        pass


def test_without_room_for_another_thread_it_is_tried_later() -> None:
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        sockets: list[socket.socket] = []
        errors: list[ConnectError] = []
        connected = threading.Semaphore(0)
        failed = threading.Event()

        def dial(_host: str, _port: int) -> socket.socket:
            sockets.append(socket.create_connection(server.addresses[0], PATIENCE))
            return sockets[-1]

        client = Client(NOWHERE, transports=["websocket"], reconnection_delay=0.01, reconnection_delay_max=0.01)
        client.socket.on("connect", connected.release)

        @client.socket.on("connect_error")
        def connect_error(error: ConnectError) -> None:
            errors.append(error)
            threading.stack_size(0)
            failed.set()

        with connect(client, dial=dial):
            assert connected.acquire(timeout=PATIENCE)
            try:
                # More than there are addresses.
                threading.stack_size(1 << 50)
                sockets[0].shutdown(socket.SHUT_RDWR)
                wait_for(failed)
                assert connected.acquire(timeout=PATIENCE)
            finally:
                threading.stack_size(0)
        assert isinstance(errors[0].__cause__, RuntimeError)


# -- given up ----------------------------------------------------------------------------------------------------------


class Hanging:
    """A function that does not come back before it is released."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()
        self._function = function

    def __call__(self, *_args: Any, **_options: Any) -> Any:
        self.begun.set()
        wait_for(self.release)
        return self._function()

    def end(self) -> None:
        """Release it, and see its thread end."""
        self.release.set()
        finish(*dial_threads())


def test_a_dial_that_hangs_does_not_hold_up_the_end_and_its_late_socket_is_closed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        hanging = Hanging(lambda: ours)
        with connect(NOWHERE, dial=hanging, wait=False):
            wait_for(hanging.begun)
        assert len(dial_threads()) == 1
        hanging.end()
        assert theirs.recv(1) == b""


def test_so_it_is_when_the_handshake_has_taken_too_long() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        hanging = Hanging(lambda: ours)
        with pytest.raises(ConnectError, match="timeout"), connect(NOWHERE, dial=hanging, connect_timeout=0.05):
            pass
        hanging.end()
        assert theirs.recv(1) == b""


def test_nor_does_the_search_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = Hanging(list[Any])

    def find(*args: Any, flags: int, **options: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror
        return hanging(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with pytest.raises(ConnectError, match="timeout"), connect(NOWHERE, connect_timeout=0.05):
        pass
    with connect(NOWHERE, wait=False):
        wait_until(lambda: len(dial_threads()) == 2)
    hanging.end()


def test_a_late_error_is_nobodys_any_more() -> None:
    def fail() -> None:
        raise ValueError("too late")

    hanging = Hanging(fail)
    with connect(NOWHERE, dial=hanging, wait=False):
        wait_for(hanging.begun)
    hanging.end()


def test_one_that_comes_back_at_the_very_end_is_closed() -> None:
    """The thread is done, and the driver has not heard of it when it ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        hanging = Hanging(lambda: ours)
        with connect(NOWHERE, dial=hanging, wait=False):
            wait_for(hanging.begun)
            hanging.release.set()
        finish(*dial_threads())
        while theirs.recv(65536):
            pass


def test_addresses_that_do_not_answer_do_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as hole:
        url = f"http://{hole[0]}:{hole[1]}"
        with connect(url, wait=False):
            pass
        assert cause(url, connect_timeout=0.05) is None
        resolve_to(monkeypatch, *[(socket.AF_INET, hole)] * 3)
        assert cause(NOWHERE, connect_timeout=0.6) is None
        with connect(NOWHERE, wait=False):
            pass


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_handshake_that_is_not_answered_does_not_hold_up_the_end(transport: str) -> None:
    with silent_server() as listener, connect(listening(listener), wait=False, transports=[transport]):
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(PATIENCE)
            assert sock.recv(3) == b"GET"


def test_a_server_that_hangs_up() -> None:
    with silent_server() as listener, connect(listening(listener), wait=False, reconnection_delay=0.01):
        listener.accept()[0].close()
        # It comes back.
        listener.accept()[0].close()


def test_both_transports_of_an_upgrade_end() -> None:
    """The probe of the WebSocket is under way, or not even that, when the body ends."""
    with Threads(make_echo(), "127.0.0.1", 0) as server:
        for _ in range(20):
            with connect(make_url(server), wait=False) as client:
                client.emit("news")
            with connect(make_url(server)) as client:
                client.emit("news")
