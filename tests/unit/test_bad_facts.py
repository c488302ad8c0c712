"""Facts that are too many, too old, of a time to come, or of an impossible order."""

import pytest

from tests.unit.world import World, story, tell_in_batches

# Too many: what is kept of one admission and of one shopper is bounded, and the rest is said.


def test_flood_of_carts_after_the_payment_does_not_undo_it() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        "10:05 paid ada order=o-7 id=adm-7",
        *(f"{_after_six(each)} cart ada pouch {each + 1} id=adm-7" for each in range(200)),
    )

    assert _rows(world) == ["moon-lamp converted"]
    assert _said(world, "refused") == {"hold_over": 200}


def test_flood_of_carts_after_the_payment_leaves_the_cart_that_was_paid() -> None:
    world = _flood(
        "10:00 admit ada pouch 1 id=adm-7",
        "10:01 cart ada moon-lamp 1 id=adm-7",
        "10:05 paid ada order=o-7 id=adm-7",
        *(f"{_after_six(each)} cart ada pouch {each + 1} id=adm-7" for each in range(200)),
        "10:00 admit ada pouch 1 id=adm-7",
    )

    assert _rows(world) == ["pouch released", "moon-lamp converted"]
    assert _said(world, "refused") == {"hold_over": 200}


def test_flood_of_carts_leaves_the_newest_in_force() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        *(f"{_after_six(each)} cart ada pouch {each + 1} id=adm-7" for each in range(200)),
    )

    assert _rows(world) == ["moon-lamp released", "pouch active"]
    assert world.holds_of("ada")[1].quantity == 200


def test_flood_of_carts_told_backward_leaves_the_newest_in_force() -> None:
    carts = [f"{_after_six(each)} cart ada pouch {each + 1} id=adm-7" for each in range(200)]
    world = _flood("10:00 admit ada moon-lamp 1 id=adm-7", *reversed(carts))

    assert _rows(world) == ["moon-lamp released", "pouch active"]
    assert world.holds_of("ada")[1].quantity == 200


def test_ten_thousand_commands_for_one_admission_are_refused_and_it_goes_on() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        *(f"10:00 extend ada {each + 1} id=adm-7" for each in range(10_000)),
        "10:05 paid ada order=o-7 id=adm-7",
    )

    assert _rows(world) == ["moon-lamp converted"]
    assert _said(world, "refused") == {"extension_limit": 49, "too_many_facts": 9_950}


def test_flood_of_orders_for_one_admission_is_answered_order_by_order() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        *(f"{_after_six(each)} paid ada order=o-{each} id=adm-7" for each in range(200)),
    )

    assert _rows(world) == ["moon-lamp converted"]
    assert _said(world, "unfulfilled") == {"already_paid": 49, "too_many_facts": 150}
    answered = {one.order_id for one in world.outcomes if one.order_id is not None}
    assert len(answered) == 200


def test_flood_of_ends_changes_nothing() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        *(f"{_after_six(each)} left ada id=adm-7" for each in range(200)),
    )

    assert _rows(world) == ["moon-lamp released"]
    assert [one.type for one in world.outcomes].count("released") == 1


def test_cancellation_is_not_lost_in_a_flood_of_other_facts() -> None:
    world = _flood(
        "10:00 admit ada moon-lamp 1 id=adm-7",
        "10:05 paid ada order=o-7 id=adm-7",
        *(f"{_after_six(each)} cart ada pouch {each + 1} id=adm-7" for each in range(100)),
        *(f"{_after_six(each)} extend ada {each + 1} id=adm-7" for each in range(100)),
        *(f"{_after_six(each)} paid ada order=x-{each} id=adm-7" for each in range(100)),
        "11:00 cancel ada order=o-7",
    )

    assert _rows(world) == ["moon-lamp returned"]


def test_facts_that_wait_for_one_shopper_are_bounded() -> None:
    world = _flood(*(f"{_after_six(each)} paid ada order=o-{each}" for each in range(300)))

    assert len(world.facts) == 100
    assert _said(world, "orphaned") == {"too_many_facts": 200}


def test_flood_of_one_shopper_does_not_touch_another() -> None:
    world = _flood(
        "10:00 admit bo moon-lamp 1",
        *(f"{_after_six(each)} paid ada order=o-{each}" for each in range(300)),
        "10:05 paid bo order=b-1",
        "10:06 paid cyd order=c-1",
        "10:00 admit cyd moon-lamp 1",
    )

    assert _rows(world) == ["moon-lamp converted", "moon-lamp converted"]


def test_facts_that_waited_in_a_flood_are_applied_when_their_admission_comes() -> None:
    world = _flood(
        *(f"{_after_six(each)} paid ada order=o-{each} id=adm-7" for each in range(150)),
        "10:00 admit ada moon-lamp 1 id=adm-7",
    )

    assert _rows(world) == ["moon-lamp converted"]
    assert world.facts == {}
    answered = {one.order_id for one in world.outcomes if one.order_id is not None}
    assert len(answered) == 150


# Too old, or of a time to come


@pytest.mark.parametrize("at", ["10:00-20000d", "10:00-400d", "09:00"])
@pytest.mark.parametrize(
    ("event", "rows"),
    [
        ("left ada", "moon-lamp 1 soft released consumer_left"),
        ("lapsed ada", "moon-lamp 1 soft expired admission_expired"),
        ("paid ada", "moon-lamp 1 soft converted"),
        ("cart ada pouch 1", "moon-lamp 1 soft active"),
        ("extend ada 60", "moon-lamp 1 soft active"),
        ("release ada", "moon-lamp 1 soft active"),
    ],
)
def test_fact_before_the_admission_that_it_names_is_taken_at_its_word(
    at: str, event: str, rows: str
) -> None:
    """Clocks differ: what names its admission is about it, whatever the two clocks say."""
    story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-7
        {at}   {event} id=adm-7
        holds ada                         -> {rows}
        waiting                           -> nobody
    """)


@pytest.mark.parametrize("event", ["left ada", "paid ada", "extend ada 60", "release ada"])
def test_fact_from_the_far_past_that_names_no_admission_waits_in_vain(event: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00         admit ada moon-lamp 1
        10:00-20000d  {event}             -> early
        10:05         paid ada            -> converted moon-lamp 1
        10:00+2d      tick                -> orphaned ada admission_unknown
    """)


@pytest.mark.parametrize("at", ["10:00+400d", "10:00+2900000d"])
def test_fact_from_the_far_future_comes_after_everything(at: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        {at}   left ada                   -> expired moon-lamp 1 hold_elapsed
        {at}   cart ada id=adm-8          -> early
        10:05  paid ada                   -> converted moon-lamp 1
        counters moon-lamp                -> on_hand 8 reserved 0 allocated 0 sold 1
    """)


@pytest.mark.parametrize("at", ["10:00-20000d", "10:00+2900000d"])
def test_admission_of_an_impossible_time_is_held_like_others(at: str) -> None:
    story(f"""
        policy drop window=2592000 cap=2592000 late=2592000 early=2592000
        stock  moon-lamp 1
        {at}   admit ada moon-lamp 1 id=adm-7
        {at}   extend ada 3600 id=adm-7        -> refused extension_too_long
        {at}   paid ada id=adm-7               -> converted moon-lamp 1
        {at}   paid bo                         -> early
    """)


def test_extension_by_the_longest_time_is_capped() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  extend ada 1000000000      -> extended until 10:21
    """)


# In an impossible order


def test_window_that_ended_before_it_began_holds_for_no_longer_than_the_next_tick() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 until=09:00   -> reserved moon-lamp 1 until 09:01
        10:00  tick                                -> expired ada moon-lamp 1 hold_elapsed
        10:01  admit bo moon-lamp 1 until=09:00    -> rejected moon-lamp 1 window_over
        10:02  paid ada                            -> converted moon-lamp 1 late
    """)


def test_end_before_the_admission_began_ends_it() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        09:50  left ada id=adm-7          -> released moon-lamp 1 consumer_left
        10:05  cart ada moon-lamp 1 id=adm-7   -> refused hold_over
        10:06  paid ada id=adm-7          -> converted moon-lamp 1 late
    """)


def test_end_and_checkout_before_the_admission_began_are_taken_in_their_order() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        09:51  paid ada id=adm-7          -> converted moon-lamp 1
        09:50  left ada id=adm-7          -> converted moon-lamp 1 late
    """)


def test_cart_after_the_end_of_an_admission_that_never_held_anything_is_refused() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada id=adm-7         -> nothing
        10:01  left ada id=adm-7          -> nothing
        10:02  cart ada moon-lamp 1 id=adm-7   -> refused hold_over
        holds ada                         -> nothing
    """)


def test_cancellation_without_a_checkout_changes_nothing() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1 id=adm-7
        10:05  cancel ada order=o-7 id=adm-7   -> nothing
        10:06  paid ada order=o-8 id=adm-7     -> converted moon-lamp 1 order=o-8
    """)


def test_checkout_of_items_that_no_cart_can_have_is_owed() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:05  paid ada moon-lamp 1000000000 \
            -> converted moon-lamp 1, unfulfilled moon-lamp 999999999 insufficient_stock
    """)


def test_facts_about_nothing_at_all_do_nothing_but_money_is_told() -> None:
    story("""
        10:00  admit ada                  -> nothing
        10:01  cart ada                   -> nothing
        10:02  release ada                -> nothing
        10:03  extend ada 60              -> extended until 10:12
        10:04  paid ada order=o-7         -> unfulfilled nothing_in_cart order=o-7
        10:05  cancel ada order=o-7       -> nothing
        10:06  left ada                   -> nothing
        10:12  tick                       -> nothing
        active                            -> 0
    """)


def _flood(*lines: str) -> World:
    """Tell a story in which much happens, in batches as a worker takes them."""
    stock = "stock moon-lamp 99\nstock pouch 99999\n"
    return tell_in_batches(stock + "\n".join(lines), lambda step: step.line.number % 500 == 0)


def _after_six(seconds: int) -> str:
    return f"10:{6 + seconds // 60:02}:{seconds % 60:02}"


def _rows(world: World) -> list[str]:
    return [f"{one.product_id} {one.status}" for one in world.reservations.values()]


def _said(world: World, word: str) -> dict[str | None, int]:
    reasons = [outcome.reason for outcome in world.outcomes if outcome.type == word]
    return {reason: reasons.count(reason) for reason in reasons}
