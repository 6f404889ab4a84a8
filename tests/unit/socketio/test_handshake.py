"""What is known of a client when it connects."""

from collections.abc import Callable
from datetime import UTC, datetime

from sansio_eio.engineio import Request
from sansio_eio.socketio.handshake import Handshake, make_handshake
from tests.unit.socketio.helpers import Net

Serve = Callable[..., Net]


def test_all_of_it() -> None:
    request = Request(
        "GET",
        "/socket.io/",
        "EIO=4&transport=websocket&token=x%20y",
        [("host", "example.com"), ("cookie", "a=1"), ("origin", "https://example.com"), ("cookie", "b=2")],
        remote="192.0.2.1",
        secure=True,
    )
    assert make_handshake(request, {"user": 1}, 1_700_000_000.5) == Handshake(
        headers={"host": "example.com", "cookie": "a=1, b=2", "origin": "https://example.com"},
        query={"EIO": "4", "transport": "websocket", "token": "x y"},
        auth={"user": 1},
        address="192.0.2.1",
        url="/socket.io/?EIO=4&transport=websocket&token=x%20y",
        secure=True,
        xdomain=True,
        issued=1_700_000_000.5,
    )


def test_almost_nothing_of_it() -> None:
    handshake = make_handshake(Request("GET", "/socket.io/"), {}, 0.0)
    assert handshake == Handshake({}, {}, {}, "", "/socket.io/", secure=False, xdomain=False, issued=0.0)
    assert handshake.time == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_change_of_it_changes_nothing_else() -> None:
    request = Request("GET", "/socket.io/", "sid=x")
    make_handshake(request, {}, 0.0).query.clear()
    assert request.params == {"sid": "x"}


def test_each_namespace_has_its_own(serve: Serve) -> None:
    net = serve()
    net.io.of("/b")
    client = net.client('0{"a":1}')
    net.later(5.0)
    client.say('0/b,{"b":2}')
    one, two = net.io.sockets.sockets["s1"].handshake, net.io.of("/b").sockets["s2"].handshake
    assert (one.auth, two.auth) == ({"a": 1}, {"b": 2})
    assert (one.issued, two.issued) == (1000.0, 1005.0)
    assert one.query == two.query == {"EIO": "4", "transport": "websocket"}
    assert one.address == "192.0.2.1"


def test_without_a_driver_the_time_is_that_of_the_core(serve: Serve) -> None:
    net = serve(runtime=False)
    _, socket = net.socket()
    assert socket.handshake.issued == net.now
