"""socket.io-client: how connections end, with the exact reason on both ends, and how they come back."""

from collections.abc import Callable

import pytest

from tests.conformance.conftest import Dial
from tests.conformance.raw import wait_for_what_was_sent
from tests.conformance.servers import Server
from tests.conformance.wire import Wire

SHORT = "/suite/socket.io/"


def test_the_client_disconnects(dial: Dial, server: Server) -> None:
    socket = dial().socket()
    sid = socket.connected()
    socket.disconnect()
    assert socket.disconnected() == "io client disconnect"
    assert server.logged("disconnecting", id=sid)["reason"] == "client namespace disconnect"
    assert server.logged("disconnect", id=sid)["reason"] == "client namespace disconnect"


def test_the_server_disconnects(dial: Dial, server: Server) -> None:
    client = dial()
    # Old clients cannot come back to / alone: there, it is the server that connects them, once.
    other, socket = [client.socket(name) for name in (("/", "/custom") if client.is_old else ("/custom", "/"))]
    sid = socket.connected()
    other.connected()
    socket.emit("kick", False)
    assert socket.disconnected() == "io server disconnect"
    assert server.logged("disconnecting", id=sid)["reason"] == "server namespace disconnect"
    assert server.logged("disconnect", id=sid)["reason"] == "server namespace disconnect"
    assert socket.state["connected"] is False
    # Only this namespace, and the client may come back.
    assert other.call("message-with-ack", 1) == [1]
    socket.connect()
    # The ids of old clients are made of the session's.
    assert (socket.connected() == sid) == client.is_old
    assert socket.call("message-with-ack", 2) == [2]


def test_the_server_disconnects_and_closes(dial: Dial, server: Server) -> None:
    client = dial()
    sockets = [client.socket(), client.socket("/custom")]
    ids = [socket.connected() for socket in sockets]
    sockets[1].emit("kick", True)
    for socket, sid in zip(sockets, ids, strict=True):
        assert socket.disconnected() == "io server disconnect"
        assert server.logged("disconnect", id=sid)["reason"] == "server namespace disconnect"


def test_the_last_words_of_the_server_arrive(dial: Dial, server: Server) -> None:
    """What was emitted before a disconnect is delivered before it."""
    socket = dial().socket()
    sid = socket.connected()
    socket.emit("last words")
    assert socket.expect("farewell") == []
    assert socket.disconnected() == "io server disconnect"
    server.logged("disconnect", id=sid, reason="server namespace disconnect")


@pytest.mark.old_clients("polling", "upgrade")
def test_the_client_closes_the_connection(dial: Dial, server: Server) -> None:
    client = dial()
    sockets = [client.socket(), client.socket("/custom")]
    ids = [socket.connected() for socket in sockets]
    client.close()
    for socket, sid in zip(sockets, ids, strict=True):
        assert socket.disconnected() == "forced close"
        assert server.logged("disconnecting", id=sid)["reason"] == "transport close"
        assert server.logged("disconnect", id=sid)["reason"] == "transport close"


def test_packet_that_cannot_be_parsed(dial: Dial, server: Server) -> None:
    client = dial()
    sockets = [client.socket(), client.socket("/custom")]
    ids = [socket.connected() for socket in sockets]
    for socket in sockets:
        socket.expect("auth")
    wait_for_what_was_sent(server)
    client.write("2{")
    for socket, sid in zip(sockets, ids, strict=True):
        assert socket.disconnected() == "transport close"
        assert server.logged("disconnect", id=sid)["reason"] == "parse error"


def test_event_for_a_namespace_that_is_not_connected(dial: Dial, server: Server) -> None:
    client = dial()
    socket = client.socket()
    sid = socket.connected()
    socket.expect("auth")
    wait_for_what_was_sent(server)
    client.write('2/custom,["message"]')
    assert socket.disconnected() == "transport close"
    server.logged("disconnect", id=sid)


def test_heartbeats_keep_the_connection(dial: Dial) -> None:
    client = dial(SHORT)
    socket = client.socket()
    socket.connected()
    for _ in range(3):
        client.expect_heartbeat()
    assert socket.call("message-with-ack", "alive") == ["alive"]
    assert socket.seen("disconnect") == []


def test_the_client_is_silent(dial: Dial, server: Server) -> None:
    client = dial(SHORT, transports=["websocket"]) if server.kind == "reference" else dial(SHORT)
    socket = client.socket()
    sid = socket.connected()
    client.mute()
    assert server.logged("disconnect", id=sid)["reason"] == "ping timeout"
    assert socket.disconnected() == "transport close"


@pytest.mark.old_clients("websocket")
def test_the_wire_goes_dead(dial: Dial, server: Server, transport: str) -> None:
    """Nobody is told, both find out."""
    with Wire(server.port) as wire:
        client = dial(SHORT, url=wire.url)
        socket = client.socket()
        sid = socket.connected()
        if transport == "upgrade":
            client.expect("upgrade")
        wire.freeze()
        assert server.logged("disconnect", id=sid)["reason"] == "ping timeout"
        assert socket.disconnected() == "ping timeout"


@pytest.mark.old_clients("polling", "upgrade")
def test_reconnects_when_the_wire_is_cut(dial: Dial, server: Server, transport: str) -> None:
    with Wire(server.port) as wire:
        client = dial(url=wire.url, reconnection=True, reconnectionDelay=20, reconnectionDelayMax=50)
        sockets = [client.socket(), client.socket("/custom", auth={"n": 1})]
        seen: set[str] = set()
        for round_number in range(2):
            ids = [socket.connected() for socket in sockets]
            for socket in sockets:
                socket.expect("auth")
            assert seen.isdisjoint(ids)
            seen.update(ids)
            if transport == "upgrade":
                assert client.expect("upgrade") == ["websocket"]
            assert sockets[0].call("message-with-ack", round_number) == [round_number]
            if transport == "polling":
                wire.settle()
            wire.cut()
            for socket, sid in zip(sockets, ids, strict=True):
                expected = "transport error" if transport == "polling" else "transport close"
                assert socket.disconnected() == expected
                assert server.logged("disconnect", id=sid)["reason"] == expected
        for socket in sockets:
            socket.connected()
            # What is emitted while it is away is delivered afterwards.
            assert socket.call("message-with-ack", "back") == ["back"]


def test_emitted_while_away(dial: Dial, server: Server, transport: str) -> None:
    with Wire(server.port) as wire:
        client = dial(url=wire.url, reconnection=True, reconnectionDelay=100)
        socket = client.socket()
        socket.connected()
        socket.expect("auth")
        if transport == "upgrade":
            client.expect("upgrade")
        if transport == "polling":
            wire.settle()
        wire.cut()
        socket.disconnected()
        questions = [socket.ask("message-with-ack", number, b"\x00") for number in range(5)]
        assert [socket.answer(question) for question in questions] == [[number, b"\x00"] for number in range(5)]


@pytest.mark.old_clients("polling")
def test_the_server_shuts_down_and_comes_back(
    dial: Dial, start_server: Callable[[int], Server], transport: str
) -> None:
    """`io.close()` is no disconnect: the clients may and do come back."""
    first = start_server(0)
    with Wire(first.port) as wire:
        client = dial(url=wire.url, reconnection=True, reconnectionDelay=20, reconnectionDelayMax=100)
        sockets = [client.socket(), client.socket("/custom")]
        ids = [socket.connected() for socket in sockets]
        for socket in sockets:
            socket.expect("auth")
        if transport == "upgrade":
            client.expect("upgrade")
        if transport == "polling":
            wire.settle()
            wait_for_what_was_sent(first)
        first.stop()
        for socket, sid in zip(sockets, ids, strict=True):
            assert first.logged("disconnect", id=sid)["reason"] == "server shutting down"
            assert socket.disconnected() == "transport close"
            assert socket.state["active"] is (None if client.is_old else True)
        second = start_server(first.port)
        for socket in sockets:
            sid = socket.connected()
            assert socket.call("message-with-ack", "hello again") == ["hello again"]
            second.logged("connection", id=sid)
        client.leave()
