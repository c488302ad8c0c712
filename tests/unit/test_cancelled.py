"""Orders that are cancelled after they were paid: units come back, or are written off."""

import pytest

from tests.unit.world import story

# Units come back to where they were.


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_cancelled_order_gives_its_units_back(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7         -> converted moon-lamp 2 order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
        12:00  cancel ada order=o-7       -> returned moon-lamp 2 order_cancelled order=o-7
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        holds ada   -> moon-lamp 2 {strategy} returned order_cancelled order=o-7
        12:00  cancel ada order=o-7       -> duplicate
        12:01  admit bo moon-lamp 2       -> reserved moon-lamp 2 until 12:12
    """)


def test_cancelled_order_gives_its_units_back_to_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 3
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 2
        12:00  cancel ada order=o-7       -> returned moon-lamp 2 order_cancelled order=o-7
        pooled drop moon-lamp             -> available 2 allocated 0
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_cancelled_order_of_an_untracked_line_is_returned() -> None:
    story("""
        policy drop pool
        stock  e-book untracked
        10:00  admit ada e-book 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7       -> returned e-book 2 order_cancelled order=o-7
        counters e-book                   -> on_hand 0 reserved 0 allocated 0 sold 0
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_units_that_are_not_restocked_stay_counted_as_sold(strategy: str) -> None:
    story(f"""
        policy drop {strategy} restock=no
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7 \
            -> returned moon-lamp 2 order_cancelled_not_restocked order=o-7
        12:00  cancel ada order=o-7       -> duplicate
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2
        12:01  admit bo moon-lamp 1       -> rejected moon-lamp 1 insufficient_stock
    """)


def test_units_that_are_not_restocked_do_not_come_back_to_the_pool() -> None:
    story("""
        policy drop pool restock=no
        stock  moon-lamp 3
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7 \
            -> returned moon-lamp 2 order_cancelled_not_restocked order=o-7
        pooled drop moon-lamp             -> available 0 allocated 0
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 2
    """)


def test_cancellation_returns_all_lines_that_were_sold_and_no_others() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 0
        stock  anorak/M 1
        10:00  admit ada moon-lamp 1 pouch 1 anorak/M 1
        10:05  paid ada moon-lamp 1 pouch 1 order=o-7
        12:00  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
        holds ada   -> moon-lamp 1 soft returned order_cancelled order=o-7, \
            pouch 1 soft unfulfilled insufficient_stock order=o-7 missing 1, \
            anorak/M 1 soft released not_purchased
    """)


def test_units_that_come_back_from_an_oversold_line_make_it_good_first() -> None:
    story("""
        policy drop oversell=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:05  paid bo order=o-8          -> converted moon-lamp 1 order=o-8 late oversold
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 2 short 1
        12:00  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
        12:00  cancel bo order=o-8        -> returned moon-lamp 1 order_cancelled order=o-8
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


# In any order


def test_cancellation_before_its_checkout_waits() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        12:00  cancel ada order=o-7       -> early
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7, \
            returned moon-lamp 1 order_cancelled order=o-7
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_checkout_and_cancellation_before_their_admission_wait() -> None:
    story("""
        stock  moon-lamp 1
        12:00  cancel ada order=o-7       -> early
        10:05  paid ada order=o-7         -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            converted moon-lamp 1 order=o-7, returned moon-lamp 1 order_cancelled order=o-7
        waiting                           -> nobody
    """)


def test_cancellation_of_an_order_that_never_came_is_orphaned() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1
        10:05     paid ada order=o-7
        12:00     cancel ada order=o-8    -> early
        10:00+2d  tick                    -> orphaned ada admission_unknown order=o-8
        holds ada                         -> moon-lamp 1 soft converted order=o-7
    """)


def test_cancellation_before_its_checkout_in_time_too_returns_the_units() -> None:
    """Clocks of two systems: an order cannot be cancelled before it is paid, whatever they say."""
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7
        10:04  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
    """)


def test_checkout_that_is_told_again_after_its_cancellation_does_not_sell_again() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7
        12:00  cancel ada order=o-7
        10:05  paid ada order=o-7 event=evt-2           -> duplicate
        10:06  paid ada order=o-7 moon-lamp 1           -> nothing
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_cancellation_of_a_late_checkout_returns_the_units() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick
        10:20  paid ada order=o-7         -> converted moon-lamp 1 order=o-7 late
        12:00  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_cancellation_of_a_checkout_that_could_not_be_fulfilled_says_nothing() -> None:
    story("""
        stock  moon-lamp 0
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:05  paid ada order=o-7         -> unfulfilled moon-lamp 1 insufficient_stock order=o-7
        12:00  cancel ada order=o-7       -> nothing
        holds ada   -> moon-lamp 1 soft unfulfilled insufficient_stock order=o-7 missing 1
    """)


def test_cancellation_that_names_the_admission_is_of_a_checkout_that_names_no_order() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada id=adm-7                 -> converted moon-lamp 1
        10:06  cancel ada order=o-7              -> early
        10:06  cancel ada order=o-8 id=adm-7     -> returned moon-lamp 1 order_cancelled
        waiting                                  -> ada
    """)


def test_end_after_a_cancellation_changes_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7
        10:06  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
        10:07  left ada                   -> nothing
        10:11  tick                       -> nothing
        holds ada   -> moon-lamp 1 soft returned order_cancelled order=o-7
    """)


# Paid again


def test_order_after_a_cancelled_one_counts() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7   -> converted moon-lamp 1 order=o-1
        10:06  cancel ada order=o-1          -> returned moon-lamp 1 order_cancelled order=o-1
        10:07  paid ada order=o-2 id=adm-7 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1 order=o-2
        counters moon-lamp                   -> on_hand 0 reserved 0 allocated 0 sold 1
        12:00  cancel ada order=o-2          -> returned moon-lamp 1 order_cancelled order=o-2
        counters moon-lamp                   -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_order_after_a_cancelled_one_and_after_the_window_is_late() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  cancel ada order=o-1
        10:11  tick                          -> nothing
        10:15  paid ada order=o-2 id=adm-7   -> converted moon-lamp 1 order=o-2 late
        counters moon-lamp                   -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_order_after_a_cancelled_one_may_find_the_units_gone() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  cancel ada order=o-1          -> returned moon-lamp 1 order_cancelled order=o-1
        10:06  admit bo moon-lamp 1          -> reserved moon-lamp 1 until 10:17
        10:07  paid ada order=o-2 id=adm-7
        holds ada   -> moon-lamp 1 soft unfulfilled insufficient_stock order=o-2 missing 1
        holds bo                             -> moon-lamp 1 soft active
    """)


def test_order_that_was_paid_before_the_cancellation_is_one_too_many() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7   -> converted moon-lamp 1 order=o-1
        10:06  paid ada order=o-2 id=adm-7   -> unfulfilled already_paid order=o-2
        10:07  cancel ada order=o-1          -> returned moon-lamp 1 order_cancelled order=o-1
        counters moon-lamp                   -> on_hand 2 reserved 0 allocated 0 sold 0
    """)


def test_second_order_counts_when_it_turns_out_that_the_first_was_cancelled_before() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7   -> converted moon-lamp 1 order=o-1
        10:07  paid ada order=o-2 id=adm-7   -> unfulfilled already_paid order=o-2
        10:06  cancel ada order=o-1          -> converted moon-lamp 1 order=o-2
        counters moon-lamp                   -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


def test_order_at_the_very_instant_of_the_cancellation_counts() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  cancel ada order=o-1          -> returned moon-lamp 1 order_cancelled order=o-1
        10:06  paid ada order=o-2 id=adm-7
        holds ada                            -> moon-lamp 1 soft converted order=o-2
    """)


def test_order_that_is_cancelled_twice_is_cancelled_from_the_first_time_on() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:08  cancel ada order=o-1          -> returned moon-lamp 1 order_cancelled order=o-1
        10:07  paid ada order=o-2 id=adm-7   -> unfulfilled already_paid order=o-2
        10:06  cancel ada order=o-1
        holds ada                            -> moon-lamp 1 soft converted order=o-2
    """)


def test_order_after_one_that_was_written_off_sells_its_units() -> None:
    """A row tells of one sale: the units of the first are taken for the second."""
    story("""
        policy drop restock=no
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-1 id=adm-7
        10:06  cancel ada order=o-1 \
            -> returned moon-lamp 1 order_cancelled_not_restocked order=o-1
        10:07  paid ada order=o-2 id=adm-7   -> converted moon-lamp 1 order=o-2
        counters moon-lamp                   -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_cancellation_without_a_shopper_s_door_finds_its_order() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 via=front-gate
        10:05  paid ada order=o-7 via=front-gate
        12:00  cancel ada order=o-7 via=     -> returned moon-lamp 1 order_cancelled order=o-7
    """)


def test_cancellation_that_moves_with_its_order() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        12:00  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
        10:04  admit ada moon-lamp 2
        holds ada   -> moon-lamp 1 soft active, \
            moon-lamp 2 soft returned order_cancelled order=o-7
        counters moon-lamp                -> on_hand 9 reserved 1 allocated 0 sold 0
    """)


# An admission may tell late which experience, and so which policy, it is of.


def test_units_that_were_put_back_are_written_off_once_the_policy_is_known() -> None:
    story("""
        policy vault restock=no
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 in=
        10:05  paid   ada id=adm-7 order=o-7
        10:06  cancel ada id=adm-7 order=o-7   -> returned moon-lamp 1 order_cancelled order=o-7
        counters moon-lamp                     -> on_hand 1 reserved 0 allocated 0 sold 0
        10:00  admit ada moon-lamp 1 id=adm-7 in=vault \
            -> returned moon-lamp 1 order_cancelled_not_restocked order=o-7
        counters moon-lamp                     -> on_hand 0 reserved 0 allocated 0 sold 1
        10:00  admit ada moon-lamp 1 id=adm-7 in=vault   -> nothing
    """)


def test_units_that_were_put_back_stay_with_whom_they_went_to() -> None:
    story("""
        policy vault restock=no
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 in=
        10:05  paid   ada id=adm-7 order=o-7
        10:06  cancel ada id=adm-7 order=o-7
        10:07  admit bo moon-lamp 1            -> reserved moon-lamp 1 until 10:18
        10:00  admit ada moon-lamp 1 id=adm-7 in=vault   -> nothing
        counters moon-lamp                     -> on_hand 1 reserved 1 allocated 0 sold 0
    """)
