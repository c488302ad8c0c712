"""The strategy table, row by row: what a hold and each of its ends do to the counters."""

from typing import get_args

import pytest

from schemas.vocabulary import OutcomeType, Reason, Status
from tests.unit.world import World, story

# Soft: reserved counts what is held, on_hand what is in the house.


def test_soft_hold_reserves_units_that_stay_on_hand() -> None:
    story("""
        policy drop soft
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2    -> reserved moon-lamp 2 until 10:11
        counters moon-lamp              -> on_hand 5 reserved 2 allocated 0 sold 0
    """)


def test_soft_conversion_takes_the_units_off_hand() -> None:
    story("""
        policy drop soft
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  paid ada                 -> converted moon-lamp 2
        counters moon-lamp              -> on_hand 3 reserved 0 allocated 0 sold 2
    """)


def test_soft_release_makes_the_units_available_again() -> None:
    story("""
        policy drop soft
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  left ada                 -> released moon-lamp 2 consumer_left
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_soft_expiry_makes_the_units_available_again() -> None:
    story("""
        policy drop soft
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:11  tick                     -> expired ada moon-lamp 2 hold_elapsed
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_soft_return_puts_the_units_on_hand_again() -> None:
    story("""
        policy drop soft
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7     -> returned moon-lamp 2 order_cancelled order=o-7
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_soft_overselling_counts_units_that_are_not_on_hand() -> None:
    story("""
        policy drop soft oversell=2
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3     -> converted moon-lamp 3 late oversold
        counters moon-lamp              -> on_hand 0 reserved 0 allocated 0 sold 3 short 2
    """)


# Hard: held units leave on_hand at once.


def test_hard_hold_moves_units_from_on_hand_to_allocated() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2    -> reserved moon-lamp 2 until 10:11
        counters moon-lamp              -> on_hand 3 reserved 0 allocated 2 sold 0
    """)


def test_hard_conversion_sells_allocated_units() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  paid ada                 -> converted moon-lamp 2
        counters moon-lamp              -> on_hand 3 reserved 0 allocated 0 sold 2
    """)


def test_hard_release_returns_units_to_on_hand() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  denied ada               -> released moon-lamp 2 consumer_denied
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_hard_expiry_returns_units_to_on_hand() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:11  tick                     -> expired ada moon-lamp 2 hold_elapsed
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_hard_return_puts_the_units_on_hand_again() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7     -> returned moon-lamp 2 order_cancelled order=o-7
        counters moon-lamp              -> on_hand 5 reserved 0 allocated 0 sold 0
    """)


def test_hard_overselling_counts_units_that_are_not_allocated() -> None:
    story("""
        policy drop hard oversell=2
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3     -> converted moon-lamp 3 late oversold
        counters moon-lamp              -> on_hand 0 reserved 0 allocated 0 sold 3 short 2
    """)


# Pool: the units of the experience have left on_hand before anybody comes.


def test_filling_a_pool_takes_units_off_hand() -> None:
    story("""
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 0
        pooled drop moon-lamp           -> available 3 allocated 0
    """)


def test_pool_hold_allocates_within_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 2    -> reserved moon-lamp 2 until 10:11
        pooled drop moon-lamp           -> available 1 allocated 2
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_pool_conversion_sells_out_of_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 2
        10:05  paid ada                 -> converted moon-lamp 2
        pooled drop moon-lamp           -> available 1 allocated 0
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 2
    """)


def test_pool_release_returns_units_to_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 2
        10:05  left ada                 -> released moon-lamp 2 consumer_left
        pooled drop moon-lamp           -> available 3 allocated 0
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_pool_expiry_returns_units_to_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 2
        10:11  tick                     -> expired ada moon-lamp 2 hold_elapsed
        pooled drop moon-lamp           -> available 3 allocated 0
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_pool_return_puts_the_units_into_the_pool_again() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 5
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7     -> returned moon-lamp 2 order_cancelled order=o-7
        pooled drop moon-lamp           -> available 3 allocated 0
        counters moon-lamp              -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_pool_overselling_leaves_the_units_beside_the_pool_alone() -> None:
    story("""
        policy drop pool oversell=2
        stock  moon-lamp 5
        pool   drop moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3     -> converted moon-lamp 3 late oversold
        pooled drop moon-lamp           -> available 0 allocated 0
        counters moon-lamp              -> on_hand 4 reserved 0 allocated 0 sold 3 short 2
    """)


# Several experiences over one line


def test_each_experience_holds_one_line_by_its_own_strategy() -> None:
    story("""
        policy early-access soft
        policy drop         hard
        policy members      pool
        stock  moon-lamp 6
        pool   members moon-lamp 2
        10:00  admit ada moon-lamp 1 in=early-access
        10:00  admit bo  moon-lamp 2 in=drop
        10:00  admit cyd moon-lamp 1 in=members
        counters moon-lamp              -> on_hand 2 reserved 1 allocated 2 sold 0
        pooled members moon-lamp        -> available 1 allocated 1
        10:05  paid ada                 -> converted moon-lamp 1
        10:05  paid bo                  -> converted moon-lamp 2
        10:05  paid cyd                 -> converted moon-lamp 1
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 4
        pooled members moon-lamp        -> available 1 allocated 0
    """)


def test_hard_hold_cannot_take_units_that_are_softly_reserved() -> None:
    story("""
        policy early-access soft
        policy drop         hard
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 2 in=early-access
        10:00  admit bo  moon-lamp 2 in=drop         -> rejected moon-lamp 2 insufficient_stock
        10:00  admit bo  moon-lamp 1 in=drop via=gate-2 -> reserved moon-lamp 1 until 10:11
        counters moon-lamp              -> on_hand 2 reserved 2 allocated 1 sold 0
    """)


def test_soft_hold_cannot_take_units_that_are_set_aside_in_a_pool() -> None:
    story("""
        policy members pool
        stock  moon-lamp 3
        pool   members moon-lamp 3
        10:00  admit ada moon-lamp 1             -> rejected moon-lamp 1 insufficient_stock
        10:00  admit bo  moon-lamp 1 in=members  -> reserved moon-lamp 1 until 10:11
    """)


def test_pool_of_one_experience_is_closed_to_another() -> None:
    story("""
        policy members pool
        policy friends pool
        stock  moon-lamp 4
        pool   members moon-lamp 1
        pool   friends moon-lamp 1
        10:00  admit ada moon-lamp 1 in=members  -> reserved moon-lamp 1 until 10:11
        10:00  admit bo  moon-lamp 1 in=members  -> rejected moon-lamp 1 pool_exhausted
        10:00  admit cyd moon-lamp 1 in=friends  -> reserved moon-lamp 1 until 10:11
    """)


def test_variants_of_a_product_are_stock_lines_of_their_own() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1     -> reserved anorak/M 1 until 10:11
        10:00  admit bo  anorak/M 1     -> rejected anorak/M 1 insufficient_stock
        10:00  admit cyd anorak/L 1     -> reserved anorak/L 1 until 10:11
        10:00  admit dee anorak 1       -> rejected anorak 1 unknown_stock_line
    """)


def test_stock_and_policy_of_one_organization_are_closed_to_another() -> None:
    story("""
        policy drop hard
        stock  moon-lamp 1
        stock  moon-lamp 1 org=globex
        10:00  admit ada moon-lamp 1               -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1 org=globex    -> reserved moon-lamp 1 until 10:11
        counters moon-lamp                         -> on_hand 0 reserved 0 allocated 1 sold 0
        counters moon-lamp org=globex              -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


def test_experience_without_a_policy_holds_softly_line_by_line() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 pouch 1 in=unheard-of \
            -> reserved moon-lamp 1 until 10:11, rejected pouch 1 unknown_stock_line
        counters moon-lamp              -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


# Untracked lines


@pytest.mark.parametrize("strategy", ["soft", "hard", "pool"])
def test_untracked_line_never_refuses_whatever_the_strategy(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  e-book untracked
        10:00  admit ada e-book 1000000   -> reserved e-book 1000000 until 10:11
        10:00  admit bo  e-book 3         -> reserved e-book 3 until 10:11
        counters e-book                   -> on_hand 0 reserved 1000003 allocated 0 sold 0
        10:05  paid bo                    -> converted e-book 3
        10:05  left ada                   -> released e-book 1000000 consumer_left
        counters e-book                   -> on_hand 0 reserved 0 allocated 0 sold 3
    """)


def test_untracked_line_is_sold_late_without_asking() -> None:
    story("""
        policy drop pool
        stock  e-book untracked
        10:00  admit ada e-book 1
        10:11  tick                       -> expired ada e-book 1 hold_elapsed
        10:20  paid ada                   -> converted e-book 1 late
        counters e-book                   -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


# Reasons: the list is closed, and every word in it has a story.

STORIES: dict[Reason, str] = {
    "insufficient_stock": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 2    -> rejected moon-lamp 2 insufficient_stock
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "unknown_stock_line": """
        10:00  admit ada sun-lamp 1     -> rejected sun-lamp 1 unknown_stock_line
        holds  ada                      -> sun-lamp 1 soft rejected unknown_stock_line
    """,
    "unknown_pool": """
        policy drop pool
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1    -> rejected moon-lamp 1 unknown_pool
        counters moon-lamp              -> on_hand 9 reserved 0 allocated 0 sold 0
    """,
    "pool_exhausted": """
        policy drop pool
        stock  moon-lamp 9
        pool   drop moon-lamp 1
        10:00  admit ada moon-lamp 2    -> rejected moon-lamp 2 pool_exhausted
        pooled drop moon-lamp           -> available 1 allocated 0
    """,
    "cart_incomplete": """
        policy drop all_or_nothing
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada moon-lamp 1 pouch 1 \
            -> rejected moon-lamp 1 cart_incomplete, rejected pouch 1 insufficient_stock
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "window_over": """
        stock  moon-lamp 1
        10:11  tick                     -> nothing
        10:00  admit ada moon-lamp 1    -> rejected moon-lamp 1 window_over
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "not_in_cart": """
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 1 pouch 1   -> converted moon-lamp 1, converted pouch 1 late
        holds  ada   -> moon-lamp 1 soft converted, pouch 1 soft converted not_in_cart late
    """,
    "limit_per_sku": """
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 3    -> rejected moon-lamp 3 limit_per_sku
        holds  ada                      -> moon-lamp 3 soft rejected limit_per_sku
        counters moon-lamp              -> on_hand 9 reserved 0 allocated 0 sold 0
    """,
    "limit_per_experience": """
        policy drop per_experience=2
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 2 pouch 1 \
            -> reserved moon-lamp 2 until 10:11, rejected pouch 1 limit_per_experience
        counters pouch                  -> on_hand 9 reserved 0 allocated 0 sold 0
    """,
    "limit_open_holds": """
        policy drop open_holds=1
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 2 pouch 1 \
            -> reserved moon-lamp 2 until 10:11, rejected pouch 1 limit_open_holds
        counters pouch                  -> on_hand 9 reserved 0 allocated 0 sold 0
    """,
    "admission_expired": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:10  lapsed ada               -> expired moon-lamp 1 admission_expired
        holds  ada                      -> moon-lamp 1 soft expired admission_expired
    """,
    "consumer_left": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:01  left ada                 -> released moon-lamp 1 consumer_left
        holds  ada                      -> moon-lamp 1 soft released consumer_left
    """,
    "consumer_denied": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:01  denied ada               -> released moon-lamp 1 consumer_denied
        holds  ada                      -> moon-lamp 1 soft released consumer_denied
    """,
    "hold_elapsed": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick                     -> expired ada moon-lamp 1 hold_elapsed
        holds  ada                      -> moon-lamp 1 soft expired hold_elapsed
    """,
    "not_purchased": """
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:05  paid ada pouch 1         -> released moon-lamp 1 not_purchased, converted pouch 1
        holds  ada   -> moon-lamp 1 soft released not_purchased, pouch 1 soft converted
    """,
    "cart_changed": """
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1
        10:02  cart ada pouch 1 \
            -> reserved pouch 1 until 10:11, released moon-lamp 1 cart_changed
        holds  ada   -> moon-lamp 1 soft released cart_changed, pouch 1 soft active
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "released_on_request": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:02  release ada              -> released moon-lamp 1 released_on_request
        holds  ada                      -> moon-lamp 1 soft released released_on_request
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "grace_over": """
        policy drop late=3600
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        11:12  paid ada order=o-7 \
            -> expired moon-lamp 1 hold_elapsed, unfulfilled moon-lamp 1 grace_over order=o-7
        holds  ada   -> moon-lamp 1 soft unfulfilled grace_over order=o-7 late missing 1
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "nothing_in_cart": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1         -> reserved moon-lamp 1 until 10:11
        10:01  release ada                   -> released moon-lamp 1 released_on_request
        10:02  paid ada order=o-1            -> unfulfilled nothing_in_cart order=o-1
        10:02  paid ada order=o-1            -> duplicate
    """,
    "already_paid": """
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7   -> converted moon-lamp 1 order=o-1
        10:06  paid ada order=o-2 id=adm-7   -> unfulfilled already_paid order=o-2
        counters moon-lamp              -> on_hand 8 reserved 0 allocated 0 sold 1
    """,
    "stock_withdrawn": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:01  tick                     -> at_risk ada moon-lamp 1 stock_withdrawn
        10:05  paid ada                 -> unfulfilled moon-lamp 1 stock_withdrawn
        holds  ada                      -> moon-lamp 1 soft unfulfilled stock_withdrawn missing 1
        counters moon-lamp              -> on_hand 0 reserved 0 allocated 0 sold 0
    """,
    "order_cancelled": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7       -> converted moon-lamp 1 order=o-7
        10:30  cancel ada order=o-7     -> returned moon-lamp 1 order_cancelled order=o-7
        holds  ada                      -> moon-lamp 1 soft returned order_cancelled order=o-7
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "order_cancelled_not_restocked": """
        policy drop restock=no
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7
        10:30  cancel ada order=o-7 \
            -> returned moon-lamp 1 order_cancelled_not_restocked order=o-7
        counters moon-lamp              -> on_hand 0 reserved 0 allocated 0 sold 1
    """,
    "extension_not_allowed": """
        policy drop extensions=0
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 60            -> refused extension_not_allowed
        10:11  tick                     -> expired ada moon-lamp 1 hold_elapsed
    """,
    "extension_limit": """
        policy drop extensions=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 60            -> extended until 10:12
        10:06  extend ada 60            -> refused extension_limit
        10:12  tick                     -> expired ada moon-lamp 1 hold_elapsed
    """,
    "extension_too_long": """
        policy drop extensions=2 extension_seconds=120
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 120           -> extended until 10:13
        10:06  extend ada 60            -> refused extension_too_long
        10:13  tick                     -> expired ada moon-lamp 1 hold_elapsed
    """,
    "release_not_allowed": """
        policy drop release=no
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:02  release ada              -> refused release_not_allowed
        active                          -> 1
    """,
    "transfer_not_allowed": """
        policy drop transfer=no
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:02  transfer guest-17 ada    -> refused transfer_not_allowed
        holds  guest-17                 -> moon-lamp 1 soft active
    """,
    "already_transferred": """
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:02  transfer guest-17 ada    -> transferred ada from guest-17
        10:03  transfer guest-17 bo     -> refused ada already_transferred
        holds  ada                      -> moon-lamp 1 soft active
    """,
    "hold_over": """
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:02  left ada                 -> released moon-lamp 1 consumer_left
        10:03  cart ada moon-lamp 1 id=adm-7   -> refused hold_over
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
    "too_many_facts": "".join(
        [
            "10:00 admit ada id=adm-7\n",
            *(f"10:00:{second:02} extend ada {second + 1} id=adm-7\n" for second in range(50)),
            "10:01 extend ada 60 id=adm-7   -> refused too_many_facts",
        ]
    ),
    "several_admissions": """
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 1 via=back-gate
        10:05  paid ada via= order=o-7   -> ambiguous several_admissions order=o-7
        active                           -> 2
        10:05+2d tick \
            -> expired ada moon-lamp 1 hold_elapsed, expired ada moon-lamp 1 hold_elapsed, \
               orphaned ada several_admissions order=o-7
    """,
    "admission_unknown": """
        10:05    paid ada order=o-7     -> early
        10:05+2d tick                   -> orphaned ada admission_unknown order=o-7
        waiting                         -> nobody
    """,
    "too_old": """
        stock  moon-lamp 1
        pruned 10:30
        10:05  admit ada moon-lamp 1    -> orphaned too_old
        10:06  paid ada order=o-7       -> orphaned too_old order=o-7
        waiting                         -> nobody
        counters moon-lamp              -> on_hand 1 reserved 0 allocated 0 sold 0
    """,
}


@pytest.mark.parametrize("reason", STORIES)
def test_reason_is_given_in_its_story(reason: Reason) -> None:
    world = story(STORIES[reason])

    assert reason in _reasons(world)


def test_every_reason_has_a_story() -> None:
    assert set(STORIES) == set(get_args(Reason))


def test_every_kind_of_outcome_has_a_story() -> None:
    told = {outcome.type for text in STORIES.values() for outcome in story(text).outcomes}

    assert told == set(get_args(OutcomeType))


def test_every_status_has_a_story() -> None:
    ends = {row.status for text in STORIES.values() for row in story(text).reservations.values()}

    assert ends == set(get_args(Status))


def _reasons(world: World) -> set[Reason | None]:
    said = {outcome.reason for outcome in world.outcomes}
    return said | {reservation.reason for reservation in world.reservations.values()}
