"""A small future that belongs to no event loop."""

from contextlib import nullcontext

import pytest

from sansio_eio.engineio import EngineServer, Pending
from sansio_eio.errors import LocalProtocolError
from tests.unit.engineio.driving import Driver


def ended(pending: Pending[str]) -> str:
    return pending.value


def test_there_is_no_value_before_the_end() -> None:
    pending = Pending[str](EngineServer())
    assert not pending.done
    assert pending.error is None
    with pytest.raises(LocalProtocolError, match="no value yet"):
        ended(pending)


def test_the_first_end_counts() -> None:
    pending = Pending[str](EngineServer())
    pending.resolve("a")
    pending.resolve("b")
    pending.fail(ValueError("c"))
    assert pending.done
    assert pending.value == "a"
    assert pending.error is None


def test_an_error_is_raised_where_the_value_is_asked_for() -> None:
    pending, error = Pending[str](EngineServer()), ValueError("x")
    pending.fail(error)
    pending.resolve("a")
    assert pending.done
    assert pending.error is error
    with pytest.raises(ValueError, match="x"):
        ended(pending)


def test_callbacks_are_called_once_in_order_and_at_once_after_the_end() -> None:
    pending, seen = Pending[str](EngineServer()), list[tuple[str, object]]()
    pending.add_done_callback(lambda p: seen.append(("first", p)))
    pending.add_done_callback(lambda p: seen.append(("second", p)))
    assert seen == []
    pending.resolve("a")
    pending.add_done_callback(lambda p: seen.append(("third", p)))
    assert seen == [("first", pending), ("second", pending), ("third", pending)]


def test_an_exception_of_a_callback_is_reported_and_stops_no_other() -> None:
    engine, seen, reported = EngineServer(), list[str](), list[tuple[Exception, str]]()
    engine.on_error(lambda error, where: reported.append((error, where)))
    pending, error = Pending[str](engine), ValueError("x")

    def fail(_: Pending[str]) -> None:
        raise error

    pending.add_done_callback(fail)
    pending.add_done_callback(lambda p: seen.append(p.value))
    pending.resolve("a")
    assert seen == ["a"]
    assert reported == [(error, "a callback")]


def test_it_is_awaited_with_the_help_of_the_driver() -> None:
    driver = Driver().installed()
    first, second, seen = Pending[str](driver.app), Pending[str](driver.app), list[object]()

    async def wait() -> None:
        seen.append(await first)
        try:
            await second
        except ValueError as error:
            seen.append(error)
        # What has ended already is not waited for.
        seen.append(await first)

    driver.start(wait())
    driver.pump()
    assert seen == []
    first.resolve("a")
    driver.pump()
    assert seen == ["a"]
    error = ValueError("x")
    second.fail(error)
    driver.pump()
    assert seen == ["a", error, "a"]


def test_what_nobody_drives_cannot_be_awaited() -> None:
    async def wait() -> str:
        return await Pending[str](EngineServer())

    with pytest.raises(LocalProtocolError, match="nothing serves this object"):
        wait().send(None)


def test_it_keeps_the_lock_of_a_driver_that_has_gone() -> None:
    """Threads may still be using it when the next driver comes."""
    engine, lock = EngineServer(), nullcontext()
    pending = Pending[str](engine)
    engine.lock = lock
    assert pending.lock is lock


def test_a_callback_that_is_not_wanted_any_more() -> None:
    pending = Pending[int](EngineServer())
    called: list[object] = []
    pending.add_done_callback(called.append)
    pending.add_done_callback(print)
    pending.remove_done_callback(called.append)
    pending.remove_done_callback(called.append)
    pending.remove_done_callback(print)
    pending.resolve(1)
    pending.remove_done_callback(print)
    assert called == []
