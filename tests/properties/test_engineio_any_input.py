"""Whatever a peer sends: actions or a close, and never an exception."""

from hypothesis import given
from hypothesis import strategies as st

from sansio_eio.engineio import EngineServer, State
from tests.unit.engineio.driving import Driver, Journal

#: What is nearly right finds more than noise does.
PACKETS = st.sampled_from(
    ["0", "1", "2", "2probe", "3", "4", "4a", "5", "6", "7", "b", "bAQ==", "bA", "", "\x1e", "\ufeff4a"]
)
TEXTS = st.text(st.characters(exclude_categories=())) | PACKETS
BODIES = st.binary() | st.lists(PACKETS).map(lambda packets: "\x1e".join(packets).encode())
QUERIES = (
    st.sampled_from(["", "&j=0", "&j=x", "&b64=1", "&EIO=3", "&transport=websocket", "&sid=", "&sid=x"]) | st.text()
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"])
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["origin", "host", "content-type", "accept-encoding", "user-agent", "cookie"]),
        st.sampled_from(["", "application/octet-stream", "gzip", "https://a", "Trident/"]) | st.text(),
    ),
    max_size=4,
)


def settled(driver: Driver) -> None:
    """Some time later nothing is left."""
    driver.later(200.0)
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0
    assert driver.app.next_deadline() is None


@given(st.lists(TEXTS | st.binary(max_size=10), max_size=10))
def test_any_messages_on_a_websocket(messages: list[str | bytes]) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.websocket()
    client.websocket.say(*messages)
    assert client.websocket.over is (client.session.state is State.CLOSED)
    assert len(journal.closed) == (1 if client.websocket.over else 0)
    settled(driver)
    assert len(journal.closed) == 1
    assert client.websocket.over
    assert journal.errors == []


@given(st.lists(TEXTS | st.binary(max_size=10), max_size=10))
def test_any_messages_on_a_candidate(messages: list[str | bytes]) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    poll = client.poll()
    candidate = client.candidate()
    candidate.say(*messages)
    settled(driver)
    assert not poll.waiting
    assert candidate.over
    assert len(journal.closed) == 1
    assert journal.errors == []


@given(st.lists(BODIES, max_size=6), QUERIES)
def test_any_bodies(bodies: list[bytes], query: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    for body in bodies:
        assert client.post(body, query=query).response.status in (200, 400, 413)
    settled(driver)
    assert len(journal.closed) == 1
    assert journal.errors == []


@given(st.lists(st.tuples(METHODS, QUERIES, HEADERS, BODIES), max_size=6), st.booleans())
def test_any_requests(requests: list[tuple[str, str, list[tuple[str, str]], bytes]], any_origin: bool) -> None:
    driver = Driver(
        EngineServer(cors_allowed_origins="*" if any_origin else None, cookie="io", max_http_buffer_size=50)
    )
    journal = Journal(driver.app)
    client = driver.polling()
    exchanges = [
        driver.request(method, query=client.query + query, headers=headers, body=body)
        for method, query, headers, body in requests
    ]
    exchanges += [driver.dial(client.query + query, headers=headers) for _, query, headers, _ in requests]
    settled(driver)
    assert all(exchange.over for exchange in exchanges)
    assert len(journal.closed) == len(journal.sessions)
    assert journal.errors == []
