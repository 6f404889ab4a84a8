"""Many connections of one endpoint."""

import pytest

from sansio_eio import LocalProtocolError, Response
from sansio_eio.http import HttpSettings, ServerEndpoint
from tests.unit.http.support import Echo, Wire, connect, handshake, ok, request, status


def test_output_for_another_connection() -> None:
    app = Echo()
    endpoint = ServerEndpoint(app)
    first, second = Wire(endpoint).feed(handshake()), Wire(endpoint).feed(handshake())
    first.take()
    second.take()
    app.send(app.channels[0], "a")
    app.send(app.channels[1], "b")
    second.connection.receive_data(b"\x89\x80\x00\x00\x00\x00", now=0.0)
    assert endpoint.take_ready() == [second.connection, first.connection]
    assert second.connection.data_to_send(now=0.0) == b"\x81\x01b\x8a\x00"
    assert first.connection.data_to_send(now=0.0) == b"\x81\x01a"
    assert endpoint.take_ready() == []


def test_a_paused_connection_is_not_ready() -> None:
    app = Echo()
    wire = connect(app).feed(handshake())
    wire.connection.pause_writing(now=0.0)
    app.send(app.channels[0], "a")
    assert wire.endpoint.take_ready() == []
    wire.connection.resume_writing(now=0.0)
    assert wire.endpoint.take_ready() == [wire.connection]
    # Unless it is to be closed all the same.
    wire.connection.pause_writing(now=0.0)
    wire.connection.receive_eof(now=0.0)
    assert wire.endpoint.take_ready() == [wire.connection]


def test_too_many_connections_are_turned_away() -> None:
    endpoint = ServerEndpoint(Echo(), max_connections=2)
    wires = [Wire(endpoint) for _ in range(3)]
    assert status(wires[2].take()) == 503
    assert wires[2].end == "closing"
    assert wires[2].feed(request()).take() == b""
    assert wires[0].feed(request()).take() == ok(b"GET /? ")
    wires[0].lose()
    wires[2].lose()
    assert Wire(endpoint).feed(request()).take() == ok(b"GET /? ")


def test_close() -> None:
    app = Echo()
    endpoint = ServerEndpoint(app)
    fresh, idle, busy, begun, socket = (Wire(endpoint) for _ in range(5))
    idle.feed(request()).take()
    busy.feed(request("GET", "/park"))
    begun.feed(request()[:5])
    socket.feed(handshake()).take()
    endpoint.close(now=0.0, grace=7.0)
    fresh.pump()
    assert app.shut_down
    assert (fresh.end, idle.end, busy.end, begun.end, socket.end) == ("closing", "closing", "", "", "")
    app.respond(app.channels[1], Response(200, [("content-type", "text/plain")], b"parked"))
    assert busy.pump().take() == ok(b"parked", "connection: close")
    assert begun.feed(request()[5:]).take() == ok(b"GET /? ", "connection: close")
    assert (busy.end, begun.end) == ("closing", "closing")
    assert status(Wire(endpoint).take()) == 503


def test_the_grace_of_a_close_ends() -> None:
    endpoint = ServerEndpoint(Echo())
    silent, gone = Wire(endpoint), Wire(endpoint)
    silent.feed(handshake())
    assert not endpoint.done
    endpoint.close(now=0.0, grace=7.0)
    gone.lose()
    assert silent.wait(6.0).end == ""
    assert silent.wait(1.0).end == "aborted"
    assert gone.end == ""
    assert not endpoint.done
    silent.lose()
    assert endpoint.done
    assert endpoint.next_deadline() is None


def test_the_grace_may_be_cut_short() -> None:
    endpoint = ServerEndpoint(Echo())
    silent = Wire(endpoint).feed(handshake())
    endpoint.close(now=0.0, grace=7.0)
    endpoint.cut()
    assert silent.pump().end == "aborted"


def test_a_transport_without_half_close_is_closed() -> None:
    endpoint = ServerEndpoint(Echo())
    wires = [Wire(endpoint), Wire(endpoint, half_close=False)]
    for wire in wires:
        assert status(wire.feed(b"nonsense\r\n\r\n").take()) == 400
    assert [wire.end for wire in wires] == ["half closed", "closing"]


def test_time_and_runnable_sessions_pass_through() -> None:
    app = Echo()
    endpoint = ServerEndpoint(app)
    assert endpoint.next_deadline() is None
    app.deadline = 5.0
    assert endpoint.next_deadline() == 5.0
    Wire(endpoint)
    assert endpoint.next_deadline() == 5.0
    app.deadline = 50.0
    assert endpoint.next_deadline() == 20.0
    app.deadline = None
    assert endpoint.next_deadline() == 20.0
    endpoint.advance(now=3.0)
    assert app.advanced == [3.0]
    assert endpoint.take_runnable() == []
    endpoint.install(None)
    assert app.runtime is None


@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_settings_are_above_zero(value: float) -> None:
    with pytest.raises(LocalProtocolError, match="close_timeout"):
        HttpSettings(close_timeout=value)
    with pytest.raises(LocalProtocolError, match="max_header_count"):
        ServerEndpoint(Echo(), max_header_count=0)


def test_inputs_behind_the_loss_do_nothing() -> None:
    wire = connect().lose()
    wire.eof().feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").lose()
    assert wire.sent == b""
    assert not wire.endpoint.connections
    assert wire.endpoint.next_deadline() is None


def test_what_the_transport_does_not_take_comes_first_later() -> None:
    wire = connect()
    connection, endpoint = wire.connection, wire.endpoint
    connection.receive_data(request("GET", "/", ["Connection: close"]), now=0.0)
    assert endpoint.take_ready() == [connection]
    data = connection.data_to_send(now=0.0)
    assert connection.closing
    connection.hold_back(data[5:], now=0.0)
    assert not connection.closing
    assert endpoint.take_ready() == []
    connection.resume_writing(now=1.0)
    assert endpoint.take_ready() == [connection]
    assert connection.data_to_send(now=1.0) == data[5:]
    assert endpoint.take_ready() == [connection]
    assert connection.data_to_send(now=1.0) == b""
    assert connection.closing


def test_an_end_of_file_waits_for_what_is_held_back() -> None:
    wire = connect()
    wire.connection.receive_data(b"nonsense\r\n\r\n", now=0.0)
    [connection] = wire.endpoint.take_ready()
    connection.hold_back(connection.data_to_send(now=0.0), now=0.0)
    assert wire.end == ""
    connection.resume_writing(now=1.0)
    assert status(wire.pump().take()) == 400
    assert wire.end == "half closed"


def test_who_never_takes_what_is_held_back_is_aborted() -> None:
    wire = connect(write_timeout=7.0)
    wire.connection.hold_back(b"x", now=0.0)
    assert wire.wait(6.0).end == ""
    assert wire.wait(1.0).end == "aborted"
    assert wire.lose().connection.data_to_send(now=7.0) == b""
