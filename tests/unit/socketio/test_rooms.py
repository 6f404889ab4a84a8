"""Rooms, and who gets what is sent to them."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any, cast

from sansio_eio.socketio import MemoryAdapter, Selection, Socket
from tests.unit.socketio.helpers import Client, Net

Serve = Callable[..., Net]


def memory(net: Net) -> MemoryAdapter:
    return cast("MemoryAdapter", net.io.sockets.adapter)


def test_a_socket_is_in_the_room_of_its_own_id(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    assert socket.rooms == {"s1"}
    assert net.io.sockets.adapter.rooms_of(socket) == set()


def test_joining_and_leaving(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    socket.join("a")
    socket.join(["b", "c"])
    socket.join("a")
    assert socket.rooms == {"s1", "a", "b", "c"}
    socket.leave("b")
    socket.leave("b")
    socket.leave("nowhere")
    assert socket.rooms == {"s1", "a", "c"}
    _, other = net.socket()
    other.leave("a")
    assert socket.rooms == {"s1", "a", "c"}


def test_rooms_are_a_copy(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    socket.rooms.add("a")
    net.io.sockets.adapter.rooms_of(socket).add("b")
    assert socket.rooms == {"s1"}


def test_nothing_is_left_of_a_socket_that_is_gone(serve: Serve) -> None:
    net = serve()
    (_, _), (one, two) = net.sockets(2)
    for socket in (one, two):
        socket.join(["a", "b"])
        socket.join([])
    one.disconnect()
    one.join("a")
    one.leave("b")
    assert one.rooms == {"s1", "a", "b"}  # until "disconnecting" is handled
    net.pump()
    assert one.rooms == set()
    assert memory(net).select(Selection(("a",))) == [two]
    two.leave("a")
    two.leave("b")
    two.disconnect()
    assert vars(memory(net)) == {"_namespace": net.io.sockets, "_members": {}, "_rooms": {}}


def test_joining_no_room_leaves_nothing(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    socket.join([])
    socket.disconnect()
    assert vars(memory(net)) == {"_namespace": net.io.sockets, "_members": {}, "_rooms": {}}


def names(net: Net, clients: list[Client]) -> list[str]:
    """Which of the clients have heard the one event that was sent."""
    net.pump()
    heard = [client.heard() for client in clients]
    assert all(packets in ([], ['2["x"]']) for packets in heard)
    return [f"s{number}" for number, packets in enumerate(heard, 1) if packets]


def test_selections(serve: Serve) -> None:
    net = serve()
    clients, (one, two, three, four) = net.sockets(4)
    one.join(["a", "b"])
    two.join(["b", "c"])
    three.join("c")

    def check(operator: Any, *expected: str) -> None:
        operator.emit("x")
        assert names(net, clients) == list(expected)

    everybody = ("s1", "s2", "s3", "s4")
    check(net.io, *everybody)
    check(net.io.local, *everybody)
    check(net.io.to("a"), "s1")
    check(net.io.in_("b"), "s1", "s2")
    check(net.io.to("a").to("b").to("c"), "s1", "s2", "s3")  # each once
    check(net.io.to(["a", "c"]), "s1", "s2", "s3")
    check(net.io.to("nowhere"))
    check(net.io.to([]))  # in no room is nobody)
    check(net.io.except_("b"), "s3", "s4")
    check(net.io.except_(["a", "c"]), "s4")
    check(net.io.except_("a").except_("c"), "s4")
    check(net.io.except_("nowhere"), *everybody)
    check(net.io.to("c").except_("b"), "s3")
    check(net.io.to("b").except_("s1"), "s2")
    check(net.io.to("s4"), "s4")
    check(net.io.to(["s4", "a"]).except_("nowhere"), "s1", "s4")
    check(one.broadcast, "s2", "s3", "s4")
    check(one.local, "s2", "s3", "s4")
    check(one.to("b"), "s2")
    check(one.in_(["a", "c"]), "s2", "s3")
    check(one.except_("c"), "s4")
    check(one.to("s1"))
    check(one.volatile.to("b"), "s2")
    check(one.volatile.in_("b"), "s2")
    check(one.compress(False).except_("c"), "s4")
    check(one.timeout(1.0).broadcast, "s2", "s3", "s4")
    check(one.volatile.local, "s2", "s3", "s4")
    check(four, "s4")


def test_a_room_may_have_the_name_of_a_socket(serve: Serve) -> None:
    net = serve()
    clients, (one, two, _) = net.sockets(3)
    two.join(["s1", "s2"])
    net.io.to("s1").emit("x")
    assert names(net, clients) == ["s1", "s2"]
    net.io.to("s2").emit("x")
    assert names(net, clients) == ["s2"]
    net.io.except_("s1").emit("x")
    assert names(net, clients) == ["s3"]
    one.disconnect()
    net.pump()
    clients[0].heard()
    net.io.to("s1").emit("x")
    assert names(net, clients) == ["s2"]


def test_rooms_of_one_namespace_are_not_those_of_another(serve: Serve) -> None:
    net = serve()
    (first, one), (second, two) = net.socket(), net.socket("/b")
    one.join("a")
    two.join("a")
    net.io.to("a").emit("x")
    net.pump()
    assert first.heard() == ['2["x"]']
    net.io.of("/b").to("a").emit("x")
    net.pump()
    assert second.heard() == ['2/b,["x"]']


def test_many_are_moved_at_once(serve: Serve) -> None:
    net = serve()
    _, (one, two, three) = net.sockets(3)
    net.io.sockets_join("all")
    net.io.in_(["s1", "s2"]).sockets_join(["a", "b"])
    one.broadcast.sockets_join("not one")
    assert one.rooms == {"s1", "all", "a", "b"}
    assert two.rooms == {"s2", "all", "a", "b", "not one"}
    assert three.rooms == {"s3", "all", "not one"}
    net.io.to("a").sockets_leave(["a", "all"])
    net.io.except_("s3").sockets_leave("b")
    assert (one.rooms, two.rooms, three.rooms) == ({"s1"}, {"s2", "not one"}, {"s3", "all", "not one"})


def test_fetching(serve: Serve) -> None:
    net = serve()
    _, (one, two, three) = net.sockets(3)
    two.data["name"] = "two"
    two.join("a")
    assert net.io.fetch_sockets().value == [one, two, three]
    [found] = net.io.in_("a").fetch_sockets().value
    assert (found.id, found.data) == ("s2", {"name": "two"})
    assert one.broadcast.fetch_sockets().value == [two, three]
    assert net.io.of("/b").fetch_sockets().value == []


def test_disconnecting_many(serve: Serve) -> None:
    net = serve()
    clients, _ = net.sockets(3)
    net.io.of("/b")
    for client in clients:
        client.say("0/b,")
        client.heard()
    net.io.in_("s1").disconnect_sockets()
    net.io.in_("s2").disconnect_sockets(close=True)
    net.pump()
    assert [client.heard() for client in clients] == [["1"], ["1", "1/b,"], []]
    assert [client.closed for client in clients] == [False, True, False]
    net.io.disconnect_sockets(close=True)
    net.pump()
    assert [client.closed for client in clients] == [False, True, True]


def test_sockets_that_go_while_they_are_served(serve: Serve) -> None:
    net = serve()
    clients, sockets = net.sockets(3)
    sockets[0].on("disconnect", lambda reason: None)
    for socket in sockets:
        socket.emit_with_ack("x").add_done_callback(lambda ack: net.io.disconnect_sockets())
    net.pump()
    net.io.in_("s2").disconnect_sockets()
    net.pump()
    assert [client.heard()[1:] for client in clients] == [["1"]] * 3
    assert net.io.sockets.sockets == {}


def test_a_cluster_may_take_the_place_of_the_memory(serve: Serve) -> None:
    class Elsewhere(MemoryAdapter):
        def rooms_of(self, socket: Socket) -> set[str]:
            return super().rooms_of(socket) | {"elsewhere"}

    net = serve(adapter=Elsewhere)
    _, socket = net.socket()
    assert socket.rooms == {"s1", "elsewhere"}
