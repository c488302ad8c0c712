"""Stories of guards on where facts belong that no other test noticed broken: see `make mutants`."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from reservations.book import Book
from reservations.candidates import next_by_the_same_door
from reservations.waiting import early_fact
from reservations.wanted import stock_wanted
from schemas.events import Arrival
from schemas.facts import KnownFact, pack, unpack
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import Strategy
from tests.unit.story import instant
from tests.unit.world import World, events_of, story, tell

# Transfers


def test_event_of_a_second_account_does_not_fit_what_was_given_to_the_first() -> None:
    story("""
        stock   moon-lamp 1
        10:00   admit ada moon-lamp 1 id=adm-7
        10:01   transfer ada bo  id=adm-7    -> transferred bo from ada
        10:02   transfer ada cyd id=adm-7    -> refused bo already_transferred
        10:05   paid cyd                     -> early
        10:06   extend ada 60 id=adm-7
        waiting                              -> cyd
    """)


def test_event_of_an_account_fits_what_was_transferred_at_the_last_instant() -> None:
    story("""
        stock     moon-lamp 1
        10:00     admit ada moon-lamp 1 id=adm-7
        10:11     transfer ada bo id=adm-7   -> transferred bo from ada
        10:11:30  paid bo                    -> converted moon-lamp 1 late
    """)


def test_event_of_an_account_does_not_fit_what_was_over_before_the_transfer() -> None:
    story("""
        stock   moon-lamp 1
        10:00   admit ada moon-lamp 1 id=adm-7
        10:05   left ada                     -> released moon-lamp 1 consumer_left
        10:06   transfer ada bo id=adm-7     -> refused hold_over
        10:07   paid bo                      -> early
        10:08   extend ada 60 id=adm-7       -> refused hold_over
        waiting                              -> bo
    """)


def test_event_of_an_account_settles_what_its_guest_waits_for() -> None:
    story("""
        stock   moon-lamp 2
        10:00   admit ada moon-lamp 1 id=adm-1 via=front-gate
        10:00   admit ada moon-lamp 1 id=adm-2 via=back-gate
        10:01   transfer ada bo id=adm-1
        10:05   paid ada via=                -> ambiguous several_admissions
        waiting                              -> ada
        10:03   left bo via=front-gate \
            -> released moon-lamp 1 consumer_left, converted ada moon-lamp 1
    """)


def test_transfer_that_is_granted_after_all_settles_what_the_account_waits_for() -> None:
    story("""
        stock   moon-lamp 1
        10:00   admit ada moon-lamp 1 id=adm-1   -> reserved moon-lamp 1 until 10:11
        10:12   transfer ada bo id=adm-1         -> refused hold_over
        10:13   paid bo                          -> early
        waiting                                  -> bo
        10:05   extend ada 300 \
            -> transferred bo from ada, extended bo until 10:16, converted bo moon-lamp 1
    """)


# Facts that move


def test_fact_that_waits_again_in_one_batch_is_kept() -> None:
    story("""
        stock   moon-lamp 2
        10:05   paid ada via=                -> early
        waiting                              -> ada
        10:00   admit ada moon-lamp 1 via=front-gate
        10:00   admit ada moon-lamp 1 via=back-gate
        waiting                              -> ada
    """)


def test_fact_that_moves_twice_and_waits_again_in_one_batch_is_kept() -> None:
    story("""
        stock   moon-lamp 3
        10:00   admit ada moon-lamp 1 via=front-gate
        10:05   paid  ada via=               -> converted moon-lamp 1
        10:00   admit ada moon-lamp 1 via=back-gate
        waiting                              -> ada
        10:03   left  ada via=back-gate
        10:00   admit ada moon-lamp 1 via=side-gate
        waiting                              -> ada
    """)


def test_extension_that_moves_is_said_of_the_admission_that_gets_it() -> None:
    story("""
        stock   moon-lamp 2
        10:00   admit ada moon-lamp 1        -> reserved moon-lamp 1 until 10:11
        10:05   extend ada 120               -> extended until 10:13
        10:03   admit ada moon-lamp 1 \
            -> extended until 10:16, reserved moon-lamp 1 until 10:16
    """)


def test_fact_that_was_acted_upon_before_is_not_the_cause_a_second_time() -> None:
    world = story("""
        stock   moon-lamp 2
        10:00   admit ada moon-lamp 1 via=front-gate
        10:05   paid  ada via= event=paid        -> converted moon-lamp 1
        10:00   admit ada moon-lamp 1 via=back-gate
        waiting                                  -> ada
        10:03   left  ada via=back-gate event=left
        waiting                                  -> nobody
    """)

    causes = [one.cause.event_id for one in world.outcomes if one.type == "converted"]
    assert causes == ["paid", "left"]


def test_fact_that_has_found_its_admission_is_ambiguous_no_more() -> None:
    world = story("""
        stock   moon-lamp 2
        10:00   admit ada moon-lamp 1 via=front-gate
        10:00   admit ada moon-lamp 1 via=back-gate
        10:05   paid  ada via=                   -> ambiguous several_admissions
        10:03   left  ada via=back-gate
    """)

    facts = [known for one in world.admissions.values() for known in one.facts]
    assert {known.answer for known in facts} == {None}


def test_fact_that_waited_and_becomes_ambiguous_is_said_to_be_so_once() -> None:
    story("""
        10:00   admit ada id=adm-1 via=front-gate
        10:00   admit ada id=adm-2 via=front-gate
        10:06   paid  ada via=side-gate order=o-7    -> early
        10:04   paid  ada via=front-gate order=o-7 \
            -> ambiguous several_admissions order=o-7, ambiguous several_admissions order=o-7
        10:07   extend ada 60 id=adm-1               -> extended until 10:12
    """)


def test_fact_that_is_ambiguous_a_second_time_says_so_under_another_id() -> None:
    story("""
        stock   moon-lamp 3
        10:00   admit ada moon-lamp 1 via=front-gate
        10:00   admit ada moon-lamp 1 via=back-gate
        10:05   paid  ada via=                   -> ambiguous several_admissions
        10:03   left  ada via=back-gate
        10:00   admit ada moon-lamp 1 via=side-gate
        waiting                                  -> ada
    """)


def test_facts_of_two_lines_of_one_record_are_two() -> None:
    world = World()
    one, other, tick = events_of("""
        10:05     paid ada order=o-1 event=e-1
        10:05     paid ada order=o-2 event=e-1
        10:06+3d  tick
    """)
    second_line = one.arrival.cause._replace(line=1)
    world.apply(
        [one, replace(other, arrival=msgspec.structs.replace(other.arrival, cause=second_line))]
    )

    assert len(world.facts) == 2
    world.apply([tick])
    assert [(said.type, said.order_id) for said in world.outcomes] == [
        ("orphaned", "o-1"),
        ("orphaned", "o-2"),
    ]
    world.check()


def test_orphan_is_said_with_the_kind_of_door_that_it_told() -> None:
    world = World()
    paid, tick = events_of("10:05 paid ada\n10:06+3d tick")
    event = msgspec.structs.replace(paid.arrival.event, distribution_type="draw")

    world.apply([replace(paid, arrival=msgspec.structs.replace(paid.arrival, event=event))])
    world.apply([tick])

    assert [one.distribution_type for one in world.outcomes] == ["draw"]


def test_second_admission_closes_the_first_at_the_last_instant_before_it() -> None:
    world = tell("10:00 admit ada\n10:20 admit ada")

    closed = list(next_by_the_same_door(world.admissions.values()).values())

    assert closed == [None, instant("10:20") - timedelta(microseconds=1)]


# Too many facts


def test_commands_and_facts_that_are_too_many_are_counted_as_refused() -> None:
    world = World()
    commands = "\n".join(f"10:01:{n:02} extend ada 1 id=adm-7" for n in range(51))
    early = "\n".join(f"10:{n // 60:02}:{n % 60:02} paid bo order=o-{n}" for n in range(101))
    late = "10:30 extend ada 1 id=adm-7"

    changes = world.apply(events_of(f"10:00 admit ada id=adm-7\n{commands}\n{late}"))
    assert changes.results["hold-commands", "applied"] == 1
    assert changes.results["hold-commands", "refused"] == 51

    changes = world.apply(events_of(early))
    assert changes.results["checkout-completed", "early"] == 100
    assert changes.results["checkout-completed", "refused"] == 1


def test_cart_after_the_end_is_counted_as_refused() -> None:
    world = World()

    changes = world.apply(
        events_of("""
            10:00  admit ada id=adm-7
            10:05  left  ada id=adm-7
            10:06  cart  ada moon-lamp 1 id=adm-7
        """)
    )

    assert changes.results["cart-updated", "refused"] == 1


def test_of_a_flood_of_carts_some_are_forgotten() -> None:
    world = World()
    carts = "\n".join(f"10:01:{n:02} cart ada moon-lamp 1 id=adm-7" for n in range(60))

    world.apply(events_of(f"10:00 admit ada id=adm-7\n{carts}"))

    [admission] = world.admissions.values()
    assert len(admission.facts) == 50


# What a batch loads, and what it saves


def test_admission_is_loaded_for_another_shopper_who_shows_its_token() -> None:
    story("""
        stock   moon-lamp 1
        10:00   admit ada moon-lamp 1 id=adm-7 token=t-7
        holds   ada                              -> moon-lamp 1 soft active
        10:05   paid  bo token=t-7               -> converted ada moon-lamp 1
    """)


def test_pool_is_loaded_by_the_policy_of_the_admission() -> None:
    story("""
        policy  drop pool
        stock   moon-lamp 2
        pool    drop moon-lamp 1
        10:00   admit ada id=adm-7
        policy  drop soft
        10:05   cart  ada moon-lamp 1 id=adm-7   -> reserved moon-lamp 1 until 10:11
        holds   ada                              -> moon-lamp 1 pool active
    """)


@pytest.mark.parametrize(
    ("strategy", "pools"),
    [("soft", set()), ("pool", {PoolKey("acme", "drop", "moon-lamp", "")})],
)
def test_stock_is_loaded_for_what_is_held(strategy: Strategy, pools: set[PoolKey]) -> None:
    world = tell("stock moon-lamp 1\n10:00 admit ada moon-lamp 1")
    [hold] = world.holds_of("ada")
    book = Book()
    book.load_reservation(msgspec.structs.replace(hold, strategy=strategy))

    assert stock_wanted(book, []) == ({StockKey("acme", "moon-lamp", "")}, pools)


def test_fact_that_was_tried_in_vain_and_then_applied_in_one_batch_is_not_saved() -> None:
    world = World()
    paid, tick, admit = events_of("""
        10:05  paid  ada
        10:06  tick
        10:00  admit ada
    """)
    world.apply([paid])

    changes = world.apply([tick, admit])

    assert changes.facts == {}
    assert len(changes.ended_facts) == 1


# Facts that were answered, or placed, before


def test_what_an_admission_came_with_is_kept_so_that_it_can_be_read() -> None:
    world = story("""
        stock  lamp 1
        10:00  admit ada lamp 1
    """)

    [admission] = world.admissions.values()
    assert unpack(pack(admission.facts)) == admission.facts


def test_transfer_that_a_limit_refused_is_refused_wherever_facts_are_placed() -> None:
    story("""
        policy drop items=lamp:1 per_sku=1
        stock  lamp 5
        10:00  admit ada id=adm-7            -> reserved lamp 1 until 10:11
        10:00  admit bo                      -> reserved lamp 1 until 10:11
        10:02  transfer ada bo id=adm-7      -> refused limit_per_sku
        10:05  paid bo                       -> converted lamp 1
        10:06  left ada                      -> released lamp 1 consumer_left
        holds  bo                            -> lamp 1 soft converted
        waiting                              -> nobody
    """)


def test_payment_returns_to_its_buyer_where_the_transfer_that_took_it_is_refused() -> None:
    story("""
        policy drop per_sku=1
        stock  lamp 5
        10:00  admit ada id=adm-7 lamp 1     -> reserved lamp 1 until 10:11
        10:00  admit bo lamp 1               -> reserved lamp 1 until 10:11
        10:05  paid bo                       -> converted lamp 1
        10:02  transfer ada bo id=adm-7 \
            -> reserved bo lamp 1 until 10:11, refused limit_per_sku, converted bo lamp 1
        waiting                              -> nobody
    """)


def test_fact_that_waits_anew_by_two_lines_of_a_record_is_two_rows() -> None:
    [paid] = events_of("10:05 paid ada")
    known = KnownFact(paid.arrival.event, paid.arrival.cause, moved=True)  # type: ignore[arg-type]
    book = Book()
    book.now = instant("10:05")
    cause = paid.arrival.cause
    first, second = (
        early_fact(book, Arrival(paid.arrival.event, 0, cause._replace(line=line)), known)
        for line in (0, 1)
    )

    assert first.id != second.id
    assert first.expires_at - second.expires_at == timedelta(0)


def test_fact_that_was_ambiguous_is_not_any_more_where_its_admission_is_found() -> None:
    world = story("""
        stock  lamp 2
        10:00  admit ada via=gate lamp 1
        10:00  admit ada via=yard lamp 1
        10:05  left ada via=                 -> ambiguous several_admissions
        10:03  left ada via=gate
        waiting                              -> nobody
    """)

    answers = {one.answer for each in world.admissions.values() for one in each.facts}
    assert answers == {None}
