"""The Engine.IO client and servers of revision 3: what it asks, how its packets look, and who pings."""

from __future__ import annotations

from typing import Unpack

import pytest

from sansio_eio import EngineClient, LocalProtocolError, RemoteProtocolError
from sansio_eio.engineio import (
    ClientClosed,
    ClientMessage,
    ClientOpened,
    ClientPinged,
    ClientState,
    EngineClientOptions,
    SendRequest,
)
from sansio_eio.engineio.packet_feed import BATCH
from sansio_eio.engineio.packets import messages

from .client_driving import Asked, Hand, handshake

OCTETS = "application/octet-stream"


def in_payload(*packets: str) -> str:
    """Packets of ASCII, as a server of revision 3 puts them in one payload."""
    return "".join([f"{len(packet)}:{packet}" for packet in packets])


def old_handshake(*upgrades: str) -> str:
    """An OPEN packet as Engine.IO 3.x has it."""
    return handshake(upgrades, max_payload=None)


class OldHand(Hand):
    """The driver of a client that is told to speak revision 3."""

    def __init__(self, **options: Unpack[EngineClientOptions]) -> None:
        options.setdefault("protocol", 3)
        super().__init__(**options)

    def _query(self, query: str) -> str:
        return query.replace("EIO=3&transport=", "")

    def poll_session(self, *upgrades: str, max_payload: int | None = None) -> list[Asked]:
        """A session on polling."""
        self.open()
        self.respond("poll", in_payload(handshake(upgrades, max_payload)))
        return self.asked()

    def websocket_session(self, max_payload: int | None = None) -> None:
        """A session on a WebSocket."""
        self.open()
        self.accept()
        self.message(handshake((), max_payload))
        assert self.asked() == []

    def ending(self) -> ClientClosed:
        """The last event."""
        event = self.events()[-1]
        assert isinstance(event, ClientClosed)
        return event

    def content_type(self) -> str | None:
        """Of the request that the driver is asked for now."""
        (channel,) = self.client.take_ready()
        (action,) = self.client.take_actions(channel)
        assert isinstance(action, SendRequest)
        self.channels["post"] = channel
        return action.request.header("content-type")


@pytest.fixture(params=["polling", "websocket"])
def open_hand(request: pytest.FixtureRequest) -> OldHand:
    """An open session, on each transport."""
    hand = OldHand(transports=[request.param])
    if request.param == "polling":
        hand.poll_session()
    else:
        hand.websocket_session()
    return hand


def say(hand: OldHand, *packets: str) -> None:
    """The server says something, on the transport of the session."""
    if hand.session.transport == "polling":
        hand.respond("poll", in_payload(*packets))
    else:
        for packet in packets:
            hand.message(packet)


def sent(hand: OldHand) -> list[str]:
    """The packets that are sent now; a POST is answered."""
    found: list[str] = []
    for what in hand.asked():
        if what[0] == "send":
            found += what[2]
        elif what[0] == "post":
            body: bytes = what[2]
            assert body in (b"1:2", b"1:1", b"2:4x")
            found.append(body.decode()[2:])
            hand.respond("post")
    return found


# -- opening -----------------------------------------------------------------------------------------------------------


def test_opening_on_polling() -> None:
    hand = Hand(protocol=3)
    assert hand.open() == [("poll", "EIO=3&transport=polling")]
    hand.respond("poll", in_payload(old_handshake("websocket"), "4first"))
    assert hand.events() == [ClientOpened(), ClientMessage("first")]
    assert (hand.session.sid, hand.session.protocol, hand.session.max_payload) == ("abc", 3, 0)
    assert hand.asked() == [
        ("ws", "EIO=3&transport=websocket&sid=abc"),
        ("poll", "EIO=3&transport=polling&sid=abc"),
    ]


def test_opening_on_a_websocket() -> None:
    hand = Hand(protocol=3, transports=["websocket"])
    assert hand.open() == [("ws", "EIO=3&transport=websocket")]
    hand.accept()
    hand.message(old_handshake())
    assert hand.events() == [ClientOpened()]
    assert hand.session.protocol == 3


def test_revision_4_is_the_default() -> None:
    hand = Hand()
    hand.open_polling()
    assert hand.session.protocol == 4


@pytest.mark.parametrize("protocol", [None, 2, 5, "3", "AUTO", 3.5])
def test_what_is_no_protocol(protocol: object) -> None:
    with pytest.raises(LocalProtocolError, match="protocol must be one of"):
        EngineClient("http://server", protocol=protocol)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("body", ["", handshake(), "3:4x", "x", in_payload("4x", handshake())])
def test_what_is_no_handshake(body: str) -> None:
    hand = OldHand()
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", body)
    assert str(pending.error).startswith("server error: ")
    assert hand.client.session is None


# -- polling -----------------------------------------------------------------------------------------------------------


def test_texts_are_posted_behind_their_lengths() -> None:
    hand = OldHand()
    hand.poll_session()
    # In UTF-16, the last one has two units. U+001E separates nothing here.
    for text in ("hello", "", "\u20ac", "\U0001f600", "a\x1eb"):
        assert hand.client.send(text)
    body = "6:4hello1:42:4\u20ac3:4\U0001f6004:4a\x1eb".encode()
    assert hand.asked() == [("post", "polling&sid=abc", body)]
    hand.respond("post")
    hand.client.send("x")
    assert hand.content_type() == "text/plain;charset=UTF-8"


def test_bytes_are_posted_in_binary_with_all_that_goes_with_them() -> None:
    hand = OldHand()
    hand.poll_session()
    hand.client.send("\u20ac")
    hand.client.send(b"\x01\x02")
    body = b"\x00\x04\xff4\xe2\x82\xac" + b"\x01\x03\xff\x04\x01\x02"
    assert hand.asked() == [("post", "polling&sid=abc", body)]
    hand.respond("post")
    hand.client.send(b"\x03")
    assert hand.content_type() == OCTETS


@pytest.mark.parametrize("content_type", [OCTETS, "Application/Octet-Stream; charset=UTF-8"])
def test_polls_in_binary(content_type: str) -> None:
    hand = OldHand()
    hand.poll_session()
    hand.respond("poll", b"\x00\x04\xff4\xe2\x82\xac" + b"\x01\x03\xff\x04\x01\x02", content_type=content_type)
    assert hand.events() == [ClientOpened(), ClientMessage("\u20ac"), ClientMessage(b"\x01\x02")]
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_polls_in_text() -> None:
    hand = OldHand()
    hand.poll_session()
    hand.respond("poll", "2:4\u20ac6:b4AQI=1:6", content_type="text/plain; charset=UTF-8")
    assert hand.events() == [ClientOpened(), ClientMessage("\u20ac"), ClientMessage(b"\x01\x02")]


@pytest.mark.parametrize("rest", ["9:4", "x", "3:bAA", "4:b5AA", "1:7", in_payload(old_handshake())])
def test_what_comes_before_a_malformed_packet_is_delivered(rest: str) -> None:
    hand = OldHand()
    hand.poll_session()
    hand.respond("poll", in_payload("4first") + rest)
    _, first, closed = hand.events()
    assert first == ClientMessage("first")
    assert isinstance(closed, ClientClosed)
    assert (closed.reason, str(closed.error).partition(":")[0]) == ("transport error", "server error")
    assert hand.asked() == []


def test_a_payload_is_taken_a_batch_at_a_time() -> None:
    hand = OldHand(max_payload_packets=BATCH + 2)
    hand.poll_session()
    hand.respond("poll", in_payload(*["4x"] * (BATCH + 3)))
    assert hand.events() == [ClientOpened(), *[ClientMessage("x")] * BATCH]
    (feed,) = [each for each in hand.client.take_runnable() if type(each).__name__ == "ClientPolling"]
    assert feed.step() is None
    *rest, closed = hand.events()
    assert rest == [ClientMessage("x")] * 2
    assert isinstance(closed, ClientClosed)
    assert str(closed.error) == f"server error: more than {BATCH + 2} packets in one payload"


def test_nothing_is_refused_where_the_server_says_no_limit() -> None:
    hand = OldHand()
    hand.poll_session()
    assert hand.client.send("x" * 2_000_000)
    assert hand.session.send_packet(messages(("head", b"\x01" * 500_000)))
    assert hand.client.send("y" * 600_000)
    # Not more in one POST than the reference takes by default, but for what is larger by itself.
    assert hand.asked() == [("post", "polling&sid=abc", b"2000001:4" + b"x" * 2_000_000)]
    hand.respond("post", "ok")
    heads = b"\x00\x05\xff4head", b"\x01\x05\x00\x00\x00\x00\x01\xff\x04"
    assert hand.asked() == [("post", "polling&sid=abc", heads[0] + heads[1] + b"\x01" * 500_000)]
    hand.respond("post", "ok")
    assert hand.asked() == [("post", "polling&sid=abc", b"600001:4" + b"y" * 600_000)]


def test_payloads_keep_to_a_limit_that_the_server_says() -> None:
    hand = OldHand()
    # Engine.IO 6 says it to its old clients, too.
    hand.poll_session(max_payload=20)
    for text in ("aaaa", "bbbb", "cccccccccccc"):
        assert hand.client.send(text)
    assert hand.session.send_packet(messages(("head", b"\x01" * 6, b"\x02" * 11)))
    bodies: list[bytes] = []
    while asked := hand.asked():
        bodies.append(asked[0][2])
        hand.respond("post")
    assert bodies == [
        b"5:4aaaa5:4bbbb",
        b"13:4cccccccccccc",
        b"\x00\x05\xff4head" + b"\x01\x07\xff\x04" + b"\x01" * 6,
        b"\x01\x01\x02\xff\x04" + b"\x02" * 11,
    ]


@pytest.mark.parametrize(
    ("transport", "largest", "larger"),
    [
        ("polling", "x" * 12, "x" * 13),
        ("polling", b"x" * 11, b"x" * 12),
        ("websocket", "x" * 15, "x" * 16),
        ("websocket", b"x" * 15, b"x" * 16),
    ],
)
def test_a_message_that_the_server_does_not_take(transport: str, largest: str | bytes, larger: str | bytes) -> None:
    hand = OldHand(transports=[transport])
    if transport == "polling":
        hand.poll_session(max_payload=16)
    else:
        hand.websocket_session(max_payload=16)
    with pytest.raises(LocalProtocolError, match="a message of 17 bytes: the server takes 16"):
        hand.client.send(larger)
    assert hand.client.send(largest)


# -- WebSocket ---------------------------------------------------------------------------------------------------------


def test_messages_on_a_websocket() -> None:
    hand = OldHand(transports=["websocket"])
    hand.websocket_session()
    hand.client.send("a")
    hand.client.send(b"\x01\x02")
    assert hand.asked() == [("send", "ws", ["4a", b"\x04\x01\x02"])]
    hand.message("4x")
    hand.message(b"\x04\x03")
    hand.message("b4BAU=")
    assert hand.events() == [ClientOpened(), ClientMessage("x"), ClientMessage(b"\x03"), ClientMessage(b"\x04\x05")]


@pytest.mark.parametrize("data", [b"", b"\x01\x02", b"\x05", "b", "b5AA==", "bAA==", "b4A", "7"])
def test_what_is_no_packet_on_a_websocket(data: str | bytes) -> None:
    hand = OldHand(transports=["websocket"])
    hand.websocket_session()
    hand.message(data)
    closed = hand.ending()
    assert closed.reason == "transport error"
    assert isinstance(closed.error, Exception)
    assert isinstance(closed.error.__cause__, RemoteProtocolError)
    assert hand.asked() == [("close", "ws")]


# -- heartbeat ---------------------------------------------------------------------------------------------------------


def test_the_client_pings(open_hand: OldHand) -> None:
    for _ in range(3):
        open_hand.advance(24.75)
        assert sent(open_hand) == []
        open_hand.advance(0.25)
        assert sent(open_hand) == ["2"]
        open_hand.advance(19.75)
        say(open_hand, "3")
    assert open_hand.events() == [ClientOpened(), ClientPinged(), ClientPinged(), ClientPinged()]


def test_there_is_no_pong(open_hand: OldHand) -> None:
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]
    open_hand.advance(19.75)
    assert open_hand.client.state is ClientState.OPEN
    open_hand.advance(0.25)
    assert open_hand.ending() == ClientClosed("ping timeout")
    assert open_hand.client.next_deadline() is None


def test_any_packet_shows_that_the_server_is_there(open_hand: OldHand) -> None:
    say(open_hand, "4before the ping it does not matter")
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]
    for wait, packet in ((19, "4x"), (44, "6"), (44, "4y")):
        open_hand.advance(wait)
        say(open_hand, packet)
        # But it is not pinged again.
        assert sent(open_hand) == []
    assert open_hand.client.state is ClientState.OPEN
    open_hand.advance(45)
    assert open_hand.ending().reason == "ping timeout"


def test_pongs_that_were_not_asked_for_and_pings_mean_nothing(open_hand: OldHand) -> None:
    say(open_hand, "3", "2", "3x")
    assert sent(open_hand) == []
    assert open_hand.events() == [ClientOpened()]
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]
    say(open_hand, "3", "3", "3")
    assert open_hand.events() == [ClientPinged()]


def test_one_ping_waits_however_many_are_due() -> None:
    hand = OldHand(transports=["websocket"])
    hand.websocket_session()
    hand.client.pause(True)
    hand.advance(0)
    hand.advance(25)
    hand.advance(25)
    hand.advance(25)
    assert hand.client.buffered == len("2") + 4
    assert hand.asked() == [("reading", "ws", False), ("send", "ws", ["2"])]


def test_who_does_not_read_goes_on_pinging(open_hand: OldHand) -> None:
    open_hand.client.pause(True)
    sent(open_hand)
    for _ in range(10):
        open_hand.advance(25)
        assert sent(open_hand) == ["2"]
    open_hand.client.pause(False)
    open_hand.advance(0)
    # What has waited comes now, and may take as long as at any other time.
    open_hand.advance(44)
    assert sent(open_hand) == []
    say(open_hand, *["3"] * 10)
    assert open_hand.events() == [ClientOpened(), ClientPinged()]
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]


def test_who_reads_again_waits_for_the_next_ping_as_before(open_hand: OldHand) -> None:
    open_hand.client.pause(True)
    open_hand.advance(20)
    open_hand.client.pause(False)
    open_hand.advance(5)
    assert sent(open_hand) == ["2"]


def test_who_stops_reading_behind_a_ping_is_not_the_one_to_give_up(open_hand: OldHand) -> None:
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]
    open_hand.client.pause(True)
    sent(open_hand)
    open_hand.advance(20)
    assert sent(open_hand) == ["2"]
    open_hand.advance(25)
    assert sent(open_hand) == ["2"]
    open_hand.client.pause(False)
    open_hand.advance(0)
    open_hand.advance(45)
    assert open_hand.ending().reason == "ping timeout"


def test_a_server_that_wants_to_be_pinged_all_the_time_is_not() -> None:
    hand = OldHand(transports=["websocket"])
    hand.open()
    hand.accept()
    hand.message(handshake(pingInterval=0))
    hand.client.pause(True)
    hand.asked()
    for number in range(1, 4):
        hand.advance(0)
        assert hand.asked() == []
        assert hand.client.next_deadline() == pytest.approx(0.01 * number)
        hand.advance(0.01)
        assert hand.asked() == [("send", "ws", ["2"])]


def test_pings_go_behind_what_waits_and_over_every_limit() -> None:
    hand = OldHand(max_outbound=1024)
    hand.poll_session()
    assert hand.client.send("x" * 1000)
    hand.advance(25)
    assert hand.asked() == [("post", "polling&sid=abc", b"1001:4" + b"x" * 1000 + b"1:2")]


# -- upgrade -----------------------------------------------------------------------------------------------------------


def test_an_upgrade() -> None:
    hand = OldHand(upgrade_timeout=60)
    assert hand.poll_session("websocket") == [("ws", "websocket&sid=abc"), ("poll", "polling&sid=abc")]
    hand.accept()
    assert hand.asked() == [("send", "ws", ["2probe"])]
    hand.message("3probe")
    hand.client.send(b"\x01")
    hand.advance(25)
    assert hand.asked() == []
    hand.respond("poll", "1:6")
    assert hand.asked() == [("send", "ws", ["5"]), ("send", "ws", [b"\x04\x01", "2"])]
    hand.message("3")
    hand.message(b"\x04\x02")
    assert hand.events() == [ClientOpened(), ClientPinged(), ClientMessage(b"\x02")]
    hand.advance(25)
    assert hand.asked() == [("send", "ws", ["2"])]


def test_a_heartbeat_outlives_an_upgrade_that_fails() -> None:
    hand = OldHand(upgrade_timeout=60)
    hand.poll_session("websocket")
    hand.accept()
    hand.asked()
    hand.message("3probe")
    hand.advance(25)
    assert hand.asked() == []
    hand.lose("ws")
    assert hand.asked() == [("post", "polling&sid=abc", b"1:2")]
    hand.advance(20)
    assert hand.ending().reason == "ping timeout"


# -- the end -----------------------------------------------------------------------------------------------------------


def test_closing_on_polling() -> None:
    hand = OldHand()
    hand.poll_session()
    hand.client.send(b"\x01")
    hand.client.close()
    # Nothing is pinged any more.
    hand.advance(9)
    assert hand.asked() == [("post", "polling&sid=abc", b"\x01\x02\xff\x04\x01")]
    hand.respond("poll", "1:3")
    hand.respond("post")
    assert hand.asked() == [("poll", "polling&sid=abc"), ("post", "polling&sid=abc", b"1:1")]
    assert hand.events() == [ClientOpened(), ClientClosed("forced close")]
    assert hand.client.next_deadline() is None


def test_closing_on_a_websocket() -> None:
    hand = OldHand(transports=["websocket"])
    hand.websocket_session()
    hand.client.send(b"\x01")
    hand.client.close()
    assert hand.asked() == [("send", "ws", [b"\x04\x01"]), ("close", "ws")]
    assert hand.events() == [ClientOpened(), ClientClosed("forced close")]
    assert hand.client.next_deadline() is None


def test_closing_while_a_ping_is_not_answered() -> None:
    hand = OldHand()
    hand.poll_session()
    hand.advance(25)
    assert hand.asked() == [("post", "polling&sid=abc", b"1:2")]
    hand.client.close()
    hand.advance(9)
    hand.respond("poll", in_payload("3", "4late"))
    assert hand.client.state is ClientState.CLOSING
    hand.advance(10)
    assert hand.ending().reason == "forced close"


def test_the_server_closes(open_hand: OldHand) -> None:
    open_hand.advance(25)
    sent(open_hand)
    say(open_hand, "4last", "1")
    assert open_hand.events() == [ClientOpened(), ClientMessage("last"), ClientClosed("transport close")]
    assert open_hand.client.next_deadline() is None


# -- "auto" ------------------------------------------------------------------------------------------------------------

UNSUPPORTED = '{"code":5,"message":"Unsupported protocol version"}'


def test_a_server_that_does_not_look_at_the_revision_is_known_by_its_answer() -> None:
    hand = Hand(protocol="auto", upgrade_timeout=60)
    assert hand.open() == [("poll", "polling")]
    hand.client.send("early \u20ac")
    hand.respond("poll", in_payload(old_handshake("websocket"), "40"))
    assert hand.session.protocol == 3
    assert hand.events() == [ClientOpened(), ClientMessage("0")]
    assert hand.asked() == [
        ("post", "EIO=3&transport=polling&sid=abc", "8:4early \u20ac".encode()),
        ("ws", "EIO=3&transport=websocket&sid=abc"),
        ("poll", "EIO=3&transport=polling&sid=abc"),
    ]
    hand.respond("post")
    hand.advance(25)
    assert hand.asked() == [("post", "EIO=3&transport=polling&sid=abc", b"1:2")]


def test_the_first_engines_answered_in_binary() -> None:
    hand = Hand(protocol="auto")
    hand.open()
    packet = old_handshake().encode()
    hand.respond("poll", b"\x00" + bytes(map(int, str(len(packet)))) + b"\xff" + packet, content_type=OCTETS)
    assert hand.session.protocol == 3
    assert hand.events() == [ClientOpened()]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_server_of_revision_4(transport: str) -> None:
    hand = Hand(protocol="auto", transports=[transport])
    if transport == "polling":
        hand.open_polling()
    else:
        hand.open_websocket()
    assert hand.session.protocol == 4
    # On a WebSocket, both begin in the same way.
    assert hand.session.may_be_older is (transport == "websocket")


@pytest.mark.parametrize("body", [UNSUPPORTED, '{"code":"5"}'])
def test_a_server_that_does_not_know_the_revision_is_asked_for_the_other(body: str) -> None:
    hand = Hand(protocol="auto")
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", body, 400)
    assert hand.asked() == [("poll", "EIO=3&transport=polling")]
    assert not pending.done
    hand.respond("poll", in_payload(old_handshake()))
    assert pending.value is None
    assert hand.events() == [ClientOpened()]
    assert hand.session.protocol == 3


def test_it_says_so_in_other_words_when_it_refuses_a_websocket() -> None:
    hand = Hand(protocol="auto", transports=["websocket"])
    hand.open()
    hand.respond("ws", "Unsupported protocol version", 400)
    assert hand.asked() == [("ws", "EIO=3&transport=websocket")]
    hand.accept()
    hand.message(old_handshake())
    assert hand.session.protocol == 3
    assert hand.session.may_be_older is False
    hand.client.send(b"\x01")
    assert hand.asked() == [("send", "ws", [b"\x04\x01"])]


def test_it_is_asked_once_more_and_not_for_ever() -> None:
    hand = Hand(protocol="auto")
    for _ in range(2):
        pending = hand.client.open()
        assert hand.asked() == [("poll", "polling")]
        hand.respond("poll", UNSUPPORTED, 400)
        assert hand.asked() == [("poll", "EIO=3&transport=polling")]
        hand.respond("poll", UNSUPPORTED, 400)
        assert str(pending.error) == "xhr poll error: the server has answered 400"
        assert hand.asked() == []


def test_a_server_that_refuses_both_does_not_answer_in_the_old_way_either() -> None:
    hand = Hand(protocol="auto", transports=["websocket", "polling"], try_all_transports=True)
    hand.client.expect_older(True)
    pending = hand.client.open()
    assert hand.asked() == [("ws", "EIO=3&transport=websocket")]
    hand.respond("ws", "Unsupported protocol version", 400)
    assert hand.asked() == [("ws", "websocket")]
    hand.respond("ws", "", 404)
    assert hand.asked() == [("poll", "polling")]
    hand.respond("poll", in_payload(old_handshake()))
    assert str(pending.error) == "the server speaks an older protocol: see the option protocol"


@pytest.mark.parametrize(("status", "next_query"), [(400, "websocket"), (502, "EIO=3&transport=websocket")])
def test_a_refusal_that_says_something_else_makes_it_ask_again(status: int, next_query: str) -> None:
    hand = Hand(protocol="auto", transports=["websocket"])
    hand.client.expect_older(True)
    assert hand.open() == [("ws", "EIO=3&transport=websocket")]
    hand.respond("ws", "who are you?", status)
    assert hand.open() == [("ws", next_query)]


def test_what_polling_has_found_out_is_for_the_next_websocket() -> None:
    hand = Hand(protocol="auto", remember_upgrade=True)
    hand.open()
    hand.respond("poll", in_payload(old_handshake("websocket")))
    hand.asked()
    hand.accept()
    hand.message("3probe")
    hand.respond("poll", "1:6")
    hand.asked()
    assert hand.session.transport == "websocket"
    hand.lose("ws")
    assert hand.open() == [("ws", "EIO=3&transport=websocket")]
    hand.respond("ws", "", 502)
    # Which finds out by itself, every time.
    assert hand.open() == [("poll", "polling")]
    hand.respond("poll", handshake())
    assert hand.session.protocol == 4


def test_a_payload_of_revision_4_is_known_whatever_its_type_is() -> None:
    for protocol in (4, "auto"):
        hand = Hand(protocol=protocol, upgrade=False)
        hand.open()
        hand.respond("poll", handshake(), content_type="application/octet-stream")
        assert (hand.session.state, hand.session.protocol) == (ClientState.OPEN, 4)


def test_what_has_been_found_out_is_forgotten_when_the_server_does_not_know_it_any_more() -> None:
    hand = Hand(protocol="auto", transports=["websocket"])
    hand.client.expect_older(True)
    assert hand.open() == [("ws", "EIO=3&transport=websocket")]
    hand.respond("ws", "Unsupported protocol version", 400)
    assert hand.asked() == [("ws", "websocket")]
    hand.accept()
    hand.message(handshake())
    assert (hand.session.protocol, hand.session.may_be_older) == (4, False)
    hand.lose("ws")
    hand.asked()
    assert hand.open() == [("ws", "websocket")]


@pytest.mark.parametrize("protocol", [3, 4])
def test_who_is_told_what_to_speak_does_not_try_anything_else(protocol: int) -> None:
    hand = Hand(protocol=3 if protocol == 3 else 4)
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", UNSUPPORTED, 400)
    assert str(pending.error) == "xhr poll error: the server has answered 400"
    other = handshake() if protocol == 3 else in_payload(old_handshake())
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", other)
    message = "server error: " if protocol == 3 else "the server speaks an older protocol: see the option protocol"
    assert str(pending.error).startswith(message)
    assert hand.asked() == []


@pytest.mark.parametrize("body", ['{"code":4}', '{"code":[5]}', '"5"', "5", "null", "<html>", "Unsupported"])
def test_other_errors_are_errors(body: str) -> None:
    hand = Hand(protocol="auto")
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", body, 400)
    assert str(pending.error) == "xhr poll error: the server has answered 400"


def test_the_revision_may_change_before_the_transport_does() -> None:
    hand = Hand(protocol="auto", try_all_transports=True)
    hand.open()
    hand.respond("poll", UNSUPPORTED, 400)
    assert hand.asked() == [("poll", "EIO=3&transport=polling")]
    hand.lose("poll")
    assert hand.asked() == [("ws", "EIO=3&transport=websocket")]
    hand.accept()
    hand.message(old_handshake())
    assert hand.session.protocol == 3


def test_an_answer_that_is_no_handshake_tells_nothing_of_the_next_transport() -> None:
    hand = Hand(protocol="auto", try_all_transports=True)
    hand.open()
    hand.respond("poll", "<html>")
    assert hand.asked() == [("ws", "websocket")]
    hand.accept()
    hand.message(old_handshake())
    assert hand.session.may_be_older


def test_the_time_for_all_of_that_is_that_of_one_handshake() -> None:
    hand = Hand(protocol="auto", connect_timeout=20.0)
    pending = hand.client.open()
    hand.asked()
    hand.advance(15)
    hand.respond("poll", UNSUPPORTED, 400)
    hand.asked()
    hand.advance(5)
    assert str(pending.error) == "timeout"


def test_closing_while_the_other_revision_is_tried() -> None:
    hand = Hand(protocol="auto")
    hand.open()
    hand.respond("poll", UNSUPPORTED, 400)
    hand.client.close()
    assert hand.asked() == []
    assert hand.client.over


# -- what cannot be sent in the other revision -------------------------------------------------------------------------


def test_a_text_that_can_only_be_sent_to_an_old_server_is_dropped_and_reported() -> None:
    hand = Hand(protocol="auto", transports=["websocket", "polling"], try_all_transports=True)
    reports: list[str] = []
    hand.client.on_error(lambda error, where: reports.append(f"{where}: {error}"))
    hand.client.expect_older(True)
    hand.open()
    assert hand.client.send("a\x1eb")
    assert hand.client.send("c")
    hand.respond("ws", "", 502)
    hand.asked()
    hand.respond("poll", UNSUPPORTED, 400)
    hand.asked()
    hand.respond("poll", handshake())
    assert hand.asked() == [("post", "polling&sid=abc", b"4c"), ("poll", "polling&sid=abc")]
    [report] = reports
    assert report.startswith("a message that was sent before the session was open: a text with U+001E cannot be sent")
