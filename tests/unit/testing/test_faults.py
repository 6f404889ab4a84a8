"""Each fault, and what comes of it on both sides."""

from typing import Any

import pytest

from sansio_eio import LocalProtocolError, Server, Socket
from sansio_eio.testing import Network, Transport
from tests.unit.testing.chat import make_chat


@pytest.mark.parametrize(
    ("transport", "server_reason", "client_reason"),
    [
        ("websocket", "transport close", "transport close"),
        ("upgrade", "transport close", "transport close"),
        ("polling", "transport error", "transport error"),
    ],
)
def test_cut(transport: Transport, server_reason: str, client_reason: str) -> None:
    io = make_chat()
    with Network(io) as net:
        ada, bob = net.connect(transport=transport), net.connect()
        ada.emit("say", "under way and lost")
        ada.cut()
        bob.expect("left", server_reason)
        bob.expect_nothing()
        assert ada.disconnect_reason == client_reason
        assert len(io.engine.sessions) == 1
        assert "ada   !!       cut\n" in str(net.transcript)
        ada.cut()  # there is nothing left to cut
        assert bob.connected


def test_cut_in_the_middle_of_a_handshake() -> None:
    with Network(make_chat()) as net:
        clients = [net.connect(transport=transport, wait=False) for transport in ("upgrade", "polling", "websocket")]
        net.cut()
        net.settle()
        for client in clients:
            assert not client.connected
            assert client.connect_error is not None
            assert client.connect_error.status is None


def test_cut_while_the_server_writes() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport="websocket")
        ada.cut()
        ada.cut()
        io.emit("news")
        ada.emit("say", "hello")
        net.settle()
        assert ada.received == []
        bob = net.connect(transport="websocket")
        bob.cut()
        bob.close()
        net.settle()
        assert bob.disconnect_reason == "io client disconnect"


def test_delay() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(transport="websocket"), net.connect(transport="websocket")
        ada.delay(0.5)
        bob.delay(2.0)
        ada.emit("say", "hello")
        net.advance(2.4)
        bob.expect_nothing()
        net.advance(0.1)
        bob.expect("said", "hello")
        ada.delay(0.0)
        assert ada.call("say", "quick") == "delivered"
        assert "ada   !!       delay of 0.5 s\n" in str(net.transcript)


def test_nothing_overtakes_what_is_slower() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(transport="websocket"), net.connect()
        ada.delay(1.0)
        ada.emit("say", "first")
        ada.delay(0.0)
        ada.emit("say", "second")
        bob.expect_nothing()
        net.advance(1.0)
        assert bob.take() == [("said", "first"), ("said", "second")]


@pytest.mark.parametrize("transport", ["upgrade", "polling", "websocket"])
def test_a_network_with_latency(transport: Transport) -> None:
    with Network(make_chat(), latency=0.05) as net:
        ada = net.connect(transport=transport)
        began = net.now
        assert began > 0.0
        assert ada.call("say", "hello", timeout=1.0) == "delivered"
        net.advance(1.0)
        assert ada.transport == ("polling" if transport == "polling" else "websocket")
        net.delay(0.0)
        now = net.now
        assert ada.call("say", "hello", timeout=1.0) == "delivered"
        assert net.now == now


@pytest.mark.parametrize("seconds", [-1.0, float("inf")])
def test_delays_that_do_not_exist(seconds: float) -> None:
    with Network(Server()) as net, pytest.raises(LocalProtocolError):
        net.delay(seconds)
    with pytest.raises(LocalProtocolError):
        Network(Server(), latency=seconds)


@pytest.mark.parametrize("split", [1, 7, [1, 5, 60, 10_000]])
@pytest.mark.parametrize("transport", ["upgrade", "polling", "websocket"])
def test_bytes_in_pieces(transport: Transport, split: Any) -> None:
    data = [b"x" * 300, "€" * 100, {"a": b""}]
    with Network(make_chat(), split=split) as net:
        ada = net.connect(transport=transport)
        assert ada.call("echo", *data) == tuple(data)
        ada.split()
        net.split(3)
        assert ada.call("echo", *data) == tuple(data)
        ada.split(at=[2])
        assert ada.call("echo", *data) == tuple(data)
        ada.cut()
    assert "ada   !!       split into pieces of 3\n" in str(net.transcript)
    assert "ada   !!       split at [2]\n" in str(net.transcript)


def test_pieces_that_do_not_exist() -> None:
    with Network(Server()) as net:
        ada = net.connect()
        for piece, places in [(-1, []), (0, [0]), (1, [1])]:
            with pytest.raises(LocalProtocolError):
                ada.split(piece, at=places)
    with pytest.raises(LocalProtocolError):
        Network(Server(), split=-1)


def test_a_lost_response() -> None:
    io = make_chat(ping_interval=25.0, ping_timeout=20.0)
    with Network(io) as net:
        ada, bob = net.connect(transport="polling"), net.connect()
        ada.drop_poll()
        io.emit("news")
        net.settle()
        assert ada.received == []
        assert ada.disconnect_reason == "transport error"
        bob.expect("news")
        # The server thinks that it was delivered.
        bob.expect_nothing()
        net.advance(45.0)
        bob.expect("left", "ping timeout")


def test_a_poll_that_is_sent_twice() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(transport="polling"), net.connect()
        ada.duplicate_poll()
        bob.expect("left", "transport error")
        assert ada.disconnect_reason == "transport close"
        assert "ada   <- poll  400\n" in str(net.transcript)


def test_a_second_poll_that_gets_lost() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(transport="polling"), net.connect()
        ada.duplicate_poll()
        ada.cut()
        bob.expect("left", "transport error")
        assert "ada   <- poll  lost\n" in str(net.transcript)


def test_faults_of_polls_need_a_poll() -> None:
    with Network(make_chat()) as net:
        ada = net.connect(transport="websocket")
        with pytest.raises(LocalProtocolError, match="ada is not polling"):
            ada.drop_poll()
        with pytest.raises(LocalProtocolError, match="ada is not polling"):
            ada.duplicate_poll()


def test_a_reader_that_stalls_and_goes_on() -> None:
    io = make_chat()
    with Network(io) as net:
        ada, bob = net.connect(transport="websocket"), net.connect()
        ada.stall()
        for number in range(100):
            io.emit("news", number)
        assert len(bob.take()) == 100
        io.volatile.emit("who can take it")
        bob.expect("who can take it")
        assert ada.received == []
        assert io.sockets.sockets[ada.id].buffered > 1000
        # It still sends.
        ada.emit("say", "I am here")
        bob.expect("said", "I am here")
        ada.resume()
        assert [event.args for event in ada.take()] == [(number,) for number in range(100)]
        assert io.buffered == 0


def test_a_slow_consumer_is_sent_away() -> None:
    io = make_chat(max_outbound=2_000)
    with Network(io) as net:
        ada, bob = net.connect(transport="websocket"), net.connect()
        ada.stall()
        for _ in range(10):
            io.emit("news", "x" * 500)
            net.settle()
        assert ("left", "slow consumer") in bob.take()
        ada.resume()
        net.settle()
        assert ada.disconnect_reason == "transport close"


def test_a_stalled_reader_does_not_hold_up_handlers_that_wait_for_it() -> None:
    io = Server()
    done: list[float] = []
    with Network(io) as net:

        @io.on("flood")
        async def flood(socket: Socket) -> None:
            for _ in range(5):
                socket.emit("news", "x" * 50_000)
                await socket.drain()
            done.append(net.now)

        ada = net.connect(transport="websocket")
        ada.stall()
        ada.emit("flood")
        net.advance(5.0)
        assert done == []
        ada.resume()
        net.settle()
        assert done == [5.0]
        assert len(ada.take()) == 5


def test_a_stalled_reader_is_cut_off_in_the_end() -> None:
    io = make_chat()
    with Network(io, write_timeout=10.0) as net:
        ada = net.connect(transport="websocket")
        bob = net.connect()
        ada.stall()
        io.emit("news")
        net.advance(10.0)
        bob.expect("news")
        bob.expect("left", "transport close")
        assert ada.disconnect_reason == "transport close"


def test_connections_made_while_stalled() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport="polling")
        ada.stall()
        ada.duplicate_poll()
        net.settle()
        assert ada.connected
        ada.resume()
        net.settle()
        assert ada.disconnect_reason == "transport close"
        bob = net.connect(transport="polling", wait=False)
        bob.stall()
        net.settle()
        assert not bob.connected
        bob.resume()
        net.settle()
        assert bob.connected


def test_closing_while_stalled() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport="websocket")
        ada.stall()
        ada.close()
        net.settle()
        assert len(io.engine.sessions) == 0
        assert ada.disconnect_reason == "io client disconnect"


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_silence(transport: Transport) -> None:
    with Network(make_chat(ping_interval=10.0, ping_timeout=5.0)) as net:
        ada, bob, cleo = (net.connect(transport=transport) for _ in range(3))
        ada.silence()
        cleo.silence()
        net.advance(9.0)
        cleo.resume()
        net.advance(5.9)
        bob.expect_nothing()
        net.advance(0.1)
        bob.expect("left", "ping timeout")
        bob.expect_nothing()
        assert cleo.connected


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_who_was_silent_answers_at_last(transport: Transport) -> None:
    io = make_chat(ping_interval=10.0, ping_timeout=5.0)
    with Network(io) as net:
        ada, bob = net.connect(transport=transport), net.connect(transport=transport)
        ada.silence()
        bob.silence()
        net.advance(14.0)
        ada.resume()
        ada.resume()
        net.settle()
        pongs = [line for line in str(net.transcript).splitlines() if line.startswith("   14.000") and line[-1] == "3"]
        assert len(pongs) == 1
        net.advance(9.9)
        assert ada.connected
        assert bob.disconnect_reason == "transport close"
        bob.resume()
        net.advance(100.0)
        assert ada.connected


class SteppedNetwork(Network):
    """One that can be stopped between any two steps."""

    def step(self) -> bool:
        """Whether there was something to do."""
        for job in self._jobs()[:1]:
            job()
            return True
        return False

    def step_to(self, text: str) -> None:
        """Step by step, until this has gone over the wire."""
        while text not in str(self.transcript):
            assert self.step()


def test_an_upgrade_that_takes_too_long() -> None:
    with SteppedNetwork(make_chat(upgrade_timeout=5.0)) as net:
        ada = net.connect(wait=False)
        net.step_to("-> ws    GET")
        ada.delay(3.0)
        net.advance(20.0)
        assert (ada.connected, ada.transport) == (True, "polling")
        ada.delay(0.0)
        assert ada.call("echo", 1) == 1


def test_the_candidate_dies_with_the_session() -> None:
    with SteppedNetwork(make_chat()) as net:
        ada = net.connect(wait=False)
        net.step_to("-> ws    2probe")
        ada.close()
        bob = net.connect(wait=False)
        net.step_to("bob   -> ws    GET")
        bob.close()
        net.settle()
        for client in (ada, bob):
            assert client.connect_error is not None
            assert client.connect_error.message == "io client disconnect"
        assert "ada   -> ws    close\n" in str(net.transcript)
