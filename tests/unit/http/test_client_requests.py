"""Requests of a client: their bytes, and every way in which there may be no answer."""

import pytest

from sansio_eio.engineio import Address, Channel
from tests.unit.http.client_support import Asker, Net, asked, response

HEAD = b"host: example.org:8000\r\nuser-agent: sansio_eio\r\naccept-encoding: identity\r\n"


def test_a_get() -> None:
    line = asked(Net(), "GET", "/engine.io/", "EIO=4&transport=polling")
    assert line.take() == b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n" + HEAD + b"\r\n"


def test_a_post() -> None:
    net = Net()
    net.app.ask("POST", body=b"4hello", headers=[("content-type", "text/plain")])
    net.app.ask("POST")
    net.pump()
    assert net.lines[0].take() == (
        b"POST / HTTP/1.1\r\n" + HEAD + b"content-type: text/plain\r\ncontent-length: 6\r\n\r\n4hello"
    )
    assert net.lines[1].take().endswith(b"content-length: 0\r\n\r\n")


def test_headers_of_the_application() -> None:
    net = Net()
    mine = [("Host", "other"), ("USER-AGENT", "me"), ("accept-encoding", "*"), ("x", "\xe4"), ("x", "")]
    framing = [("Connection", "close"), ("content-length", "7"), ("transfer-encoding", "chunked"), ("upgrade", "a")]
    net.app.ask(headers=[*mine, *framing, ("Sec-WebSocket-Key", "a")])
    assert net.pump().lines[0].take() == (
        b"GET / HTTP/1.1\r\nHost: other\r\nUSER-AGENT: me\r\naccept-encoding: *\r\nx: \xe4\r\nx: \r\n\r\n"
    )


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (Address("example.org", 80, secure=False), b"example.org"),
        (Address("example.org", 443, secure=True), b"example.org"),
        (Address("::1", 443, secure=False), b"[::1]:443"),
    ],
)
def test_the_host(address: Address, host: bytes) -> None:
    net = Net(Asker(address=address))
    line = asked(net)
    assert line.connection.address == address
    assert b"\r\nhost: " + host + b"\r\n" in line.take()


UNSENDABLE: list[tuple[str, str, str, tuple[str, str] | None]] = [
    ("G T", "/", "", None),
    ("", "/", "", None),
    ("GET", "", "", None),
    ("GET", "a", "", None),
    ("GET", "/ä", "", None),
    ("GET", "/#a", "", None),
    ("GET", "/", "a b", None),
    ("GET", "/", "a\r\nb: c", None),
    ("GET", "/", "", ("a\n", "b")),
    ("GET", "/", "", ("a", "b\r\nc: d")),
]


@pytest.mark.parametrize(("method", "path", "query", "header"), UNSENDABLE)
def test_what_cannot_be_sent(method: str, path: str, query: str, header: tuple[str, str] | None) -> None:
    net = Net()
    channel = net.app.ask(method, path, query, headers=[] if header is None else [header])
    net.pump()
    assert net.lines == []
    assert [each for each, _ in net.app.closed] == [channel]
    assert str(net.app.closed[0][1]).startswith("not a ")


def test_a_long_body_is_handed_out_in_pieces() -> None:
    net = Net()
    net.app.ask("POST", body=b"x" * 200_000)
    sent = net.pump().lines[0].take()
    assert sent.endswith(b"\r\n\r\n" + b"x" * 200_000)
    assert net.lines[0].connection.data_to_send(now=0.0) == b""


def test_an_answer_before_the_request_is_complete() -> None:
    net = Net()
    net.app.ask("POST", body=b"x" * 200_000)
    [connection] = net.endpoint.take_ready()
    connection.connected(now=0.0)
    assert len(net.endpoint.take_ready()) == 1
    assert len(connection.data_to_send(now=0.0)) == 65536
    connection.receive_data(response(status="413 Content Too Large"), now=0.0)
    assert net.app.responses[0][1].status == 413
    # The rest is not wanted, and without it the connection is of no use.
    assert connection.aborted
    assert connection.data_to_send(now=0.0) == b""


@pytest.mark.parametrize("step", ["dial", "send", "answer"])
def test_a_request_that_takes_too_long(step: str) -> None:
    net = Net()
    net.reachable = step != "dial"
    channel = net.app.ask(timeout=7.0)
    line = net.pump().lines[0]
    if step == "answer":
        # Dripping does not help.
        net.wait(6.0)
        line.feed(response(b"abc")[:-1])
        net.wait(0.9)
    else:
        net.wait(6.9)
    assert (net.app.closed, line.end) == ([], "")
    net.wait(0.2)
    assert net.app.closed == [(channel, "the request timed out")]
    assert line.end == ("aborted" if step == "dial" else "closing")
    line.connection.connected(now=net.now)
    line.feed(response(b"abc"))
    assert net.app.responses == []
    line.lose()
    assert len(net.app.closed) == 1
    assert net.endpoint.next_deadline() is None


def test_a_request_without_a_limit() -> None:
    net = Net()
    line = asked(net)
    assert net.endpoint.next_deadline() is None
    line.feed(response())
    assert len(net.app.responses) == 1


def test_a_dial_that_fails() -> None:
    net = Net()
    net.reachable = False
    first, second = net.app.ask(), net.app.open_websocket()
    net.pump()
    assert [line.connection.data_to_send(now=0.0) for line in net.lines] == [b"", b""]
    net.lines[0].lose(ConnectionRefusedError("refused"))
    net.lines[1].lose()
    assert net.app.closed == [(first, "refused"), (second, "the connection was lost")]
    net.lines[0].lose()
    assert len(net.app.closed) == 2
    assert not net.endpoint.connections


def test_a_loss() -> None:
    net = Net()
    first, second = net.app.ask(), net.app.ask()
    net.pump()
    net.lines[0].feed(response(b"abc")[:-1]).lose(ConnectionResetError("reset"))
    # Even where the end of the response is the end of the connection, that is not it.
    net.lines[1].feed(b"HTTP/1.1 200 OK\r\n\r\nabc").lose()
    assert net.app.closed == [(first, "reset"), (second, "the connection was lost")]


def test_a_request_that_the_application_takes_back() -> None:
    net = Net()
    # Before anybody has heard of it,
    gone = net.app.ask()
    net.app.end(gone)
    net.app.act(Channel())
    assert net.pump().lines == []
    # before it is connected,
    net.reachable = False
    dialled = net.app.ask()
    net.pump()
    net.app.read(dialled, enabled=False)
    assert not net.pump().lines[0].connection.reading
    net.app.end(dialled)
    assert net.pump().lines[0].end == "aborted"
    net.lines[0].connect().lose()
    # and while the answer is on its way.
    net.reachable = True
    asking = net.app.ask()
    line = net.pump().lines[1]
    net.app.end(asking)
    assert net.pump().lines[1].end == "closing"
    line.feed(response())
    assert (net.app.responses, net.app.closed) == ([], [])


def test_one_that_is_taken_back_half_sent() -> None:
    net = Net()
    channel = net.app.ask("POST", body=b"x" * 200_000)
    [connection] = net.endpoint.take_ready()
    connection.connected(now=0.0)
    connection.data_to_send(now=0.0)
    net.app.end(channel)
    assert net.endpoint.take_ready() == [connection]
    assert connection.data_to_send(now=0.0) == b""
    assert connection.aborted


def test_messages_for_a_request_go_nowhere() -> None:
    net = Net()
    channel = net.app.ask()
    line = net.pump().lines[0]
    line.take()
    net.app.send(channel, "a")
    assert net.pump().lines[0].take() == b""
    assert line.feed(response()).connection.idle


def test_reading_stops_and_goes_on() -> None:
    net = Net()
    channel = net.app.ask()
    net.app.read(channel, enabled=False)
    line = net.pump().lines[0]
    assert not line.connection.reading
    net.app.read(channel, enabled=True)
    assert net.pump().lines[0].connection.reading
    net.app.read(channel, enabled=False)
    net.pump()
    # What is on its way comes all the same, and then one has to know when the server closes.
    line.feed(response())
    assert line.connection.reading


def test_a_server_that_takes_no_bytes() -> None:
    net = Net(write_timeout=7.0)
    line = asked(net)
    line.connection.hold_back(b"rest", now=0.0)
    assert net.wait(6.9).lines[0].end == ""
    assert net.wait(0.2).lines[0].end == "aborted"
    assert line.lose().net.app.closed[0][1] == "the connection was lost"
    assert net.endpoint.next_deadline() is None


def test_what_the_transport_did_not_take() -> None:
    net = Net()
    line = asked(net)
    line.take()
    line.connection.hold_back(b"rest", now=0.0)
    line.connection.resume_writing(now=0.0)
    assert net.pump().lines[0].take() == b"rest"
    # Answered before all was taken, it cannot be used again.
    line.connection.hold_back(b"rest", now=0.0)
    assert line.feed(response()).end == "aborted"
    assert len(net.app.responses) == 1


def test_informational_responses_without_end() -> None:
    net = Net()
    channel = net.app.ask()
    line = net.pump().lines[0]
    for _ in range(100):
        line.feed(b"HTTP/1.1 102 Processing\r\n\r\n")
    assert net.app.closed == []
    line.feed(b"HTTP/1.1 102 Processing\r\n\r\n")
    assert net.app.closed == [(channel, "too many informational responses")]
