"""JSON with padding."""

from urllib.parse import urlencode

import pytest

from sansio_eio.engineio import Request
from sansio_eio.engineio.jsonp import unwrap, wrap


@pytest.mark.parametrize(
    ("payload", "index", "script"),
    [
        ("4hello", "0", '___eio[0]("4hello");'),
        ('4"\\\n\x00', "12", '___eio[12]("4\\"\\\\\\n\\u0000");'),
        ("4\u2028\u2029€", "3", '___eio[3]("4\\u2028\\u2029€");'),
        ("4a\x1e4b", "", '___eio[]("4a\\u001e4b");'),
        ("6", "0);alert(1", '___eio[01]("6");'),
        ("6", "a٣b", '___eio[]("6");'),
    ],
)
def test_the_payload_becomes_a_script(payload: str, index: str, script: str) -> None:
    assert wrap(payload.encode(), index) == script.encode()


def posted(body: bytes) -> bytes:
    return unwrap(Request("POST", "/engine.io/", body=body))


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        ("4hello", "4hello"),
        ("4a b+c&d=e", "4a b+c&d=e"),
        ("4a\\nb", "4a\nb"),
        ("4a\\\\nb", "4a\\nb"),
        ("4a\\\\\\nb", "4a\\\\nb"),
        ("4€\x1e4😀", "4€\x1e4😀"),
        ("4\\x", "4\\x"),
    ],
)
def test_a_form_gives_the_payload_and_its_newlines_back(field: str, payload: str) -> None:
    assert posted(urlencode({"d": field}).encode()) == payload.encode()


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", b""),
        (b"e=4a", b""),
        (b"d", b""),
        (b"d=", b""),
        (b"x=1&d=4a&y=2", b"4a"),
        (b"d=4a&d=4b", b"4b"),
        (b"%64=4a", b""),
        (b"d=4a=b", b"4a=b"),
        (b"d=4%zz%", b"4%zz%"),
        (b"d=4%ff\xff", b"4\xef\xbf\xbd\xef\xbf\xbd"),
        (b"d=4\xe2%82%ac", "4€".encode()),
        (b"d=4%%41%4%2B+%26", b"4%A%4+ &"),
        (b"xd=4a", b""),
        (b"d=4\\n%5c%6e\\%5Cn%5C%5C%5C%6e", b"4\n\n\\n\\\\n"),
    ],
)
def test_odd_forms(body: bytes, payload: bytes) -> None:
    assert posted(body) == payload
