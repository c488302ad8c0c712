"""Holds follow the cart: what the newest cart wants is held, and nothing else."""

import pytest

from reservations.cart_in_force import cart_in_force, digest
from schemas.events import CartUpdated, Cause, Item
from schemas.facts import MIGRATED, KnownFact
from schemas.policy import DEFAULT_POLICY
from tests.unit.story import MIDNIGHT
from tests.unit.world import story

# A cart reaches its admission.


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_items_reach_an_admission_that_came_without_any(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 2
        10:00  admit ada                  -> nothing
        10:02  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        holds ada                         -> moon-lamp 1 {strategy} active
        10:05  paid ada                   -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


def test_items_of_a_cart_are_held_in_the_pool_of_the_experience() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 3
        pool   drop moon-lamp 2
        10:00  admit ada
        10:02  cart ada moon-lamp 2       -> reserved moon-lamp 2 until 10:11
        pooled drop moon-lamp             -> available 0 allocated 2
        10:03  cart ada moon-lamp 1       -> released moon-lamp 1 cart_changed
        pooled drop moon-lamp             -> available 1 allocated 1
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_cart_outranks_the_offer_of_the_experience() -> None:
    story("""
        policy drop items=pouch:1
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada                  -> reserved pouch 1 until 10:11
        10:02  cart ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, released pouch 1 cart_changed
        counters pouch                    -> on_hand 1 reserved 0 allocated 0 sold 0
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


def test_cart_before_its_admission_waits_and_is_held() -> None:
    story("""
        stock  moon-lamp 1
        09:58  cart ada moon-lamp 1       -> early
        waiting                           -> ada
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
        10:00  admit ada                  -> reserved moon-lamp 1 until 10:11
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


def test_newest_of_several_carts_before_an_admission_is_held() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        09:59  cart ada pouch 1           -> early
        09:58  cart ada moon-lamp 1       -> early
        10:00  admit ada
        holds ada   -> moon-lamp 1 soft released cart_changed, pouch 1 soft active
    """)


def test_what_an_admission_comes_with_is_newer_than_a_cart_before_it() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        09:58  cart ada pouch 1           -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        waiting                           -> nobody
        holds ada                         -> moon-lamp 1 soft active
    """)


def test_cart_before_two_admissions_is_for_the_first() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada                  -> nothing
        10:20  admit ada                  -> nothing
        09:58  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
    """)


def test_cart_between_two_admissions_is_for_the_second() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada
        10:05  left ada
        10:20  admit ada
        10:12  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:31
    """)


def test_cart_of_another_distribution_waits() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:02  cart ada moon-lamp 2 via=back-gate    -> early
        10:03  cart ada moon-lamp 3 via=             -> reserved moon-lamp 2 until 10:11
        waiting                                      -> ada
    """)


def test_empty_cart_that_waits_in_vain_ends_without_a_word() -> None:
    story("""
        10:00     cart ada                -> early
        10:00     cart bo moon-lamp 1     -> early
        10:00+2d  tick                    -> orphaned bo admission_unknown
        waiting                           -> nobody
    """)


def test_cart_of_an_unpaid_shopper_after_the_window_waits_for_the_next_admission() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:15  cart ada moon-lamp 2       -> early
        10:20  admit ada                  -> reserved moon-lamp 2 until 10:31
    """)


# More, less, something else


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_more_units_are_held_beside_those_that_are(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 1
        10:02  cart ada moon-lamp 3       -> reserved moon-lamp 2 until 10:11
        holds ada                         -> moon-lamp 3 {strategy} active
        10:05  paid ada                   -> converted moon-lamp 3
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 3
        active                            -> 0
    """)


def test_more_units_that_are_not_there_are_refused_and_the_held_ones_stay() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:02  cart ada moon-lamp 3       -> rejected moon-lamp 2 insufficient_stock
        holds ada                         -> moon-lamp 1 soft active
        counters moon-lamp                -> on_hand 2 reserved 1 allocated 0 sold 0
        10:03  cart ada moon-lamp 2       -> reserved moon-lamp 1 until 10:11
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_fewer_units_give_the_rest_back(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        10:02  cart ada moon-lamp 1       -> released moon-lamp 2 cart_changed
        holds ada                         -> moon-lamp 1 {strategy} active
        10:02  admit bo moon-lamp 2       -> reserved moon-lamp 2 until 10:13
        active                            -> 2
    """)


def test_line_that_the_cart_drops_is_given_back_whole() -> None:
    story("""
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:02  cart ada pouch 1           -> released moon-lamp 2 cart_changed
        holds ada   -> moon-lamp 2 soft released cart_changed, pouch 1 soft active
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        active                            -> 1
    """)


def test_line_that_the_cart_takes_up_again_is_held_again() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:02  cart ada                   -> released moon-lamp 2 cart_changed
        10:03  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        holds ada                         -> moon-lamp 1 soft active
        counters moon-lamp                -> on_hand 2 reserved 1 allocated 0 sold 0
        active                            -> 1
    """)


def test_empty_cart_gives_everything_back() -> None:
    story("""
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:02  cart ada   -> released moon-lamp 2 cart_changed, released pouch 1 cart_changed
        10:11  tick                       -> nothing
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        active                            -> 0
    """)


def test_later_end_does_not_touch_what_the_cart_gave_back() -> None:
    story("""
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:02  cart ada pouch 1           -> released moon-lamp 2 cart_changed
        10:04  left ada                   -> released pouch 1 consumer_left
        holds ada  -> moon-lamp 2 soft released cart_changed, pouch 1 soft released consumer_left
    """)


def test_lines_of_one_sku_in_a_cart_are_summed() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:02  cart ada moon-lamp 1 moon-lamp 2   -> reserved moon-lamp 2 until 10:11
        counters moon-lamp                -> on_hand 3 reserved 3 allocated 0 sold 0
    """)


def test_cart_that_wants_what_is_held_already_says_nothing() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:02  cart ada moon-lamp 1       -> nothing
        10:02  cart ada moon-lamp 1       -> duplicate
        counters moon-lamp                -> on_hand 3 reserved 1 allocated 0 sold 0
    """)


def test_refused_line_is_tried_again_by_the_next_cart() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit bo  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:01  left bo
        10:02  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        10:05  paid ada                   -> converted moon-lamp 1
    """)


@pytest.mark.parametrize("event", ["10:02 extend ada 60", "10:02 transfer ada cyd", "10:02 tick"])
def test_refused_line_is_not_tried_again_by_anything_else(event: str) -> None:
    world = story(f"""
        stock  moon-lamp 1
        10:00  admit bo  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:01  left bo
        {event}
        active                            -> 0
    """)

    assert [outcome.type for outcome in world.outcomes].count("rejected") == 1


def test_line_that_nobody_stocks_is_refused_beside_one_that_is_held() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada
        10:02  cart ada sun-lamp 1 moon-lamp 1 \
            -> rejected sun-lamp 1 unknown_stock_line, reserved moon-lamp 1 until 10:11
    """)


def test_cart_of_an_untracked_line_is_never_refused() -> None:
    story("""
        policy drop hard
        stock  e-book untracked
        10:00  admit ada e-book 1
        10:02  cart ada e-book 5          -> reserved e-book 4 until 10:11
        10:03  cart ada e-book 2          -> released e-book 3 cart_changed
        counters e-book                   -> on_hand 0 reserved 2 allocated 0 sold 0
    """)


# Swaps


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_size_is_changed_by_holding_the_new_one_before_the_old_one_is_given_back(
    strategy: str,
) -> None:
    story(f"""
        policy drop {strategy}
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1 \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
        10:02  admit bo anorak/M 1        -> reserved anorak/M 1 until 10:13
        10:05  paid ada                   -> converted anorak/L 1
        counters anorak/L                 -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_size_is_changed_within_the_pool() -> None:
    story("""
        policy drop pool
        stock  anorak/M 1
        stock  anorak/L 1
        pool   drop anorak/M 1
        pool   drop anorak/L 1
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1 \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
        pooled drop anorak/M              -> available 1 allocated 0
        pooled drop anorak/L              -> available 0 allocated 1
    """)


def test_size_that_is_not_there_leaves_the_old_one_held() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 0
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1        -> rejected anorak/L 1 insufficient_stock
        holds ada   -> anorak/M 1 soft active, anorak/L 1 soft rejected insufficient_stock
        10:05  paid ada                   -> converted anorak/M 1
        holds ada   -> anorak/M 1 soft converted not_in_cart, \
            anorak/L 1 soft rejected insufficient_stock
        counters anorak/M                 -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_size_that_could_not_be_changed_is_given_back_when_a_cart_drops_both() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 0
        stock  pouch 1
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1        -> rejected anorak/L 1 insufficient_stock
        10:03  cart ada pouch 1 \
            -> reserved pouch 1 until 10:11, released anorak/M 1 cart_changed
        counters anorak/M                 -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_swap_that_cannot_be_made_keeps_lines_of_its_own_product_only() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 0
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada anorak/M 1 moon-lamp 1
        10:02  cart ada anorak/L 1 pouch 1 \
            -> rejected anorak/L 1 insufficient_stock, reserved pouch 1 until 10:11, \
               released moon-lamp 1 cart_changed
        holds ada   -> anorak/M 1 soft active, moon-lamp 1 soft released cart_changed, \
            anorak/L 1 soft rejected insufficient_stock, pouch 1 soft active
    """)


def test_swap_of_a_part_that_cannot_be_made_keeps_all_that_was_held() -> None:
    story("""
        stock  anorak/M 3
        stock  anorak/L 1
        10:00  admit ada anorak/M 3
        10:02  cart ada anorak/M 1 anorak/L 2   -> rejected anorak/L 2 insufficient_stock
        holds ada   -> anorak/M 3 soft active, anorak/L 2 soft rejected insufficient_stock
        10:03  cart ada anorak/M 2 anorak/L 1 \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
    """)


def test_two_sizes_are_exchanged_between_two_shoppers_only_by_a_free_unit() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1
        10:00  admit bo  anorak/L 1
        10:02  cart ada anorak/L 1        -> rejected anorak/L 1 insufficient_stock
        10:02  cart bo  anorak/M 1        -> rejected anorak/M 1 insufficient_stock
        counters anorak/M                 -> on_hand 1 reserved 1 allocated 0 sold 0
        counters anorak/L                 -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


# Whole or not at all


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_all_or_nothing_cart_that_cannot_be_held_whole_changes_nothing(strategy: str) -> None:
    story(f"""
        policy drop {strategy} all_or_nothing
        stock  moon-lamp 2
        stock  pouch 0
        stock  anorak/M 1
        10:00  admit ada moon-lamp 1 anorak/M 1
        10:02  cart ada moon-lamp 2 pouch 1 \
            -> rejected moon-lamp 1 cart_incomplete, rejected pouch 1 insufficient_stock
        holds ada   -> moon-lamp 1 {strategy} active, anorak/M 1 {strategy} active, \
            pouch 1 {strategy} rejected insufficient_stock
        active                            -> 2
        10:02  admit bo moon-lamp 1       -> reserved moon-lamp 1 until 10:13
    """)


def test_all_or_nothing_cart_that_can_be_held_whole_is_swapped_whole() -> None:
    story("""
        policy drop all_or_nothing
        stock  moon-lamp 2
        stock  pouch 1
        stock  anorak/M 1
        10:00  admit ada moon-lamp 1 anorak/M 1
        10:02  cart ada moon-lamp 2 pouch 1 \
            -> reserved moon-lamp 1 until 10:11, reserved pouch 1 until 10:11, \
               released anorak/M 1 cart_changed
        counters anorak/M                 -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_all_or_nothing_cart_that_wants_less_is_always_held() -> None:
    story("""
        policy drop all_or_nothing
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:02  cart ada moon-lamp 1 \
            -> released moon-lamp 1 cart_changed, released pouch 1 cart_changed
        holds ada   -> moon-lamp 1 soft active, pouch 1 soft released cart_changed
    """)


def test_all_or_nothing_cart_refused_at_admission_is_held_when_a_cart_drops_what_is_missing() -> (
    None
):
    story("""
        policy drop hard all_or_nothing
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada moon-lamp 1 pouch 1 \
            -> rejected moon-lamp 1 cart_incomplete, rejected pouch 1 insufficient_stock
        10:02  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 1 sold 0
    """)


# The newest cart counts, whatever comes first.


def test_older_cart_that_comes_later_is_stale() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada
        10:04  cart ada moon-lamp 3       -> reserved moon-lamp 3 until 10:11
        10:02  cart ada moon-lamp 1       -> stale
        10:02  cart ada moon-lamp 1       -> duplicate
        holds ada                         -> moon-lamp 3 soft active
    """)


def test_cart_that_comes_after_the_checkout_but_was_before_it_is_followed() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:04  cart ada moon-lamp 2       -> reserved moon-lamp 1 until 10:11, \
            converted moon-lamp 2 order=o-7
        counters moon-lamp                -> on_hand 7 reserved 0 allocated 0 sold 2
    """)


def test_cart_that_comes_after_the_end_but_was_before_it_is_held_for_a_moment() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada
        10:05  left ada                   -> nothing
        10:04  cart ada moon-lamp 2 \
            -> reserved moon-lamp 2 until 10:11, released moon-lamp 2 consumer_left
        counters moon-lamp                -> on_hand 9 reserved 0 allocated 0 sold 0
        active                            -> 0
    """)


def test_cart_that_comes_after_the_tick_but_was_before_it_is_refused() -> None:
    story("""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:04  cart ada moon-lamp 1 pouch 1   -> rejected pouch 1 window_over
        holds ada   -> moon-lamp 1 soft expired hold_elapsed, pouch 1 soft rejected window_over
        10:06  paid ada                   -> converted moon-lamp 1, converted pouch 1
    """)


def test_untracked_line_that_is_refused_after_the_tick_is_held_by_no_strategy_of_units() -> None:
    story("""
        policy drop hard
        stock  e-book untracked
        10:00  admit ada
        10:11  tick
        10:04  cart ada e-book 1          -> rejected e-book 1 window_over
        holds ada                         -> e-book 1 soft rejected window_over
    """)


def test_cart_at_the_very_instant_of_the_checkout_is_in_time() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada id=adm-7          -> converted moon-lamp 1
        10:05  cart ada moon-lamp 2 id=adm-7 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 2
    """)


# Too late


@pytest.mark.parametrize(
    ("closing", "cart"),
    [
        ("10:05 paid ada", "10:06 cart ada moon-lamp 2"),
        ("10:05 left ada", "10:06 cart ada moon-lamp 2"),
        ("10:05 lapsed ada", "10:06 cart ada"),
        ("10:05 denied ada", "10:06 release ada"),
        ("10:11 tick", "10:12 cart ada moon-lamp 1 pouch 1"),
        ("10:01 tick", "10:12 cart ada pouch 1"),
    ],
)
def test_cart_after_the_end_is_refused(closing: str, cart: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-7
        {closing} {"" if "tick" in closing else "id=adm-7"}
        {cart} id=adm-7                   -> refused hold_over
        {cart} id=adm-7                   -> duplicate
        counters pouch                    -> on_hand 9 reserved 0 allocated 0 sold 0
    """)

    assert len(world.reservations) == 1


def test_cart_that_was_refused_is_followed_when_the_hold_turns_out_to_be_longer() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:15  cart ada moon-lamp 2 id=adm-7      -> refused hold_over
        10:10  extend ada 600 id=adm-7 \
            -> extended until 10:21, reserved moon-lamp 1 until 10:21
        counters moon-lamp                        -> on_hand 9 reserved 2 allocated 0 sold 0
    """)


def test_cart_that_was_followed_is_refused_when_the_end_turns_out_to_be_earlier() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:04  cart ada moon-lamp 2 id=adm-7      -> reserved moon-lamp 1 until 10:11
        10:05  paid ada id=adm-7                  -> converted moon-lamp 2
        10:03  paid ada id=adm-7 event=evt-2 \
            -> refused hold_over, released moon-lamp 1 cart_changed, converted moon-lamp 1
        counters moon-lamp                        -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_what_was_not_purchased_is_the_carts_again_when_the_payment_goes_elsewhere() -> None:
    """The cart of before cannot be held whole: that keeps what is held, and this is not."""
    story("""
        policy drop soft all_or_nothing
        stock  lamp/red  1
        stock  lamp/blue 2
        10:00  admit ada lamp/blue 1 id=adm-7
        10:02  cart  ada lamp/blue 2
        10:01  cart  ada lamp/red 3             -> nothing
        10:05  paid  ada lamp/red 3 order=o-7 \
            -> released lamp/blue 2 not_purchased, \
               unfulfilled lamp/red 3 insufficient_stock order=o-7
        10:02  admit ada id=adm-9 \
            -> rejected lamp/red 3 insufficient_stock, released lamp/blue 2 cart_changed, \
               reserved lamp/blue 2 until 10:13, released lamp/blue 2 not_purchased, \
               unfulfilled lamp/red 3 insufficient_stock order=o-7
        10:30  tick                             -> nothing
    """)


def test_a_cart_that_a_migration_made_has_its_mark_whatever_is_in_it() -> None:
    """What it says was acted upon before: with another mark it would be carried out once more."""
    cart = CartUpdated(
        event_id="migrated",
        organization_id="acme",
        consumer_id="ada",
        updated_at=MIDNIGHT,
        items=(Item("lamp", "", 2),),
    )
    known = KnownFact(cart, Cause(MIGRATED, 0, None))

    in_force = cart_in_force([known], MIDNIGHT, DEFAULT_POLICY, {})

    assert (in_force.wanted, in_force.mark) == ({("lamp", ""): 2}, MIGRATED)


def test_a_cart_has_the_same_mark_in_every_release() -> None:
    """It is stored: with another one, every cart and sale would be carried out once more."""
    mark = digest(("2026-05-01T10:00:00+00:00", False, (Item("lamp", "small", 2),)))

    assert mark == "1ec720617e43821e11"
