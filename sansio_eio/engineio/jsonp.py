"""JSON with padding: polling for pages that can only load scripts."""

import json
import re
from urllib.parse import unquote_plus

from sansio_eio.engineio.requests import Request

_NOT_DIGITS = re.compile(r"[^0-9]")
# JavaScript before 2019 ends a line at these, inside a string literal too.
_LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED_NEWLINE = re.compile(r"(\\)?\\n")


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
    data = ""
    # By hand, since decoding every field of a body full of them takes many times as long.
    for field in request.body.decode("utf-8", "replace").split("&"):
        if field.startswith("d="):
            data = unquote_plus(field[2:])
    return _ESCAPED_NEWLINE.sub(lambda match: "\\n" if match.group(1) else "\n", data).encode("utf-8", "replace")
