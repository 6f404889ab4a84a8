"""Whatever a server answers: a session or an error, in either revision, and never an exception."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sansio_eio.engineio import ClientClosed, ClientFailed, ClientOpened, ClientState
from sansio_eio.engineio.client_settings import PROTOCOLS
from tests.unit.engineio.client_driving import Hand, handshake

#: What is nearly right finds more than noise does.
PACKETS = st.sampled_from(
    ["0", "1", "2", "3", "3probe", "4", "4a", "4\u20ac", "4\U0001f600", "5", "6", "7", "b", "bAQ==", "b4AQ==", "bA", ""]
)
OPENINGS = st.sampled_from([handshake(), handshake(("websocket",), None), handshake(pingInterval=0, pingTimeout=0)])
BINARY = [("content-type", "application/octet-stream")]


def _old(packets: list[str]) -> tuple[bytes, list[Any]]:
    return "".join([f"{len(packet.encode('utf-16-le')) // 2}:{packet}" for packet in packets]).encode(), []


def _old_in_binary(packets: list[str]) -> tuple[bytes, list[Any]]:
    parts: list[bytes] = []
    for packet in packets:
        data = packet.encode()
        parts += bytes([len(packet) % 2, *map(int, str(len(data))), 255]), data
    return b"".join(parts), BINARY


def _new(packets: list[str]) -> tuple[bytes, list[Any]]:
    return "\x1e".join(packets).encode(), []


def answers(packets: st.SearchStrategy[list[str]]) -> st.SearchStrategy[tuple[bytes, list[Any]]]:
    """Bodies with their headers."""
    noise = st.tuples(st.binary(max_size=20), st.sampled_from([[], BINARY]))
    return st.one_of(packets.map(_old), packets.map(_old_in_binary), packets.map(_new), noise)


FIRST = answers(st.tuples(OPENINGS, st.lists(PACKETS, max_size=3)).map(lambda both: [both[0], *both[1]]))
NEXT = st.lists(answers(st.lists(PACKETS, max_size=5)), max_size=5)
STATUS = st.sampled_from([200, 200, 200, 400])


def finished(hand: Hand) -> None:
    """Each session that was open has ended, and nothing is left."""
    hand.client.close()
    for _ in range(3):
        hand.asked()
        hand.advance(100.0)
    hand.asked()
    names = [type(event) for event in hand.events()]
    assert names.count(ClientOpened) == names.count(ClientClosed)
    assert names.count(ClientOpened) + names.count(ClientFailed) == 1
    assert hand.client.state is ClientState.CLOSED
    assert hand.client.next_deadline() is None


@given(st.sampled_from(PROTOCOLS), FIRST, NEXT, st.lists(STATUS, min_size=6, max_size=6))
def test_any_answers_to_polls(
    protocol: Any, first: tuple[bytes, list[Any]], rest: list[tuple[bytes, list[Any]]], status: list[int]
) -> None:
    hand = Hand(protocol=protocol)
    hand.open()
    for (body, headers), code in zip([first, *rest], status, strict=False):
        if hand.client.session is not None:
            hand.respond("poll", body, code, **{name.replace("-", "_"): value for name, value in headers})
            hand.client.send(b"x")
            hand.asked()
            hand.advance(10.0)
    finished(hand)


@given(
    st.sampled_from(PROTOCOLS),
    OPENINGS | PACKETS,
    st.lists(PACKETS | st.binary(max_size=3) | PACKETS.map(str.encode), max_size=8),
    st.booleans(),
)
def test_any_messages_on_a_websocket(protocol: Any, first: str, rest: list[str | bytes], paused: bool) -> None:
    hand = Hand(protocol=protocol, transports=["websocket"])
    hand.open()
    hand.accept()
    hand.message(first)
    hand.client.pause(paused)
    for message in rest:
        hand.message(message)
        hand.client.send(b"x")
        hand.asked()
        hand.advance(10.0)
    finished(hand)
