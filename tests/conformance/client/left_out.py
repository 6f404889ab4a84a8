"""Which scenarios old servers do not meet, and why: by module, or by the name of a scenario in it."""

from tests.conformance.client.servers import OLD, SOCKETIO_2

_BEFORE = "it fails before any revision is spoken"
_AUTH = "in revision 3 it is a query: test_old_servers"
_SIZE = "a server of revision 3 need not say how much it takes: test_old_servers"

#: What has no meaning in revision 3, or is the same there.
IN_REVISION_3 = {
    "test_network": "TLS, names and proxies are below Engine.IO",
    "test_connecting.test_auth": _AUTH,
    "test_connecting.test_auth_from_a_function_is_asked_for_at_every_connection": _AUTH,
    "test_engine.test_too_large_for_the_server": _SIZE,
    "test_payloads.test_payload_is_split": _SIZE,
    "test_payloads.test_binary_payload_is_split": _SIZE,
    "test_payloads.test_more_than_the_server_takes": _SIZE,
    "test_payloads.test_more_than_the_server_turns_out_to_take": _SIZE,
    "test_failures.test_refused_connection": _BEFORE,
    "test_failures.test_unknown_host": _BEFORE,
    "test_failures.test_unix_socket_that_is_not_there": _BEFORE,
    "test_failures.test_silent_server": _BEFORE,
    "test_failures.test_nonsense": _BEFORE,
    "test_failures.test_events_of_a_failure": _BEFORE,
    "test_failures.test_pages_that_are_no_engine": "their payloads are of revision 4: test_old_servers",
    "test_failures.test_engine_without_namespaces": "no CONNECT is sent that could come back: test_old_servers",
}
#: What Socket.IO 2.x cannot do.
IN_SOCKETIO_2 = {
    "test_acks.test_the_server_asks_in_vain": "its acknowledgements have no timeout",
    "test_messages.test_msgpack": "its parsers have another interface",
}


def is_left_out(kind: str | None, module: str, scenario: str) -> bool:
    """Whether a server of this kind does not meet the scenario."""
    names = {module, f"{module}.{scenario}"}
    if kind == SOCKETIO_2 and not names.isdisjoint(IN_SOCKETIO_2):
        return True
    return kind in OLD and not names.isdisjoint(IN_REVISION_3)
