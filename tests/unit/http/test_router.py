"""Several servers on one port."""

import pytest

from sansio_eio import EngineServer, LocalProtocolError, Request, Response, Server
from sansio_eio.engineio import Channel
from sansio_eio.http import Router, ServerEndpoint
from tests.unit.http.support import Echo, Wire, connect, handshake, ok, request, status, switching, text
from tests.unit.http.test_pump import HandLoop

PATHS = {
    "/a/": "a",
    "/a": "a",
    "/a/c?x": "a",
    "/a/b/": "ab",
    "/a/b": "ab",
    "/a/b/c": "ab",
    "/a/bc": "a",
    "/ab": "fallback",
    "/": "fallback",
    "/A/": "fallback",
    "/%61/": "fallback",
}


def which(path: str) -> str:
    """Who gets a request for this path."""
    servers = {"a": Echo(), "ab": Echo()}
    seen: list[Request] = []

    def fallback(request: Request) -> Response:
        seen.append(request)
        return Response(204)

    wire = connect(Router({"/a/": servers["a"], "/a/b/": servers["ab"]}, fallback)).feed(request("GET", path))
    assert status(wire.take()) in (200, 204)
    return "".join(name for name, server in servers.items() if server.requests) or ("fallback" if seen else "")


@pytest.mark.parametrize("path", PATHS)
def test_the_longest_prefix_wins(path: str) -> None:
    assert which(path) == PATHS[path]


@pytest.mark.parametrize("prefix", ["", "a/", "/a", "/a/?b/", "/a#/", "/ /", "/%61/", "//", "/é/"])
def test_prefixes_are_checked(prefix: str) -> None:
    with pytest.raises(LocalProtocolError, match="a slash at both ends"):
        Router({prefix: Echo()})


def test_everything_may_be_mounted_on_the_root() -> None:
    app = Echo()
    assert connect(Router({"/": app})).feed(request("GET", "/x/y")).take() == ok(b"GET /x/y? ")


def test_nothing_there() -> None:
    wire = connect(Router({"/a/": Echo()}))
    assert status(wire.feed(request()).take()) == 404
    assert wire.end == ""
    assert status(wire.feed(handshake()).take()) == 404
    assert wire.end == "closing"


def test_websockets_of_several_servers() -> None:
    first, second = Echo(), Echo()
    endpoint = ServerEndpoint(Router({"/1/": first, "/2/": second}))
    wires = Wire(endpoint).feed(handshake("/1/")), Wire(endpoint).feed(handshake("/2/"))
    assert [wire.feed(text("a")).take() for wire in wires] == [switching() + b"\x81\x01a"] * 2
    wires[1].lose()
    assert (first.messages, second.messages) == (["a"], ["a"])
    assert (len(first.closed), len(second.closed)) == (0, 1)


def test_limits_of_bodies() -> None:
    router = Router({"/a/": Echo(body_limit=3)}, lambda request: Response(200, [], request.body), max_body_size=5)
    for path, size in (("/a/", 3), ("/", 5)):
        assert (
            status(connect(router).feed(request("POST", path, [f"Content-Length: {size}"], b"x" * size)).take()) == 200
        )
        assert status(connect(router).feed(request("POST", path, [f"Content-Length: {size + 1}"])).take()) == 413


def test_a_fallback_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fallback(request: Request) -> Response:
        raise ValueError(request.path)

    assert status(connect(Router({}, fallback)).feed(request()).take()) == 500
    assert caplog.records[0].message == "the fallback failed for /"


def test_the_loss_of_a_request_of_the_fallback() -> None:
    router = Router({})
    channel = router.open_channel("owner")
    assert channel.owner == "owner"
    router.request_received(channel, Request("GET", "/"), now=0.0)
    router.message_received(channel, "not a WebSocket", now=0.0)
    router.channel_closed(channel, now=0.0)
    assert router.take_ready() == [channel]


class Step:
    """A session with something to do."""

    def step(self) -> None:
        """Nothing."""


def test_drains_are_merged() -> None:
    first, second = Echo(), Echo()
    router = Router({"/1/": first, "/2/": second, "/3/": second})
    assert router.next_deadline() is None
    second.deadline = 3.0
    assert router.next_deadline() == 3.0
    first.deadline = 2.0
    assert router.next_deadline() == 2.0
    router.advance(now=1.0)
    assert (first.advanced, second.advanced) == ([1.0], [1.0])
    steps = Step(), Step()
    first.runnable, second.runnable = [steps[0]], [steps[1]]
    assert router.take_runnable() == [*steps]
    channels: list[Channel] = []
    for app in (second, first):
        channel = app.open_channel()
        app.respond(channel, Response(200))
        channels.append(channel)
    assert router.take_ready() == [channels[1], channels[0]]
    router.close()
    assert first.shut_down
    assert second.shut_down
    router.install(None)
    assert first.runtime is None


def test_real_servers() -> None:
    io, engine = Server(), EngineServer()
    endpoint = ServerEndpoint(Router({io.path: io, engine.path: engine}))
    for path in ("/socket.io/", "/engine.io/"):
        opened = Wire(endpoint).feed(request("GET", f"{path}?EIO=4&transport=polling")).take()
        assert b'0{"sid":' in opened
        opened = Wire(endpoint).feed(handshake(f"{path}?EIO=4&transport=websocket")).take()
        assert b'0{"sid":' in opened
    assert status(Wire(ServerEndpoint(EngineServer())).feed(request("GET", "/socket.io/")).take()) == 404


def test_it_is_installed_everywhere_or_nowhere() -> None:
    one, other = EngineServer(), EngineServer()
    mine, theirs = HandLoop(EngineServer()).pump, HandLoop(EngineServer()).pump
    other.install(theirs)
    # The longest prefix comes first.
    router = Router({"/the-one/": one, "/other/": other})
    with pytest.raises(LocalProtocolError, match="served already"):
        router.install(mine)
    assert one.runtime is None
    assert other.runtime is theirs
    other.install(None)
    router.install(mine)
    assert one.runtime is other.runtime is mine
