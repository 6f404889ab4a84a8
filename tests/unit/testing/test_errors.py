"""Exceptions of the application, and the end of a network."""

import logging

import pytest

from sansio_eio import LocalProtocolError, OnError, Server, Socket
from sansio_eio.testing import Network, NetworkAssertionError
from tests.unit.testing.chat import make_chat


def test_an_exception_of_a_handler_is_raised_by_whatever_runs_next() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        ada.emit("fail")
        with pytest.raises(
            NetworkAssertionError, match=r"ValueError\('it failed'\) was raised in a handler of fail"
        ) as info:
            ada.expect("never")
        assert isinstance(info.value.__cause__, ValueError)
        assert '42["fail"]' in str(info.value)
        assert net.errors == []
        ada.expect_nothing()


def test_an_exception_stops_the_time() -> None:
    io = make_chat()
    with Network(io) as net:

        @io.on("later")
        async def later(socket: Socket) -> None:
            await net.sleep(3.0)
            raise ValueError("it failed later")

        ada = net.connect()
        ada.emit("later")
        with pytest.raises(NetworkAssertionError, match="it failed later"):
            net.advance(10.0)
        assert net.now == 3.0
        ada.emit("later")
        assert str(net.expect_error(ValueError, within=10.0)) == "it failed later"
        assert net.now == 6.0


def test_expected_errors() -> None:
    with Network(make_chat()) as net:
        ada = net.connect()
        with pytest.raises(
            NetworkAssertionError, match="KeyError was expected, and the application has raised nothing"
        ):
            net.expect_error(KeyError)
        ada.emit("fail")
        with pytest.raises(NetworkAssertionError, match="it failed"):
            net.expect_error(KeyError)
        ada.emit("fail")
        assert str(net.expect_error(ValueError)) == "it failed"
        ada.emit("fail")
        ada.emit("fail")
        with pytest.raises(NetworkAssertionError, match=r"it failed.*\n.*it failed"):
            net.settle()


def test_the_application_s_own_hook_is_called_and_does_not_hide_errors(caplog: pytest.LogCaptureFixture) -> None:
    io = make_chat()
    seen: list[tuple[Exception, str]] = []
    io.on_error(lambda error, where: seen.append((error, where)))
    with Network(io) as net:
        ada = net.connect()
        ada.emit("fail")
        error = net.expect_error(ValueError)
        assert seen == [(error, "a handler of fail")]

        @io.on_error
        def close(error: Exception, where: str) -> OnError:
            return OnError.CLOSE

        ada.emit("fail")
        net.expect_error(ValueError)
        assert ada.disconnect_reason == "transport close"
    assert io.engine.errors.hook is close
    assert [record.message for record in caplog.records] == ["error in a handler of fail"]


def test_without_a_hook_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Network(make_chat()) as net:
        net.connect().emit("fail")
        net.expect_error(ValueError)
    assert caplog.records == []


def test_a_hook_stops_the_server() -> None:
    io = make_chat()
    io.on_error(lambda error, where: OnError.STOP)
    with Network(io) as net:
        ada = net.connect()
        ada.emit("fail")
        net.expect_error(ValueError)
        assert ada.disconnect_reason == "transport close"
        refused = net.connect().connect_error
        assert refused is not None
        assert refused.status == 503


def test_errors_come_out_at_the_end() -> None:
    net = Network(make_chat())
    net.connect().emit("fail")
    with pytest.raises(NetworkAssertionError, match="it failed"):
        net.close()
    net.close()  # a second time does nothing
    with pytest.raises(LocalProtocolError, match="closed"):
        net.connect()


def test_what_fails_says_why_nothing_comes() -> None:
    with Network(make_chat()) as net:
        ada, eve = net.connect(), net.connect("/closed")
        ada.cut()
        with pytest.raises(
            NetworkAssertionError, match=r"has received nothing more: it is disconnected \(transport close\)\n"
        ):
            ada.expect("news")
        with pytest.raises(NetworkAssertionError, match=r"nothing more: it was not let in \(closed\)\n"):
            eve.expect("news")
        with pytest.raises(LocalProtocolError, match=r"bob is not connected to /closed: it was not let in \(closed\)$"):
            eve.emit("news")


def test_handlers_have_some_time_to_end() -> None:
    io = Server()
    ended: list[float] = []
    with Network(io) as net:

        @io.on("work")
        async def work(socket: Socket) -> None:
            await net.sleep(9.0)
            ended.append(net.now)

        net.connect().emit("work")
    assert ended == [9.0]


def test_handlers_that_do_not_end_are_told_of() -> None:
    io = Server()
    ended: list[str] = []
    net = Network(io)

    @io.on("work")
    async def work(socket: Socket) -> None:
        try:
            await net.sleep(1e6)
        finally:
            ended.append("cancelled")

    net.connect().emit("work")
    with pytest.raises(NetworkAssertionError, match=r"still running when the network closed: .*work, line \d+"):
        net.close()
    assert ended == ["cancelled"]


def test_closing_ends_sessions_that_wait_for_a_poll() -> None:
    io = make_chat()
    with Network(io) as net:
        ada = net.connect(transport="polling")
        ada.stall()
    assert io.engine.sessions == {}


def fail(error: Exception, *, seed: int | None = None, event: str = "say") -> None:
    """A test that fails like this."""
    with Network(make_chat(), seed=seed) as net:
        net.connect(transport="websocket").emit(event)
        raise error


def test_an_assertion_of_the_test_is_told_what_went_over_the_wire() -> None:
    with pytest.raises(AssertionError) as info:
        fail(AssertionError("of the test"), seed=5)
    assert str(info.value) == "of the test"
    (note,) = info.value.__notes__
    assert note.startswith("the wire (seed 5), up to 0.000 s:\n")
    assert "ada   -> ws    40" in note


def test_a_failure_of_the_kit_says_it_itself() -> None:
    with pytest.raises(NetworkAssertionError) as info:
        fail(NetworkAssertionError("of the kit"))
    assert not hasattr(info.value, "__notes__")


def test_errors_do_not_hide_the_failure_that_was_first() -> None:
    with pytest.raises(KeyError):
        fail(KeyError(), event="fail")
