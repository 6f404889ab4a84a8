"""The real client against the real server over bytes: whole, and in pieces of one byte."""

from functools import partial

import pytest

from sansio_eio import ConnectError, EngineClient, EngineServer, Session
from tests.unit.http.pairing import Pair

MODES = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids=["polling", "websocket", "upgrade"]
)
SIZES = pytest.mark.parametrize("size", [1 << 20, 1], ids=["whole", "byte by byte"])
MESSAGES: list[str | bytes] = ["hello", b"\x00\xff" * 300, "", "€" * 400, b"", "x" * 3000]


class World:
    """An echo server, a client, and what each has seen."""

    def __init__(self, transports: list[str], *, size: int = 1 << 20, compression: bool = False) -> None:
        self.server = EngineServer(per_message_deflate=compression, ping_interval=10.0, ping_timeout=5.0)
        self.client = EngineClient("http://server/", transports=transports, per_message_deflate=compression)
        self.sessions: list[Session] = []
        self.received: list[str | bytes] = []
        self.ends: list[str] = []
        self.server.on("connection", self._connected)
        self.client.on("message", self.received.append)
        self.client.on("close", partial(self._ended, "client"))
        self.pair = Pair(self.client, self.server, size=size)

    def _connected(self, session: Session) -> None:
        self.sessions.append(session)
        session.on("message", session.send)
        session.on("close", partial(self._ended, "server"))

    def _ended(self, who: str, reason: str) -> None:
        self.ends.append(f"{who}: {reason}")

    def open(self) -> "World":
        """The session is open, and upgraded where that is to be."""
        pending = self.client.open()
        self.pair.settle()
        assert pending.done
        assert pending.value is None
        session = self.client.session
        assert session is not None
        assert session.transport == self.client.settings.transports[-1]
        return self

    def check_clean(self) -> None:
        """Nothing is left on either side."""
        self.pair.wait(60.0)
        assert self.pair.client.done
        assert not self.pair.server.connections
        assert self.server.sessions == {}
        assert (self.pair.client.next_deadline(), self.pair.server.next_deadline()) == (None, None)


@MODES
@SIZES
@pytest.mark.parametrize("compression", [False, True])
def test_messages_come_back_in_order(transports: list[str], size: int, compression: bool) -> None:
    world = World(transports, size=size, compression=compression).open()
    for message in MESSAGES:
        world.client.send(message)
    world.pair.settle()
    assert world.received == MESSAGES
    # At most one for the poll and one for the POST, or the WebSocket and those that it came from.
    assert len(world.pair.cables) <= 3
    world.pair.wait(25.0)
    assert world.ends == []
    # What is idle does not stay.
    assert world.pair.open_cables() == 1
    world.client.send("last")
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.pair.settle()
    assert sorted(world.ends) == ["client: forced close", "server: transport close"]
    # The server's echo may come too late for the client.
    assert world.received[: len(MESSAGES)] == MESSAGES
    assert world.pair.client.done
    world.check_clean()


@MODES
@SIZES
def test_the_server_ends_the_session(transports: list[str], size: int) -> None:
    world = World(transports, size=size).open()
    world.sessions[0].send("bye")
    world.sessions[0].close()
    world.pair.settle()
    assert world.received == ["bye"]
    assert sorted(world.ends) == ["client: transport close", "server: forced close"]
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()


@MODES
def test_the_server_shuts_down(transports: list[str]) -> None:
    world = World(transports).open()
    world.pair.server.close(now=world.pair.now, grace=5.0)
    world.pair.settle()
    assert world.pair.server.done
    assert len(world.ends) == 2
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()


@MODES
def test_a_cut(transports: list[str]) -> None:
    world = World(transports).open()
    for cable in world.pair.cables:
        cable.cut(ConnectionResetError("reset"))
    world.pair.wait(60.0)
    assert [end.partition(":")[0] for end in sorted(world.ends)] == ["client", "server"]
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()


@MODES
def test_a_server_that_is_not_there(transports: list[str]) -> None:
    world = World(transports)
    pending = world.client.open()
    for connection in world.pair.client.take_ready():
        connection.connection_lost(now=0.0, error=ConnectionRefusedError("refused"))
    world.pair.settle()
    with pytest.raises(ConnectError) as caught:
        _ = pending.value
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()


@MODES
def test_one_session_after_the_other(transports: list[str]) -> None:
    world = World(transports)
    for _ in range(3):
        world.open()
        world.client.close()
        world.pair.settle()
    assert world.ends.count("client: forced close") == 3
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()


@MODES
def test_a_wrong_path(transports: list[str]) -> None:
    world = World(transports)
    world.client.path = "/elsewhere/"
    pending = world.client.open()
    world.pair.settle()
    with pytest.raises(ConnectError) as caught:
        _ = pending.value
    assert caught.value.status == 404
    world.pair.client.close(now=world.pair.now, grace=5.0)
    world.check_clean()
