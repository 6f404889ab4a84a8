"""socket.io-client: namespaces, authentication, refusals, middleware."""

from typing import Any

import pytest

from tests.conformance.conftest import Dial
from tests.conformance.servers import Server


@pytest.mark.old_clients
def test_connects_with_auth(dial: Dial, server: Server) -> None:
    auth: dict[str, Any] = {"token": "☃", "list": [1, None, True], "empty": {}}
    socket = dial().socket(auth=auth)
    sid = socket.connected()
    assert socket.expect("auth") == [auth]
    entry = server.logged("connection", id=sid)
    assert entry["auth"] == auth
    assert entry["namespace"] == "/"
    assert socket.state == {"connected": True, "active": True, "id": sid}


def test_connects_without_auth(dial: Dial, server: Server) -> None:
    socket = dial().socket()
    sid = socket.connected()
    assert len(sid) == 20
    assert socket.expect("auth") == [{}]
    assert server.logged("connection", id=sid)["auth"] == {}


@pytest.mark.old_clients
def test_handshake_of_the_server(dial: Dial) -> None:
    client = dial(query={"extra": "ä b&c=d"}, extraHeaders={"x-test": "tested"})
    socket = client.socket(auth={"n": 1})
    socket.connected()
    assert socket.call("handshake") == [
        {
            "address": "127.0.0.1",
            "auth": {"n": 1},
            "issued": True,
            "path": "/socket.io/",
            "query": "ä b&c=d",
            "secure": False,
            "test": "tested",
            "timed": True,
            "xdomain": False,
        }
    ]


def test_is_refused_with_data(dial: Dial, server: Server) -> None:
    client = dial()
    admin = client.socket("/admin", auth={"token": "wrong"})
    data = {"code": 7, "why": ["no token", None, {"☃": 1.5}]}
    assert admin.refused() == (data if client.is_old else {"message": "not allowed", "data": data})
    assert admin.state["connected"] is False
    # The connection goes on for the others, and the refused one may try again.
    client.socket("/slow").connected()
    again = client.socket("/custom")
    sid = again.connected()
    server.logged("connection", namespace="/custom", id=sid)


def test_is_refused_without_data(dial: Dial) -> None:
    client = dial()
    assert client.socket("/bare").refused() == ("bare" if client.is_old else {"message": "bare", "data": None})


def test_is_let_in_by_the_middleware(dial: Dial, server: Server) -> None:
    client = dial()
    sid = client.socket("/admin", auth={"token": "secret"}).connected()
    server.logged("connection", namespace="/admin", id=sid)


def test_asynchronous_middleware(dial: Dial) -> None:
    socket = dial().socket("/slow")
    sid = socket.connected()
    assert socket.call("fetch sockets", {"to": sid}) == [[{"id": sid, "rooms": [], "data": {"checked": True}}]]


@pytest.mark.old_clients
@pytest.mark.parametrize("namespace", ["/nowhere", "/custom?x=1", "/custom/", "/room-x", "/dynamic-shut"])
def test_unknown_namespace(dial: Dial, namespace: str) -> None:
    assert dial().socket(namespace).refused() == {"message": "Invalid namespace", "data": None}


def test_several_namespaces_on_one_connection(dial: Dial, server: Server) -> None:
    client = dial()
    names = ["/", "/custom", "/admin", "/room-1", "/room-12345"]
    sockets = {name: client.socket(name, auth={"token": "secret", "for": name}) for name in names}
    ids = {name: socket.connected() for name, socket in sockets.items()}
    assert len(set(ids.values())) == len(names)
    for name, socket in sockets.items():
        # Old clients have nothing to send it with to this one, which the server connects them to.
        assert socket.expect("auth") == [{} if client.is_old and name == "/" else {"token": "secret", "for": name}]
        assert server.logged("connection", id=ids[name])["namespace"] == name
        socket.emit("message", name)
    for name, socket in sockets.items():
        assert socket.expect("message-back") == [name]


def test_dynamic_namespace_by_predicate(dial: Dial, server: Server) -> None:
    socket = dial().socket("/dynamic", auth={"key": "open"})
    sid = socket.connected()
    assert server.logged("connection", id=sid)["namespace"] == "/dynamic"
    assert socket.call("message-with-ack", "x") == ["x"]


def test_leaves_one_namespace_and_keeps_another(dial: Dial, server: Server) -> None:
    client = dial()
    main, custom = client.socket(), client.socket("/custom")
    main.connected()
    sid = custom.connected()
    custom.disconnect()
    assert custom.disconnected() == "io client disconnect"
    assert server.logged("disconnect", id=sid)["reason"] == "client namespace disconnect"
    assert main.call("message-with-ack", 1) == [1]


@pytest.mark.old_clients
def test_joins_a_namespace_again_with_another_id(dial: Dial, server: Server) -> None:
    client = dial()
    client.socket().connected()
    custom = client.socket("/custom")
    first = custom.connected()
    custom.disconnect()
    custom.disconnected()
    # The reference closes the connection when the news of both come at once.
    server.logged("disconnect", id=first)
    custom.connect()
    assert custom.connected() != first
    assert custom.call("message-with-ack", 1) == [1]


def test_socket_middleware(dial: Dial, server: Server) -> None:
    socket = dial().socket("/guarded")
    sid = socket.connected()
    socket.emit("forbidden", sid)
    server.logged("error", message=f"forbidden {sid}")
    assert socket.call("message-with-ack", "still here") == ["still here"]
    assert server.entries(event="forbidden", id=sid) == []


def test_catch_all_listeners(dial: Dial, server: Server) -> None:
    socket = dial().socket("/watched")
    sid = socket.connected()
    socket.emit("unheard of", 1, b"\x00\xff")
    entry = server.logged("any", id=sid)
    assert (entry["name"], entry["args"]) == ("unheard of", [1, b"\x00\xff"])
    socket.emit("message", "a", None)
    assert server.logged("any", id=sid)["name"] == "message"
    entry = server.logged("any outgoing", id=sid, name="message-back")
    assert entry["args"] == ["a", None]
    assert socket.expect("message-back") == ["a", None]


def test_handler_that_raises(dial: Dial, server: Server) -> None:
    """It is reported, the client hears nothing of it, and everybody is served on."""
    socket = dial().socket()
    sid = socket.connected()
    socket.emit("fail", sid)
    server.logged("error", message=sid, patience=1)
    assert socket.call("message-with-ack", "still here") == ["still here"]
