"""Events of the server: handlers, listeners, acknowledgements, and iteration."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

import gc
from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError
from sansio_eio.socketio import AckTimeout, ClientSocket, EventReceived
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.client_helpers import ClientLog, ClientNet

Dial = Callable[..., ClientNet]


def wait_in_thread(net: ClientNet, *answers: Callable[[], None]) -> None:
    """A runtime whose `wait` blocks: meanwhile, these happen one by one."""
    left = iter(answers)

    async def wait(_: object) -> None:
        next(left)()

    net.wait = wait  # type: ignore[method-assign, assignment]  # pyright: ignore[reportAttributeAccessIssue]
    net.lock = Unlocked()


def slow_handler(net: ClientNet) -> Gate:
    """A handler of "slow" that takes until this is opened."""
    gate = Gate()

    @net.socket.on("slow")
    async def slow() -> None:
        await gate

    return gate


class Unlocked:
    """A lock for one thread."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


# -- handlers ------------------------------------------------------------------------------------------------------


def test_handlers_and_their_answers(dial: Dial) -> None:
    net = dial().connected()
    net.heard()
    gate = Gate()
    socket = net.socket
    socket.on("plain", lambda *args: (len(args), *args))
    socket.on("nothing", lambda: None)

    @socket.on("later")
    async def later(value: Any) -> Any:
        await gate
        return value

    @socket.on("two")
    def first() -> None: ...

    @socket.on("two")
    def second() -> str:
        return "second"

    net.say('20["plain","a",2]', '21["nothing"]', '2["plain"]', '22["two"]', '23["later",4]', '24["nothing"]')
    assert net.heard() == ['30[2,"a",2]', "31[]", '32["second"]']
    gate.open()
    assert net.heard() == ["33[4]", "34[]"]


def test_a_handler_that_fails_does_not_answer(dial: Dial) -> None:
    net = dial().connected()
    net.heard()
    net.socket.on("x", lambda: 1 / 0)
    net.socket.on("y", lambda: {1})
    net.say('20["x"]', '21["y"]')
    assert net.heard() == []
    assert [where for where, _ in net.failures()] == ["a handler of x", "the return value of a handler of y"]


def test_on_and_off(dial: Dial) -> None:
    net = dial().connected()
    log = ClientLog().watch(net.socket, "x")
    net.say('2["x",1]')
    net.socket.off("x")
    net.socket.off("disconnect")
    net.say('2["x",2]', "1")
    assert log.taken() == [("x", 1)]


def test_listeners_for_everything(dial: Dial) -> None:
    net = dial().connected()
    log = ClientLog()
    told: list[Any] = []

    @net.socket.on_any
    async def listener(*args: Any) -> None:
        told.append(args)

    net.socket.on_any(lambda *_: 1 / 0)
    log.watch(net.socket, "x")
    net.say('2["x",1]', '2["y"]')
    assert told == [("x", 1), ("y",)]
    assert log.taken() == [("x", 1)]
    assert len(net.failures()) == 2
    net.socket.off_any()
    net.say('2["x",2]')
    assert len(told) == 2


def test_handlers_of_all_namespaces_run_in_the_order_of_the_wire(dial: Dial) -> None:
    net = dial()
    other = net.client.of("/b")
    net.connected()
    net.admit("/b")
    gate = Gate()
    log = ClientLog().watch(net.socket).watch(other, "x")

    @net.socket.on("slow")
    async def slow() -> None:
        await gate
        log.lines.append(("slow",))

    net.say('2["slow"]', '2/b,["x"]', "1")
    assert log.taken() == []
    assert not net.socket.connected
    gate.open()
    net.pump()
    assert log.taken() == [("slow",), ("/b x",), ("disconnect", "io server disconnect")]


def test_a_concurrent_handler_is_not_waited_for(dial: Dial) -> None:
    net = dial(max_concurrent=1).connected()
    gate = Gate()
    log = ClientLog().watch(net.socket, "x")

    @net.socket.on("slow", concurrent=True)
    async def slow() -> str:
        await gate
        return "slow"

    net.heard()
    net.say('20["slow"]', '2["x"]')
    assert log.taken() == [("x",)]
    gate.open()
    assert net.heard() == ['30["slow"]']


def test_a_handler_may_ask_the_server(dial: Dial) -> None:
    net = dial().connected()
    net.heard()

    @net.socket.on("x")
    async def ask() -> Any:
        return await net.socket.emit_with_ack("really?")

    net.say('20["x"]')
    assert net.heard() == ['20["really?"]']
    net.say('30["yes"]')
    assert net.heard() == ['30["yes"]']


def test_the_answer_to_an_event_of_an_old_connection_is_not_sent(dial: Dial) -> None:
    net = dial().connected()
    gate = Gate()

    @net.socket.on("slow")
    async def slow() -> str:
        await gate
        return "slow"

    net.say('20["slow"]')
    net.lose()
    net.later(1.0)
    net.accept()
    net.admit()
    net.heard()
    assert net.socket.connected
    gate.open()
    assert net.heard() == []


# -- too much ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"max_inbound": 4}, {"max_inbound_size": 36}])
def test_nothing_is_read_while_handlers_do_not_keep_up(dial: Dial, options: dict[str, int]) -> None:
    net = dial(**options).connected()
    gate = slow_handler(net)

    net.say('2["slow"]')
    net.say(*['2["slow"]'] * 3)
    assert net.reading
    net.say('2["slow"]')
    assert not net.reading
    gate.open()
    net.pump()
    assert net.reading


def test_acknowledgements_that_cannot_be_read_end(dial: Dial) -> None:
    net = dial(max_inbound=2).connected()
    answers: list[Any] = []

    @net.socket.on("ask")
    async def ask() -> None:
        try:
            await net.socket.emit_with_ack("question")
        except AckTimeout as error:
            answers.append(error)

    net.say('2["ask"]')
    kept = net.client.of("/b").emit_with_ack("kept")
    net.say('2["x"]', '2["x"]')
    assert not net.reading
    net.later(9.9)
    assert answers == []
    net.later(0.1)
    assert len(answers) == 1
    assert net.reading
    assert not kept.done


def test_the_time_for_that_is_the_ack_timeout_and_begins_again_with_each_session(dial: Dial) -> None:
    net = dial(max_inbound=2, ack_timeout=4.0).connected()
    assert net.socket.next_event() is None
    net.say('2["x"]', '2["x"]', '2["x"]')
    assert not net.reading
    net.lose()
    net.later(1.0)
    net.accept()
    net.admit()
    assert not net.reading
    asked = net.socket.call("x", timeout=100.0)
    net.later(3.9)
    assert not asked.done
    net.later(0.1)
    assert isinstance(asked.error, AckTimeout)
    assert not net.reading


# -- iteration -----------------------------------------------------------------------------------------------------


def names(socket: ClientSocket) -> list[Any]:
    """The events that are there."""
    found: list[Any] = []
    while (event := socket.next_event()) is not None:
        found.append(event.event)
    return found


def test_events_that_no_handler_takes_wait(dial: Dial) -> None:
    net = dial().connected()
    net.heard()
    ClientLog().watch(net.socket, "x")
    assert net.socket.next_event() is None
    net.say('2["x"]', '27["y",1,[2]]', '2["z"]')
    event = net.socket.next_event()
    assert isinstance(event, EventReceived)
    assert (event.socket, event.event, event.args, event.ack_id) == (net.socket, "y", [1, [2]], 7)
    assert event.ack("a", "b")
    assert net.heard() == ['37["a","b"]']
    assert not event.ack()
    assert names(net.socket) == ["z"]
    net.say("1")
    assert not event.ack()


@pytest.mark.parametrize("options", [{"max_inbound": 3}, {"max_inbound_size": 20}])
def test_before_anybody_iterates_the_oldest_go(dial: Dial, options: dict[str, int]) -> None:
    net = dial(**options).connected()
    for number in range(10):
        net.say(f'2["{number}"]')
    assert net.reading
    assert names(net.socket) == ["7", "8", "9"]


@pytest.mark.parametrize("options", [{"max_inbound": 4}, {"max_inbound_size": 23}])
def test_then_none_goes_and_too_many_stop_the_reading(dial: Dial, options: dict[str, int]) -> None:
    net = dial(**options).connected()
    other = net.client.of("/b")
    net.admit("/b")
    assert net.socket.next_event() is None
    assert other.next_event() is None
    for number in range(4):
        assert net.reading
        net.say(f'2["{number}"]')
    assert not net.reading
    # What was under way is kept as well.
    net.say('2["4"]', *['2/b,["x"]'] * 4)
    net.lose()
    net.later(1.0)
    net.accept()
    net.admit()
    assert not net.reading
    assert names(net.socket) == ["0", "1", "2", "3", "4"]
    net.pump()
    assert not net.reading
    assert len(names(other)) == 4
    net.pump()
    assert net.reading


def test_it_may_be_too_much_already_when_it_begins(dial: Dial) -> None:
    net = dial(max_inbound=2).connected()
    net.say('2["a"]')
    net.say('2["b"]')
    assert net.reading
    assert net.socket.next_event() is not None
    net.pump()
    assert net.reading
    net.say('2["c"]')
    assert not net.reading
    assert names(net.socket) == ["b", "c"]


async def collect(socket: ClientSocket, into: list[Any]) -> None:
    async for event in socket:
        into += [event.event]
    into.append("end")


def test_iteration_under_an_event_loop(dial: Dial) -> None:
    net = dial().connected()
    found: list[Any] = []
    net.start(collect(net.socket, found))
    net.pump()
    net.say('2["a"]', '2["b"]')
    assert found == ["a", "b"]
    # It goes on behind a loss of the connection.
    net.lose()
    net.later(1.0)
    net.accept()
    net.admit()
    net.say('2["c"]', "1", '2["d"]')
    assert found == ["a", "b", "c", "end"]
    net.socket.connect()
    again: list[Any] = []
    net.start(collect(net.socket, again))
    both: list[Any] = []
    net.start(collect(net.socket, both))
    net.accept()
    net.admit()
    net.say('2["e"]')
    net.client.close()
    net.pump()
    assert sorted(again + both) == ["e", "end", "end"]


def test_what_came_before_the_end_comes_before_the_end(dial: Dial) -> None:
    net = dial().connected()
    gate = slow_handler(net)
    found: list[Any] = []
    net.start(collect(net.socket, found))
    net.say('2["slow"]', '2["a"]', "1")
    assert found == []
    gate.open()
    net.pump()
    assert found == ["a", "end"]


def test_the_news_of_an_end_that_is_over_ends_nothing(dial: Dial) -> None:
    net = dial().connected()
    gate = slow_handler(net)
    found: list[Any] = []
    net.start(collect(net.socket, found))
    net.say('2["slow"]', "1")
    net.socket.connect()
    gate.open()
    net.accept()
    net.admit()
    net.say('2["a"]')
    assert found == ["a"]


def test_iteration_over_a_socket_that_is_not_active_ends_at_once(dial: Dial) -> None:
    net = dial()
    found: list[Any] = []
    net.start(collect(net.socket, found))
    net.pump()
    assert found == ["end"]
    assert list(net.socket) == []


def test_iteration_in_threads(dial: Dial) -> None:
    net = dial().connected()
    wait_in_thread(net, lambda: net.say('2["a"]', '2["b"]'), lambda: net.say('2["c"]', "1"))
    net.installed()
    assert [event.event for event in net.socket] == ["a", "b", "c"]


def test_iteration_with_for_would_block_an_event_loop(dial: Dial) -> None:
    net = dial().connected()
    with pytest.raises(LocalProtocolError, match="await it"):
        next(iter(net.socket))


def test_who_stops_to_iterate_does_not_keep_the_server_from_being_read(
    dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    net = dial(max_inbound=4).connected()

    def iterate() -> None:
        iterator = iter(net.socket)
        assert iter(iterator) is iterator
        assert aiter(iterator) is iterator
        for number in range(5):
            net.say(f'2["{number}"]')
        # Nothing is dropped while somebody iterates: it is not read.
        assert not net.reading
        assert caplog.messages == ["too many events of / wait to be taken: the server is not read from"]
        assert next(iterator).event == "0"
        net.later(1.0)
        assert not net.reading

    iterate()
    gc.collect()
    net.later(1.0)
    assert net.reading
    for number in range(5, 8):
        net.say(f'2["{number}"]')
    net.pump()
    assert net.reading
    assert names(net.socket) == ["4", "5", "6", "7"]
    # Who takes them so has to go on; it is not said twice.
    for number in range(5):
        net.say(f'2["{number}"]')
    assert not net.reading
    assert len(caplog.messages) == 1
    assert names(net.socket) == ["0", "1", "2", "3", "4"]


def test_several_may_iterate(dial: Dial) -> None:
    net = dial(max_inbound=4).connected()

    def iterate() -> None:
        one, other = iter(net.socket), iter(net.socket)
        net.say('2["a"]', '2["b"]', '2["c"]')
        assert [next(one).event, next(other).event, next(one).event] == ["a", "b", "c"]
        del one
        for number in range(6):
            net.say(f'2["{number}"]')
        assert not net.reading
        net.later(3.0)
        assert not net.reading

    iterate()
    gc.collect()
    net.later(1.0)
    assert net.reading


def test_iteration_ends_when_the_driver_has_gone(dial: Dial) -> None:
    net = dial().connected()
    net.installed()
    gate = slow_handler(net)
    found: list[Any] = []
    net.start(collect(net.socket, found))
    net.say('2["slow"]')
    net.engine.install(None)
    net.pump()
    assert found == ["end"]
    gate.open()
    net.pump()
