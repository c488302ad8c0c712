"""Events in any order, any number of times, in any batches: what holds of all of them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from schemas.events import Admitted, ExpiryTick, Item
from schemas.outcomes import Outcome
from schemas.policy import DEFAULT_POLICY
from schemas.reservation import AdmissionKey, Reservation
from tests.unit.story import Happens, in_words, parse
from tests.unit.world import World, assert_same, each_told, story, tell, tell_in_batches

# Before the admission


def test_checkout_before_its_admission_waits_and_is_applied() -> None:
    story("""
        stock  moon-lamp 1
        10:05  paid ada order=o-7         -> early
        waiting                           -> ada
        10:00  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1 order=o-7
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_another_payment_for_a_named_admission_is_not_swallowed() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada id=adm-1 moon-lamp 1    -> reserved moon-lamp 1 until 10:11
        10:05  paid ada id=adm-1 order=o-1       -> converted moon-lamp 1 order=o-1
        10:06  paid ada id=adm-1 order=o-2       -> early
    """)


def test_two_payments_that_wait_are_for_two_admissions() -> None:
    story("""
        stock  moon-lamp 2
        10:05  paid ada order=o-1         -> early
        10:25  paid ada order=o-2         -> early
        10:00  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1 order=o-1
        10:20  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:31, converted moon-lamp 1 order=o-2
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
    """)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("left", "released moon-lamp 1 consumer_left"),
        ("denied", "released moon-lamp 1 consumer_denied"),
        ("lapsed", "expired moon-lamp 1 admission_expired"),
    ],
)
def test_end_before_its_admission_waits_and_is_applied(end: str, outcome: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:05  {end} ada                  -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, {outcome}
        waiting                           -> nobody
        active                            -> 0
    """)


def test_checkout_outranks_an_end_that_waits_beside_it() -> None:
    story("""
        stock  moon-lamp 1
        10:04  left ada                   -> early
        10:05  paid ada                   -> early
        10:00  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1
        waiting                           -> nobody
    """)


def test_fact_that_waits_is_kept_once() -> None:
    story("""
        10:05  paid ada                   -> early
        10:05  paid ada                   -> duplicate
        10:05  paid ada event=evt-2       -> duplicate
        waiting                           -> ada
    """)


def test_checkout_that_waits_takes_items_beyond_the_cart_late() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 1
        stock  pouch 1
        pool   drop moon-lamp 1
        pool   drop pouch 1
        10:05  paid ada moon-lamp 1 pouch 1   -> early
        waiting                               -> ada
        10:00  admit ada moon-lamp 1          -> reserved moon-lamp 1 until 10:11, \
            converted moon-lamp 1, converted pouch 1 late
    """)


def test_checkout_that_waits_is_unfulfilled_where_the_stock_is_gone() -> None:
    story("""
        stock  moon-lamp 1
        10:05  paid ada                   -> early
        10:00  admit bo moon-lamp 1
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock, \
            unfulfilled moon-lamp 1 insufficient_stock
    """)


def test_checkout_that_waits_is_honoured_though_the_window_is_over() -> None:
    story("""
        stock  moon-lamp 1
        10:05  paid ada                   -> early
        10:30  tick                       -> nothing
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 window_over, \
            converted moon-lamp 1 late
    """)


def test_checkout_waits_for_the_admission_that_it_names() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 token=s3cret-1   -> reserved moon-lamp 1 until 10:11
        10:15  paid ada id=adm-2                      -> early
        10:10  admit ada moon-lamp 1 id=adm-2 \
            -> reserved moon-lamp 1 until 10:21, converted moon-lamp 1
        active                                        -> 1
    """)


def test_checkout_waits_where_the_known_admission_was_paid_by_another_order() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-1         -> converted moon-lamp 1 order=o-1
        10:15  paid ada order=o-2         -> early
        10:10  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:21, converted moon-lamp 1 order=o-2
    """)


def test_fact_under_another_consumer_id_is_applied_by_a_tick() -> None:
    story("""
        stock  moon-lamp 1
        10:05     paid guest-17 id=adm-7          -> early
        10:06     admit ada moon-lamp 1 id=adm-7  -> reserved moon-lamp 1 until 10:17
        10:05:29  tick                            -> nothing
        10:05:30  tick                            -> converted ada moon-lamp 1
        waiting                                   -> nobody
    """)


def test_fact_is_tried_again_every_thirty_seconds() -> None:
    story("""
        stock  moon-lamp 1
        10:05     paid guest-17 id=adm-7          -> early
        10:05:30  tick                            -> nothing
        10:05:31  admit ada moon-lamp 1 id=adm-7  -> reserved moon-lamp 1 until 10:16:31
        10:05:59  tick                            -> nothing
        10:06     tick                            -> converted ada moon-lamp 1
    """)


def test_fact_in_another_lane_is_applied_by_its_admission() -> None:
    story("""
        stock  moon-lamp 1
        10:05  paid ada lane=1            -> early
        10:00  admit ada moon-lamp 1 lane=0 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1
        10:30  tick lane=1                -> nothing
    """)


# Orphans


def test_fact_is_orphaned_when_its_time_to_live_is_over() -> None:
    story("""
        policy drop early=300
        10:05     paid ada in=drop order=o-7   -> early
        10:09:59  tick                         -> nothing
        waiting                                -> ada
        10:10     tick                         -> orphaned ada admission_unknown order=o-7
        waiting                                -> nobody
        10:20     tick                         -> nothing
    """)


def test_fact_without_a_policy_waits_for_two_days() -> None:
    story("""
        10:05        left ada             -> early
        10:04:59+2d  tick                 -> nothing
        10:05+2d     tick                 -> orphaned ada admission_unknown
    """)


def test_fact_that_was_delivered_late_waits_as_long_as_others() -> None:
    story("""
        policy drop early=300
        12:00     tick
        10:05     paid ada in=drop        -> early
        12:04:59  tick                    -> nothing
        12:05     tick                    -> orphaned ada admission_unknown
    """)


def test_fact_waits_for_its_whole_time_after_a_long_silence() -> None:
    story("""
        policy drop early=300
        10:00     tick
        clock     10:00+5d
        09:59     paid ada in=drop        -> early
        10:01+5d  tick                    -> nothing
        10:05+5d  tick                    -> orphaned ada admission_unknown
    """)


def test_fact_waits_for_its_whole_time_after_the_clock_was_set_back() -> None:
    story("""
        policy drop early=300
        12:00     tick
        clock     11:00
        10:05     paid ada in=drop        -> early
        12:04:59  tick                    -> nothing
        12:05     tick                    -> orphaned ada admission_unknown
    """)


def test_stale_end_of_an_unknown_admission_waits_in_vain() -> None:
    story("""
        stock  moon-lamp 1
        10:00     left ada                -> early
        10:05     admit ada moon-lamp 1   -> reserved moon-lamp 1 until 10:16
        10:06     tick                    -> nothing
        10:00+2d  tick                    -> expired ada moon-lamp 1 hold_elapsed, \
            orphaned ada admission_unknown
    """)


# After the hold


@pytest.mark.parametrize("strategy", ["soft", "hard"])
@pytest.mark.parametrize("end", ["10:11 tick", "10:05 left ada", "10:05 lapsed ada"])
def test_late_checkout_takes_the_units_again(strategy: str, end: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        {end}
        10:20  paid ada order=o-7         -> converted moon-lamp 2 order=o-7 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
        holds ada                         -> moon-lamp 2 {strategy} converted order=o-7 late
        active                            -> 0
    """)


def test_late_checkout_takes_the_units_from_the_pool_again() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 3
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:11  tick
        10:20  paid ada                   -> converted moon-lamp 2 late
        pooled drop moon-lamp             -> available 0 allocated 0
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 2
    """)


def test_late_checkout_is_unfulfilled_where_somebody_else_has_the_units() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:12  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:23
        10:13  paid ada order=o-7         -> unfulfilled moon-lamp 1 insufficient_stock order=o-7
        10:14  left bo
        10:13  paid ada order=o-7         -> duplicate
        holds ada                         -> moon-lamp 1 soft expired hold_elapsed
    """)


def test_late_checkout_of_a_pool_does_not_reach_beyond_it() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 9
        pool   drop moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:12  admit bo  moon-lamp 1
        10:13  paid ada                   -> unfulfilled moon-lamp 1 pool_exhausted
    """)


def test_late_checkout_with_items_takes_what_it_names() -> None:
    story("""
        stock  moon-lamp 3
        stock  pouch 3
        10:00  admit ada moon-lamp 2 pouch 1
        10:11  tick
        10:20  paid ada moon-lamp 1       -> converted moon-lamp 1 late
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 1
        counters pouch                    -> on_hand 3 reserved 0 allocated 0 sold 0
    """)


# Repetition


def test_checkout_again_does_not_touch_an_admission_that_came_between() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:15
        10:05  paid ada order=o-7         -> duplicate
        active                            -> 1
    """)


def test_end_again_does_not_touch_an_admission_that_came_between() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  left ada                   -> released moon-lamp 1 consumer_left
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:15
        10:05  left ada event=evt-2       -> duplicate
        active                            -> 1
    """)


def test_end_after_a_checkout_again_does_not_touch_an_admission_that_came_between() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada                   -> converted moon-lamp 1
        10:06  left ada                   -> duplicate
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:15
        10:06  left ada event=evt-2       -> duplicate
        active                            -> 1
    """)


# Laws over sales that nobody wrote. A sale is a story without expectations, so that a failure
# prints a ledger.

SALE = """
    policy early-access soft
    policy drop         hard all_or_nothing
    policy members      pool items=moon-lamp:1,pouch:1
    stock  moon-lamp {moon_lamp}
    stock  anorak/M {anorak}
    stock  pouch {pouch}
    stock  e-book untracked
    pool   members moon-lamp {pooled}
    pool   members pouch {pooled}
"""

SHOPPERS = ["ada", "bo", "cyd"]
EXPERIENCES = ["early-access", "drop", "members"]

units = st.integers(1, 3)
skus = st.sampled_from(["moon-lamp", "anorak/M", "pouch", "e-book", "sun-lamp"])
carts = st.lists(st.tuples(skus, units), max_size=3).map(
    lambda lines: " ".join(f"{sku} {count}" for sku, count in lines)
)
minutes = st.integers(0, 45)
lanes = st.sampled_from(["", "lane=1"])
orders = st.sampled_from(["", "order=o-1", "order=o-2"])
ends = st.sampled_from(["left", "denied", "lapsed"])

# Each name is that of one admission of a shopper, whatever says it: an id, a token, or the only
# admission through one gate.
NAMES = {
    "id={shopper}-1": 0,
    "id={shopper}-2": 5,
    "token=s3cret-{shopper}": 3,
    "via=front-gate": 0,
    "via=back-gate": 5,
}


@st.composite
def named_events(draw: st.DrawFn) -> str:
    """An event that can be about no admission but one."""
    shopper = draw(st.sampled_from(SHOPPERS))
    name, begins = draw(st.sampled_from(list(NAMES.items())))
    whose = f"{shopper} {name.format(shopper=shopper)} {draw(lanes)}"
    at = f"10:{begins + draw(minutes):02}"
    return draw(
        st.one_of(
            st.builds(
                f"10:{begins:02} admit {whose} in={{}} {{}}".format,
                st.sampled_from(EXPERIENCES),
                carts,
            ),
            st.builds(f"{at} paid {whose} {{}} {{}}".format, carts, orders),
            st.builds(f"{at} {{}} {whose}".format, ends),
        )
    )


@st.composite
def any_events(draw: st.DrawFn) -> str:
    """An event that may be about any admission of a shopper, or be misdelivered."""
    whose = f"{draw(st.sampled_from(SHOPPERS))} {draw(lanes)}"
    name = draw(st.sampled_from(["", "via=", "via=gate-2", "id=adm-1", "token=s3cret", "in="]))
    at = f"10:{draw(minutes):02}"
    return draw(
        st.one_of(
            st.builds(f"{at} admit {whose} {name} {{}}".format, carts),
            st.builds(f"{at} paid {whose} {name} {{}} {{}}".format, carts, orders),
            st.builds(f"{at} {{}} {whose} {name}".format, ends),
            named_events(),
        )
    )


def sales(events: st.SearchStrategy[str], *, last_day: str = "+2d") -> st.SearchStrategy[str]:
    """Stories of some events among ticks; stock is scarce."""
    ticks = st.builds("10:{:02}{} tick {}".format, minutes, st.sampled_from(["", last_day]), lanes)
    lines = st.lists(st.one_of(events, events, events, ticks), max_size=25).map("\n".join)
    few = st.integers(0, 3)
    stock = st.builds(
        lambda on_hand, pooled: SALE.format(
            moon_lamp=on_hand + pooled, anorak=on_hand, pouch=pooled + 1, pooled=pooled
        ),
        few,
        few,
    )
    return st.builds(str.__add__, stock, lines)


@given(sales(any_events()))
def test_counters_are_right_after_every_event(sale: str) -> None:
    tell(sale)


@given(sales(any_events()))
def test_every_wanted_line_is_answered_exactly_once(sale: str) -> None:
    note(sale)
    world = World()
    known: set[AdmissionKey] = set()
    for step, outcomes in each_told(world, sale):
        answered = [
            Item(outcome.product_id or "", outcome.variant_id or "", outcome.quantity or 0)
            for outcome in outcomes
            if outcome.type in ("reserved", "rejected")
        ]
        is_new = world.admissions.keys() != known
        assert sorted(answered) == sorted(_wanted(world, step) if is_new else []), step.line.text
        known = set(world.admissions)


def _wanted(world: World, step: Happens) -> Iterator[Item]:
    event = step.arrival.event
    assert isinstance(event, Admitted)
    policy = world.policies.get((event.organization_id, event.experience_id), DEFAULT_POLICY)
    offered = [Item(line.product_id, line.variant_id, line.quantity) for line in policy.items]
    total: Counter[tuple[str, str]] = Counter()
    for product_id, variant_id, quantity in event.items or offered:
        total[product_id, variant_id] += quantity
    return (Item(*stock_line, quantity) for stock_line, quantity in total.items())


# What may happen to one reservation, a letter an outcome. A hold ends once. A completion may give a
# part back before it converts the rest, and may ask for more than there is; after an end without a
# sale it takes the units again (l) or reports that they are gone. A line that was never wanted
# begins with the completion.
LIVES = re.compile(r"h(pc|cu?|l|e[lu]?)?|r[lu]?|[lu]")


@given(sales(any_events()))
def test_reservation_ends_once_and_is_converted_late_at_most_once(sale: str) -> None:
    note(sale)
    world = tell(sale)

    lives: defaultdict[UUID, str] = defaultdict(str)
    for outcome in world.outcomes:
        if outcome.reservation_id is not None:
            lives[outcome.reservation_id] += _letter(world.reservations, outcome)
    assert {life for life in lives.values() if not LIVES.fullmatch(life)} == set()
    assert lives.keys() == world.reservations.keys()


def _letter(reservations: Mapping[UUID, Reservation], outcome: Outcome) -> str:
    """Give the letter of an outcome: l is a late conversion, p gives a part of a hold back."""
    assert outcome.reservation_id is not None
    if outcome.type == "converted":
        return "l" if outcome.late else "c"
    if outcome.reason == "not_purchased":
        return "p" if reservations[outcome.reservation_id].status == "converted" else "e"
    return {"reserved": "h", "rejected": "r", "unfulfilled": "u"}.get(outcome.type, "e")


@given(sales(any_events()), st.sets(st.integers(1, 40)))
def test_cuts_into_batches_change_nothing(sale: str, last_lines: set[int]) -> None:
    note(sale)
    batched = tell_in_batches(sale, lambda step: step.line.number in last_lines)

    assert_same(batched, tell(sale))


@given(sales(named_events(), last_day="+1d"))
def test_whole_sale_again_changes_nothing(sale: str) -> None:
    """But for facts that were given up in between: those wait once more."""
    note(sale)
    world = tell(sale)
    said, rows = len(world.outcomes), world.rows()

    for step in parse(sale):
        if isinstance(step, Happens):
            world.apply([_delivered_again(step)])

    assert in_words(world.outcomes[said:]) == ""
    assert world.rows() == rows


def _delivered_again(step: Happens) -> Happens:
    """Give the same event as another record under another delivery id, as a retry brings it."""
    arrival = step.arrival
    cause = arrival.cause._replace(offset=(arrival.cause.offset or 0) + 1000, event_id="again")
    event = arrival.event
    if not isinstance(event, ExpiryTick):
        event = event.model_copy(update={"event_id": "again"})
    return replace(step, arrival=replace(arrival, event=event, cause=cause))


@st.composite
def lives_of_admissions(draw: st.DrawFn) -> list[str]:
    """The events of a few admissions: each is admitted, may be paid, may end."""
    lines = []
    for shopper in SHOPPERS:
        name, begins = draw(st.sampled_from(list(NAMES.items())))
        whose = f"{shopper} {name.format(shopper=shopper)}"
        experience = draw(st.sampled_from(EXPERIENCES))
        lines.append(f"10:{begins:02} admit {whose} in={experience} {draw(carts)}")
        if draw(st.booleans()):
            lines.append(f"10:{begins + 4:02} paid {whose} {draw(carts)}")
        if draw(st.booleans()):
            lines.append(f"10:{begins + 4:02} {draw(ends)} {whose}")
    return lines


@given(st.data())
def test_order_and_number_do_not_decide_what_is_sold_where_stock_is_enough(
    data: st.DataObject,
) -> None:
    plenty = SALE.format(moon_lamp=100, anorak=100, pouch=100, pooled=50)
    lines = data.draw(lives_of_admissions(), label="events")
    repeated = lines + data.draw(st.lists(st.sampled_from(lines)), label="repeated")
    shuffled = data.draw(st.permutations(repeated), label="shuffled")

    one, other = (tell(plenty + "\n".join(each)) for each in (lines, shuffled))

    assert one.rows()["stock"] == other.rows()["stock"]
    assert one.rows()["pools"] == other.rows()["pools"]
    assert _sold(one) == _sold(other)


def _sold(world: World) -> set[tuple[UUID, int]]:
    sold = [row for row in world.reservations.values() if row.status == "converted"]
    return {(row.id, row.quantity) for row in sold}
