"""The URL of a client, and the address in it."""

from typing import Any

import pytest

from sansio_eio import LocalProtocolError
from sansio_eio.engineio.address import Address
from sansio_eio.engineio.client_url import parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://host", Address("host", 80, secure=False)),
        ("https://host", Address("host", 443, secure=True)),
        ("ws://host:3000/", Address("host", 3000, secure=False)),
        ("wss://host:80", Address("host", 80, secure=True)),
        ("HTTP://HOST", Address("host", 80, secure=False)),
        ("http://[::1]:3000", Address("::1", 3000, secure=False)),
        ("http://b\u00fccher.example", Address("xn--bcher-kva.example", 80, secure=False)),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert parse_url(url).address == address


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (Address("host", 80, secure=False), "host"),
        (Address("host", 443, secure=True), "host"),
        (Address("host", 443, secure=False), "host:443"),
        (Address("host", 80, secure=True), "host:80"),
        (Address("::1", 80, secure=False), "[::1]"),
        (Address("::1", 3000, secure=False), "[::1]:3000"),
    ],
)
def test_authorities(address: Address, authority: str) -> None:
    assert address.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "host:3000",
        "//host",
        "ftp://host",
        "http://",
        "http:///path",
        "http://host:port",
        "http://host:0",
        "http://host:65536",
        "http://[::1",
        "http://ho st",
        "http://ho\x7fst",
        "http://\u00fc" + "x" * 100 + ".example",
    ],
)
def test_what_is_no_url_to_connect_to(url: str) -> None:
    with pytest.raises(LocalProtocolError, match="not a URL to connect to"):
        parse_url(url)


def test_a_url_is_text() -> None:
    url: Any = 123
    with pytest.raises(LocalProtocolError, match="a URL is text, not int"):
        parse_url(url)


def test_no_secret_is_shown() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        parse_url("http://bob:hunter2@host:99999")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(parse_url("http://bob:hunter2@host?token=hunter2"))


def test_path_and_query() -> None:
    url = parse_url("http://host/admin?token=%C3%BC&empty=&a=1&a=2")
    assert url.path == "/admin"
    assert url.query == {"token": "\u00fc", "empty": "", "a": "2"}
    assert url.authorization is None
    assert parse_url("http://host").path == ""


@pytest.mark.parametrize(
    ("url", "authorization"),
    [
        ("http://user:secret@host", "Basic dXNlcjpzZWNyZXQ="),
        ("http://user@host", "Basic dXNlcjo="),
        ("http://us%3Aer:%C3%BC@host", "Basic dXM6ZXI6w7w="),
    ],
)
def test_user_and_password(url: str, authorization: str) -> None:
    assert parse_url(url).authorization == authorization
