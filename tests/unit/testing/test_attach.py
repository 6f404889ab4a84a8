"""A client of the user's own, in the network."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from sansio_eio import ConnectError, EngineClient, EngineServer, LocalProtocolError, OnError, Server, Session
from sansio_eio.http import Router
from sansio_eio.socketio import Client
from sansio_eio.testing import Network, NetworkAssertionError
from sansio_eio_asyncio.testing import open_network, run
from tests.unit.testing.chat import make_chat


def make_bot(**options: Any) -> tuple[Client, list[str]]:
    """A client that answers, and what has happened to it."""
    bot = Client("https://chat.example/", **options)
    log: list[str] = []

    @bot.socket.on("connect")
    def connected() -> None:
        log.append("connect")

    @bot.socket.on("disconnect")
    def disconnected(reason: str) -> None:
        log.append(reason)

    @bot.socket.on("said")
    async def said(text: str) -> None:
        log.append(text)
        if text == "hello, bot":
            log.append(await bot.socket.call("say", "hello", timeout=5.0))
        if text == "fail":
            raise ValueError("it failed")

    return bot, log


def test_a_client_of_ours() -> None:
    io = make_chat()
    bot, log = make_bot()
    with Network(io) as net:
        line = net.attach(bot, name="bot")
        ada = net.connect()
        assert repr(line) == "<Line bot open on websocket>"
        assert repr(net) == "<Network at 0.000 s with 2 clients>"
        assert log == ["connect"]
        ada.emit("say", "hello, bot")
        ada.expect("said", "hello")
        assert bot.socket.id is not None
        handshake = io.sockets.sockets[bot.socket.id].handshake
        assert handshake.headers["host"] == "chat.example"
        assert handshake.secure
        line.cut()
        net.advance(2.0)
        assert bot.socket.connected
        assert log == ["connect", "hello, bot", "delivered", "transport close", "connect"]
        assert 'bot   <- ws    42["said","hello, bot"]\n' in str(net.transcript)
        assert "bot   !!       cut\n" in str(net.transcript)
        with pytest.raises(LocalProtocolError, match="served already"):
            net.attach(bot)
    assert log[-1] == "transport close"
    assert not bot.socket.active


def test_it_is_ours_again_and_can_be_attached_again() -> None:
    bot, log = make_bot()
    transcripts: list[str] = []
    for _ in range(2):
        with Network(make_chat(), seed=3) as net:
            line = net.attach(bot)
            line.cut()
            net.advance(3.0)
            transcripts.append(str(net.transcript))
        assert bot.engine.settings.timestamp_requests
        assert bot.engine.runtime is None
    assert transcripts[0] == transcripts[1]
    assert log == ["connect", "transport close"] * 4


def test_faults_count_from_when_they_begin() -> None:
    bot, _ = make_bot()
    with Network(make_chat()) as net:
        line = net.attach(bot)
        ada = net.connect()
        bot.socket.emit("say", "quick")
        line.delay(5.0)
        bot.socket.emit("say", "slow")
        ada.expect("said", "quick")
        ada.expect_nothing()
        net.advance(5.0)
        ada.expect("said", "slow")


def test_its_handlers_fail() -> None:
    bot, _ = make_bot()
    with Network(make_chat()) as net:
        net.attach(bot, name="bot")
        ada = net.connect()
        ada.emit("say", "fail")
        assert net.expect_error(ValueError).__notes__ == ["in a handler of said of bot"]
        ada.emit("say", "fail")
        with pytest.raises(
            NetworkAssertionError, match=r"ValueError\('it failed'\) was raised in a handler of said of"
        ):
            net.settle()


def test_it_is_refused() -> None:
    bot = Client("http://localhost/closed")
    with Network(make_chat()) as net:
        with pytest.raises(ConnectError) as info:
            net.attach(bot)
        assert (info.value.message, info.value.data) == ("closed", {"code": 7})
        net.advance(20.0)
        assert not bot.socket.active


def test_nobody_is_there_yet() -> None:
    bot, log = make_bot()
    with Network(make_chat()) as net:
        net.refuse()
        line = net.attach(bot, wait=False)
        assert line.transport == "polling"
        net.advance(2.0)
        assert log == []
        net.accept()
        net.advance(5.0)
        assert log == ["connect"]


def test_one_that_cannot_even_ask() -> None:
    def make_headers() -> Mapping[str, str]:
        raise KeyError("token")

    client = EngineClient("http://localhost", headers=make_headers)
    with Network(EngineServer()) as net:
        line = net.attach(client, wait=False)
        assert (line.name, line.transport) == ("ada", "")
        assert net.expect_error(KeyError).__notes__ == ["in the function for the headers or the query of ada"]


def test_a_raw_client() -> None:
    engine = EngineServer()

    @engine.on("connection")
    def connected(session: Session) -> None:
        session.on("message", session.send)

    client = EngineClient("ws://localhost", path="/raw/", transports=["websocket"])
    received: list[str | bytes] = []
    client.on("message", received.append)
    with Network(Router({"/raw/": engine})) as net:
        net.attach(client)
        client.send("hello")
        net.settle()
        assert received == ["hello"]


def test_a_hook_stops_it() -> None:
    bot, log = make_bot()
    bot.on_error(lambda error, where: OnError.STOP)
    with Network(make_chat()) as net:
        net.attach(bot)
        ada = net.connect()
        ada.emit("say", "fail")
        net.expect_error(ValueError)
        assert log == ["connect", "fail", "io client disconnect"]
        assert ada.connected


def test_on_an_event_loop() -> None:
    async def test() -> None:
        bot = Client("http://localhost")
        heard: list[list[Any]] = []

        async def listen() -> None:
            async for event in bot.socket:
                await asyncio.sleep(1.0)
                heard.append(event.args)

        io = Server()
        async with open_network(io) as net:
            await net.attach(bot)
            listening = asyncio.create_task(listen())
            io.emit("news", 1)
            io.emit("news", 2)
            await net.advance(2.0)
            assert heard == [[1], [2]]
            bot.close()
            await net.settle()
            assert listening.done()
            ada = await net.connect()
            ada.cut()
            await net.settle()
            await ada.connect(wait=False)
            assert not ada.connected
            await ada.connect()
            assert ada.connected
            raw = await net.connect_engine(path="/socket.io/")
            raw.cut()
            await net.settle()
            await raw.connect()
            raw.close()
            await net.settle()
            await raw.connect(wait=False)
            await net.settle()
            assert raw.connected

    run(test)
