"""Where this library differs from the reference on purpose, with the reason.

A scenario that is listed here must fail on the reference (strictly: when it passes there, the entry has to go). The key
is the name of the test function, or with the parameters in brackets when only some of them make a difference.
"""

DIFFERENCES: dict[str, str] = {
    "test_a_question_ends_when_the_client_leaves": "acks always end; there, an open question waits for its timeout",
    "test_handler_that_raises": "an exception is reported; there, it would end the process (so the event is left out)",
    "test_packet_that_cannot_be_parsed": "the application is told what was wrong; there, the reason is forced close",
    "test_poll_that_waits_during_the_switch": "released with a noop; there, with a close packet that could be obeyed",
    "test_heartbeat_survives_the_upgrade": "the session owns the deadline; there, it is lost with the old transport",
    "test_heartbeat_of_an_old_client_survives_the_upgrade": "the session owns the deadline; there, it is lost for good",
    "test_upgrade_where_none_is_offered": "the candidate is closed at once; there, after the upgrade timeout",
    "test_opening_of_an_old_session": "as in Engine.IO 3, without maxPayload; there, with it",
    "test_opening_of_an_old_session_on_a_websocket": "as in Engine.IO 3, without maxPayload; there, with it",
    "test_content_type_of_a_script": "that of a script; there, plain text, which a browser that must not sniff refuses",
    "test_bytes_for_a_script": "in base64, since a script is text; there, what Node makes of a buffer in JSON",
    "test_form_without_a_payload": "an empty payload; there, it is passed over",
    "test_other_origin": "the Origin decides who may connect; there, only about headers",
    "test_other_origin_on_a_websocket": "the Origin decides who may connect; there, it is not looked at",
    "test_other_origin_in_an_open_session": "the Origin decides who may connect; there, it is not looked at",
    "test_origin_that_is_not_in_the_list": "the Origin decides who may connect; there, only about headers",
}
