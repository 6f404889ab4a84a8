"""What is different with servers of revision 3: "/" is joined unasked, auth is a query, errors are any value."""

import importlib
from typing import Any

import pytest

from sansio_eio import LocalProtocolError
from tests.conformance.client.left_out import IN_REVISION_3, IN_SOCKETIO_2
from tests.conformance.client.servers import SOCKETIO_2, SOCKETIO_4_FOR_OLD
from tests.conformance.client.test_connecting import REFUSAL
from tests.conformance.client.test_reconnecting import QUICK
from tests.conformance.client.world import OLD_SERVERS, WatchedClient, World

POLLING = pytest.mark.parametrize("transport", ["polling"])
UPGRADE = pytest.mark.parametrize("transport", ["upgrade"])


def note_errors(watched: WatchedClient) -> list[tuple[str, str]]:
    """The errors that are reported from now on: what they are, and where."""
    reported: list[tuple[str, str]] = []
    watched.client.on_error(lambda error, where: reported.append((type(error).__name__, where)))
    return reported


@pytest.mark.parametrize("name", [*IN_REVISION_3, *IN_SOCKETIO_2])
def test_what_is_left_out_is_there(name: str) -> None:
    module, _, scenario = name.partition(".")
    found = importlib.import_module(f"tests.conformance.client.{module}")
    assert not scenario or hasattr(found, scenario)


@OLD_SERVERS
async def test_ids(world: World) -> None:
    """Nobody tells the client: both sides make them up in the same way."""
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        assert watched.session.protocol == 3
        assert socket.id == watched.session.sid
        assert custom.socket.id == f"/custom#{watched.session.sid}"
        for one in (socket, custom.socket):
            assert (await world.logged("connection", id=one.id))["namespace"] == one.namespace


@OLD_SERVERS
@POLLING
async def test_connect_is_not_asked_for(world: World) -> None:
    """There is a POST for what is emitted, and none before. (One server ends a session that joins "/" twice.)"""
    watched = world.client(query={"key": world.key})
    async with world.connect(watched) as socket:
        requests = world.server.requests(world.key)
        assert {(request["method"], request["query"]["EIO"]) for request in requests} == {("GET", "3")}
        assert await socket.call("ask", 1, timeout=10) == 1
    posts = [request for request in world.server.requests(world.key) if request["method"] == "POST"]
    # The question, and goodbye.
    assert len(posts) in (2, 3)


@OLD_SERVERS
@POLLING
async def test_type_of_a_payload(world: World) -> None:
    """It is binary if there is something binary in it, and text if not."""
    watched = world.client("/custom", query={"key": world.key})
    async with world.connect(watched) as socket:
        assert await socket.call("ask", "😀", timeout=10) == "😀"
        before = [request["type"] for request in world.server.requests(world.key) if request["method"] == "POST"]
        assert await socket.call("ask", "😀", b"\xf0\x9f", timeout=10) == ("😀", b"\xf0\x9f")
        posts = [request["type"] for request in world.server.requests(world.key) if request["method"] == "POST"]
    assert {kind.lower().replace(" ", "") for kind in before} == {"text/plain;charset=utf-8"}
    assert "application/octet-stream" in posts[len(before) :]


HARD: dict[str, Any] = {
    "name": "☃ 😀",
    "a&b=c": "/?#,+%20 d",
    "": "",
    "__proto__": "x",
    "yes": True,
    "no": False,
    "n": -3,
    "x": 1.5,
}
HARD_ON_THE_SERVER = {**HARD, "yes": "true", "no": "false", "n": "-3", "x": "1.5"}


@OLD_SERVERS
async def test_auth_is_a_query(world: World) -> None:
    """Behind the name of the namespace, whose answers do not have it."""
    watched = world.client("/custom", auth=HARD, query={"a": "of all requests"})
    room = watched.of("/room-3", auth={"other": "☃"})
    async with world.connect(watched) as socket:
        (welcome,) = await watched.expect("welcome")
        # As the query of Node has it, which gives no prototype away.
        assert {"__proto__": "x", **welcome} == HARD_ON_THE_SERVER
        assert await room.expect("welcome") == [{"other": "☃"}]
        assert await socket.call("ask", b"\x01", timeout=10) == b"\x01"
        handshake = await socket.call("handshake", timeout=10)
        assert handshake["query"]["a"] == "of all requests"


@OLD_SERVERS
async def test_auth_from_a_function(world: World) -> None:
    """It is asked at every connection."""
    times = iter(range(10))
    watched = world.client()
    custom = watched.of("/custom", auth=lambda: {"time": next(times)})
    async with world.connect(watched):
        assert await custom.expect("welcome") == [{"time": "0"}]
        sid = custom.socket.id
        custom.socket.disconnect()
        # In one go with the CONNECT behind it, the servers would not take it.
        await world.logged("disconnect", id=sid)
        custom.socket.connect()
        assert await custom.expect("welcome") == [{"time": "1"}]


@OLD_SERVERS
async def test_auth_that_no_query_can_show(world: World) -> None:
    watched = world.client("/custom", auth={"deep": [1]})
    reported = note_errors(watched)
    error = await world.failure(watched)
    assert error.message == "auth has failed"
    assert isinstance(error.__cause__, LocalProtocolError)
    assert [name for name, _ in reported] == ["LocalProtocolError"]


@OLD_SERVERS
async def test_auth_of_the_main_namespace(world: World) -> None:
    """There is no packet to show it in: that is reported, and the server asked nothing of it."""
    watched = world.client(auth={"token": "secret"})
    reported = note_errors(watched)
    async with world.connect(watched):
        assert await watched.expect("welcome") == [{}]
    assert [name for name, _ in reported] == ["LocalProtocolError"]


@OLD_SERVERS
async def test_main_namespace_that_nobody_wants(world: World) -> None:
    """It is joined all the same, and what it says goes nowhere; until it is wanted, which costs nothing."""
    watched = world.client("/custom")
    async with world.connect(watched) as socket:
        await world.logged("connection", id=watched.session.sid)
        assert await socket.call("ask", 1, timeout=10) == 1
        root = watched.of("/")
        root.socket.connect()
        assert root.socket.connected
        assert root.socket.id == watched.session.sid
        root.socket.emit("echo", b"\x01")
        assert await root.expect("echo back") == [b"\x01"]
        assert root.seen("welcome") == []
        root.socket.disconnect()
        await world.logged("disconnect", id=watched.session.sid)
        assert await socket.call("ask", 2, timeout=10) == 2


@OLD_SERVERS
@UPGRADE
async def test_main_namespace_that_is_left(world: World) -> None:
    """The others stay, and it can be joined again, which has to be asked for now: 2.x lets it in without a word."""
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        await watched.expect("welcome")
        sid = socket.id
        socket.disconnect()
        assert (await world.logged("disconnect", id=sid))["reason"] == "client namespace disconnect"
        assert await custom.socket.call("ask", 1, timeout=10) == 1
        socket.connect()
        assert await watched.expect("welcome") == [{}]
        assert (socket.connected, socket.id) == (True, sid)
        assert await socket.call("ask", b"\x01", timeout=10) == b"\x01"
    assert custom.seen("disconnect") == [["io client disconnect"]]


@OLD_SERVERS
@UPGRADE
async def test_main_namespace_that_the_server_ends(world: World) -> None:
    watched = world.client()
    custom = watched.of("/custom")
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        await watched.expect("welcome")
        socket.emit("kick", False)
        assert await watched.expect("disconnect") == ["io server disconnect"]
        assert await custom.socket.call("ask", 1, timeout=10) == 1
        socket.connect()
        assert await watched.expect("welcome") == [{}]
        assert await socket.call("ask", 2, timeout=10) == 2


@OLD_SERVERS
async def test_what_is_emitted_before_the_connection(world: World) -> None:
    """On two namespaces, one of which shows something; over polling it may be in one payload, which is binary."""
    watched = world.client()
    custom = watched.of("/custom", auth={"token": "x"})
    for number in range(10):
        watched.socket.emit("collect", world.key, [number, b"\x01"])
        custom.socket.emit("collect", world.key + "custom", [number, "😀"])
    async with world.connect(watched) as socket:
        await custom.expect("connect")
        assert await world.collected(socket) == [[number, b"\x01"] for number in range(10)]
        answer = await custom.socket.call("collected", world.key + "custom", timeout=10)
        assert answer == [[number, "😀"] for number in range(10)]


@OLD_SERVERS
async def test_slow_main_namespace(world: World) -> None:
    """Its middleware takes its time. A CONNECT to another one before that would lose its query in Socket.IO 2.x."""
    watched = world.client("/custom", path="/slow/socket.io/", auth={"token": "x"})
    root = watched.of("/")
    root.socket.emit("collect", world.key, "early")
    async with world.connect(watched) as socket:
        assert await watched.expect("welcome") == [{"token": "x"}]
        await root.expect("connect")
        assert await world.collected(root.socket) == ["early"]
        assert await socket.call("ask", 1, timeout=10) == 1


SHAPES = [("/list", "", [1, "two", None]), ("/complete", "in its data", {"code": 7}), ("/yes", "", True)]


@OLD_SERVERS
@pytest.mark.parametrize(("namespace", "message", "data"), SHAPES)
async def test_refusals(world: World, namespace: str, message: str, data: Any) -> None:
    """Whatever the application has for an error comes as it is."""
    error = await world.failure(world.client(namespace))
    assert (error.message, error.data) == (message, data)


@OLD_SERVERS
async def test_refused_by_the_main_namespace(world: World) -> None:
    """Nobody has asked, and still the answer is no; the query of the session is what it goes by."""
    watched = world.client(path="/closed/socket.io/")
    error = await world.failure(watched)
    assert (error.message, error.data) == ("", REFUSAL)
    admitted = world.client(path="/closed/socket.io/", query={"token": "secret"})
    async with world.connect(admitted) as socket:
        assert await socket.call("ask", 1, timeout=10) == 1


@pytest.mark.parametrize("kind", [SOCKETIO_4_FOR_OLD])
async def test_beside_a_main_namespace_that_refuses(world: World) -> None:
    watched = world.client("/custom", path="/closed/socket.io/", auth={"token": "x"})
    root = watched.of("/")
    async with world.connect(watched, wait=False) as socket:
        assert await watched.expect("welcome") == [{"token": "x"}]
        assert (await root.refused()).data == REFUSAL
        assert await socket.call("ask", 1, timeout=10) == 1
        assert not root.socket.active


@pytest.mark.parametrize("kind", [SOCKETIO_2])
async def test_behind_a_main_namespace_that_refuses(world: World) -> None:
    """Socket.IO 2.x never answers for the others then."""
    watched = world.client("/custom", path="/closed/socket.io/", connect_timeout=0.2)
    error = await world.failure(watched)
    assert error.message == "timeout"


@OLD_SERVERS
async def test_server_that_forgets_everything(world: World) -> None:
    """On the next session "/" is there unasked, the others are asked for again, each with its query."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    others = [watched.of("/custom", auth={"n": 1}), watched.of("/room-4", auth={"n": 2})]
    async with world.connect(watched) as socket:
        for times in range(2):
            assert await watched.expect("welcome") == [{}]
            assert [await other.expect("welcome") for other in others] == [[{"n": "1"}], [{"n": "2"}]]
            assert others[0].socket.id == f"/custom#{socket.id}"
            assert await socket.call("ask", times, timeout=10) == times
            if not times:
                proxy.refuse()
                proxy.cut()
                for one in (watched, *others):
                    await one.expect("disconnect")
                proxy.listen()


@pytest.mark.parametrize("kind", [SOCKETIO_2])
async def test_more_than_the_server_takes(world: World) -> None:
    """It did not say how much that is: it ends the session, and the client comes back without what was too much."""
    watched = world.client(path="/small/socket.io/", **QUICK)
    async with world.connect(watched) as socket:
        await watched.expect("connect")
        socket.emit("collect", world.key, "x" * 2000)
        assert await watched.expect("disconnect") in (["transport error"], ["transport close"])
        await watched.expect("connect")
        socket.emit("collect", world.key, "small")
        assert await world.collected(socket) == ["small"]


@OLD_SERVERS
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_byte_by_byte(world: World) -> None:
    """Binary payloads, and texts whose length is counted in halves of characters."""
    proxy = world.network.proxy(world.server.port)
    proxy.split = True
    watched = world.client(url=proxy.url)
    async with world.connect(watched) as socket:
        for args in (["€😀" * 9], [b"\x00\xff" * 20, "😀", b""]):
            socket.emit("echo", *args)
            assert await watched.expect("echo back") == args


@OLD_SERVERS
@UPGRADE
async def test_answers_are_awaited_while_it_upgrades(world: World) -> None:
    """Binary both ways, in payloads and in frames."""
    watched = world.client("/custom")
    async with world.connect(watched) as socket:
        number = 0
        while watched.transport != "websocket" or number < 10:
            assert await socket.call("ask", bytes([number % 256]), "☃", timeout=10) == (bytes([number % 256]), "☃")
            number += 1
        assert await socket.call("ask", b"\x04", timeout=10) == b"\x04"


NOT_AN_ENGINE = {
    "no length": b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}',
    "half": b'97:0{"sid":"x"',
    "nothing": b"",
    "a message first": b"3:4hi",
    "no session id": b"3:0{}",
    "a page": b"<!doctype html><title>Welcome</title>",
    "not a digit": "²:0{}".encode(),
}


@pytest.mark.parametrize("kind", [SOCKETIO_2])
@POLLING
@pytest.mark.parametrize("payload", NOT_AN_ENGINE)
async def test_pages_that_are_no_engine(world: World, payload: str) -> None:
    body = NOT_AN_ENGINE[payload]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    proxy = world.network.answering(head.encode() + body)
    error = await world.failure(world.client(url=proxy.url, connect_timeout=5.0))
    assert (error.message, error.status) == ("server error", None)


MALFORMED = {
    "half": b"9:4",
    "no length": b"4",
    "unknown type": b"1:9",
    "binary that is text": b"4:b4A=",
    "a second handshake": b'12:0{"sid":"x"}',
}


@OLD_SERVERS
@POLLING
@pytest.mark.parametrize("payload", MALFORMED)
async def test_payload_that_is_none(world: World, payload: str) -> None:
    """What comes before is delivered. Then the session ends, and the client comes back."""
    proxy = world.network.proxy(world.server.port)
    watched = world.client(url=proxy.url, **QUICK)
    async with world.connect(watched) as socket:
        await watched.expect("welcome")
        await watched.expect("connect")
        gate = proxy.hold("down", b"never")
        socket.emit("echo", "never")
        await world.adapter.blocking(gate.wait)
        body = '16:42["first","😀"]'.encode() + MALFORMED[payload]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
        gate.answer(head.encode() + body)
        assert await watched.expect("first") == ["😀"]
        assert await watched.expect("disconnect") == ["transport error"]
        await watched.expect("connect")
        assert await socket.call("ask", 1, timeout=10) == 1
    assert watched.seen("echo back") == []


@OLD_SERVERS
async def test_engine_without_namespaces(world: World) -> None:
    """It never says that "/" is joined."""
    watched = world.client(path="/engine.io/", connect_timeout=0.2)
    error = await world.failure(watched)
    assert error.message == "timeout"
