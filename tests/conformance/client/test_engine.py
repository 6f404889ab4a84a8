"""Raw Engine.IO: an `EngineClient` against engine.io."""

import pytest

from sansio_eio import LocalProtocolError
from tests.conformance.client.world import EVERY_ENGINE, World

MESSAGES = {"polling": "xhr poll error", "upgrade": "xhr poll error", "websocket": "websocket error"}
TEXTS = ["text", "", "☃😀", "a\u2028\x00", "x" * 100_000]
DATA: list[str | bytes] = [*TEXTS, b"\x00\x01\xff", b"", bytes(range(256)) * 500]


@EVERY_ENGINE
async def test_both_ways(world: World) -> None:
    watched = world.engine()
    async with world.connect(watched) as engine:
        assert engine is watched.engine
        assert await watched.expect("open") == []
        sid = watched.session.sid
        await world.logged("open", id=sid)
        for data in DATA:
            assert engine.send(data)
        assert await watched.expect_many("message", len(DATA)) == [[data] for data in DATA]
    assert await watched.expect("close") == ["forced close"]
    assert (await world.logged("close", id=sid))["reason"] == "transport close"
    assert watched.seen("message") == watched.seen("error") == []


@EVERY_ENGINE
async def test_numbered_while_it_upgrades(world: World) -> None:
    watched = world.engine()
    async with world.connect(watched) as engine:
        engine.send("please count")
        assert await watched.expect_many("message", 200) == [[str(number)] for number in range(200)]
        for number in range(200):
            engine.send(bytes([number]))
        assert await watched.expect_many("message", 200) == [[bytes([number])] for number in range(200)]
        while watched.session.transport != world.last_transport:
            engine.send("are we there yet")
            assert await watched.expect("message") == ["are we there yet"]


async def test_server_closes(world: World) -> None:
    watched = world.engine()
    async with world.connect(watched) as engine:
        sid = watched.session.sid
        engine.send("please close")
        assert await watched.expect("close") == ["transport close"]
        await world.logged("close", id=sid)
        assert not engine.send("too late")


async def test_client_closes(world: World) -> None:
    """What was sent before is delivered, and it can be opened again."""
    watched = world.engine()
    async with world.connect(watched) as engine:
        sid = watched.session.sid
        for number in range(20):
            engine.send(str(number))
        engine.close()
        assert await watched.expect("close") == ["forced close"]
        assert (await world.logged("close", id=sid))["received"] == 20
        await engine.open()
        assert watched.session.sid != sid
        engine.send("again")
        while (await watched.expect("message")) != ["again"]:
            # Echoes of the first session.
            pass


async def test_opened_twice(world: World) -> None:
    watched = world.engine()
    async with world.connect(watched) as engine:
        with pytest.raises(LocalProtocolError):
            engine.open()
        engine.send("unharmed")
        assert await watched.expect("message") == ["unharmed"]


async def test_pings(world: World) -> None:
    watched = world.engine(path="/ticking/engine.io/")
    async with world.connect(watched) as engine:
        for _ in range(3):
            assert await watched.expect("ping") == []
        engine.send("alive")
        assert await watched.expect("message") == ["alive"]


async def test_drain(world: World) -> None:
    watched = world.engine()
    async with world.connect(watched) as engine:
        for _ in range(10):
            engine.send(bytes(60_000))
        await engine.drain()
        assert await watched.expect_many("message", 10) == [[bytes(60_000)]] * 10
        assert engine.buffered == 0


@pytest.mark.parametrize(("path", "status"), [("/nowhere/", 404), ("/refuse/", 403)])
async def test_status_of_a_refusal(world: World, path: str, status: int) -> None:
    """The server has another one for a WebSocket that it does not want."""
    error = await world.failure(world.engine(path=f"{path}engine.io/"))
    if (path, world.transport) == ("/refuse/", "websocket"):
        status = 400
    assert (error.message, error.status) == (MESSAGES[world.transport], status)


@pytest.mark.parametrize("transport", ["polling"])
async def test_error_of_the_server(world: World) -> None:
    """Its body is in the error."""
    error = await world.failure(world.engine(path="/refuse/engine.io/"))
    assert error.data == {"code": 4, "message": "not you"}


async def test_parameters_of_the_protocol_are_its_own(world: World) -> None:
    """This server would refuse another revision, or answer in it."""
    watched = world.engine(
        query={"EIO": "7" if world.protocol == 4 else "4", "sid": "made up", "transport": "carrier pigeon"}
    )
    async with world.connect(watched) as engine:
        engine.send("x")
        assert await watched.expect("message") == ["x"]


@pytest.mark.parametrize("transport", ["polling"])
async def test_session_that_the_server_forgets(world: World) -> None:
    """A request is told that its session is unknown."""
    proxy = world.network.proxy(world.server.port)
    watched = world.engine(url=proxy.url)
    async with world.connect(watched) as engine:
        gate = proxy.hold("down", b"HTTP/1.1 200")
        engine.send("please close")
        await world.adapter.blocking(gate.wait)
        gate.answer(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 41\r\n\r\n{"code":1,"message":"Session ID unknown"}')
        assert await watched.expect("close") == ["transport error"]


async def test_too_large_for_the_server(world: World) -> None:
    watched = world.engine(path="/small/engine.io/")
    async with world.connect(watched) as engine:
        engine.send("x" * 900)
        assert await watched.expect("message") == ["x" * 900]
        with pytest.raises(LocalProtocolError):
            engine.send("x" * 1100)
        engine.send("unharmed")
        assert await watched.expect("message") == ["unharmed"]
