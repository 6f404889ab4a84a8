"""The network itself: settling, time, errors, and its end."""

import pytest

from sansio_eio import EngineServer, LocalProtocolError, Server, Session, Socket
from sansio_eio.http import Router
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.testing import Network, NetworkAssertionError
from tests.unit.testing.chat import make_chat


def test_the_clock_moves_only_when_it_is_turned() -> None:
    with Network(make_chat()) as net:
        assert net.now == 0.0
        net.connect().call("say", "hello")
        net.settle()
        assert net.now == 0.0
        net.advance(1.5)
        net.advance(0.0)
        assert net.now == 1.5


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_time_that_cannot_pass(seconds: float) -> None:
    with Network(Server()) as net, pytest.raises(LocalProtocolError):
        net.advance(seconds)


def test_advance_stops_wherever_something_is_due() -> None:
    times: list[float] = []
    io = make_chat(ping_interval=10.0)
    with Network(io) as net:

        @io.on("start")
        async def start(socket: Socket) -> None:
            for _ in range(3):
                await net.sleep(7.0)
                times.append(net.now)

        net.connect(transport="websocket").emit("start")
        net.advance(30.0)
        pings = [line.split()[0] for line in str(net.transcript).splitlines() if line.endswith("<- ws    2")]
    assert times == [7.0, 14.0, 21.0]
    assert pings == ["10.000", "20.000", "30.000"]


def test_the_wall_clock_goes_along() -> None:
    io = Server()
    with Network(io) as net:
        net.advance(5.0)
        ada = net.connect()
        assert io.sockets.sockets[ada.id].handshake.time.isoformat() == "2001-09-09T01:46:45+00:00"


def test_each_client_has_a_name_and_an_address() -> None:
    io = Server()
    with Network(io) as net:
        clients = [net.connect(transport="websocket") for _ in range(10)]
        assert [client.name for client in clients[:3]] == ["ada", "bob", "cleo"]
        assert clients[9].name == "client-10"
        assert net.connect(name="zoe").name == "zoe"
        assert io.sockets.sockets[clients[1].id].handshake.address == "10.0.0.2"


def test_what_they_look_like() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(), net.connect_engine(path="/socket.io/", transport="polling")
        assert repr(ada) == "<NetworkClient ada open on websocket>"
        assert repr(bob) == "<NetworkEngineClient bob open on polling>"
        assert repr(net) == "<Network at 0.000 s with 2 clients>"
        bob.close()
        assert repr(bob) == "<NetworkEngineClient bob closed on polling>"
        assert repr(net) == "<Network at 0.000 s with 1 clients>"


def test_what_never_settles_is_an_error() -> None:
    io = Server()

    @io.on("ping pong")
    def ping_pong(socket: Socket) -> None:
        socket.emit("ping pong")

    with Network(io, max_steps=300) as net:
        ada = net.connect()
        ada.on("ping pong", lambda: ada.emit("ping pong"))
        ada.emit("ping pong")
        with pytest.raises(NetworkAssertionError, match="has not settled after 300 steps"):
            net.settle()
        ada.cut()


def test_an_application_that_never_settled_can_be_served_again() -> None:
    io = make_chat()

    @io.on("ping pong")
    def ping_pong(socket: Socket) -> None:
        socket.emit("ping pong")

    net = Network(io, max_steps=300)
    ada, bob = net.connect(), net.connect(transport="polling")
    bob.stall()
    io.emit("news")
    ada.on("ping pong", lambda: ada.emit("ping pong"))
    ada.emit("ping pong")
    with pytest.raises(NetworkAssertionError, match="has not settled"):
        net.close()
    assert io.engine.sessions == {}
    with Network(io) as net:
        assert net.connect().call("echo", 1) == 1


def test_a_handler_cannot_have_the_network_run() -> None:
    io = Server()
    with Network(io) as net:

        @io.on("go")
        def go(socket: Socket) -> None:
            net.settle()

        net.connect().emit("go")
        assert "running already" in str(net.expect_error(LocalProtocolError))


def test_the_application_is_free_again() -> None:
    io = make_chat()
    with Network(io) as net:
        first = net.connect()
        with pytest.raises(LocalProtocolError, match="served already"):
            Network(io)
    with Network(io) as net:
        assert net.connect().id == first.id == "socket-0000000000001"
    assert len(io.generate_id()) == 20
    assert io.generate_id() != io.generate_id()
    assert io.engine.runtime is None


def test_ids_of_the_application_stay() -> None:
    io = Server(generate_id=lambda request: "mine", generate_socket_id=lambda: "mine too")
    with Network(io) as net:
        assert net.connect().id == "mine too"
        assert '0{"sid":"mine"' in str(net.transcript)


def test_a_router_with_several_applications() -> None:
    chat, other, engine = make_chat(), Server(), EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.send("hello")

    with Network(Router({"/other/": other, "/engine.io/": engine, "/socket.io/": chat})) as net:
        assert net.connect().call("say", "hello") == "delivered"
        assert net.connect(path="/other/").connected
        net.connect_engine().expect("hello")
        assert net.connect_engine(path="/other/").connected
        lost = net.connect(path="/nowhere/")
        assert lost.connect_error is not None
        assert (lost.connect_error.status, lost.connect_error.data) == (404, "Not Found\n")


def test_a_client_that_is_told_nothing_goes_where_all_do() -> None:
    with Network(Router({"/chat/": make_chat(), "/raw/": EngineServer()})) as net:
        for client in (net.connect(), net.connect_engine()):
            assert client.connect_error is not None
            assert client.connect_error.status == 404
        assert "GET /socket.io/?" in str(net.transcript)
        assert "GET /engine.io/?" in str(net.transcript)
    with Network(make_chat(path="/chat")) as net:
        assert net.connect().connected
        assert net.connect_engine().connected


def test_the_parser_is_that_of_the_server_behind_the_path() -> None:
    io = make_chat(parser=msgpack_parser())
    with Network(Router({"/": Server(), "/socket.io/": io})) as net:
        assert net.connect(path="/socket.io").call("echo", 1) == 1
        assert net.connect(path="/elsewhere/").connected


def test_a_router_with_nothing() -> None:
    with Network(Router({})) as net:
        error = net.connect().connect_error
        assert error is not None
        assert error.status == 404


def test_options_of_the_server() -> None:
    with Network(Server(), max_connections=1) as net:
        net.connect(transport="websocket")
        refused = net.connect(transport="websocket").connect_error
        assert refused is not None
        assert (refused.message, refused.status) == ("websocket error", 503)


def test_a_client_that_nobody_answers() -> None:
    io = Server()
    with Network(io) as net:

        @io.use
        async def check(socket: Socket) -> None:
            await net.sleep(25.0)

        error = net.connect().connect_error
        assert error is not None
        assert error.message == "timeout"
        assert net.now == 20.0
        net.advance(5.0)


def test_a_client_that_does_not_even_ask() -> None:
    async def make_auth() -> dict[str, str]:
        await net.sleep(20.0)
        return {}

    with Network(make_chat()) as net:
        ada = net.connect(auth=make_auth, connect_timeout=10.0)
        assert ada.connect_error is not None
        assert ada.connect_error.message == "timeout"
        assert net.now == 10.0
        net.advance(11.0)
        assert ada.connected


def test_connecting_without_waiting() -> None:
    with Network(make_chat()) as net:
        ada = net.connect(wait=False)
        bob = net.connect_engine(path="/socket.io/", wait=False)
        admin = ada.of("/admin", wait=False)
        assert not ada.connected
        assert not bob.connected
        net.settle()
        assert ada.connected
        assert bob.connected
        assert admin.connected
