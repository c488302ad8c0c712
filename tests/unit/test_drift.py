"""What a stock line that has drifted needs, and which step of a worker would explain it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reservations.book import Book
from reservations.decide import decide
from reservations.drift import Mended, Place, mend, moves_for
from reservations.drift_cause import Missed, missed_step
from reservations.strategies import EFFECTS
from schemas.adjusted import Adjusted, Adjustment, Counter, CounterChange
from schemas.drift import LineCounts, PoolCounts
from schemas.events import Arrival, Cause, ExpiryTick
from schemas.identity import time_ordered_id
from schemas.outcomes import OutcomeCause
from schemas.stock import StockKey

KEY = StockKey("acme", "lamp", "")
RIGHT = LineCounts(KEY, True, 20, 8, 3, 2, 4, 1, 3, 2, 4, (PoolCounts("salon", 8, 4, 3, 3, 1),))
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
LINE: tuple[Counter, ...] = ("received", "on_hand", "reserved", "allocated", "sold", "short")
UNITS = st.integers(0, 50)


def places(line: LineCounts) -> dict[Place, int]:
    found: dict[Place, int] = {(name, None): getattr(line, name) for name in LINE}
    for pool in line.pools:
        found["pool_filled", pool.experience_id] = pool.filled or 0
        found["pool_available", pool.experience_id] = pool.available
        found["pool_allocated", pool.experience_id] = pool.allocated
    return found


def moved(line: LineCounts, changes: Mapping[Place, int]) -> LineCounts:
    """Give a line whose counters somebody has changed, and whose rows are as they were."""
    units = {place: n + changes.get(place, 0) for place, n in places(line).items()}
    pools = tuple(
        pool._replace(
            filled=units["pool_filled", pool.experience_id],
            available=units["pool_available", pool.experience_id],
            allocated=units["pool_allocated", pool.experience_id],
        )
        for pool in line.pools
    )
    values = line._asdict() | {name: units[name, None] for name in LINE} | {"pools": pools}
    return LineCounts(**values)


@st.composite
def lines(draw: st.DrawFn) -> LineCounts:
    """A tracked line and its pools, of any counters, right or wrong."""
    pools = tuple(
        PoolCounts(name, *(draw(UNITS) for _ in range(5)))
        for name in draw(st.sampled_from([(), ("salon",), ("salon", "vault")]))
    )
    return LineCounts._make([KEY, True, *(draw(UNITS) for _ in range(9)), pools])


def test_a_line_that_is_right_needs_nothing() -> None:
    assert (RIGHT.units, RIGHT.unexplained, moves_for(RIGHT)) == (0, 0, {})


@pytest.mark.parametrize("place", places(RIGHT))
@pytest.mark.parametrize("units", [-1, 2])
def test_one_counter_that_was_changed_is_changed_back(place: Place, units: int) -> None:
    if place[0] == "received":  # what was received is what an import says: on_hand follows it
        expected: dict[Place, int] = {("on_hand", None): units}
    elif place[0] == "short":  # nothing says what it was, and on_hand is what is left over
        expected = {("on_hand", None): units}
    else:
        expected = {place: -units}
    line = moved(RIGHT, {place: units})

    assert line.units > 0
    assert moves_for(line) == expected


@given(lines())
def test_whatever_was_wrong_is_right_after(line: LineCounts) -> None:
    now = places(line)

    mended = mend(now, moves_for(line), tracked=True)

    assert mended is not None
    after = dict(mended.units)
    after["received", None] += mended.lacking
    after["on_hand", None] += mended.lacking
    repaired = moved(line, {place: after[place] - n for place, n in now.items()})
    assert moves_for(repaired) == {}
    assert repaired.units == 0
    assert min(n for place, n in after.items() if place[0] != "received") >= 0
    assert repaired.on_hand >= repaired.reserved
    assert after["received", None] - mended.lacking == line.received


@given(lines(), st.sampled_from(sorted(EFFECTS)), st.integers(1, 9))
def test_what_workers_do_meanwhile_changes_nothing_of_it(
    line: LineCounts, movement: tuple[str, str], units: int
) -> None:
    """A batch moves a counter and its rows by the same."""
    effect = EFFECTS[movement]  # type: ignore[index]
    pools = [
        pool._replace(
            filled=(pool.filled or 0) + effect.pool_filled * units,
            available=pool.available + effect.pool_available * units,
            allocated=pool.allocated + effect.pool_allocated * units,
            made_allocated=pool.made_allocated + effect.pool_allocated * units,
            made_sold=pool.made_sold + (effect.sold * units if movement[0] == "pool" else 0),
        )
        for pool in line.pools[:1]
    ]
    assume(movement[0] != "pool" or pools)
    later = line._replace(
        on_hand=line.on_hand + effect.on_hand * units,
        reserved=line.reserved + effect.reserved * units,
        allocated=line.allocated + effect.allocated * units,
        sold=line.sold + effect.sold * units,
        made_reserved=line.made_reserved + effect.reserved * units,
        made_allocated=line.made_allocated + effect.allocated * units,
        made_sold=line.made_sold + effect.sold * units,
        short=line.short + effect.short * units,
        pools=(*pools, *line.pools[1:]),
    )
    assume(not line.short_beyond and not later.short_beyond)

    assert moves_for(later) == moves_for(line)


def test_an_untracked_line_keeps_nothing_on_hand() -> None:
    untracked = LineCounts(KEY, False, 5, 0, 2, 0, 4, 1, 3, 0, 4)

    moves = moves_for(untracked)
    mended = mend(places(untracked), moves, tracked=False)

    assert moves == {("received", None): -5, ("reserved", None): 1, ("short", None): -1}
    assert mended is not None
    assert mended.lacking == 0


def test_a_pool_that_is_gone_is_what_its_rows_make() -> None:
    gone = PoolCounts("salon", None, 0, 0, made_allocated=3, made_sold=1)

    assert moves_for(RIGHT._replace(pools=(gone,))) == {
        ("pool_filled", "salon"): 4,
        ("pool_allocated", "salon"): 3,
        ("on_hand", None): 4,
    }


def test_a_pool_that_lacks_units_takes_them_from_the_line() -> None:
    poor = RIGHT.pools[0]._replace(filled=2, available=-2)
    line = RIGHT._replace(on_hand=14, pools=(poor,))

    mended = mend(places(line), moves_for(line), tracked=True)

    assert mended is not None
    assert mended.units["pool_filled", "salon"] == 4
    assert mended.units["pool_available", "salon"] == 0
    assert mended.units["on_hand", None] == 12


def test_a_pool_that_lacks_one_unit_takes_it_from_the_line() -> None:
    now = places(RIGHT) | {("pool_available", "salon"): 0}

    mended = mend(now, {("pool_available", "salon"): -1}, tracked=True)

    assert mended is not None
    assert mended.units["pool_available", "salon"] == 0
    assert mended.units["pool_filled", "salon"] == 9
    assert mended.units["on_hand", None] == RIGHT.on_hand - 1


def test_a_line_with_more_than_is_held_lacks_nothing() -> None:
    mended = mend(places(RIGHT), {}, tracked=True)

    assert mended == Mended(places(RIGHT), lacking=0)


def test_counters_that_were_repaired_already_are_left() -> None:
    line = moved(RIGHT, {("reserved", None): 5})

    assert mend(places(RIGHT), moves_for(line), tracked=True) is None


@pytest.mark.parametrize(
    "place",
    [("reserved", None), ("allocated", None), ("sold", None), ("pool_allocated", "salon")],
)
def test_a_counter_of_rows_can_become_nothing_but_not_less(place: Place) -> None:
    now = places(RIGHT)

    to_nothing = mend(now, {place: -now[place]}, tracked=True)
    to_less = mend(now, {place: -now[place] - 1}, tracked=True)

    assert to_nothing is not None
    assert to_nothing.units[place] == 0
    assert to_less is None


def test_no_more_is_taken_off_what_is_short_than_there_is() -> None:
    line = RIGHT._replace(short=20, on_hand=27)
    covered = places(line) | {("short", None): 3, ("on_hand", None): 10}

    mended = mend(covered, moves_for(line), tracked=True)

    assert mended is not None
    assert mended.units["short", None] == 0
    assert mended.units["on_hand", None] == 10 - 3


def test_one_unit_that_was_covered_meanwhile_is_taken_off_what_is_on_hand() -> None:
    now = places(RIGHT) | {("short", None): 0}

    mended = mend(now, {("short", None): -1}, tracked=True)

    assert mended is not None
    assert mended.units["short", None] == 0
    assert mended.units["on_hand", None] == RIGHT.on_hand + 1


@pytest.mark.parametrize(
    ("strategy", "step", "tracked"),
    [
        *((*step, True) for step in EFFECTS),
        *((*step, False) for step in EFFECTS if step[0] == "soft"),
    ],
)
@given(units=st.integers(1, 9))
def test_a_step_that_was_not_counted_is_named(
    strategy: str, step: str, tracked: bool, units: int
) -> None:
    effect = EFFECTS[strategy, step]._asdict()  # type: ignore[index]
    moves: dict[Place, int] = {
        (name, "salon" if name.startswith("pool") else None): n * units  # type: ignore[misc]
        for name, n in effect.items()
        if n and (tracked or name not in ("on_hand", "short"))
    }

    found = missed_step(moves, tracked=tracked)

    assert found is not None
    assert (found.units, found.surplus) == (units, False)
    pooled = "salon" if strategy == "pool" else None
    if step in ("take_back", "oversell") and strategy == "hard":
        strategy = "soft"  # it is the same for both
    if step == "oversell" and not tracked:
        step = "sale"
    assert found == Missed(step, strategy, units, pooled, False)  # type: ignore[arg-type]


def test_a_sale_that_only_the_counters_know_is_named() -> None:
    moves: dict[Place, int] = {("reserved", None): 2, ("on_hand", None): 2, ("sold", None): -2}

    assert missed_step(moves, tracked=True) == Missed("convert", "soft", 2, None, surplus=True)


@pytest.mark.parametrize(
    "moves",
    [
        {},
        {("on_hand", None): 1},
        {("reserved", None): 2, ("on_hand", None): 3, ("sold", None): -2},
        {("pool_allocated", "salon"): 1, ("pool_available", "vault"): -1},
    ],
)
def test_what_no_single_step_does_is_not_named(moves: dict[Place, int]) -> None:
    assert missed_step(moves, tracked=True) is None


def test_a_tick_tells_what_was_adjusted_in_its_lane_and_only_there() -> None:
    change = CounterChange(counter="reserved", before=7, after=2)
    mine = Adjustment(time_ordered_id(NOW, "a"), 1, KEY, NOW, "by hand", (change,))
    book = Book()
    book.due_adjustments[1].append(mine)
    book.due_adjustments[2].append(mine._replace(lane=2))

    changes = decide(book, [Arrival(ExpiryTick(at=NOW), 1, Cause("expiry-ticks", 1, 17))])

    (told,) = changes.adjustments.values()
    assert isinstance(told, Adjusted)
    assert (told.outcome_id, told.lane, told.occurred_at) == (mine.id, 1, NOW)
    assert told.key() == b"acme/lamp/"
    assert counted_of(told) == ("reserved", 7, 2)
    assert changes.outcomes == []


@pytest.mark.parametrize(("variant_id", "said"), [("", None), ("brass", "brass")])
def test_what_was_adjusted_is_told_whole(variant_id: str, said: str | None) -> None:
    change = CounterChange(counter="reserved", before=7, after=2)
    key = StockKey("acme", "lamp", variant_id)
    book = Book()
    book.due_adjustments[1].append(
        Adjustment(time_ordered_id(NOW, "a"), 1, key, NOW, "by hand", (change,))
    )

    changes = decide(book, [Arrival(ExpiryTick(at=NOW), 1, Cause("expiry-ticks", 1, 17))])

    assert list(changes.adjustments.values()) == [
        Adjusted(
            outcome_id=time_ordered_id(NOW, "a"),
            type="adjusted",
            organization_id="acme",
            product_id="lamp",
            variant_id=said,
            changes=(change,),
            explanation="by hand",
            occurred_at=NOW,
            lane=1,
            cause=OutcomeCause(topic="expiry-ticks", partition=1, offset=17),
        )
    ]


def counted_of(told: Adjusted) -> tuple[str, int, int]:
    (change,) = told.changes
    return change.counter, change.before, change.after
