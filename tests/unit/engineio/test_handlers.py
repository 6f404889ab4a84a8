"""The application's handlers, and how they are run without an event loop."""

import gc
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from sansio_eio.engineio import EngineServer, Session
from sansio_eio.engineio.handlers import (
    FAILED,
    ErrorHook,
    Handler,
    HandlerTable,
    Hook,
    Listening,
    OnError,
    call,
    call_inline,
    close_awaitable,
    must_be_awaited,
    start,
)
from sansio_eio.engineio.runtime import Runtime
from sansio_eio.errors import LocalProtocolError
from tests.unit.engineio.driving import Driver, Gate


class Host:
    """What handlers need of a session."""

    lock = None

    def __init__(self, runtime: Runtime | None = None) -> None:
        self.runtime = runtime
        #: Handlers that run beside the others.
        self.concurrent = 0
        self.reported: list[tuple[Exception, str]] = []

    def report(self, error: Exception, where: str) -> None:
        self.reported.append((error, where))

    def begin_concurrent(self) -> Runtime | None:
        self.concurrent += self.runtime is not None
        return self.runtime

    def end_concurrent(self) -> None:
        self.concurrent -= 1


class Listener(Listening):
    def __init__(self) -> None:
        self.table = HandlerTable()

    @property
    def lock(self) -> None:
        return None

    def handler_table(self, event: str | float) -> HandlerTable:
        if event == "unknown":
            raise LocalProtocolError("no such event")
        return self.table


def functions(table: HandlerTable, event: str | float) -> list[object]:
    return [handler.function for handler in table.get(event)]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """To the end, without waiting for anything."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_handlers_are_kept_in_order_by_event() -> None:
    table = HandlerTable()
    table.add("a", print)
    table.add("a", len, concurrent=True)
    table.add(7, repr)
    assert functions(table, "a") == [print, len]
    assert [handler.concurrent for handler in table.get("a")] == [False, True]
    assert functions(table, 7) == [repr]
    assert table.get("b") == ()
    assert "a" in table
    assert "b" not in table


def test_a_handler_must_be_callable() -> None:
    table, nothing = HandlerTable(), None
    with pytest.raises(LocalProtocolError, match="must be a function, not None"):
        table.add("a", nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert "a" not in table


def test_handlers_are_removed_one_or_all() -> None:
    table = HandlerTable()
    for function in (print, len, repr):
        table.add("a", function)
    table.remove("a", len)
    assert functions(table, "a") == [print, repr]
    table.remove("a", len)
    table.remove("b", len)
    assert functions(table, "a") == [print, repr]
    table.remove("a")
    assert "a" not in table
    table.add("a", len)
    table.remove("a", len)
    assert "a" not in table


def test_a_copy_goes_its_own_way() -> None:
    table = HandlerTable()
    table.add("a", print)
    copy = table.copy()
    copy.add("a", len)
    assert functions(table, "a") == [print]
    assert functions(copy, "a") == [print, len]


def test_on_is_a_decorator_and_a_method() -> None:
    listener = Listener()

    @listener.on("a")
    def first() -> None: ...

    @listener.on("a", concurrent=True)
    async def second() -> None: ...

    def third() -> None: ...

    assert listener.on("a", third) is third
    assert functions(listener.table, "a") == [first, second, third]
    assert [handler.concurrent for handler in listener.table.get("a")] == [False, True, False]
    listener.off("a", first)
    assert functions(listener.table, "a") == [second, third]
    listener.off("a")
    assert functions(listener.table, "a") == []


def test_an_event_that_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(LocalProtocolError, match="no such event"):
        Listener().on("unknown")


class Stopper:
    """What an error hook may stop, and the session that it may close."""

    def __init__(self, *, served: bool = True) -> None:
        self.served = served
        self.stopped: list[Exception] = []
        self.closed = 0

    def stop(self, error: Exception) -> bool:
        self.stopped.append(error)
        return self.served

    def close(self) -> None:
        self.closed += 1


def error_hook(hook: Hook | None = None, stopper: Stopper | None = None) -> ErrorHook:
    errors = ErrorHook((stopper or Stopper()).stop)
    errors.hook = hook
    return errors


def test_errors_go_to_the_hook(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[tuple[Exception, str]] = []
    error, stopper = ValueError("x"), Stopper()
    errors = error_hook(lambda error, where: reported.append((error, where)), stopper)
    errors.report(error, "a test", stopper)
    assert reported == [(error, "a test")]
    assert (caplog.records, stopper.stopped, stopper.closed) == ([], [], 0)


@pytest.mark.parametrize(
    ("verdict", "served", "logged", "stopped", "closed"),
    [
        (None, True, 0, 0, 0),
        (OnError.LOG, True, 1, 0, 0),
        (OnError.CLOSE, True, 1, 0, 1),
        (OnError.STOP, True, 0, 1, 0),
        (OnError.STOP, False, 1, 1, 0),
    ],
)
def test_the_hook_decides(
    verdict: OnError | None, served: bool, logged: int, stopped: int, closed: int, caplog: pytest.LogCaptureFixture
) -> None:
    stopper = Stopper(served=served)
    errors = error_hook(lambda _error, _where: verdict, stopper)
    error = ValueError("x")
    errors.report(error, "a test", stopper)
    assert [record.getMessage() for record in caplog.records] == ["error in a test"] * logged
    assert (stopper.stopped, stopper.closed) == ([error] * stopped, closed)


def test_there_may_be_no_session_to_close(caplog: pytest.LogCaptureFixture) -> None:
    error_hook(lambda _error, _where: OnError.CLOSE).report(ValueError("x"), "a test")
    assert [record.getMessage() for record in caplog.records] == ["error in a test"]


def test_a_verdict_that_is_none_of_them_is_logged_with_the_error(caplog: pytest.LogCaptureFixture) -> None:
    def hook(_error: Exception, _where: str) -> Any:
        return "close"

    error_hook(hook).report(ValueError("x"), "a test")
    assert [record.getMessage() for record in caplog.records] == ["the on_error hook itself failed", "error in a test"]


def test_errors_go_to_the_log_where_there_is_no_hook(caplog: pytest.LogCaptureFixture) -> None:
    error_hook().report(ValueError("x"), "a test")
    [record] = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == ("sansio_eio", logging.ERROR, "error in a test")
    assert record.exc_info is not None


def test_a_hook_that_fails_is_logged_with_the_error(caplog: pytest.LogCaptureFixture) -> None:
    def fail(error: Exception, where: str) -> None:
        raise ZeroDivisionError(where) from error

    error_hook(fail).report(ValueError("x"), "a test")
    assert [record.getMessage() for record in caplog.records] == ["the on_error hook itself failed", "error in a test"]


def test_what_must_be_awaited() -> None:
    async def coroutine() -> None: ...

    started = coroutine()
    assert must_be_awaited(started)
    close_awaitable(started)
    assert must_be_awaited(Gate())
    close_awaitable(Gate())
    assert not must_be_awaited(None)
    assert not must_be_awaited("x")


def test_a_function_that_nobody_can_wait_for() -> None:
    host, seen = Host(), list[object]()
    error = ValueError("x")

    async def slow() -> None: ...

    def fail() -> None:
        raise error

    call_inline(lambda *args: seen.append(args), (1, 2), host, "a hook")
    call_inline(fail, (), host, "a hook")
    call_inline(slow, (), host, "another")
    assert seen == [(1, 2)]
    assert host.reported[0] == (error, "a hook")
    assert str(host.reported[1][0]).endswith("must be a plain def")
    assert len(host.reported) == 2


def test_plain_handlers_are_done_at_once_and_in_order() -> None:
    host, order, results = Host(), list[object](), list[object]()
    table = HandlerTable()

    def second(*args: int) -> str:
        order.append(("second", args))
        return "result"

    table.add("a", lambda *args: order.append(("first", args)))
    table.add("a", second)
    assert start(call(table.get("a"), (1, 2), host, "a", results.append)) is None
    assert order == [("first", (1, 2)), ("second", (1, 2))]
    assert results == [None, "result"]


def test_an_exception_stops_only_its_own_handler() -> None:
    host, results = Host(), list[object]()
    error = ValueError("x")

    def fail() -> None:
        raise error

    table = HandlerTable()
    table.add("a", fail)
    table.add("a", lambda: "fine")
    assert start(call(table.get("a"), (), host, "a", results.append)) is None
    assert host.reported == [(error, "a handler of a")]
    assert results == [FAILED, "fine"]


def test_an_async_handler_holds_the_ones_behind_it() -> None:
    host, gate, results = Host(), Gate(), list[object]()
    error = ValueError("x")

    async def wait() -> object:
        return await gate

    async def fail() -> None:
        raise error

    table = HandlerTable()
    for function in (wait, fail, lambda: "last"):
        table.add("a", function)
    rest = start(call(table.get("a"), (), host, "a", results.append))
    assert rest is not None
    rest.send(None)
    assert results == []
    gate.open("first")
    run(rest)
    assert results == ["first", FAILED, "last"]
    assert host.reported == [(error, "a handler of a")]


def test_without_a_done_function_results_are_forgotten() -> None:
    host, table = Host(), HandlerTable()
    table.add("a", lambda: "x")
    assert start(call(table.get("a"), (), host, "a")) is None
    assert host.reported == []


def test_a_concurrent_handler_holds_nothing() -> None:
    driver = Driver(EngineServer())
    host, gate, results = Host(driver), Gate(), list[object]()

    async def wait() -> object:
        return await gate

    table = HandlerTable()
    table.add("a", wait, concurrent=True)
    table.add("a", lambda: "plain", concurrent=True)
    table.add("a", lambda: "last")
    assert start(call(table.get("a"), (), host, "a", results.append)) is None
    assert results == ["last"]
    assert host.concurrent == 2
    driver.pump()
    assert results == ["last", "plain"]
    gate.open("first")
    driver.pump()
    assert results == ["last", "plain", "first"]
    assert host.concurrent == 0


def test_a_concurrent_handler_that_fails_is_reported() -> None:
    driver = Driver(EngineServer())
    host, results = Host(driver), list[object]()
    error = ValueError("x")

    def fail() -> None:
        raise error

    table = HandlerTable()
    table.add("a", fail, concurrent=True)
    assert start(call(table.get("a"), (), host, "a", results.append)) is None
    driver.pump()
    assert results == [FAILED]
    assert host.reported == [(error, "a handler of a")]
    assert host.concurrent == 0


def test_a_session_has_so_many_concurrent_handlers() -> None:
    driver = Driver(EngineServer(max_concurrent=2)).installed()
    gates = [Gate() for _ in range(4)]
    begun: list[int] = []
    done: list[int] = []

    @driver.app.on("connection")
    def connected(session: Session) -> None:
        @session.on("message", concurrent=True)
        async def received(data: str) -> None:
            begun.append(int(data))
            await gates[int(data)]
            done.append(int(data))

    websocket = driver.websocket().websocket
    websocket.say("40", "41", "42", "43")
    driver.pump()
    # The third one takes its turn, and the fourth waits for it.
    assert sorted(begun) == [0, 1, 2]
    gates[0].open()
    driver.pump()
    assert (sorted(begun), done) == ([0, 1, 2], [0])
    gates[2].open()
    driver.pump()
    driver.pump()
    assert (begun[3:], done) == ([3], [0, 2])
    gates[3].open()
    gates[1].open()
    driver.pump()
    assert sorted(done) == [0, 1, 2, 3]


def test_a_concurrent_handler_that_nothing_drives_takes_its_turn() -> None:
    host, results = Host(), list[object]()

    async def soon() -> str:
        return "first"

    table = HandlerTable()
    table.add("a", soon, concurrent=True)
    table.add("a", lambda: "last")
    rest = start(call(table.get("a"), (), host, "a", results.append))
    assert rest is not None
    run(rest)
    assert results == ["first", "last"]
    assert host.reported == []


def test_a_hook_that_would_have_to_be_awaited_is_logged_with_the_error(caplog: pytest.LogCaptureFixture) -> None:
    async def late(error: Exception, where: str) -> None:
        raise AssertionError(f"nobody awaits this: {error} {where}")

    def hook(error: Exception, where: str) -> Any:
        return late(error, where)

    error_hook(hook).report(ValueError("x"), "a test")
    assert [record.getMessage() for record in caplog.records] == ["the on_error hook itself failed", "error in a test"]


def test_a_coroutine_that_is_never_begun_does_not_complain() -> None:
    """What a driver had no time for is thrown away. A warning is an error here."""
    host, results = Host(), list[object]()

    async def handler() -> None:
        results.append("it has run")

    rest = start(call((Handler(handler),), (), host, "event", results.append))
    assert rest is not None
    rest.close()
    del rest
    gc.collect()
    assert results == []
