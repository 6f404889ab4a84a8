"""socket.io-client: rooms, exclusion, broadcasts, and what the server can do with the sockets of a room."""

from typing import Any

from tests.conformance.conftest import Dial
from tests.conformance.peers import Socket
from tests.conformance.servers import Server


def members(dial: Dial, count: int, *rooms: str, namespace: str = "/") -> list[Socket]:
    sockets = [dial().socket(namespace) for _ in range(count)]
    for socket in sockets:
        socket.connected()
        if rooms:
            assert socket.call("join", rooms) == [sorted(rooms)]
    return sockets


def tell(sender: Socket, how: dict[str, Any]) -> None:
    assert sender.call("tell", how, "told", "this", b"\x01") == [True]


def check(told: list[Socket], untold: list[Socket]) -> None:
    """Exactly these have been told, once: the answer to a later question comes behind anything sent before."""
    for socket in told:
        assert socket.expect("told") == ["this", b"\x01"]
    for socket in [*told, *untold]:
        socket.call("message-with-ack")
        assert socket.seen("told") == []


def test_to_a_room(dial: Dial, room: str) -> None:
    [a, b], [c] = members(dial, 2, room), members(dial, 1)
    tell(c, {"to": room})
    check([a, b], [c])


def test_to_a_room_from_a_socket_in_it(dial: Dial, room: str) -> None:
    [a, b, c] = members(dial, 3, room)
    tell(a, {"from": "socket", "to": room})
    check([b, c], [a])


def test_each_once_in_a_union_of_rooms(dial: Dial, room: str) -> None:
    one, two = room + " one", room + " two"
    [a], [b], [c], [d] = members(dial, 1, one), members(dial, 1, two), members(dial, 1, one, two), members(dial, 1)
    tell(a, {"to": [one, two]})
    check([a, b, c], [d])


def test_except_a_room(dial: Dial, room: str) -> None:
    other = room + " other"
    [a], [b] = members(dial, 1, room), members(dial, 1, room, other)
    tell(a, {"to": room, "except": other})
    check([a], [b])
    tell(b, {"from": "socket", "to": room, "except": other})
    check([a], [b])


def test_to_and_except_a_socket(dial: Dial, fresh: str) -> None:
    sockets = [dial().socket(fresh) for _ in range(3)]
    ids = [socket.connected() for socket in sockets]
    [a, b, c] = sockets
    tell(a, {"to": ids[1]})
    check([b], [a, c])
    tell(a, {"except": [ids[1]]})
    check([a, c], [b])


def test_broadcast(dial: Dial, fresh: str) -> None:
    [a, b, c], [elsewhere] = members(dial, 3, namespace=fresh), members(dial, 1)
    tell(a, {"from": "broadcast"})
    check([b, c], [a, elsewhere])


def test_to_the_whole_namespace(dial: Dial, fresh: str) -> None:
    [a, b], [elsewhere] = members(dial, 2, namespace=fresh), members(dial, 1)
    tell(a, {})
    check([a, b], [elsewhere])
    tell(a, {"local": True})
    check([a, b], [elsewhere])


def test_leave(dial: Dial, room: str) -> None:
    [a, b] = members(dial, 2, room)
    assert a.call("leave", room) == [[]]
    tell(b, {"to": room})
    check([b], [a])
    assert a.call("leave", "no such room") == [[]]


def test_rooms_of_one_name_in_two_namespaces(dial: Dial, room: str) -> None:
    [a], [b] = members(dial, 1, room), members(dial, 1, room, namespace="/custom")
    tell(a, {"to": room})
    check([a], [b])


def test_rooms_end_with_the_socket(dial: Dial, server: Server, room: str) -> None:
    [a] = members(dial, 1, room)
    b = dial().socket()
    sid = b.connected()
    assert b.call("join", [room, room + "!"]) == [[room, room + "!"]]
    b.disconnect()
    entry = server.logged("disconnecting", id=sid)
    assert (entry["rooms"], entry["reason"]) == ([room, room + "!"], "client namespace disconnect")
    server.logged("disconnect", id=sid)
    assert [one["id"] for one in a.call("fetch sockets", {"to": room})[0]] == [a.state["id"]]


def test_sockets_join_and_leave(dial: Dial, room: str) -> None:
    [a, b], [c] = members(dial, 2, room), members(dial, 1)
    other = room + " other"
    assert c.call("sockets join", {"to": room}, other) == [True]
    tell(c, {"to": other})
    check([a, b], [c])
    assert c.call("sockets leave", {"to": room}, other) == [True]
    tell(c, {"to": other})
    check([], [a, b, c])


def test_fetch_sockets(dial: Dial, room: str) -> None:
    [a], [b] = members(dial, 1, room), members(dial, 1, room, room + "!")
    assert a.call("remember", {"a": [1, b"\x02"]}) == []
    found = a.call("fetch sockets", {"to": room})[0]
    assert sorted(found, key=lambda one: len(one["rooms"])) == [
        {"id": a.state["id"], "rooms": [room], "data": {"value": {"a": [1, b"\x02"]}}},
        {"id": b.state["id"], "rooms": [room, room + "!"], "data": {}},
    ]


def test_disconnect_sockets(dial: Dial, server: Server, room: str) -> None:
    [a, b], [c] = members(dial, 2, room), members(dial, 1)
    ids = [a.state["id"], b.state["id"]]
    c.emit("disconnect sockets", {"to": room}, False)
    for socket, sid in zip((a, b), ids, strict=True):
        assert socket.disconnected() == "io server disconnect"
        assert server.logged("disconnect", id=sid)["reason"] == "server namespace disconnect"
    assert c.call("message-with-ack", 1) == [1]
