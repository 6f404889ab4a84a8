"""The events of clients: handlers, their order, what they answer, middleware and catch-all listeners."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import Connection, EventReceived, Socket
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.helpers import Log, Net

Serve = Callable[..., Net]


# -- handlers ------------------------------------------------------------------------------------------------------


def test_handlers_get_the_socket_and_the_arguments(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    own: list[Any] = []
    socket.on("x", lambda *args: own.append(args))
    log.taken()
    client.say('2["x"]', '2["x",1,"two",[3],{"4":null}]', '51-["x",{"_placeholder":true,"num":0}]', b"\0\1")
    assert log.taken() == [("x", "s1"), ("x", "s1", 1, "two", [3], {"4": None}), ("x", "s1", b"\0\1")]
    assert own == [(), (1, "two", [3], {"4": None}), (b"\0\1",)]


def test_numbers_are_event_names_as_well(serve: Serve) -> None:
    net = serve()
    seen: list[Any] = []
    net.io.on(7, lambda socket, *args: seen.append(args))
    net.io.on(1.5, lambda socket, *args: seen.append(args))
    client, _ = net.socket()
    client.say('2[7,"a"]', '2[1.5,"b"]', '2["7","c"]')
    assert seen == [("a",), ("b",)]


def test_handlers_can_be_removed(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    socket.on("x", log.lines.append)
    socket.off("x")
    net.io.off("x")
    log.taken()
    client.say('2["x"]')
    assert log.taken() == []


def test_async_handlers_keep_the_order_of_the_wire(serve: Serve) -> None:
    net = serve()
    gate, order = Gate(), list[object]()

    @net.io.on("slow")
    async def slow(socket: Socket, number: int) -> None:
        await gate
        order.append(number)

    @net.io.on("fast")
    def fast(socket: Socket, number: int) -> None:
        order.append(number)

    client, _ = net.socket()
    other, _ = net.socket()
    client.say('2["slow",1]', '2["fast",2]', "1")
    net.io.on("disconnect", lambda socket, reason: order.append(reason))
    other.say('2["fast",3]')
    assert order == [3]
    gate.open()
    net.pump()
    assert order == [3, 1, 2, "client namespace disconnect"]


def test_a_concurrent_handler_holds_nobody_up(serve: Serve) -> None:
    net = serve()
    gate, order = Gate(), list[object]()

    @net.io.on("slow", concurrent=True)
    async def slow(socket: Socket) -> str:
        await gate
        order.append("slow")
        return "done"

    net.io.on("fast", lambda socket: order.append("fast"))
    client, _ = net.socket()
    client.say('21["slow"]', '2["fast"]')
    assert order == ["fast"]
    assert client.heard() == []
    gate.open()
    net.pump()
    assert order == ["fast", "slow"]
    assert client.heard() == ['31["done"]']


def test_a_handler_may_wait_for_an_answer_of_its_own_client(serve: Serve) -> None:
    net = serve()
    answers: list[Any] = []

    @net.io.on("x")
    async def ask(socket: Socket) -> None:
        answers.append(await socket.emit_with_ack("question", 42))

    client, _ = net.socket()
    client.say('2["x"]')
    assert client.heard() == ['20["question",42]']
    client.say('2["x"]', '30["answer"]')
    assert answers == ["answer"]
    assert client.heard() == ['21["question",42]']
    client.lose()
    assert net.failures() == [("a handler of x", "AckDisconnected: socket has been disconnected")]


def test_a_failing_handler_stops_nothing_but_itself(serve: Serve) -> None:
    net = serve()
    log = Log("x", "y").watch(net.io)

    def fail(*args: Any) -> None:
        raise ValueError("x")

    async def fail_later(*args: Any) -> None:
        raise ValueError("y")

    net.io.on("x", fail)
    net.io.on("y", fail_later)
    for event in ("connection", "disconnecting", "disconnect"):
        net.io.on(event, fail)
    client, socket = net.socket()
    socket.on("x", fail)
    client.say('2["x"]', '2["y"]', "1")
    assert [line[0] for line in log.taken()] == ["connection", "x", "y", "disconnecting", "disconnect"]
    assert net.failures() == [
        ("a handler of connection", "ValueError: x"),
        ("a handler of x", "ValueError: x"),
        ("a handler of x", "ValueError: x"),
        ("a handler of y", "ValueError: y"),
        ("a handler of disconnecting", "ValueError: x"),
        ("a handler of disconnect", "ValueError: x"),
    ]


# -- acknowledgements of ours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "packets"),
    [
        (None, ["35[]"]),
        ("x", ['35["x"]']),
        (("a", 2), ['35["a",2]']),
        ((None,), ["35[null]"]),
        ((), ["35[]"]),
        ([1, 2], ["35[[1,2]]"]),
        (False, ["35[false]"]),
        ({"a": b"\0"}, ['61-5[{"a":{"_placeholder":true,"num":0}}]', b"\0"]),
    ],
)
def test_what_a_handler_returns_is_the_acknowledgement(serve: Serve, value: Any, packets: list[str | bytes]) -> None:
    net = serve()

    @net.io.on("later")
    async def later(socket: Socket) -> Any:
        return value

    net.io.on("now", lambda socket: value)
    client, _ = net.socket()
    client.say('25["now"]', '25["later"]')
    assert client.heard() == packets * 2
    client.say('2["now"]', '2["later"]')
    assert client.heard() == []


def test_an_event_that_no_handler_takes_is_not_acknowledged(serve: Serve) -> None:
    net = serve()
    client, _ = net.socket()
    client.say('20["x"]')
    assert client.heard() == []


def test_an_acknowledgement_in_a_namespace_with_id_0(serve: Serve) -> None:
    net = serve()
    net.io.of("/a").on("x", lambda socket: "y")
    client = net.client("0/a,")
    client.heard()
    client.say('2/a,0["x"]')
    assert client.heard() == ['3/a,0["y"]']


def reply(net: Net, *values: Any) -> list[str | bytes]:
    """The answer to an event that these handlers take; exceptions are raised, the last one is the socket's own."""
    client, socket = net.socket()

    def handler(value: Any) -> Callable[..., Any]:
        def handle(*args: object) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return handle

    for value in values[:-1]:
        net.io.on("x", handler(value))
    socket.on("x", handler(values[-1]))
    client.say('23["x"]')
    return client.heard()


def test_the_first_of_several_handlers_that_returns_something_answers(serve: Serve) -> None:
    assert reply(serve(), None, "a", "b") == ['33["a"]']
    assert reply(serve(), None, None) == ["33[]"]
    assert reply(serve(), None, ()) == ["33[]"]


def test_a_handler_that_raises_does_not_answer(serve: Serve) -> None:
    net = serve()
    assert reply(net, ValueError("x")) == []
    assert len(net.failures()) == 1
    net = serve()
    assert reply(net, ValueError("x"), None) == ["33[]"]
    assert len(net.failures()) == 1
    net = serve()
    assert reply(net, None, ValueError("x")) == ["33[]"]
    assert len(net.failures()) == 1


def test_a_return_value_that_cannot_be_sent_is_an_error_of_the_handler(serve: Serve) -> None:
    net = serve()
    assert reply(net, {1, 2}, "b") == ['33["b"]']
    [(where, error)] = net.failures()
    assert where == "the return value of a handler of x"
    assert error.startswith("LocalProtocolError: the data cannot be sent as JSON: set is none of")
    net = serve()
    assert reply(net, float("nan")) == []
    assert len(net.failures()) == 1
    net = serve()
    assert reply(net, None, object()) == []
    assert len(net.failures()) == 1


@pytest.mark.parametrize("back", [False, True])
def test_who_has_left_is_not_answered(serve: Serve, back: bool) -> None:
    net = serve()
    gate = Gate()

    @net.io.on("x")
    async def wait(socket: Socket) -> str:
        await gate
        return "late"

    client, socket = net.socket()
    client.say('20["x"]')
    socket.disconnect()
    net.pump()
    if back:
        client.say("0")
    client.heard()
    gate.open()
    net.pump()
    assert client.heard() == (['0{"sid":"s2"}'] if back else [])


def test_a_pulled_event_is_answered_once(serve: Serve) -> None:
    net = serve(runtime=False)
    websocket = net.dial()
    net.app.message_received(websocket.channel, "40", now=net.now)
    [connection] = net.app.take_runnable()
    assert isinstance(connection, Connection)
    connection.next_event()
    connection.message('20["x"]')
    connection.message('2["y"]')
    asked, told = connection.next_event(), connection.next_event()
    assert isinstance(asked, EventReceived)
    assert isinstance(told, EventReceived)
    assert told.ack() is False
    with pytest.raises(LocalProtocolError):
        asked.ack(object())
    assert asked.ack("a", None) is True
    assert asked.ack("b") is False
    net.pump()
    assert websocket.taken()[-1] == '430["a",null]'
    connection.message('21["x"]')
    asked = connection.next_event()
    assert isinstance(asked, EventReceived)
    asked.socket.disconnect()
    assert asked.ack("c") is False
    net.io.close()
    net.pump()


# -- middleware and catch-all listeners ----------------------------------------------------------------------------


def test_catch_all_listeners_come_first_then_middleware_then_handlers(serve: Serve) -> None:
    net = serve()
    order: list[Any] = []
    net.io.on_any(lambda socket, event, *args: order.append(("io.on_any", socket.id, event, args)))
    net.io.on("x", lambda socket, *args: order.append(("io.on", args)))
    client, socket = net.socket()

    @socket.on_any
    async def later(event: str, *args: Any) -> None:
        order.append(("socket.on_any", event, args))

    @socket.use
    def change(event: str, args: list[Any]) -> None:
        order.append(("socket.use", event, tuple(args)))
        args.append("more")

    socket.on("x", lambda *args: order.append(("socket.on", args)))
    client.say('2["x",1]')
    assert order == [
        ("io.on_any", "s1", "x", (1,)),
        ("socket.on_any", "x", (1,)),
        ("socket.use", "x", (1,)),
        ("io.on", (1, "more")),
        ("socket.on", (1, "more")),
    ]
    socket.off_any(later)
    order.clear()
    client.say('2["y"]')
    assert order == [("io.on_any", "s1", "y", ()), ("socket.use", "y", ())]


@pytest.mark.parametrize("later", [False, True])
def test_a_middleware_that_raises_blocks_the_event(serve: Serve, later: bool) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    log.taken()

    def guard(event: str, args: list[Any]) -> None:
        if args == ["bad"]:
            raise PermissionError("no")

    async def guard_later(event: str, args: list[Any]) -> None:
        guard(event, args)

    socket.use(guard_later if later else guard)
    client.say('21["x","bad"]', '22["x","good"]')
    assert log.taken() == [("x", "s1", "good")]
    assert client.heard() == ["32[]"]
    assert net.failures() == [("a catch-all listener or a middleware of events", "PermissionError: no")]


def test_a_catch_all_listener_that_raises_blocks_nothing(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)

    def fail(*args: Any) -> None:
        raise ValueError("x")

    net.io.on_any(fail)
    client, socket = net.socket()
    socket.on_any(fail)
    log.taken()
    client.say('2["x"]')
    assert log.taken() == [("x", "s1")]
    assert net.failures() == [("a catch-all listener or a middleware of events", "ValueError: x")] * 2


def test_catch_all_listeners_for_what_is_sent(serve: Serve) -> None:
    net = serve()
    seen: list[Any] = []
    net.io.on_any_outgoing(lambda socket, *data: seen.append((socket.id, *data)))
    client, socket = net.socket()
    listener = socket.on_any_outgoing(lambda *data: seen.append(data))
    socket.emit("x", 1)
    net.io.emit("y")
    socket.emit_with_ack("z")
    net.io.emit_with_ack("w")
    both = [[("s1", *data), data] for data in [("x", 1), ("y",), ("z",), ("w",)]]
    assert seen == [line for pair in both for line in pair]
    seen.clear()
    socket.off_any_outgoing(listener)
    client.say('2["x"]')  # no acknowledgements, no packets of the protocol itself
    socket.emit("x")
    assert seen == [("s1", "x")]
    socket.on_any_outgoing(lambda *data: seen.append(data))
    socket.off_any_outgoing()
    socket.emit("x")
    assert seen == [("s1", "x")] * 2


def test_errors_of_listeners_for_what_is_sent(serve: Serve) -> None:
    net = serve()

    @net.io.on_any_outgoing
    def fail(socket: Socket, *data: Any) -> None:
        raise ValueError("x")

    client, socket = net.socket()

    async def wait(*data: Any) -> None: ...

    def hide(*data: Any) -> Any:
        return wait(*data)

    with pytest.raises(LocalProtocolError, match="must be a plain def"):
        socket.on_any_outgoing(wait)
    # One that only turns out to be a coroutine when it is called is reported.
    socket.on_any_outgoing(hide)
    assert socket.emit("x")
    net.pump()
    assert client.heard() == ['2["x"]']
    where = "a catch-all listener for what is sent"
    assert net.failures() == [
        (where, "ValueError: x"),
        (where, "LocalProtocolError: it is called in the middle of something else: it must be a plain def"),
    ]


def test_a_listener_for_what_is_sent_may_end_the_socket(serve: Serve) -> None:
    net = serve()
    net.io.on_any_outgoing(lambda socket, *data: socket.disconnect())
    clients, [first, second, third] = net.sockets(3)
    assert first.emit("x") is False
    ack = second.emit_with_ack("x")
    assert str(ack.error) == "socket has been disconnected"
    broadcast = net.io.emit_with_ack("x")
    assert str(broadcast.error) == "socket has been disconnected"
    assert third.disconnected
    net.pump()
    assert [client.heard() for client in clients] == [["1"]] * 3
