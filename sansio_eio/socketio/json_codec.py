"""JSON as Socket.IO needs it: bytes taken out, nothing that JavaScript cannot read, and bounds on what a peer sends.

Both functions leave the work to the C code of the json module, in one pass, and look for trouble in the text, in ways
that cost little on the text of an honest peer.
"""

import json
import re
from itertools import accumulate
from typing import Any, cast

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.parser import ParseError

#: Most digits of an integer from a peer. The lowest limit that `sys.set_int_max_str_digits` can be set to, so that this
#: bound holds whatever that limit is, and every integer that was taken can be sent again.
MAX_DIGITS = 640

# A longer run of digits covers ten neighbours in every 64th character.
_STEP = 64
_LONG_NUMBER = re.compile(f"[0-9]{{{MAX_DIGITS // _STEP}}}")

# For isinstance; what matters to a type checker is that bytes() takes them.
_BINARY = cast("tuple[type[bytes], ...]", (bytes, bytearray, memoryview))

_WHITESPACE = " \t\n\r"
_INFINITE = (float("inf"), float("-inf"))

_NO_ATTACHMENTS: list[bytes] = []


class _BinaryFoundError(Exception):
    """The value holds bytes: the second encoder has to do it."""


def _refuse_binary(value: object) -> object:
    if isinstance(value, _BINARY):
        raise _BinaryFoundError
    raise _unknown_type(value)


def _unknown_type(value: object) -> TypeError:
    hint = " (was it to be awaited?)" if hasattr(type(value), "__await__") else ""
    return TypeError(
        f"{type(value).__qualname__} is none of None, bool, int, float, str, bytes, list, tuple, dict{hint}"
    )


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=_refuse_binary)


def _encode_with_binary(value: object, *, ensure_ascii: bool) -> tuple[str, list[bytes]]:
    attachments: list[bytes] = []

    def take(value: object) -> object:
        if not isinstance(value, _BINARY):
            raise _unknown_type(value)
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}

    encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=ensure_ascii, default=take)
    return encoder.encode(value), attachments


def dump(value: object, *, max_depth: int) -> tuple[str, list[bytes]]:
    """The JSON text of a value and the bytes in it, in the order of their placeholders.

    Raises `LocalProtocolError` for what JSON cannot say, and for a value that is nested deeper than `max_depth`.
    """
    try:
        try:
            text = _ENCODER.encode(value)
            attachments = _NO_ATTACHMENTS
        except _BinaryFoundError:
            text, attachments = _encode_with_binary(value, ensure_ascii=False)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                # Half of a surrogate pair: JavaScript strings may hold it, UTF-8 may not. The reference escapes it too.
                text, attachments = _encode_with_binary(value, ensure_ascii=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"the data cannot be sent as JSON: {error}") from error
    if is_too_deep(text, 0, max_depth):
        raise LocalProtocolError(f"the data is nested deeper than {max_depth} levels")
    # In JSON text a quote that no backslash precedes delimits a string, so these two are keys and nothing else.
    if attachments and (text.count('{"_placeholder":') != len(attachments) or ',"_placeholder":' in text):
        raise LocalProtocolError('the key "_placeholder" cannot be sent together with bytes')
    return text, attachments


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if value in _INFINITE:
        raise ValueError("a number is too large")
    return value


def _short_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("an integer has too many digits")
    return int(digits)


_DECODER = json.JSONDecoder(parse_float=_finite_float, parse_constant=_refuse_constant)
_CAREFUL_DECODER = json.JSONDecoder(parse_float=_finite_float, parse_constant=_refuse_constant, parse_int=_short_int)


def load(text: str, start: int, *, max_depth: int) -> Any:
    """The value whose JSON text goes from `start` to the end. Raises `ParseError`."""
    if is_too_deep(text, start, max_depth):
        raise ParseError(f"JSON is nested deeper than {max_depth} levels")
    decoder = _DECODER
    if len(text) > MAX_DIGITS and _LONG_NUMBER.search(text[::_STEP]):
        decoder = _CAREFUL_DECODER
    try:
        value, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        # Without the cause: it would keep the whole text alive.
        raise ParseError(f"invalid JSON: {error}") from None
    if end != len(text) and text[end:].strip(_WHITESPACE):
        raise ParseError("data after the end of the JSON text")
    return value


_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_ALL_BUT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'[{]}"')))


def is_too_deep(text: str, start: int, max_depth: int) -> bool:
    """Whether arrays and objects are nested deeper than `max_depth`. Exact for JSON, anything for what is not."""
    if len(text) - start <= 2 * max_depth or text.count("[", start) + text.count("{", start) <= max_depth:
        return False
    structure = text[start:].encode("utf-8", "surrogatepass")
    if b"\\" in structure:
        structure = structure.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes side by side: taking both away changes nothing about what is inside of a string and what is not.
    steps = structure.translate(_STEPS, _ALL_BUT_STRUCTURE).replace(b'""', b"")
    if b'"' in steps:
        steps = b"".join(steps.split(b'"')[::2])
    # One level up or down for each bracket, as signed bytes: all of it runs in C.
    return max(accumulate(memoryview(steps).cast("b")), default=0) > max_depth
