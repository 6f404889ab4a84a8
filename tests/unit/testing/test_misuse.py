"""Wrong arguments: they are refused at once, in words, and nothing has happened."""

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio import EngineClient, EngineServer, LocalProtocolError, Server
from sansio_eio.http import Router
from sansio_eio.testing import ConnectOptions, Network
from sansio_eio_asyncio import testing as asyncio_testing
from sansio_eio_trio import testing as trio_testing
from tests.unit.testing.chat import make_chat


@pytest.mark.parametrize("app", [5, Server, EngineServer, Router, None])
def test_what_is_no_application(app: Any) -> None:
    with pytest.raises(LocalProtocolError, match="an application is a Server, an EngineServer or a Router, not"):
        Network(app)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bogus": 1}, "a network has no option bogus; it has body_timeout, .*latency, .*seed, split"),
        ({"seed": "x"}, "a seed is an int, not 'x'"),
    ],
)
def test_options_of_a_network(options: Any, message: str) -> None:
    io = Server()
    with pytest.raises(LocalProtocolError, match=message):
        Network(io, **options)
    Network(io).close()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"reconnect": True}, "connect has no option reconnect; it has ack_timeout, .*auth, .*reconnection, .*transport"),
    ({"Auth": {}, "Name": "x"}, "connect has no option Auth, Name; it has"),
    ({"auth": "token"}, "auth is a dict or a function, not str"),
    ({"headers": {"a b": "c"}}, "not a header name: 'a b'"),
    ({"headers": [("a", 1)]}, "the headers are a mapping, not"),
    ({"headers": {"Host": "example"}}, "the header Host belongs to the transport"),
    ({"reconnection_delay": 0.0}, "a timeout is a positive number of seconds"),
    ({"transports": ["carrier pigeon"]}, "carrier pigeon"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_options_of_a_client(options: dict[str, Any], message: str) -> None:
    with Network(make_chat()) as net:
        with pytest.raises(LocalProtocolError, match=message):
            net.connect(**options)
        assert str(net.transcript) == ""
        ada = net.connect()
        assert ada.name == "ada"


def test_options_of_a_raw_client() -> None:
    with Network(EngineServer()) as net:
        connect: Callable[..., Any] = net.connect_engine
        with pytest.raises(
            LocalProtocolError, match=r"connect_engine has no option auth; it has .*headers, .*name, path"
        ):
            connect(auth={})


def test_auth_of_another_namespace() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        wrong: Any = "token"
        with pytest.raises(LocalProtocolError, match="auth is a dict or a function, not str"):
            ada.of("/admin", auth=wrong)
        assert ada.of("/admin").connected


def test_options_on_event_loops() -> None:
    async def check(open_network: Callable[..., Any]) -> None:
        with pytest.raises(LocalProtocolError, match="a network has no option bogus"):
            async with open_network(Server(), bogus=1):
                pass
        async with open_network(Server()) as net:
            with pytest.raises(LocalProtocolError, match="connect has no option bogus"):
                await net.connect(bogus=1)
            with pytest.raises(LocalProtocolError, match="connect_engine has no option auth"):
                await net.connect_engine(auth={})
            await net.connect()
            await net.close()
            with pytest.raises(LocalProtocolError, match="the network is closed"):
                await net.settle()

    async def on_asyncio() -> None:
        await check(asyncio_testing.open_network)

    async def on_trio() -> None:
        await check(trio_testing.open_network)

    asyncio_testing.run(on_asyncio)
    trio_testing.run(on_trio)


@pytest.mark.parametrize("run", [asyncio_testing.run, trio_testing.run])
def test_a_coroutine_instead_of_its_function(run: Callable[[Any], object]) -> None:
    async def test() -> None:
        """Never runs."""

    with pytest.raises(LocalProtocolError, match="run takes the async function itself"):
        run(test())


def test_what_is_no_client() -> None:
    with Network(Server()) as net:
        wrong: Any = Server()
        with pytest.raises(LocalProtocolError, match="a client is a Client or an EngineClient, not"):
            net.attach(wrong)


def test_a_closed_network() -> None:
    io = make_chat()
    net = Network(io)
    ada, bob = net.connect(), net.connect(path="/socket.io/")
    raw = net.connect_engine()
    ada.call("say", "hello")
    net.close()
    calls: list[Callable[[], object]] = [
        net.settle,
        lambda: net.advance(1.0),
        lambda: net.expect_error(ValueError),
        lambda: bob.expect("said", "hello"),
        bob.expect_nothing,
        lambda: raw.expect("hello"),
        raw.expect_nothing,
        net.connect,
        net.connect_engine,
        lambda: net.attach(EngineClient("http://localhost")),
        lambda: net.request("GET", "/"),
    ]
    for call in calls:
        with pytest.raises(LocalProtocolError, match="the network is closed"):
            call()
    # What came before can still be looked at.
    assert bob.take()[0] == ("said", "hello")
    assert raw.take() == []


@pytest.mark.parametrize(
    ("mounted", "path"),
    [(None, None), (None, "/engine.io"), ("/socket.io/", None), ("/engine.io/", "/engine.io/x")],
)
def test_socket_io_where_there_is_only_engine_io(mounted: str | None, path: str | None) -> None:
    engine = EngineServer()
    with Network(engine if mounted is None else Router({mounted: engine})) as net:
        options = ConnectOptions() if path is None else ConnectOptions(path=path)
        with pytest.raises(LocalProtocolError, match=r"an EngineServer is at /.*: use connect_engine"):
            net.connect(**options)
        assert net.now == 0.0
