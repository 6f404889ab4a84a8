"""JSON with its limits: what cannot be sent, what is not taken, and that no limit costs more than it protects."""

import sys
from collections.abc import Iterator
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.json_codec import MAX_DIGITS, dump, is_too_deep, load
from sansio_eio.socketio.parser import ParseError


def circle() -> list[Any]:
    value: list[Any] = []
    value.append({"again": value})
    return value


def deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


class Colour(Enum):
    RED = 1


class Name(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "JSON"),
        ([float("inf")], "JSON"),
        ({"a": -float("inf")}, "JSON"),
        ({float("nan"): 1}, "JSON"),
        ({b"a": 1}, "keys must be"),
        ({("a",): 1}, "keys must be"),
        ({1, 2}, "set is none of"),
        (object(), "object is none of"),
        ([b"x", object()], "object is none of"),
        ([b"x", float("nan")], "JSON"),
        (1j, "complex is none of"),
        (Colour.RED, "Colour is none of"),
        (circle(), "Circular"),
        ([b"x", circle()], "Circular"),
        (deep(201), "deeper than 200"),
        ([b"x", deep(200)], "deeper than 200"),
        (deep(100_000), "cannot be sent"),
        ([b"x", {"_placeholder": True, "num": 0}], "_placeholder"),
        ([b"x", {"_placeholder": None}], "_placeholder"),
        ([b"x", {"a": 1, "_placeholder": 1}], "_placeholder"),
        ([{"_placeholder": b"x"}], "_placeholder"),
    ],
)
def test_what_cannot_be_sent(value: object, message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        dump(value, max_depth=200)


def test_a_released_memoryview_cannot_be_sent() -> None:
    view = memoryview(b"x")
    view.release()
    with pytest.raises(LocalProtocolError, match="released"):
        dump([view], max_depth=200)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (deep(200), "[" * 200 + "0" + "]" * 200),
        ([Name.RED, Number.ONE], '["red",1]'),
        ({1: 2, None: 3, False: 4, 1.5: 5}, '{"1":2,"null":3,"false":4,"1.5":5}'),
        (["\ud83d", "ä"], '["\\ud83d","\\u00e4"]'),
        ({"\udfff": 1}, '{"\\udfff":1}'),
        ("_placeholder", '"_placeholder"'),
        ({"_placeholder": {"_placeholder": 1}}, '{"_placeholder":{"_placeholder":1}}'),
    ],
)
def test_what_can_be_sent(value: object, text: str) -> None:
    assert dump(value, max_depth=200) == (text, [])


def test_half_a_surrogate_pair_beside_bytes() -> None:
    assert dump(["\ud83d", b"x", {"ä": b"y"}], max_depth=200) == (
        '["\\ud83d",{"_placeholder":true,"num":0},{"\\u00e4":{"_placeholder":true,"num":1}}]',
        [b"x", b"y"],
    )


@pytest.mark.parametrize(
    "value",
    [
        "_placeholder",
        '"_placeholder":',
        '{"_placeholder":',
        ',"_placeholder":true',
        {'"_placeholder': 1},
        {'{"_placeholder': 1},
        {',"_placeholder': 1},
        {"_placeholder\\": 1},
    ],
)
def test_other_data_is_not_taken_for_a_placeholder(value: object) -> None:
    assert dump([value, b"x"], max_depth=200)[1] == [b"x"]


def test_text_and_position() -> None:
    value = {"a": [1, 2.5, -3, True, False, None, "ä"]}
    assert load('xx{"a":[1,2.5,-3,true,false,null,"ä"]}', 2, max_depth=100) == value


@pytest.fixture(params=[0, MAX_DIGITS, 4300])
def _python_limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Python's own limit on the digits of integers, off and as low as it can be, among others."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(request.param)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("_python_limit")
def test_digits_of_integers() -> None:
    for start in range(130):  # wherever the number is
        text = "[" + " " * start + "1" * MAX_DIGITS + "]"
        assert load(text, 0, max_depth=100) == [int("1" * MAX_DIGITS)]
        with pytest.raises(ParseError, match="digits"):
            load("[" + " " * start + "1" * (MAX_DIGITS + 1) + "]", 0, max_depth=100)
    with pytest.raises(ParseError, match="digits"):
        load("[-" + "1" * 10_000 + "]", 0, max_depth=100)


def test_other_long_digits() -> None:
    text = '["' + "1" * 10_000 + '",0.' + "0" * 10_000 + "1]"
    assert load(text, 0, max_depth=100) == ["1" * 10_000, 0.0]
    with pytest.raises(ParseError, match="large"):
        load("[" + "1" * 10_000 + ".5]", 0, max_depth=100)


def test_too_deep_for_the_machine() -> None:
    with pytest.raises(ParseError, match="invalid JSON"):
        load("[" * 200_000, 0, max_depth=10**6)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("1", 0),
        ('"[[[[{{{{"', 0),
        ("[]", 1),
        ('[[],{},[],{},"]]",[[],[]]]', 3),
        ('["\\"[[[[",[1]]', 2),
        ('["\\\\",[["\\\\\\"[[["]]]', 3),
        ('["]]]",["]",["{"]],"[","",""]', 3),
        ('{"[":{"{":{"\\\\":{}}}}', 4),
        ('["ä[[[€",["\ud800[",[]]]', 3),
    ],
)
def test_depth_is_exact(text: str, depth: int) -> None:
    assert is_too_deep(" " * 5 + text + " " * 50, 5, depth) is False
    assert depth == 0 or is_too_deep(" " * 5 + text + " " * 50, 5, depth - 1)


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * MEGABYTE, id="opened"),
        pytest.param('{"":' * (MEGABYTE // 4), id="objects"),
        pytest.param("[" + "[]," * (MEGABYTE // 3) + "0", id="pairs"),
        pytest.param("[" + ("[" * 99 + "]" * 99 + ",") * (MEGABYTE // 199) + "[" * 100, id="nearly too deep"),
        pytest.param('["' + "[" * MEGABYTE, id="open string"),
        pytest.param('["' + '\\"[' * (MEGABYTE // 3) + '"', id="escapes"),
        pytest.param('["' + "\\" * MEGABYTE + '"', id="backslashes"),
        pytest.param("[" + '"[",' * (MEGABYTE // 4), id="strings"),
        pytest.param("1" * MEGABYTE, id="digits"),
        pytest.param("[" + ("1" * MAX_DIGITS + ",") * (MEGABYTE // (MAX_DIGITS + 1)), id="long integers"),
        pytest.param("[" + ("1" * 4300 + ",") * (MEGABYTE // 4301), id="too long integers"),
        pytest.param("[1e" + "1" * MEGABYTE + "]", id="exponent"),
        pytest.param("[]" + " " * MEGABYTE + "x", id="white space"),
    ],
)
def test_hostile_megabyte_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        load(text, 0, max_depth=100)
