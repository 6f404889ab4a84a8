"""What a Socket.IO client does and asserts."""

from typing import Any, cast

import pytest

from sansio_eio import AckDisconnected, ConnectError, LocalProtocolError, Server, Socket
from sansio_eio.socketio.msgpack import msgpack_parser
from sansio_eio.testing import Event, Network, NetworkAssertionError, Transport
from tests.unit.testing.chat import make_chat


def said(error: ConnectError | None) -> tuple[str, Any, int | None]:
    """All that it says."""
    assert error is not None
    return error.message, error.data, error.status


TRANSPORTS: tuple[Transport, ...] = ("upgrade", "polling", "websocket")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_events_and_answers(transport: Transport) -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(transport=transport), net.connect(transport=transport)
        assert ada.transport == ("polling" if transport == "polling" else "websocket")
        assert ada.call("say", "hello") == "delivered"
        event = bob.expect("said", "hello")
        assert (event.name, event.args) == ("said", ("hello",))
        assert list(event) == ["said", "hello"]
        assert repr(event) == "('said', 'hello')"
        assert event == Event(["said", "hello"])
        assert event != ("said", "goodbye")
        assert len({event, Event(["said", "hello"])}) == 1
        assert bob.received == [event]
        bob.expect_nothing()
        ada.expect_nothing()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_binary_both_ways(transport: Transport) -> None:
    with Network(make_chat()) as net:
        data = {"pictures": [b"one", b"", bytes(range(256)) * 400], "name": "€"}
        assert net.connect(transport=transport).call("echo", data, b"x") == (data, b"x")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_another_parser(transport: Transport) -> None:
    with Network(make_chat(parser=msgpack_parser())) as net:
        assert net.connect(transport=transport).call("echo", {"a": [1, b"x"]}) == {"a": [1, b"x"]}


def test_a_parser_that_does_not_fit() -> None:
    io = Server(parser=msgpack_parser())
    with Network(io) as net:
        ada = net.connect(transport="websocket", parser=Server().parser)
        assert not ada.connected
        assert ada.connect_error is not None
        assert ada.connect_error.message == "transport close"
    io = Server()
    with Network(io) as net:
        ada, good = net.connect(transport="websocket"), net.connect()
        io.sockets.sockets[ada.id].connection.session.send("nonsense")
        net.settle()
        assert ada.disconnect_reason == "parse error"
        assert good.connected


def test_what_answers_look_like() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        assert ada.call("echo") is None
        assert ada.call("echo", 1) == 1
        assert ada.call("echo", 1, "two") == (1, "two")
        pending = ada.emit_with_ack("echo", "later")
        assert not pending.done
        net.settle()
        assert pending.value == "later"


def test_an_answer_that_does_not_come() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        with pytest.raises(NetworkAssertionError, match="ada has had no answer to 'nothing'\n"):
            ada.call("nothing")
        assert net.now == 0.0
        with pytest.raises(NetworkAssertionError, match="ada has had no answer to 'nothing' within 5 s\n"):
            ada.call("nothing", timeout=5.0)
        assert net.now == 5.0


def test_an_answer_that_takes_its_time() -> None:
    io = Server()
    with Network(io) as net:

        @io.on("slow")
        async def slow(socket: Socket) -> str:
            await net.sleep(3.0)
            return "at last"

        assert net.connect().call("slow", timeout=5.0) == "at last"
        assert net.now == 3.0


def test_the_server_asks_and_a_function_answers() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        questions: list[str] = []

        def answer(question: str) -> str:
            questions.append(question)
            return "yes"

        ada.on("question", answer)
        assert ada.call("ask", "really?") == "yes"
        assert questions == ["really?"]


def test_several_values_and_none_as_answers() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(), net.connect()
        ada.on("question", lambda: ("one", 2))
        assert ada.call("ask") == ("one", 2)
        bob.on("question", lambda: None)
        assert bob.call("ask") is None


def test_the_server_asks_and_the_test_answers() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        answer = ada.emit_with_ack("ask", "really?")
        question = ada.expect("question", "really?")
        assert question.asks
        question.ack("yes", 2)
        assert not question.asks
        with pytest.raises(LocalProtocolError, match="nobody waits for an answer to 'question'"):
            question.ack("again")
        net.settle()
        assert answer.value == ("yes", 2)


def test_only_the_first_function_answers_and_nobody_asks_for_more() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(), net.connect()
        heard: list[str] = []
        ada.on("question", lambda: "first")
        ada.on("question", lambda: "second")
        bob.on("said", heard.append)
        assert ada.call("ask") == "first"
        ada.call("say", "hello")
        net.settle()
        assert heard == ["hello"]


def test_a_function_that_fails() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()

        def answer() -> None:
            raise KeyError("nothing")

        ada.on("question", answer)
        ada.emit("ask")
        assert net.expect_error(KeyError).__notes__ == ["in a handler of question of ada"]


def test_functions_of_each_kind() -> None:
    async def answer(question: str) -> str:
        await net.sleep(3.0)
        return f"{question} Yes."

    with Network(make_chat()) as net:
        ada = net.connect()
        ada.on("question", answer)
        assert ada.call("ask", "Really?", timeout=5.0) == "Really? Yes."
        assert net.now == 3.0
        with pytest.raises(LocalProtocolError):
            ada.emit(True)


def test_expectations_that_fail() -> None:
    with Network(make_chat()) as net:
        ada, bob = net.connect(), net.connect()
        ada.emit("say", "one")
        ada.emit("say", "two")
        with pytest.raises(
            NetworkAssertionError,
            match=r"bob expected \('said', 'two'\) and received \('said', 'one'\) \(1 more behind it\)",
        ):
            bob.expect("said", "two")
        with pytest.raises(NetworkAssertionError, match=r"bob expected nothing and received \[\('said', 'one'\), "):
            bob.expect_nothing()
        bob.expect("said", "one")
        with pytest.raises(NetworkAssertionError, match=r"and received \('said', 'two'\)\n"):
            bob.expect("said")
        assert bob.take() == [("said", "two")]
        assert bob.take() == []
        with pytest.raises(
            NetworkAssertionError, match=r"bob expected \('said', 'three'\) and has received nothing more"
        ):
            bob.expect("said", "three")


def test_more_events_than_anybody_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sansio_eio.testing.client.MAX_RECEIVED", 2)
    with Network(make_chat()) as net:
        ada, _bob = net.connect(), net.connect()
        for _ in range(3):
            ada.emit("say", "hello")
        with pytest.raises(NetworkAssertionError, match="bob has received 2 events"):
            net.settle()


def test_events_before_the_connection_wait_for_it() -> None:
    with Network(make_chat()) as net:
        bob = net.connect()
        ada = net.connect(wait=False)
        ada.emit("say", "early")
        bob.expect("said", "early")
        assert ada.connected


def test_several_namespaces_over_one_connection() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(auth={"name": "Ada"})
        admin = ada.of("/admin", auth={"name": "root"})
        assert admin.namespace == "/admin"
        assert admin.call("whoami") == "root"
        assert ada.call("say", "hello") == "delivered"
        assert len(io.engine.sessions) == 1
        assert ada.of("/admin") is admin
        admin.disconnect()
        assert (admin.connected, admin.disconnect_reason) == (False, "io client disconnect")
        assert ada.call("echo", 1) == 1
        assert io.of("/admin").sockets == {}
        admin.disconnect()  # nothing is left to do
        with pytest.raises(LocalProtocolError, match="ada is not connected to /admin"):
            admin.emit("whoami")
        assert ada.of("/admin", auth={"name": "Ada"}) is admin
        assert admin.call("whoami") == "Ada"


def test_leaving_the_last_namespace_ends_the_connection() -> None:
    io = make_chat()
    with Network(io) as net:
        ada, bob = net.connect(), net.connect()
        ada.disconnect()
        bob.expect("left", "client namespace disconnect")
        assert len(io.engine.sessions) == 1
        assert ada.of("/admin").connected
        assert len(io.engine.sessions) == 2


def test_changing_ones_mind_before_the_answer() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(wait=False)
        ada.disconnect()
        net.settle()
        assert not ada.connected
        assert io.sockets.sockets == {}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_closing_the_connection(transport: Transport) -> None:
    io = make_chat()
    with Network(io) as net:
        ada, bob = net.connect(transport=transport), net.connect()
        admin = ada.of("/admin")
        ada.emit("say", "goodbye")
        ada.close()
        ada.close()
        bob.expect("said", "goodbye")
        bob.expect("left", "transport close")
        assert ada.disconnect_reason == admin.disconnect_reason == "io client disconnect"
        assert len(io.engine.sessions) == 1


def test_closing_before_the_connection() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(wait=False)
        ada.close()
        net.settle()
        assert ada.connect_error is not None
        assert ada.connect_error.message == "io client disconnect"
        assert len(io.engine.sessions) == 1  # the request was under way
        net.advance(80.0)
        assert io.engine.sessions == {}


def test_the_server_sends_a_client_away() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        pending = ada.emit_with_ack("kick")
        net.settle()
        assert ada.disconnect_reason == "io server disconnect"
        with pytest.raises(AckDisconnected):
            pending.value  # noqa: B018  (looking at it raises)
        bob = net.connect()
        with pytest.raises(AckDisconnected):
            bob.call("kick")


def test_answers_behind_the_end_go_nowhere() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect()
        ada.emit("ask")
        question = ada.expect("question")
        ada.close()
        question.ack("late")
        net.expect_error(AckDisconnected)


def test_refused_by_a_namespace() -> None:
    io = make_chat()
    with Network(io) as net:
        eve = net.connect("/closed")
        assert said(eve.connect_error) == ("closed", {"code": 7}, None)
        assert (eve.connected, eve.id, eve.disconnect_reason) == (False, "", None)
        assert io.engine.sessions == {}
        ada = net.connect()
        assert said(ada.of("/closed").connect_error) == ("closed", {"code": 7}, None)
        assert said(ada.of("/nowhere").connect_error) == ("Invalid namespace", None, None)
        assert ada.connected


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_refused_by_the_server(transport: Transport) -> None:
    io = Server(allow_request=lambda request: request.header("cookie") == "a=b" or "no")
    with Network(io) as net:
        error = net.connect(transport=transport).connect_error
        if transport == "websocket":
            assert said(error) == ("websocket error", "no", 400)
        else:
            assert said(error) == ("xhr poll error", {"code": 4, "message": "no"}, 403)
        assert net.connect(transport=transport, headers={"cookie": "a=b"}).connected


def test_the_handshake_that_the_server_sees() -> None:
    io = Server()
    with Network(io) as net:
        ada = net.connect(auth={"name": "Ada"}, query={"colour": "grün 1"}, headers={"user-agent": "kit"})
        handshake = io.sockets.sockets[ada.id].handshake
        assert handshake.auth == {"name": "Ada"}
        assert handshake.query["colour"] == "grün 1"
        assert handshake.headers["user-agent"] == "kit"
        assert handshake.headers["host"] == "localhost"


def test_a_transport_that_does_not_exist() -> None:
    with Network(Server()) as net, pytest.raises(LocalProtocolError, match="carrier pigeon"):
        net.connect(transport=cast("Transport", "carrier pigeon"))


def test_more_than_a_post_may_have() -> None:
    with Network(make_chat(max_http_buffer_size=1_000)) as net:
        ada = net.connect(transport="polling")
        answers = [ada.emit_with_ack("echo", str(number) * 300) for number in range(8)]
        net.settle()
        assert [answer.value for answer in answers] == [str(number) * 300 for number in range(8)]
        posts = [line for line in str(net.transcript).splitlines() if "-> post  POST" in line]
        assert len(posts) == 5  # CONNECT, one, three, three, one


def test_messages_that_are_too_large() -> None:
    with Network(make_chat(max_http_buffer_size=1_000)) as net:
        early = net.connect(wait=False)
        early.emit("echo", "x" * 2_000)
        error = net.expect_error(LocalProtocolError)
        assert str(error) == "a message of 2013 bytes: the server takes 1000"
        assert error.__notes__ == ["in an event for / that waited for the connection of ada"]
        for transport in TRANSPORTS:
            with pytest.raises(LocalProtocolError, match="the server takes 1000"):
                net.connect(transport=transport).emit("echo", "x" * 2_000)


def test_closing_in_the_middle_of_a_payload() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport="polling")

        def close(number: int) -> None:
            ada.close()

        ada.on("news", close)
        for number in range(3):
            io.emit("news", number)
        net.settle()
        assert ada.received == [("news", 0)]
        assert ada.disconnect_reason == "io client disconnect"


def test_answers_that_nobody_waits_for() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect()
        io.sockets.sockets[ada.id].connection.session.send("399[1]")
        io.sockets.sockets[ada.id].connection.session.send("2/nowhere,[1]")
        net.settle()
        assert ada.connected
