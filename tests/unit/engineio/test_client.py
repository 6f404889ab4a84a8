"""The Engine.IO client: handshake, polling, WebSocket, heartbeat, and the ends of a session."""

from __future__ import annotations

from typing import Any

import pytest

from sansio_eio import EngineClient, LocalProtocolError, OnError, RemoteProtocolError
from sansio_eio.engineio import (
    Channel,
    ClientClosed,
    ClientFailed,
    ClientMessage,
    ClientOpened,
    ClientPinged,
    ClientState,
    ConnectError,
    Request,
    Response,
    SendRequest,
    TransportError,
)
from sansio_eio.engineio.mailbox import TURN
from sansio_eio.engineio.packet_feed import BATCH, PacketFeed
from sansio_eio.engineio.packets import messages

from .client_driving import Hand, ManualRuntime, handshake


def failure(hand: Hand) -> ConnectError:
    (event,) = hand.events()
    assert isinstance(event, ClientFailed)
    return event.error


def ending(hand: Hand) -> ClientClosed:
    event = hand.events()[-1]
    assert isinstance(event, ClientClosed)
    return event


# -- opening -----------------------------------------------------------------------------------------------------------


def test_opening_on_polling() -> None:
    hand = Hand()
    pending = hand.client.open()
    assert hand.client.state is ClientState.OPENING
    assert hand.asked() == [("poll", "polling")]
    hand.respond("poll", handshake())
    assert pending.done
    assert pending.value is None
    assert hand.events() == [ClientOpened()]
    assert hand.session.sid == "abc"
    assert hand.session.max_payload == 100
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_opening_on_a_websocket() -> None:
    hand = Hand(transports=["websocket"])
    pending = hand.client.open()
    assert hand.asked() == [("ws", "websocket")]
    hand.accept()
    assert not pending.done
    hand.message(handshake(("websocket",)))
    assert pending.done
    assert hand.asked() == []


def test_messages_behind_the_handshake_in_the_same_payload() -> None:
    hand = Hand()
    hand.open_polling(more="\x1e4first\x1ebAQI=")
    assert hand.events() == [ClientOpened(), ClientMessage("first"), ClientMessage(b"\x01\x02")]


def test_it_is_opened_once_at_a_time() -> None:
    hand = Hand()
    hand.client.open()
    with pytest.raises(LocalProtocolError, match="opening already"):
        hand.client.open()
    assert hand.asked() == [("poll", "polling")]


def test_opening_again_begins_from_nothing() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("never sent")
    hand.lose("poll")
    assert ending(hand).reason == "transport error"
    assert hand.asked() == []
    assert hand.client.state is ClientState.CLOSED
    assert hand.open() == [("poll", "polling")]
    hand.respond("poll", handshake())
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_an_error_response_to_the_handshake() -> None:
    hand = Hand()
    pending = hand.client.open()
    hand.asked()
    hand.respond("poll", '{"code":4,"message":"Forbidden"}', 403)
    error = failure(hand)
    assert (error.message, error.status, error.data) == ("xhr poll error", 403, {"code": 4, "message": "Forbidden"})
    assert str(error) == "xhr poll error: the server has answered 403"
    assert pending.error is error
    assert hand.client.session is None


def test_an_error_response_that_is_not_json() -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", b"<h1>\xff</h1>", 404)
    assert failure(hand).data == "<h1>\ufffd</h1>"


def test_a_refused_connection() -> None:
    hand = Hand()
    hand.open()
    refused = ConnectionRefusedError("nobody there")
    hand.lose("poll", refused)
    error = failure(hand)
    assert error.__cause__ is refused
    assert (error.status, error.data) == (None, None)
    assert str(error) == "xhr poll error: nobody there"


def test_a_refused_websocket() -> None:
    hand = Hand(transports=["websocket"])
    hand.open()
    hand.respond("ws", "Session ID unknown", 400)
    error = failure(hand)
    assert (error.message, error.status, error.data) == ("websocket error", 400, "Session ID unknown")
    assert hand.asked() == []


def test_a_websocket_that_ends_before_the_handshake() -> None:
    hand = Hand(transports=["websocket"])
    hand.open()
    hand.accept()
    hand.lose("ws")
    assert str(failure(hand)) == "websocket error"


@pytest.mark.parametrize("packet", ["4early", "", "1", "0", "0[]", "0{}", "b0", b"0{}"])
def test_what_is_not_a_handshake(packet: str | bytes) -> None:
    hand = Hand(transports=["websocket"])
    hand.open()
    hand.accept()
    hand.message(packet)
    error = failure(hand)
    assert error.message == "server error"
    assert isinstance(error.__cause__, RemoteProtocolError)
    assert hand.asked() == [("close", "ws")]


@pytest.mark.parametrize(
    "more",
    [
        {"sid": ""},
        {"sid": 1},
        {"upgrades": None},
        {"pingInterval": True},
        {"pingInterval": "1"},
        {"pingTimeout": -1},
        {"pingTimeout": 1e999},
        {"maxPayload": -1},
        {"maxPayload": True},
        {"maxPayload": 1.5},
        {"maxPayload": None},
    ],
)
def test_handshakes_that_a_client_cannot_go_by(more: dict[str, Any]) -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", handshake(**more))
    assert failure(hand).message == "server error"


def test_a_handshake_nested_too_deep() -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", "0" + "[" * 100_000)
    assert failure(hand).message == "server error"


def test_no_max_payload_means_no_limit() -> None:
    hand = Hand()
    hand.open_polling(max_payload=None)
    assert hand.client.send("x" * 100_000)
    (post,) = hand.asked()
    assert len(post[2]) == 100_001


def test_the_handshake_takes_too_long() -> None:
    hand = Hand(connect_timeout=5)
    hand.open()
    hand.advance(4.9)
    assert hand.client.state is ClientState.OPENING
    hand.advance(0.1)
    assert str(failure(hand)) == "timeout"
    assert hand.asked() == [("close", "poll")]


def test_the_next_transport_is_tried_only_when_that_is_wanted() -> None:
    hand = Hand(try_all_transports=True)
    hand.open()
    hand.respond("poll", "", 502)
    assert hand.asked() == [("ws", "websocket")]
    hand.accept()
    hand.message(handshake())
    assert hand.session.transport == "websocket"
    assert hand.events() == [ClientOpened()]


def test_all_transports_fail() -> None:
    hand = Hand(try_all_transports=True, transports=["websocket", "polling"])
    pending = hand.client.open()
    hand.asked()
    hand.accept()
    hand.message("nonsense")
    assert hand.asked() == [("close", "ws"), ("poll", "polling")]
    hand.lose("poll", OSError("gone"))
    assert str(failure(hand)) == "xhr poll error: gone"
    assert isinstance(pending.error, ConnectError)


def test_messages_that_were_sent_while_it_was_being_opened() -> None:
    hand = Hand()
    hand.open()
    assert hand.client.send("early")
    assert hand.asked() == []
    hand.respond("poll", handshake())
    assert hand.asked() == [("post", "polling&sid=abc", b"4early"), ("poll", "polling&sid=abc")]


def test_messages_that_were_sent_while_a_websocket_was_being_opened() -> None:
    hand = Hand(transports=["websocket"])
    hand.open()
    assert hand.client.send("a\x1eb")
    hand.accept()
    hand.message(handshake())
    assert hand.asked() == [("send", "ws", ["4a\x1eb"])]


def test_a_text_that_polling_cannot_carry_is_dropped_when_it_comes_to_that() -> None:
    hand = Hand(transports=["websocket", "polling"], try_all_transports=True)
    reports: list[str] = []
    hand.client.on_error(lambda error, where: reports.append(f"{where}: {error}"))
    hand.open()
    assert hand.client.send("a\x1eb")
    assert hand.client.send(b"\x1e")
    hand.lose("ws")
    hand.asked()
    hand.respond("poll", handshake())
    assert hand.asked() == [("post", "polling&sid=abc", b"bHg=="), ("poll", "polling&sid=abc")]
    [report] = reports
    assert report.startswith("a message that was sent before the session was open: a text with U+001E cannot be sent")


def test_a_payload_of_a_transport_that_has_failed_is_left() -> None:
    hand = Hand(try_all_transports=True)
    hand.open()
    hand.respond("poll", "4x\x1e" + handshake())
    assert hand.client.state is ClientState.OPENING
    assert hand.asked() == [("ws", "websocket")]
    hand.accept()
    hand.message(handshake())
    assert hand.events() == [ClientOpened()]


def test_a_message_that_turns_out_to_be_too_large_is_dropped_and_reported() -> None:
    hand = Hand()
    reports: list[tuple[str, str]] = []
    hand.client.on_error(lambda error, where: reports.append((str(error), where)))
    hand.open()
    for size in (99, 100, 50):
        assert hand.client.send("x" * size)
    hand.respond("poll", handshake())
    assert reports == [
        ("a message of 101 bytes: the server takes 100", "a message that was sent before the session was open")
    ]
    assert hand.asked() == [("post", "polling&sid=abc", b"4" + b"x" * 99), ("poll", "polling&sid=abc")]
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"4" + b"x" * 50)]
    assert hand.client.buffered == 0


def test_a_listener_may_close_in_the_middle_of_opening() -> None:
    hand = Hand()

    class Owner:
        def opened(self) -> None:
            hand.client.close()

        def pinged(self) -> None: ...
        def message(self, data: str | bytes) -> None: ...
        def failed(self, error: ConnectError) -> None: ...
        def closed(self, reason: str, error: Exception | None) -> None:
            reasons.append(reason)

        def close(self) -> None: ...

    reasons: list[str] = []
    hand.client.attach(Owner())
    assert hand.open_polling("websocket", more="\x1e4not for us") == [("post", "polling&sid=abc", b"1")]
    assert reasons == ["forced close"]


# -- polling -----------------------------------------------------------------------------------------------------------


def test_one_post_at_a_time_with_all_that_has_come_up_meanwhile() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("a")
    hand.client.send(b"\x01")
    assert hand.asked() == [("post", "polling&sid=abc", b"4a\x1ebAQ==")]
    hand.client.send("b")
    hand.client.send("c")
    assert hand.asked() == []
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"4b\x1e4c")]
    hand.respond("post")
    assert hand.asked() == []


def test_posts_are_split_by_what_the_server_takes() -> None:
    hand = Hand()
    hand.open_polling(max_payload=12)
    # Two of them and what separates them are 11 bytes.
    for text in ("aaaa", "bbbb", "cccc", "dddddddddd"):
        assert hand.client.send(text)
    bodies: list[bytes] = []
    while asked := hand.asked():
        bodies.append(asked[0][2])
        hand.respond("post")
    assert bodies == [b"4aaaa\x1e4bbbb", b"4cccc", b"4dddddddddd"]


def test_what_travels_together_is_taken_apart_where_all_of_it_does_not_fit() -> None:
    hand = Hand()
    hand.open_polling(max_payload=12)
    assert hand.session.send_packet(messages(("head", b"\x01" * 6, b"\x02" * 6)))
    assert hand.client.send("z")
    bodies: list[bytes] = []
    while asked := hand.asked():
        bodies.append(asked[0][2])
        hand.respond("post")
    assert bodies == [b"4head", b"bAQEBAQEB", b"bAgICAgIC\x1e4z"]


@pytest.mark.parametrize(
    ("transport", "message"), [("polling", b"x" * 9), ("websocket", b"x" * 13), ("polling", "x" * 12)]
)
def test_a_message_that_the_server_does_not_take(transport: str, message: str | bytes) -> None:
    hand = Hand(transports=[transport])
    if transport == "polling":
        hand.open_polling(max_payload=12)
    else:
        hand.open_websocket(max_payload=12)
    with pytest.raises(LocalProtocolError, match="the server takes 12"):
        hand.client.send(message)
    assert hand.client.buffered == 0
    assert hand.client.send(message[:-1] if transport == "websocket" else message[:6])


def test_poll_after_poll() -> None:
    hand = Hand()
    hand.open_polling()
    hand.respond("poll", "4a\x1e6\x1e4b")
    assert hand.events() == [ClientOpened(), ClientMessage("a"), ClientMessage("b")]
    assert hand.asked() == [("poll", "polling&sid=abc")]


@pytest.mark.parametrize("body", ["x", "", "bA", "7", '0{"sid":"again"}'])
def test_payloads_with_what_is_no_packet(body: str) -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("under way")
    hand.asked()
    hand.respond("poll", "4good\x1e" + body + "\x1e4late")
    opened, good, closed = hand.events()
    assert (opened, good) == (ClientOpened(), ClientMessage("good"))
    assert isinstance(closed, ClientClosed)
    assert closed.reason == "transport error"
    assert isinstance(closed.error, TransportError)
    assert closed.error.message == "server error"
    assert hand.asked() == [("close", "post")]


def test_too_many_packets_in_one_payload() -> None:
    hand = Hand(max_payload_packets=2)
    hand.open_polling()
    hand.respond("poll", "4a\x1e4b\x1e4c")
    assert str(ending(hand).error) == "server error: more than 2 packets in one payload"


def test_a_poll_of_very_many_packets_is_taken_in_turns() -> None:
    hand = Hand()
    hand.open_polling()
    hand.respond("poll", "\x1e".join(f"4{number}" for number in range(3 * BATCH)))
    assert len(hand.events()) == 1 + BATCH
    assert hand.asked() == []
    run(hand.client)
    assert len(hand.events()) == BATCH
    assert hand.asked() == []
    run(hand.client)
    assert hand.events()[-1] == ClientMessage(str(3 * BATCH - 1))
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_a_poll_of_very_many_packets_waits_for_the_application() -> None:
    hand = Hand(max_inbound=BATCH)
    hand.open_polling()
    hand.respond("poll", "\x1e".join(f"4{number}" for number in range(2 * BATCH)))
    assert [runnable for runnable in hand.client.take_runnable() if isinstance(runnable, PacketFeed)] == []
    hand.client.send("x")
    assert hand.asked() == [("post", "polling&sid=abc", b"4x")]
    hand.client.send("y")
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"4y")]
    assert len(hand.events()) == 1 + BATCH
    run(hand.client)
    assert len(hand.events()) == BATCH
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_closing_in_the_middle_of_a_poll() -> None:
    hand = Hand()
    hand.open_polling()
    hand.respond("poll", "\x1e".join(f"4{number}" for number in range(3 * BATCH)))
    hand.client.close()
    assert hand.asked() == []
    run(hand.client)
    run(hand.client)
    assert ending(hand) == ClientClosed("forced close")
    assert hand.asked() == [("post", "polling&sid=abc", b"1")]


def test_closing_in_the_middle_of_a_poll_that_nobody_takes() -> None:
    hand = Hand(max_inbound=BATCH)
    hand.open_polling()
    hand.respond("poll", "\x1e".join(f"4{number}" for number in range(3 * BATCH)))
    hand.client.close()
    assert hand.asked() == [("post", "polling&sid=abc", b"1")]
    assert ending(hand) == ClientClosed("forced close")
    run(hand.client)
    assert hand.events() == []


def test_the_end_of_a_session_in_the_middle_of_a_poll() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("x")
    hand.asked()
    hand.respond("poll", "\x1e".join(f"4{number}" for number in range(3 * BATCH)))
    hand.lose("post")
    assert ending(hand).reason == "transport error"
    run(hand.client)
    assert hand.events() == []


def test_the_server_closes_with_a_packet() -> None:
    hand = Hand()
    hand.open_polling()
    hand.respond("poll", "4bye\x1e1\x1e4late")
    assert hand.events() == [ClientOpened(), ClientMessage("bye"), ClientClosed("transport close")]
    assert hand.asked() == []


@pytest.mark.parametrize(("role", "message"), [("poll", "xhr poll error"), ("post", "xhr post error")])
def test_an_error_response_to_a_session(role: str, message: str) -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("x")
    hand.asked()
    hand.respond(role, '{"code":1,"message":"Session ID unknown"}', 400)
    error = ending(hand).error
    assert isinstance(error, TransportError)
    assert not isinstance(error, ConnectError)
    assert (error.message, error.status) == (message, 400)
    assert error.data == {"code": 1, "message": "Session ID unknown"}
    assert hand.asked() == [("close", "post" if role == "poll" else "poll")]


@pytest.mark.parametrize(("role", "message"), [("poll", "xhr poll error"), ("post", "xhr post error")])
def test_a_lost_request(role: str, message: str) -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("x")
    hand.asked()
    hand.lose(role, ConnectionResetError("reset"))
    closed = ending(hand)
    assert (closed.reason, str(closed.error)) == ("transport error", f"{message}: reset")


def test_a_request_has_the_time_that_the_options_say() -> None:
    hand = Hand(request_timeout=30)
    hand.client.open()
    (channel,) = hand.client.take_ready()
    (action,) = hand.client.take_actions(channel)
    assert isinstance(action, SendRequest)
    assert action.timeout == 30


def test_a_separator_cannot_be_sent_over_polling() -> None:
    hand = Hand()
    hand.open_polling()
    with pytest.raises(LocalProtocolError, match=r"U\+001E"):
        hand.client.send("a\x1eb")
    assert hand.asked() == []


def test_sending_without_a_session() -> None:
    hand = Hand()
    assert hand.client.send("x") is False
    assert hand.client.drain().done
    assert hand.client.buffered == 0
    hand.client.close()
    assert hand.asked() == []


def test_what_is_no_message() -> None:
    hand = Hand()
    hand.open_polling()
    with pytest.raises(LocalProtocolError, match="str or bytes"):
        hand.client.send(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# -- WebSocket ---------------------------------------------------------------------------------------------------------


def test_messages_on_a_websocket() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.client.send("a\x1eb")
    hand.client.send(b"\x01")
    assert hand.asked() == [("send", "ws", ["4a\x1eb", b"\x01"])]
    hand.message("4x")
    hand.message(b"\x02")
    hand.message("bAw==")
    assert hand.events() == [ClientOpened(), ClientMessage("x"), ClientMessage(b"\x02"), ClientMessage(b"\x03")]


def test_a_websocket_gets_its_messages_in_portions() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket(max_payload=None)
    for _ in range(3):
        hand.client.send("x" * 60_000)
    (sent,) = hand.asked()
    assert len(sent[2]) == 2
    assert hand.client.buffered == 60_005
    drained = hand.client.drain()
    assert drained.done
    (sent,) = hand.asked()
    assert len(sent[2]) == 1


def test_drain_ends_when_the_rest_is_small_or_the_session_over() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket(max_payload=None)
    hand.client.send("x" * 70_000)
    drained = hand.client.drain()
    assert not drained.done
    hand.asked()
    assert drained.done
    hand.client.send("x" * 70_000)
    drained = hand.client.drain()
    hand.lose("ws")
    assert drained.done


@pytest.mark.parametrize("error", [None, OSError("reset")])
def test_a_websocket_that_ends(error: Exception | None) -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.lose("ws", error)
    assert ending(hand) == ClientClosed("transport close", error)
    assert hand.asked() == []


def test_a_websocket_on_which_the_server_breaks_the_protocol(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sansio_eio")
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.lose("ws", RemoteProtocolError("a masked frame"))
    assert caplog.messages == [
        "the session with server:3000 has ended, transport error: websocket error: a masked frame"
    ]
    closed = ending(hand)
    assert (closed.reason, str(closed.error)) == ("transport error", "websocket error: a masked frame")


def test_the_server_closes_a_websocket_session_with_a_packet() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.message("1")
    assert ending(hand) == ClientClosed("transport close")
    assert hand.asked() == [("close", "ws")]


# -- heartbeat ---------------------------------------------------------------------------------------------------------


def test_pings_are_answered() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.message("2")
    assert hand.asked() == [("send", "ws", ["3"])]
    assert hand.events() == [ClientOpened(), ClientPinged()]


def test_pings_are_answered_whatever_waits() -> None:
    hand = Hand(max_outbound=1024)
    hand.open_polling(max_payload=None)
    assert hand.client.send("x" * 1000)
    assert hand.client.send("y" * 1000) is False
    hand.respond("poll", "2")
    assert hand.asked() == [("post", "polling&sid=abc", b"4" + b"x" * 1000 + b"\x1e3"), ("poll", "polling&sid=abc")]


def test_the_server_does_not_ping_any_more() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.advance(44)
    hand.message("2")
    hand.asked()
    hand.message("4other packets do not count")
    hand.advance(44)
    assert hand.client.state is ClientState.OPEN
    hand.advance(1)
    assert ending(hand) == ClientClosed("ping timeout")
    assert hand.asked() == [("close", "ws")]


def test_who_does_not_read_for_a_while_waits_anew_for_the_ping() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.client.pause(True)
    assert hand.asked() == [("reading", "ws", False)]
    hand.advance(44)
    hand.client.pause(False)
    assert hand.asked() == [("reading", "ws", True)]
    hand.advance(44)
    assert hand.client.state is ClientState.OPEN
    hand.advance(1)
    assert ending(hand).reason == "ping timeout"


def test_who_does_not_read_at_all_has_no_session_any_more() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.client.pause(True)
    hand.advance(45)
    # The server has had no pong, and has given up.
    assert ending(hand).reason == "ping timeout"


def test_one_pong_for_all_pings_that_wait() -> None:
    hand = Hand()
    hand.open_polling()
    hand.respond("poll", "2\x1e2\x1e2")
    assert hand.asked() == [("post", "polling&sid=abc", b"3"), ("poll", "polling&sid=abc")]
    for _ in range(2):
        hand.respond("poll", "2")
        assert hand.asked() == [("poll", "polling&sid=abc")]
    assert hand.client.buffered == 5
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"3")]
    hand.respond("post")
    assert hand.asked() == []


# -- closing -----------------------------------------------------------------------------------------------------------


def test_closing_on_polling() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.close()
    # The poll is left to the server, which answers it: cut off, it would be an error there.
    assert hand.asked() == [("post", "polling&sid=abc", b"1")]
    assert ending(hand) == ClientClosed("forced close")
    assert hand.client.over
    hand.respond("poll", "6")
    hand.respond("post")
    assert hand.asked() == []


@pytest.mark.parametrize("lost", [False, True])
def test_closing_on_polling_where_the_server_does_not_answer_the_poll(lost: bool) -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.close()
    hand.asked()
    goodbye = hand.channels["post"], hand.channels["poll"]
    # The next session does the same before the goodbye of this one is answered.
    hand.open_polling()
    hand.client.close()
    hand.asked()
    second = hand.channels["post"], hand.channels["poll"]
    hand.channels["post"], hand.channels["poll"] = goodbye
    if lost:
        hand.lose("post")
    else:
        hand.respond("post")
    assert hand.asked() == [("close", "poll")]
    hand.channels["post"], hand.channels["poll"] = second
    hand.respond("post")
    assert hand.asked() == [("close", "poll")]
    hand.respond("poll", "6")
    assert hand.asked() == []


def test_closing_on_a_websocket_behind_what_is_queued() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    hand.client.send("last")
    hand.client.close()
    assert hand.asked() == [("send", "ws", ["4last"]), ("close", "ws")]
    assert ending(hand) == ClientClosed("forced close")


def test_closing_on_polling_behind_what_is_queued() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("a")
    hand.asked()
    hand.client.send("b")
    hand.client.close()
    assert hand.client.state is ClientState.CLOSING
    assert hand.client.send("too late") is False
    assert hand.asked() == []
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"4b")]
    hand.respond("poll", "4still heard\x1e2")
    assert hand.events() == [ClientOpened(), ClientMessage("still heard")]
    assert hand.asked() == [("poll", "polling&sid=abc")]
    hand.respond("post")
    assert hand.asked() == [("post", "polling&sid=abc", b"1")]
    assert hand.events() == [ClientClosed("forced close")]


def test_what_is_over_is_over() -> None:
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    session = hand.session
    session.end("transport close")
    session.end("transport close")
    session.close()
    assert session.over
    assert session.send_packet(messages(("late",))) is False
    assert hand.events() == [ClientOpened(), ClientClosed("transport close")]
    assert hand.asked() == [("close", "ws")]


def test_closing_twice() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("a")
    hand.client.close()
    hand.client.close()
    assert hand.asked() == [("post", "polling&sid=abc", b"4a")]


def test_what_is_queued_is_not_waited_for_for_ever() -> None:
    hand = Hand(close_timeout=3)
    hand.open_polling()
    hand.client.send("a")
    hand.client.close()
    hand.asked()
    hand.advance(3)
    assert ending(hand) == ClientClosed("forced close")
    assert hand.asked() == [("close", "poll"), ("close", "post")]


def test_a_transport_that_fails_while_closing() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("a")
    hand.client.close()
    hand.asked()
    hand.respond("post", "", 413)
    closed = ending(hand)
    assert closed.reason == "transport error"
    assert isinstance(closed.error, TransportError)
    assert closed.error.status == 413


def test_closing_while_opening() -> None:
    hand = Hand()
    pending = hand.client.open()
    hand.asked()
    hand.client.close()
    assert str(failure(hand)) == "forced close"
    assert isinstance(pending.error, ConnectError)
    assert hand.asked() == [("close", "poll")]
    assert hand.client.next_deadline() is None


def test_a_driver_that_goes_away() -> None:
    hand = Hand(transports=["websocket"])
    hand.client.install(ManualRuntime())
    hand.open_websocket()
    hand.client.send("lost")
    hand.client.install(None)
    assert ending(hand) == ClientClosed("forced close")
    assert hand.client.over
    assert hand.client.take_ready() == []
    hand.client.install(None)


def test_a_driver_that_goes_away_in_the_middle_of_a_goodbye() -> None:
    hand = Hand()
    hand.client.install(ManualRuntime())
    hand.open_polling()
    hand.client.send("lost")
    hand.client.install(None)
    assert ending(hand) == ClientClosed("forced close")
    assert hand.client.over


def test_the_next_driver_handles_what_the_last_one_has_left() -> None:
    hand = Hand(transports=["websocket"])
    seen: list[str | bytes] = []
    hand.client.on("message", seen.append)
    hand.client.install(ManualRuntime())
    hand.open_websocket()
    hand.message("4a")
    assert len(hand.client.take_runnable()) == 1, "taken, and never run"
    hand.message("4b")
    hand.client.install(None)
    assert hand.client.take_runnable() == []
    hand.client.install(ManualRuntime())
    run(hand.client)
    assert seen == ["a", "b"]
    hand.client.install(None)
    hand.client.install(ManualRuntime())
    assert hand.client.take_runnable() == []
    hand.open_websocket()
    hand.message("4c")
    run(hand.client)
    assert seen == ["a", "b", "c"]


def test_nothing_is_opened_for_a_driver_that_leaves() -> None:
    hand = Hand()
    hand.client.install(ManualRuntime())
    hand.client.leave()
    with pytest.raises(LocalProtocolError, match="leaving"):
        hand.client.open()
    hand.client.install(None)
    hand.client.install(ManualRuntime())
    assert hand.open() == [("poll", "polling")]


def test_one_driver_at_a_time() -> None:
    hand = Hand()
    hand.client.install(ManualRuntime())
    with pytest.raises(LocalProtocolError, match="served already"):
        hand.client.install(ManualRuntime())


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_full_buffer() -> None:
    hand = Hand(max_outbound=1024)
    hand.open_polling(max_payload=None)
    assert hand.client.send("x" * 900)
    assert hand.client.send("y" * 900) is False
    with pytest.raises(LocalProtocolError, match="max_outbound"):
        hand.client.send("z" * 1024)
    assert hand.asked() == [("post", "polling&sid=abc", b"4" + b"x" * 900)]


def test_volatile_packets_leave_a_full_buffer_first() -> None:
    hand = Hand(max_outbound=1024)
    hand.open_polling(max_payload=None)
    assert hand.session.send_packet(messages(("v" * 600,), volatile=True))
    assert hand.client.send("x" * 600)
    assert hand.asked() == [("post", "polling&sid=abc", b"4" + b"x" * 600)]


def test_when_volatile_packets_are_sent() -> None:
    volatile = messages(("v",), volatile=True)
    hand = Hand()
    hand.open()
    assert not hand.session.writable
    assert not hand.session.send_packet(volatile)
    hand.respond("poll", handshake())
    hand.asked()
    assert hand.session.send_packet(volatile)
    assert hand.session.send_packet(volatile), "the driver has not asked yet: both leave"
    hand.asked()
    assert not hand.session.send_packet(volatile), "a POST is under way"
    hand = Hand(transports=["websocket"])
    hand.open_websocket()
    assert hand.session.send_packet(volatile)
    assert hand.session.send_packet(volatile)
    (channel,) = hand.client.take_ready()
    assert not hand.session.send_packet(volatile), "the driver waits for the server"
    assert len(hand.client.take_actions(channel)) == 1
    assert hand.session.send_packet(volatile)


def test_who_does_not_keep_up_stops_the_reading_of_a_websocket() -> None:
    hand = Hand(transports=["websocket"], max_inbound=2)
    hand.open_websocket()
    hand.message("4a")
    assert hand.asked() == [("reading", "ws", False)]
    hand.events()
    assert hand.asked() == [("reading", "ws", True)]


def test_who_does_not_keep_up_stops_polling() -> None:
    hand = Hand(max_inbound=3)
    hand.open_polling()
    hand.respond("poll", "4a\x1e4b")
    assert hand.asked() == []
    hand.client.send("x")
    assert hand.asked() == [("post", "polling&sid=abc", b"4x")]
    hand.events()
    assert hand.asked() == [("poll", "polling&sid=abc")]


def test_who_does_not_keep_up_does_not_from_the_beginning_of_the_next_session() -> None:
    hand = Hand(transports=["websocket"], max_inbound=2)
    hand.open_websocket()
    hand.message("4a")
    hand.asked()
    hand.lose("ws")
    hand.open()
    hand.accept()
    hand.message(handshake())
    assert hand.asked() == [("reading", "ws", False)]
    hand.events()
    assert hand.asked() == [("reading", "ws", True)]


def test_keeping_up_again_between_two_sessions() -> None:
    hand = Hand(transports=["websocket"], max_inbound=2)
    hand.open_websocket()
    hand.message("4a")
    hand.asked()
    hand.lose("ws")
    assert len(hand.events()) == 3
    hand.open_websocket()


def test_keeping_up_again_while_closing() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.send("last")
    hand.asked()
    hand.client.pause(True)
    hand.client.close()
    hand.advance(0)
    hand.advance(5)
    hand.client.pause(False)
    hand.advance(5)
    # It has as long as before.
    assert ending(hand) == ClientClosed("forced close")


def test_keeping_up_again_while_opening() -> None:
    hand = Hand(max_inbound=2)
    hand.open_polling()
    hand.respond("poll", "4a")
    hand.client.close()
    hand.asked()
    hand.open()
    hand.events()
    hand.respond("poll", handshake())
    assert hand.asked() == [("poll", "polling&sid=abc")]


# -- what is late ------------------------------------------------------------------------------------------------------


def test_what_comes_late_changes_nothing() -> None:
    hand = Hand()
    hand.open_polling()
    hand.client.close()
    hand.asked()
    hand.events()
    hand.respond("poll", "4late")
    hand.lose("post")
    hand.channels["ws"] = hand.channels["poll"]
    hand.accept()
    hand.message("4late")
    assert hand.events() == []
    hand.open()
    old = dict(hand.channels)
    hand.respond("poll", handshake())
    hand.asked()
    hand.channels.update(old)
    hand.respond("poll", "4late")
    hand.message("4late")
    hand.accept()
    hand.lose("poll")
    assert hand.events() == [ClientOpened()]
    assert hand.asked() == []


# -- handlers ----------------------------------------------------------------------------------------------------------


def run(client: EngineClient) -> None:
    for runnable in client.take_runnable():
        assert runnable.step() is None


def test_handlers() -> None:
    hand = Hand(transports=["websocket"])
    seen: list[object] = []
    hand.client.on("open", lambda: seen.append("open"))
    hand.client.on("ping", lambda: seen.append("ping"))
    hand.client.on("close", seen.append)
    hand.client.on("error", seen.append)

    @hand.client.on("message")
    def message(data: str | bytes) -> None:
        seen.append(data)

    hand.open_websocket()
    hand.message("2")
    hand.message("4a")
    hand.message(b"b")
    hand.lose("ws")
    hand.open()
    hand.respond("ws", "", 400)
    run(hand.client)
    assert seen[:-1] == ["open", "ping", "a", b"b", "transport close"]
    assert isinstance(seen[-1], ConnectError)


def test_an_event_that_does_not_exist() -> None:
    hand = Hand()
    with pytest.raises(LocalProtocolError, match="open, ping, message, close, error"):
        hand.client.on("connect", print)


def test_the_client_of_a_protocol_above_has_no_handlers() -> None:
    class Owner:
        def opened(self) -> None: ...
        def pinged(self) -> None: ...
        def message(self, data: str | bytes) -> None: ...
        def failed(self, error: ConnectError) -> None: ...
        def closed(self, reason: str, error: Exception | None) -> None: ...
        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []
    hand = Hand()
    hand.client.attach(Owner())
    with pytest.raises(LocalProtocolError, match=r"Socket\.IO"):
        hand.client.on("message", print)
    hand.client.on_error(lambda error, where: OnError.CLOSE)
    hand.client.host.report(ValueError(), "somewhere")
    assert closed == [True]


def test_a_handler_that_raises_may_close_the_client() -> None:
    hand = Hand(transports=["websocket"])
    wrong = ValueError("wrong")
    reports: list[tuple[Exception, str]] = []

    @hand.client.on_error
    def report(error: Exception, where: str) -> OnError:
        reports.append((error, where))
        return OnError.CLOSE

    @hand.client.on("message")
    def message(data: str | bytes) -> None:
        raise wrong

    hand.open_websocket()
    hand.message("4a")
    run(hand.client)
    assert reports == [(wrong, "a handler of message")]
    assert hand.asked() == [("close", "ws")]


def test_a_handler_beside_the_others_may_outlive_the_session() -> None:
    hand = Hand(transports=["websocket"])
    runtime = ManualRuntime()
    hand.client.install(runtime)
    hand.client.on("message", repr, concurrent=True)
    hand.open_websocket()
    hand.message("4a")
    run(hand.client)
    assert len(runtime.started) == 1
    hand.lose("ws")
    with pytest.raises(StopIteration):
        runtime.started[0].send(None)


def test_many_events_are_several_turns() -> None:
    hand = Hand(transports=["websocket"])
    seen: list[str | bytes] = []
    hand.client.on("message", seen.append)
    hand.open_websocket()
    for number in range(2 * TURN):
        hand.message(f"4{number}")
    run(hand.client)
    assert len(seen) == TURN - 1
    run(hand.client)
    run(hand.client)
    assert seen == [str(number) for number in range(2 * TURN)]


# -- requests ----------------------------------------------------------------------------------------------------------


def request_on(hand: Hand, channel: Channel) -> Request:
    hand.channels["poll"] = channel
    (action,) = hand.client.take_actions(channel)
    assert isinstance(action, SendRequest)
    return action.request


def sent(hand: Hand) -> Request:
    (channel,) = hand.client.take_ready()
    return request_on(hand, channel)


def test_a_request_has_everything_that_the_url_and_the_options_say() -> None:
    hand = Hand("http://us%40er:p%C3%A4ss@server/?a=1&EIO=9", query={"b": "ü", "sid": "mine"}, headers={"X-One": "1"})
    hand.client.open()
    request = sent(hand)
    assert request.method == "GET"
    assert request.path == "/engine.io/"
    assert request.query == "a=1&EIO=4&b=%C3%BC&transport=polling"
    assert request.headers == [("x-one", "1"), ("authorization", "Basic dXNAZXI6cMOkc3M=")]
    hand.respond("poll", handshake())
    assert sent(hand).query == "a=1&EIO=4&b=%C3%BC&transport=polling&sid=abc"


def test_the_header_of_the_options_counts_more_than_the_url() -> None:
    hand = Hand("http://user@server", headers={"Authorization": "Bearer x"})
    hand.client.open()
    assert sent(hand).headers == [("authorization", "Bearer x")]


def test_headers_and_query_may_be_functions_that_are_called_for_each_session() -> None:
    count = iter(range(10))
    hand = Hand(headers=lambda: {"x-count": str(next(count))}, query=lambda: {"count": str(next(count))})
    hand.client.open()
    request = sent(hand)
    assert (request.headers, request.query) == ([("x-count", "0")], "count=1&EIO=4&transport=polling")
    hand.respond("poll", handshake())
    assert sent(hand).headers == [("x-count", "0")]
    hand.lose("poll")
    hand.client.open()
    assert sent(hand).headers == [("x-count", "2")]


@pytest.mark.parametrize("headers", [lambda: 1 / 0, lambda: {"host": "evil"}])
def test_functions_for_the_options_that_fail(headers: Any) -> None:
    hand = Hand(headers=headers)
    reports: list[str] = []
    hand.client.on_error(lambda error, where: reports.append(where))
    pending = hand.client.open()
    assert isinstance(pending.error, ConnectError)
    assert pending.error.message == "client error"
    assert isinstance(pending.error.__cause__, (ZeroDivisionError, LocalProtocolError))
    assert reports == ["the function for the headers or the query"]
    assert hand.asked() == []
    assert failure(hand) is pending.error


def test_requests_are_told_apart() -> None:
    hand = Hand(timestamp_requests=True, timestamp_param="nonce")
    hand.client.open()
    first = sent(hand).params
    hand.respond("poll", handshake())
    second = sent(hand).params
    assert len(first["nonce"]) == 8
    assert first["nonce"] != second["nonce"]


def test_what_a_server_says_is_its_id_may_be_anything() -> None:
    hand = Hand()
    hand.open()
    hand.respond("poll", handshake(sid="a&b=\ud800 ü"))
    assert sent(hand).query == "EIO=4&transport=polling&sid=a%26b%3D%3F+%C3%BC"


def test_cookies_are_sent_back() -> None:
    hand = Hand(headers={"Cookie": "mine=1"})
    hand.client.open()
    assert sent(hand).headers == [("cookie", "mine=1")]
    hand.respond("poll", handshake(), set_cookie="lb=node-2; Path=/; HttpOnly")
    assert sent(hand).headers == [("cookie", "mine=1; lb=node-2")]


def test_a_cookie_of_a_websocket_and_one_that_ends() -> None:
    hand = Hand(transports=["websocket", "polling"], try_all_transports=True)
    runtime = ManualRuntime()
    hand.client.install(runtime)
    hand.open()
    response = Response(101, [("set-cookie", "a=1; Max-Age=10")])
    hand.client.websocket_accepted(hand.channels["ws"], response, now=0.0)
    hand.message("nonsense")
    websocket, poll = hand.client.take_ready()
    assert websocket is hand.channels["ws"]
    assert request_on(hand, poll).headers == [("cookie", "a=1")]
    hand.now = 10.0
    hand.respond("poll", handshake())
    assert sent(hand).headers == []


# -- what it looks like ------------------------------------------------------------------------------------------------


def test_reprs_do_not_show_the_id() -> None:
    hand = Hand()
    assert repr(hand.client) == "<EngineClient of server:3000 closed>"
    hand.open()
    hand.respond("poll", handshake(sid="secret-id"))
    assert repr(hand.client) == "<EngineClient of server:3000 open>"
    assert repr(hand.session) == "<ClientSession secr… open on polling>"


def test_it_is_its_own_engine() -> None:
    hand = Hand()
    assert hand.client.engine is hand.client
    assert hand.client.max_message_size == 16 * 1024 * 1024
