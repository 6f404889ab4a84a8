"""The options, their defaults and their limits."""

from typing import Any

import pytest

from sansio_eio.engineio import Cookie, EngineServer, Request
from sansio_eio.engineio.settings import Settings, generate_id
from sansio_eio.errors import LocalProtocolError


def test_the_defaults() -> None:
    settings = Settings()
    assert (settings.ping_interval, settings.ping_timeout) == (25.0, 20.0)
    assert (settings.upgrade_timeout, settings.admission_timeout, settings.close_timeout) == (10.0, 10.0, 30.0)
    assert tuple(settings.transports) == ("polling", "websocket")
    assert settings.allow_upgrades is True
    assert settings.max_http_buffer_size == 1_000_000
    assert settings.max_payload_packets == 500_000
    assert settings.max_sessions == 100_000
    assert (settings.max_inbound, settings.max_inbound_size) == (1_000, 4_000_000)
    assert settings.max_outbound == 10_000_000
    assert settings.cors_allowed_origins is None
    assert (settings.cors_credentials, settings.trust_proxy) == (False, False)
    assert settings.cookie is None
    assert (settings.http_compression, settings.http_compression_threshold) == (True, 1024)
    assert settings.per_message_deflate is False
    assert settings.allow_request is None
    assert settings.generate_id is generate_id


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"ping_interval": 0}, "ping_interval must be a positive number of seconds"),
        ({"ping_timeout": -1.0}, "ping_timeout must be"),
        ({"upgrade_timeout": float("inf")}, "upgrade_timeout must be"),
        ({"admission_timeout": float("nan")}, "admission_timeout must be"),
        ({"close_timeout": 0.0}, "close_timeout must be"),
        ({"transports": ()}, "transports must be a list of some of"),
        ({"transports": ("polling", "pigeon")}, "transports must be a list of some of"),
        ({"transports": "polling"}, "transports must be a list of some of"),
        ({"max_http_buffer_size": 0}, "max_http_buffer_size must be at least 1"),
        ({"max_payload_packets": 0}, "max_payload_packets must be at least 1"),
        ({"max_sessions": 0}, "max_sessions must be at least 1"),
        ({"max_inbound": 0}, "max_inbound must be at least 1"),
        ({"max_inbound_size": 0}, "max_inbound_size must be at least 1"),
        ({"max_outbound": 1023}, "max_outbound must be at least 1024"),
        ({"cookie": "a\r\nb"}, "not a value for the header set-cookie"),
        ({"cookie": Cookie(path="/\n")}, "not a value for the header set-cookie"),
        ({"path": "engine.io"}, "not an absolute URL path"),
        ({"path": "/a?b"}, "not an absolute URL path"),
        ({"path": "/a#b"}, "not an absolute URL path"),
        ({"path": "/é"}, "not an absolute URL path"),
        ({"path": "/a\n"}, "not an absolute URL path"),
    ],
)
def test_options_that_make_no_sense(option: dict[str, Any], message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        EngineServer(**option)


@pytest.mark.parametrize("option", ["generate_id", "cors_allowed_origins"])
def test_functions_that_must_answer_at_once_cannot_be_coroutines(option: str) -> None:
    async def later(*_: object) -> str:
        return "x"

    options: dict[str, Any] = {option: later}
    with pytest.raises(LocalProtocolError, match=f"{option} must be a plain def"):
        EngineServer(**options)


@pytest.mark.parametrize(
    ("path", "normal"),
    [("/engine.io", "/engine.io/"), ("/engine.io/", "/engine.io/"), ("/", "/"), ("/a/b//", "/a/b/")],
)
def test_the_path_has_a_slash_at_both_ends(path: str, normal: str) -> None:
    engine = EngineServer(path=path)
    assert engine.path == normal
    assert engine.engine is engine


def test_the_default_path() -> None:
    assert EngineServer().path == "/engine.io/"


@pytest.mark.parametrize(
    ("cookie", "header"),
    [
        (Cookie(), "io=SID; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie("session", http_only=False), "session=SID; Path=/; SameSite=Lax"),
        (Cookie(path="/a", same_site="none", secure=True), "io=SID; Path=/a; HttpOnly; Secure; SameSite=None"),
    ],
)
def test_cookies(cookie: Cookie, header: str) -> None:
    assert cookie.header("SID") == header


def test_a_name_is_enough_for_a_cookie() -> None:
    assert Settings(cookie="session").cookie == Cookie("session")


def test_ids_have_twenty_characters_and_differ() -> None:
    made = {generate_id(Request("GET", "/")) for _ in range(1000)}
    assert len(made) == 1000
    assert {len(sid) for sid in made} == {20}
    assert all(char.isascii() and (char.isalnum() or char in "-_") for sid in made for char in sid)
