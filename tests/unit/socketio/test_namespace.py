"""Namespaces by name and by pattern."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import re
from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import MemoryAdapter, Namespace, Socket
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.helpers import Log, Net, ended

Serve = Callable[..., Net]


def known(net: Net) -> dict[str, Namespace]:
    """All namespaces that are there."""
    return net.io._namespaces  # pyright: ignore[reportPrivateUsage]


def names(net: Net) -> set[str]:
    """Their names."""
    return set(known(net))


# -- by name -------------------------------------------------------------------------------------------------------


def test_a_namespace_is_made_once_and_stays(serve: Serve) -> None:
    net = serve()
    admin = net.io.of("/admin")
    assert net.io.of("admin") is admin
    assert net.io.of("/") is net.io.of("") is net.io.sockets
    assert repr(admin) == "<Namespace /admin with 0 sockets>"
    client, _ = net.socket("/admin")
    assert repr(admin) == "<Namespace /admin with 1 sockets>"
    client.lose()
    assert net.io.of("/admin") is admin


@pytest.mark.parametrize("name", ["/a,b", ",", "/" + "x" * 200])
def test_a_name_that_cannot_be(serve: Serve, name: str) -> None:
    with pytest.raises(LocalProtocolError, match="no comma and at most 200 characters"):
        serve().io.of(name)


def test_a_question_mark_is_part_of_the_name(serve: Serve) -> None:
    net = serve()
    client, _ = net.socket("/a?token=x")
    client.say("0/a,")
    assert client.heard() == ['4/a,{"message":"Invalid namespace"}']


def test_each_namespace_has_its_own_handlers_and_middleware(serve: Serve) -> None:
    net = serve()
    order: list[str] = []
    for name in ("/", "/b"):
        namespace = net.io.of(name)
        namespace.use(lambda socket, name=name: order.append(f"use {name}"))
        namespace.on_any(lambda socket, event, name=name: order.append(f"any {name}"))
        namespace.on_any_outgoing(lambda socket, event, name=name: order.append(f"out {name}"))
        namespace.on("x", lambda socket, name=name: order.append(f"x {name}"))
    client = net.client("0/b,")
    client.say('2/b,["x"]')
    net.io.of("/b").emit("y")
    net.io.emit("y")
    assert order == ["use /b", "any /b", "x /b", "out /b"]


def test_the_server_stands_for_its_main_namespace(serve: Serve) -> None:
    net = serve()
    order: list[str] = []
    net.io.use(lambda socket: order.append("use"))
    net.io.on_any(lambda socket, event: order.append("any"))
    net.io.on_any_outgoing(lambda socket, event: order.append("out"))
    net.io.on("x", lambda socket: order.append("x"))
    client, _ = net.socket()
    client.say('2["x"]')
    net.io.sockets.emit("y")
    assert order == ["use", "any", "x", "out"]


# -- by pattern ----------------------------------------------------------------------------------------------------


def test_a_regular_expression(serve: Serve) -> None:
    net = serve()
    rooms = net.io.of(re.compile(r"^/room-\d+$"))
    log = Log("x").watch(rooms)
    seen: list[str] = []
    rooms.use(lambda socket: seen.append(socket.namespace.name))
    rooms.on_any(lambda socket, event: seen.append(event))
    client = net.client("0/room-1,", "0/room-x,", "0/room-2,")
    assert client.heard() == [
        '0/room-1,{"sid":"s1"}',
        '4/room-x,{"message":"Invalid namespace"}',
        '0/room-2,{"sid":"s2"}',
    ]
    client.say('2/room-2,["x"]')
    assert seen == ["/room-1", "/room-2", "x"]
    assert log.taken() == [("connection", "s1"), ("connection", "s2"), ("x", "s2")]
    assert names(net) == {"/", "/room-1", "/room-2"}
    assert net.io.of("/room-1").sockets.keys() == {"s1"}


def test_predicates_in_order_def_and_async(serve: Serve) -> None:
    net = serve()
    asked: list[Any] = []

    @net.io.of
    def first(name: str, auth: dict[str, Any]) -> bool:
        asked.append(("first", name, auth))
        return name == "/a"

    async def matches(name: str, auth: dict[str, Any]) -> bool:
        asked.append(("second", name, auth))
        return auth.get("token") == "x"

    second = net.io.of(matches)
    client = net.client("0/a,", '0/b,{"token":"x"}', "0/c,")
    assert client.heard() == [
        '0/a,{"sid":"s1"}',
        '0/b,{"sid":"s2"}',
        '4/c,{"message":"Invalid namespace"}',
    ]
    assert asked == [
        ("first", "/a", {}),
        ("first", "/b", {"token": "x"}),
        ("second", "/b", {"token": "x"}),
        ("first", "/c", {}),
        ("second", "/c", {}),
    ]
    assert list(first.children) == ["/a"]
    assert list(second.children) == ["/b"]


def test_a_predicate_that_raises_does_not_match(serve: Serve) -> None:
    net = serve()

    def fail(name: str, auth: dict[str, Any]) -> bool:
        raise ValueError("x")

    async def fail_later(name: str, auth: dict[str, Any]) -> bool:
        raise ValueError("y")

    net.io.of(fail)
    net.io.of(fail_later)
    assert net.client("0/a,").heard() == ['4/a,{"message":"Invalid namespace"}']
    where = "the predicate of a namespace"
    assert net.failures() == [(where, "ValueError: x"), (where, "ValueError: y")]


def test_what_is_no_pattern(serve: Serve) -> None:
    nothing: Any = 7
    with pytest.raises(LocalProtocolError, match="a name, a regular expression or a predicate, not 7"):
        serve().io.of(nothing)


def test_a_child_is_forgotten_when_it_is_empty_and_made_again(serve: Serve) -> None:
    net = serve()
    new: list[Namespace] = []
    net.io.on("new_namespace", new.append)
    parent = net.io.of(re.compile("^/room"))
    log = Log().watch(parent)
    client = net.client("0/room,")
    client.say("1/room,")
    assert names(net) == {"/"}
    assert parent.children == {}
    client.say("0/room,")
    client.lose()
    assert names(net) == {"/"}
    assert log.taken() == [
        ("connection", "s1"),
        *ended("s1", "client namespace disconnect"),
        ("connection", "s2"),
        *ended("s2", "transport close"),
    ]
    assert [namespace.name for namespace in new] == ["/room", "/room"]
    assert new[0] is not new[1]


def test_a_child_that_refuses_its_only_client_is_forgotten(serve: Serve) -> None:
    net = serve()

    @net.io.of(re.compile("^/room")).use
    def refuse(socket: Socket) -> None:
        raise ValueError("x")

    net.client("0/room,")
    assert names(net) == {"/"}
    assert len(net.failures()) == 1


def test_a_child_stays_while_somebody_is_connecting(serve: Serve) -> None:
    net = serve()
    gates = [Gate(), Gate()]
    waiting = iter(gates)

    @net.io.of(re.compile("^/room")).use
    async def wait(socket: Socket) -> None:
        await next(waiting)

    first, second = net.client("0/room,"), net.client("0/room,")
    gates[0].open()
    net.pump()
    assert first.heard() == ['0/room,{"sid":"s1"}']
    first.lose()
    room = known(net)["/room"]
    assert (list(room.sockets), list(room.connecting)) == ([], ["s2"])
    gates[1].open()
    net.pump()
    assert second.heard() == ['0/room,{"sid":"s2"}']
    assert known(net)["/room"] is room
    second.lose()
    assert names(net) == {"/"}


def test_two_clients_make_one_child(serve: Serve) -> None:
    net = serve()
    gate = Gate()

    async def matches(name: str, auth: dict[str, Any]) -> bool:
        await gate
        return True

    parent = net.io.of(matches)
    clients = [net.client("0/room,"), net.client("0/room,")]
    gate.open()
    net.pump()
    assert [client.heard() for client in clients] == [['0/room,{"sid":"s1"}'], ['0/room,{"sid":"s2"}']]
    assert len(parent.children["/room"].sockets) == 2


def test_a_client_that_leaves_while_the_predicate_runs_makes_no_child(serve: Serve) -> None:
    net = serve()
    gate = Gate()

    async def matches(name: str, auth: dict[str, Any]) -> bool:
        await gate
        return True

    parent = net.io.of(matches)
    client = net.client("0/room,")
    client.lose()
    gate.open()
    net.pump()
    assert names(net) == {"/"}
    assert parent.children == {}


def test_a_child_that_nobody_could_enter_is_forgotten(serve: Serve) -> None:
    def no_id() -> str:
        raise ValueError("no ids today")

    net = serve(generate_socket_id=no_id)
    parent = net.io.of(re.compile("^/room"))
    assert net.client("0/room,").heard() == ['4/room,{"message":"Internal error"}']
    assert net.failures() == [("the namespace /room", "ValueError: no ids today")]
    assert names(net) == {"/"}
    assert parent.children == {}


def test_an_id_that_is_too_large_for_the_buffer_refuses(serve: Serve) -> None:
    net = serve(generate_socket_id=lambda: "x" * 2000, max_outbound=1024)
    parent = net.io.of(re.compile("^/room"))
    assert net.client("0/room,").heard() == ['4/room,{"message":"Internal error"}']
    [(where, _)] = net.failures()
    assert where == "the answer to a client of /room"
    assert parent.children == {}


def test_an_adapter_that_cannot_be_made_refuses(serve: Serve) -> None:
    def adapter(namespace: Namespace) -> MemoryAdapter:
        if namespace.name != "/":
            raise ConnectionError("no cluster")
        return MemoryAdapter(namespace)

    net = serve(adapter=adapter)
    parent = net.io.of(re.compile("^/room"))
    assert net.client("0/room,").heard() == ['4/room,{"message":"Internal error"}']
    assert net.failures() == [("the namespace /room", "ConnectionError: no cluster")]
    assert parent.children == {}
    assert names(net) == {"/"}


def test_a_child_that_is_asked_for_by_name_stays(serve: Serve) -> None:
    net = serve()
    parent = net.io.of(re.compile("^/room"))
    log = Log().watch(parent)
    room = net.io.of("/room-1")
    assert room is net.io.of("room-1") is parent.children["/room-1"]
    client, _ = net.socket("/room-1")
    client.lose()
    assert names(net) == {"/", "/room-1"}
    client = net.client("0/room-2,")
    net.io.of("/room-2")
    client.lose()
    assert names(net) == {"/", "/room-1", "/room-2"}
    assert len(log.taken()) == 6


def test_a_predicate_is_not_asked_for_names_of_ours(serve: Serve) -> None:
    net = serve()
    parent = net.io.of(lambda name, auth: True)
    net.io.of("/a")
    assert parent.children == {}
    net.socket("/a")
    assert parent.children == {}


def test_handlers_are_copied_when_the_child_is_made(serve: Serve) -> None:
    net = serve()
    order: list[str] = []
    parent = net.io.of(re.compile("^/room"))
    parent.on("x", lambda socket: order.append("first"))
    room = net.io.of("/room-1")
    parent.on("x", lambda socket: order.append("second"))
    room.on("x", lambda socket: order.append("room-1"))
    net.socket("/room-1")[0].say('2/room-1,["x"]')
    assert order == ["first", "room-1"]
    order.clear()
    net.socket("/room-2")[0].say('2/room-2,["x"]')
    assert order == ["first", "second"]


def test_a_pattern_reaches_all_of_its_children(serve: Serve) -> None:
    net = serve()
    parent = net.io.of(re.compile("^/room"))
    everybody, members = parent.volatile, parent.to("a")
    clients = [net.client("0/room-1,"), net.client("0/room-2,"), net.client("0")]
    for client in clients:
        client.heard()
    everybody.emit("x")
    net.pump()
    assert [client.heard() for client in clients] == [['2/room-1,["x"]'], ['2/room-2,["x"]'], []]
    parent.sockets_join(["a", "b"])
    parent.sockets_leave("b")
    clients[1].say("1/room-2,")
    clients[1].say("0/room-2,")
    clients[1].heard()
    members.emit("y")
    net.pump()
    assert [client.heard() for client in clients] == [['2/room-1,["y"]'], [], []]
    parent.disconnect_sockets()
    net.pump()
    assert [client.heard() for client in clients] == [["1/room-1,"], ["1/room-2,"], []]
    assert parent.children == {}


@pytest.mark.parametrize("children", [0, 1, 2])
def test_a_pattern_cannot_be_asked(serve: Serve, children: int) -> None:
    net = serve()
    parent = net.io.of(re.compile("^/room"))
    for number in range(children):
        net.io.of(f"/room-{number}")
    with pytest.raises(LocalProtocolError, match="fetch_sockets is for one namespace"):
        parent.fetch_sockets()
    with pytest.raises(LocalProtocolError, match="emit_with_ack is for one namespace"):
        parent.timeout(1.0).to("a").emit_with_ack("x")


def test_new_namespaces_are_told(serve: Serve) -> None:
    net = serve()
    new: list[str] = []

    @net.io.on("new_namespace")
    def tell(namespace: Namespace) -> None:
        new.append(namespace.name)
        namespace.on("connection", lambda socket: socket.emit("welcome"))

    net.io.of(re.compile("^/room"))
    net.io.of("/a")
    net.io.of("/a")
    net.io.of("/room-1")
    client = net.client("0/room-2,", "0/nowhere,", "0/a,")
    assert new == ["/a", "/room-1", "/room-2"]
    assert '2/room-2,["welcome"]' in client.heard()


def test_errors_of_new_namespace(serve: Serve) -> None:
    net = serve()

    @net.io.on("new_namespace")
    def fail(namespace: Namespace) -> None:
        raise ValueError(namespace.name)

    @net.io.on("new_namespace")
    async def wait(namespace: Namespace) -> None: ...

    net.io.of("/a")
    where = "a handler of new_namespace"
    assert net.failures() == [
        (where, "ValueError: /a"),
        (where, "LocalProtocolError: it is called in the middle of something else: it must be a plain def"),
    ]
