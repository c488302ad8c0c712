"""Units that an operator took away while they were held: warned of, owed, or made good."""

import pytest

from tests.unit.world import story

# Warned


def test_shopper_is_warned_once() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:01  tick                       -> nothing
        withdraw ada moon-lamp 1
        counters moon-lamp                -> on_hand 2 reserved 2 allocated 0 sold 0 short 1
        10:02  tick                       -> at_risk ada moon-lamp 1 stock_withdrawn
        10:03  tick                       -> nothing
        holds ada                         -> moon-lamp 2 soft active
        active                            -> 1
    """)


def test_shopper_is_warned_again_when_more_is_taken_after_the_first_was_given_back() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        withdraw ada moon-lamp 1
        10:02  tick                       -> at_risk ada moon-lamp 1 stock_withdrawn
        10:03  cart ada moon-lamp 2       -> released moon-lamp 1 cart_changed
        10:04  tick                       -> nothing
        withdraw ada moon-lamp 1
        10:05  tick                       -> at_risk ada moon-lamp 1 stock_withdrawn
        10:06  paid ada \
            -> converted moon-lamp 1, unfulfilled moon-lamp 1 stock_withdrawn
    """)


def test_shopper_of_another_lane_is_warned_by_the_tick_of_that_lane() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 lane=1
        withdraw ada moon-lamp 1
        10:02  tick lane=0                -> nothing
        10:02  tick lane=1                -> at_risk ada moon-lamp 1 stock_withdrawn
    """)


def test_hold_that_ends_by_the_tick_is_not_warned_of() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 0
        10:12  tick                       -> nothing
    """)


def test_hold_that_ended_before_the_tick_is_not_warned_of() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:01  left ada                   -> released moon-lamp 1 consumer_left
        10:02  tick                       -> nothing
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 0
    """)


# Paid


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_unit_at_risk_that_is_paid_for_is_owed(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:02  tick                       -> at_risk ada moon-lamp 1 stock_withdrawn
        10:05  paid ada order=o-7         -> unfulfilled moon-lamp 1 stock_withdrawn order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 0
        holds ada   -> moon-lamp 1 {strategy} unfulfilled stock_withdrawn order=o-7 missing 1
        active                            -> 0
    """)


def test_unit_at_risk_of_a_pool_that_is_paid_for_is_owed() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 1
        10:05  paid ada order=o-7 \
            -> converted moon-lamp 1 order=o-7, unfulfilled moon-lamp 1 stock_withdrawn order=o-7
        pooled drop moon-lamp             -> available 0 allocated 0
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_hold_that_is_at_risk_for_a_part_is_sold_for_the_rest(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        withdraw ada moon-lamp 2
        10:05  paid ada order=o-7 \
            -> converted moon-lamp 1 order=o-7, unfulfilled moon-lamp 2 stock_withdrawn order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
        holds ada                         -> moon-lamp 1 {strategy} converted order=o-7 missing 2
    """)


def test_unit_is_owed_though_nobody_was_warned_yet() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:05  paid ada                   -> unfulfilled moon-lamp 1 stock_withdrawn
        10:06  tick                       -> nothing
    """)


def test_other_lines_of_the_order_are_sold() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        withdraw ada moon-lamp 1
        10:05  paid ada  -> unfulfilled moon-lamp 1 stock_withdrawn, converted pouch 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 0
        counters pouch                    -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_hold_of_somebody_else_is_sold_as_ever() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1
        withdraw ada moon-lamp 1
        10:05  paid bo                    -> converted moon-lamp 1
        10:06  paid ada                   -> unfulfilled moon-lamp 1 stock_withdrawn
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_fewer_units_than_held_are_paid_from_those_that_are_there() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        withdraw ada moon-lamp 1
        10:05  paid ada moon-lamp 2 \
            -> released moon-lamp 1 not_purchased, converted moon-lamp 2
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
    """)


def test_late_checkout_of_a_hold_that_was_at_risk_asks_for_what_is_there() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 2 hold_elapsed
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
        10:15  paid ada                   -> unfulfilled moon-lamp 2 insufficient_stock
    """)


def test_late_checkout_before_the_tick_owes_the_units_at_risk() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 1
        10:15  paid ada \
            -> converted moon-lamp 1 late, unfulfilled moon-lamp 1 stock_withdrawn
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


# Made good


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_unit_that_somebody_gives_back_makes_the_shortage_good(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1
        withdraw ada moon-lamp 1
        10:02  tick                       -> at_risk ada moon-lamp 1 stock_withdrawn
        10:03  left bo                    -> released moon-lamp 1 consumer_left
        10:04  admit cyd moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:05  paid ada                   -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_unit_that_comes_back_to_a_pool_makes_the_shortage_good() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1
        withdraw ada moon-lamp 1
        10:03  left bo                    -> released moon-lamp 1 consumer_left
        pooled drop moon-lamp             -> available 0 allocated 1
        10:05  paid ada                   -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_unit_of_a_cancelled_order_makes_the_shortage_good() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit bo  moon-lamp 1
        10:01  paid bo order=o-1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:03  cancel bo order=o-1        -> returned moon-lamp 1 order_cancelled order=o-1
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
        10:05  paid ada                   -> converted moon-lamp 1
    """)


def test_shortage_is_made_good_as_far_as_units_come_back() -> None:
    story("""
        stock  moon-lamp 4
        10:00  admit ada moon-lamp 3
        10:00  admit bo  moon-lamp 1
        withdraw ada moon-lamp 3
        10:03  left bo                    -> released moon-lamp 1 consumer_left
        counters moon-lamp                -> on_hand 3 reserved 3 allocated 0 sold 0 short 2
        10:05  paid ada order=o-7 \
            -> converted moon-lamp 1 order=o-7, unfulfilled moon-lamp 2 stock_withdrawn order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_units_at_risk_that_a_cart_gives_back_are_given_back_first() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        withdraw ada moon-lamp 1
        10:03  cart ada moon-lamp 2       -> released moon-lamp 1 cart_changed
        counters moon-lamp                -> on_hand 2 reserved 2 allocated 0 sold 0
        10:04  tick                       -> nothing
        10:05  paid ada                   -> converted moon-lamp 2
    """)


def test_more_units_are_not_held_while_the_line_is_short() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        withdraw ada moon-lamp 2
        10:03  cart ada moon-lamp 1       -> released moon-lamp 1 cart_changed
        10:04  cart ada moon-lamp 2       -> rejected moon-lamp 1 insufficient_stock
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0 short 1
    """)


def test_hold_that_is_changed_for_another_size_leaves_the_risk_behind() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1
        withdraw ada anorak/M 1
        10:03  cart ada anorak/L 1 \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
        counters anorak/M                 -> on_hand 0 reserved 0 allocated 0 sold 0
        10:04  tick                       -> nothing
        10:05  paid ada                   -> converted anorak/L 1
    """)


def test_order_that_was_owed_for_withdrawn_units_is_not_sold_by_being_told_again() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        withdraw ada moon-lamp 1
        10:05  paid ada order=o-7         -> unfulfilled moon-lamp 1 stock_withdrawn order=o-7
        10:05  paid ada order=o-7 event=evt-2   -> duplicate
        10:06  paid ada order=o-7         -> nothing
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 0
    """)


@pytest.mark.parametrize(
    ("news", "late"),
    [
        ("10:04 paid ada order=o-7", ""),
        ("10:04 left ada", " late"),
        ("10:03 cart ada moon-lamp 3", ""),
    ],
)
def test_units_that_are_owed_stay_owed_when_the_sale_is_corrected(news: str, late: str) -> None:
    """An order without items is for all that was held, with the units that were withdrawn."""
    story(f"""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        withdraw ada moon-lamp 2
        10:05  paid ada order=o-7 \
            -> converted moon-lamp 1 order=o-7, unfulfilled moon-lamp 2 stock_withdrawn order=o-7
        {news}
        holds ada                         -> moon-lamp 1 soft converted order=o-7{late} missing 2
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)
