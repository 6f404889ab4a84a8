"""What a person reads when a test has failed."""

from sansio_eio.testing import Network, Transcript, transcript
from sansio_eio.testing.transcript import describe
from tests.unit.testing.chat import make_chat

WHOLE_SESSION = """\
    0.000  ada   -> poll  GET /socket.io/?EIO=4&transport=polling
    0.000  ada   <- poll  200
    0.000  ada   -> post  POST /socket.io/?EIO=4&transport=polling&sid=session-000000000001
    0.000  ada   -> post  40
    0.000  ada   -> ws    GET /socket.io/?EIO=4&transport=websocket&sid=session-000000000001
    0.000  ada   -> poll  GET /socket.io/?EIO=4&transport=polling&sid=session-000000000001
    0.000  ada   <- post  200
    0.000  ada   <- ws    101
    0.000  ada   -> ws    2probe
    0.000  ada   <- poll  200
    0.000  ada   <- poll  40{"sid":"socket-0000000000001"}
    0.000  ada   -> poll  GET /socket.io/?EIO=4&transport=polling&sid=session-000000000001
    0.000  ada   <- ws    3probe
    0.000  ada   <- poll  200
    0.000  ada   <- poll  6
    0.000  ada   -> ws    5
    0.000  ada   -> ws    451-0["echo",{"_placeholder":true,"num":0}]
    0.000  ada   -> ws    <2 bytes: 00 01>
    0.000  ada   <- ws    461-0[{"_placeholder":true,"num":0}]
    0.000  ada   <- ws    <2 bytes: 00 01>
   25.000  ada   <- ws    2
   25.000  ada   -> ws    3
   25.000  ada   -> ws    close"""


def test_a_whole_session() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        ada.call("echo", b"\x00\x01")
        net.advance(25.0)
        ada.close()
    lines = str(net.transcript).splitlines()
    assert lines.pop(2).startswith('    0.000  ada   <- poll  0{"sid":"session-000000000001","upgrades":["websocket"],')
    assert "\n".join(lines) == WHOLE_SESSION


def test_long_packets_are_shortened() -> None:
    assert describe("4" + "x" * 99) == "4" + "x" * 99
    assert describe("4" + "x" * 100) == "4" + "x" * 99 + "… (101 characters)"
    assert describe(bytes(25)) == f"<25 bytes: {bytes(25).hex(' ')}>"
    assert describe(bytes(26)) == f"<26 bytes: {bytes(25).hex(' ')} …>"
    assert describe("4a\r\nb") == "4a\\r\\nb"


def test_only_the_newest_lines_are_kept() -> None:
    lines = Transcript(lambda: 1.5)
    for number in range(transcript.MAX_LINES + 5):
        lines.add("ada", "->", "ws", f"4{number}")
    text = str(lines).splitlines()
    assert len(text) == transcript.MAX_LINES + 1
    assert text[0] == "(5 earlier lines)"
    assert text[-1] == "    1.500  ada   -> ws    410004"
    assert lines.tail(2).splitlines() == [
        "(10003 earlier lines)",
        "    1.500  ada   -> ws    410003",
        "    1.500  ada   -> ws    410004",
    ]
    before = lines.head(9_999).splitlines()
    assert before == ["(5 earlier lines)", "    1.500  ada   -> ws    45"]


def test_an_empty_one() -> None:
    assert str(Transcript(lambda: 0.0)) == Transcript(lambda: 0.0).head() == ""
