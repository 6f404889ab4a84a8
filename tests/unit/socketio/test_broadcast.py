"""Emitting to many: the operators, what goes over the wire, and peers that do not read."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import Broadcasting, BroadcastOperator, Socket
from tests.unit.socketio.helpers import Log, Net, ended

Serve = Callable[..., Net]


def test_it_is_encoded_once_for_all(serve: Serve) -> None:
    net = serve()
    clients, _ = net.sockets(3)
    net.io.emit("x", {"a": [1, "é"]}, b"\0")
    net.pump()
    assert [client.heard() for client in clients] == [
        ['51-["x",{"a":[1,"é"]},{"_placeholder":true,"num":0}]', b"\0"]
    ] * 3
    first, *others = (client.exchange.frames[-1] for client in clients)
    assert all(frame is first for frame in others)


def test_send_is_the_event_message(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    net.io.send("a", 1)
    assert socket.send("b") is True
    assert socket.volatile.send("c") is True
    net.io.to("s1").send()
    net.pump()
    assert client.heard() == ['2["message","a",1]', '2["message","b"]', '2["message","c"]', '2["message"]']


def test_what_cannot_be_sent_is_not_sent_to_anybody(serve: Serve) -> None:
    net = serve(max_outbound=2000)
    clients, _ = net.sockets(2)
    bad: list[tuple[Any, ...]] = [
        ("x", object()),
        ("x", float("nan")),
        ("x", "y" * 2000),
        ("connect",),
        (["x"],),
        (True,),
        (None,),
    ]
    for args in bad:
        with pytest.raises(LocalProtocolError):
            net.io.emit(*args)
        with pytest.raises(LocalProtocolError):
            net.io.to("nowhere").emit_with_ack(*args)
    net.pump()
    assert [client.heard() for client in clients] == [[], []]


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan")])
def test_a_timeout_is_a_positive_number_of_seconds(serve: Serve, seconds: float) -> None:
    net = serve()
    _, socket = net.socket()
    for function in (net.io.timeout, socket.timeout, socket.volatile.timeout, net.io.to("a").timeout):
        with pytest.raises(LocalProtocolError, match="positive number of seconds"):
            function(seconds)
    with pytest.raises(LocalProtocolError, match="positive number of seconds"):
        socket.call("x", timeout=seconds)


def test_operators_are_immutable(serve: Serve) -> None:
    net = serve()
    clients, (one, two, _) = net.sockets(3)
    one.join("a")
    two.join("b")
    room = net.io.to("a")
    assert isinstance(room, BroadcastOperator)
    both, quiet, slow = room.to("b"), room.volatile, room.timeout(1.0)
    assert (room.delivery.volatile, quiet.delivery.volatile) == (False, True)
    assert (room.seconds, slow.seconds) == (None, 1.0)
    for operator, heard in ((room, [1, 0, 0]), (both, [1, 1, 0]), (room.except_("a"), [0, 0, 0]), (room, [1, 0, 0])):
        operator.emit("x")
        net.pump()
        assert [len(client.heard()) for client in clients] == heard
    with pytest.raises(AttributeError):
        room.seconds = 2.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_flags_travel_along(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    operator = socket.volatile.compress(False).timeout(3.0).to("a").except_("b").local
    assert operator.selection.rooms == ("a",)
    assert operator.selection.excluded == ("s1", "b")
    assert operator.selection.local
    assert (operator.delivery.volatile, operator.delivery.compress, operator.seconds) == (True, False, 3.0)
    again = net.io.local.volatile.compress(False).in_("a").except_("b").timeout(3.0)
    assert (again.delivery, again.seconds, again.selection.local) == (operator.delivery, 3.0, True)


def test_compression_is_asked_for_per_packet(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    for operator in (
        socket,
        socket.compress(False),
        net.io,
        net.io.compress(False),
        net.io.compress(False).compress(True),
    ):
        operator.emit("x")
    seen: list[bool] = []
    for channel in net.app.take_ready():
        for action in net.app.take_actions(channel):
            seen += [outgoing.compress for outgoing in getattr(action, "outgoing", [])]
    assert seen == [True, False, True, False, True]
    assert client.heard() == []


def test_volatile_is_dropped_for_who_is_busy(serve: Serve) -> None:
    net = serve()
    (first, second), (one, two) = net.sockets(2)
    second.stall()
    net.io.emit("fill")
    net.pump()
    assert one.volatile.emit("x", 1) is True
    assert two.volatile.emit("x", 1) is False
    net.io.volatile.emit("x", 2)
    one.volatile.broadcast.emit("x", 3)
    net.pump()
    assert first.heard() == ['2["fill"]', '2["x",1]', '2["x",2]']
    second.unstall()
    assert second.heard() == ['2["fill"]']
    assert two.volatile.emit("x", 4) is True
    net.pump()
    assert second.heard() == ['2["x",4]']


def test_volatile_needs_a_poll_that_waits(serve: Serve) -> None:
    net = serve()
    poller = net.polling()
    poller.post("40")
    assert poller.poll().text == '40{"sid":"s1"}'
    socket = net.io.sockets.sockets["s1"]
    assert socket.volatile.emit("x") is False
    poll = poller.poll()
    assert socket.volatile.emit("y") is True
    net.pump()
    assert poll.text == '42["y"]'


# -- slow consumers ------------------------------------------------------------------------------------------------


def test_a_slow_consumer_is_shed_and_all_others_are_served(serve: Serve) -> None:
    net = serve(max_outbound=10_000)
    log = Log().watch(net.io)
    clients, sockets = net.sockets(5)
    for number in (1, 3):
        clients[number].stall()
    for socket in sockets:
        socket.join("room")
    log.taken()
    most = 0
    for number in range(100):
        net.io.to("room").emit("x", number, "y" * 500)
        net.pump()
        most = max(most, net.io.buffered)
    assert most <= 2 * 10_000
    assert [len(client.heard()) for client in clients] == [100, 0, 100, 0, 100]
    assert log.taken() == [
        *ended("s2", "slow consumer", "room"),
        *ended("s4", "slow consumer", "room"),
    ]
    assert list(net.io.sockets.sockets) == ["s1", "s3", "s5"]
    assert net.io.buffered == 0
    assert net.io.in_("room").fetch_sockets().value == [sockets[0], sockets[2], sockets[4]]


def test_volatile_packets_go_first(serve: Serve) -> None:
    net = serve(max_outbound=1024)
    client, socket = net.socket()
    client.stall()
    # Not busy yet: the driver has not been told of anything to send.
    for _ in range(3):
        assert socket.volatile.emit("volatile", "y" * 200)
    assert socket.emit("x", "y" * 400)
    assert socket.emit("x", "y" * 400)
    assert socket.connected
    client.unstall()
    assert [str(packet)[:6] for packet in client.heard()] == ['2["x",'] * 2


def test_a_poller_that_does_not_poll(serve: Serve) -> None:
    net = serve(max_outbound=1024)
    log = Log().watch(net.io)
    poller = net.polling()
    poller.post("40")
    while net.io.sockets.sockets:
        net.io.emit("x", "y" * 100)
    net.pump()
    assert log.taken()[1:] == ended("s1", "slow consumer")
    assert poller.poll().response.status == 400


def test_draining_and_the_gauges(serve: Serve) -> None:
    net = serve()
    (first, second), (one, two) = net.sockets(2)
    first.stall()
    assert one.drain().done
    one.emit("x", "y" * 100_000)
    two.emit("x")
    net.pump()
    assert 100_000 < one.buffered < 100_100
    assert two.buffered == 0
    assert net.io.buffered == one.buffered
    drain = one.drain()
    assert not drain.done
    first.unstall()
    assert drain.value is None
    assert net.io.buffered == 0
    first.stall()
    one.emit("x", "y" * 100_000)
    net.pump()
    drain = one.drain()
    net.io.close()
    assert drain.value is None
    assert second.heard() == ['2["x"]']


def test_a_handler_goes_at_the_pace_of_its_client(serve: Serve) -> None:
    net = serve()

    @net.io.on("download")
    async def download(socket: Socket) -> str:
        for number in range(3):
            socket.emit("chunk", number, b"x" * 100_000)
            await socket.drain()
        return "done"

    client, socket = net.socket()
    client.stall()
    client.say('20["download"]')
    net.later(100.0)
    assert 100_000 < socket.buffered < 100_100
    client.unstall()
    assert [packet for packet in client.heard() if isinstance(packet, str)] == [
        *(f'51-["chunk",{number},{{"_placeholder":true,"num":0}}]' for number in range(3)),
        '30["done"]',
    ]


def test_who_broadcasts(serve: Serve) -> None:
    net = serve()
    for target in (net.io, net.io.sockets, net.io.of(lambda name, auth: True), net.io.to("a")):
        assert isinstance(target, Broadcasting)


@pytest.mark.parametrize("rooms", [5, None, [5], ["a", None]])
def test_rooms_have_names(serve: Serve, rooms: Any) -> None:
    net = serve()
    _, socket = net.socket()
    for method in (net.io.to, net.io.except_, net.io.sockets_join, socket.join):
        with pytest.raises(LocalProtocolError, match="rooms are named by a str"):
            method(rooms)
    assert socket.rooms == {socket.id}


@pytest.mark.parametrize("event", [None, b"x", True, ["a"]])
def test_events_have_names(serve: Serve, event: Any) -> None:
    net = serve()
    _, socket = net.socket()
    for method in (net.io.emit, socket.emit, socket.emit_with_ack, net.io.on):
        with pytest.raises(LocalProtocolError, match="the name of an event is a str or a number"):
            method(event)


def test_a_bare_decorator_is_a_mistake(serve: Serve) -> None:
    net = serve()
    register: Any = net.io.on

    def lost() -> None: ...

    with pytest.raises(LocalProtocolError, match="write @x"):
        register(lost)


def test_functions_have_to_be_functions(serve: Serve) -> None:
    net = serve()
    _, socket = net.socket()
    number: Any = 5
    for method in (net.io.use, net.io.on_any, net.io.on_any_outgoing, net.io.on_error, socket.use, socket.on_any):
        with pytest.raises(LocalProtocolError, match="must be a function"):
            method(number)
