"""Stories of guards on holds and sales that no other test noticed broken: see `make mutants`."""

from msgspec.structs import replace

from schemas.facts import MIGRATED
from schemas.policy import Policy
from tests.unit.story import instant
from tests.unit.world import World, events_of, story, tell

# Carts


def test_line_that_is_held_again_is_held_as_the_policy_says_that_was_learnt_since() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        pool   drop moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7 in=   -> reserved moon-lamp 1 until 10:11
        10:01  cart  ada id=adm-7                   -> released moon-lamp 1 cart_changed
        10:00  admit ada id=adm-7 in=drop
        10:02  cart  ada moon-lamp 1 id=adm-7       -> reserved moon-lamp 1 until 10:11
        holds  ada                                  -> moon-lamp 1 pool active
        pooled drop moon-lamp                       -> available 0 allocated 1
    """)


def test_line_that_was_sold_and_could_not_move_is_added_to_where_it_is() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7 in=   -> reserved moon-lamp 1 until 10:11
        10:05  paid  ada order=o-7 id=adm-7         -> converted moon-lamp 1 order=o-7
        10:00  admit ada id=adm-7 in=drop           -> nothing
        10:02  cart  ada moon-lamp 2 id=adm-7 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 2 order=o-7
        holds  ada                                  -> moon-lamp 2 soft converted order=o-7
    """)


def test_offer_that_is_in_force_again_is_no_request_to_release() -> None:
    story("""
        policy drop items=pouch:1
        stock  moon-lamp 2
        stock  pouch 2
        10:15  cart  ada moon-lamp 1             -> early
        10:20  admit ada \
            -> reserved pouch 1 until 10:31, reserved moon-lamp 1 until 10:31, \
               released pouch 1 cart_changed
        10:10  admit ada until=10:18 \
            -> reserved pouch 1 until 10:31, released moon-lamp 1 cart_changed, \
               reserved moon-lamp 1 until 10:19
    """)


def test_size_at_the_limit_stays_held_when_the_other_one_is_not_there() -> None:
    story("""
        policy drop per_sku=1
        stock  lamp/M 1
        stock  lamp/L 0
        10:00  admit ada lamp/M 1 id=adm-7   -> reserved lamp/M 1 until 10:11
        10:05  cart  ada lamp/L 1 id=adm-7   -> rejected lamp/L 1 insufficient_stock
        holds  ada   -> lamp/M 1 soft active, lamp/L 1 soft rejected insufficient_stock
    """)


def test_cart_that_had_grown_before_the_tick_is_what_a_late_checkout_pays_for() -> None:
    story("""
        stock  moon-lamp 5
        10:00  admit ada moon-lamp 1 id=adm-7   -> reserved moon-lamp 1 until 10:11
        10:11  tick                             -> expired ada moon-lamp 1 hold_elapsed
        10:05  cart  ada moon-lamp 3 id=adm-7   -> nothing
        holds  ada                              -> moon-lamp 3 soft expired hold_elapsed
        10:12  paid  ada id=adm-7               -> converted moon-lamp 3 late
    """)


def test_cart_at_the_instant_of_an_admission_that_was_over_before_it_began_waits() -> None:
    story("""
        10:00  admit ada until=09:00
        10:00  cart  ada moon-lamp 1   -> early
    """)


# Limits


def test_sold_hold_opens_none_for_the_account_that_it_is_transferred_to() -> None:
    story("""
        policy drop open_holds=1
        stock  moon-lamp 2
        10:00  admit bo  moon-lamp 1 id=adm-8
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid  ada id=adm-7
        10:06  transfer ada bo id=adm-7          -> transferred bo from ada
    """)


# Units at risk


def test_hold_whose_units_came_back_before_the_tick_is_at_risk_no_more() -> None:
    world = story("""
        stock    moon-lamp 2
        10:00    admit ada moon-lamp 1
        10:00    admit bo moon-lamp 1
        withdraw ada moon-lamp 1
        10:05    left bo                  -> released moon-lamp 1 consumer_left
        10:06    tick                     -> nothing
    """)

    assert [hold.at_risk for hold in world.holds_of("ada")] == [0]


def test_shopper_who_was_warned_and_gives_some_units_back_is_not_warned_again() -> None:
    story("""
        stock    moon-lamp 2
        10:00    admit ada moon-lamp 2 id=adm-7
        withdraw ada moon-lamp 2
        10:01    tick                          -> at_risk ada moon-lamp 2 stock_withdrawn
        10:02    cart ada moon-lamp 1 id=adm-7 -> released moon-lamp 1 cart_changed
        10:03    tick                          -> nothing
    """)


def test_two_ticks_of_one_batch_warn_once() -> None:
    world = tell("""
        stock    moon-lamp 1
        10:00    admit ada moon-lamp 1
        withdraw ada moon-lamp 1
    """)

    world.apply(events_of("10:01 tick\n10:02 tick"))

    assert [one.type for one in world.outcomes] == ["reserved", "at_risk"]


# Ends


def test_end_that_fanfare_tells_after_the_tick_is_no_news() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit  ada moon-lamp 1
        10:12  tick         -> expired ada moon-lamp 1 hold_elapsed
        10:10  lapsed ada   -> nothing
    """)


def test_end_that_turns_out_to_be_that_of_the_window_is_called_so() -> None:
    story("""
        stock  moon-lamp 1
        10:10  admit  ada moon-lamp 1 id=adm-7   -> reserved moon-lamp 1 until 10:21
        10:15  lapsed ada id=adm-7               -> expired moon-lamp 1 admission_expired
        10:22  tick                              -> nothing
        10:00  admit  ada id=adm-7               -> expired moon-lamp 1 hold_elapsed
    """)


def test_of_ends_at_one_instant_that_of_fanfare_counts_before_the_shopper_s() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit  ada moon-lamp 1 id=adm-7
        10:05  left   ada id=adm-7 via=     -> released moon-lamp 1 consumer_left
        10:05  lapsed ada id=adm-7          -> expired moon-lamp 1 admission_expired
    """)


# Sales


def test_line_that_was_paid_too_late_is_noted_like_any_other() -> None:
    world = story("""
        policy drop hard late=0
        10:00  admit ada             -> nothing
        10:20  paid  ada pouch 1     -> unfulfilled pouch 1 grace_over
    """)

    [row] = world.holds_of("ada")
    assert (row.experience_id, row.strategy) == ("drop", "hard")
    assert (row.created_at, row.expires_at) == (instant("10:00"), instant("10:11"))


def test_of_two_orders_of_one_instant_the_first_by_name_counts_wherever_they_were_placed() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid  ada id=adm-7 order=o-1             -> converted moon-lamp 1 order=o-1
        10:05  paid  ada id=adm-7 order=o-2 via=alley   -> unfulfilled already_paid order=o-2
    """)


def test_sale_that_moves_away_takes_the_line_that_it_had_brought_along() -> None:
    story("""
        stock  moon-lamp 2
        stock  pouch 2
        10:10  admit ada moon-lamp 1                -> reserved moon-lamp 1 until 10:21
        10:15  paid  ada moon-lamp 1 pouch 1 \
            -> converted moon-lamp 1, converted pouch 1 late
        10:12  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:21, rejected pouch 1 not_in_cart, \
               reserved moon-lamp 1 until 10:23, converted moon-lamp 1, converted pouch 1 late
    """)


def test_units_that_were_oversold_and_came_back_are_oversold_no_more() -> None:
    world = story("""
        policy drop oversell=1
        stock  moon-lamp 1
        10:00  admit  ada moon-lamp 1
        10:00  admit  bo  moon-lamp 1            -> rejected moon-lamp 1 insufficient_stock
        10:05  paid   bo  order=o-1    -> converted moon-lamp 1 order=o-1 late oversold
        10:06  cancel bo  order=o-1    -> returned moon-lamp 1 order_cancelled order=o-1
    """)

    assert [row.oversold for row in world.holds_of("bo")] == [0]


def test_line_that_the_corrected_cart_wants_and_nobody_bought_is_said_to_be_given_back_once() -> (
    None
):
    story("""
        stock  moon-lamp 5
        stock  pouch 5
        10:00  admit ada moon-lamp 1 pouch 1 id=adm-7
        10:08  paid  ada pouch 1 id=adm-7 \
            -> released moon-lamp 1 not_purchased, converted pouch 1
        10:05  cart  ada moon-lamp 2 pouch 1 id=adm-7   -> released moon-lamp 2 not_purchased
    """)


def test_line_that_was_refused_stays_refused_since_then_when_a_sale_is_corrected() -> None:
    world = story("""
        stock  moon-lamp 0
        stock  pouch 5
        10:00  admit ada moon-lamp 1 pouch 1 id=adm-7
        10:08  paid  ada pouch 1 id=adm-7        -> converted pouch 1
        10:05  cart  ada moon-lamp 1 pouch 2 id=adm-7
    """)

    refused, _ = world.holds_of("ada")
    assert (refused.status, refused.ended_at) == ("rejected", instant("10:00"))


def test_line_that_was_refused_is_not_owed_when_a_sale_without_order_is_corrected() -> None:
    story("""
        stock  moon-lamp 0
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1 id=adm-7
        10:05  paid  ada id=adm-7               -> converted pouch 1
        10:04  left  ada id=adm-7               -> converted pouch 1 late
    """)


def test_units_are_sold_again_when_the_cancellation_turns_out_to_be_of_another_admission() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit  ada moon-lamp 1 id=adm-1 via=front-gate
        10:00  admit  ada moon-lamp 1 id=adm-2 via=back-gate
        10:06  paid   ada id=adm-2 order=o-7    -> converted moon-lamp 1 order=o-7
        10:08  cancel ada order=o-7 via=        -> returned moon-lamp 1 order_cancelled order=o-7
        10:05  paid   ada id=adm-1 order=o-7 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 1 order=o-7, \
               converted moon-lamp 1 order=o-7, \
               returned moon-lamp 1 order_cancelled order=o-7
    """)


def test_first_sale_of_an_admission_says_all_that_its_holds_went_through() -> None:
    story("""
        stock  moon-lamp 5
        stock  pouch 5
        10:00  admit ada id=adm-1 until=10:40
        10:20  admit ada id=adm-2
        10:13  cart  ada moon-lamp 1 id=adm-2   -> reserved moon-lamp 1 until 10:31
        10:14  cart  ada pouch 1 id=adm-2 \
            -> reserved pouch 1 until 10:31, released moon-lamp 1 cart_changed
        10:15  cart  ada moon-lamp 1 pouch 1    # of the first, as far as is known
        10:16  paid  ada pouch 1
        10:12  admit ada id=adm-2 \
            -> released moon-lamp 1 cart_changed, rejected pouch 1 not_in_cart, \
               reserved moon-lamp 1 until 10:23, released moon-lamp 1 not_purchased, \
               converted pouch 1
    """)


def test_sale_of_before_a_migration_is_left_alone() -> None:
    world = tell("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:20  paid  ada id=adm-7 order=o-7     -> converted moon-lamp 1 order=o-7 late
    """)
    _as_if_migrated(world, Policy(late_seconds=0))

    world.apply(events_of("10:21 left ada id=adm-7"))

    assert [one.type for one in world.outcomes] == ["reserved", "converted"]


def _as_if_migrated(world: World, policy: Policy) -> None:
    [admission] = world.admissions.values()
    admission.policy = policy  # by which it would not have been sold
    admission.cart_mark = admission.sale_mark = MIGRATED
    admission.facts = [
        replace(known, cause=known.cause._replace(topic=MIGRATED)) for known in admission.facts
    ]


# What is told late, and what is learnt late


def test_line_that_is_held_at_last_is_held_as_the_stock_is_by_then() -> None:
    story("""
        policy drop hard
        10:00  admit ada lamp 1    -> rejected lamp 1 unknown_stock_line
        stock  lamp untracked
        10:01  cart  ada lamp 2    -> reserved lamp 2 until 10:11
        holds  ada                 -> lamp 2 soft active
        counters lamp              -> on_hand 0 reserved 2 allocated 0 sold 0
    """)


def test_hold_that_is_sold_as_it_moves_is_said_to_be_sold() -> None:
    story("""
        policy drop hard
        stock  lamp 5
        10:00  admit ada id=adm-7 in= lamp 1
        10:05  paid ada in=drop              -> converted lamp 1
        10:00  admit ada id=adm-7 in=zoo     -> reserved lamp 1 until 10:11
        10:00  admit ada id=adm-7 in=drop    -> converted lamp 1
    """)


def test_what_was_not_there_to_be_sold_moves_where_there_is_none_either() -> None:
    story("""
        policy vault hard
        stock  lamp 1
        10:00  admit bo lamp 1
        10:00  admit ada id=adm-7 in= lamp 1        -> rejected lamp 1 insufficient_stock
        10:05  paid ada id=adm-7 order=o-7 lamp 1 \
            -> unfulfilled lamp 1 insufficient_stock order=o-7
        10:00  admit ada id=adm-7 in=vault          -> nothing
        holds  ada \
            -> lamp 1 hard unfulfilled insufficient_stock order=o-7 missing 1
    """)


def test_last_unit_that_was_sold_moves_as_what_was_given_back_for_it() -> None:
    story("""
        policy vault hard
        stock  lamp 1
        10:00  admit ada id=adm-7 in= lamp 1
        10:05  paid ada id=adm-7 order=o-7    -> converted lamp 1 order=o-7
        10:00  admit ada id=adm-7 in=vault    -> nothing
        holds  ada                            -> lamp 1 hard converted order=o-7
    """)


def test_returned_units_are_written_off_where_the_policy_that_is_told_late_says_so() -> None:
    story("""
        policy vault soft restock=no
        stock  lamp 1
        stock  pouch 1
        10:00  admit ada id=adm-7 in= lamp 1 pouch 1
        10:05  paid ada id=adm-7 order=o-7
        10:06  cancel ada id=adm-7 order=o-7
        10:07  admit bo lamp 1
        10:00  admit ada id=adm-7 in=vault \
            -> returned pouch 1 order_cancelled_not_restocked order=o-7
        holds  ada \
            -> lamp 1 soft returned order_cancelled order=o-7, \
            pouch 1 soft returned order_cancelled_not_restocked order=o-7
        counters lamp   -> on_hand 1 reserved 1 allocated 0 sold 0
        counters pouch  -> on_hand 0 reserved 0 allocated 0 sold 1
    """)
