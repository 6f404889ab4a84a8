"""The options of a client."""

from typing import Any

import pytest

from sansio_eio import EngineClient, LocalProtocolError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transports": []}, "transports"),
        ({"transports": "polling"}, "transports"),
        ({"transports": ["webtransport"]}, "transports"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"upgrade_timeout": -1}, "upgrade_timeout"),
        ({"close_timeout": float("inf")}, "close_timeout"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"max_inbound": 0}, "max_inbound"),
        ({"max_inbound_size": 0}, "max_inbound_size"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"max_payload_packets": 0}, "max_payload_packets"),
        ({"max_message_size": 0}, "max_message_size"),
        ({"max_outbound": 1023}, "max_outbound"),
        ({"headers": {"a b": "c"}}, "not a header name"),
        ({"headers": {"a": "b\n"}}, "not a value"),
        ({"headers": {"Host": "other"}}, "belongs to the transport"),
        ({"headers": {"Sec-WebSocket-Key": "x"}}, "belongs to the transport"),
        ({"query": {"a": 1}}, "the parameters of a query are text"),
        ({"query": 5}, "the parameters of a query are a mapping"),
        ({"headers": [("a", "b")]}, "the headers are a mapping"),
        ({"headers": {"a": 1}}, "the headers are text"),
        ({"path": "relative"}, "not an absolute URL path"),
        ({"path": "/a b/"}, "not an absolute URL path"),
        ({"timestamp_param": "sid"}, "timestamp_param"),
        ({"timestamp_param": ""}, "timestamp_param"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        EngineClient("http://host", **options)


def test_no_limit_for_a_request_is_the_default() -> None:
    assert EngineClient("http://host", request_timeout=None).settings.request_timeout is None
