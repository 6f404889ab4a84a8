"""The heap of deadlines."""

from collections.abc import Callable
from sys import getrefcount
from weakref import ReferenceType, ref

import pytest

from sansio_eio.deadlines import Deadlines

NOW = float("-inf")


def nothing(_now: float) -> None: ...


class Owner:
    """Writes down when it expired, and then does what it was told."""

    def __init__(self, then: Callable[[float], object] = nothing) -> None:
        self.expired: list[float] = []
        self.then = then

    def expire(self, *, now: float) -> None:
        self.expired.append(now)
        self.then(now)


def test_nothing_is_due_when_there_is_nothing() -> None:
    deadlines = Deadlines()
    assert deadlines.next() is None
    assert len(deadlines) == 0
    deadlines.expire_due(now=5.0)
    assert deadlines.next() is None


def test_a_deadline_expires_once_at_its_time() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.at(owner, 10.0)
    assert deadlines.next() == 10.0
    deadlines.expire_due(now=9.999)
    assert owner.expired == []
    deadlines.expire_due(now=10.0)
    deadlines.expire_due(now=11.0)
    assert owner.expired == [10.0]
    assert deadlines.next() is None
    assert len(deadlines) == 0


def test_the_earliest_deadline_comes_first_and_equal_ones_in_the_order_of_setting() -> None:
    deadlines, order = Deadlines(), list[str]()
    b, a, c = (
        Owner(lambda _: order.append("b")),
        Owner(lambda _: order.append("a")),
        Owner(lambda _: order.append("c")),
    )
    for owner, when in ((b, 2.0), (a, 1.0), (c, 2.0)):
        deadlines.at(owner, when)
    assert deadlines.next() == 1.0
    deadlines.expire_due(now=3.0)
    assert order == ["a", "b", "c"]


@pytest.mark.parametrize("moves", [(10.0, 20.0), (10.0, 5.0), (10.0, 5.0, 10.0), (10.0, 20.0, 5.0), (10.0, 5.0, 20.0)])
def test_the_last_setting_counts(moves: tuple[float, ...]) -> None:
    deadlines, owner = Deadlines(), Owner()
    for when in moves:
        deadlines.at(owner, when)
    assert len(deadlines) == 1
    assert deadlines.next() == moves[-1]
    deadlines.expire_due(now=100.0)
    assert owner.expired == [100.0]
    assert deadlines.next() is None


def test_a_deadline_that_was_moved_away_does_not_expire_at_the_old_time() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.at(owner, 10.0)
    deadlines.at(owner, 30.0)
    deadlines.expire_due(now=20.0)
    assert owner.expired == []
    assert deadlines.next() == 30.0


def test_a_cancelled_deadline_does_not_expire_and_can_be_set_again() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.cancel(owner)
    deadlines.at(owner, 10.0)
    deadlines.cancel(owner)
    assert len(deadlines) == 0
    assert deadlines.next() is None
    deadlines.at(owner, 12.0)
    deadlines.at(owner, 11.0)
    deadlines.cancel(owner)
    deadlines.at(owner, 12.0)
    deadlines.expire_due(now=11.0)
    assert owner.expired == []
    deadlines.expire_due(now=12.0)
    assert owner.expired == [12.0]


def test_after_starts_to_count_at_the_next_round() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.after(owner, 5.0)
    assert len(deadlines) == 1
    assert deadlines.next() == NOW
    deadlines.expire_due(now=100.0)
    assert owner.expired == []
    assert deadlines.next() == 105.0
    deadlines.expire_due(now=105.0)
    assert owner.expired == [105.0]


def test_after_and_at_replace_each_other() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.at(owner, 1.0)
    deadlines.after(owner, 5.0)
    assert len(deadlines) == 1
    deadlines.expire_due(now=2.0)
    assert owner.expired == []
    assert deadlines.next() == 7.0
    deadlines.after(owner, 5.0)
    deadlines.at(owner, 3.0)
    assert len(deadlines) == 1
    assert deadlines.next() == 3.0


def test_after_can_be_cancelled() -> None:
    deadlines, owner = Deadlines(), Owner()
    deadlines.after(owner, 5.0)
    deadlines.cancel(owner)
    assert deadlines.next() is None
    deadlines.expire_due(now=100.0)
    assert owner.expired == []


def test_what_is_set_for_the_same_instant_waits_for_the_next_round() -> None:
    deadlines = Deadlines()
    owner = Owner(lambda now: deadlines.at(owner, now))
    deadlines.at(owner, 1.0)
    deadlines.expire_due(now=1.0)
    assert owner.expired == [1.0]
    assert deadlines.next() == 1.0


def test_a_deadline_that_is_cancelled_in_the_round_it_is_due_in_does_not_expire() -> None:
    deadlines, second = Deadlines(), Owner()
    first = Owner(lambda _: deadlines.cancel(second))
    deadlines.at(first, 1.0)
    deadlines.at(second, 2.0)
    deadlines.expire_due(now=2.0)
    assert first.expired == [2.0]
    assert second.expired == []
    assert len(deadlines) == 0


@pytest.mark.parametrize("again", ["at", "after"])
def test_a_deadline_that_is_put_off_in_the_round_it_is_due_in_expires_later(again: str) -> None:
    deadlines, second = Deadlines(), Owner()

    def put_off(now: float) -> None:
        if again == "at":
            deadlines.at(second, now + 8.0)
        else:
            deadlines.after(second, 8.0)

    deadlines.at(Owner(put_off), 1.0)
    deadlines.at(second, 2.0)
    deadlines.expire_due(now=2.0)
    assert second.expired == []
    deadlines.expire_due(now=2.0)
    assert deadlines.next() == 10.0
    deadlines.expire_due(now=10.0)
    assert second.expired == [10.0]


def test_an_exception_of_one_owner_keeps_the_others_for_the_next_round() -> None:
    deadlines, second = Deadlines(), Owner()

    def fail(_now: float) -> None:
        raise ZeroDivisionError

    deadlines.at(Owner(fail), 1.0)
    deadlines.at(second, 2.0)
    with pytest.raises(ZeroDivisionError):
        deadlines.expire_due(now=2.0)
    assert len(deadlines) == 1
    assert deadlines.next() == NOW
    deadlines.expire_due(now=2.0)
    assert second.expired == [2.0]


def test_cancelled_deadlines_do_not_pile_up() -> None:
    deadlines, staying = Deadlines(), [Owner() for _ in range(10)]
    for owner in staying:
        deadlines.at(owner, 50.0)
    gone = list[ReferenceType[Owner]]()
    for _ in range(10_000):
        owner = Owner()
        gone.append(ref(owner))
        deadlines.at(owner, 60.0)
        deadlines.cancel(owner)
    assert len([owner for owner in gone if owner() is not None]) < 200
    deadlines.expire_due(now=50.0)
    assert [owner.expired for owner in staying] == [[50.0]] * 10
    assert deadlines.next() is None


def test_a_deadline_set_nearer_and_nearer_does_not_pile_up() -> None:
    deadlines, owner = Deadlines(), Owner()
    for count in range(10_000):
        deadlines.at(owner, 10_000.0 - count)
        deadlines.at(owner, 20_000.0)
    # Each entry of the heap is a reference.
    assert getrefcount(owner) < 200
    assert deadlines.next() == 20_000.0
    deadlines.expire_due(now=20_000.0)
    assert owner.expired == [20_000.0]
