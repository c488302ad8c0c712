"""What may be asked for: a longer hold, a release, another owner; and why it is refused."""

import pytest

from tests.unit.world import World, story, tell_in_batches

# Extend


def test_extension_moves_the_end_of_the_hold() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1   -> reserved moon-lamp 1 until 10:11
        10:05     extend ada 120          -> extended until 10:13
        10:12:59  tick                    -> nothing
        10:13     paid ada                -> converted moon-lamp 1
    """)


def test_extension_ends_too() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 120
        10:13  tick                       -> expired ada moon-lamp 1 hold_elapsed
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


def test_extension_is_of_all_lines_of_the_admission() -> None:
    story("""
        stock  moon-lamp 1
        stock  pouch 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 120             -> extended until 10:13
        10:06  cart ada moon-lamp 1 pouch 1   -> reserved pouch 1 until 10:13
        10:11  tick                       -> nothing
        10:13  tick \
            -> expired ada moon-lamp 1 hold_elapsed, expired ada pouch 1 hold_elapsed
    """)


def test_same_extension_again_is_a_duplicate() -> None:
    story("""
        policy drop extensions=5
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 120             -> extended until 10:13
        10:05  extend ada 120 event=evt-2 -> duplicate
        10:06  extend ada 120             -> extended until 10:15
    """)


def test_extension_before_its_admission_waits() -> None:
    story("""
        stock  moon-lamp 1
        10:05  extend ada 120             -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, extended until 10:13
        10:11  tick                       -> nothing
    """)


def test_extensions_are_capped_in_number() -> None:
    story("""
        policy drop extensions=2
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 60              -> extended until 10:12
        10:06  extend ada 60              -> extended until 10:13
        10:07  extend ada 60              -> refused extension_limit
        10:13  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_extensions_without_a_policy_are_one_of_ten_minutes() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 601             -> extended until 10:21
        10:06  extend ada 1               -> refused extension_limit
    """)


def test_extensions_are_capped_in_their_total_length() -> None:
    story("""
        policy drop extensions=5 extension_seconds=300
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 240             -> extended until 10:15
        10:06  extend ada 240             -> extended until 10:16
        10:07  extend ada 1               -> refused extension_too_long
    """)


def test_extensions_are_capped_by_the_longest_hold() -> None:
    story("""
        policy drop extensions=5 extension_seconds=3600 cap=900
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11
        10:05  extend ada 3600            -> extended until 10:15
        10:06  extend ada 60              -> refused extension_too_long
        10:15  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


@pytest.mark.parametrize("seconds", ["0", "-60"])
def test_extension_by_nothing_is_refused(seconds: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada {seconds}       -> refused extension_too_long
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_extension_that_was_refused_does_not_use_one_up() -> None:
    story("""
        policy drop extensions=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:04  extend ada 0               -> refused extension_too_long
        10:05  extend ada 60              -> extended until 10:12
    """)


def test_extension_at_the_very_instant_of_the_end_is_in_time() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1
        10:11     extend ada 60           -> extended until 10:12
        10:12:01  extend ada 60           -> refused hold_over
    """)


@pytest.mark.parametrize(
    "closing", ["10:05 paid ada", "10:05 left ada", "10:05 denied ada", "10:05 lapsed ada"]
)
def test_extension_after_the_admission_is_over_is_refused(closing: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        {closing}
        10:06  extend ada 60              -> refused hold_over
        active                            -> 0
    """)


def test_extension_between_the_end_and_a_late_checkout_is_refused() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  left ada
        10:07  paid ada
        10:06  extend ada 60              -> refused hold_over
    """)


def test_extension_that_was_not_allowed_is_refused_for_that_reason_first() -> None:
    story("""
        policy drop extensions=0
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  left ada
        10:06  extend ada 60              -> refused extension_not_allowed
    """)


def test_extension_in_time_that_is_delivered_after_the_tick_holds_again() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:12  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:10  extend ada 300 \
            -> extended until 10:16, reserved moon-lamp 1 until 10:16
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
        active                            -> 1
        10:16  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_extension_that_is_delivered_after_the_tick_does_not_take_from_others() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:12  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:12  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:23
        10:10  extend ada 300 \
            -> extended until 10:16, rejected moon-lamp 1 insufficient_stock
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
    """)


def test_extension_that_is_delivered_after_its_own_end_holds_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:30  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:10  extend ada 300             -> extended until 10:16
        10:15  paid ada                   -> converted moon-lamp 1
        holds ada                         -> moon-lamp 1 soft converted
    """)


def test_extension_makes_a_checkout_in_time_that_was_late() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:12  paid ada                   -> converted moon-lamp 1 late
        10:10  extend ada 300             -> extended until 10:16, converted moon-lamp 1
        counters moon-lamp                -> on_hand 0 reserved 0 allocated 0 sold 1
    """)


def test_extensions_are_granted_in_the_order_of_their_times() -> None:
    story("""
        policy drop extensions=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:06  extend ada 120             -> extended until 10:13
        10:05  extend ada 60              -> extended until 10:12, refused extension_limit
        10:12  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_extension_that_was_granted_is_refused_when_the_end_turns_out_to_be_earlier() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:06  extend ada 120             -> extended until 10:13
        10:05  left ada \
            -> refused hold_over, released moon-lamp 1 consumer_left
    """)


# Release


@pytest.mark.parametrize("strategy", ["soft", "hard"])
def test_release_gives_everything_back(strategy: str) -> None:
    story(f"""
        policy drop {strategy}
        stock  moon-lamp 2
        stock  pouch 1
        10:00  admit ada moon-lamp 2 pouch 1
        10:03  release ada                -> released moon-lamp 2 released_on_request, \
            released pouch 1 released_on_request
        counters moon-lamp                -> on_hand 2 reserved 0 allocated 0 sold 0
        counters pouch                    -> on_hand 1 reserved 0 allocated 0 sold 0
        active                            -> 0
        10:03  release ada                -> duplicate
        10:04  release ada                -> nothing
    """)


def test_release_gives_back_to_the_pool() -> None:
    story("""
        policy drop pool
        stock  moon-lamp 2
        pool   drop moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:03  release ada                -> released moon-lamp 2 released_on_request
        pooled drop moon-lamp             -> available 2 allocated 0
    """)


def test_release_is_not_the_end_of_the_admission() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:03  release ada                -> released moon-lamp 2 released_on_request
        10:04  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        10:05  paid ada                   -> converted moon-lamp 1
    """)


def test_release_that_comes_after_a_newer_cart_changes_nothing() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:04  cart ada moon-lamp 1       -> released moon-lamp 1 cart_changed
        10:03  release ada                -> nothing
        active                            -> 1
    """)


def test_release_before_its_admission_waits_and_gives_back_what_was_wanted_before_it() -> None:
    story("""
        stock  moon-lamp 1
        10:03  release ada                -> early
        10:00  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            released moon-lamp 1 released_on_request
        active                            -> 0
    """)


def test_checkout_after_a_release_takes_what_it_names() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:03  release ada                -> released moon-lamp 2 released_on_request
        10:05  paid ada moon-lamp 1       -> converted moon-lamp 1 late
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 1
    """)


@pytest.mark.parametrize(
    "closing", ["10:05 paid ada", "10:05 left ada", "10:05 denied ada", "10:05 lapsed ada"]
)
def test_release_after_the_admission_is_over_is_refused(closing: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        {closing}
        10:06  release ada                -> refused hold_over
    """)


def test_release_after_the_tick_is_refused() -> None:
    story("""
        stock  moon-lamp 1
        10:00     admit ada moon-lamp 1
        10:11     tick
        10:11:01  release ada             -> refused hold_over
        holds ada                         -> moon-lamp 1 soft expired hold_elapsed
    """)


def test_release_that_was_before_the_tick_renames_the_end() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:05  release ada                -> released moon-lamp 1 released_on_request
        counters moon-lamp                -> on_hand 1 reserved 0 allocated 0 sold 0
    """)


# Transfer


def test_transfer_gives_the_admission_to_the_account() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada      -> transferred ada from guest-17
        holds guest-17                    -> nothing
        holds ada                         -> moon-lamp 1 soft active
        10:03  transfer guest-17 ada      -> duplicate
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


@pytest.mark.parametrize("shopper", ["guest-17", "ada"])
@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ("paid {} order=o-7", "converted {}moon-lamp 1 order=o-7"),
        ("left {}", "released {}moon-lamp 1 consumer_left"),
        ("cart {}", "released {}moon-lamp 1 cart_changed"),
        ("release {}", "released {}moon-lamp 1 released_on_request"),
        ("extend {} 60", "extended {}until 10:12"),
    ],
)
def test_event_after_a_transfer_may_say_either_of_the_two(
    shopper: str, event: str, outcome: str
) -> None:
    whose = "ada " if shopper == "guest-17" else ""
    story(f"""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada
        10:05  {event.format(shopper)}    -> {outcome.format(whose)}
    """)


def test_event_of_the_account_that_waits_is_applied_when_the_transfer_comes() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:05  paid ada order=o-7         -> early
        waiting                           -> ada
        10:03  transfer guest-17 ada \
            -> transferred ada from guest-17, converted ada moon-lamp 1 order=o-7
        waiting                           -> nobody
    """)


def test_transfer_before_its_admission_waits() -> None:
    story("""
        stock  moon-lamp 1
        10:03  transfer guest-17 ada      -> early
        10:00  admit guest-17 moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, transferred ada from guest-17
        holds ada                         -> moon-lamp 1 soft active
    """)


def test_transfer_to_the_same_account_again_says_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada      -> transferred ada from guest-17
        10:04  transfer guest-17 ada      -> nothing
    """)


def test_transfer_to_a_second_account_is_refused() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada      -> transferred ada from guest-17
        10:04  transfer guest-17 bo       -> refused ada already_transferred
        10:04  transfer ada cyd           -> refused already_transferred
        holds ada                         -> moon-lamp 1 soft active
    """)


def test_earlier_one_of_two_transfers_counts_though_it_comes_second() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:04  transfer guest-17 bo       -> transferred bo from guest-17
        10:03  transfer guest-17 ada \
            -> transferred ada from bo, refused ada already_transferred
        holds ada                         -> moon-lamp 1 soft active
        10:05  cart guest-17 moon-lamp 2  -> rejected ada moon-lamp 1 insufficient_stock
        10:06  paid guest-17 order=o-7    -> converted ada moon-lamp 1 order=o-7
    """)


def test_transfer_to_oneself_changes_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:03  transfer ada ada           -> nothing
        holds ada                         -> moon-lamp 1 soft active
        10:05  paid ada                   -> converted moon-lamp 1
    """)


def test_transfer_after_the_checkout_is_made() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        10:03  paid guest-17 order=o-7
        10:05  transfer guest-17 ada      -> transferred ada from guest-17
        holds ada                         -> moon-lamp 1 soft converted order=o-7
        10:30  cancel ada order=o-7       -> returned moon-lamp 1 order_cancelled order=o-7
    """)


@pytest.mark.parametrize(
    ("closing", "asked_at"),
    [("10:05 left guest-17", "10:06"), ("10:05 lapsed guest-17", "10:06"), ("", "10:12")],
)
def test_transfer_after_the_end_is_refused(closing: str, asked_at: str) -> None:
    story(f"""
        stock  moon-lamp 1
        10:00  admit guest-17 moon-lamp 1
        {closing}
        {asked_at} transfer guest-17 ada  -> refused hold_over
        holds ada                         -> nothing
    """)


def test_transfer_joins_what_two_shoppers_have() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit guest-17 moon-lamp 1
        10:01  admit ada moon-lamp 2 via=back-gate
        10:03  transfer guest-17 ada      -> transferred ada from guest-17
        10:04  paid ada via=              -> ambiguous several_admissions
        10:05  paid ada via=back-gate order=o-2   -> converted moon-lamp 2 order=o-2
    """)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("per_sku=2", "limit_per_sku"),
        ("per_experience=2", "limit_per_experience"),
        ("open_holds=1", "limit_open_holds"),
    ],
)
def test_limit_of_the_account_refuses_the_transfer(limit: str, reason: str) -> None:
    world = story(f"""
        policy drop {limit}
        stock  moon-lamp 9
        10:00  admit guest-17 moon-lamp 1
        10:00  admit ada moon-lamp 2
        10:03  transfer guest-17 ada      -> refused {reason}
        10:03  transfer guest-17 ada      -> duplicate
        holds guest-17                    -> moon-lamp 1 soft active
        10:04  left ada
        10:05  extend guest-17 60         -> extended until 10:12
        holds guest-17                    -> moon-lamp 1 soft active
        10:06  transfer guest-17 ada      -> transferred ada from guest-17
    """)

    assert [one.consumer_id for one in world.admissions.values()] == ["ada", "ada"]


def test_transfer_within_the_limits_is_made() -> None:
    story("""
        policy drop per_sku=2 per_experience=3 open_holds=2
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit guest-17 moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:03  transfer guest-17 ada      -> transferred ada from guest-17
        10:04  admit ada moon-lamp 1 via=back-gate   -> rejected moon-lamp 1 limit_per_sku
    """)


def test_what_was_transferred_away_does_not_count_for_the_guest() -> None:
    story("""
        policy drop per_sku=1
        stock  moon-lamp 9
        10:00  admit guest-17 moon-lamp 1
        10:03  transfer guest-17 ada
        10:04  admit guest-17 moon-lamp 1 via=back-gate   -> reserved moon-lamp 1 until 10:15
    """)


# What is not allowed


@pytest.mark.parametrize(
    ("policy", "command", "reason"),
    [
        ("extensions=0", "extend ada 60", "extension_not_allowed"),
        ("release=no", "release ada", "release_not_allowed"),
        ("transfer=no", "transfer ada bo", "transfer_not_allowed"),
    ],
)
def test_command_that_the_policy_does_not_allow_is_refused_and_changes_nothing(
    policy: str, command: str, reason: str
) -> None:
    world = story(f"""
        policy drop {policy}
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  {command}                  -> refused {reason}
        10:05  {command}                  -> duplicate
        holds ada                         -> moon-lamp 1 soft active
        counters moon-lamp                -> on_hand 1 reserved 1 allocated 0 sold 0
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)

    assert _refusals(world) == [reason]


def _refusals(world: World) -> list[str | None]:
    return [outcome.reason for outcome in world.outcomes if outcome.type == "refused"]


def test_transfer_to_oneself_does_not_use_up_the_transfer() -> None:
    story("""
        stock  lamp 5
        10:00  admit ada lamp 1           -> reserved lamp 1 until 10:11
        10:01  transfer ada ada           -> nothing
        10:02  transfer ada bo            -> transferred bo from ada
        10:03  paid bo order=o-1          -> converted lamp 1 order=o-1
    """)


def test_chain_of_transfers_of_any_length_is_walked() -> None:
    chain = [f"10:{n // 60:02}:{n % 60:02} transfer s{n} s{n + 1} -> early" for n in range(1100)]
    world = tell_in_batches("\n".join(["stock lamp 1", *chain]), lambda _: False)
    assert len(world.facts) == 1100
