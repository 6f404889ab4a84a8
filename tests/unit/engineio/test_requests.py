"""Requests and responses as values."""

import pytest

from sansio_eio.engineio import Request, Response
from sansio_eio.engineio.requests import check_header, is_header_value, parse_query
from sansio_eio.errors import LocalProtocolError


def test_a_header_of_several_fields_is_joined() -> None:
    request = Request("GET", "/", headers=[("a", "1"), ("b", "2"), ("a", "3")])
    assert request.header("a") == "1, 3"
    assert request.header("b") == "2"
    assert request.header("c") is None


def test_the_last_of_several_parameters_counts_and_blank_ones_are_there() -> None:
    request = Request("GET", "/", "a=1&b=&a=2&c&d=%E2%82%AC+%zz%ff")
    assert request.params == {"a": "2", "b": "", "c": "", "d": "€ %zz\ufffd"}
    assert request.params is request.params


def test_a_query_of_nothing_has_no_parameters() -> None:
    assert parse_query("") == {}
    assert parse_query("&&=&") == {"": ""}


def test_a_response_is_empty_unless_said_otherwise() -> None:
    assert Response(204) == Response(204, [], b"")


def test_the_parsed_query_is_no_part_of_a_request() -> None:
    request = Request("GET", "/", "a=1")
    assert request.params == {"a": "1"}
    assert request == Request("GET", "/", "a=1")
    assert "params" not in repr(request)


@pytest.mark.parametrize("value", ["", "a b\tc", "é", "\x80\xff", "!~"])
def test_header_values(value: str) -> None:
    assert is_header_value(value)
    check_header("x-name", value)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\x00", "\x7f", "€", "\x1f"])
def test_values_that_break_a_message(value: str) -> None:
    assert not is_header_value(value)
    with pytest.raises(LocalProtocolError, match="not a value for the header x-name"):
        check_header("x-name", value)


@pytest.mark.parametrize("value", [" a", "a ", "\ta"])
def test_blanks_around_a_value_are_no_part_of_it(value: str) -> None:
    with pytest.raises(LocalProtocolError, match="not a value for the header x-name"):
        check_header("x-name", value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "é", "a\n", "²"])
def test_header_names_that_are_none(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="not a header name"):
        check_header(name, "x")
