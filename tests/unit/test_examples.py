"""The example programs that connect to a server do what they say."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import trio

import sansio_eio_asyncio
import sansio_eio_threads
import sansio_eio_trio
from sansio_eio import Server, Socket

pytestmark = pytest.mark.checkout

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def load(name: str) -> Any:
    """The module of an example."""
    spec = spec_from_file_location(f"example_{Path(name).stem}", EXAMPLES / name)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Where its functions look for the types in their annotations.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("text", "start"),
    [("!roll 1", "rolled a 1 of 1"), ("!time", "it is "), ("!roll 0", None), ("!roll ²", None), ("hi", None)],
)
def test_what_the_bot_answers(text: str, start: str | None) -> None:
    answer = load("clients/bot.py").answer(text)
    assert (answer if start is None else answer[: len(start)]) == start


def test_the_bot_answers_in_the_chat(capsys: pytest.CaptureFixture[str]) -> None:
    chat, bot = load("chat/server.py"), load("clients/bot.py")

    async def ask(port: int) -> None:
        async with sansio_eio_trio.connect(url_of(port)) as socket:
            socket.emit("join", "Ada", "lobby")
            async for event in socket:
                if event.event == "people" and event.args == [["Ada", "bot"]]:
                    break
            assert await socket.call("message", "!roll 1", timeout=5.0) == "delivered"
            async for event in socket:
                if event.event == "message":
                    assert event.args == ["bot", "Ada: rolled a 1 of 1"]
                    break

    async def main() -> None:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                listeners: list[trio.SocketListener] = await nursery.start(
                    sansio_eio_trio.serve, chat.io, "127.0.0.1", 0
                )
                port = listeners[0].socket.getsockname()[1]
                nursery.start_soon(bot.run_bot, url_of(port), "lobby")
                await ask(port)
                nursery.cancel_scope.cancel()

    trio.run(main)
    assert capsys.readouterr().out == "Ada asked '!roll 1': rolled a 1 of 1, delivered\n"


def test_the_sensor_measures_whether_there_is_a_server_or_not() -> None:
    sensor = load("clients/sensor.py")
    io = Server()
    records: list[float] = []
    readings: list[float] = []
    enough = Event()

    @io.on("connection")
    def connected(socket: Socket) -> None:
        assert socket.handshake.auth["name"] == "load"
        assert socket.call("every", 0.01, timeout=5.0).wait() == "ok"

    @io.on("record")
    def record(_: Socket, value: float) -> str:
        records.append(value)
        return "noted"

    @io.on("reading")
    def reading(_: Socket, value: float) -> None:
        readings.append(value)
        if len(readings) == 5:
            enough.set()

    stop = Event()
    values = iter([1.0, 3.0, 2.0])
    with sansio_eio_threads.Server(io, "127.0.0.1", 0) as server:
        port = server.addresses[0][1]
        measuring = Thread(target=sensor.run_sensor, args=(url_of(port), stop, lambda: next(values, 2.5)))
        measuring.start()
        try:
            assert enough.wait(10)
        finally:
            stop.set()
            measuring.join()
    assert records == [1.0, 3.0]
    assert set(readings) <= {1.0, 3.0, 2.0, 2.5}


def test_the_bridge_passes_on_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    bridge = load("clients/bridge.py")
    sides = [Server(), Server()]
    heard: asyncio.Queue[tuple[int, tuple[Any, ...]]] = asyncio.Queue()
    come: asyncio.Queue[Socket] = asyncio.Queue()
    for number, io in enumerate(sides):
        io.on("connection", come.put_nowait)

        @io.on_any
        def on_any(_: Socket, *event: Any, number: int = number) -> None:
            heard.put_nowait((number, event))

    async def main() -> None:
        start = sansio_eio_asyncio.start_server
        async with (
            asyncio.timeout(10),
            start(sides[0], "127.0.0.1", 0) as one,
            start(sides[1], "127.0.0.1", 0) as other,
        ):
            bridging = asyncio.create_task(
                bridge.run_bridge(url_of(one.addresses[0][1]), url_of(other.addresses[0][1]))
            )
            await come.get()
            await come.get()
            sides[0].emit("from one", 1, b"\x00")
            assert await heard.get() == (1, ("from one", 1, b"\x00"))
            sides[1].emit("from the other")
            assert await heard.get() == (0, ("from the other",))
            sides[0].disconnect_sockets()
            await bridging

    asyncio.run(main())
    assert "sent away: io server disconnect" in capsys.readouterr().out
