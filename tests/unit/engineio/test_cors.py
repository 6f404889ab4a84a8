"""The policy for the Origin header."""

from dataclasses import replace
from typing import Any, cast

import pytest

from sansio_eio.engineio import AllowedOrigins, Request, Response
from sansio_eio.engineio.cors import Cors
from sansio_eio.errors import LocalProtocolError

PAGE = "https://app.example"


def asked(origin: str | None = PAGE, *, method: str = "GET", secure: bool = False, **headers: str) -> Request:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if origin is not None:
        fields.append(("origin", origin))
    return Request(method, "/engine.io/", headers=fields, secure=secure)


def policy(allowed: AllowedOrigins = None, *, credentials: bool = False, trust_proxy: bool = False) -> Cors:
    return Cors(allowed, credentials=credentials, trust_proxy=trust_proxy)


def refuse_all(_origin: str, _request: Request) -> bool:
    return False


@pytest.mark.parametrize(
    "allowed", [None, "*", [], [PAGE], refuse_all], ids=["own", "any", "none", "list", "predicate"]
)
def test_a_request_without_an_origin_is_not_from_a_page(allowed: AllowedOrigins) -> None:
    assert policy(allowed).allows(asked(None))
    assert policy(allowed).headers(asked(None)) == []


@pytest.mark.parametrize(
    ("origin", "host", "secure", "allowed"),
    [
        ("http://app.example", "app.example", False, True),
        ("http://APP.example", "App.Example", False, True),
        ("https://app.example", "app.example", True, True),
        ("https://app.example", "app.example", False, False),
        ("http://app.example:8080", "app.example:8080", False, True),
        ("http://app.example:8080", "app.example", False, False),
        ("http://evil.example", "app.example", False, False),
        ("null", "app.example", False, False),
        ("http://", "", False, False),
    ],
)
def test_by_default_only_the_own_origin(origin: str, host: str, secure: bool, allowed: bool) -> None:
    request = asked(origin, host=host, secure=secure)
    assert policy().allows(request) is allowed
    assert policy().headers(request) == []


def script(**headers: str) -> Request:
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request("GET", "/engine.io/", "EIO=3&transport=polling&j=0", fields)


@pytest.mark.parametrize(
    ("referer", "site", "own", "listed"),
    [
        ("", "", True, True),
        ("", "same-origin", True, True),
        ("", "none", True, True),
        ("", "cross-site", False, False),
        ("", "same-site", False, False),
        ("https://APP.example/page?q", "", False, True),
        ("https://app.example", "cross-site", False, True),
        ("http://server.example:80", "", False, False),
        ("http://server.example/", "", True, False),
        ("http://server.example", "same-origin", True, False),
        ("http://server.example.evil.example/", "cross-site", False, False),
        ("http://server.example@evil.example/", "cross-site", False, False),
        ("http://server.example@evil.example/", "", False, False),
        ("about:client", "", False, False),
        ("HTTP://server.example/", "", True, False),
    ],
)
def test_the_page_that_loads_a_script(referer: str, site: str, own: bool, listed: bool) -> None:
    headers = {"host": "server.example"} | {k: v for k, v in {"referer": referer, "sec_fetch_site": site}.items() if v}
    assert policy().allows(script(**headers)) is own
    assert policy([PAGE]).allows(script(**headers)) is listed
    assert policy("*").allows(script(**headers))
    # Other requests without an Origin are not read by a page.
    assert policy().allows(replace(script(**headers), query="EIO=3&transport=polling"))


def test_a_predicate_is_asked_for_the_page_that_loads_a_script() -> None:
    asked_for: list[str] = []

    def predicate(origin: str, _request: Request) -> bool:
        asked_for.append(origin)
        return True

    assert policy(predicate).allows(script(referer="https://app.example/x"))
    assert policy(predicate).allows(script(sec_fetch_site="cross-site"))
    assert policy(predicate).allows(script())
    assert asked_for == ["https://app.example", "null"]


@pytest.mark.parametrize(("site", "allowed"), [("same-origin", True), ("same-site", False), ("cross-site", False)])
def test_the_own_page_may_hide_its_address(site: str, allowed: bool) -> None:
    assert policy().allows(asked("null", method="POST", host="server.example", sec_fetch_site=site)) is allowed
    assert not policy().allows(asked("http://evil.example", host="server.example", sec_fetch_site=site))
    assert not policy([PAGE]).allows(asked("null", sec_fetch_site=site))


def test_the_own_origin_of_a_request_without_a_host_is_unknown() -> None:
    assert not policy().allows(asked("http://app.example"))
    assert not policy(trust_proxy=True).allows(asked("http://"))


@pytest.mark.parametrize(
    ("origin", "forwarded", "secure", "allowed"),
    [
        ("https://app.example", {"x_forwarded_host": "app.example", "x_forwarded_proto": "https"}, False, True),
        (
            "https://App.example",
            {"x_forwarded_host": "app.Example, inner", "x_forwarded_proto": "https, http"},
            False,
            True,
        ),
        ("https://inner", {"x_forwarded_host": "app.example, inner", "x_forwarded_proto": "https"}, False, False),
        ("https://inner", {"x_forwarded_proto": "https"}, False, True),
        ("https://app.example", {"x_forwarded_host": "app.example"}, True, True),
        ("http://app.example", {"x_forwarded_host": "app.example"}, False, True),
        ("http://app.example", {"x_forwarded_host": "app.example"}, True, False),
        ("http://inner", {}, False, True),
    ],
)
def test_forwarded_headers_count_only_where_the_proxy_is_trusted(
    origin: str, forwarded: dict[str, str], secure: bool, allowed: bool
) -> None:
    request = asked(origin, host="inner", secure=secure, **forwarded)
    assert policy(trust_proxy=True).allows(request) is allowed
    assert policy().allows(request) is (origin == "http://inner" and not secure)


@pytest.mark.parametrize("allowed", [PAGE, [PAGE], {PAGE, "https://other.example"}, (PAGE,)])
def test_a_list_of_origins(allowed: AllowedOrigins) -> None:
    assert policy(allowed).allows(asked())
    assert not policy(allowed).allows(asked("https://evil.example", host="evil.example", secure=True))
    assert policy(allowed).headers(asked()) == [("Access-Control-Allow-Origin", PAGE), ("Vary", "Origin")]


@pytest.mark.parametrize("allowed", ["*", ["*"], ["*", PAGE]])
def test_any_origin(allowed: AllowedOrigins) -> None:
    assert policy(allowed).allows(asked("null"))
    assert policy(allowed).headers(asked()) == [("Access-Control-Allow-Origin", "*")]


def test_with_credentials_not_everybody_may_be_allowed() -> None:
    with pytest.raises(LocalProtocolError, match="every page of the world"):
        policy("*", credentials=True)
    assert policy([PAGE], credentials=True).headers(asked()) == [
        ("Access-Control-Allow-Origin", PAGE),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Credentials", "true"),
    ]


@pytest.mark.parametrize("origin", ["https://a.example/", "a.example", "https://A.example", "https://a.example/x", ""])
def test_what_no_browser_sends_as_an_origin_is_a_mistake(origin: str) -> None:
    with pytest.raises(LocalProtocolError, match="an origin is"):
        policy([origin])


@pytest.mark.parametrize("origin", ["null", "http://localhost:3000", "https://[::1]:8", "chrome-extension://abc"])
def test_what_browsers_send_as_origins(origin: str) -> None:
    assert policy([origin]).allows(asked(origin))


def test_a_predicate_sees_origin_and_request() -> None:
    seen: list[tuple[str, Request]] = []

    def allowed(origin: str, request: Request) -> bool:
        seen.append((origin, request))
        return origin == PAGE

    request = asked()
    assert policy(allowed).allows(request)
    assert not policy(allowed).allows(asked("https://evil.example"))
    assert seen[0] == (PAGE, request)
    assert policy(allowed).headers(request) == [("Access-Control-Allow-Origin", PAGE), ("Vary", "Origin")]


@pytest.mark.parametrize("verdict", [1, "yes", None, b""])
def test_a_predicate_must_say_true_or_false(verdict: Any) -> None:
    def predicate(*_: object) -> bool:
        return cast("bool", verdict)

    with pytest.raises(LocalProtocolError, match="must return True or False"):
        policy(predicate).allows(asked())


@pytest.mark.parametrize("origin", ["https://a\r\nSet-Cookie: x=1", "a\x00", "€"])
def test_an_origin_that_is_no_header_value_is_never_repeated(origin: str) -> None:
    def anybody(origin: str, request: Request) -> bool:
        return bool(origin) and request.method != ""

    cors = policy(anybody, credentials=True)
    assert cors.headers(asked(origin)) == []
    assert cors.preflight(asked(origin, method="OPTIONS", access_control_request_method="GET")) is None


def test_a_preflight() -> None:
    request = asked(method="OPTIONS", access_control_request_method="POST", access_control_request_headers="x-a, x-b")
    assert policy([PAGE], credentials=True).preflight(request) == Response(
        204,
        [
            ("Access-Control-Allow-Origin", PAGE),
            ("Vary", "Origin"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "x-a, x-b"),
            ("Access-Control-Max-Age", "600"),
        ],
    )


def test_a_preflight_that_wants_no_headers() -> None:
    response = policy("*").preflight(asked(method="OPTIONS", access_control_request_method="GET"))
    assert response == Response(
        204,
        [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Max-Age", "600"),
        ],
    )


def test_headers_that_a_preflight_asks_for_are_repeated_only_if_they_can_be_sent() -> None:
    request = asked(
        method="OPTIONS", access_control_request_method="GET", access_control_request_headers="x\r\nset-cookie: a=b"
    )
    response = policy("*").preflight(request)
    assert response is not None
    assert "Access-Control-Allow-Headers" not in dict(response.headers)


@pytest.mark.parametrize(
    ("allowed", "request_"),
    [
        (None, asked(method="OPTIONS", access_control_request_method="GET")),
        ("*", asked(method="GET", access_control_request_method="GET")),
        ("*", asked(None, method="OPTIONS", access_control_request_method="GET")),
        ("*", asked(method="OPTIONS")),
    ],
)
def test_what_is_no_preflight(allowed: AllowedOrigins, request_: Request) -> None:
    assert policy(allowed).preflight(request_) is None
