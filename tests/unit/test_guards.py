"""Stories of guards that no other test noticed broken: each was found by `make mutants`."""

from dataclasses import replace

import msgspec
import pytest

from reservations.book import NEVER_TICKED, Book
from schemas.trace import Trace
from tests.unit.world import World, events_of, story

# What a repeated admission adds, and what it must not change.


def test_repetition_fills_in_the_door() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 via=
        10:00  admit ada moon-lamp 1 id=adm-7 via=front-gate   -> nothing
        10:05  paid ada via=back-gate                          -> early
        10:05  paid ada via=front-gate                         -> converted moon-lamp 1
    """)


def test_repetition_fills_in_the_kind_of_door_and_with_it_the_window() -> None:
    story("""
        policy drop draw=1200 other=600
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 type=other   -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1 id=adm-7 type=draw
        10:11  tick                                        -> nothing
        10:21  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_repetition_does_not_move_an_admission_to_another_experience() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 in=drop
        10:00  admit ada moon-lamp 1 id=adm-7 in=members   -> nothing
        10:05  paid ada in=members                         -> early
        10:05  paid ada in=drop                            -> converted moon-lamp 1
    """)


# The instants at which something is over: the last one counts, the next does not.


def test_transfer_at_the_last_instant_is_granted() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1 id=adm-7   -> reserved moon-lamp 1 until 10:11
        10:11     transfer ada bo id=adm-7         -> transferred bo from ada
    """)


def test_transfer_after_the_last_instant_is_refused() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1 id=adm-7   -> reserved moon-lamp 1 until 10:11
        10:11:01  transfer ada bo id=adm-7         -> refused hold_over
    """)


def test_checkout_at_the_last_instant_is_of_the_admission_that_is_open() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 via=front-gate   -> reserved moon-lamp 1 until 10:11
        10:20  admit ada moon-lamp 1 via=back-gate    -> reserved moon-lamp 1 until 10:31
        10:31  paid ada via=                          -> converted moon-lamp 1
    """)


# Facts that move to another admission.


def test_units_of_an_admission_that_loses_its_payment_are_there_for_the_one_that_gets_it() -> None:
    story("""
        stock  moon-lamp 1
        10:10  admit ada moon-lamp 1 via=front-gate   -> reserved moon-lamp 1 until 10:21
        10:22  tick                      -> expired ada moon-lamp 1 hold_elapsed
        10:25  paid ada via=             -> converted moon-lamp 1 late
        10:05  admit ada moon-lamp 1 via=back-gate until=10:40 \
            -> expired moon-lamp 1 hold_elapsed, reserved moon-lamp 1 until 10:41, \
               converted moon-lamp 1
    """)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [("via=front-gate", "via=back-gate", "via="), ("in=drop", "in=members", "in=")],
)
def test_first_event_of_an_order_follows_a_later_one_that_tells_the_door(
    one: str, other: str, told: str
) -> None:
    story(f"""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 {one}
        10:00  admit ada moon-lamp 1 {other}
        10:05  paid ada {told} order=o-7    -> ambiguous several_admissions order=o-7
        waiting                             -> ada
        10:06  paid ada {other} order=o-7   -> converted moon-lamp 1 order=o-7
        waiting                             -> nobody
    """)


# What came earlier in the batch of a tick.


@pytest.mark.parametrize(
    ("before", "outcomes"),
    [("extend ada 300", ["reserved", "extended"]), ("paid ada", ["reserved", "converted"])],
)
def test_tick_leaves_a_hold_that_was_extended_or_sold_in_its_batch(
    before: str, outcomes: list[str]
) -> None:
    world = World()
    admit, *batch = events_of(
        f"""
        policy drop extensions=1 extension_seconds=600
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  {before}
        10:11  tick
        """,
        world,
    )

    world.apply([admit])
    world.apply(batch)

    assert [one.type for one in world.outcomes] == outcomes


# All or nothing.


def test_cart_that_grows_and_cannot_keeps_what_it_had() -> None:
    story("""
        policy drop soft all_or_nothing
        stock  moon-lamp 5
        stock  pouch 0
        10:00  admit ada moon-lamp 2 id=adm-7   -> reserved moon-lamp 2 until 10:11
        10:05  cart  ada moon-lamp 5 pouch 1 id=adm-7 \
            -> rejected moon-lamp 3 cart_incomplete, rejected pouch 1 insufficient_stock
        holds  ada       -> moon-lamp 2 soft active, pouch 1 soft rejected insufficient_stock
        counters moon-lamp                      -> on_hand 5 reserved 2 allocated 0 sold 0
    """)


# Carts after the window.


def test_line_that_comes_back_into_the_cart_too_late_is_refused_with_its_new_units() -> None:
    story("""
        stock  moon-lamp 5
        stock  pouch 5
        10:00  admit ada moon-lamp 1 pouch 1 id=adm-7
        10:03  cart  ada pouch 1 id=adm-7    -> released moon-lamp 1 cart_changed
        10:11  tick                          -> expired ada pouch 1 hold_elapsed
        10:04  cart  ada moon-lamp 3 pouch 1 id=adm-7   -> rejected moon-lamp 3 window_over
        10:05  cart  ada moon-lamp 2 pouch 1 id=adm-7   -> rejected moon-lamp 2 window_over
        10:06  cart  ada moon-lamp 2 pouch 1 id=adm-7   -> nothing
        holds  ada   -> moon-lamp 2 soft rejected window_over, pouch 1 soft expired hold_elapsed
    """)


# What a batch notes for Postgres.


def test_new_book_has_nothing_in_it() -> None:
    book = Book()

    assert [book.policies, book.stock, book.pools, book.last_tick] == [{}, {}, {}, {}]
    assert book.now == book.last_tick_of(0) == NEVER_TICKED


def test_new_admission_is_noted_as_new_and_a_known_one_as_changed() -> None:
    world = World()
    admit, again = events_of("""
        10:00  admit ada id=adm-7
        10:00  admit ada id=adm-7 until=10:30
    """)

    first, second = world.apply([admit]), world.apply([again])

    assert (len(first.new_admissions), len(first.admissions)) == (1, 0)
    assert (len(second.new_admissions), len(second.admissions)) == (0, 1)


def test_every_event_is_counted_once_under_its_result() -> None:
    world = World()
    steps = events_of("""
        10:00  admit ada id=adm-7
        10:00  admit ada id=adm-7
        10:05  paid  bo
        10:06  tick
        10:06  tick
    """)

    changes = [world.apply([step]) for step in steps]

    assert [dict(each.results) for each in changes] == [
        {("admitted", "applied"): 1},
        {("admitted", "duplicate"): 1},
        {("checkout-completed", "early"): 1},
        {("expiry-ticks", "applied"): 1},
        {("expiry-ticks", "stale"): 1},
    ]


def test_outcome_names_all_that_it_is_about() -> None:
    world = World()
    for step in events_of("""
        10:00  admit  ada moon-lamp 1 id=adm-7 type=draw lane=1
        10:01  transfer ada bo id=adm-7 lane=1
        10:02  paid   cyd id=adm-9 in=drop order=o-9 lane=1
        10:03+3d  tick lane=1
    """):
        world.apply([step])

    of_admission = ("acme", "drop", "door", "draw", "adm-7", None, 1)
    assert [
        (
            one.type,
            one.consumer_id,
            one.organization_id,
            one.experience_id,
            one.distribution_id,
            one.distribution_type,
            one.admission_id,
            one.order_id,
            one.lane,
        )
        for one in world.outcomes
    ] == [
        ("rejected", "ada", *of_admission),
        ("transferred", "bo", *of_admission),
        ("orphaned", "cyd", "acme", "drop", "door", None, "adm-9", "o-9", 1),
    ]
    assert [hold.experience_id for hold in world.holds_of("bo")] == ["drop"]


def test_outcome_carries_the_trace_of_its_cause() -> None:
    world = World()
    trace = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "shop=1")
    steps = events_of("""
        10:00  admit  ada moon-lamp 1 id=adm-7
        10:01  transfer ada bo id=adm-7
        10:02  paid   cyd
        10:02+3d  tick
    """)

    for step in steps[:3]:
        world.apply([replace(step, arrival=msgspec.structs.replace(step.arrival, trace=trace))])
    world.apply([steps[3]])

    assert [(one.type, one.trace) for one in world.outcomes] == [
        ("rejected", trace),
        ("transferred", trace),
        ("orphaned", trace),
    ]
