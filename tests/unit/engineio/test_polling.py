"""Long-polling: polls, POSTs, overlaps, JSONP, compression."""

import gzip
import json
import zlib
from typing import Any

import pytest

from sansio_eio.engineio import EngineServer, Session, State
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from tests.unit.engineio.driving import Driver, Exchange, Journal

OK = [("Content-Type", "text/html"), ("Cache-Control", "no-store")]


def is_ok(exchange: Exchange) -> bool:
    return (exchange.response.status, exchange.response.headers, exchange.response.body) == (200, OK, b"ok")


def empty(exchange: Exchange, status: int) -> bool:
    return (exchange.response.status, exchange.response.headers, exchange.response.body) == (status, [], b"")


# -- polls --


def test_a_poll_waits_until_there_is_something_to_say() -> None:
    client = Driver().polling()
    poll = client.poll()
    assert poll.waiting
    client.session.send("hello")
    client.session.send(b"\x01\x02\x03\x04")
    client.driver.pump()
    assert poll.text == "4hello\x1ebAQIDBA=="
    assert poll.response.headers == [("Content-Type", "text/plain; charset=UTF-8"), ("Cache-Control", "no-store")]


def test_a_poll_that_finds_something_is_answered_at_once() -> None:
    client = Driver().polling()
    client.session.send("€")
    client.session.send("")
    client.session.send(b"")
    assert client.session.buffered == 4 + 1 + 0 + 3 * 4
    assert client.poll().text == "4€\x1e4\x1eb"
    assert client.session.buffered == 0
    assert client.poll().waiting


def test_what_the_connection_handler_says_comes_with_the_next_poll() -> None:
    driver = Driver()

    @driver.app.on("connection")
    def welcome(session: Session) -> None:
        session.send("welcome")

    client = driver.polling()
    assert client.opened.text.startswith("0{")
    assert "\x1e" not in client.opened.text
    assert client.poll().text == "4welcome"


def test_two_polls_at_once_end_the_session() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    first = client.poll()
    second = client.poll()
    assert empty(second, 400)
    assert first.text == "1"
    assert journal.closed == ["transport error"]
    assert client.poll().response.body == b'{"code":1,"message":"Session ID unknown"}'


def test_two_polls_at_once_lose_nothing_that_was_said_before() -> None:
    client = Driver().polling()
    first = client.poll()
    first.stalled = True
    client.session.send("a")
    client.driver.pump()
    client.poll()
    client.driver.unstall(first)
    assert first.text == "4a\x1e1"


def test_a_poll_that_is_cut_ends_the_session() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    client.poll().lose()
    assert journal.closed == ["transport error"]
    assert client.session.state is State.CLOSED


def test_a_poll_that_is_cut_when_it_has_been_answered_means_nothing() -> None:
    client = Driver().polling()
    poll = client.poll()
    client.session.send("a")
    client.driver.pump()
    poll.lose()
    client.opened.lose()
    assert client.session.state is State.OPEN


# -- POSTs --


def test_the_packets_of_a_post_arrive_in_order_before_its_answer() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    exchange = client.post("4a\x1ebAQIDBA==\x1e4\x1eb\x1e4€😀\x1e3")
    assert is_ok(exchange)
    assert journal.messages == ["a", b"\x01\x02\x03\x04", "", b"", "€😀"]


def test_a_post_of_very_many_packets_is_served() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    assert is_ok(client.post("\x1e".join(f"4{number}" for number in range(5000))))
    assert journal.messages == [str(number) for number in range(5000)]


def test_a_post_of_more_packets_than_allowed_is_refused_and_ends_the_session() -> None:
    driver = Driver(EngineServer(max_payload_packets=3))
    journal = Journal(driver.app)
    client = driver.polling()
    assert is_ok(client.post("4a\x1e4b\x1e4c"))
    # Never answered 200 and lost.
    assert empty(client.post("4a\x1e4b\x1e4c\x1e4d"), 413)
    assert journal.messages == ["a", "b", "c"]
    assert journal.closed == ["parse error"]


def test_a_post_over_the_limit_is_refused_and_does_the_session_no_harm() -> None:
    driver = Driver(EngineServer(max_http_buffer_size=5))
    journal = Journal(driver.app)
    client = driver.polling()
    assert driver.app.body_limit(client.opened.request) == 5
    assert empty(client.post("4" * 6), 413)
    assert is_ok(client.post("4" * 5))
    assert journal.messages == ["4444"]
    assert client.session.state is State.OPEN


@pytest.mark.parametrize("body", ["x", "", "7", "4a\x1ex\x1e4b", "4a\x1e\x1e4b", "4a\x1ebA\x1e4b", "é", "-1"])
def test_a_bad_packet_ends_the_session_behind_what_came_before(body: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    assert is_ok(client.post(body))
    assert journal.messages == (["a"] if body.startswith("4a") else [])
    assert journal.closed == ["parse error"]
    assert poll.text == "1"


def test_the_error_is_told_to_a_program_that_pulls() -> None:
    client = Driver().polling()
    told: list[tuple[str, RemoteProtocolError | None]] = []

    class Listener:
        def message(self, data: str | bytes) -> None:
            raise AssertionError(data)

        def closed(self, reason: str, error: RemoteProtocolError | None) -> None:
            told.append((reason, error))

    client.session.listener = Listener()
    client.post("bA")
    [(reason, error)] = told
    assert reason == "parse error"
    assert str(error) == "invalid base64 in a binary packet"


def test_packets_that_mean_nothing_here_are_passed_over() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    assert is_ok(client.post("0\x1e5\x1e6\x1e0{}\x1e4a"))
    assert journal.messages == ["a"]
    assert client.session.state is State.OPEN


@pytest.mark.parametrize("body", ["2", "2probe", "4a\x1e2\x1e4b"])
def test_a_ping_of_the_client_goes_the_wrong_way(body: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    assert is_ok(driver.polling().post(body))
    assert journal.closed == ["transport error"]
    assert "b" not in journal.messages


def test_the_client_closes() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    assert is_ok(client.post("4a\x1e1\x1e4b"))
    assert poll.text == "6"
    assert journal.messages == ["a"]
    assert journal.closed == ["transport close"]
    assert len(driver.app.deadlines) == 0


@pytest.mark.parametrize("value", ["application/octet-stream", " Application/Octet-Stream "])
def test_bytes_as_such_belong_to_another_revision(value: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    assert empty(client.post(b"4a", headers=[("content-type", value)]), 400)
    assert poll.text == "1"
    assert journal.closed == ["transport error"]


def test_two_posts_at_once_end_the_session() -> None:
    driver = Driver(EngineServer(max_inbound=1))
    closed: list[str] = []

    @driver.app.on("connection")
    async def connected(session: Any) -> None:
        session.on("close", closed.append)
        await Never()

    client = driver.polling()
    first = client.post("4a")
    assert first.waiting
    second = client.post("4b")
    assert empty(second, 400)
    assert is_ok(first)
    assert client.session.state is State.CLOSED


class Never:
    def __await__(self) -> Any:
        while True:
            yield


def test_a_post_that_is_cut_ends_the_session() -> None:
    client = Driver().polling()
    client.session.pause(True)
    post = client.post("4a")
    assert post.waiting
    post.lose()
    assert client.session.state is State.CLOSED


# -- JSONP --


def test_jsonp() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    opened = driver.request(query="EIO=4&transport=polling&j=0")
    assert opened.response.headers[0] == ("Content-Type", "text/javascript; charset=UTF-8")
    body = opened.response.body.decode()
    assert body.startswith('___eio[0]("0{\\"sid\\":')
    assert body.endswith(");")
    [session] = journal.sessions
    query = f"EIO=4&transport=polling&sid={session.sid}"
    session.send("\u2028")
    poll = driver.request(query=query + "&j=1<script>2")
    assert poll.response.body == b'___eio[12]("4\\u2028");'
    post = driver.request("POST", query=query + "&j=2", body=b"d=4a%5Cnb%1E4c")
    assert is_ok(post)
    assert journal.messages == ["a\nb", "c"]
    assert json.loads(body[len("___eio[0](") : -2]).startswith("0{")


# -- compression --


def polled(data: str, accept: str | None, *, compress: bool = True, **options: Any) -> Exchange:
    client = Driver(EngineServer(**options)).polling()
    client.session.send(data, compress=compress)
    return client.poll(headers=[] if accept is None else [("accept-encoding", accept)])


def test_long_payloads_are_compressed_for_those_who_like_it() -> None:
    text = "x" * 1023
    for accept, decompress in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
        response = polled(text, accept).response
        assert response.headers[2:] == [("Vary", "Accept-Encoding"), ("Content-Encoding", accept)]
        assert decompress(response.body) == b"4" + text.encode()


def test_what_is_not_compressed() -> None:
    text = "x" * 1023
    plain = b"4" + text.encode()
    assert polled(text, None).response.headers[2:] == [("Vary", "Accept-Encoding")]
    for exchange in (
        polled(text, None),
        polled(text, "br"),
        polled(text, "gzip", compress=False),
        polled(text, "gzip", http_compression=False),
        polled(text, "gzip", http_compression_threshold=1025),
    ):
        assert exchange.response.body == plain
        assert "Content-Encoding" not in dict(exchange.response.headers)
    assert polled(text[1:], "gzip").response.body == plain[:-1]


def test_a_low_threshold_and_a_mixture() -> None:
    client = Driver(EngineServer(http_compression_threshold=1)).polling()
    client.session.send("a", compress=False)
    client.session.send("b")
    response = client.poll(headers=[("accept-encoding", "gzip")]).response
    assert gzip.decompress(response.body) == b"4a\x1e4b"


# -- messages --


def test_what_can_be_sent() -> None:
    client = Driver().polling()
    data = bytearray(b"ab")
    assert client.session.send(data)
    assert client.session.send(memoryview(data)[::-1])
    data[0] = 0
    assert client.session.send("\ud800")
    assert client.poll().text == "bYWI=\x1ebYmE=\x1e4\ufffd"


def test_a_body_over_the_limit_is_refused_whatever_the_method() -> None:
    driver = Driver(EngineServer(max_http_buffer_size=10))
    assert driver.request("GET", query="EIO=4&transport=polling", body=b"x" * 11).response.status == 413
    assert not driver.app.sessions


def test_text_that_would_forge_packets_is_for_websockets_only() -> None:
    driver = Driver()
    client = driver.polling()
    with pytest.raises(LocalProtocolError, match="U\\+001E"):
        client.session.send("a\x1e1")
    assert client.session.buffered == 0
    client.session.send(b"a\x1e1")
    assert client.poll().text == "bYR4x"
    websocket = client.upgrade()
    client.session.send("a\x1e1")
    driver.pump()
    assert websocket.taken() == ["4a\x1e1"]
