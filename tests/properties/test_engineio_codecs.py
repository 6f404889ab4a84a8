"""Engine.IO codecs: what is written can be read again, and anything at all can be read or is refused."""

import gzip
import json
import zlib
from base64 import urlsafe_b64encode
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sansio_eio.engineio import Cookie, Outgoing, Request
from sansio_eio.engineio.cors import Cors
from sansio_eio.engineio.jsonp import unwrap, wrap
from sansio_eio.engineio.outgoing import encode_text
from sansio_eio.engineio.packets import BASE64, MESSAGE, decode_base64, messages
from sansio_eio.engineio.payloads import decode_payload
from sansio_eio.engineio.requests import check_header, is_header_value, parse_query
from sansio_eio.engineio.responses import accepted_encoding, compress_body
from sansio_eio.errors import LocalProtocolError, RemoteProtocolError

#: Text that a payload can carry: the separator is its own.
TEXT = st.text().map(lambda text: text.replace("\x1e", ""))
MESSAGES = st.lists(TEXT | st.binary(max_size=300), min_size=1, max_size=8)
#: All that Python calls a string, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def read_frames(data: bytes) -> list[str | bytes]:
    """Unmasked WebSocket frames, as a client reads them (RFC 6455, section 5.2)."""
    found: list[str | bytes] = []
    while data:
        length, start = data[1], 2
        if length == 126:
            length, start = int.from_bytes(data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(data[2:10], "big"), 10
        part, first, data = data[start : start + length], data[0], data[start + length :]
        assert len(part) == length
        assert first in (0x81, 0x82)
        found.append(part.decode() if first == 0x81 else part)
    return found


@given(MESSAGES)
def test_a_payload_is_read_as_it_was_written(data: list[str | bytes]) -> None:
    payload = messages(tuple(data)).payload
    read: list[str | bytes] = []
    for packet in decode_payload(payload, len(data)):
        read.append(packet[1:] if packet[0] == MESSAGE else decode_base64(packet[1:]))
        assert packet[0] in (MESSAGE, BASE64)
    assert read == data


@given(MESSAGES, st.integers(0, 70_000))
def test_frames_are_read_as_they_were_written(data: list[str | bytes], more: int) -> None:
    data.append("x" * more)
    outgoing = messages(tuple(data))
    read = read_frames(outgoing.frame)
    assert read == [MESSAGE + part if isinstance(part, str) else part for part in data]
    assert outgoing.packets == tuple(read)
    assert len(outgoing.frame) <= outgoing.size + 6 * len(data)


@given(ANY_TEXT)
def test_any_text_has_an_encoding(text: str) -> None:
    assert encode_text(text).decode() == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert Outgoing((text,)).payload == encode_text(text)


@given(st.binary())
def test_base64_in_either_alphabet_padded_or_not(data: bytes) -> None:
    text = urlsafe_b64encode(data).decode()
    for form in (text, text.rstrip("="), text.replace("-", "+").replace("_", "/")):
        assert decode_base64(form) == data


@given(ANY_TEXT | st.text("AQ-_=+/ \n"))
def test_any_text_is_base64_or_refused(text: str) -> None:
    with suppress(RemoteProtocolError):
        assert isinstance(decode_base64(text), bytes)


@given(st.binary(), st.integers(1, 5))
def test_any_bytes_are_a_payload_or_refused(body: bytes, limit: int) -> None:
    try:
        packets = decode_payload(body, limit)
    except RemoteProtocolError:
        assert body.count(b"\x1e") >= limit
    else:
        assert "\x1e".join(packets) == body.decode("utf-8", "replace")


@given(st.text(), ANY_TEXT)
def test_any_payload_is_a_script(text: str, index: str) -> None:
    script = wrap(text.encode(), index).decode()
    head, _, rest = script.partition("(")
    assert head.startswith("___eio[")
    digits = head[len("___eio[") : -1]
    assert digits == "" or (digits.isascii() and digits.isdigit())
    assert json.loads(rest.removesuffix(");")) == text
    assert not set(rest) & {"\n", "\r", "\u2028", "\u2029"}


@given(st.binary() | st.text("d=&%4\\n5C").map(str.encode))
def test_any_form_is_read(body: bytes) -> None:
    assert isinstance(unwrap(Request("POST", "/", body=body)), bytes)


@given(ANY_TEXT)
def test_any_query_is_read(query: str) -> None:
    assert isinstance(parse_query(query), dict)


@given(ANY_TEXT | st.text("gzipdeflate;q=0.19, "))
def test_any_preference_is_read(value: str) -> None:
    assert accepted_encoding(Request("GET", "/", headers=[("accept-encoding", value)])) in (None, "gzip", "deflate")


@given(st.binary())
def test_what_is_compressed_can_be_read(body: bytes) -> None:
    assert gzip.decompress(compress_body(body, "gzip")) == body
    assert zlib.decompress(compress_body(body, "deflate")) == body


@given(ANY_TEXT, ANY_TEXT)
def test_what_passes_as_a_header_cannot_break_a_message(name: str, value: str) -> None:
    try:
        check_header(name, value)
    except LocalProtocolError:
        return
    line = f"{name}: {value}".encode("latin-1")
    assert not set(line) & {0, 10, 13}
    assert line.split(b":")[0].isascii()


@given(
    st.dictionaries(
        st.sampled_from(
            ["origin", "host", "x-forwarded-host", "x-forwarded-proto", "access-control-request-method",
             "access-control-request-headers"]
        ),
        ANY_TEXT,
    ),
    st.sampled_from(["GET", "OPTIONS"]),
    st.sampled_from([None, "*", ["https://a.example"], ["*"]]),
    st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_whatever_a_peer_says_of_its_origin_no_header_is_broken(
    headers: dict[str, str], method: str, allowed: str | list[str] | None, credentials: bool, trust: bool
) -> None:
    anybody = allowed is not None and "*" in allowed
    cors = Cors(allowed, credentials=credentials and not anybody, trust_proxy=trust)
    request = Request(method, "/", headers=list(headers.items()))
    assert isinstance(cors.allows(request), bool)
    preflight = cors.preflight(request)
    for _, value in [*cors.headers(request), *(preflight.headers if preflight else [])]:
        assert is_header_value(value)


@given(st.text(), st.text(), st.text(), st.text())
def test_a_cookie_is_a_header_or_refused(name: str, path: str, same_site: str, sid: str) -> None:
    value = Cookie(name, path=path, same_site=same_site).header(sid)
    assert value.startswith(f"{name}={sid}; Path={path}; ")
