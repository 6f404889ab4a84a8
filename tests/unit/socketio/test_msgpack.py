"""The msgpack parser: the bytes of the reference, and what is refused in both directions."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from importlib import import_module
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.socketio.packets import RESERVED_EVENTS, Decoder, Packet, PacketType, ParseError

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = PacketType

encode, decode = msgpack_parser()

# It ships no types.
msgpack: Any = import_module("msgpack")

# What socket.io-msgpack-parser 3.0.2 (notepack.io 2.2.0) on Node makes of the packets.
REFERENCE = [
    ("82a47479706500a36e7370a12f", Packet(CONNECT)),
    ("83a47479706500a36e7370a12fa464617461d40000", Packet(CONNECT)),  # data: undefined
    (
        (
            "85a47479706502a36e7370a12fa46461746199a16101ffcb3ff8000000000000a2c3a9c4020102c0c39180"
            "a2696400a76f7074696f6e7381a8636f6d7072657373c3"
        ),
        Packet(EVENT, data=["a", 1, -1, 1.5, "é", b"\1\2", None, True, [{}]], id=0),
    ),
    (
        (
            "83a47479706502a36e7370a22f78a46461746198a161d40000d7000000018bcfe5687bd700ffffffffffffffff"
            "c7010005c7010001c70800000000000000f83fc70300010203"
        ),
        Packet(
            EVENT,
            "/x",
            [
                "a",
                None,
                datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC),
                datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
                b"\5",
                b"\1",
                b"\0\0\0\0\0\0\xf8\x3f",
                b"\1\2\3",
            ],
        ),
    ),
    (
        "84a47479706503a36e7370a12fa46461746193cf0000010000000000d3ffffff0000000000cf0020000000000000a26964cd012c",
        Packet(ACK, data=[2**40, -(2**40), 2**53], id=300),
    ),
    ("82a47479706501a36e7370a12f", Packet(DISCONNECT)),
    ("83a47479706504a36e7370a12fa46461746181a76d657373616765a26e6f", Packet(CONNECT_ERROR, data={"message": "no"})),
    ("83a47479706504a36e7370a12fa464617461a26e6f", Packet(CONNECT_ERROR, data="no")),
]


@pytest.mark.parametrize(("message", "packet"), REFERENCE)
def test_packets_of_the_reference(message: str, packet: Packet) -> None:
    assert Decoder(msgpack_parser()).feed(bytes.fromhex(message)) == packet


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (Packet(CONNECT), {"type": 0, "nsp": "/"}),
        (Packet(CONNECT, "/x", {"a": b"b"}), {"type": 0, "nsp": "/x", "data": {"a": b"b"}}),
        (Packet(DISCONNECT, "/x"), {"type": 1, "nsp": "/x"}),
        (Packet(EVENT, data=("a", (1, b"x"))), {"type": 2, "nsp": "/", "data": ["a", [1, b"x"]]}),
        (Packet(EVENT, "/a,b", ["a"], 0), {"type": 2, "nsp": "/a,b", "data": ["a"], "id": 0}),
        (Packet(ACK, data=[], id=7), {"type": 3, "nsp": "/", "data": [], "id": 7}),
        (Packet(CONNECT_ERROR, data="no"), {"type": 4, "nsp": "/", "data": "no"}),
        (
            Packet(EVENT, data=["a", bytearray(b"x"), memoryview(b"yz"), float("inf"), -(2**63), 2**64 - 1]),
            {"type": 2, "nsp": "/", "data": ["a", b"x", b"yz", float("inf"), -(2**63), 2**64 - 1]},
        ),
    ],
)
def test_encoding(packet: Packet, message: dict[str, object]) -> None:
    assert encode(packet) == (msgpack.packb(message),)


def test_dates_are_those_of_notepack() -> None:
    date = datetime(2023, 11, 14, 23, 13, 20, 123999, tzinfo=timezone(timedelta(hours=1)))
    (message,) = encode(Packet(EVENT, data=["a", date]))
    assert isinstance(message, bytes)
    assert message.endswith(bytes.fromhex("d7000000018bcfe5687b"))
    assert decode(message).data == ["a", datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)]


def raw_event(arguments: str, count: int = 1) -> bytes:
    return bytes.fromhex(f"83a47479706502a36e7370a12fa4646174619{count + 1:x}a161" + arguments)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("c70100ff", [b"\xff"]),
        ("c7010000 d40000", [b"\0", b"\0"]),  # not told apart: see _find_fixext
        ("d40000 d40000", [None, None]),
        ("d40000 c7010001", [None, b"\1"]),
        ("c8000800 0102030405060708", [b"\1\2\3\4\5\6\7\x08"]),
        ("c900000001 00 07", [b"\7"]),
        ("d500 0102", [b"\1\2"]),
        ("d40501", [[5, b"\1"]]),
        ("d40501 d40000 c70305 010203", [[5, b"\1"], None, [5, b"\1\2\3"]]),
        ("d6ff 00000001", [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)]),
    ],
)
def test_extensions(arguments: str, values: list[object]) -> None:
    packet = decode(raw_event(arguments, len(values)))
    assert packet.data[1:] == values
    encode(packet)  # and what came from a peer can be sent on


def nested(levels: int, inside: Any = 0) -> Any:
    for _ in range(levels):
        inside = [inside]
    return inside


GOOD: dict[str, Any] = {"type": 2, "nsp": "/", "data": ["a"], "id": 1}


BAD: dict[str, list[Any]] = {
    "type": [-1, 5, 6, 2.0, "2", True, None, [2], {}],
    "nsp": [None, 1, "", "x", b"/", ["/"]],
    "id": [-1, 1.0, "1", True, False, 10**15, 2**64 - 1, [1]],
    "data": [
        *[None, {}, [], "a", [None], [True], [b"a"], [["a"]]],
        *[[name] for name in sorted(RESERVED_EVENTS)],
        *[nested(101), ["a", nested(100)], ["a", {"b": nested(99)}], ["a", {"b": {b"c": 1}}]],
    ],
}
BAD_DATA: dict[PacketType, list[Any]] = {
    CONNECT: [[], "x", 1, False],
    DISCONNECT: [{}, [], "x", 1, False],
    ACK: [None, {}, "x", 1],
    CONNECT_ERROR: [None, 1],
}


@pytest.mark.parametrize(
    "changes",
    [
        *[{key: value} for key, values in BAD.items() for value in values],
        *[
            {"type": kind.value, "id": 1 if kind is ACK else None, "data": data}
            for kind, values in BAD_DATA.items()
            for data in values
        ],
        *[{"type": kind.value, "data": {}} for kind in (CONNECT, DISCONNECT, CONNECT_ERROR)],
        {"type": 3, "id": None},
    ],
)
def test_bad_packets_are_refused(changes: dict[str, Any]) -> None:
    assert decode(msgpack.packb(GOOD)) == Packet(EVENT, data=["a"], id=1)
    with pytest.raises(ParseError):
        decode(msgpack.packb(GOOD | changes))


@pytest.mark.parametrize(
    "data",
    [
        "2[]",
        b"",
        b"\xc1",
        b"\x80",
        b"\x90",
        b"\x01",
        msgpack.packb(GOOD) + b"\0",
        msgpack.packb(GOOD)[:-1],
        msgpack.packb(GOOD | {1: 2}),
        msgpack.packb(GOOD | {"data": ["a", {1: 2}]}),
        raw_event("a1ff"),  # not UTF-8
        raw_event("a3eda080"),  # a surrogate
        raw_event("81 90 00"),  # an array for a key
        raw_event("81 d40000 00"),  # undefined for a key
        raw_event("d700 7fffffffffffffff"),  # a date that no calendar has
        raw_event("d700 8000000000000000"),
        raw_event("c70cff 00000000 7fffffffffffffff"),
        raw_event("d4ff00"),  # a timestamp of one byte
    ],
)
def test_other_data_is_refused(data: str | bytes) -> None:
    with pytest.raises(ParseError):
        decode(data)


def test_depth_of_what_is_taken_and_sent() -> None:
    value = decode(msgpack.packb(GOOD | {"data": ["a", nested(99)]})).data
    encode(Packet(EVENT, data=["b", {"from": "c", "values": [value]}]))
    encode(Packet(EVENT, data=["b", nested(199)]))
    parser = msgpack_parser(max_depth=1)
    assert parser.decode(msgpack.packb(GOOD)).data == ["a"]
    with pytest.raises(ParseError, match="deeper than 1 levels"):
        parser.decode(msgpack.packb(GOOD | {"data": ["a", []]}))


def circle() -> list[Any]:
    value: list[Any] = []
    value.append({"again": value})
    return value


class Name(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**64, "64 bits"),
        (-(2**63) - 1, "64 bits"),
        ({1, 2}, "set is none of"),
        (object(), "object is none of"),
        ("\ud800", "surrogates"),
        (datetime(2023, 1, 1), "datetime is none of"),  # noqa: DTZ001 - that it has no time zone is the mistake
        (memoryview(b"abcd")[::2], "contiguous"),
        (circle(), "recursion"),
        (nested(10_000), "recursion"),
        (nested(200), "deeper than 200"),
        ({1: 2}, "key is not a string"),
        ([{"a": {b"b": 2}}], "key is not a string"),
    ],
)
def test_what_cannot_be_sent(value: object, message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        encode(Packet(EVENT, data=["a", value]))


def test_subclasses_of_str_are_keys() -> None:
    (message,) = encode(Packet(EVENT, data=["a", {Name.RED: Name.RED}]))
    assert decode(message).data == ["a", {"red": "red"}]


@pytest.mark.parametrize(
    "packet",
    [
        Packet(EVENT),
        Packet(EVENT, data=["a"], id=-1),
        Packet(EVENT, data=["a"], id=10**15),
        Packet(ACK, data=["a"]),
        Packet(CONNECT, "x"),
        Packet(CONNECT, ""),
        Packet(DISCONNECT, id=1),
    ],
)
def test_packets_that_do_not_exist(packet: Packet) -> None:
    with pytest.raises(LocalProtocolError):
        encode(packet)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(ImportError, match=r"pip install sansio-eio\[msgpack\]"):
        msgpack_parser()


def test_with_an_old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(msgpack, "version", (1, 2, 3))
    with pytest.raises(ImportError, match=r"1\.2\.4"):
        msgpack_parser()


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xdd\x00\x0f\x42\x40" * (MEGABYTE // 5), id="arrays that do not come"),
        pytest.param(b"\xdf\x00\x07\xa1\x20\xa0" * (MEGABYTE // 6), id="maps that do not come"),
        pytest.param(b"\x91" * MEGABYTE, id="deep"),
        pytest.param(b"\xdc\xff\xff" + b"\x90" * MEGABYTE, id="wide"),
        pytest.param(b"\xdd\x00\x01\x86\xa0" + b"\xd7\x00\0\0\0\0\0\0\0\0" * 100_000, id="dates"),
        pytest.param(b"\xdd\x00\x01\x38\x80" + b"\xc7\x08\x00\0\0\0\0\0\0\0\0" * 80_000, id="buffers"),
        pytest.param(b"\xd7\x00" * (MEGABYTE // 2), id="headers"),
        pytest.param(b"\xc6\x7f\xff\xff\xff", id="buffer that does not come"),
    ],
)
def test_hostile_megabyte_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        decode(data)
