"""engine.io-client against the raw Engine.IO server."""

import pytest

from tests.conformance.conftest import EVERY_FORM, DialEngine
from tests.conformance.servers import Server
from tests.conformance.wire import Wire

MESSAGES: dict[str, str | bytes] = {
    "text": "hello",
    "unicode": "😀 ☃ ä\0\u2028\u2029",
    "separator of payloads": "a\x1eb",
    "like a packet": "4b6\n",
    "empty binary": b"",
    "binary": bytes(range(256)),
    "large text": "ä" * 400_000,
    "large binary": bytes(700_000),
}


@pytest.mark.old_clients(*EVERY_FORM)
def test_opens(dial_engine: DialEngine, server: Server, engine_version: str) -> None:
    client = dial_engine()
    sid = client.opened()
    assert len(sid) == 20
    assert server.logged("open", id=sid)["protocol"] == (3 if engine_version == "3" else 4)


@pytest.mark.old_clients(*EVERY_FORM)
@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_echo(dial_engine: DialEngine, engine_version: str, transport: str, message: str | bytes) -> None:
    if message == "a\x1eb" and transport != "websocket" and engine_version == "6":
        # The separator is not escaped in a polling payload: revision 4 has no way to carry it.
        return
    client = dial_engine()
    client.opened()
    client.send(message)
    assert client.message() == message


def test_empty_text(dial_engine: DialEngine) -> None:
    client = dial_engine()
    client.opened()
    client.send("", "behind")
    assert [client.message(), client.message()] == ["", "behind"]


@pytest.mark.old_clients(*EVERY_FORM)
def test_text_and_binary_in_one_go(dial_engine: DialEngine) -> None:
    client = dial_engine()
    client.opened()
    messages: list[str | bytes] = ["a", b"b", "", b"", b"\x1e", "c"]
    client.send(*messages)
    assert [client.message() for _ in messages] == messages


@pytest.mark.old_clients("polling", "websocket")
def test_lone_surrogate(dial_engine: DialEngine) -> None:
    """UTF-8 has no form for it: it becomes U+FFFD on its way, and nothing breaks."""
    client = dial_engine()
    client.opened()
    client.send("a\ud800b", "behind")
    assert [client.message(), client.message()] == ["a\ufffdb", "behind"]


@pytest.mark.old_clients("polling", "upgrade")
def test_order_over_the_upgrade(dial_engine: DialEngine, transport: str) -> None:
    client = dial_engine()
    client.opened()
    numbers = [str(number) for number in range(200)]
    client.send("please count", *numbers)
    assert [client.message() for _ in range(400)] == numbers * 2
    if transport == "upgrade":
        assert client.expect("upgrade") == ["websocket"]
    for number in numbers[:20]:
        client.send(number)
        assert client.message() == number


@pytest.mark.old_clients("polling", "upgrade")
def test_the_client_closes(dial_engine: DialEngine, server: Server) -> None:
    client = dial_engine()
    sid = client.opened()
    client.end()
    assert client.closed() == "forced close"
    assert server.logged("close", id=sid)["reason"] == "transport close"


def test_the_client_closes_behind_its_last_words(dial_engine: DialEngine, server: Server) -> None:
    client = dial_engine()
    sid = client.opened()
    client.send("last words")
    client.end()
    assert client.closed() == "forced close"
    assert server.logged("close", id=sid)["reason"] == "transport close"


@pytest.mark.old_clients("polling", "upgrade")
def test_the_server_closes(dial_engine: DialEngine, server: Server) -> None:
    client = dial_engine()
    sid = client.opened()
    client.send("hello", "please close")
    assert client.message() == "hello"
    assert client.closed() == "transport close"
    assert server.logged("close", id=sid)["reason"] == "forced close"


@pytest.mark.old_clients
def test_max_payload(dial_engine: DialEngine) -> None:
    """The client splits what it has to send into requests below the limit that the server has told it (1,000 bytes)."""
    client = dial_engine("/small/engine.io/")
    client.opened()
    messages: list[str | bytes] = [f"{number} " + "x" * 300 for number in range(20)]
    client.send(*messages)
    assert [client.message() for _ in messages] == messages


@pytest.mark.old_clients("polling", "websocket")
def test_a_message_over_the_limit(dial_engine: DialEngine, server: Server, transport: str) -> None:
    client = dial_engine("/small/engine.io/")
    sid = client.opened()
    if transport == "upgrade":
        client.expect("upgrade")
    client.send("x" * 1500)
    # A POST that is too big is refused, and the client takes that for the end; a WebSocket is closed with 1009.
    if transport == "polling":
        assert client.closed() == "transport error"
    else:
        assert client.closed() == "transport close"
        assert server.logged("close", id=sid)["reason"] == "transport error"


@pytest.mark.old_clients("polling")
def test_heartbeats_keep_the_session(dial_engine: DialEngine) -> None:
    client = dial_engine("/suite/engine.io/")
    client.opened()
    for _ in range(4):
        client.expect_heartbeat()
    client.send("alive")
    assert client.message() == "alive"


@pytest.mark.old_clients("websocket")
def test_the_client_is_silent(dial_engine: DialEngine, server: Server) -> None:
    client = dial_engine("/suite/engine.io/", transports=["websocket"])
    sid = client.opened()
    client.mute()
    assert server.logged("close", id=sid)["reason"] == "ping timeout"
    assert client.closed() == "transport close"


@pytest.mark.old_clients("polling")
def test_the_wire_goes_dead(dial_engine: DialEngine, server: Server, transport: str) -> None:
    with Wire(server.port) as wire:
        client = dial_engine("/suite/engine.io/", url=wire.url)
        sid = client.opened()
        if transport == "upgrade":
            client.expect("upgrade")
        client.expect_heartbeat()
        wire.freeze()
        assert server.logged("close", id=sid)["reason"] == "ping timeout"
        assert client.closed() == "ping timeout"


@pytest.mark.old_clients("polling", "upgrade")
def test_the_wire_is_cut(dial_engine: DialEngine, server: Server, transport: str) -> None:
    with Wire(server.port) as wire:
        client = dial_engine(url=wire.url)
        sid = client.opened()
        if transport == "upgrade":
            client.expect("upgrade")
        client.send("x")
        assert client.message() == "x"
        if transport == "polling":
            wire.settle()
        wire.cut()
        expected = "transport error" if transport == "polling" else "transport close"
        assert client.closed() == expected
        assert server.logged("close", id=sid)["reason"] == expected


@pytest.mark.old_clients("polling", "websocket")
def test_only_polling(dial_engine: DialEngine, transport: str) -> None:
    client = dial_engine("/polling/engine.io/")
    if transport == "websocket":
        assert client.expect("error") == ["websocket error"]
        assert client.closed() == "transport error"
    else:
        client.opened()
        client.send("x")
        assert client.message() == "x"


def test_no_upgrades(dial_engine: DialEngine) -> None:
    client = dial_engine("/stay/engine.io/")
    client.opened()
    for _ in range(10):
        client.send("x")
        assert client.message() == "x"
