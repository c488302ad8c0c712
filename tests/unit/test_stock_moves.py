"""What a batch adds to a stock line, and for which counters of it it would do the same."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservations.stock_moves import StockAsked
from schemas.stock import StockKey, StockLine, StockMove
from tests.unit.story import Happens, parse
from tests.unit.world import story

KEY = StockKey("acme", "lamp", "")


def line(available: int, *, reserved: int = 0, short: int = 0, tracked: bool = True) -> StockLine:
    return StockLine(KEY, tracked, available + reserved, reserved, 0, 0, short)


def move_of(asked: StockAsked, before: StockLine, after: StockLine | None = None) -> StockMove:
    (move,) = asked.moves({KEY: before}, {} if after is None else {KEY: after})
    return move


def bounds(move: StockMove, near: int) -> tuple[int | None, int | None]:
    """Give the bounds of what may be available; None: anything."""
    far = 1 << 61
    return (
        move.low if abs(move.low - near) < far else None,
        move.high if abs(move.high - near) < far else None,
    )


def test_a_line_that_was_neither_asked_nor_changed_is_not_moved() -> None:
    assert StockAsked().moves({KEY: line(5)}, {}) == []


def test_what_was_granted_needs_as_much_to_be_there() -> None:
    asked = StockAsked()
    assert asked.has_available(line(9), 2)
    assert bounds(move_of(asked, line(9)), near=9) == (2, None)


def test_the_last_unit_can_be_granted() -> None:
    asked = StockAsked()
    assert asked.has_available(line(2), 2)
    assert bounds(move_of(asked, line(2)), near=2) == (2, None)


def test_what_was_refused_needs_as_little_to_be_there() -> None:
    asked = StockAsked()
    assert not asked.has_available(line(3), 5)
    assert bounds(move_of(asked, line(3)), near=3) == (None, 4)


def test_both_in_one_batch_bound_both_ways() -> None:
    asked = StockAsked()
    assert not asked.has_available(line(3), 4)
    assert asked.has_available(line(3), 3)
    assert bounds(move_of(asked, line(3)), near=3) == (3, 3)


def test_of_many_answers_the_narrowest_counts() -> None:
    asked = StockAsked()
    for quantity in (1, 4, 2, 9, 7, 8):
        asked.has_available(line(5), quantity)
    assert bounds(move_of(asked, line(5)), near=5) == (4, 6)


def test_a_question_about_what_is_short_bounds_nothing_else() -> None:
    asked, before = StockAsked(), line(4, short=3)
    assert asked.short(before) == 3
    move = move_of(asked, before)
    assert (move.short, bounds(move, near=4)) == (3, (None, None))


def test_what_is_added_is_told_counter_by_counter() -> None:
    before = StockLine(KEY, True, 50, 10, 20, 30, 5)
    after = StockLine(KEY, True, 51, 12, 23, 34, 10)
    assert move_of(StockAsked(), before, after)[7:] == (1, 2, 3, 4, 5)


def test_a_line_is_told_as_it_was() -> None:
    before, after = line(4, short=2, tracked=False), line(1, short=1, tracked=False)
    move = move_of(StockAsked(), before, after)
    assert (*move[:3], move.tracked, move.short, move.short_by) == (*KEY, False, 2, -1)


@pytest.mark.parametrize("available", [-(10**12), 0, 10**12])
def test_bounds_are_numbers_that_postgres_can_hold(available: int) -> None:
    asked, before = StockAsked(), line(available)
    asked.short(before)
    move = move_of(asked, before)
    assert -(1 << 63) <= move.low < -(1 << 61) < (1 << 61) < move.high < 1 << 63


def moves_of(text: str, happens: str) -> list[StockMove]:
    """Tell a story, and give the moves of what happens then, before it is saved."""
    world = story(text)
    batch = [step for step in parse(happens) if isinstance(step, Happens)]
    return world.decided(batch).stock_moves()


def test_a_warning_is_right_for_as_many_as_are_short() -> None:
    (move,) = moves_of(
        """
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 1
        """,
        "10:02 tick",
    )
    assert (move.product_id, move.short, *move[7:]) == ("moon-lamp", 1, 0, 0, 0, 0, 0)


def test_a_refusal_is_a_move_of_nothing() -> None:
    (move,) = moves_of("stock moon-lamp 2", "10:00 admit ada moon-lamp 3")
    assert (move.high, *move[7:]) == (2, 0, 0, 0, 0, 0)


def test_an_end_after_the_payment_asks_for_nothing() -> None:
    sold = """
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:01  paid ada
        """
    assert moves_of(sold, "10:02 left ada") == []


class Asking(NamedTuple):
    """A question, and what the batch takes or gives back after it, whatever the answer."""

    quantity: int
    then: int


def answers(available: int, script: list[Asking], asked: StockAsked) -> list[bool]:
    here, found = line(available, reserved=40), []
    for one in script:
        found.append(asked.has_available(here, one.quantity))
        here.reserved += one.then
    return found


@given(
    st.integers(-20, 40),
    st.lists(st.builds(Asking, st.integers(1, 20), st.integers(-20, 20)), max_size=6),
    st.integers(-100, 100),
)
def test_answers_stay_the_same_within_the_bounds_and_nowhere_else(
    available: int, script: list[Asking], other: int
) -> None:
    asked = StockAsked()
    before = line(available, reserved=40)
    first = answers(available, script, asked)
    low, high = -(1 << 63), 1 << 63
    for move in asked.moves({KEY: before}, {}):
        low, high = move.low, move.high

    assert low <= available <= high
    assert (answers(other, script, StockAsked()) == first) == (low <= other <= high)
