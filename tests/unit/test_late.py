"""Payments after the end, for other things than were held, and a second time."""

import pytest

from tests.unit.world import story

# Within the grace the units are taken again.


@pytest.mark.parametrize("strategy", ["soft", "hard"])
@pytest.mark.parametrize("end", ["10:05 left ada", "10:05 denied ada", "10:05 lapsed ada"])
def test_checkout_within_the_grace_takes_the_units_again(strategy: str, end: str) -> None:
    story(f"""
        policy drop {strategy} late=600
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        {end}
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        10:15  paid ada order=o-7         -> converted moon-lamp 2 order=o-7 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
        holds ada                         -> moon-lamp 2 {strategy} converted order=o-7 late
    """)


def test_checkout_within_the_grace_takes_the_units_from_the_pool_again() -> None:
    story("""
        policy drop pool late=600
        stock  moon-lamp 3
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:11  tick                       -> expired ada moon-lamp 2 hold_elapsed
        10:20  paid ada                   -> converted moon-lamp 2 late
        pooled drop moon-lamp             -> available 0 allocated 0
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 2
    """)


def test_checkout_of_the_last_second_of_the_grace_is_taken() -> None:
    story("""
        policy drop late=600
        stock  moon-lamp 2
        10:00     admit ada moon-lamp 1
        10:00     admit bo  moon-lamp 1
        10:11     tick
        10:21     paid ada                -> converted moon-lamp 1 late
        10:21:01  paid bo                 -> unfulfilled moon-lamp 1 grace_over
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


def test_grace_without_a_policy_is_two_days() -> None:
    story("""
        stock  moon-lamp 2
        10:00        admit ada moon-lamp 1
        10:00        admit bo  moon-lamp 1
        10:11        tick
        10:11+2d     paid ada             -> converted moon-lamp 1 late
        10:11:01+2d  paid bo              -> unfulfilled moon-lamp 1 grace_over
    """)


def test_grace_begins_where_the_hold_ended() -> None:
    story("""
        policy drop late=600
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1
        10:02     left ada                -> released moon-lamp 1 consumer_left
        10:12:01  paid ada                -> unfulfilled moon-lamp 1 grace_over
    """)


def test_checkout_without_any_grace_is_taken_in_time_only() -> None:
    story("""
        policy drop late=0
        stock  moon-lamp 2
        10:00     admit ada moon-lamp 1
        10:00     admit bo  moon-lamp 1
        10:11     paid ada                -> converted moon-lamp 1
        10:11:01  paid bo \
            -> expired moon-lamp 1 hold_elapsed, unfulfilled moon-lamp 1 grace_over
        active                            -> 0
    """)


def test_checkout_after_the_grace_of_several_lines_is_owed_whole() -> None:
    story("""
        policy drop late=60
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:11  tick
        10:30  paid ada order=o-7         -> unfulfilled moon-lamp 2 grace_over order=o-7, \
            unfulfilled pouch 1 grace_over order=o-7
        holds ada   -> moon-lamp 2 soft unfulfilled grace_over order=o-7 late missing 2, \
            pouch 1 soft unfulfilled grace_over order=o-7 late missing 1
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_line_that_was_not_paid_after_the_grace_stays_ended() -> None:
    story("""
        policy drop late=60
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:05  left ada
        10:30  paid ada pouch 1           -> unfulfilled pouch 1 grace_over
        holds ada   -> moon-lamp 1 soft released consumer_left, \
            pouch 1 soft unfulfilled grace_over late missing 1
    """)


def test_checkout_beyond_the_grace_is_taken_when_the_hold_turns_out_to_be_longer() -> None:
    story("""
        policy drop late=60
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:11  tick
        10:15  paid ada id=adm-7          -> unfulfilled moon-lamp 1 grace_over
        10:09  extend ada 600 id=adm-7 \
            -> extended until 10:21, reserved moon-lamp 1 until 10:21, converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
        holds ada                         -> moon-lamp 1 soft converted
    """)


def test_late_checkout_before_any_tick_ends_what_it_did_not_buy() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:15  paid ada pouch 1 \
            -> expired moon-lamp 1 hold_elapsed, converted pouch 1 late
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
        active                            -> 0
        10:20  tick                       -> nothing
    """)


def test_end_before_a_checkout_that_comes_after_it_makes_the_sale_late() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:06  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:05  left ada                   -> converted moon-lamp 1 order=o-7 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_earlier_end_that_is_told_after_a_late_checkout_renames_what_was_not_bought() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:06  left ada
        10:10  paid ada pouch 1           -> converted pouch 1 late
        10:05  denied ada                 -> released moon-lamp 1 consumer_denied
        holds ada   -> moon-lamp 1 soft released consumer_denied, pouch 1 soft converted late
    """)


def test_line_that_nobody_bought_is_not_asked_for_again_when_the_sale_is_corrected() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:06  left ada
        10:07  admit bo moon-lamp 1
        10:10  paid ada pouch 1           -> converted pouch 1 late
        10:05  denied ada                 -> released moon-lamp 1 consumer_denied
    """)


# The budget for overselling


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_late_checkout_may_be_oversold_within_the_budget_and_it_is_said(strategy: str) -> None:
    story(f"""
        policy drop {strategy} oversell=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:12  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:23
        10:13  paid ada order=o-7         -> converted moon-lamp 1 order=o-7 late oversold
        10:14  paid bo                    -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2 short 1
    """)


def test_budget_for_overselling_is_of_the_stock_line_and_not_of_one_order() -> None:
    story("""
        policy drop oversell=2
        stock  moon-lamp 0
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:00  admit bo  moon-lamp 2      -> rejected moon-lamp 2 insufficient_stock
        10:00  admit cyd moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:05  paid ada                   -> converted moon-lamp 1 late oversold
        10:05  paid bo                    -> unfulfilled moon-lamp 2 insufficient_stock
        10:06  paid cyd                   -> converted moon-lamp 1 late oversold
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2 short 2
    """)


def test_units_beyond_what_is_held_may_be_oversold() -> None:
    story("""
        policy drop oversell=5
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3       -> converted moon-lamp 3 late oversold
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 3 short 2
    """)


def test_units_that_are_there_are_not_oversold() -> None:
    story("""
        policy drop oversell=5
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3       -> converted moon-lamp 3 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 3
    """)


def test_budget_for_overselling_is_for_payments_and_not_for_holds() -> None:
    story("""
        policy drop oversell=5
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:01  cart ada moon-lamp 2       -> rejected moon-lamp 1 insufficient_stock
    """)


def test_budget_for_overselling_does_not_help_after_the_grace() -> None:
    story("""
        policy drop oversell=5 late=60
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:30  paid ada                   -> unfulfilled moon-lamp 1 grace_over
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_what_nobody_stocks_is_not_oversold() -> None:
    story("""
        policy drop oversell=5
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada sun-lamp 1 \
            -> released moon-lamp 1 not_purchased, unfulfilled sun-lamp 1 unknown_stock_line
    """)


def test_units_that_come_back_make_an_oversold_line_good() -> None:
    story("""
        policy drop oversell=1
        stock  moon-lamp 2
        10:00  admit bo  moon-lamp 2
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:05  paid ada                   -> converted moon-lamp 1 late oversold
        counters moon-lamp                -> on_hand 2 reserved 2 allocated 0 sold 1 short 1
        10:06  left bo                    -> released moon-lamp 2 consumer_left
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_oversold_sale_that_moves_to_another_admission_takes_its_shortage_along(
    strategy: str,
) -> None:
    story(f"""
        policy drop {strategy} oversell=2
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3 order=o-7  -> converted moon-lamp 3 order=o-7 late oversold
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 3 short 2
        10:04  admit ada                  -> reserved moon-lamp 1 until 10:11, \
            unfulfilled moon-lamp 3 insufficient_stock order=o-7
        holds ada   -> moon-lamp 1 {strategy} active, moon-lamp 3 {strategy} unfulfilled \
            insufficient_stock order=o-7 missing 3
    """)


def test_oversold_sale_that_is_corrected_is_oversold_once() -> None:
    story("""
        policy drop oversell=2
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada moon-lamp 3 order=o-7 id=adm-7
        10:04  paid ada moon-lamp 2 order=o-7 id=adm-7 \
            -> converted moon-lamp 2 order=o-7 late oversold
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2 short 1
        10:03  paid ada moon-lamp 1 order=o-7 id=adm-7 -> converted moon-lamp 1 order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_pool_is_oversold_out_of_its_own_budget() -> None:
    story("""
        policy drop pool oversell=1
        stock  moon-lamp 9
        pool   drop moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:12  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:23
        10:13  paid ada                   -> converted moon-lamp 1 late oversold
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1 short 1
        pooled drop moon-lamp             -> available 0 allocated 1
        10:14  left bo                    -> released moon-lamp 1 consumer_left
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
        pooled drop moon-lamp             -> available 0 allocated 0
    """)


# Other items than were held


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_late_checkout_of_a_part_takes_that_part(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 3
        stock  pouch 1
        10:00  admit ada moon-lamp 3 pouch 1
        10:11  tick
        10:15  paid ada moon-lamp 2       -> converted moon-lamp 2 late
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 2
        holds ada   -> moon-lamp 2 {strategy} converted late, \
            pouch 1 {strategy} expired hold_elapsed
    """)


def test_late_checkout_of_more_takes_more() -> None:
    story("""
        stock  moon-lamp 3
        stock  pouch 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:15  paid ada moon-lamp 3 pouch 1   \
            -> converted moon-lamp 3 late, converted pouch 1 late
        holds ada   -> moon-lamp 3 soft converted late, pouch 1 soft converted not_in_cart late
    """)


def test_late_checkout_of_more_than_there_is_takes_nothing_of_that_line() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:15  paid ada moon-lamp 3       -> unfulfilled moon-lamp 3 insufficient_stock
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        holds ada   -> moon-lamp 3 soft unfulfilled insufficient_stock late missing 3
    """)


def test_line_that_is_short_does_not_keep_the_others_from_being_sold() -> None:
    story("""
        policy drop all_or_nothing
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:11  tick
        10:12  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:23
        10:15  paid ada order=o-7 \
            -> unfulfilled moon-lamp 1 insufficient_stock order=o-7, \
               converted pouch 1 order=o-7 late
    """)


def test_units_missing_beside_sold_ones_are_noted() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada moon-lamp 5 order=o-7 \
            -> converted moon-lamp 2 order=o-7, unfulfilled moon-lamp 3 insufficient_stock order=o-7
        holds ada                         -> moon-lamp 2 soft converted order=o-7 missing 3
    """)


def test_checkout_of_a_line_that_the_cart_gave_back_is_late() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:02  cart ada pouch 1           -> released moon-lamp 1 cart_changed
        10:05  paid ada moon-lamp 1 pouch 1 \
            -> converted moon-lamp 1 late, converted pouch 1
        holds ada   -> moon-lamp 1 soft converted not_in_cart late, pouch 1 soft converted
    """)


def test_checkout_without_items_is_not_for_a_line_that_the_cart_gave_back() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:02  cart ada pouch 1           -> released moon-lamp 1 cart_changed
        10:15  paid ada                   -> converted pouch 1 late
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_late_checkout_without_items_is_for_what_was_held_and_not_for_what_was_refused() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada moon-lamp 1 pouch 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:15  paid ada                   -> converted moon-lamp 1 late
        holds ada   -> moon-lamp 1 soft converted late, \
            pouch 1 soft rejected insufficient_stock
    """)


def test_sale_of_a_line_beyond_the_cart_is_left_alone_by_a_correction_that_changes_nothing() -> (
    None
):
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada moon-lamp 1 pouch 1 order=o-7 id=adm-7
        10:04  paid ada order=o-7 id=adm-7       -> nothing
        counters pouch                           -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_items_that_are_told_after_the_checkout_correct_the_sale() -> None:
    story("""
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1 id=adm-7
        10:05  paid ada order=o-7 id=adm-7 \
            -> converted moon-lamp 2 order=o-7, converted pouch 1 order=o-7
        10:05  paid ada order=o-7 moon-lamp 1 id=adm-7 \
            -> released moon-lamp 1 not_purchased, converted moon-lamp 1 order=o-7, \
               released pouch 1 not_purchased
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 1
        counters pouch                    -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


@pytest.mark.parametrize("news", ["10:04 paid ada order=o-7", "10:01 cart ada moon-lamp 1 pouch 1"])
def test_line_that_is_owed_stays_owed_when_the_sale_is_corrected(news: str) -> None:
    story(f"""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:02  left ada
        10:03  admit bo moon-lamp 1
        10:05  paid ada order=o-7 \
            -> unfulfilled moon-lamp 1 insufficient_stock order=o-7, \
               converted pouch 1 order=o-7 late
        {news}                            -> nothing
        holds ada   -> moon-lamp 1 soft unfulfilled insufficient_stock order=o-7 late missing 1, \
            pouch 1 soft converted order=o-7 late
    """)


def test_completion_with_items_is_not_overruled_by_one_without() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2 id=adm-7
        10:05  paid ada order=o-7 moon-lamp 1 id=adm-7
        10:04  paid ada order=o-7 id=adm-7       -> nothing
        holds ada                                -> moon-lamp 1 soft converted order=o-7
    """)


def test_completion_without_an_order_may_be_the_earlier_word_on_it() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:06  left ada id=adm-7
        10:07  paid ada order=o-7 id=adm-7   -> converted moon-lamp 1 order=o-7 late
        10:05  paid ada id=adm-7             -> converted moon-lamp 1 order=o-7
    """)


def test_completion_without_an_order_is_of_the_earliest() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 3 id=adm-7
        10:07  paid ada order=o-1 id=adm-7
        10:05  paid ada order=o-2 id=adm-7
        10:06  paid ada moon-lamp 2 id=adm-7 \
            -> released moon-lamp 1 not_purchased, converted moon-lamp 2 order=o-2
    """)


def test_completion_without_an_order_is_of_the_first_by_name_of_two_of_one_instant() -> None:
    for first, second in (
        ("paid ada order=o-1 id=adm-7", "paid ada order=o-2 id=adm-7 token=t-7"),
        ("paid ada order=o-2 id=adm-7 token=t-7", "paid ada order=o-1 id=adm-7"),
    ):
        story(f"""
            stock  moon-lamp 9
            10:00  admit ada moon-lamp 1 id=adm-7 token=t-7
            10:05  paid ada id=adm-7
            10:07  {first}
            10:07  {second}
            holds ada                        -> moon-lamp 1 soft converted order=o-1
        """)


# A second payment


def test_second_order_is_one_too_many_and_says_which() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7              -> converted moon-lamp 1 order=o-1
        10:06  paid ada order=o-2 moon-lamp 3 id=adm-7  -> unfulfilled already_paid order=o-2
        10:07  paid ada order=o-3 id=adm-7              -> unfulfilled already_paid order=o-3
        10:08  paid ada order=o-2 id=adm-7              -> nothing
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_order_that_was_paid_first_counts_though_it_is_told_second() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 2 id=adm-7
        10:06  paid ada order=o-2 id=adm-7   -> converted moon-lamp 2 order=o-2
        10:05  paid ada order=o-1 moon-lamp 1 id=adm-7 \
            -> unfulfilled already_paid order=o-2, \
               released moon-lamp 1 not_purchased, converted moon-lamp 1 order=o-1
        holds ada                            -> moon-lamp 1 soft converted order=o-1
        counters moon-lamp                   -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_two_orders_of_one_instant_are_told_apart_by_their_names() -> None:
    for first, second in (("o-1", "o-2"), ("o-2", "o-1")):
        world = story(f"""
            stock  moon-lamp 9
            10:00  admit ada moon-lamp 1 id=adm-7
            10:05  paid ada order={first} id=adm-7
            10:05  paid ada order={second} id=adm-7
            holds ada                        -> moon-lamp 1 soft converted order=o-1
        """)

        owed = [one.order_id for one in world.outcomes if one.reason == "already_paid"]
        assert owed == ["o-2"]


def test_second_order_that_names_no_admission_waits_for_another() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-1         -> converted moon-lamp 1 order=o-1
        10:07  paid ada order=o-2         -> early
        10:06  admit ada moon-lamp 2 \
            -> reserved moon-lamp 2 until 10:17, converted moon-lamp 2 order=o-2
        counters moon-lamp                -> on_hand 6 reserved 0 allocated 0 sold 3
    """)


# A policy is for what begins after it


@pytest.mark.parametrize(
    ("later_policy", "event", "outcome"),
    [
        ("late=60", "10:30 left ada id=a", "nothing"),
        ("late=60", "10:25 paid ada id=a order=o-7", "nothing"),
    ],
)
def test_sale_is_not_undone_by_a_policy_of_later(
    later_policy: str, event: str, outcome: str
) -> None:
    story(f"""
        stock  lamp 1
        10:00  admit ada lamp 1 id=a
        10:11  tick
        10:20  paid ada id=a order=o-7    -> converted lamp 1 order=o-7 late
        policy drop {later_policy}
        {event}                           -> {outcome}
        counters lamp                     -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_hold_keeps_the_end_that_it_was_told() -> None:
    story("""
        stock  lamp 1
        10:00  admit ada lamp 1           -> reserved lamp 1 until 10:11
        policy drop window=300
        10:07  cart ada lamp 1            -> nothing
        10:08  tick                       -> nothing
        10:11  tick                       -> expired ada lamp 1 hold_elapsed
    """)


def test_policy_counts_from_when_the_experience_is_known() -> None:
    story("""
        policy drop window=300
        stock  lamp 1
        10:00  admit ada lamp 1 id=a in=   -> reserved lamp 1 until 10:11
        10:00  admit ada id=a in=drop
        10:06  tick                        -> expired ada lamp 1 hold_elapsed
    """)
