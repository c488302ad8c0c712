"""What one shopper may have of an experience, over all admissions."""

import pytest

from tests.unit.world import World, story

# Units of one line


def test_limit_per_sku_counts_what_is_held_by_all_admissions() -> None:
    story("""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate   -> reserved moon-lamp 1 until 10:11
        10:01  admit ada moon-lamp 2 via=back-gate    -> rejected moon-lamp 2 limit_per_sku
        10:02  admit ada moon-lamp 1 via=side-gate    -> reserved moon-lamp 1 until 10:13
        10:03  admit ada moon-lamp 1 via=roof         -> rejected moon-lamp 1 limit_per_sku
        counters moon-lamp                -> on_hand 9 reserved 2 allocated 0 sold 0
    """)


def test_limit_per_sku_counts_what_was_sold() -> None:
    story("""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 2
        10:05  paid ada                   -> converted moon-lamp 2
        10:20  admit ada moon-lamp 1      -> rejected moon-lamp 1 limit_per_sku
        10:20  admit bo  moon-lamp 1      -> reserved moon-lamp 1 until 10:31
    """)


@pytest.mark.parametrize("end", ["10:05 left ada", "10:05 cart ada", "10:05 release ada"])
def test_limit_per_sku_does_not_count_what_was_given_back(end: str) -> None:
    story(f"""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 2
        {end}
        10:06  admit ada moon-lamp 2      -> reserved moon-lamp 2 until 10:17
    """)


def test_limit_per_sku_does_not_count_what_has_expired() -> None:
    story("""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 2
        10:11  tick
        10:12  admit ada moon-lamp 2      -> reserved moon-lamp 2 until 10:23
    """)


def test_limit_per_sku_does_not_count_what_was_cancelled() -> None:
    story("""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 2
        10:05  paid ada order=o-7
        10:06  cancel ada order=o-7
        10:20  admit ada moon-lamp 2      -> reserved moon-lamp 2 until 10:31
    """)


def test_limit_per_sku_is_of_one_line_only() -> None:
    story("""
        policy drop per_sku=1
        stock  anorak/M 9
        stock  anorak/L 9
        10:00  admit ada anorak/M 1 anorak/L 1 \
            -> reserved anorak/M 1 until 10:11, reserved anorak/L 1 until 10:11
        10:02  cart ada anorak/M 2 anorak/L 1   -> rejected anorak/M 1 limit_per_sku
        holds ada                         -> anorak/M 1 soft active, anorak/L 1 soft active
    """)


def test_lines_of_one_sku_are_summed_for_the_limit() -> None:
    story("""
        policy drop per_sku=2
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 moon-lamp 2   -> rejected moon-lamp 3 limit_per_sku
    """)


# Units of the experience


def test_limit_per_experience_counts_all_lines() -> None:
    story("""
        policy drop per_experience=3
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 2 via=front-gate   -> reserved moon-lamp 2 until 10:11
        10:05  paid ada via=front-gate
        10:06  admit ada pouch 2 via=back-gate        -> rejected pouch 2 limit_per_experience
        10:07  cart ada pouch 1 via=back-gate         -> reserved pouch 1 until 10:17
        10:08  cart ada pouch 1 moon-lamp 1 via=back-gate \
            -> rejected moon-lamp 1 limit_per_experience
    """)


def test_lines_are_counted_one_by_one_in_the_order_of_the_cart() -> None:
    story("""
        policy drop per_experience=2
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada pouch 3 moon-lamp 1 pouch 1 \
            -> rejected pouch 4 limit_per_experience, reserved moon-lamp 1 until 10:11
        10:00  admit bo moon-lamp 1 pouch 2 \
            -> reserved moon-lamp 1 until 10:11, rejected pouch 2 limit_per_experience
    """)


def test_limits_are_of_one_experience_only() -> None:
    story("""
        policy drop    per_experience=1 per_sku=1 open_holds=1
        policy members per_experience=1 per_sku=1 open_holds=1
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 in=drop      -> reserved moon-lamp 1 until 10:11
        10:01  admit ada moon-lamp 1 in=members   -> reserved moon-lamp 1 until 10:12
        10:02  admit ada moon-lamp 1 in=elsewhere -> reserved moon-lamp 1 until 10:13
    """)


def test_limits_are_of_one_organization_only() -> None:
    story("""
        policy drop per_experience=1
        policy drop per_experience=1 org=globex
        stock  moon-lamp 9
        stock  moon-lamp 9 org=globex
        10:00  admit ada moon-lamp 1              -> reserved moon-lamp 1 until 10:11
        10:00  admit ada moon-lamp 1 org=globex   -> reserved moon-lamp 1 until 10:11
    """)


# Open holds


def test_limit_of_open_holds_counts_holds_and_not_units() -> None:
    story("""
        policy drop open_holds=2
        stock  moon-lamp 99
        stock  pouch 9
        stock  anorak/M 9
        10:00  admit ada moon-lamp 50 pouch 1 anorak/M 1 \
            -> reserved moon-lamp 50 until 10:11, reserved pouch 1 until 10:11, \
               rejected anorak/M 1 limit_open_holds
        10:02  cart ada moon-lamp 60 pouch 1      -> reserved moon-lamp 10 until 10:11
        active                                    -> 2
    """)


def test_limit_of_open_holds_does_not_count_what_was_sold() -> None:
    story("""
        policy drop open_holds=1
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada
        10:20  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:31
    """)


def test_hoarder_who_opens_twenty_admissions_gets_what_one_may_have() -> None:
    admissions = "\n".join(
        f"10:{minute:02} admit ada moon-lamp 2 via=gate-{minute} event=evt-{minute}"
        for minute in range(20)
    )
    world = story(f"""
        policy drop window=3600 per_sku=4 per_experience=6 open_holds=3
        stock  moon-lamp 99
        {admissions}
        active                            -> 2
        counters moon-lamp                -> on_hand 99 reserved 4 allocated 0 sold 0
        10:30  admit bo moon-lamp 4       -> reserved moon-lamp 4 until 11:31
    """)

    assert _said(world, "ada") == {None: 2, "limit_per_sku": 18}


@pytest.mark.parametrize("limit", ["per_sku=1", "per_experience=1", "open_holds=1"])
def test_hoarder_who_pays_and_comes_again_gets_what_one_may_have(limit: str) -> None:
    rounds = "\n".join(
        f"{10 + hour}:00 admit ada moon-lamp 1\n{10 + hour}:05 paid ada order=o-{hour}"
        for hour in range(5)
    )
    world = story(f"""
        policy drop {limit}
        stock  moon-lamp 99
        {rounds}
    """)

    held = [one for one in world.outcomes if one.type == "reserved"]
    assert len(held) == (5 if limit.startswith("open") else 1)


# Of several limits


def test_first_limit_that_forbids_is_named() -> None:
    story("""
        policy drop per_sku=1 per_experience=2 open_holds=1
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 2      -> rejected moon-lamp 2 limit_per_sku
        10:01  cart ada moon-lamp 1       -> reserved moon-lamp 1 until 10:11
        10:02  cart ada moon-lamp 1 pouch 1   -> rejected pouch 1 limit_open_holds
        10:03  cart ada moon-lamp 1 pouch 2   -> rejected pouch 2 limit_per_sku
    """)


def test_limit_is_named_before_the_stock_is_looked_at() -> None:
    story("""
        policy drop per_sku=1
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 2      -> rejected moon-lamp 2 limit_per_sku
        10:00  admit bo sun-lamp 2        -> rejected sun-lamp 2 limit_per_sku
        10:00  admit cyd sun-lamp 1       -> rejected sun-lamp 1 unknown_stock_line
    """)


def test_all_or_nothing_cart_that_a_limit_forbids_holds_nothing() -> None:
    story("""
        policy drop all_or_nothing per_sku=1
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 pouch 2 \
            -> rejected moon-lamp 1 cart_incomplete, rejected pouch 2 limit_per_sku
        active                            -> 0
    """)


# Changing what one has


@pytest.mark.parametrize("limit", ["per_sku=1", "per_experience=1", "open_holds=1"])
def test_one_for_each_may_be_changed_for_another_size(limit: str) -> None:
    story(f"""
        policy drop {limit}
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1
        10:02  cart ada anorak/L 1 \
            -> reserved anorak/L 1 until 10:11, released anorak/M 1 cart_changed
        active                            -> 1
        10:03  cart ada anorak/M 1 \
            -> reserved anorak/M 1 until 10:11, released anorak/L 1 cart_changed
    """)


@pytest.mark.parametrize("cart", ["anorak/L 1 pouch 1", "pouch 1 anorak/L 1"])
def test_swap_that_cannot_be_made_does_not_get_around_a_limit(cart: str) -> None:
    world = story(f"""
        policy drop per_experience=1
        stock  anorak/M 1
        stock  anorak/L 0
        stock  pouch 1
        10:00  admit ada anorak/M 1
        10:02  cart ada {cart}
    """)

    assert sum(one.quantity for one in world.holds_of("ada") if one.status == "active") == 1


def test_what_another_admission_holds_is_not_free_for_a_change() -> None:
    story("""
        policy drop per_experience=1
        stock  anorak/M 1
        stock  anorak/L 1
        10:00  admit ada anorak/M 1 via=front-gate
        10:01  admit ada via=back-gate
        10:02  cart ada anorak/L 1 via=back-gate   -> rejected anorak/L 1 limit_per_experience
        holds ada   -> anorak/M 1 soft active, anorak/L 1 soft rejected limit_per_experience
    """)


def test_limit_is_that_of_the_policy_by_which_the_shopper_was_admitted() -> None:
    story("""
        policy drop per_sku=3
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 3
        policy drop per_sku=1
        10:02  cart ada moon-lamp 2       -> released moon-lamp 1 cart_changed
        10:03  cart ada moon-lamp 3       -> reserved moon-lamp 1 until 10:11
        10:03  cart ada moon-lamp 4       -> rejected moon-lamp 1 limit_per_sku
        10:04  admit bo moon-lamp 2       -> rejected moon-lamp 2 limit_per_sku
        10:05  paid ada                   -> converted moon-lamp 3
    """)


# Money


def test_checkout_is_not_limited() -> None:
    story("""
        policy drop per_sku=1 per_experience=1 open_holds=1
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 3       -> converted moon-lamp 3 late
        10:20  admit ada moon-lamp 1      -> rejected moon-lamp 1 limit_per_sku
        10:25  paid ada moon-lamp 1       -> converted moon-lamp 1 late
        counters moon-lamp                -> on_hand 5 reserved 0 allocated 0 sold 4
    """)


def test_limit_does_not_take_away_what_turns_out_to_be_held_again() -> None:
    story("""
        policy drop per_sku=1
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada order=o-7         -> converted moon-lamp 1 order=o-7
        10:04  admit ada moon-lamp 1      -> reserved moon-lamp 1 until 10:11, \
            rejected moon-lamp 1 limit_per_sku, converted moon-lamp 1 order=o-7 late
        counters moon-lamp                -> on_hand 8 reserved 1 allocated 0 sold 1
    """)


def _said(world: World, shopper: str) -> dict[str | None, int]:
    reasons = [outcome.reason for outcome in world.outcomes if outcome.consumer_id == shopper]
    return {reason: reasons.count(reason) for reason in reasons}
