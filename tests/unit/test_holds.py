"""How long units are held, which ones, and what changes nothing."""

import pytest

from tests.unit.world import World, each_told, story

# The end of a hold: the window's end plus the buffer, at most the cap.


@pytest.mark.parametrize(
    ("distribution_type", "until"),
    [
        ("queue", "10:02"),
        ("draw", "10:03"),
        ("auction", "10:04"),
        ("timed_release", "10:05"),
        ("other", "10:06"),
    ],
)
def test_window_is_that_of_the_distribution_type(distribution_type: str, until: str) -> None:
    story(f"""
        policy drop queue=120 draw=180 auction=240 timed_release=300 other=360 buffer=0
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 type={distribution_type} -> reserved moon-lamp 1 until {until}
    """)


@pytest.mark.parametrize(
    ("distribution_type", "until"),
    [
        ("queue", "10:11"),
        ("draw", "10:01+2d"),
        ("auction", "10:01+2d"),
        ("timed_release", "10:11"),
        ("other", "10:11"),
    ],
)
def test_window_without_a_policy_is_what_fanfare_documents(
    distribution_type: str, until: str
) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 type={distribution_type} -> reserved moon-lamp 1 until {until}
    """)


def test_window_end_of_the_event_outranks_the_policy() -> None:
    story("""
        policy drop window=600 buffer=60
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 until=10:03    -> reserved moon-lamp 1 until 10:04
        10:00  admit bo  moon-lamp 1 until=11:00    -> reserved moon-lamp 1 until 11:01
    """)


def test_buffer_lets_a_payment_in_flight_finish() -> None:
    story("""
        policy drop window=600 buffer=90
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1   -> reserved moon-lamp 1 until 10:11:30
        10:11:29  tick                    -> nothing
        10:11:29  paid ada                -> converted moon-lamp 1
    """)


def test_no_hold_outlives_the_cap() -> None:
    story("""
        policy drop window=600 buffer=60 cap=300
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1                   -> reserved moon-lamp 1 until 10:05
        10:00  admit bo  moon-lamp 1 until=23:59+20d   -> reserved moon-lamp 1 until 10:05
    """)


def test_cap_without_a_policy_is_three_days() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 until=10:00+9d    -> reserved moon-lamp 1 until 10:00+3d
    """)


# An admission keeps the policy by which it was admitted: what was said of it stays so.


def test_hold_is_as_long_as_it_was_said_though_the_window_was_made_shorter() -> None:
    story("""
        policy drop window=600
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        policy drop window=300
        10:07  cart ada moon-lamp 2       -> reserved moon-lamp 1 until 10:11
        10:07  admit bo moon-lamp 1       -> reserved moon-lamp 1 until 10:13
        10:10  tick                       -> nothing
        10:11  paid ada                   -> converted moon-lamp 2
    """)


def test_sale_stays_made_though_the_grace_was_made_shorter() -> None:
    story("""
        policy drop late=3600
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:11  tick
        10:20  paid ada order=o-7 id=adm-7   -> converted moon-lamp 1 order=o-7 late
        policy drop late=60
        10:30  left ada id=adm-7             -> nothing
        counters moon-lamp                   -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_extension_stays_granted_though_the_policy_allows_none_any_more() -> None:
    story("""
        policy drop extensions=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 300             -> extended until 10:16
        policy drop extensions=0
        10:12  tick                       -> nothing
        10:13  cart ada moon-lamp 1       -> nothing
        10:14  extend ada 60              -> refused extension_limit
        10:15  paid ada                   -> converted moon-lamp 1
    """)


def test_transfer_stays_made_though_the_policy_allows_none_any_more() -> None:
    story("""
        policy drop transfer=yes
        stock  moon-lamp 2
        10:00  admit guest-17 moon-lamp 1
        10:02  transfer guest-17 ada
        policy drop transfer=no
        10:05  cart ada moon-lamp 2       -> reserved moon-lamp 1 until 10:11
        holds ada                         -> moon-lamp 2 soft active
    """)


# Ticks


def test_hold_is_due_at_the_very_instant_of_its_end() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1   -> reserved moon-lamp 1 until 10:11
        10:10:59  tick                    -> nothing
        active                            -> 1
        10:11     tick                    -> expired ada moon-lamp 1 hold_elapsed
        active                            -> 0
    """)


def test_tick_expires_all_that_is_due_and_nothing_else() -> None:
    story("""
        stock  moon-lamp 9
        10:02  admit bo  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:09  admit cyd moon-lamp 1
        10:15  tick \
            -> expired ada moon-lamp 1 hold_elapsed, expired bo moon-lamp 1 hold_elapsed
        active                            -> 1
    """)


def test_tick_expires_the_holds_of_its_own_lane_only() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 lane=0
        10:00  admit bo  moon-lamp 1 lane=1
        10:11  tick lane=1                -> expired bo moon-lamp 1 hold_elapsed
        10:11  tick lane=0                -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_tick_that_is_not_newer_is_stale() -> None:
    story("""
        stock  moon-lamp 1
        10:20  tick                       -> nothing
        10:15  admit ada moon-lamp 1
        10:20  tick                       -> stale
        10:19  tick                       -> stale
        10:19  tick lane=1                -> nothing
    """)


def test_sweep_carries_on_where_a_tick_had_more_to_expire_than_a_batch_may() -> None:
    ledger = """
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1
        10:01  admit bo  moon-lamp 1
        10:20  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:20  tick                       -> stale
        10:20  tick sweep=yes             -> expired bo moon-lamp 1 hold_elapsed
        10:20  tick sweep=yes             -> nothing
    """

    for _ in each_told(World(expiry_batch_max=1), ledger):
        pass


def test_sweep_does_not_turn_the_lane_back() -> None:
    story("""
        10:20  tick                       -> nothing
        10:15  tick sweep=yes             -> nothing
        10:18  tick                       -> stale
    """)


def test_checkout_in_time_is_in_time_however_late_it_is_delivered() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:40  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:05  paid ada                   -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
        holds ada                         -> moon-lamp 1 soft converted
    """)


def test_checkout_after_the_end_is_late_though_no_tick_has_passed_it() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:30  paid ada                   -> converted moon-lamp 1 late
        10:40  tick                       -> nothing
        holds ada                         -> moon-lamp 1 soft converted late
    """)


def test_checkout_at_the_very_instant_of_the_end_is_in_time() -> None:
    story("""
        stock  moon-lamp 2
        10:00     admit ada moon-lamp 1
        10:11     paid ada                -> converted moon-lamp 1
        10:00     admit bo moon-lamp 1
        10:11:01  paid bo                 -> converted moon-lamp 1 late
    """)


# Items


def test_items_of_the_event_outrank_the_offer() -> None:
    story("""
        policy drop items=pouch:2
        stock  moon-lamp 1
        stock  pouch 9
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        counters pouch                    -> on_hand 9 reserved 0 allocated 0 sold 0
    """)


def test_admission_without_items_wants_the_offer_of_its_experience() -> None:
    story("""
        policy drop items=moon-lamp:1,anorak/M:2
        stock  moon-lamp 1
        stock  anorak/M 2
        10:00  admit ada   -> reserved moon-lamp 1 until 10:11, reserved anorak/M 2 until 10:11
    """)


def test_admission_that_wants_nothing_is_recorded_and_says_nothing() -> None:
    story("""
        10:00  admit ada                  -> nothing
        10:00  admit ada                  -> duplicate
        10:05  paid ada                   -> nothing
        waiting                           -> nobody
        holds ada                         -> nothing
    """)


def test_lines_of_one_sku_are_summed() -> None:
    story("""
        stock  anorak/M 5
        stock  anorak/L 5
        10:00  admit ada anorak/M 1 anorak/L 1 anorak/M 2 \
            -> reserved anorak/M 3 until 10:11, reserved anorak/L 1 until 10:11
    """)


def test_lines_of_one_sku_are_refused_together_where_their_sum_is_too_much() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 2 moon-lamp 2   -> rejected moon-lamp 4 insufficient_stock
        counters moon-lamp                         -> on_hand 3 reserved 0 allocated 0 sold 0
    """)


def test_lines_of_one_sku_in_an_order_are_summed() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        10:05  paid ada moon-lamp 1 moon-lamp 2    -> converted moon-lamp 3
    """)


def test_lines_of_one_sku_in_an_offer_are_summed() -> None:
    story("""
        policy drop items=moon-lamp:1,moon-lamp:1
        stock  moon-lamp 3
        10:00  admit ada                           -> reserved moon-lamp 2 until 10:11
    """)


# Carts


def test_per_line_cart_holds_what_there_is() -> None:
    story("""
        policy drop per_line
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada pouch 1 moon-lamp 1 sun-lamp 1 \
            -> rejected pouch 1 insufficient_stock, reserved moon-lamp 1 until 10:11, \
               rejected sun-lamp 1 unknown_stock_line
    """)


def test_all_or_nothing_cart_is_held_whole() -> None:
    story("""
        policy drop all_or_nothing
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1 \
            -> reserved moon-lamp 1 until 10:11, reserved pouch 1 until 10:11
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_all_or_nothing_cart_takes_no_unit_where_a_line_is_refused(strategy: str) -> None:
    story(f"""
        policy drop {strategy} all_or_nothing
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada moon-lamp 1 pouch 1 \
            -> rejected moon-lamp 1 cart_incomplete, rejected pouch 1 insufficient_stock
        10:00  admit bo moon-lamp 1       -> reserved moon-lamp 1 until 10:11
    """)


def test_all_or_nothing_cart_names_the_reason_of_each_line_that_is_at_fault() -> None:
    story("""
        policy drop pool all_or_nothing
        stock  moon-lamp 9
        stock  pouch 9
        pool   drop pouch 1
        10:00  admit ada moon-lamp 1 pouch 2 sun-lamp 1 \
            -> rejected moon-lamp 1 unknown_pool, rejected pouch 2 pool_exhausted, \
               rejected sun-lamp 1 unknown_stock_line
    """)


def test_last_unit_goes_to_whom_the_rules_meet_first() -> None:
    story("""
        stock  moon-lamp 1
        10:01  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:12
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:02  left bo                    -> released moon-lamp 1 consumer_left
        10:03  admit cyd moon-lamp 1      -> reserved moon-lamp 1 until 10:14
    """)


# Duplicates change nothing.


def test_same_admission_again_is_a_duplicate() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1      -> duplicate
        counters moon-lamp                -> on_hand 9 reserved 1 allocated 0 sold 0
        active                            -> 1
    """)


@pytest.mark.parametrize("name", ["", "id=adm-7", "token=s3cret", "id=adm-7 token=s3cret"])
def test_same_admission_under_another_delivery_id_is_a_duplicate(name: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 {name} event=evt-1   -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1 {name} event=evt-2   -> duplicate
        counters moon-lamp                -> on_hand 9 reserved 1 allocated 0 sold 0
    """)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("token=s3cret", "token=s3cret"),
        ("token=s3cret id=adm-7", "token=s3cret"),
        ("token=s3cret id=adm-7", "id=adm-7"),
    ],
)
def test_same_admission_under_another_vocabulary_is_a_duplicate(first: str, second: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 {first} in=drop via=dist_7 type=queue
        10:01  admit ada moon-lamp 1 {second} in= via=queue_7 type=other   -> duplicate
        counters moon-lamp                -> on_hand 9 reserved 1 allocated 0 sold 0
    """)


@pytest.mark.parametrize(
    ("first", "second"),
    [("token=s3cret", "token=s3cret id=adm-7"), ("id=adm-7", "token=s3cret id=adm-7")],
)
def test_name_that_a_repeated_admission_brings_is_learnt(first: str, second: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 {first} in=drop via=dist_7 type=queue
        10:01  admit ada moon-lamp 1 {second} in= via=queue_7 type=other   -> applied
        10:01  admit ada moon-lamp 1 {second} in= via=queue_7 type=other   -> duplicate
        counters moon-lamp                -> on_hand 9 reserved 1 allocated 0 sold 0
        10:02  cart ada moon-lamp 2 token=s3cret   -> reserved moon-lamp 1 until 10:11
        10:03  paid ada id=adm-7                   -> converted moon-lamp 2
    """)


def test_repeated_admission_that_knows_of_a_later_end_makes_the_hold_longer() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7              -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1 id=adm-7 until=10:20  -> applied
        10:00  admit ada moon-lamp 1 id=adm-7 until=10:15  -> duplicate
        10:11  tick                                        -> nothing
        10:21  tick                                        -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_later_end_that_comes_after_the_tick_holds_again() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7              -> reserved moon-lamp 1 until 10:11
        10:11  tick                                        -> expired ada moon-lamp 1 hold_elapsed
        10:00  admit ada moon-lamp 1 id=adm-7 until=10:20  -> reserved moon-lamp 1 until 10:21
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


@pytest.mark.parametrize("longer", ["10:00 admit ada until=10:20", "10:05 extend ada 600"])
def test_line_refused_after_the_window_is_held_when_a_later_end_is_learnt(longer: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:11  tick
        10:00  admit ada moon-lamp 1 id=adm-7  -> rejected moon-lamp 1 window_over
        {longer} id=adm-7
        holds ada                              -> moon-lamp 1 soft active
        10:21  tick                            -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_repeated_admission_that_is_earlier_makes_the_hold_shorter() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7     -> reserved moon-lamp 1 until 10:11
        09:55  admit ada moon-lamp 1 id=adm-7     -> applied
        10:06  tick                               -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_repeated_admission_that_was_over_by_the_last_tick_ends_the_hold_at_once() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7     -> reserved moon-lamp 1 until 10:11
        10:08  tick                               -> nothing
        09:55  admit ada moon-lamp 1 id=adm-7     -> expired moon-lamp 1 hold_elapsed
        active                                    -> 0
    """)


def test_items_that_a_repeated_admission_brings_are_held() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada id=adm-7                 -> nothing
        10:00  admit ada moon-lamp 1 id=adm-7     -> reserved moon-lamp 1 until 10:11
    """)


def test_admission_is_a_duplicate_also_when_it_is_long_over() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada id=adm-7          -> converted moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7      -> duplicate
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_refused_admission_is_not_asked_again_by_its_duplicate() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        10:00  admit bo  moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:01  left ada                   -> released moon-lamp 1 consumer_left
        10:00  admit bo  moon-lamp 1      -> duplicate
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


@pytest.mark.parametrize("again", ["10:05 paid ada", "10:05 paid ada event=evt-2"])
def test_second_completion_of_an_admission_changes_nothing(again: str) -> None:
    story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada id=adm-7          -> converted moon-lamp 1
        {again} id=adm-7                  -> duplicate
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
        counters pouch                    -> on_hand 9 reserved 0 allocated 0 sold 0
    """)


def test_order_that_is_told_again_changes_nothing() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada order=o-7 id=adm-7              -> converted moon-lamp 1 order=o-7
        10:06  paid ada order=o-7 moon-lamp 1 id=adm-7  -> applied
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_completion_without_an_order_is_of_the_order_that_is_told_later() -> None:
    story("""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  paid ada id=adm-7          -> converted moon-lamp 1
        10:06  paid ada order=o-8 pouch 1 id=adm-7 \
            -> released moon-lamp 1 not_purchased, converted pouch 1 order=o-8 late
        counters moon-lamp                -> on_hand 9 reserved 0 allocated 0 sold 0
        counters pouch                    -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


def test_same_end_again_is_a_duplicate() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  left ada                   -> released moon-lamp 1 consumer_left
        10:05  left ada                   -> duplicate
        10:05  left ada event=evt-2       -> duplicate
        active                            -> 0
    """)


@pytest.mark.parametrize("later", ["10:06 denied ada", "10:10 lapsed ada", "10:20 lapsed ada"])
def test_later_end_of_an_admission_changes_nothing(later: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  left ada                   -> released moon-lamp 1 consumer_left
        {later}                           -> nothing
        holds ada                         -> moon-lamp 1 soft released consumer_left
        active                            -> 0
    """)


def test_end_after_a_checkout_changes_nothing() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada                   -> converted moon-lamp 1
        10:06  left ada                   -> nothing
        10:10  lapsed ada                 -> nothing
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
        holds ada                         -> moon-lamp 1 soft converted
    """)


def test_end_after_the_hold_has_elapsed_says_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:10  lapsed ada                 -> nothing
        holds ada                         -> moon-lamp 1 soft expired hold_elapsed
    """)


# Re-admission


def test_shopper_who_left_may_be_admitted_again() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        10:04  left ada                   -> released moon-lamp 1 consumer_left
        10:05  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:16
        10:09  paid ada                   -> converted moon-lamp 1
        holds ada   -> moon-lamp 1 soft released consumer_left, moon-lamp 1 soft converted
    """)


def test_shopper_may_hold_by_two_admissions_at_once() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 1 via=back-gate
        10:05  paid ada via=front-gate    -> converted moon-lamp 1
        10:06  left ada via=back-gate     -> released moon-lamp 1 consumer_left
    """)


@pytest.mark.parametrize("stale", ["left", "denied", "lapsed", "paid"])
def test_stale_event_does_not_touch_the_later_admission(stale: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:03  {stale} ada
        10:05  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:16
        10:03  {stale} ada event=evt-2    -> duplicate
        active                            -> 1
    """)


@pytest.mark.parametrize("stale", ["left", "paid"])
def test_stale_event_that_comes_first_late_does_not_touch_the_later_admission(stale: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  admit ada moon-lamp 1
        10:03  {stale} ada
        active                            -> 1
    """)

    earlier, later = world.holds_of("ada")
    assert (earlier.status != "active", later.status) == (True, "active")


@pytest.mark.parametrize("name", ["id=adm-{}", "token=s3cret-{}", "id=adm-{} token=s3cret-{}"])
@pytest.mark.parametrize("end", ["left", "paid"])
def test_named_event_touches_the_admission_that_it_names(name: str, end: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 {name.replace("{}", "1")}
        10:05  admit ada moon-lamp 1 {name.replace("{}", "2")}
        10:07  {end} ada {name.replace("{}", "1")}
        active                            -> 1
    """)

    assert world.holds_of("ada")[1].status == "active"


@pytest.mark.parametrize("end", ["paid", "left"])
def test_event_at_the_very_instant_of_the_admission_is_about_it(end: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:00  {end} ada
        waiting                           -> nobody
        active                            -> 0
    """)


def test_event_of_another_distribution_does_not_touch_an_admission() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:05  paid ada via=back-gate     -> early
        10:05  left bo  via=front-gate    -> early
        active                            -> 1
        waiting                           -> ada, bo
    """)


def test_event_that_names_no_distribution_is_about_the_newest_admission() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:05  paid ada via=              -> converted moon-lamp 1
    """)


def test_event_finds_an_admission_that_names_no_experience() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 in=
        10:05  paid ada in=drop           -> converted moon-lamp 1
    """)


def test_event_finds_an_admission_that_names_no_distribution() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=
        10:05  paid ada via=auction-7     -> converted moon-lamp 1
    """)


# Completions with items


def test_completion_tells_its_order() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        holds ada                         -> moon-lamp 1 soft converted order=o-7
    """)


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_completion_of_fewer_units_gives_the_rest_back(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 3
        10:05  paid ada moon-lamp 1  -> released moon-lamp 2 not_purchased, converted moon-lamp 1
        counters moon-lamp           -> on_hand 2 reserved 0 allocated 0 sold 1
        holds ada                    -> moon-lamp 1 {strategy} converted
    """)


def test_completion_of_fewer_units_gives_the_rest_back_to_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 3
        pool   drop moon-lamp 3
        10:00  admit ada moon-lamp 3
        10:05  paid ada moon-lamp 1  -> released moon-lamp 2 not_purchased, converted moon-lamp 1
        pooled drop moon-lamp        -> available 2 allocated 0
    """)


def test_completion_without_a_line_releases_that_line() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:05  paid ada pouch 1           -> released moon-lamp 1 not_purchased, converted pouch 1
        active                            -> 0
    """)


def test_completion_of_more_units_takes_the_missing_ones_late() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3       -> converted moon-lamp 3 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 3
    """)


def test_completion_of_more_units_than_there_are_is_unfulfilled_for_what_is_missing() -> None:
    story("""
        stock  moon-lamp 3
        10:00  admit ada moon-lamp 1
        10:00  admit bo  moon-lamp 1
        10:05  paid ada moon-lamp 3 order=o-7 \
            -> converted moon-lamp 1 order=o-7, unfulfilled moon-lamp 2 insufficient_stock order=o-7
        counters moon-lamp                -> on_hand 2 reserved 1 allocated 0 sold 1
    """)


def test_completion_takes_other_items_late() -> None:
    story("""
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1
        10:05  paid ada anorak/L 1  -> released anorak/M 1 not_purchased, converted anorak/L 1 late
        counters anorak/M           -> on_hand 1 reserved 0 allocated 0 sold 0
        counters anorak/L           -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_completion_takes_other_items_by_the_strategy_of_the_experience() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        stock  pouch 2
        pool   drop moon-lamp 1
        pool   drop pouch 1
        10:00  admit ada moon-lamp 1
        active                            -> 1
        10:05  paid ada moon-lamp 1 pouch 1   -> converted moon-lamp 1, converted pouch 1 late
        pooled drop pouch                 -> available 0 allocated 0
        counters pouch                    -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


def test_completion_of_items_that_nobody_stocks_is_unfulfilled() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 1 sun-lamp 1 \
            -> converted moon-lamp 1, unfulfilled sun-lamp 1 unknown_stock_line
    """)


def test_completion_of_a_refused_line_is_late() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit bo  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> rejected moon-lamp 1 insufficient_stock
        10:01  left bo
        10:05  paid ada moon-lamp 1       -> converted moon-lamp 1 late
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_completion_without_items_is_for_what_was_held() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit ada moon-lamp 1 pouch 1
        10:05  paid ada                   -> converted moon-lamp 1
    """)


def test_completion_without_items_is_for_all_that_was_wanted_where_nothing_was_held() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 0
        10:00  admit bo  moon-lamp 1
        10:00  admit ada moon-lamp 1 pouch 1
        10:01  left bo
        10:05  paid ada                   \
            -> converted moon-lamp 1 late, unfulfilled pouch 1 insufficient_stock
    """)


def test_completion_for_an_admission_that_wanted_nothing_is_late() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada
        10:05  paid ada moon-lamp 1       -> converted moon-lamp 1 late
    """)
