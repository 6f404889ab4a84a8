"""One client's connection: connecting, refusing, disconnecting, and clients that do not follow the protocol."""

# The parameters of a lambda that is a handler are known to nobody.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Callable
from typing import Any

import pytest

from sansio_eio.errors import LocalProtocolError, RemoteProtocolError
from sansio_eio.socketio import Connected, Connection, ConnectionRefused, Disconnected, EventReceived, Namespace, Socket
from tests.unit.engineio.driving import Gate
from tests.unit.socketio.helpers import Client, Log, Net, ended

Serve = Callable[..., Net]


# -- connecting ----------------------------------------------------------------------------------------------------


def test_a_client_connects_and_learns_its_public_id(serve: Serve) -> None:
    net = serve()
    log = Log().watch(net.io)
    client = net.client("0")
    assert client.heard() == ['0{"sid":"s1"}']
    assert log.taken() == [("connection", "s1")]
    assert list(net.io.sockets.sockets) == ["s1"]
    assert net.io.unjoined == set()


def test_the_answer_comes_before_what_handlers_emit(serve: Serve) -> None:
    net = serve()
    net.io.on("connect", lambda socket: socket.emit("one"))
    net.io.on("connection", lambda socket: socket.emit("two"))
    assert net.client("0").heard() == ['0{"sid":"s1"}', '2["one"]', '2["two"]']


def test_one_connection_has_a_socket_in_each_namespace(serve: Serve) -> None:
    net = serve()
    main, admin = Log("x").watch(net.io), Log("x").watch(net.io.of("/admin"))
    client = net.client("0", "0/admin,")
    client.say('2/admin,["x",1]', '2["x",2]')
    assert main.taken() == [("connection", "s1"), ("x", "s1", 2)]
    assert admin.taken() == [("connection", "s2"), ("x", "s2", 1)]


def test_an_unknown_namespace_is_refused_and_the_connection_lives(serve: Serve) -> None:
    net = serve()
    client = net.client("0/nowhere,", "0")
    assert client.heard() == ['4/nowhere,{"message":"Invalid namespace"}', '0{"sid":"s1"}']


def test_auth_reaches_middleware_and_handlers(serve: Serve) -> None:
    net = serve()
    seen: list[Any] = []
    net.io.use(lambda socket: seen.append(socket.handshake.auth))
    net.io.on("connection", lambda socket: seen.append(socket.handshake.auth))
    net.client('0{"token":"x"}')
    net.client("0")
    assert seen == [{"token": "x"}, {"token": "x"}, {}, {}]


def test_a_refusal_has_a_message_and_data(serve: Serve) -> None:
    net = serve()
    log = Log().watch(net.io)
    refusals = iter([ConnectionRefused("no", {"code": 7}), ConnectionRefused("no"), ConnectionRefused()])

    @net.io.use
    def check(socket: Socket) -> None:
        socket.join("lobby")
        raise next(refusals)

    client = net.client("0")
    assert client.heard() == ['4{"message":"no","data":{"code":7}}']
    client.say("0")
    assert client.heard() == ['4{"message":"no"}']
    client.say("0")
    assert client.heard() == ['4{"message":"Connection refused"}']
    assert log.taken() == []
    assert net.io.sockets.connecting == {}
    assert not client.closed


def test_data_that_cannot_be_sent_is_left_out_of_the_refusal(serve: Serve) -> None:
    net = serve()

    @net.io.use
    def check(socket: Socket) -> None:
        raise ConnectionRefused("no", {1, 2})

    client = net.client("0")
    assert client.heard() == ['4{"message":"no"}']
    [(where, error)] = net.failures()
    assert where == "the refusal of a client by a middleware of /"
    assert error.startswith("LocalProtocolError: the data cannot be sent as JSON: set is none of")


def test_a_message_that_cannot_be_sent_is_left_out_of_the_refusal(serve: Serve) -> None:
    net = serve(max_outbound=1024)

    @net.io.use
    def check(socket: Socket) -> None:
        raise ConnectionRefused("no" * 1000)

    client = net.client("0")
    assert client.heard() == ['4{"message":"Connection refused"}']
    assert [where for where, _ in net.failures()] == ["the refusal of a client by a middleware of /"]


def test_neither_the_data_nor_the_message_can_be_sent(serve: Serve) -> None:
    net = serve(max_outbound=1024)

    @net.io.use
    def check(socket: Socket) -> None:
        raise ConnectionRefused("no" * 1000, "x")

    client = net.client("0")
    assert client.heard() == ['4{"message":"Connection refused"}']
    assert len(net.failures()) == 2


def test_any_other_exception_refuses_without_a_word_of_it(serve: Serve) -> None:
    net = serve()

    @net.io.of("/x").use
    def check(socket: Socket) -> None:
        raise ValueError("secret")

    assert net.client("0/x,").heard() == ['4/x,{"message":"Internal error"}']
    assert net.failures() == [("a middleware of /x", "ValueError: secret")]


def test_middleware_runs_in_order_and_may_be_async(serve: Serve) -> None:
    net = serve()
    gate, order = Gate(), list[str]()

    @net.io.use
    async def first(socket: Socket) -> None:
        order.append("first")
        await gate
        order.append("first is done")

    net.io.use(lambda socket: order.append("second"))
    client = net.client("0")
    assert order == ["first"]
    assert client.heard() == []
    gate.open()
    net.pump()
    assert order == ["first", "first is done", "second"]
    assert client.heard() == ['0{"sid":"s1"}']


def test_an_async_middleware_refuses(serve: Serve) -> None:
    net = serve()
    gate = Gate()

    @net.io.use
    async def check(socket: Socket) -> None:
        await gate

    client = net.client("0")
    gate.open(error=ConnectionRefused("late"))
    net.pump()
    assert client.heard() == ['4{"message":"late"}']


def test_middleware_may_not_emit_but_may_join_and_read(serve: Serve) -> None:
    net = serve()
    raised: list[str] = []

    @net.io.use
    def check(socket: Socket) -> None:
        assert not socket.connected
        assert not socket.disconnected
        socket.join("lobby")
        for emit in (socket.emit, socket.send, socket.emit_with_ack, socket.volatile.emit):
            with pytest.raises(LocalProtocolError) as caught:
                emit("x")
            raised.append(str(caught.value))
        socket.disconnect()
        net.io.to("lobby").emit("not for those that are not connected")

    client = net.client("0")
    assert client.heard() == ['0{"sid":"s1"}']
    assert raised == ["the client is not connected yet: emit in a connection handler"] * 4
    assert net.io.sockets.sockets["s1"].rooms == {"s1", "lobby"}


@pytest.fixture
def slow(serve: Serve) -> tuple[Net, Gate, list[Socket], Log]:
    """A server whose middleware waits for a gate."""
    net = serve()
    gate, seen, log = Gate(), list[Socket](), Log().watch(net.io)

    @net.io.use
    async def check(socket: Socket) -> None:
        seen.append(socket)
        socket.join("lobby")
        await gate

    return net, gate, seen, log


Slow = tuple[Net, Gate, list[Socket], Log]


def test_a_client_that_leaves_during_middleware_never_was(slow: Slow) -> None:
    net, gate, seen, log = slow
    client = net.client("0")
    client.lose()
    [socket] = seen
    assert socket.disconnected
    assert socket.rooms == set()
    gate.open()
    net.pump()
    assert log.taken() == []
    assert net.io.sockets.sockets == {}
    assert net.io.sockets.connecting == {}
    assert socket.emit("x") is False


def test_a_client_that_leaves_during_middleware_is_not_refused_either(slow: Slow) -> None:
    net, gate, _, log = slow
    client = net.client("0")
    client.lose()
    gate.open(error=ConnectionRefused("no"))
    net.pump()
    assert log.taken() == []


def test_a_client_may_change_its_mind_before_the_answer(slow: Slow) -> None:
    net, gate, seen, log = slow
    client = net.client("0")
    client.say("1")
    client.say("0")
    gate.open()
    net.pump()
    assert client.heard() == ['0{"sid":"s2"}']
    assert [socket.disconnected for socket in seen] == [True, False]
    assert log.taken() == [("connection", "s2")]


def test_a_client_may_change_its_mind_before_the_middleware(serve: Serve) -> None:
    net = serve()
    log = Log().watch(net.io)
    client = net.client("0", "1", "0")
    assert client.heard() == ['0{"sid":"s1"}']
    assert log.taken() == [("connection", "s1")]


def test_a_session_that_is_closing_connects_to_nothing_any_more(slow: Slow) -> None:
    net, gate, seen, log = slow
    poller = net.polling()
    assert poller.post("40").text == "ok"
    net.io.engine.close()
    assert net.app.sessions != {}
    gate.open()
    net.pump()
    assert log.taken() == []
    assert seen[0].disconnected
    assert poller.poll().text == "1"
    assert net.app.sessions == {}


def test_a_middleware_that_ends_the_session_connects_nobody(serve: Serve) -> None:
    net = serve()
    log = Log().watch(net.io)
    net.io.use(lambda socket: net.io.close())
    client = net.client("0")
    assert client.heard() == []
    assert client.closed
    assert log.taken() == []


def test_a_connect_packet_that_ends_its_session_is_still_reported_in_order(serve: Serve) -> None:
    net = serve(max_outbound=1024)
    log = Log().watch(net.io.of("/b"))
    client = net.client("0")
    client.heard()
    client.stall()
    socket = net.io.sockets.sockets["s1"]
    while socket.buffered < 1010:
        socket.emit("x")
    client.say("0/b,")
    assert log.taken() == [("connection", "s2"), *ended("s2", "slow consumer")]


# -- ids -----------------------------------------------------------------------------------------------------------


def test_an_id_that_is_taken_or_empty_refuses_the_client(serve: Serve) -> None:
    ids = iter(["a", "a", ""])
    net = serve(generate_socket_id=lambda: next(ids))
    assert net.client("0").heard() == ['0{"sid":"a"}']
    for _ in range(2):
        assert net.client("0").heard() == ['4{"message":"Internal error"}']
    where = ("the namespace /", "LocalProtocolError: generate_socket_id gave an id that is empty or taken")
    assert net.failures() == [where] * 2
    assert list(net.io.sockets.sockets) == ["a"]


def test_an_id_is_taken_by_a_socket_that_is_still_connecting(serve: Serve) -> None:
    net = serve(generate_socket_id=lambda: "a")
    gate = Gate()

    @net.io.use
    async def check(socket: Socket) -> None:
        await gate

    first, second = net.client("0"), net.client("0")
    assert second.heard() == ['4{"message":"Internal error"}']
    gate.open()
    net.pump()
    assert first.heard() == ['0{"sid":"a"}']
    assert len(net.failures()) == 1


# -- the end, with its reasons -------------------------------------------------------------------------------------


def test_the_client_disconnects_from_one_namespace(serve: Serve) -> None:
    net = serve()
    main, admin = Log().watch(net.io), Log().watch(net.io.of("/admin"))
    client = net.client("0", "0/admin,")
    main.taken()
    admin.taken()
    client.say("1/admin,")
    assert admin.taken() == ended("s2", "client namespace disconnect")
    assert main.taken() == []
    assert not client.closed
    client.say("1")
    assert main.taken() == ended("s1", "client namespace disconnect")
    assert not client.closed


def test_events_before_a_disconnect_are_handled_in_order(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    net.client("0").say('2["x",1]', '2["x",2]', "1")
    assert log.taken() == [
        ("connection", "s1"),
        ("x", "s1", 1),
        ("x", "s1", 2),
        *ended("s1", "client namespace disconnect"),
    ]


def test_the_server_disconnects_from_one_namespace(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    log.taken()
    socket.join(["a", "b"])
    socket.emit("last")
    socket.disconnect()
    assert socket.disconnected
    assert socket.namespace.sockets == {}
    net.pump()
    assert client.heard() == ['2["last"]', "1"]
    assert log.taken() == ended("s1", "server namespace disconnect", "a", "b")
    assert not client.closed
    socket.disconnect()
    socket.disconnect(close=True)
    net.pump()
    assert client.heard() == []
    assert not client.closed


def test_the_server_disconnects_from_all_namespaces_and_closes(serve: Serve) -> None:
    net = serve()
    main, admin = Log().watch(net.io), Log().watch(net.io.of("/admin"))
    client = net.client("0", "0/admin,")
    client.heard()
    main.taken()
    admin.taken()
    net.io.sockets.sockets["s1"].disconnect(close=True)
    net.pump()
    assert client.heard() == ["1", "1/admin,"]
    assert client.closed
    assert main.taken() == ended("s1", "server namespace disconnect")
    assert admin.taken() == ended("s2", "server namespace disconnect")
    assert net.app.next_deadline() is None


def test_closing_withdraws_who_is_still_connecting(slow: Slow) -> None:
    net, gate, seen, log = slow
    net.io.of("/other")
    client = net.client("0/other,")
    client.say("0")
    net.io.of("/other").sockets["s1"].disconnect(close=True)
    gate.open()
    net.pump()
    assert seen[0].disconnected
    assert log.taken() == []
    assert client.heard() == ['0/other,{"sid":"s1"}', "1/other,"]


@pytest.mark.parametrize("namespaces", [1, 3])
def test_every_namespace_hears_once_that_the_transport_is_gone(serve: Serve, namespaces: int) -> None:
    net = serve()
    names = ["/", "/b", "/c"][:namespaces]
    logs = [Log().watch(net.io.of(name)) for name in names]
    client = net.client(*[f"0{name}," for name in names])
    for log in logs:
        log.taken()
    client.lose()
    for number, log in enumerate(logs, 1):
        assert log.taken() == ended(f"s{number}", "transport close")
    assert all(not net.io.of(name).sockets for name in names)
    assert net.app.next_deadline() is None


def test_the_reasons_of_the_engine(serve: Serve) -> None:
    def end(how: Callable[[Client], object], reason: str, **options: Any) -> None:
        net = serve(**options)
        log = Log().watch(net.io)
        client, _ = net.socket()
        log.taken()
        how(client)
        net.pump()
        assert log.taken() == ended("s1", reason)

    end(lambda client: client.lose(), "transport close")
    end(lambda client: client.lose(RemoteProtocolError("frame")), "transport error")
    end(lambda client: client.exchange.say("1"), "transport close")
    end(lambda client: client.exchange.say("2"), "transport error")
    end(lambda client: client.net.later(30.0), "ping timeout", ping_interval=10.0, ping_timeout=20.0)
    end(lambda client: client.net.io.engine.close(), "forced close")
    end(lambda client: client.net.io.close(), "server shutting down")
    end(lambda client: client.say("9"), "parse error")
    end(lambda client: client.say("0"), "forced server close")


def test_the_error_of_the_peer_comes_with_the_end(serve: Serve) -> None:
    net = serve(runtime=False)
    connection = pulled(net)
    assert len(events(connection)) == 1
    connection.message("2nonsense")
    [disconnected] = events(connection)
    assert isinstance(disconnected, Disconnected)
    assert disconnected.reason == "parse error"
    assert isinstance(disconnected.error, RemoteProtocolError)


def test_rooms_are_there_for_disconnecting_and_gone_for_disconnect(serve: Serve) -> None:
    net = serve()
    gate, seen = Gate(), list[set[str]]()

    @net.io.on("disconnecting")
    async def leaving(socket: Socket, reason: str) -> None:
        await gate
        seen.append(socket.rooms)

    net.io.on("disconnect", lambda socket, reason: seen.append(socket.rooms))
    client, socket = net.socket()
    socket.join("a")
    client.lose()
    assert net.io.sockets.adapter.rooms_of(socket) == set()
    gate.open()
    net.pump()
    assert seen == [{"s1", "a"}, set()]


def test_a_socket_has_handlers_of_its_own_for_the_end(serve: Serve) -> None:
    net = serve()
    seen: list[str] = []
    client, socket = net.socket()
    socket.on("disconnecting", lambda reason: seen.append(f"disconnecting: {reason}"))
    socket.on("disconnect", lambda reason: seen.append(f"disconnect: {reason}"))
    client.say("1")
    assert seen == ["disconnecting: client namespace disconnect", "disconnect: client namespace disconnect"]


def test_what_a_kicked_client_had_sent_is_not_handled(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    net.io.on("kick", lambda socket: socket.disconnect())
    client, _ = net.socket()
    log.taken()
    client.say('2["kick"]', '2["x"]')
    assert log.taken() == ended("s1", "server namespace disconnect")


def test_a_client_that_is_kicked_while_middleware_runs_is_not_handled(serve: Serve) -> None:
    net = serve()
    log, gate = Log("x").watch(net.io), Gate()
    client, socket = net.socket()
    log.taken()

    @socket.use
    async def wait(event: str, args: list[Any]) -> None:
        await gate

    client.say('2["x"]')
    socket.disconnect()
    gate.open()
    net.pump()
    assert log.taken() == ended("s1", "server namespace disconnect")


# -- what crosses a DISCONNECT of ours -----------------------------------------------------------------------------


@pytest.mark.parametrize("packets", [('2["x"]',), ("30[]",), ("1",), ('51-["x",{"_placeholder":true,"num":0}]', b"\0")])
def test_what_crosses_our_disconnect_is_tolerated(serve: Serve, packets: tuple[str | bytes, ...]) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    socket.disconnect()
    log.taken()
    client.say(*packets)
    assert log.taken() == ended("s1", "server namespace disconnect")
    assert not client.closed


def test_the_grace_ends_after_ten_seconds(serve: Serve) -> None:
    net = serve()
    client, socket = net.socket()
    socket.disconnect()
    net.later(9.9)
    client.say('2["x"]')
    assert not client.closed
    net.later(0.1)
    client.say('2["x"]')
    assert client.closed


def test_a_client_may_connect_again_and_has_no_grace_then(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, socket = net.socket()
    socket.disconnect()
    client.say('2["x"]', "0")
    assert client.heard() == ["1", '0{"sid":"s2"}']
    client.say('2["x"]')
    assert log.taken()[-1] == ("x", "s2")
    client.say("1")
    client.say('2["x"]')
    assert client.closed
    assert net.app.next_deadline() is None


# -- clients that do not follow the protocol -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "packets",
    [
        ("0",),  # a second CONNECT
        ('4{"message":"x"}',),  # CONNECT_ERROR is the server's
        ('2/b,["x"]',),  # an event, an ack, a DISCONNECT for a namespace that was not connected to
        ("3/b,1[]",),
        ("1/b,",),
        ('4/b,"x"',),
    ],
)
def test_a_packet_out_of_order_closes_the_connection(serve: Serve, packets: tuple[str, ...]) -> None:
    net = serve()
    log = Log().watch(net.io)
    client, _ = net.socket()
    log.taken()
    client.say(*packets)
    assert client.heard() == []
    assert client.closed
    assert log.taken() == ended("s1", "forced server close")


@pytest.mark.parametrize("packet", ['2["x"]', "30[]", "0"])
def test_a_packet_before_the_answer_closes_the_connection(slow: Slow, packet: str) -> None:
    net, gate, _, log = slow
    client = net.client("0")
    client.say(packet)
    assert client.closed
    gate.open()
    net.pump()
    assert log.taken() == []
    assert net.io.sockets.connecting == {}


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "7",
        "x",
        "2",
        "2[]",
        "2{}",
        '2"x"',
        "2[NaN]",
        '2["x",Infinity]',
        '2["x",1e999]',
        '2["x"',
        '2["connect"]',
        '2["disconnect","x"]',
        '2["disconnecting"]',
        '2["connect_error"]',
        '2["newListener"]',
        '2["removeListener"]',
        "2[null]",
        "2[true]",
        "2[[]]",
        "2[" * 200 + "]" * 200,
        '2["x",' + "[" * 200 + "]" * 200 + "]",
        '2["x",' + "9" * 5000 + "]",
        "0[]",
        '0"x"',
        "1[]",
        "31{}",
        "3[]",
        '2²["x"]',
        '29999999999999999["x"]',
        '5["x"]',
        '5-["x"]',
        '5x-["x"]',
        '511-["x"]',
        b"no header",
    ],
)
def test_what_is_no_packet_closes_the_connection(serve: Serve, packet: str | bytes) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, _ = net.socket()
    _, other = net.socket()
    log.taken()
    client.say(packet, '2["x"]')
    assert client.closed
    assert log.taken() == ended("s1", "parse error")
    assert other.connected


def test_an_event_named_connection_is_no_connection(serve: Serve) -> None:
    net = serve()
    log = Log().watch(net.io)
    new = list[Namespace]()
    net.io.on("new_namespace", new.append)
    client, _ = net.socket()
    log.taken()
    client.say('2["connection"]', '2["new_namespace"]')
    assert log.taken() == []
    assert new == []


def test_a_client_that_joins_nothing_is_sent_away(serve: Serve) -> None:
    net = serve(connect_timeout=45.0)
    client = net.client("0/nowhere,")
    net.later(44.9)
    assert not client.closed
    assert len(net.io.unjoined) == 1
    net.later(0.1)
    assert client.closed
    assert net.io.unjoined == set()
    joined, _ = net.socket()
    net.later(1000.0)
    assert not joined.closed


def test_a_middleware_that_takes_too_long_is_given_up(slow: Slow) -> None:
    net, gate, seen, log = slow
    client = net.client("0")
    net.later(45.0)
    assert client.closed
    assert seen[0].disconnected
    gate.open()
    net.pump()
    assert log.taken() == []


def test_attachments_that_do_not_come(serve: Serve) -> None:
    net = serve(attachment_timeout=20.0)
    log = Log("x").watch(net.io)
    client, _ = net.socket()
    log.taken()
    client.say('52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    net.later(15.0)
    client.say(b"one")  # does not extend it
    net.later(5.0)
    assert client.closed
    assert log.taken() == ended("s1", "parse error")
    assert net.app.next_deadline() is None


def test_attachments_that_come_in_time(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, _ = net.socket()
    log.taken()
    for _ in range(2):
        client.say('52-["x",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]', b"a")
        net.later(19.0)
        client.say(b"")
        assert log.taken() == [("x", "s1", b"", [b"a"])]
        net.later(10.0)
    assert not client.closed


def test_a_connection_that_ends_amid_attachments_leaves_no_deadline(serve: Serve) -> None:
    net = serve()
    client, _ = net.socket()
    client.say('51-["x",{"_placeholder":true,"num":0}]')
    client.lose()
    assert net.app.next_deadline() is None


def test_text_between_attachments_closes_the_connection(serve: Serve) -> None:
    net = serve()
    log = Log("x").watch(net.io)
    client, _ = net.socket()
    log.taken()
    client.say('51-["x",{"_placeholder":true,"num":0}]', '2["x"]')
    assert client.closed
    assert log.taken() == ended("s1", "parse error")


# -- bounds --------------------------------------------------------------------------------------------------------


def test_the_namespaces_of_one_connection_are_bounded(serve: Serve) -> None:
    net = serve(max_namespaces=2)
    for name in "abc":
        net.io.of(name)
    client = net.client("0/a,", "0/b,", "0/c,")
    assert client.heard() == [
        '4/c,{"message":"Too many namespaces"}',
        '0/a,{"sid":"s1"}',
        '0/b,{"sid":"s2"}',
    ]
    client.say("1/a,", "0/c,")
    assert client.heard() == ['0/c,{"sid":"s3"}']


def test_ten_thousand_connects(serve: Serve) -> None:
    net = serve()
    client, _ = net.socket()
    client.say(*[f"0/{number}," for number in range(10_000)])
    heard = client.heard()
    assert len(heard) == 10_000
    assert {str(packet).partition(",")[2] for packet in heard} == {
        '{"message":"Invalid namespace"}',
        '{"message":"Too many namespaces"}',
    }
    [connection] = {socket.connection for socket in net.io.sockets.sockets.values()}
    assert connection.connecting == {}
    assert len(connection) == 0


def test_the_memory_of_namespaces_that_were_left_is_bounded(serve: Serve) -> None:
    net = serve(max_namespaces=10)
    net.io.of(lambda name, auth: True).on("connection", lambda socket: socket.disconnect())
    client, socket = net.socket()
    for number in range(100):
        client.say(f"0/{number},")
    assert len(socket.connection.left) < 10
    assert client.heard()[-1] == '4/99,{"message":"Too many namespaces"}'
    net.later(10.0)
    client.say("0/99,")
    assert client.heard() == ['0/99,{"sid":"s11"}', "1/99,"]


def test_the_name_of_a_namespace_is_bounded(serve: Serve) -> None:
    net = serve(max_outbound=1024)
    longest = "/" + "\N{GRINNING FACE}" * 199
    client = net.client(f"0{longest},")
    assert client.heard() == [f'4{longest},{{"message":"Invalid namespace"}}']
    client.say(f"0{longest}x,")
    assert client.heard() == []
    assert client.closed
    assert net.io.of(longest).name == longest
    with pytest.raises(LocalProtocolError, match="200 characters"):
        net.io.of(longest + "x")


def test_unjoined_connections_are_bounded(serve: Serve) -> None:
    net = serve(max_unjoined=3)
    clients = [net.client() for _ in range(3)]
    refused = net.dial()
    assert refused.response.status == 503
    assert net.request(query="EIO=4&transport=polling").response.status == 503
    clients[0].say("0")
    clients[1].lose()
    for _ in range(2):
        net.client()
    assert net.dial().response.status == 503
    net.later(45.0)
    assert len(net.app.sessions) == 1


def test_a_flood_of_events_stops_the_reading(serve: Serve) -> None:
    net = serve(max_inbound=4)
    gate, log = Gate(), Log().watch(net.io)

    @net.io.on("x")
    async def wait(socket: Socket, number: int) -> None:
        await gate
        log.lines.append(("x", number))

    client, _ = net.socket()
    log.taken()
    client.say('2["x",0]')
    client.say('2["x",1]', '2["x",2]', '2["x",3]')
    assert client.exchange.reading
    client.say('2["x",4]')
    assert not client.exchange.reading
    gate.open()
    net.pump()
    assert client.exchange.reading
    assert log.taken() == [("x", number) for number in range(5)]


def test_large_events_stop_the_reading_too(serve: Serve) -> None:
    net = serve(max_inbound_size=100)
    gate, log = Gate(), Log().watch(net.io)

    @net.io.on("x")
    async def wait(socket: Socket, data: bytes) -> None:
        await gate
        log.lines.append(("x", len(data)))

    client, _ = net.socket()
    log.taken()
    attached = '51-["x",{"_placeholder":true,"num":0}]'  # 38 bytes
    client.say(attached, b"1")  # is being handled: the mailbox is empty
    client.say(attached, b"2" * 20)
    assert client.exchange.reading
    client.say(attached, b"3" * 4)
    assert not client.exchange.reading
    gate.open()
    net.pump()
    assert client.exchange.reading
    assert log.taken() == [("x", 1), ("x", 20), ("x", 4)]


# -- the pull face -------------------------------------------------------------------------------------------------


def pulled(net: Net, packet: str = "0") -> Connection:
    """The connection of a client, for a program without handlers, after its first packet."""
    websocket = net.dial()
    net.app.message_received(websocket.channel, f"4{packet}", now=net.now)
    [runnable] = net.app.take_runnable()
    assert isinstance(runnable, Connection)
    return runnable


def events(connection: Connection) -> list[object]:
    """All that is there to be pulled."""
    pulled: list[object] = []
    while (event := connection.next_event()) is not None:
        pulled.append(event)
    return pulled


def test_a_program_may_pull_events_instead(serve: Serve) -> None:
    net = serve(runtime=False)
    connection = pulled(net)
    [connected] = events(connection)
    assert isinstance(connected, Connected)
    socket = connected.socket
    connection.message('2["x",1,[2]]')
    connection.message('27["y"]')
    connection.message("1")
    [first, second, disconnected] = events(connection)
    assert first == EventReceived(socket, "x", [1, [2]])
    assert second == EventReceived(socket, "y", [], 7)
    assert disconnected == Disconnected(socket, "client namespace disconnect")
    assert net.app.take_runnable() == [connection]
    connection.message("0")
    assert net.app.take_runnable() == [connection]
    net.io.close()


def test_pulled_events_of_a_kicked_client_are_dropped(serve: Serve) -> None:
    net = serve(runtime=False)
    connection = pulled(net)
    [connected] = events(connection)
    assert isinstance(connected, Connected)
    connection.message('2["x"]')
    connected.socket.disconnect()
    assert events(connection) == [Disconnected(connected.socket, "server namespace disconnect")]
    net.io.close()


def test_pulling_runs_middleware_that_is_a_plain_function(serve: Serve) -> None:
    net = serve(runtime=False)

    @net.io.use
    def check(socket: Socket) -> None:
        raise ConnectionRefused("no")

    connection = pulled(net)
    assert events(connection) == []
    assert connection.connecting == {}
    net.io.close()


def test_pulling_cannot_run_async_middleware(serve: Serve) -> None:
    net = serve(runtime=False)

    @net.io.use
    async def check(socket: Socket) -> None: ...

    connection = pulled(net)
    with pytest.raises(LocalProtocolError, match="has to be run by a driver"):
        connection.next_event()
    assert events(connection) == []
    assert net.io.sockets.connecting == {}
    net.pump()
    websocket = connection.session
    assert websocket.buffered == 0
    net.io.close()
