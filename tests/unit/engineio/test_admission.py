"""Who gets a session: the table of errors, the limits, and the application's own say."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from sansio_eio.engineio import EngineServer, HandshakeRefused, Request, Session, State
from tests.unit.engineio.driving import Driver, Exchange, Gate, Journal, ids

JSON = ("Content-Type", "application/json")


def refused(exchange: Exchange, status: int, code: int, message: str) -> None:
    """The answer is this error of the table."""
    assert exchange.response.status == status
    assert exchange.response.headers == [JSON]
    assert exchange.response.body == json.dumps({"code": code, "message": message}, separators=(",", ":")).encode()


def upgrade_refused(exchange: Exchange, status: int, message: str) -> None:
    assert exchange.response.status == status
    assert exchange.response.headers == [("Content-Type", "text/html"), ("Connection", "close")]
    assert exchange.response.body == message.encode()
    assert exchange.accepted is None


@pytest.mark.parametrize(
    ("query", "method", "headers", "code", "message"),
    [
        ("", "GET", (), 0, "Transport unknown"),
        ("EIO=4", "GET", (), 0, "Transport unknown"),
        ("EIO=4&transport=", "GET", (), 0, "Transport unknown"),
        ("EIO=4&transport=constructor", "GET", (), 0, "Transport unknown"),
        ("EIO=4&transport=__proto__", "GET", (), 0, "Transport unknown"),
        ("EIO=4&transport=webtransport", "GET", (), 0, "Transport unknown"),
        ("transport=pigeon&sid=x", "POST", [("origin", "\n")], 0, "Transport unknown"),
        ("EIO=4&transport=polling&sid=nobody", "GET", (), 1, "Session ID unknown"),
        ("EIO=4&transport=polling&sid=__proto__", "POST", (), 1, "Session ID unknown"),
        ("EIO=4&transport=websocket&sid=nobody", "GET", (), 1, "Session ID unknown"),
        ("EIO=4&transport=polling", "POST", (), 2, "Bad handshake method"),
        ("EIO=4&transport=polling", "OPTIONS", (), 2, "Bad handshake method"),
        ("EIO=4&transport=polling", "HEAD", (), 2, "Bad handshake method"),
        ("EIO=4&transport=polling&sid=", "POST", (), 2, "Bad handshake method"),
        ("EIO=4&transport=websocket", "GET", (), 3, "Bad request"),
        ("EIO=4&transport=polling", "GET", [("origin", "http://\x00")], 3, "Bad request"),
        ("EIO=4&transport=polling", "GET", [("origin", "€")], 3, "Bad request"),
        ("transport=polling", "GET", (), 5, "Unsupported protocol version"),
        ("EIO=3&transport=polling", "GET", (), 5, "Unsupported protocol version"),
        ("EIO=5&transport=polling", "GET", (), 5, "Unsupported protocol version"),
    ],
)
def test_the_table_of_errors(query: str, method: str, headers: list[tuple[str, str]], code: int, message: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    refused(driver.request(method, query=query, headers=headers), 400, code, message)
    [(told, text, _)] = journal.refused
    assert (told, text) == (code, message)
    assert journal.sessions == []
    assert driver.app.sessions == {}
    assert len(driver.app.deadlines) == 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("EIO=4&transport=pigeon", "Transport unknown"),
        ("EIO=4&transport=websocket&sid=nobody", "Session ID unknown"),
        ("EIO=3&transport=websocket", "Unsupported protocol version"),
    ],
)
def test_the_table_of_errors_for_a_websocket(query: str, message: str) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    upgrade_refused(driver.dial(query), 400, message)
    assert [text for _, text, _ in journal.refused] == [message]


def test_what_is_told_of_a_refusal() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    client = driver.polling()
    driver.request(query="transport=x")
    driver.request("PUT", query="EIO=4&transport=polling")
    driver.request(query=f"EIO=4&transport=websocket&sid={client.sid}")
    driver.request(query=f"EIO=3&transport=polling&sid={client.sid}")
    assert [context for _, _, context in journal.refused] == [
        {"transport": "x"},
        {"method": "PUT"},
        {"name": "TRANSPORT_MISMATCH", "transport": "websocket", "previousTransport": "polling"},
        {"name": "PROTOCOL_MISMATCH", "protocol": "3", "previousProtocol": "4"},
    ]
    assert client.session.state is State.OPEN


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_another_method_for_a_session_is_500_and_does_it_no_harm(method: str) -> None:
    client = Driver().polling()
    exchange = client.driver.request(method, query=client.query)
    assert (exchange.response.status, exchange.response.headers, exchange.response.body) == (500, [], b"")
    assert client.session.state is State.OPEN


def test_the_handshake_over_polling() -> None:
    driver = Driver(EngineServer(generate_id=ids("SID"), ping_interval=0.3, ping_timeout=0.2))
    journal = Journal(driver.app)
    opened = driver.request(query="EIO=4&transport=polling&x=1")
    assert opened.text == (
        '0{"sid":"SID","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}'
    )
    assert opened.response.headers == [("Content-Type", "text/plain; charset=UTF-8"), ("Cache-Control", "no-store")]
    [session] = journal.sessions
    assert driver.app.sessions == {"SID": session}
    assert session.request is opened.request
    assert (session.sid, session.transport, session.state) == ("SID", "polling", State.OPEN)
    assert repr(session) == "<Session SID… open on polling>"


def test_the_handshake_over_a_websocket() -> None:
    driver = Driver(EngineServer(generate_id=ids("a-long-secret"), max_http_buffer_size=77, per_message_deflate=True))
    journal = Journal(driver.app)
    websocket = driver.dial()
    assert websocket.accepted is not None
    assert (websocket.accepted.headers, websocket.accepted.max_message_size) == ([], 77)
    assert websocket.accepted.compression is True
    assert websocket.taken() == [
        '0{"sid":"a-long-secret","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":77}'
    ]
    [session] = journal.sessions
    assert session.transport == "websocket"
    # An id gives access, so it is never shown whole.
    assert repr(session) == "<Session a-lo… open on websocket>"


@pytest.mark.parametrize(
    ("options", "upgrades"),
    [
        ({}, ["websocket"]),
        ({"allow_upgrades": False}, []),
        ({"transports": ["polling"]}, []),
        ({"transports": ["websocket", "polling"]}, ["websocket"]),
    ],
)
def test_upgrades_are_offered_where_they_are_possible(options: dict[str, Any], upgrades: list[str]) -> None:
    assert Driver(EngineServer(**options)).polling().handshake["upgrades"] == upgrades


def test_a_transport_that_is_not_offered_is_unknown() -> None:
    driver = Driver(EngineServer(transports=["polling"]))
    upgrade_refused(driver.dial(), 400, "Transport unknown")
    driver = Driver(EngineServer(transports=["websocket"]))
    refused(driver.request(query="EIO=4&transport=polling"), 400, 0, "Transport unknown")
    driver.websocket()


def test_a_websocket_cannot_carry_polling() -> None:
    driver = Driver()
    websocket = driver.dial("EIO=4&transport=polling")
    assert websocket.accepted is not None
    assert websocket.ended is not None
    assert websocket.ended.code is None
    assert driver.app.sessions == {}


def test_the_websocket_of_a_session_is_no_place_for_polls() -> None:
    driver = Driver()
    client = driver.websocket()
    client.websocket.stalled = True
    client.session.send("secret")
    for method in ("GET", "POST"):
        query = f"EIO=4&transport=websocket&sid={client.sid}"
        refused(driver.request(method, query=query, body=b"4forged"), 400, 3, "Bad request")
        refused(driver.request(method, query=query.replace("websocket", "polling")), 400, 3, "Bad request")
    driver.unstall(client.websocket)
    assert client.websocket.taken() == ["4secret"]
    assert client.session.state is State.OPEN


# -- ids --


@pytest.mark.parametrize(
    "sid",
    ["", None, 7, "a b", "a;b", "a,b", 'a"b', "a\\b", "a\r\nSet-Cookie: x=1", "é", "a\n", "x" * 256],
    ids=repr,
)
def test_an_id_that_is_of_no_use_is_an_error_of_the_application(sid: object) -> None:
    driver = Driver(EngineServer(generate_id=lambda _: cast("str", sid), cookie="io", max_outbound=1024))
    journal = Journal(driver.app)
    refused(driver.request(query="EIO=4&transport=polling"), 400, 3, "Bad request")
    upgrade_refused(driver.dial(), 400, "Bad request")
    assert [context for _, _, context in journal.refused] == [{"name": "ID_GENERATION_ERROR"}] * 2
    [error, _] = journal.errors
    assert error[1] == "generate_id"


def test_an_exception_of_generate_id() -> None:
    error = ValueError("x")

    def fail(_: Request) -> str:
        raise error

    driver = Driver(EngineServer(generate_id=fail))
    journal = Journal(driver.app)
    refused(driver.request(query="EIO=4&transport=polling"), 400, 3, "Bad request")
    assert journal.errors == [(error, "generate_id")]


def test_an_id_is_given_once_among_open_and_opening_sessions() -> None:
    gate = Gate()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(generate_id=ids("a", "a", "b", "a", "a"), allow_request=wait))
    first = driver.request(query="EIO=4&transport=polling")
    refused(driver.request(query="EIO=4&transport=polling"), 400, 3, "Bad request")
    second = driver.request(query="EIO=4&transport=polling")
    assert first.waiting
    assert second.waiting
    gate.open(True)
    driver.pump()
    assert set(driver.app.sessions) == {"a", "b"}
    refused(driver.request(query="EIO=4&transport=polling"), 400, 3, "Bad request")
    driver.app.sessions["a"].end("forced close")
    assert driver.polling().sid == "a"


# -- limits --


def test_sessions_are_limited_in_number() -> None:
    driver = Driver(EngineServer(max_sessions=2))
    journal = Journal(driver.app)
    client = driver.polling()
    driver.websocket()
    refused(driver.request(query="EIO=4&transport=polling"), 503, 4, "Too many sessions")
    upgrade_refused(driver.dial(), 503, "Too many sessions")
    assert [context for _, _, context in journal.refused] == [{"name": "TOO_MANY_SESSIONS"}] * 2
    client.post("1")
    driver.polling()


def test_sessions_that_wait_for_their_admission_count() -> None:
    gate = Gate()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(max_sessions=1, allow_request=wait))
    driver.request(query="EIO=4&transport=polling")
    refused(driver.request(query="EIO=4&transport=polling"), 503, 4, "Too many sessions")
    driver.later(10.0)
    assert driver.request(query="EIO=4&transport=polling").waiting


# -- allow_request --


@pytest.mark.parametrize(
    ("verdict", "message"),
    [(False, "Forbidden"), ("not today", "not today"), ("", "Forbidden"), (None, "Forbidden"), (1, "Forbidden")],
)
@pytest.mark.parametrize("later", [False, True])
def test_the_application_refuses(verdict: Any, message: str, later: bool) -> None:
    async def slow(_: Request) -> bool | str:
        return cast("bool | str", verdict)

    driver = Driver(EngineServer(allow_request=slow if later else lambda _: cast("bool | str", verdict)))
    journal = Journal(driver.app)
    refused(driver.request(query="EIO=4&transport=polling"), 403, 4, message)
    upgrade_refused(driver.dial(), 400, message)
    assert journal.refused == [(4, message, {})] * 2
    assert journal.sessions == []
    assert len(driver.app.deadlines) == 0


@pytest.mark.parametrize("later", [False, True])
def test_the_application_allows(later: bool) -> None:
    seen: list[Request] = []

    def plain(request: Request) -> bool:
        seen.append(request)
        return True

    async def slow(request: Request) -> bool:
        return plain(request)

    driver = Driver(EngineServer(allow_request=slow if later else plain))
    polling = driver.polling(query="&token=x")
    websocket = driver.websocket()
    assert [request.params.get("token") for request in seen] == ["x", None]
    # Only handshakes are asked for.
    polling.post("4a")
    polling.upgrade().say("4b")
    assert len(seen) == 2
    assert websocket.session.state is State.OPEN


@pytest.mark.parametrize("later", [False, True])
def test_an_exception_of_the_application_refuses(later: bool) -> None:
    error = ValueError("secret detail")

    def plain(_: Request) -> bool:
        raise error

    async def slow(_: Request) -> bool:
        raise error

    driver = Driver(EngineServer(allow_request=slow if later else plain))
    journal = Journal(driver.app)
    refused(driver.request(query="EIO=4&transport=polling"), 403, 4, "Forbidden")
    assert journal.errors == [(error, "allow_request")]


def test_while_the_application_thinks_the_session_does_not_exist() -> None:
    gate = Gate()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(allow_request=wait, generate_id=ids("a")))
    journal = Journal(driver.app)
    opened = driver.request(query="EIO=4&transport=polling")
    assert opened.waiting
    refused(driver.request(query="EIO=4&transport=polling&sid=a"), 400, 1, "Session ID unknown")
    driver.later(9.5)
    assert opened.waiting
    gate.open(True)
    driver.pump()
    assert opened.text.startswith('0{"sid":"a"')
    assert len(journal.sessions) == 1
    # The heartbeat counts from now on, not from the request.
    driver.later(24.5)
    assert journal.sessions[0].buffered == 0
    driver.later(0.5)
    assert journal.sessions[0].buffered > 0


@pytest.mark.parametrize("websocket", [False, True])
def test_the_application_must_answer_in_time(websocket: bool) -> None:
    gate = Gate()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(allow_request=wait, admission_timeout=3.0))
    journal = Journal(driver.app)
    opened = driver.dial() if websocket else driver.request(query="EIO=4&transport=polling")
    driver.later(2.9)
    assert opened.waiting
    driver.later(0.1)
    if websocket:
        upgrade_refused(opened, 400, "Forbidden")
    else:
        refused(opened, 403, 4, "Forbidden")
    assert journal.refused == [(4, "Forbidden", {"name": "ADMISSION_TIMEOUT"})]
    gate.open(True)
    driver.pump()
    assert driver.app.sessions == {}
    assert journal.sessions == []
    assert len(driver.app.deadlines) == 0


@pytest.mark.parametrize("websocket", [False, True])
def test_the_peer_goes_while_the_application_thinks(websocket: bool) -> None:
    gate = Gate()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(allow_request=wait, max_sessions=1))
    journal = Journal(driver.app)
    opened = driver.dial() if websocket else driver.request(query="EIO=4&transport=polling")
    opened.lose()
    assert len(driver.app.deadlines) == 0
    gate.open(True)
    driver.pump()
    assert driver.app.sessions == {}
    assert (journal.sessions, journal.refused, journal.errors) == ([], [], [])
    assert driver.dial().accepted is not None


def test_a_session_is_nobody_s_before_it_is_admitted() -> None:
    gate, sessions = Gate(), list[Session]()

    async def wait(_: Request) -> bool:
        return bool(await gate)

    driver = Driver(EngineServer(allow_request=wait, ping_interval=1.0))
    driver.app.on("connection", sessions.append)
    websocket = driver.dial()
    # A driver that lets a message through before it has accepted the handshake does no harm.
    websocket.say("4early", "3", b"early")
    assert websocket.messages == []
    gate.open(True)
    driver.pump()
    assert len(sessions) == 1
    assert len(websocket.taken()) == 1


# -- origins --


@pytest.mark.parametrize("websocket", [False, True])
def test_a_refused_origin_gets_no_session(websocket: bool) -> None:
    driver = Driver(EngineServer(cors_allowed_origins=["https://app.example"], cors_credentials=True))
    journal = Journal(driver.app)
    headers = [("origin", "https://evil.example")]
    if websocket:
        upgrade_refused(driver.dial(headers=headers), 403, "Origin not allowed")
    else:
        # Nothing in the answer lets the page read it.
        refused(driver.request(query="EIO=4&transport=polling", headers=headers), 403, 4, "Origin not allowed")
        preflight = [*headers, ("access-control-request-method", "POST")]
        refused(
            driver.request("OPTIONS", query="EIO=4&transport=polling", headers=preflight), 403, 4, "Origin not allowed"
        )
    assert journal.refused[0] == (4, "Origin not allowed", {"name": "ORIGIN_NOT_ALLOWED"})
    assert driver.app.sessions == {}


def test_a_refused_origin_gets_nothing_of_a_session_that_it_has_the_id_of() -> None:
    driver = Driver(EngineServer(cors_allowed_origins=["https://app.example"]))
    client = driver.polling(headers=[("origin", "https://app.example")])
    client.session.send("secret")
    headers = [("origin", "https://evil.example")]
    refused(client.poll(headers=headers), 403, 4, "Origin not allowed")
    refused(client.post("1", headers=headers), 403, 4, "Origin not allowed")
    assert client.poll(headers=[("origin", "https://app.example")]).text == "4secret"


def test_an_allowed_origin_may_read_every_answer() -> None:
    driver = Driver(EngineServer(cors_allowed_origins="*"))
    headers = [("origin", "https://app.example")]
    client = driver.polling(headers=headers)
    answers = [
        client.opened,
        client.post("4a", headers=headers),
        client.post("", query="&EIO=3", headers=headers),
        driver.request("PUT", query=client.query, headers=headers),
        driver.request(query="", headers=headers),
    ]
    assert [exchange.response.status for exchange in answers] == [200, 200, 400, 500, 400]
    for exchange in answers:
        assert ("Access-Control-Allow-Origin", "*") in exchange.response.headers
    assert ("Access-Control-Allow-Origin", "*") not in client.post("4a").response.headers


def test_a_preflight_is_answered_before_anything_else() -> None:
    driver = Driver(EngineServer(cors_allowed_origins="*"))
    headers = [("origin", "https://app.example"), ("access-control-request-method", "POST")]
    assert driver.request("OPTIONS", query="transport=x", headers=headers).response.status == 204


def test_a_broken_origin_is_never_repeated() -> None:
    def allow(*_: object) -> bool:
        return True

    driver = Driver(EngineServer(cors_allowed_origins=allow, cors_credentials=True))
    headers = [("origin", "https://a\r\nset-cookie: b=c"), ("access-control-request-method", "POST")]
    refused(driver.request(query="EIO=4&transport=polling", headers=headers), 400, 3, "Bad request")
    refused(driver.request("OPTIONS", query="EIO=4&transport=polling", headers=headers), 400, 3, "Bad request")
    upgrade_refused(driver.dial(headers=headers), 400, "Bad request")


def test_an_exception_of_the_predicate_refuses() -> None:
    error = ValueError("x")

    def fail(*_: object) -> bool:
        raise error

    driver = Driver(EngineServer(cors_allowed_origins=fail))
    journal = Journal(driver.app)
    upgrade_refused(driver.dial(headers=[("origin", "https://app.example")]), 403, "Origin not allowed")
    assert journal.errors == [(error, "cors_allowed_origins")]


# -- headers --


def adding(*more: Any) -> Callable[[list[Any], Request], None]:
    """A hook that adds these headers."""
    return lambda headers, _: headers.extend(more)


def test_headers_of_the_application() -> None:
    driver = Driver(EngineServer(generate_id=ids("a", "b"), cookie="io"))
    seen: list[tuple[str, str]] = []

    @driver.app.on("initial_headers")
    def initial(headers: list[tuple[str, str]], request: Request) -> None:
        seen.append(("initial", request.method))
        headers.append(("X-First", "1"))

    @driver.app.on("headers")
    def each(headers: list[tuple[str, str]], request: Request) -> None:
        seen.append(("each", request.method))
        headers.append(("X-Each", "2"))

    client = driver.polling()
    assert client.opened.response.headers == [
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Cache-Control", "no-store"),
        ("Set-Cookie", "io=a; Path=/; HttpOnly; SameSite=Lax"),
        ("X-First", "1"),
        ("X-Each", "2"),
    ]
    assert client.post("4a").response.headers == [
        ("Content-Type", "text/html"),
        ("Cache-Control", "no-store"),
        ("X-Each", "2"),
    ]
    candidate = client.candidate()
    websocket = driver.dial()
    assert candidate.accepted is not None
    assert candidate.accepted.headers == [("X-Each", "2")]
    assert websocket.accepted is not None
    assert websocket.accepted.headers == [("X-First", "1"), ("X-Each", "2")]
    # A poll is asked for when it is answered.
    poll = client.poll()
    assert seen.count(("each", "GET")) == 3
    client.session.send("x")
    driver.pump()
    assert ("X-Each", "2") in poll.response.headers
    # An error of the table has none.
    assert driver.request().response.headers == [JSON]


def test_a_blank_id_opens_a_session_like_none() -> None:
    driver = Driver(EngineServer(cookie="io"))
    driver.app.on("initial_headers", adding(("X-First", "1")))
    headers = dict(driver.polling(query="&sid=").opened.response.headers)
    assert headers["X-First"] == "1"
    assert headers["Set-Cookie"].startswith("io=")


@pytest.mark.parametrize(
    "header", [("X-A", "b\r\nSet-Cookie: c"), ("X A", "b"), ("X-A", " b"), ("X-A", 7), "abc", None], ids=repr
)
def test_headers_that_would_break_the_message_are_left_out(header: Any) -> None:
    driver = Driver()
    journal = Journal(driver.app)
    driver.app.on("headers", adding(("X-Good", "1"), header))
    client = driver.polling()
    assert client.opened.response.headers == [
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Cache-Control", "no-store"),
    ]
    assert [where for _, where in journal.errors] == ["a handler of headers"]


def test_an_exception_of_a_headers_hook_leaves_the_others_alone() -> None:
    driver = Driver()
    journal = Journal(driver.app)
    error = ValueError("x")

    def fail(*_: object) -> None:
        raise error

    driver.app.on("headers", fail)
    driver.app.on("headers", adding(("X-Good", "1")))
    assert ("X-Good", "1") in driver.polling().opened.response.headers
    assert journal.errors == [(error, "a handler of headers")]


def test_a_hook_that_is_a_coroutine_is_an_error() -> None:
    driver = Driver()
    journal = Journal(driver.app)

    @driver.app.on("headers")
    async def slow(headers: list[tuple[str, str]], _: Request) -> None:
        headers.append(("X-Late", "1"))

    @driver.app.on("connection_error")
    async def slow_as_well(_: HandshakeRefused) -> None: ...

    driver.polling()
    driver.request()
    assert [where for _, where in journal.errors] == ["a handler of headers", "a handler of connection_error"]
    assert all("must be a plain def" in str(error) for error, _ in journal.errors)
