"""Many connections of one client."""

import pytest

from sansio_eio import LocalProtocolError
from sansio_eio.engineio import Runtime
from sansio_eio.http import ClientEndpoint, ClientHttpSettings
from tests.unit.http.client_support import Asker, Net, asked, response, switching


def test_a_connection_is_kept_for_the_next_request() -> None:
    net = Net()
    first = asked(net).feed(response(b"a"))
    first.take()
    assert asked(net, "POST") is first
    assert first.take().startswith(b"POST / ")
    # A second one at the same time has its own,
    second = asked(net)
    assert second is net.lines[1]
    first.feed(response(b"b"))
    second.feed(response(b"c"))
    # and then the last one is used again, so that the other may end.
    net.app.ask()
    net.pump()
    assert (first.connection.idle, second.connection.idle) == (True, False)
    assert [each.body for _, each in net.app.responses] == [b"a", b"b", b"c"]
    assert [line.dialled for line in net.lines] == [True, True]


def test_a_websocket_has_a_connection_of_its_own() -> None:
    net = Net()
    asked(net).feed(response())
    net.app.open_websocket()
    net.pump().lines[1].feed(switching())
    assert asked(net) is net.lines[0]
    assert [line.take().count(b"GET") for line in net.lines] == [2, 1]


def test_an_idle_connection_ends() -> None:
    net = Net()
    line = asked(net).feed(response(), b"")
    assert net.wait(3.9).lines[0].end == ""
    assert net.wait(0.2).lines[0].end == "closing"
    # It is of no use while the driver closes it.
    asked(net)
    assert len(net.lines) == 2
    assert line.lose().net.app.closed == []
    # Nor is one that the server has closed.
    net.lines[1].feed(response()).eof()
    assert net.lines[1].end == "closing"
    net.lines[1].lose()
    asked(net)
    assert len(net.lines) == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("timeout=3", 2.0),
        ("max=100, Timeout = 3", 2.0),
        ('timeout="2"', 1.0),
        ("timeout=5, max=1000", 4.0),
        ("timeout=100", 4.0),
        ("x-timeout=2", 4.0),
        ("timeout=-1", 4.0),
        ("timeout=" + "9" * 40, 4.0),
        ("", 4.0),
    ],
)
def test_the_server_says_how_long_it_keeps_a_connection(header: str, seconds: float) -> None:
    net = Net()
    asked(net).feed(response(b"", f"Keep-Alive: {header}"))
    assert net.wait(seconds - 0.1).lines[0].end == ""
    assert net.wait(0.2).lines[0].end == "closing"


@pytest.mark.parametrize("header", ["timeout=1", "timeout=0"])
def test_a_server_that_keeps_no_connection(header: str) -> None:
    assert asked(Net()).feed(response(b"", f"Keep-Alive: {header}")).end == "closing"


@pytest.mark.parametrize("how", ["eof", "lose", "data"])
def test_a_kept_connection_that_ends_before_the_request_left(how: str) -> None:
    net = Net()
    line = asked(net).feed(response())
    line.take()
    channel = net.app.ask("POST", body=b"x", timeout=9.0)
    assert net.endpoint.take_ready() == [line.connection]
    match how:
        case "eof":
            line.connection.receive_eof(now=0.0)
        case "lose":
            line.connection.connection_lost(now=0.0, error=ConnectionResetError())
        case _:
            line.connection.receive_data(response(b"", status="408 Request Timeout"), now=0.0)
    net.pump()
    # Not a byte was taken: nobody can have served it.
    assert (line.take(), line.end) == (b"", "aborted")
    assert net.lines[1].take().startswith(b"POST / ")
    assert (net.app.closed, len(net.app.responses)) == ([], 1)
    net.lines[1].feed(response(b"ok"))
    assert net.app.responses[1][0] is channel


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_ends_behind_the_request(method: str) -> None:
    net = Net()
    asked(net).feed(response())
    first = net.app.ask(method)
    net.pump().lines[0].eof()
    # It may have been served, and would be served twice: packets would be lost, or doubled.
    assert net.app.closed == [(first, "the server closed the connection before it answered")]
    assert len(net.lines) == 1


def test_a_new_connection_that_ends_at_once_is_not_tried_again() -> None:
    net = Net()
    channel = net.app.ask()
    [connection] = net.endpoint.take_ready()
    connection.connected(now=0.0)
    connection.receive_eof(now=0.0)
    assert net.pump().app.closed == [(channel, "the server closed the connection before it answered")]
    assert len(net.lines) == 1


def test_a_paused_connection() -> None:
    net = Net()
    line = asked(net).feed(response())
    line.connection.pause_writing(now=0.0)
    # It is not used again,
    asked(net)
    assert len(net.lines) == 2
    # and not listed until it has something to close.
    assert net.endpoint.take_ready() == []
    assert net.wait(4.1).lines[0].end == "aborted"


def test_too_many_connections() -> None:
    net = Net(max_connections=2)
    channels = [net.app.ask() for _ in range(4)]
    net.app.end(channels[3])
    net.pump()
    assert len(net.lines) == 2
    assert net.app.closed == [(channels[2], "there are too many connections to the server")]
    net.lines[0].lose()
    asked(net)
    assert len(net.lines) == 3


def test_a_refusal_that_the_application_does_not_wait_for() -> None:
    net = Net(max_connections=1)
    asked(net)
    channel = net.app.ask()
    assert net.endpoint.take_ready() == []
    net.app.read(channel, enabled=False)
    assert net.endpoint.take_ready() == []
    assert net.endpoint.next_deadline() == float("-inf")
    net.app.end(channel)
    assert net.endpoint.take_ready() == []
    assert net.endpoint.next_deadline() is None
    assert channel.actions == []


def test_actions_that_come_too_late() -> None:
    net = Net()
    channel = net.app.ask()
    net.pump().lines[0].feed(response())
    net.app.end(channel)
    net.pump()
    # They are taken, and the connection serves others.
    assert (channel.actions, net.lines[0].end) == ([], "")


def test_close() -> None:
    net = Net()
    asked(net).feed(response())
    parked, idle = asked(net), asked(net)
    assert parked is net.lines[0]
    socket = net.app.open_websocket()
    net.pump()
    idle.feed(response())
    net.lines[2].feed(switching())
    net.app.over = False
    net.endpoint.close(now=0.0, grace=7.0)
    net.pump()
    assert net.app.shut_down
    assert [line.end for line in net.lines] == ["", "", ""]
    # The client says goodbye: with a request, for which there is a connection,
    assert asked(net, "POST") is idle
    assert idle.feed(response()).end == ""
    # or by closing what is open.
    net.app.end(socket)
    net.pump().lines[2].feed(b"\x88\x00")
    assert net.lines[2].eof().end == "closing"
    net.app.over = True
    net.pump()
    assert [line.end for line in net.lines] == ["", "closing", "closing"]
    parked.feed(response())
    assert parked.end == "closing"
    for line in net.lines:
        assert not net.endpoint.done
        line.lose()
    assert net.endpoint.done
    assert net.endpoint.next_deadline() is None


def test_done_is_not_before_close() -> None:
    net = Net()
    assert not net.endpoint.done
    net.endpoint.close(now=0.0, grace=7.0)
    assert net.endpoint.done
    assert net.endpoint.next_deadline() is None


def test_the_grace_of_a_close_ends() -> None:
    net = Net()
    asked(net)
    net.endpoint.close(now=0.0, grace=7.0)
    assert net.wait(6.0).lines[0].end == ""
    # It counts for connections that are made meanwhile as well.
    net.lines[0].lose()
    net.reachable = False
    asked(net)
    assert net.wait(0.9).lines[1].end == ""
    assert net.wait(0.2).lines[1].end == "aborted"
    net.lines[1].lose()
    assert net.endpoint.next_deadline() is None


def test_the_grace_may_be_cut_short() -> None:
    net = Net()
    asked(net)
    net.endpoint.cut()
    assert net.pump().lines[0].end == "aborted"


def test_time_and_the_runtime_pass_through() -> None:
    app = Asker()
    net = Net(app)
    app.deadline = 5.0
    assert net.endpoint.next_deadline() == 5.0
    asked(net).feed(response())
    assert net.endpoint.next_deadline() == 4.0
    assert net.endpoint.take_runnable() == []
    runtime: Runtime | None = None
    net.endpoint.install(runtime)
    assert app.runtime is None


def test_the_default_dice_are_good_ones() -> None:
    app = Asker()
    lines: list[object] = []
    endpoint = ClientEndpoint(app, owner=lambda _: lines.append)
    app.open_websocket()
    app.open_websocket()
    connections = endpoint.take_ready()
    for connection in connections:
        connection.connected(now=0.0)
    sent = [connection.data_to_send(now=0.0) for connection in endpoint.take_ready()]
    assert sent[0] != sent[1]
    assert [connection.owner for connection in connections] == [lines.append] * 2


@pytest.mark.parametrize("name", ["keep_alive_timeout", "max_connections", "write_timeout"])
def test_settings_are_above_zero(name: str) -> None:
    with pytest.raises(LocalProtocolError, match=name):
        ClientHttpSettings(**{name: 0})
    with pytest.raises(LocalProtocolError, match="max_header_count"):
        ClientEndpoint(Asker(), owner=lambda _: None, max_header_count=0)
