"""Events in any order, any number of times, in any batches: what holds of all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from msgspec import structs

from reservations.book import NEVER_TICKED
from reservations.rows import BY_CART
from reservations.standing import standing
from schemas.events import Admitted, ExpiryTick, Item
from schemas.outcomes import Outcome
from schemas.policy import DEFAULT_POLICY
from schemas.reservation import Admission, AdmissionKey
from tests.unit.story import Happens, hold_in_words, in_words, parse, time_in_words
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


def test_another_payment_for_a_named_admission_is_one_too_many() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada id=adm-1 moon-lamp 1    -> reserved moon-lamp 1 until 10:11
        10:05  paid ada id=adm-1 order=o-1       -> converted moon-lamp 1 order=o-1
        10:06  paid ada id=adm-1 order=o-2       -> unfulfilled already_paid order=o-2
        10:06  paid ada id=adm-1 order=o-2       -> duplicate
        counters moon-lamp                       -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


def test_payment_that_was_too_many_then_counted_and_is_too_many_again_is_said_to_be() -> None:
    story("""
        stock  moon-lamp 2
        10:00     admit ada id=adm-1 moon-lamp 1  -> reserved moon-lamp 1 until 10:11
        10:06     paid ada id=adm-1 order=o-2     -> converted moon-lamp 1 order=o-2
        10:05     paid ada id=adm-1 order=o-1 \
            -> unfulfilled already_paid order=o-2, converted moon-lamp 1 order=o-1
        10:05:30  cancel ada order=o-1            -> converted moon-lamp 1 order=o-2
        10:04     paid ada id=adm-1 order=o-0     -> unfulfilled already_paid order=o-1, \
            unfulfilled already_paid order=o-2, converted moon-lamp 1 order=o-0
        counters moon-lamp                        -> on_hand 1 reserved 0 allocated 0 sold 1
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
        10:06  left ada                   -> early
        10:05  paid ada                   -> early
        10:00  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1
        waiting                           -> nobody
    """)


def test_checkout_that_waits_beside_an_earlier_end_is_late() -> None:
    story("""
        stock  moon-lamp 1
        10:05  paid ada                   -> early
        10:04  left ada                   -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            released moon-lamp 1 consumer_left, converted moon-lamp 1 late
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
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
            converted moon-lamp 1
        holds ada                         -> moon-lamp 1 soft converted
    """)


def test_late_checkout_that_waits_is_honoured_though_the_window_is_over() -> None:
    story("""
        stock  moon-lamp 1
        10:15  paid ada                   -> early
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


def test_fact_that_is_given_up_misleads_its_order_no_longer() -> None:
    story("""
        policy vault early=60
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1
        10:05     paid ada order=o-7               -> converted moon-lamp 1 order=o-7
        10:05     paid ada order=o-7 in=vault via= -> reserved moon-lamp 1 until 10:11
        waiting                                    -> ada, ada
        10:06     tick \
            -> orphaned ada admission_unknown order=o-7, converted ada moon-lamp 1 order=o-7
        waiting                                    -> nobody
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
        holds ada   -> moon-lamp 1 soft unfulfilled insufficient_stock order=o-7 late missing 1
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
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


def test_checkout_moves_to_an_admission_that_came_between_and_is_applied_once() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            reserved moon-lamp 1 until 10:15, converted moon-lamp 1 order=o-7
        10:05  paid ada order=o-7         -> duplicate
        10:05  paid ada order=o-7 event=evt-2   -> duplicate
        counters moon-lamp                -> on_hand 8 reserved 1 allocated 0 sold 1
        holds ada   -> moon-lamp 1 soft active, moon-lamp 1 soft converted order=o-7
    """)


def test_end_moves_to_an_admission_that_came_between_and_is_applied_once() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  left ada                   -> released moon-lamp 1 consumer_left
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            reserved moon-lamp 1 until 10:15, released moon-lamp 1 consumer_left
        10:05  left ada event=evt-2       -> duplicate
        holds ada   -> moon-lamp 1 soft active, moon-lamp 1 soft released consumer_left
        active                            -> 1
    """)


def test_checkout_and_the_end_after_it_move_together() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada                   -> converted moon-lamp 1
        10:06  left ada                   -> nothing
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            reserved moon-lamp 1 until 10:15, converted moon-lamp 1
        10:06  left ada event=evt-2       -> duplicate
        10:05  paid ada event=evt-2       -> duplicate
        active                            -> 1
    """)


def test_facts_stay_where_they_are_when_an_earlier_admission_comes_late() -> None:
    story("""
        stock  moon-lamp 9
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:15
        10:05  paid ada                   -> converted moon-lamp 1
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        10:05  paid ada event=evt-2       -> duplicate
        holds ada   -> moon-lamp 1 soft converted, moon-lamp 1 soft active
    """)


# Sets of events of which the order decides nothing, and repetition neither. Stock is enough; each
# set is told in all orders, and ends as it is written here.

PLENTY = """
    policy drop extensions=2 extension_seconds=600
    stock  moon-lamp 99
    stock  pouch 99
    stock  anorak/M 99
    stock  anorak/L 99
"""

ORDER_FREE = {
    "token first, id later": (
        """
        10:00  admit ada moon-lamp 1 token=s3cret
        10:00  admit ada token=s3cret id=adm-7 until=10:20
        10:04  cart ada moon-lamp 2 token=s3cret
        10:14  paid ada order=o-7 id=adm-7
        10:15  left ada token=s3cret
        """,
        "ada until 10:21: moon-lamp 2 soft converted order=o-7",
    ),
    "two ends, the later one first known": (
        """
        10:00  admit ada moon-lamp 1
        10:03  left ada
        10:05  lapsed ada
        10:04  denied ada
        """,
        "ada until 10:11: moon-lamp 1 soft released consumer_left",
    ),
    "two ends at one instant": (
        """
        10:00  admit ada moon-lamp 1
        10:03  left ada
        10:03  denied ada
        10:03  lapsed ada
        """,
        "ada until 10:11: moon-lamp 1 soft expired",
    ),
    "checkout before an end": (
        """
        10:00  admit ada moon-lamp 1 pouch 1
        10:04  paid ada moon-lamp 1 order=o-7
        10:05  left ada
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7,"
        " pouch 1 soft released not_purchased",
    ),
    "checkout after an end": (
        """
        10:00  admit ada moon-lamp 1 pouch 1
        10:04  left ada
        10:05  paid ada moon-lamp 1 order=o-7
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7 late,"
        " pouch 1 soft released consumer_left",
    ),
    "checkout and end at one instant": (
        """
        10:00  admit ada moon-lamp 1
        10:05  left ada
        10:05  paid ada
        """,
        "ada until 10:11: moon-lamp 1 soft converted",
    ),
    "carts, a checkout, an end": (
        """
        10:00  admit ada moon-lamp 1
        10:02  cart ada moon-lamp 2 pouch 1
        10:04  cart ada moon-lamp 3
        10:05  paid ada order=o-7
        10:06  left ada
        """,
        "ada until 10:11: moon-lamp 3 soft converted order=o-7",
    ),
    "a cart before the admission, which wants nothing itself": (
        """
        09:58  cart ada moon-lamp 2
        09:59  cart ada pouch 1
        10:00  admit ada
        10:05  paid ada order=o-7
        """,
        "ada until 10:11: pouch 1 soft converted order=o-7",
    ),
    "a size that is changed and changed again": (
        """
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1
        10:03  cart ada anorak/M 2
        10:04  cart ada anorak/L 2
        """,
        "ada until 10:11: anorak/L 2 soft active",
    ),
    "an order told in parts": (
        """
        10:00  admit ada moon-lamp 1 pouch 1
        10:05  paid ada
        10:06  paid ada order=o-7 moon-lamp 1
        10:06  paid ada order=o-7
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7,"
        " pouch 1 soft released not_purchased",
    ),
    "two orders for one named admission": (
        """
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  paid ada order=o-2 id=adm-7
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-1",
    ),
    "paid, cancelled, paid again": (
        """
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  cancel ada order=o-1
        10:07  paid ada order=o-2 id=adm-7
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-2",
    ),
    "paid, paid again, and the first cancelled too late for that": (
        """
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:07  paid ada order=o-2 id=adm-7
        10:08  cancel ada order=o-1
        """,
        "ada until 10:11: moon-lamp 1 soft returned order_cancelled order=o-1",
    ),
    "extensions, a cart and a checkout in the time that they give": (
        """
        10:00  admit ada moon-lamp 1
        10:05  extend ada 300
        10:12  extend ada 120
        10:13  cart ada moon-lamp 2
        10:17  paid ada order=o-7
        """,
        "ada until 10:18: moon-lamp 2 soft converted order=o-7",
    ),
    "an extension and the tick that it outlives": (
        """
        10:00  admit ada moon-lamp 1
        10:05  extend ada 300
        10:11  tick
        """,
        "ada until 10:16: moon-lamp 1 soft active",
    ),
    "an extension, a tick, and a checkout in between": (
        """
        10:00  admit ada moon-lamp 1
        10:05  extend ada 300
        10:11  tick
        10:14  paid ada
        """,
        "ada until 10:16: moon-lamp 1 soft converted",
    ),
    "a release and a cart after it": (
        """
        10:00  admit ada moon-lamp 1 pouch 1
        10:03  release ada
        10:04  cart ada pouch 2
        """,
        "ada until 10:11: pouch 2 soft active",
    ),
    "a guest who is linked to an account": (
        """
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada
        10:04  cart ada moon-lamp 2
        10:05  paid guest-17 order=o-7
        """,
        "ada until 10:11: moon-lamp 2 soft converted order=o-7",
    ),
    "two admissions by one door, and the facts of each": (
        """
        10:00  admit ada moon-lamp 1
        10:03  left ada
        10:10  admit ada moon-lamp 2
        10:15  paid ada order=o-7
        """,
        "ada until 10:11: moon-lamp 1 soft released consumer_left;"
        " ada until 10:21: moon-lamp 2 soft converted order=o-7",
    ),
    "an order that only one of its events gives a place to": (
        """
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada pouch 1 via=back-gate
        10:05  paid ada order=o-7 via=front-gate
        10:06  paid ada order=o-7 moon-lamp 1 via=
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7;"
        " ada until 10:12: pouch 1 soft active",
    ),
    "an order of one name that two shoppers tell whom no transfer made one": (
        """
        10:00  admit ada moon-lamp 1
        10:00  admit bo pouch 1
        10:05  paid ada order=o-7
        10:06  paid bo order=o-7
        10:20  transfer ada bo
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7;"
        " bo until 10:11: pouch 1 soft converted order=o-7",
    ),
    "an order whose admission one shopper names, and another of whom no transfer made one": (
        """
        10:00  admit ada moon-lamp 1 id=adm-1
        10:00  admit bo pouch 1
        10:05  paid ada order=o-7 id=adm-1
        10:06  paid bo order=o-7
        10:20  transfer ada bo id=adm-1
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7;"
        " bo until 10:11: pouch 1 soft converted order=o-7",
    ),
    "an order that guest and account tell, and one of them the door": (
        """
        10:00  admit guest-17 moon-lamp 1 via=front-gate
        10:01  transfer guest-17 ada via=front-gate
        10:05  paid guest-17 order=o-7 via=front-gate
        10:06  paid ada order=o-7 moon-lamp 1 via=
        """,
        "ada until 10:11: moon-lamp 1 soft converted order=o-7",
    ),
}


@pytest.mark.parametrize("name", ORDER_FREE)
def test_order_decides_nothing(name: str) -> None:
    events, end = ORDER_FREE[name]
    lines = [line for line in events.splitlines() if line.strip()]
    counters = tell(PLENTY + events).rows()["stock"]

    for order in permutations(lines):
        world = tell(PLENTY + "\n".join(order))

        assert (end_of(world), world.facts) == (end, {}), "\n".join(order)
        assert world.rows()["stock"] == counters, "\n".join(order)


@pytest.mark.parametrize("name", ORDER_FREE)
def test_repetition_decides_nothing(name: str) -> None:
    events, end = ORDER_FREE[name]
    lines = [line for line in events.splitlines() if line.strip()]

    for order in permutations(lines):
        there_and_back = "\n".join([*order, *reversed(order)])
        world = tell(PLENTY + there_and_back)

        assert (end_of(world), world.facts) == (end, {}), there_and_back


def end_of(world: World) -> str:
    """Word how admissions have ended, as far as order may not decide it.

    What the cart does not want any more is as if it had never been; and whether a tick or Fanfare
    says first that a hold has expired is no difference.
    """
    ends = [
        (one.admitted_at, f"{one.consumer_id} until {time_in_words(one.expires_at)}: {rows}")
        for one, rows in ((one, _rows_of(world, one)) for one in world.admissions.values())
    ]
    return "; ".join(words for _, words in sorted(ends))


def _rows_of(world: World, admission: Admission) -> str:
    rows = [one for one in world.reservations.values() if one.admission_key == admission.key]
    cart = _cart_of(world, admission)
    return ", ".join(
        sorted(
            hold_in_words(structs.replace(one, reason=None) if one.status == "expired" else one)
            for one in rows
            if one.reason not in BY_CART
            and (one.status != "rejected" or (one.product_id, one.variant_id) in cart)
        )
    )


def _cart_of(world: World, admission: Admission) -> Mapping[tuple[str, str], int]:
    return standing(admission, world.last_tick.get(admission.lane, NEVER_TICKED)).cart.wanted


# Laws over sales that nobody wrote. A sale is a story without expectations, so that a failure
# prints a ledger.

SALE = """
    policy early-access soft oversell=1 extensions=2
    policy drop         hard all_or_nothing restock=no late=600
    policy members      pool items=moon-lamp:1,pouch:1 per_experience=3 release=no
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


def facts(at: str, whose: str) -> st.SearchStrategy[str]:
    """All that may be said of an admission at an instant."""
    return st.one_of(
        st.builds(f"{at} cart {whose} {{}}".format, carts),
        st.builds(f"{at} paid {whose} {{}} {{}}".format, carts, orders),
        st.builds(f"{at} cancel {whose} order=o-{{}}".format, st.integers(1, 2)),
        st.builds(f"{at} {{}} {whose}".format, ends),
        st.builds(f"{at} extend {whose} {{}}".format, st.sampled_from([120, 3000])),
        st.just(f"{at} transfer {whose} dee"),
        st.just(f"{at} release {whose}"),
    )


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
                st.sampled_from(["", *EXPERIENCES]),
                carts,
            ),
            facts(at, whose),
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
            facts(at, f"{whose} {name}"),
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
def test_lines_that_an_admission_comes_with_are_answered_exactly_once(sale: str) -> None:
    note(sale)
    world = World()
    known: set[AdmissionKey] = set()
    for step, outcomes in each_told(world, sale):
        new = {key.admission_id for key in world.admissions.keys() - known}
        answered = [
            Item(outcome.product_id or "", outcome.variant_id or "", outcome.quantity or 0)
            for outcome in outcomes
            if outcome.type in ("reserved", "rejected") and outcome.admission_id in new
        ]
        wanted = list(_wanted(world, step)) if new else []
        assert sorted(answered[: len(wanted)]) == sorted(wanted), step.line.text
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


@given(sales(any_events()))
def test_every_line_that_a_cart_wants_has_a_reservation(sale: str) -> None:
    note(sale)
    world = World()
    for step, _ in each_told(world, sale):
        for admission in world.admissions.values():
            rows = [
                one for one in world.reservations.values() if one.admission_key == admission.key
            ]
            lines = {(one.product_id, one.variant_id) for one in rows}
            assert _cart_of(world, admission).keys() <= lines, step.line.text


@given(sales(any_events()))
def test_outcomes_tell_what_became_of_every_reservation(sale: str) -> None:
    note(sale)
    world = World()
    told: dict[UUID, Told] = {}
    for step, outcomes in each_told(world, sale):
        for outcome in outcomes:
            if outcome.reservation_id is not None:
                told.setdefault(outcome.reservation_id, Told()).hear(outcome, step)
        for row in world.reservations.values():
            heard = told.get(row.id, Told())
            assert heard.status == row.status, step.line.text
            # What holds nothing has no units; its row says how many were wanted.
            if row.status not in ("expired", "released"):
                assert heard.units == row.quantity, step.line.text


class Told:
    """A reservation as a reader knows it who has nothing but its outcomes."""

    def __init__(self) -> None:
        self.status = "unheard of"
        self.units = 0
        self.step: Happens | None = None  # in which it was last converted

    def hear(self, outcome: Outcome, step: Happens) -> None:
        units = outcome.quantity or 0
        match outcome.type:
            case "reserved":
                self.units = units + (self.units if self.status == "active" else 0)
                self.status = "active"
            case "rejected" if self.status == "active":
                pass  # what was held before stays
            case "released" | "expired" if self.status == "active" and units < self.units:
                self.units -= units
            case "unfulfilled" if self.step is step:
                pass  # what is missing beside what was sold
            case "at_risk":
                pass
            case status:
                self.status, self.units = status, units
                self.step = step if status == "converted" else None


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
        event = structs.replace(event, event_id="again")
    return replace(step, arrival=structs.replace(arrival, event=event, cause=cause))


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
