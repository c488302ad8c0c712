"""What samples amount to: gaps of the journal, drift by slices, and seconds of undersold units."""

from datetime import UTC, datetime
from uuid import uuid4

from msgspec.structs import replace

from db.journal_gaps import Stretch
from schemas.drift import LineCounts
from schemas.outcomes import Outcome, OutcomeCause
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import Reason, Strategy
from service.sampling.drift import DriftSlices
from service.sampling.gaps import CYCLE_SECONDS_MIN, ENTRIES_AT_ONCE, Walk
from service.sampling.undersold import KEYS_MAX, Undersold

LAMP, MOON = StockKey("acme", "lamp", ""), StockKey("acme", "moon", "")


def stretch(until: int, missing: int = 0, *, is_end: bool = False) -> Stretch:
    return Stretch(0, "outcomes", until, missing, is_end)


def test_a_walk_looks_at_the_end_first_and_then_at_all_of_it() -> None:
    walk = Walk()
    places = [walk.after]

    for at, seen in enumerate((stretch(900, is_end=True), stretch(500), stretch(900, is_end=True))):
        walk.see(at, seen)
        places.append(walk.after)

    assert places == [-ENTRIES_AT_ONCE, 0, 500, 900]


def test_a_walk_rests_at_the_end_where_it_still_sees_what_is_new() -> None:
    walk = Walk()
    walk.see(0, stretch(900, is_end=True))
    walk.see(1, stretch(900, is_end=True))

    walk.see(2, stretch(950, 1, is_end=True))
    assert (walk.after, walk.gaps) == (950, 1)

    walk.see(CYCLE_SECONDS_MIN, stretch(960, is_end=True))
    assert (walk.after, walk.gaps) == (0, 1)


def test_a_gap_is_told_until_a_whole_walk_has_not_met_it() -> None:
    walk = Walk()
    told = []
    for cycle in range(3):
        walk.see(cycle * CYCLE_SECONDS_MIN, stretch(10, is_end=False, missing=2 * (cycle == 0)))
        walk.see(cycle * CYCLE_SECONDS_MIN, stretch(20, is_end=True))
        told.append(walk.gaps)

    assert told == [2, 0, 0]


def drifted(key: StockKey, reserved: int) -> LineCounts:
    return LineCounts(key, True, reserved, reserved, reserved, 0, 0, 0, 0, 0, 0)


def test_drift_counts_until_its_slice_is_looked_at_again() -> None:
    slices = DriftSlices()

    slices.see([LAMP], [drifted(LAMP, 3)], size=1)
    slices.see([MOON], [drifted(MOON, 4)], size=1)
    assert (slices.units, slices.after) == (7, MOON)

    slices.see([], [], size=1)  # the end: what follows is the first slice
    assert (slices.units, slices.after) == (7, None)
    slices.see([LAMP], [], size=1)
    assert slices.units == 4


def test_drift_of_a_line_that_is_gone_goes_with_its_slice() -> None:
    slices = DriftSlices()
    slices.see([LAMP, MOON], [drifted(MOON, 4)], size=5)

    slices.see([LAMP], [], size=5)

    assert slices.units == 0


def rejected(
    units: int, reason: Reason = "insufficient_stock", strategy: Strategy = "soft"
) -> Outcome:
    return Outcome(
        outcome_id=uuid4(),
        type="rejected",
        organization_id="acme",
        experience_id="drop",
        consumer_id="ada",
        product_id="lamp",
        quantity=units,
        strategy=strategy,
        reason=reason,
        occurred_at=datetime.now(UTC),
        lane=0,
        cause=OutcomeCause(topic="admitted", partition=0),
    )


def test_the_least_that_was_refused_is_what_counts() -> None:
    undersold = Undersold()

    undersold.note([rejected(3), rejected(2), rejected(5, "limit_per_sku")])
    undersold.note([rejected(4, "pool_exhausted", "pool")])

    assert undersold.take() == {LAMP: 2, PoolKey("acme", "drop", "lamp", ""): 4}
    assert undersold.take() == {}


def test_no_more_lines_are_kept_than_a_sample_may_ask_for() -> None:
    undersold = Undersold()
    many = [replace(rejected(1), product_id=str(n)) for n in range(KEYS_MAX + 9)]

    undersold.note(many)

    assert len(undersold.refused) == KEYS_MAX


def test_units_that_lay_free_from_one_sample_to_the_next_are_undersold() -> None:
    undersold = Undersold()

    seconds = [
        undersold.see(100, {LAMP: 2}, {LAMP: 2}),
        undersold.see(105, {LAMP: 1}, {LAMP: 5}),
        undersold.see(110, {LAMP: 1}, {LAMP: 5}),
    ]

    assert seconds == [0, 5, 5]


def test_units_that_came_back_or_were_too_few_are_not_undersold() -> None:
    undersold = Undersold()

    seconds = [
        undersold.see(100, {LAMP: 2}, {LAMP: 0}),
        undersold.see(105, {LAMP: 2}, {LAMP: 2}),  # they came back since
        undersold.see(110, {LAMP: 2}, {LAMP: 1}),  # and were taken
        undersold.see(115, {LAMP: 2}, {LAMP: 2}),
        undersold.see(120, {}, {}),  # nobody asked any more
        undersold.see(125, {LAMP: 2}, {LAMP: 2}),
    ]

    assert seconds == [0, 0, 0, 0, 0, 0]
