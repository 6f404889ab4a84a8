"""Who holds the lock of the core, and when."""

import subprocess
import sys
from inspect import getattr_static, isfunction
from pathlib import Path
from typing import Any

import pytest

from sansio_eio.engineio import ClientSession, EngineClient, EngineServer, Pending, Session
from sansio_eio.engineio.atomic import atomic
from sansio_eio.socketio import (
    BroadcastOperator,
    Client,
    ClientOperator,
    ClientSocket,
    EventReceived,
    MemoryAdapter,
    Namespace,
    ParentNamespace,
    Server,
    Socket,
    SocketOperator,
)
from sansio_eio_threads.lock import LOCK
from tests.unit.socketio.helpers import Net
from tests.unit.threads_adapter.client import finish, in_thread

ROOT = Path(__file__).parents[3]


def test_the_core_holds_the_lock_for_what_it_changes_and_not_for_what_it_calls() -> None:
    """The tests of the core, once more, with `auditing`."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"]
    command += ["--import-mode=importlib", "-p", "tests.unit.threads_adapter.auditing"]
    # Its listener belongs to no engine, and so has no lock.
    command += ["--deselect", "tests/unit/engineio/test_handlers.py::test_on_is_a_decorator_and_a_method"]
    command += ["tests/unit/engineio", "tests/unit/socketio"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout


class Shared:
    lock = None

    @atomic
    def method(self) -> None:
        pass


#: The code of every method that is atomic.
ATOMIC = Shared.method.__code__

MAKES_AN_OPERATOR = "broadcast compress deliver except_ in_ local select timeout to volatile"
#: What it looks at is one thing, or does not change.
ONE_READ = (
    "any_handlers auth buffered congestion_timeout connected disconnected done error handlers id lifecycle lock "
    "max_message_size may_be_older middlewares over path protocol runtime state value"
)
#: Encodes, checks or calls the application; what it changes, it changes in one atomic part.
ONE_ATOMIC_PART = (
    "ack add_done_callback broadcast broadcast_with_ack call disconnect_sockets drain emit emit_as emit_data "
    "emit_with_ack emit_with_ack_as fetch fetch_sockets find_pattern join matches on report send send_packet "
    "sockets_join sockets_leave tell_outgoing wait"
)
#: Passes the call on to something atomic.
PASSED_ON = "namespaces next_event of on_any on_any_outgoing use one_namespace buffered on_error"
#: Pure.
PURE = "body_limit check_size encode encode_answer engine is_pattern"
#: Called with the lock held: by the driver, or by the core itself, as `auditing` checks.
FOR_THE_CORE = (
    "abandon act add add_child admission_expired admit advance answer answer_ping answered ask attach candidate "
    "channel channel_closed channel_lost child closed disconnected drop_all end expire fail fail_acks failed fall_back "
    "find_namespace flush_into flushed forget forget_ack forget_child forget_if_empty give_up_acks go_on handler_table "
    "insist install joined leave leave_all leave_session make_request make_runnable malformed mark_ready "
    "message_received next_deadline open open_channel open_on_poll open_on_websocket opened pause poll post "
    "post_started queue queue_answer queue_packet queue_with_ack receive refused release_behind remove reopen "
    "request_received request_started respond response_received rooms_of send_rest set_timeout speak take take_actions "
    "take_ready take_runnable websocket_accepted websocket_message websocket_requested withdraw writable"
)
NOT_ATOMIC = set(f"{MAKES_AN_OPERATOR} {ONE_READ} {ONE_ATOMIC_PART} {PASSED_ON} {PURE} {FOR_THE_CORE}".split())

#: Of what has one of these names, these are atomic all the same.
ATOMIC_HERE = {
    (Socket, "leave"),
    (Socket, "on_any"),
    (Socket, "on_any_outgoing"),
    (Socket, "use"),
    (Namespace, "on_any"),
    (Namespace, "on_any_outgoing"),
    (Namespace, "use"),
    (ParentNamespace, "on_any"),
    (ParentNamespace, "on_any_outgoing"),
    (ParentNamespace, "use"),
    (ParentNamespace, "namespaces"),
    (EngineServer, "buffered"),
    (MemoryAdapter, "select"),
    (Session, "drain"),
    (Pending, "fail"),
    (Client, "open"),
    (ClientSocket, "buffered"),
    (ClientSocket, "next_event"),
    (ClientSocket, "on_any"),
    (ClientSocket, "on_any_outgoing"),
    (EngineClient, "open"),
    (ClientSession, "drain"),
}


@pytest.mark.parametrize(
    "owner",
    [
        Server,
        Namespace,
        ParentNamespace,
        Socket,
        SocketOperator,
        BroadcastOperator,
        EventReceived,
        MemoryAdapter,
        EngineServer,
        Session,
        EngineClient,
        ClientSession,
        Client,
        ClientSocket,
        ClientOperator,
        Pending,
    ],
)
def test_every_public_method_is_atomic_or_has_a_reason_not_to_be(owner: type) -> None:
    for name in dir(owner):
        found: Any = getattr_static(owner, name)
        function = found.fget if isinstance(found, property) else found
        if not name.startswith("_") and isfunction(function):
            is_atomic = function.__code__ is ATOMIC
            assert is_atomic == (name not in NOT_ATOMIC or (owner, name) in ATOMIC_HERE), name


class Counting:
    """A lock that counts how often it is taken by who does not hold it."""

    def __init__(self) -> None:
        self.depth = 0
        self.taken = 0

    def __enter__(self) -> None:
        self.taken += self.depth == 0
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


def counted(net: Net) -> Counting:
    lock = net.io.engine.lock = Counting()
    return lock


def test_a_broadcast_reaches_everybody_in_one_go() -> None:
    net = Net()
    net.sockets(3)
    lock = counted(net)
    net.io.emit("news")
    assert lock.taken == 1
    net.io.disconnect_sockets()
    assert lock.taken == 2


def test_so_does_one_to_all_namespaces_of_a_pattern() -> None:
    net = Net()
    pattern = net.io.of(lambda _name, _auth: True)
    for name in "abc":
        net.client(f"0/{name},")
    lock = counted(net)
    pattern.emit("news")
    assert lock.taken == 1


def test_a_packet_with_attachments_is_queued_in_one_go() -> None:
    net = Net()
    _, socket = net.socket()
    lock = counted(net)
    socket.emit("data", b"one", b"two")
    assert lock.taken == 1


def test_there_is_one_lock_for_all_servers_of_the_process_which_stays() -> None:
    """Threads go on while one server ends and another one begins."""
    net = Net()
    net.lock = LOCK
    net.installed()
    net.io.engine.install(None)
    assert net.io.engine.lock is LOCK
    other = Net(runtime=False)
    assert other.io.engine.lock is None


def test_another_thread_waits_for_its_turn() -> None:
    net = Net()
    net.io.engine.lock = LOCK
    client, _ = net.socket()
    with LOCK:
        thread = in_thread(net.io.emit, "news")
        net.pump()
        assert client.heard() == []
    finish(thread)
    net.pump()
    assert client.heard() == ['2["news"]']
