"""A pytest plugin: the tests that it is loaded for run with a lock that is audited.

Each engine has a lock from its first moment, and its inputs and drains hold it, as a driver of threads does. Then
whatever changes the state of the core must happen with the lock held, and the handlers and the middleware of the
application must be called without it. A breach fails the test that it happens in.

There is one thread, and nothing ever waits: what is proved is who holds the lock when.
"""

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any

import pytest

from sansio_eio.deadlines import Deadlines
from sansio_eio.engineio import Channel, ClientSession, EngineClient, EngineServer, Mailbox, Pending, Session
from sansio_eio.engineio.client_heartbeat import ClientHeartbeat
from sansio_eio.engineio.client_opening import ClientOpening
from sansio_eio.engineio.client_polling import ClientPolling
from sansio_eio.engineio.core import Core
from sansio_eio.engineio.handlers import HandlerTable
from sansio_eio.engineio.heartbeat import Heartbeat
from sansio_eio.engineio.outbox import Outbox
from sansio_eio.engineio.packet_feed import PacketFeed
from sansio_eio.engineio.post import PostReceiver
from sansio_eio.engineio.upgrade import Upgrade
from sansio_eio.socketio import (
    Client,
    ClientSocket,
    Connection,
    EventReceived,
    MemoryAdapter,
    Namespace,
    ParentNamespace,
    Server,
    Socket,
)
from sansio_eio.socketio.connection import ConnectRequest
from sansio_eio.socketio.events import Reply
from sansio_eio.socketio.inbox import Inbox
from sansio_eio.socketio.link import Link
from sansio_eio.socketio.membership import Membership
from sansio_eio.socketio.namespace import Handling
from sansio_eio.socketio.outlet import Outlet
from sansio_eio.socketio.retry_queue import Repeated, RetryQueue
from sansio_eio.socketio.send_buffer import SendBuffer

#: What the driver of an engine calls, with the lock held.
INPUTS: dict[type[Core], str] = {
    EngineServer: (
        "open_channel request_started request_received websocket_requested message_received channel_closed "
        "take_ready take_actions take_runnable next_deadline advance"
    ),
    EngineClient: (
        "response_received websocket_accepted message_received channel_closed "
        "take_ready take_actions take_runnable next_deadline advance leave"
    ),
}

#: Methods that change the state and leave the lock to their callers.
MUTATIONS: dict[type, str] = {
    Deadlines: "at after cancel expire_due",
    Outbox: "take_all take_portion take_payload take_back drop_volatile drain resolve_drains",
    Mailbox: "put _pop",
    HandlerTable: "add remove",
    EngineServer: "attach mark_ready make_runnable set_timeout act respond answer forget admission_expired",
    Session: (
        "admit open_on_poll open_on_websocket withdraw poll post_started post candidate websocket_message channel_lost "
        "expire queue_packet pause end flush_into flushed fall_back receive malformed answer_ping _move"
    ),
    EngineClient: (
        "attach mark_ready make_runnable set_timeout act pause make_request opened failed closed release_behind _settle"
    ),
    ClientSession: (
        "open queue_packet insist response_received websocket_accepted message_received channel_lost expire flush_into "
        "flushed fall_back receive malformed speak fail queue pause end go_on _move"
    ),
    ClientHeartbeat: "start stop heard put_off resume sent expire",
    ClientOpening: "accepts find_another",
    ClientPolling: "send_poll offer_post fill_post say_goodbye release answered lost taken",
    Heartbeat: "start stop heard put_off resume expire",
    PostReceiver: "start receive taken release release_if_taken lose",
    PacketFeed: "feed go_on _take_batch",
    Pending: "_end",
    Server: "add_child forget_child find_namespace _new_namespace _tell_new",
    Namespace: "add remove forget_if_empty",
    ParentNamespace: "child forget",
    MemoryAdapter: "join leave leave_all rooms_of",
    Connection: "message closed expire tolerate fail kick disconnect_all remove _withdraw",
    Socket: "end queue_packet queue_with_ack answered fail_acks forget_ack",
    Client: "reopen",
    ClientSocket: (
        "ask take leave_session abandon send_rest drop_all give_up_acks joined refused disconnected answered failed "
        "queue_answer _tell _disconnected _inactive"
    ),
    Link: (
        "start look stop authenticate ask_later expect_answer expect_nothing opened message failed closed "
        "expire take_packet fail congest brake give_up_acks take_entrance pass_over _go_back "
        "_open _let_go _come_back _try_again"
    ),
    Membership: "ask leave session_over take _enter _connect _take_answer _leave _forget_early",
    Outlet: (
        "open expire close give_up send_rest drop_all give_up_acks forget_ack queue_packet try_to_send look_at_drains "
        "_make_ack _send _give_up"
    ),
    Inbox: "put take end expire",
    SendBuffer: "add drop_oldest drop_asking remove clear",
    RetryQueue: "add go_on send_rest clear drop_asking _tried _drop",
}

#: The attributes of these are state, too, but for the ones named.
STATE: dict[type, tuple[str, ...]] = {
    Channel: (),
    EngineServer: (),
    # The worker's that has the mailbox, until it lists it again.
    Mailbox: ("_turn",),
    Session: (),
    EngineClient: (),
    ClientSession: (),
    ClientHeartbeat: (),
    ClientOpening: (),
    ClientPolling: (),
    Heartbeat: (),
    PostReceiver: (),
    Upgrade: (),
    Outbox: (),
    # The typing module's, of a Pending[...] that is made.
    Pending: ("__orig_class__",),
    Server: (),
    Handling: (),
    Socket: (),
    ConnectRequest: (),
    EventReceived: (),
    Reply: (),
    Client: (),
    ClientSocket: (),
    # As any mailbox.
    Link: ("_turn",),
    Membership: (),
    Outlet: (),
    Inbox: (),
    SendBuffer: (),
    RetryQueue: (),
    Repeated: (),
}

#: Where the application gives functions that may wait.
WAITING = ((Handling, "use"), (Handling, "on_any"), (Socket, "use"), (Socket, "on_any"), (ClientSocket, "on_any"))

#: Events whose handlers are called in the middle of something else.
HOOKS = ("connection_error", "initial_headers", "headers", "new_namespace")


class AuditLock:
    """Reentrant, and knows how deep it is held, and of constructors: what they make is known to nobody else yet."""

    def __init__(self) -> None:
        self.depth = 0
        self.making = 0
        self.breaches: list[str] = []

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1

    def check(self, thing: object, what: str) -> None:
        """Something is about to change this thing."""
        # Parts that a test has on their own have no lock.
        if not (self.depth or self.making) and getattr(thing, "lock", self) is not None:
            self.breaches.append(f"without the lock: {type(thing).__name__}.{what}")


LOCK = AuditLock()


class Free:
    """A function that must be called without the lock. Equal to the function, so that it can be removed."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        if LOCK.depth:
            LOCK.breaches.append(f"with the lock held: {self.function!r}")
        return self.function(*args)

    def __eq__(self, other: object) -> bool:
        return self.function == other

    def __hash__(self) -> int:
        return hash(self.function)


def wrap(owner: type, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put something around a method, of its own or inherited."""
    original = getattr(owner, name)
    setattr(owner, name, wraps(original)(around(original)))


def audited(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Around a method that must be called with the lock held."""

    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            if is_called_by_a_test():
                with LOCK:
                    return original(self, *args, **kwargs)
            LOCK.check(self, name)
            return original(self, *args, **kwargs)

        return method

    return around


def is_called_by_a_test() -> bool:
    """Whether a test calls this part of the core by itself: it plays the rest of the core then."""
    # This function, the one that asks, and its caller.
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    assert frame.f_back.f_back is not None
    return str(frame.f_back.f_back.f_globals["__name__"]).startswith("tests.")


def holding(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around an input of the engine."""

    def method(*args: Any, **kwargs: Any) -> Any:
        with LOCK:
            return original(*args, **kwargs)

    return method


def keeping(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around `install`: the lock stays this one, whatever the driver has."""

    def method(self: Core, runtime: object) -> None:
        with LOCK:
            original(self, runtime)
            self.lock = LOCK

    return method


def making(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around a constructor."""

    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        LOCK.making += 1
        try:
            original(self, *args, **kwargs)
            if isinstance(self, Core):
                self.lock = LOCK
        finally:
            LOCK.making -= 1

    return method


def freeing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around a method that takes a middleware or a listener."""

    def method(self: Any, function: Any) -> Any:
        original(self, Free(function) if callable(function) else function)
        return function

    return method


def adding(original: Callable[..., Any]) -> Callable[..., Any]:
    """Around `HandlerTable.add`."""

    def method(self: Any, event: str | float, function: Any, **kwargs: Any) -> None:
        wrapped = Free(function) if callable(function) and event not in HOOKS else function
        original(self, event, wrapped, **kwargs)

    return method


def audit_attributes(owner: type, private: tuple[str, ...]) -> None:
    """Every change of another attribute than these needs the lock."""

    def method(self: Any, name: str, value: object) -> None:
        if name not in private and not is_called_by_a_test():
            LOCK.check(self, name)
        object.__setattr__(self, name, value)

    setattr(owner, "__setattr__", method)  # noqa: B010  (a type checker has its own opinion on it)


def install() -> None:
    """Audit the core, for as long as this process lives."""
    # First, so that what is put around it sees who calls it.
    wrap(HandlerTable, "add", adding)
    for owner, names in MUTATIONS.items():
        for name in names.split():
            wrap(owner, name, audited(name))
    for owner, private in STATE.items():
        audit_attributes(owner, private)
        wrap(owner, "__init__", making)
    for owner in (Namespace, ParentNamespace, Connection):
        wrap(owner, "__init__", making)
    for engine, names in INPUTS.items():
        for name in names.split():
            wrap(engine, name, holding)
        wrap(engine, "install", keeping)
    for owner, name in WAITING:
        wrap(owner, name, freeing)


install()


@pytest.fixture(autouse=True)
def no_breach() -> Generator[None]:
    """Fail a test in which the rules were broken, or whose end finds the lock held."""
    LOCK.breaches.clear()
    yield
    assert LOCK.breaches == []
    assert LOCK.depth == LOCK.making == 0
