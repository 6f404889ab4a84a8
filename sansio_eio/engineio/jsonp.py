"""JSON with padding: polling for pages that can only load scripts."""

import json
import re

from sansio_eio.engineio.requests import Request

_NOT_DIGITS = re.compile(r"[^0-9]")
# JavaScript before 2019 ends a line at these, inside a string literal too.
_LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029"}
# As many as there are side by side, so that a body full of them is no million calls.
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


def wrap(payload: bytes, index: str) -> bytes:
    """The payload as a script that calls `___eio[index]` with it; of the index, only the digits are taken."""
    literal = json.dumps(payload.decode(), ensure_ascii=False)
    for char, escape in _LINE_ENDS.items():
        literal = literal.replace(char, escape)
    return f"___eio[{_NOT_DIGITS.sub('', index)}]({literal});".encode()


def unwrap(request: Request) -> bytes:
    """The payload of a POST from a form: the field "d", whose newlines the client has escaped.

    A form turns line ends into CRLF, so the client writes backslash-n for a newline, and backslash-backslash-n for a
    real backslash-n.
    """
    # By hand: urllib takes half a second for a body of a megabyte that was made for that.
    body = b"&" + request.body
    start = body.rfind(b"&d=")
    if start < 0:
        return b""
    data = body[start + 3 :].partition(b"&")[0].replace(b"+", b" ")
    text = _ESCAPES.sub(_unescape, data).decode("utf-8", "replace")
    return "\\n".join([part.replace("\\n", "\n") for part in text.split("\\\\n")]).encode()


def _unescape(escapes: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escapes.group().replace(b"%", b"").decode("ascii"))
