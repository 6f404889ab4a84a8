"""Clients of revision 3 in the network."""

import pytest

from sansio_eio import EngineServer
from sansio_eio.engineio import Request, Response
from sansio_eio.engineio.client_settings import Protocol
from sansio_eio.http import Router
from sansio_eio.testing import Network, Transport
from tests.unit.testing.chat import make_chat

OPENING = '0{"sid":"session-000000000001","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}'

UPGRADED = f"""\
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling
    0.000  ada   <- poll  200
    0.000  ada   <- poll  {OPENING}
    0.000  ada   -> ws    GET /socket.io/?EIO=3&transport=websocket&sid=session-000000000001
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
    0.000  ada   <- poll  200
    0.000  ada   <- poll  40
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
    0.000  ada   <- ws    101
    0.000  ada   -> ws    2probe
    0.000  ada   <- ws    3probe
    0.000  ada   <- poll  200
    0.000  ada   <- poll  6
    0.000  ada   -> ws    5
    0.000  ada   -> ws    451-0["echo",{{"_placeholder":true,"num":0}},"€"]
    0.000  ada   -> ws    <3 bytes: 04 00 01>
    0.000  ada   <- ws    461-0[{{"_placeholder":true,"num":0}},"€"]
    0.000  ada   <- ws    <3 bytes: 04 00 01>
   25.000  ada   -> ws    2
   25.000  ada   <- ws    3
   25.000  ada   -> ws    close"""

POLLED = f"""\
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling
    0.000  ada   <- poll  200
    0.000  ada   <- poll  {OPENING}
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
    0.000  ada   <- poll  200
    0.000  ada   <- poll  40
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
    0.000  ada   -> post  POST /socket.io/?EIO=3&transport=polling&sid=session-000000000001
    0.000  ada   -> post  451-0["echo",{{"_placeholder":true,"num":0}},"€"]
    0.000  ada   -> post  <3 bytes: 04 00 01>
    0.000  ada   <- post  200
    0.000  ada   <- poll  200
    0.000  ada   <- poll  461-0[{{"_placeholder":true,"num":0}},"€"]
    0.000  ada   <- poll  <3 bytes: 04 00 01>
    0.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
   25.000  ada   -> post  POST /socket.io/?EIO=3&transport=polling&sid=session-000000000001
   25.000  ada   -> post  2
   25.000  ada   <- poll  200
   25.000  ada   <- poll  3
   25.000  ada   -> poll  GET /socket.io/?EIO=3&transport=polling&sid=session-000000000001
   25.000  ada   <- post  200
   25.000  ada   -> post  POST /socket.io/?EIO=3&transport=polling&sid=session-000000000001
   25.000  ada   -> post  1
   25.000  ada   <- poll  200
   25.000  ada   <- poll  6
   25.000  ada   <- post  200"""


@pytest.mark.parametrize(("transport", "session"), [("upgrade", UPGRADED), ("polling", POLLED)])
def test_a_whole_session(transport: Transport, session: str) -> None:
    with Network(make_chat(allow_eio3=True)) as net:
        ada = net.connect(transport=transport, protocol=3)
        assert ada.id == "session-000000000001"
        assert ada.call("echo", b"\x00\x01", "€") == (b"\x00\x01", "€")
        net.advance(25.0)
        ada.close()
    assert str(net.transcript) == session


def test_a_server_that_does_not_let_them_in() -> None:
    with Network(make_chat()) as net:
        error = net.connect(protocol=3).connect_error
        assert error is not None
        assert error.data == {"code": 5, "message": "Unsupported protocol version"}
        assert net.connect(protocol="auto").connected


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_old_and_new_in_one_room(transport: Transport) -> None:
    io = make_chat(allow_eio3=True)
    with Network(io) as net:
        old = net.connect(transport=transport, protocol=3)
        new, auto = net.connect(transport=transport), net.connect(transport=transport, protocol="auto")
        assert [session.protocol for session in io.engine.sessions.values()] == [3, 4, 4]
        old.emit("say", "€")
        new.expect("said", "€")
        auto.expect("said", "€")
        new.emit("say", "😀")
        old.expect("said", "😀")


@pytest.mark.parametrize("transport", ["upgrade", "polling", "websocket"])
def test_bytes_in_pieces(transport: Transport) -> None:
    data = [b"x" * 300, "€" * 100, "😀", {"a": b""}]
    with Network(make_chat(allow_eio3=True), split=7) as net:
        ada = net.connect(transport=transport, protocol=3)
        assert ada.call("echo", *data) == tuple(data)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_silence(transport: Transport) -> None:
    with Network(make_chat(allow_eio3=True, ping_interval=10.0, ping_timeout=5.0)) as net:
        ada, bob, cleo = (net.connect(transport=transport, protocol=3) for _ in range(3))
        ada.silence()
        cleo.silence()
        net.advance(9.0)
        cleo.resume()
        net.advance(5.9)
        # Only the pings count: a client that is silent may well speak.
        assert ada.call("echo", 1) == 1
        bob.expect_nothing()
        net.advance(0.1)
        bob.expect("left", "ping timeout")
        bob.expect_nothing()
        assert ada.disconnect_reason == "transport close"
        assert cleo.connected


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_who_was_silent_pings_at_last(transport: Transport) -> None:
    with Network(make_chat(allow_eio3=True, ping_interval=10.0, ping_timeout=5.0)) as net:
        ada, bob = net.connect(transport=transport, protocol=3), net.connect(transport=transport, protocol=3)
        ada.silence()
        bob.silence()
        net.advance(14.0)
        ada.resume()
        ada.resume()
        net.settle()
        lines = [line.split() for line in str(net.transcript).splitlines()]
        spoken = [(line[2], line[-1]) for line in lines if line[:2] == ["14.000", "ada"]]
        assert spoken.count(("->", "2")) == spoken.count(("<-", "3")) == 1
        assert ["10.000", "ada", "->", "ws" if transport == "websocket" else "post", "6"] in lines
        net.advance(9.9)
        assert ada.connected
        assert bob.disconnect_reason == "transport close"
        bob.resume()
        net.advance(100.0)
        assert ada.connected


@pytest.mark.parametrize(
    ("protocol", "kept"), [(3, "10.500 ada -> post 6"), (4, "11.500 ada <- poll 2"), ("auto", "11.500 ada <- poll 2")]
)
def test_the_packets_beside_a_ping_that_is_kept_back_arrive(protocol: Protocol, kept: str) -> None:
    io = make_chat(allow_eio3=True, ping_interval=10.0, ping_timeout=5.0)
    with Network(io) as net:
        ada, bob = net.connect(transport="polling", protocol=protocol), net.connect(transport="websocket")
        ada.silence()
        # With a delay, what is sent has to wait for what is under way, and then travels together.
        ada.delay(1.0)
        net.advance(8.5)
        ada.emit("say", "first")
        io.emit("news", 1)
        net.advance(1.0)
        ada.emit("say", b"second")
        ada.emit("say", "€")
        io.emit("news", b"\x04", "€")
        net.advance(4.0)
        assert bob.take() == [
            ("news", 1), ("said", "first"), ("news", b"\x04", "€"), ("said", b"second"), ("said", "€")
        ]  # fmt: skip
        assert ada.take() == [("news", 1), ("news", b"\x04", "€")]
        lines = [" ".join(line.split()) for line in str(net.transcript).splitlines()]
        # In one request, or response, with bytes.
        time, _, _, request, _ = kept.split()
        together = [line for line in lines if line.startswith(time) and line.split()[3] == request]
        assert kept in together
        assert any("451-" in line for line in together)


def test_a_lost_response() -> None:
    io = make_chat(allow_eio3=True)
    with Network(io) as net:
        ada, bob = net.connect(transport="polling", protocol=3), net.connect()
        ada.drop_poll()
        io.emit("news", b"\x00")
        net.settle()
        assert ada.received == []
        assert ada.disconnect_reason == "transport error"
        net.advance(45.0)
        assert bob.take() == [("news", b"\x00"), ("left", "ping timeout")]


def test_a_poll_that_is_sent_twice() -> None:
    with Network(make_chat(allow_eio3=True)) as net:
        ada, bob = net.connect(transport="polling", protocol=3), net.connect()
        ada.duplicate_poll()
        bob.expect("left", "transport error")
        assert ada.disconnect_reason == "transport close"
        assert "ada   <- poll  400\n" in str(net.transcript)


def test_what_is_no_payload_is_written_down_as_far_as_it_goes() -> None:
    def answer(request: Request) -> Response:
        return Response(200, [("content-type", "text/html")], b"1:2<html>")

    with Network(Router({"/engine.io/": EngineServer()}, answer)) as net:
        ada = net.connect_engine(transport="polling", path="/page", protocol=3)
        error = ada.connect_error
        assert error is not None
        assert str(net.transcript).splitlines()[-2:] == [
            "    0.000  ada   <- poll  2",
            "    0.000  ada   <- poll  (a packet in a payload without its length)",
        ]
