"""Which admission an event is about: by id, by token, else by distribution, shopper and time."""

import pytest

from tests.unit.story import Given, Happens, parse
from tests.unit.world import World, assert_same, story

EVENTS = [
    "paid ada",
    "paid ada order=o-7",
    "left ada",
    "denied ada",
    "lapsed ada",
    "cart ada pouch 1",
    "extend ada 60",
    "release ada",
    "transfer ada bo",
]

# By name


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", ["id=adm-1", "token=s3cret-1", "id=adm-1 token=s3cret-1"])
def test_event_is_about_the_admission_that_it_names(event: str, name: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-1 token=s3cret-1
        10:01  admit ada moon-lamp 1 id=adm-2 token=s3cret-2
        10:05  {event} {name} via=nowhere
    """)

    assert _facts(world) == {"adm-1": 1, "adm-2": 0}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", ["id=adm-3", "token=s3cret-3"])
def test_event_that_names_an_unknown_admission_waits_for_it(event: str, name: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:05  {event} {name}               -> early
        waiting                             -> ada
        10:06  admit ada moon-lamp 1 {name}
        waiting                             -> nobody
    """)

    known = _facts(world)
    assert known.pop("adm-1") == 0
    assert list(known.values()) == [1]


def test_named_event_is_about_its_admission_though_another_shopper_sends_it() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:05  paid guest-17 order=o-7 id=adm-1   -> converted ada moon-lamp 1 order=o-7
    """)


def test_named_event_is_about_its_admission_though_it_is_long_over() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:05  left ada id=adm-1
        11:00  admit ada moon-lamp 1 id=adm-2
        11:05  paid ada id=adm-1          -> converted moon-lamp 1 late
        active                            -> 1
    """)


def test_id_that_is_learnt_later_is_a_name_like_the_token() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 token=s3cret
        10:03  cart ada moon-lamp 2 id=adm-7          -> early
        10:00  admit ada token=s3cret id=adm-7        -> reserved moon-lamp 1 until 10:11
        10:05  paid ada id=adm-7                      -> converted moon-lamp 2
    """)


def test_name_of_another_organization_is_another_name() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:05  paid ada id=adm-1 org=globex           -> early
    """)


# By distribution, shopper and time


@pytest.mark.parametrize("event", EVENTS)
def test_event_is_about_the_admission_that_was_open_then(event: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:03  left ada id=adm-1
        10:20  admit ada moon-lamp 1 id=adm-2
        10:40  admit ada moon-lamp 1 id=adm-3
        10:25  {event}
    """)

    assert _facts(world) == {"adm-1": 1, "adm-2": 1, "adm-3": 0}


@pytest.mark.parametrize("event", [one for one in EVENTS if not one.startswith("cart")])
def test_event_before_any_admission_waits(event: str) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00     admit ada moon-lamp 1
        09:59:59  {event}                 -> early
        active                            -> 1
    """)


@pytest.mark.parametrize("event", [one for one in EVENTS if not one.startswith("cart")])
def test_event_after_the_end_is_about_the_admission_that_ended_last(event: str) -> None:
    world = story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:20  admit ada moon-lamp 1 id=adm-2
        10:31  tick
        10:35  {event}
    """)

    assert _facts(world) == {"adm-1": 0, "adm-2": 1}


def test_second_admission_by_one_door_closes_the_first_for_events_that_name_none() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  admit ada moon-lamp 2
        10:07  paid ada                   -> converted moon-lamp 2
        holds ada                         -> moon-lamp 1 soft active, moon-lamp 2 soft converted
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_cart_in_the_time_that_an_extension_gave_finds_its_admission() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  extend ada 600             -> extended until 10:21
        10:15  cart ada moon-lamp 2       -> reserved moon-lamp 1 until 10:21
    """)


@pytest.mark.parametrize("event", ["paid ada", "left ada", "cart ada pouch 1", "extend ada 60"])
@pytest.mark.parametrize("blank", ["via=", "in="])
def test_event_fits_an_admission_where_one_of_the_two_does_not_say(event: str, blank: str) -> None:
    for door, other in ((blank, ""), ("", blank)):
        story(f"""
            stock  moon-lamp 9
            stock  pouch 9
            10:00  admit ada moon-lamp 1 {door or "in=drop"}
            10:05  {event} {other or "in=drop"}
            waiting                         -> nobody
        """)


def test_event_of_another_experience_does_not_fit() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 in=drop
        10:05  paid ada in=members        -> early
        10:05  left ada in=drop           -> released moon-lamp 1 consumer_left
        waiting                           -> ada
    """)


def test_event_of_another_organization_does_not_fit() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:05  paid ada org=globex        -> early
        active                            -> 1
    """)


# Re-admission: stale events never touch a later admission.


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("left ada", "released moon-lamp 1 consumer_left"),
        ("denied ada", "released moon-lamp 1 consumer_denied"),
        ("lapsed ada", "expired moon-lamp 1 admission_expired"),
        ("paid ada order=o-7", "converted moon-lamp 1 order=o-7"),
    ],
)
def test_end_of_the_first_admission_that_comes_during_the_second_ends_the_first(
    end: str, outcome: str
) -> None:
    world = story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:05  admit ada moon-lamp 2 id=adm-2
        10:03  {end}                      -> {outcome}
        10:03  {end} event=evt-2          -> duplicate
        active                            -> 1
    """)

    assert [one.status == "active" for one in world.holds_of("ada")] == [False, True]


@pytest.mark.parametrize("end", ["left ada", "denied ada", "lapsed ada", "paid ada order=o-7"])
def test_end_of_the_first_admission_that_comes_again_during_the_second_changes_nothing(
    end: str,
) -> None:
    story(f"""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:03  {end}
        10:05  admit ada moon-lamp 2      -> reserved moon-lamp 2 until 10:16
        10:03  {end} event=evt-2          -> duplicate
        active                            -> 1
    """)


def test_admission_of_the_first_time_that_comes_again_during_the_second_changes_nothing() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:03  left ada
        10:05  admit ada moon-lamp 2
        10:00  admit ada moon-lamp 1 event=evt-2   -> duplicate
        active                            -> 1
    """)


def test_first_admission_that_comes_after_the_second_takes_its_own_events() -> None:
    story("""
        stock  moon-lamp 9
        10:05  admit ada moon-lamp 2      -> reserved moon-lamp 2 until 10:16
        10:03  left ada                   -> early
        10:07  paid ada                   -> converted moon-lamp 2
        10:00  admit ada moon-lamp 1 \
            -> reserved moon-lamp 1 until 10:11, released moon-lamp 1 consumer_left
        holds ada   -> moon-lamp 2 soft converted, moon-lamp 1 soft released consumer_left
        waiting                           -> nobody
    """)


def test_late_payment_of_the_first_admission_is_of_the_second_once_that_is_open() -> None:
    """Nobody can tell: the second is open, and what is paid while it is open is for it."""
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:15  paid ada                   -> converted moon-lamp 1 late
        10:14  admit ada moon-lamp 2      -> expired moon-lamp 1 hold_elapsed, \
            reserved moon-lamp 2 until 10:25, converted moon-lamp 2
        counters moon-lamp                -> on_hand 7 reserved 0 allocated 0 sold 2
    """)


def test_sale_with_missing_units_that_moves_leaves_none_missing() -> None:
    story("""
        stock  moon-lamp 2
        10:00  admit ada moon-lamp 2
        10:05  paid ada moon-lamp 5 order=o-7 \
            -> converted moon-lamp 2 order=o-7, unfulfilled moon-lamp 3 insufficient_stock order=o-7
        10:04  admit ada                  -> reserved moon-lamp 2 until 10:11, \
            unfulfilled moon-lamp 5 insufficient_stock order=o-7
        holds ada   -> moon-lamp 2 soft active, \
            moon-lamp 5 soft unfulfilled insufficient_stock order=o-7 missing 5
    """)


@pytest.mark.parametrize(
    ("limit", "bought", "reserved", "again"),
    [
        # all of it: what was let go when a part was bought is held again too
        ("", 2, "reserved moon-lamp 3 until 10:11", "reserved moon-lamp 3 until 10:11"),
        # what a limit had refused, and somebody paid for
        (
            "per_sku=1",
            2,
            "rejected moon-lamp 3 limit_per_sku",
            "rejected moon-lamp 1 limit_per_sku, reserved moon-lamp 2 until 10:11",
        ),
        # more than the cart had
        (
            "",
            5,
            "reserved moon-lamp 3 until 10:11",
            "reserved moon-lamp 3 until 10:11",
        ),
    ],
)
def test_sale_that_moves_leaves_a_hold_all_of_which_is_said(
    limit: str, bought: int, reserved: str, again: str
) -> None:
    story(f"""
        policy drop {limit}
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 3          -> {reserved}
        10:06  paid ada moon-lamp {bought} order=o-7
        10:05  admit ada                      -> {again}, \
            converted moon-lamp {bought} order=o-7 late
    """)


def test_payment_that_is_owed_and_turns_out_to_be_of_the_second_is_owed_there() -> None:
    story("""
        stock  moon-lamp 1
        10:00  admit ada moon-lamp 1
        10:11  tick                       -> expired ada moon-lamp 1 hold_elapsed
        10:12  admit bo moon-lamp 1       -> reserved moon-lamp 1 until 10:23
        10:15  paid ada order=o-7         -> unfulfilled moon-lamp 1 insufficient_stock order=o-7
        10:14  admit ada moon-lamp 1 \
            -> expired moon-lamp 1 hold_elapsed, rejected moon-lamp 1 insufficient_stock, \
               unfulfilled moon-lamp 1 insufficient_stock order=o-7
        holds ada   -> moon-lamp 1 soft expired hold_elapsed, \
            moon-lamp 1 soft unfulfilled insufficient_stock order=o-7 missing 1
    """)


# Several that fit


@pytest.mark.parametrize("event", EVENTS)
def test_event_that_fits_two_open_admissions_is_ambiguous_and_said_once(event: str) -> None:
    order = " order=o-7" if "order=o-7" in event else ""
    story(f"""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 1 via=back-gate
        10:05  {event} via=               -> ambiguous several_admissions{order}
        10:05  {event} via=               -> duplicate
        10:06  tick                       -> nothing
        waiting                           -> ada
        active                            -> 2
    """)


def test_ambiguous_checkout_is_applied_when_one_of_the_admissions_turns_out_to_be_over() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 2 via=back-gate
        10:05  paid ada via= order=o-7    -> ambiguous several_admissions order=o-7
        10:06  left ada via=front-gate    -> released moon-lamp 1 consumer_left
        waiting                           -> ada
        10:04  left ada via=front-gate    -> converted moon-lamp 2 order=o-7
        waiting                           -> nobody
        counters moon-lamp                -> on_hand 7 reserved 0 allocated 0 sold 2
    """)


def test_ambiguous_checkout_is_applied_when_one_of_the_admissions_was_paid_before() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 2 via=back-gate
        10:05  paid ada via= order=o-7    -> ambiguous several_admissions order=o-7
        10:04  paid ada via=front-gate order=o-6 \
            -> converted moon-lamp 1 order=o-6, converted moon-lamp 2 order=o-7
        waiting                           -> nobody
    """)


def test_ambiguous_checkout_is_given_up_at_the_end_of_its_time_to_live() -> None:
    story("""
        policy drop early=300
        stock  moon-lamp 9
        10:00     admit ada moon-lamp 1 via=front-gate
        10:01     admit ada moon-lamp 2 via=back-gate
        10:05     tick
        10:05     paid ada via= in=drop order=o-7   -> ambiguous several_admissions order=o-7
        10:09:59  tick                              -> nothing
        10:10     tick                    -> orphaned ada several_admissions order=o-7
        waiting                           -> nobody
        10:11     tick                    -> expired ada moon-lamp 1 hold_elapsed
    """)


def test_placed_checkout_is_ambiguous_when_a_second_admission_turns_out_to_have_been_open() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:05  paid ada via= order=o-7    -> converted moon-lamp 1 order=o-7
        10:01  admit ada moon-lamp 2 via=back-gate \
            -> reserved moon-lamp 1 until 10:11, reserved moon-lamp 2 until 10:12, \
               ambiguous several_admissions order=o-7
        waiting                           -> ada
        active                            -> 2
        10:04  left ada via=front-gate \
            -> released moon-lamp 1 consumer_left, converted moon-lamp 2 order=o-7
        counters moon-lamp                -> on_hand 7 reserved 0 allocated 0 sold 2
    """)


def test_checkout_that_waits_twice_because_of_records_of_one_offset_is_not_lost() -> None:
    """Two rows of one id would be one: the story is told once more with both in one batch."""
    story("""
        stock     moon-lamp 9
        10:00     admit bo  moon-lamp 1 lane=1
        10:00     admit ada moon-lamp 1 id=adm-1 via=front-gate
        10:05     paid ada via=
        10:01     admit ada moon-lamp 1 id=adm-2 via=back-gate
        waiting                                                  -> ada
        10:04     left ada id=adm-1 \
            -> released moon-lamp 1 consumer_left, converted moon-lamp 1
        10:02     admit ada moon-lamp 1 id=adm-3 via=side-gate lane=1
        waiting                                                  -> ada
    """)


def test_event_after_the_end_of_several_doors_is_ambiguous() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 1 via=back-gate
        10:12  tick
        10:15  paid ada via=              -> ambiguous several_admissions
    """)


def test_two_admissions_of_one_instant_by_one_door_are_ambiguous() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1
        10:00  admit ada moon-lamp 2 id=adm-2
        10:05  left ada                   -> ambiguous several_admissions
        10:06  paid ada id=adm-1          -> converted moon-lamp 1
        10:07  paid ada order=o-7         -> converted moon-lamp 2 order=o-7
        waiting                           -> ada
    """)


# Orders: one event of an order may say where it belongs, and the others follow.


def test_order_event_without_a_distribution_follows_the_event_of_the_queue() -> None:
    story("""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 3 via=front-gate in=drop
        10:01  admit ada pouch 1 via=back-gate in=drop
        10:05  paid ada via=front-gate order=o-7       -> converted moon-lamp 3 order=o-7
        10:05:01  paid ada via= order=o-7 moon-lamp 2 \
            -> released moon-lamp 1 not_purchased, converted moon-lamp 2 order=o-7
        active                                         -> 1
    """)


def test_order_event_without_a_distribution_waits_for_the_event_of_the_queue() -> None:
    story("""
        stock  moon-lamp 9
        stock  pouch 9
        10:00  admit ada moon-lamp 3 via=front-gate in=drop
        10:01  admit ada pouch 1 via=back-gate in=drop
        10:05:01  paid ada via= order=o-7 moon-lamp 2  -> ambiguous several_admissions order=o-7
        10:05  paid ada via=front-gate order=o-7
        holds ada   -> moon-lamp 2 soft converted order=o-7, pouch 1 soft active
        waiting                                        -> nobody
        counters moon-lamp                -> on_hand 7 reserved 0 allocated 0 sold 2
    """)


def test_order_goes_to_the_admission_that_one_of_its_events_names() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 id=adm-1 via=front-gate
        10:01  admit ada moon-lamp 2 id=adm-2 via=back-gate
        10:05  paid ada via=front-gate order=o-7  -> converted moon-lamp 1 order=o-7
        10:06  paid ada id=adm-2 order=o-7 \
            -> reserved moon-lamp 1 until 10:11, converted moon-lamp 2 order=o-7
        counters moon-lamp                -> on_hand 7 reserved 1 allocated 0 sold 2
    """)


def test_checkout_by_another_order_does_not_go_to_an_admission_that_was_paid() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 2 via=back-gate
        10:05  paid ada via=front-gate order=o-6   -> converted moon-lamp 1 order=o-6
        10:06  paid ada via= order=o-7             -> converted moon-lamp 2 order=o-7
        10:07  paid ada via=front-gate order=o-8   -> early
    """)


def test_cancellation_follows_its_order() -> None:
    story("""
        stock  moon-lamp 9
        10:00  admit ada moon-lamp 1 via=front-gate
        10:01  admit ada moon-lamp 2 via=back-gate
        10:05  paid ada via=front-gate order=o-6   -> converted moon-lamp 1 order=o-6
        10:05  paid ada via=back-gate order=o-7    -> converted moon-lamp 2 order=o-7
        10:30  cancel ada via=nowhere order=o-7 \
            -> returned moon-lamp 2 order_cancelled order=o-7
    """)


def _facts(world: World) -> dict[str, int]:
    """Give how many facts each admission has, beside the cart that it came with."""
    return {
        key.admission_id: sum(
            not getattr(known.fact, "at_admission", False) for known in admission.facts
        )
        for key, admission in world.admissions.items()
    }


def test_transfer_that_a_limit_refused_elsewhere_is_asked_anew_where_it_belongs() -> None:
    """And so a request of the new owner is for what that owner has by then."""
    story("""
        policy drop per_experience=1
        stock  moon-lamp 5
        stock  pouch     5
        10:00  admit bo  moon-lamp 1 id=adm-1     -> reserved moon-lamp 1 until 10:11
        10:00  admit ada pouch 1 via=side-gate    -> reserved pouch 1 until 10:11
        10:03  transfer ada bo via=               -> refused limit_per_experience
        10:02  paid  bo id=adm-1                  -> converted moon-lamp 1
        10:04  release bo via=                    -> refused hold_over
        10:01  admit ada id=adm-9 via=side-gate   -> transferred bo from ada
        holds  bo                                 -> moon-lamp 1 soft converted
    """)


def test_payment_that_loses_its_admission_waits_for_as_long_as_its_own_experience_lets_it() -> None:
    """A batch loads that experience's policy too, though no event of it is of that experience."""
    told = """
        policy vault early=30
        10:00     admit ada id=adm-7 in=
        10:05     paid  ada order=o-1 in=vault
        10:04     paid  ada order=o-2 via= in=
        10:04:40  tick
    """
    worlds = [World(loads_all=True), World(loads_all=False)]
    for world in worlds:
        for step in parse(told):
            if isinstance(step, Given):
                world.put(step)
            elif isinstance(step, Happens):
                world.apply([step])

    assert_same(*worlds)


def test_transfer_that_waited_and_that_a_limit_refuses_gives_nobody_a_say_in_the_cart() -> None:
    story("""
        policy drop per_experience=1
        stock  moon-lamp 5
        stock  pouch     5
        10:00  admit bo  moon-lamp 1                   -> reserved moon-lamp 1 until 10:11
        10:03  transfer ada bo via=                    -> nothing
        10:04  cart  bo moon-lamp 1 via=side-gate      -> nothing
        10:00  admit ada pouch 1 via=side-gate \
            -> reserved pouch 1 until 10:11, refused limit_per_experience
        holds  ada                                     -> pouch 1 soft active
    """)
