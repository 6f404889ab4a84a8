"""POSTs from their heads on, and those with very many packets."""

from sansio_eio.engineio import EngineServer, Request, State
from sansio_eio.engineio.packet_feed import BATCH
from tests.unit.engineio.driving import PATH, Driver, Exchange, Gate, Journal, Poller


def start(client: Poller, query: str = "") -> Exchange:
    """The head of a POST."""
    request = Request("POST", PATH, query or client.query, remote="192.0.2.1")
    exchange = Exchange(client.driver, request)
    client.driver.app.request_started(exchange.channel, request, now=client.driver.now)
    client.driver.pump()
    return exchange


def complete(post: Exchange, body: bytes) -> None:
    """The body has come."""
    post.request.body = body
    post.driver.app.request_received(post.channel, post.request, now=post.driver.now)
    post.driver.pump()


def test_a_post_that_was_started_is_taken_when_it_is_complete() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    post = start(client)
    assert post.waiting
    complete(post, b"4a\x1e4b")
    assert post.text == "ok"
    assert journal.messages == ["a", "b"]
    assert client.post("4c").text == "ok"


def test_a_second_post_beside_an_unfinished_one_ends_the_session() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    first = start(client)
    second = start(client)
    assert second.response.status == 400
    # Its body is of no use any longer, and half of it has not come.
    assert first.ended is not None
    assert not first.answered
    assert journal.closed == ["transport error"]


def test_a_post_that_is_cut_before_its_body_is_complete_ends_the_session() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    start(client).lose()
    assert journal.closed == ["transport error"]


def test_a_body_over_the_limit_leaves_the_session_alone() -> None:
    driver = Driver(EngineServer(max_http_buffer_size=10))
    client = driver.polling()
    post = start(client)
    complete(post, b"4" * 11)
    assert post.response.status == 413
    assert client.session.state is State.OPEN
    assert client.post("4a").text == "ok"


def test_only_posts_of_sessions_are_noted_when_they_start() -> None:
    driver = Driver()
    client = driver.polling()
    unknown = start(client, "EIO=4&transport=polling&sid=nobody")
    assert unknown.waiting
    complete(unknown, b"4a")
    assert unknown.response.status == 400
    request = Request("PUT", PATH, client.query)
    put = Exchange(driver, request)
    driver.app.request_started(put.channel, request, now=0.0)
    driver.app.request_received(put.channel, request, now=0.0)
    driver.pump()
    assert put.response.status == 500
    assert client.session.state is State.OPEN


def test_the_upgrade_does_not_wait_for_a_body() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    post = start(client)
    websocket = client.upgrade()
    assert post.waiting
    websocket.say("4first")
    complete(post, b"4second")
    assert post.text == "ok"
    assert journal.messages == ["first", "second"]


def test_very_many_packets_are_taken_in_turns() -> None:
    driver = Driver(EngineServer(max_inbound=100_000))
    client = driver.polling()
    taken: list[str] = []
    client.session.on("message", taken.append)
    other = driver.polling()

    @other.session.on("message")
    def interrupt(data: str) -> None:
        taken.append("other")

    request = Request("POST", PATH, client.query, body=b"\x1e".join(b"4%d" % n for n in range(3 * BATCH)))
    post = Exchange(driver, request)
    driver.app.request_received(post.channel, request, now=0.0)
    # One batch is in; the other client has its turn before the next.
    other.post("4x")
    assert post.text == "ok"
    assert taken.index("other") < BATCH
    taken.remove("other")
    assert taken == [str(n) for n in range(3 * BATCH)]


def test_a_session_that_is_behind_takes_no_further_batch() -> None:
    driver = Driver(EngineServer(max_inbound=BATCH))
    client = driver.polling()
    gate = Gate()
    taken: list[str] = []

    async def slow(data: str) -> None:
        await gate
        taken.append(data)

    client.session.on("message", slow)
    post = client.post(b"\x1e".join(b"4%d" % n for n in range(3 * BATCH)))
    assert post.waiting
    # The batch in the mailbox, and what was put before it was full: nothing else has been taken out of the body.
    driver.later(1.0)
    assert post.waiting
    gate.open()
    driver.pump()
    assert post.text == "ok"
    assert taken == [str(n) for n in range(3 * BATCH)]


def test_a_session_that_ends_within_a_post_takes_nothing_more_of_it() -> None:
    driver = Driver()
    client = driver.polling()
    taken: list[str] = []
    client.session.on("message", taken.append)
    request = Request("POST", PATH, client.query, body=b"\x1e".join(b"4%d" % n for n in range(3 * BATCH)))
    post = Exchange(driver, request)
    driver.app.request_received(post.channel, request, now=0.0)
    client.session.end("ping timeout")
    driver.pump()
    assert post.text == "ok"
    assert taken == [str(n) for n in range(BATCH)]


def test_a_short_pause_between_two_batches_changes_nothing() -> None:
    driver = Driver(EngineServer(max_inbound=100_000))
    client = driver.polling()
    taken: list[str] = []
    client.session.on("message", taken.append)
    request = Request("POST", PATH, client.query, body=b"\x1e".join(b"4%d" % n for n in range(3 * BATCH)))
    post = Exchange(driver, request)
    driver.app.request_received(post.channel, request, now=0.0)
    client.session.pause(True)
    client.session.pause(False)
    driver.pump()
    assert post.text == "ok"
    assert taken == [str(n) for n in range(3 * BATCH)]
