"""The default parser: the bytes of the reference, what is refused in both directions, the assembly of attachments."""

from http import HTTPStatus
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.packets import (
    RESERVED_EVENTS,
    TEXT_PARSER,
    Decoder,
    Packet,
    PacketType,
    ParseError,
    Parser,
    json_parser,
    reconstruct,
)

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = PacketType

encode = TEXT_PARSER.encode
decode = TEXT_PARSER.decode

# What socket.io-parser 4.2.7 makes of the same packets.
REFERENCE = [
    (Packet(CONNECT), ("0",)),
    (Packet(CONNECT, "/admin"), ("0/admin,",)),
    (Packet(CONNECT, data={"token": "x"}), ('0{"token":"x"}',)),
    (Packet(CONNECT, "/admin", {"sid": "S", "pid": "P"}), ('0/admin,{"sid":"S","pid":"P"}',)),
    (Packet(DISCONNECT), ("1",)),
    (Packet(DISCONNECT, "/admin"), ("1/admin,",)),
    (Packet(EVENT, data=["a"]), ('2["a"]',)),
    (
        Packet(EVENT, data=["a", 1, "two", {"three": [4, None, True, False]}]),
        ('2["a",1,"two",{"three":[4,null,true,false]}]',),
    ),
    (Packet(EVENT, data=["a"], id=0), ('20["a"]',)),
    (Packet(EVENT, "/x?y=1#z", ["a"], 12), ('2/x?y=1#z,12["a"]',)),
    (
        Packet(EVENT, data=['é€😀\u2028\0\x1f"\\/\b\f\n\r\t\x7f']),
        ('2["é€😀\u2028\\u0000\\u001f\\"\\\\/\\b\\f\\n\\r\\t\x7f"]',),
    ),
    (Packet(EVENT, data=["\ud800", "a"]), ('2["\\ud800","a"]',)),
    (Packet(EVENT, data=[1, 2.5, -0.5, 1e21]), ("2[1,2.5,-0.5,1e+21]",)),
    (Packet(EVENT, data=["a", {}, [], ""]), ('2["a",{},[],""]',)),
    (Packet(ACK, data=[], id=7), ("37[]",)),
    (Packet(ACK, "/admin", ["ok"], 456), ('3/admin,456["ok"]',)),
    (Packet(CONNECT_ERROR, data={"message": "no"}), ('4{"message":"no"}',)),
    (
        Packet(CONNECT_ERROR, "/admin", {"message": "Not authorized", "data": {"code": 1}}),
        ('4/admin,{"message":"Not authorized","data":{"code":1}}',),
    ),
    (Packet(CONNECT_ERROR, data="no"), ('4"no"',)),
    (Packet(CONNECT_ERROR, data=["a", 1]), ('4["a",1]',)),
    (Packet(EVENT, data=["b", b"\1\2"]), ('51-["b",{"_placeholder":true,"num":0}]', b"\1\2")),
    (
        Packet(EVENT, "/admin", ["b", {"d": [b"\1"], "x": [[b""]]}, b"\2"], 3),
        (
            '53-/admin,3["b",{"d":[{"_placeholder":true,"num":0}],"x":[[{"_placeholder":true,"num":1}]]},{"_placeholder":true,"num":2}]',
            b"\1",
            b"",
            b"\2",
        ),
    ),
    (Packet(ACK, data=[b"\t"], id=0), ('61-0[{"_placeholder":true,"num":0}]', b"\t")),
    (
        Packet(ACK, "/admin", ["x", b"\t", b"\b"], 15),
        ('62-/admin,15["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"\t", b"\b"),
    ),
    (Packet(EVENT, data=["a", {"_placeholder": True, "num": 0}]), ('2["a",{"_placeholder":true,"num":0}]',)),
]


@pytest.mark.parametrize(("packet", "messages"), REFERENCE, ids=[repr(messages[0]) for _, messages in REFERENCE])
def test_both_ways_as_the_reference(packet: Packet, messages: tuple[str | bytes, ...]) -> None:
    assert encode(packet) == messages
    decoder = Decoder(TEXT_PARSER)
    for message in messages[:-1]:
        assert decoder.feed(message) is None
        assert decoder.waiting
    assert decoder.feed(messages[-1]) == packet
    assert not decoder.waiting


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0/admin", Packet(CONNECT, "/admin")),
        ("0{}", Packet(CONNECT, data={})),
        ("1/x", Packet(DISCONNECT, "/x")),
        ('2007["a"]', Packet(EVENT, data=["a"], id=7)),
        ('2999999999999999["a"]', Packet(EVENT, data=["a"], id=999_999_999_999_999)),
        ("2[1]", Packet(EVENT, data=[1])),
        ("2[1.5]", Packet(EVENT, data=[1.5])),
        ('2["a"] \r\n\t', Packet(EVENT, data=["a"])),
        ('2[ "a" , {"b" : 1 , "b" : 2} ]', Packet(EVENT, data=["a", {"b": 2}])),
        ('2/x,["connect_failed"]', Packet(EVENT, "/x", ["connect_failed"])),
        ('2["\\ud83d\\ude00\\ud800"]', Packet(EVENT, data=["😀\ud800"])),
        ("4{}", Packet(CONNECT_ERROR, data={})),
        ('4["a"]', Packet(CONNECT_ERROR, data=["a"])),
        ("4/x,true", Packet(CONNECT_ERROR, "/x", True)),
        ('61-/x,1[{"num":0}]', Packet(ACK, "/x", [{"num": 0}], 1, attachments=1)),
        ('52-["a"]', Packet(EVENT, data=["a"], attachments=2)),
        (
            '59999-["a",{"_placeholder":true,"num":0}]',
            Packet(EVENT, data=["a", {"_placeholder": True, "num": 0}], attachments=9999),
        ),
    ],
)
def test_also_taken(text: str, packet: Packet) -> None:
    assert decode(text) == packet


@pytest.mark.parametrize(
    "text",
    [
        *["", "a", "-", "7", "9", " 2[1]", "\u0662[1]", "²[1]"],
        *["0[]", "0null", '0"x"', "0true", "01", "05{}", "0{", "0/x,[]"],
        *["1{}", "1null", "1[]", "15", "1/x,{}"],
        *[
            "2",
            "2{}",
            "2[]",
            '2"x"',
            "2null",
            "2[null]",
            "2[true]",
            "2[false]",
            '2[["a"]]',
            "2[{}]",
            "21",
            "2/x",
            "2/x,",
        ],
        *[
            '2 ["a"]',
            '2²["a"]',
            '2\u0661["a"]',
            '2-1["a"]',
            '2+1["a"]',
            '21-["a"]',
            '21 ["a"]',
            '21.0["a"]',
            '2/x["a"]',
        ],
        *['21000000000000000["a"]', "2" + "1" * 5000 + '["a"]'],
        *['2["a"', '2["a"]x', '2["a"]["b"]', "2['a']", '2["a",]', '2["a",01]', '2["a","\x01"]', '2["a",\\u0031]'],
        *["3", "31", "3[]", '3["a"]', "31{}", "31null", "3/x,[]"],
        *["4", "4null", "41", '41"x"', "4/x,1"],
        *[
            "5",
            "51",
            "5-",
            "5x-",
            "5-1-",
            '51["a"]',
            '5["a"]',
            '5 1-["a"]',
            '5+1-["a"]',
            '5\u0661-["a"]',
            '510000-["a"]',
        ],
        *["51-", "51-{}", "51-null", '51-[{"_placeholder":true,"num":0}]', '61-["a"]', "61-1{}", "01-{}"],
        *['51-["connect"]', '50-["a"]', '60-1["a"]', '50-["a",{"_placeholder":true,"num":0}]'],
        *['2["a",NaN]', '2["a",Infinity]', '2["a",-Infinity]', '2["a",1e999]', '2["a",-1e999]'],
        '2["a",1' + "0" * 400 + ".5]",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ParseError):
        decode(text)


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_reserved_names_are_refused(name: str) -> None:
    for text in (f'2["{name}"]', f'2/x,1["{name}",1]', f'51-["{name}",{{"_placeholder":true,"num":0}}]'):
        with pytest.raises(ParseError, match="reserved"):
            decode(text)
    assert decode(f'31["{name}"]').data == [name]


def test_errors_do_not_quote_the_peer() -> None:
    for text in ('2["secret",]', "2{}secret", '2["connect","secret"]', '5secret["a"]', '51["secret"]'):
        with pytest.raises(ParseError) as caught:
            decode(text)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "packet",
    [
        Packet(CONNECT, data=[]),
        Packet(CONNECT, data="x"),
        Packet(CONNECT, id=1),
        Packet(DISCONNECT, data={}),
        Packet(EVENT),
        Packet(EVENT, data=[]),
        Packet(EVENT, data="a"),
        Packet(EVENT, data=[None]),
        Packet(EVENT, data=[True]),
        Packet(EVENT, data=[b"a"]),
        Packet(ACK, data=["a"]),
        Packet(ACK, data={}, id=1),
        Packet(CONNECT_ERROR),
        Packet(CONNECT_ERROR, data=1),
        Packet(CONNECT_ERROR, data=1.5),
        Packet(CONNECT_ERROR, data=HTTPStatus.FORBIDDEN),
        Packet(CONNECT_ERROR, data="a", id=1),
        Packet(CONNECT, data={"a": b"a"}),
        Packet(CONNECT_ERROR, data={"data": b"a"}),
        Packet(EVENT, "/a,b", ["a"]),
        Packet(EVENT, "a", ["a"]),
        Packet(EVENT, "", ["a"]),
        Packet(EVENT, data=["a"], id=-1),
        Packet(EVENT, data=["a"], id=10**15),
    ],
)
def test_packets_that_do_not_exist(packet: Packet) -> None:
    with pytest.raises(LocalProtocolError):
        encode(packet)


def test_tuples_are_lists() -> None:
    assert encode(Packet(EVENT, data=("a", (1, (b"x",))))) == ('51-["a",[1,[{"_placeholder":true,"num":0}]]]', b"x")
    assert encode(Packet(ACK, data=(), id=1)) == ("31[]",)


def test_attachments_are_bytes_of_their_own() -> None:
    changing = bytearray(b"abcdef")
    messages = encode(Packet(EVENT, data=["a", changing, memoryview(changing)[::2], changing]))
    changing[:] = b"......"
    assert messages[1:] == (b"abcdef", b"ace", b"abcdef")
    assert [type(message) for message in messages[1:]] == [bytes, bytes, bytes]


def test_more_attachments_than_the_reference_takes_can_be_sent() -> None:
    text, *attachments = encode(Packet(EVENT, data=["a", *[b"x"] * 12]))
    assert isinstance(text, str)
    assert text.startswith("512-[")
    assert len(attachments) == 12
    decoder = Decoder(TEXT_PARSER, max_attachments=12)
    assert [decoder.feed(message) for message in (text, *attachments[:-1])] == [None] * 12
    assert decoder.feed(b"y") == Packet(EVENT, data=["a", *[b"x"] * 11, b"y"])


BAD_NUMBERS: list[object] = [-1, 1, 10**30, 0.0, "0", True, False, None, [], {}, "length"]


def placeholder(number: object) -> dict[str, object]:
    return {"_placeholder": True, "num": number}


@pytest.mark.parametrize(
    "argument",
    [
        *[placeholder(number) for number in BAD_NUMBERS],
        {"_placeholder": True},
        [placeholder(0), placeholder(0)],
        [placeholder(0), [[placeholder(0)]]],
        {"a": {"b": placeholder(0)}, "c": {"d": [placeholder(1)]}},
        *[{"_placeholder": flag, "num": 0} for flag in (False, 1, "true", None)],
        {"num": 0},
        [placeholder(0), {"_placeholder": False}],
        "_placeholder",
    ],
)
def test_bad_placeholders(argument: object) -> None:
    with pytest.raises(ParseError, match="attachment"):
        reconstruct(Packet(EVENT, data=["a", argument], attachments=1), [b"x"])


def test_wrong_number_of_attachments() -> None:
    for attachments in ([], [b"x"], [b"x", b"y", b"z"]):
        with pytest.raises(ParseError, match="attachment"):
            reconstruct(Packet(EVENT, data=["a", placeholder(0), placeholder(1)], attachments=2), attachments)


def test_placeholders_in_any_order_and_place() -> None:
    data = ["a", {"b": [placeholder(2)], "c": placeholder(0) | {"more": 1}}, placeholder(1)]
    packet = Packet(EVENT, "/x", data, 5, attachments=3)
    assert reconstruct(packet, [b"0", b"1", b"2"]) == Packet(EVENT, "/x", ["a", {"b": [b"2"], "c": b"0"}, b"1"], 5)


def test_reconstruction_does_not_recurse() -> None:
    deep: Any = placeholder(0)
    for _ in range(100_000):
        deep = [deep]
    result = reconstruct(Packet(EVENT, data=["a", deep], attachments=1), [b"x"]).data[1]
    for _ in range(100_000):
        (result,) = result
    assert result == b"x"


def test_decoder_refuses_too_many_attachments_at_once() -> None:
    decoder = Decoder(TEXT_PARSER)
    with pytest.raises(ParseError, match="more than 10"):
        decoder.feed('511-["a"]')
    assert not decoder.waiting
    assert decoder.feed('510-["a"]') is None
    strict = Decoder(TEXT_PARSER, max_attachments=0)
    with pytest.raises(ParseError, match="more than 0"):
        strict.feed('51-["a",{"_placeholder":true,"num":0}]')
    assert strict.feed('2["a"]') == Packet(EVENT, data=["a"])


def test_decoder_refuses_text_between_attachments() -> None:
    decoder = Decoder(TEXT_PARSER)
    assert decoder.feed('52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]') is None
    assert decoder.feed(b"x") is None
    with pytest.raises(ParseError, match="text between"):
        decoder.feed('2["b"]')
    assert not decoder.waiting
    assert decoder.feed('2["c"]') == Packet(EVENT, data=["c"])


def test_decoder_refuses_binary_without_announcement() -> None:
    decoder = Decoder(TEXT_PARSER)
    for _ in range(2):
        with pytest.raises(ParseError, match="binary"):
            decoder.feed(b'2["a"]')
        assert decoder.feed('51-["a",{"_placeholder":true,"num":0}]') is None
        assert decoder.feed(b"") == Packet(EVENT, data=["a", b""])


def test_decoder_forgets_a_packet_with_bad_placeholders() -> None:
    decoder = Decoder(TEXT_PARSER)
    assert decoder.feed('51-["a"]') is None
    with pytest.raises(ParseError, match="attachment"):
        decoder.feed(b"x")
    assert not decoder.waiting


def test_decoder_answers_for_every_parser() -> None:
    def fail(data: str | bytes) -> Packet:
        raise KeyError(data)

    decoder = Decoder(Parser(encode, fail))
    with pytest.raises(ParseError, match="the parser failed"):
        decoder.feed("x")
    assert not decoder.waiting


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_depth_from_a_peer() -> None:
    assert decode('2["a",' + nested(99) + "]").type is EVENT
    with pytest.raises(ParseError, match="deeper than 100"):
        decode('2["a",' + nested(100) + "]")
    shallow = json_parser(max_depth=2)
    assert shallow.decode('2["a",{"b":1}]').data == ["a", {"b": 1}]
    with pytest.raises(ParseError, match="deeper than 2"):
        shallow.decode('2["a",{"b":[]}]')


def test_what_a_peer_sent_can_be_wrapped_and_sent_on() -> None:
    value = decode('2["a",' + nested(99) + "]").data
    (text,) = encode(Packet(EVENT, data=["b", {"from": "c", "values": [value]}]))
    assert text == '2["b",{"from":"c","values":[["a",' + nested(99) + "]]}]"
    with pytest.raises(LocalProtocolError, match="deeper than 200"):
        encode(Packet(EVENT, data=["b", *decode('2["a",' + nested(99) + "]").data, wrap(value, 101)]))


def wrap(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value
