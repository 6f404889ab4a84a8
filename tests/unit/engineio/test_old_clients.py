"""Sessions of revision 3: the same machine, with another codec and a heartbeat in the other direction."""

import pytest

from sansio_eio.engineio import Request, State
from tests.unit.engineio.driving import Driver, Journal
from tests.unit.engineio.old_clients import OCTETS, OldDialer, OldPoller, old_server

UNSUPPORTED = b'{"code":5,"message":"Unsupported protocol version"}'


def twenty_characters(_request: Request) -> str:
    return "x" * 20


# -- the handshake -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eio", ["", "EIO=3&", "EIO=5&", "EIO=&", "EIO=04&"])
def test_the_handshake_of_old_clients(eio: str) -> None:
    driver = old_server(ping_timeout=60.0, generate_id=twenty_characters)
    opened = driver.request(query=eio + "transport=polling&b64=1")
    assert opened.text == (
        '97:0{"sid":"xxxxxxxxxxxxxxxxxxxx","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000}'
    )
    assert opened.response.headers == [
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Cache-Control", "no-store"),
    ]
    assert driver.app.sessions["x" * 20].protocol == 3


def test_new_clients_are_served_as_ever() -> None:
    driver = old_server()
    client = driver.polling()
    assert client.handshake["maxPayload"] == 1_000_000
    assert client.session.protocol == 4


@pytest.mark.parametrize("eio", ["", "EIO=3&", "EIO=5&"])
def test_old_clients_are_refused_unless_they_are_allowed(eio: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    refused = driver.request(query=eio + "transport=polling").response
    assert (refused.status, refused.body) == (400, UNSUPPORTED)
    refused = driver.dial(eio + "transport=websocket").response
    assert (refused.status, refused.body) == (400, b"Unsupported protocol version")
    assert journal.refused == [(5, "Unsupported protocol version", {"protocol": "3"})] * 2
    assert driver.app.sessions == {}


def test_a_session_keeps_its_revision() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    old, new = OldPoller(driver), driver.polling()
    for request in (
        driver.request(query=f"EIO=4&transport=polling&sid={old.sid}"),
        driver.dial(f"EIO=4&transport=websocket&sid={old.sid}"),
        driver.request(query=f"EIO=3&transport=polling&sid={new.sid}"),
        driver.request("POST", query=f"transport=polling&sid={new.sid}", body=b"2:4a"),
        driver.dial(f"EIO=3&transport=websocket&sid={new.sid}"),
    ):
        assert request.response.status == 400
        assert b"Bad request" in request.response.body
    contexts = [{"name": "PROTOCOL_MISMATCH", "protocol": a, "previousProtocol": b} for a, b in ("43", "34")]
    assert [context for _, _, context in journal.refused] == [contexts[0]] * 2 + [contexts[1]] * 3
    assert (old.session.state, new.session.state) == (State.OPEN, State.OPEN)


# -- polling -----------------------------------------------------------------------------------------------------------


def test_a_payload_of_text() -> None:
    driver = old_server()
    client = OldPoller(driver)
    for text in ("a", "€", "😀", "", "a\x1eb", "x" * 9):
        assert client.session.send(text)
    driver.pump()
    assert client.poll().text == "2:4a2:4€3:4😀1:44:4a\x1eb10:4xxxxxxxxx"


@pytest.mark.parametrize("opening", ["&b64=1", "&b64=true"])
def test_bytes_are_base64_for_who_asks_for_that(opening: str) -> None:
    driver = old_server()
    client = OldPoller(driver, opening)
    client.session.send("a")
    client.session.send(b"\x01\x02\x03\x04")
    driver.pump()
    poll = client.poll()
    assert poll.text == "2:4a10:b4AQIDBA=="
    assert poll.response.headers[0] == ("Content-Type", "text/plain; charset=UTF-8")


def test_bytes_are_bytes_for_who_takes_them() -> None:
    driver = old_server()
    client = OldPoller(driver, "&b64=")
    client.session.send("a€")
    client.session.send(b"\x01\x02\x03")
    client.session.send(b"x" * 11)
    driver.pump()
    response = client.poll().response
    assert response.body == (
        b"\x00\x05\xff4a\xe2\x82\xac" + b"\x01\x04\xff\x04\x01\x02\x03" + b"\x01\x01\x02\xff\x04" + b"x" * 11
    )
    assert response.headers[0] == ("Content-Type", "application/octet-stream")
    client.session.send("only text")
    driver.pump()
    assert client.poll().text == "10:4only text"


def test_a_script_is_text_whatever_the_client_takes() -> None:
    driver = old_server()
    client = OldPoller(driver)
    client.session.send(b"\x01\x02\x03\x04")
    client.session.send('"\u2028')
    driver.pump()
    poll = client.poll(query="&j=7")
    assert poll.text == '___eio[7]("10:b4AQIDBA==3:4\\"\\u2028");'
    assert poll.response.headers[0] == ("Content-Type", "text/javascript; charset=UTF-8")


def test_posts() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    client = OldPoller(driver)
    post = client.post("2:4a3:4😀10:b4AQIDBA==1:4")
    assert post.text == "ok"
    post = client.post(b"\x00\x04\xff4\xe2\x82\xac\x01\x03\xff\x04\x00\xff", headers=OCTETS)
    assert post.text == "ok"
    post = client.post("d=3%3A4%5Cna3%3A4%5C%5Cn", query="&j=0")
    assert post.text == "ok"
    assert journal.messages == ["a", "😀", b"\x01\x02\x03\x04", "", "€", b"\x00\xff", "\na", "\\n"]
    assert journal.closed == []


@pytest.mark.parametrize(
    "body",
    ["2:4a5:4", "2:4axx", "2:4a2:4😀", "2:4a-1:4", "2:4a1:7", "2:4a2:b5", "2:4a3:b4A", "2:4a1:é"],
)
def test_what_comes_before_a_mistake_is_delivered(body: str) -> None:
    driver = old_server()
    journal = Journal(driver.app)
    client = OldPoller(driver)
    poll = client.poll()
    assert client.post(body).text == "ok"
    assert (journal.messages, journal.closed) == (["a"], ["parse error"])
    assert poll.text == "1:1"


@pytest.mark.parametrize(
    ("body", "headers"),
    [("", []), (b"", OCTETS), (b"\x02\x01\xff4", OCTETS), (b"\x01\x02\xff\x05a", OCTETS), (b"\x01\x00\xff", OCTETS)],
)
def test_payloads_that_are_none(body: str | bytes, headers: list[tuple[str, str]]) -> None:
    driver = old_server()
    journal = Journal(driver.app)
    assert OldPoller(driver).post(body, headers=headers).text == "ok"
    assert (journal.messages, journal.closed) == ([], ["parse error"])


def test_more_packets_than_one_post_may_have() -> None:
    driver = old_server(max_payload_packets=3)
    journal = Journal(driver.app)
    client = OldPoller(driver)
    assert client.post("2:4a2:4b2:4c").text == "ok"
    assert journal.closed == []
    assert client.post("2:4d2:4e2:4f2:4g").text == "ok"
    assert (journal.messages, journal.closed) == (list("abcdef"), ["parse error"])


def test_very_many_packets_are_taken_in_turns() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    client = OldPoller(driver)
    assert client.post("2:4a" * 700 + "x").text == "ok"
    assert (len(journal.messages), journal.closed) == (700, ["parse error"])


def test_closing() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    client = OldPoller(driver)
    poll = client.poll()
    client.session.close()
    driver.pump()
    assert poll.text == "1:1"
    other = OldPoller(driver)
    poll = other.poll()
    other.post("1:1")
    assert poll.text == "1:6"
    assert journal.closed == ["forced close", "transport close"]


@pytest.mark.parametrize("eio", ["3", "4"])
def test_what_a_client_posts_to_a_session_that_closes_does_not_count(eio: str) -> None:
    driver = old_server(max_payload_packets=3)
    journal = Journal(driver.app)
    client = OldPoller(driver) if eio == "3" else driver.polling()
    client.session.send("last words")
    client.session.close()
    driver.pump()
    assert client.post("nonsense").text == "ok"
    assert client.post("1:4" * 4 if eio == "3" else "4\x1e4\x1e4\x1e4").response.status == (200 if eio == "3" else 413)
    assert journal.closed == []
    assert client.poll().text.endswith("4last words")
    assert client.poll().text.endswith("1")
    assert journal.closed == ["forced close"]


# -- WebSocket ---------------------------------------------------------------------------------------------------------


def test_bytes_on_a_websocket_have_a_type() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    client = OldDialer(driver)
    assert client.handshake["upgrades"] == []
    client.session.send("a")
    client.session.send(b"\x01\x02")
    driver.pump()
    assert client.websocket.taken() == ["4a", b"\x04\x01\x02"]
    client.websocket.say("4b", b"\x04\x03", "b4BQ==", b"\x04")
    assert journal.messages == ["b", b"\x03", b"\x05", b""]


def test_base64_on_a_websocket() -> None:
    driver = old_server()
    client = OldDialer(driver, "&b64=1")
    client.session.send(b"\x01\x02\x03\x04")
    driver.pump()
    assert client.websocket.taken() == ["b4AQIDBA=="]


@pytest.mark.parametrize("packet", [b"", b"\x02probe", b"\x05a", "b", "b5AAAA", "7", "", "é"])
def test_packets_that_are_none(packet: str | bytes) -> None:
    driver = old_server()
    journal = Journal(driver.app)
    OldDialer(driver).websocket.say(packet)
    assert journal.closed == ["parse error"]


@pytest.mark.parametrize(("query", "sent"), [("", b"\x04x"), ("&b64=1", "b4eA==")])
def test_the_upgrade(query: str, sent: str | bytes) -> None:
    driver = old_server()
    client = OldPoller(driver, "&b64=1")
    poll = client.poll()
    websocket = client.candidate(query)
    websocket.say("2probe")
    assert websocket.taken() == ["3probe"]
    assert poll.text == "1:6"
    client.session.send(b"x")
    websocket.say("5")
    assert websocket.taken() == [sent]
    client.session.send(b"x")
    client.session.close()
    driver.pump()
    assert websocket.taken() == [sent]


# -- the heartbeat -----------------------------------------------------------------------------------------------------


def test_the_client_pings() -> None:
    driver = old_server(ping_interval=3.0, ping_timeout=2.0)
    journal = Journal(driver.app)
    client = OldDialer(driver)
    for _ in range(3):
        driver.later(4.5)
        client.websocket.say("2")
        assert client.websocket.taken() == ["3"]
    driver.later(4.5)
    client.websocket.say("4a", b"\x04b")
    assert journal.closed == []
    driver.later(0.5)
    assert journal.closed == ["ping timeout"]
    assert client.websocket.taken() == []


def test_pings_over_polling() -> None:
    driver = old_server(ping_interval=3.0, ping_timeout=2.0)
    journal = Journal(driver.app)
    client = OldPoller(driver)
    poll = client.poll()
    driver.later(4.0)
    assert client.post("1:2").text == "ok"
    assert poll.text == "1:3"
    driver.later(4.5)
    assert journal.closed == []
    client.post("6:2probe")
    assert client.poll().text == "1:3"
    driver.later(5.0)
    assert journal.closed == ["ping timeout"]


def test_a_pong_of_the_client_is_the_wrong_direction() -> None:
    driver = old_server()
    journal = Journal(driver.app)
    OldDialer(driver).websocket.say("3")
    assert journal.closed == ["transport error"]
    [session] = journal.sessions
    assert session.state is State.CLOSED


def test_the_deadline_survives_the_upgrade() -> None:
    driver = old_server(ping_interval=3.0, ping_timeout=2.0)
    journal = Journal(driver.app)
    client = OldPoller(driver)
    websocket = client.candidate()
    websocket.say("2probe")
    websocket.say("5")
    driver.later(4.9)
    assert journal.closed == []
    driver.later(0.1)
    assert journal.closed == ["ping timeout"]


def test_a_server_that_does_not_read_does_not_expect_pings() -> None:
    driver = old_server(ping_interval=3.0, ping_timeout=2.0)
    journal = Journal(driver.app)
    client = OldDialer(driver)
    client.session.pause(True)
    driver.later(60.0)
    client.session.pause(False)
    driver.later(4.9)
    assert journal.closed == []
    driver.later(0.1)
    assert journal.closed == ["ping timeout"]


def test_a_session_that_closes_or_is_over_expects_no_pings() -> None:
    driver = old_server(ping_interval=3.0, ping_timeout=2.0)
    journal = Journal(driver.app)
    client = OldPoller(driver)
    client.session.pause(True)
    client.session.send("last words")
    client.session.close()
    client.session.pause(False)
    driver.later(10.0)
    assert client.poll().text == "11:4last words"
    assert client.poll().text == "1:1"
    assert journal.closed == ["forced close"]
    client.session.pause(True)
    client.session.pause(False)
    assert driver.app.next_deadline() is None


def test_one_pong_answers_the_pings_of_a_peer_that_does_not_read() -> None:
    driver = old_server()
    client = OldDialer(driver)
    client.websocket.stalled = True
    client.websocket.say("2", "2")
    client.session.send("x")
    client.websocket.say(*["2"] * 500)
    driver.unstall(client.websocket)
    assert client.websocket.taken() == ["3", "4x", "3"]
    client.websocket.say("2")
    assert client.websocket.taken() == ["3"]
