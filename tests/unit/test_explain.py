"""The text that `explain` prints, of stories that the rules themselves have decided.

Whatever happens is decided at the time of the newest event so far. Reservations are named by their
admission and product, where the text has their ids.
"""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import dedent
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from db.explain_journal import Told
from db.explain_steps import Step
from db.stock import StockShown
from schemas.events import event_time
from schemas.facts import KnownFact
from schemas.reservation import Admission
from schemas.stock import StockLine
from schemas.vocabulary import Reason
from service.explain.documents import document
from service.explain.holders import Holder, holders, is_explained
from service.explain.lines import plain
from service.explain.reading import may_be_about
from service.explain.reasons import REASONS
from service.explain.story import Story
from service.explain.strays import Strays, tell_strays
from service.explain.text import tell
from service.settings import Settings
from tests.unit.story import MIDNIGHT
from tests.unit.world import World, each_told

TOPICS = Settings().input_topics
ORDER = list(TOPICS.values())


def test_a_refusal_says_who_had_the_units() -> None:
    assert_explained(
        """
        stock   moon-lamp 3
        stock   pouch 5
        10:00   admit bo  moon-lamp 1 id=adm-bo
        10:00   admit cy  moon-lamp 1 id=adm-cy until=10:30
        10:01   paid  bo  order=ord-bo
        10:02   admit ada moon-lamp 2 pouch 1 id=adm-ada
        10:03   paid  cy  order=ord-cy
        10:04   cart  ada moon-lamp 1 pouch 2
        10:05   paid  ada order=ord-ada
        """,
        "adm-ada",
        """
        admission     adm-ada
        organization  acme
        shopper       ada
        experience    drop
        distribution  door (queue)
        admitted      2024-12-01 10:02:00 UTC
        hold until    2024-12-01 10:13:00 UTC

        What happened, in the order in which it was decided (times are UTC)
        10:02:00  admitted, with a cart: 2 x moon-lamp, 1 x pouch  [admitted/0@2]
                  refused 2 x moon-lamp: insufficient_stock
                    fewer units were available than wanted: 2 were held or sold
                      1 sold to admission adm-bo, order ord-bo  [reservation adm-bo/moon-lamp]
                      1 held for admission adm-cy until 10:31:00  [reservation adm-cy/moon-lamp]
                  held 1 x pouch until 10:13:00
        10:04:00  the shopper's cart: 1 x moon-lamp, 2 x pouch  [cart-updated/0@0]
                  held 1 x moon-lamp until 10:13:00
                  held 1 x pouch until 10:13:00
        10:05:00  paid, order ord-ada  [checkout-completed/0@2]
                  sold 1 x moon-lamp, order ord-ada
                  sold 2 x pouch, order ord-ada

        How it stands now
          1 x moon-lamp: sold at 10:05:00, order ord-ada  [reservation adm-ada/moon-lamp]
          2 x pouch: sold at 10:05:00, order ord-ada  [reservation adm-ada/pouch]
          stock of moon-lamp: received 3, available 0, sold 3
          stock of pouch: received 5, on_hand 3, available 3, sold 2
        """,
    )


def test_what_changed_nothing_says_why() -> None:
    assert_events(
        """
        stock   moon-lamp 5
        10:00   admit  ada id=adm-ada
        10:02   cart   ada moon-lamp 1
        10:01   cart   ada moon-lamp 2
        10:03   cart   ada moon-lamp 1
        10:04   paid   ada order=ord-ada
        10:04:03   paid   ada order=ord-ada moon-lamp 1
        10:05   left   ada
        10:06   lapsed ada
        """,
        """
        10:00:00  admitted
                  changed nothing: nothing was wanted then
        10:02:00  the shopper's cart: 1 x moon-lamp  [cart-updated/0@0]
                  held 1 x moon-lamp until 10:11:00
        10:01:00  the shopper's cart: 2 x moon-lamp  [cart-updated/0@1]
                  changed nothing: a newer cart was known, that of 10:02:00
        10:03:00  the shopper's cart: 1 x moon-lamp  [cart-updated/0@2]
                  changed nothing: it wants what the cart before wanted
        10:04:00  paid, order ord-ada  [checkout-completed/0@0]
                  sold 1 x moon-lamp, order ord-ada
        10:04:03  paid, order ord-ada: 1 x moon-lamp  [checkout-completed/0@1]
                  changed nothing: this payment was known, from 10:04:00
        10:05:00  the shopper left  [admission-expired/0@0]
                  changed nothing: it was paid at 10:04:00, and a payment outranks an end
        10:06:00  Fanfare ended the admission: expired  [admission-expired/0@1]
                  changed nothing: it was paid at 10:04:00, and a payment outranks an end
        """,
    )


def test_what_comes_late_says_when_it_was_decided() -> None:
    assert_events(
        """
        stock   moon-lamp 1
        10:00   admit  ada moon-lamp 1 id=adm-ada
        10:12   tick
        10:12   admit  bo  moon-lamp 1 id=adm-bo until=10:30
        10:04   paid   ada order=ord-ada
        """,
        """
        10:00:00  admitted, with a cart: 1 x moon-lamp  [admitted/0@0]
                  held 1 x moon-lamp until 10:11:00
        10:12:00  a tick passed the hold's end  [expiry-ticks/0@0]
                  gave back 1 x moon-lamp: hold_elapsed
                    the hold's time was over
        10:04:00  paid, order ord-ada  [checkout-completed/0@0]
                  decided 8 min later, at 10:12:00
                  cannot deliver 1 x moon-lamp, order ord-ada, refund it: insufficient_stock
                    fewer units were available than wanted: 1 was held or sold
                      1 held for admission adm-bo until 10:31:00  [reservation adm-bo/moon-lamp]
        """,
    )


def test_what_came_before_its_admission_waited_for_it() -> None:
    assert_events(
        """
        stock   moon-lamp 5
        10:04   paid   ada order=ord-ada id=adm-ada
        10:00   admit  ada moon-lamp 1 id=adm-ada
        """,
        """
        10:00:00  admitted, with a cart: 1 x moon-lamp  [admitted/0@0]
                  decided 4 min later, at 10:04:00
                  held 1 x moon-lamp until 10:11:00
        10:04:00  paid, order ord-ada  [checkout-completed/0@0]
                  sold 1 x moon-lamp, order ord-ada
        """,
    )


def test_commands_are_granted_and_refused() -> None:
    assert_events(
        """
        stock    moon-lamp 5
        10:00    admit    ada moon-lamp 2 id=adm-ada
        10:01    extend   ada 300
        10:02    extend   ada 90
        10:03    transfer ada ann
        10:04    release  ann
        10:20    extend   ann 60
        """,
        """
        10:00:00  admitted, with a cart: 2 x moon-lamp  [admitted/0@0]
                  held 2 x moon-lamp until 10:11:00
        10:01:00  asked for 5 min more  [hold-commands/0@0]
                  the hold now ends at 10:16:00
        10:02:00  asked for 1 min 30 s more  [hold-commands/0@1]
                  refused: extension_limit
                    as many extensions as the policy allows were made
        10:03:00  asked to make it ann's  [hold-commands/0@2]
                  it is ann's now, and was ada's
        10:04:00  asked to give back all that is held  [hold-commands/0@3]
                  gave back 2 x moon-lamp: released_on_request
                    somebody asked for it
        10:20:00  asked for 1 min more  [hold-commands/0@4]
                  refused: hold_over
                    it came from after the hold's end
        """,
    )


def test_a_limit_says_which_of_the_shoppers_own_holds_counted() -> None:
    assert_events(
        """
        policy   drop per_sku=2
        stock    moon-lamp 9
        10:00    admit ada moon-lamp 1 id=adm-1 via=queue
        10:01    paid  ada order=ord-1 id=adm-1
        10:02    admit ada moon-lamp 1 id=adm-2 via=draw
        10:03    admit bo  moon-lamp 2 id=adm-bo
        10:04    admit ada moon-lamp 1 id=adm-ada
        """,
        """
        10:04:00  admitted, with a cart: 1 x moon-lamp  [admitted/0@3]
                  refused 1 x moon-lamp: limit_per_sku
                    the shopper would have more units of it than the policy allows: 2 counted before
                      1 held for admission adm-2 until 10:13:00  [reservation adm-2/moon-lamp]
                      1 sold to admission adm-1, order ord-1  [reservation adm-1/moon-lamp]
        """,
    )


def test_a_pool_is_one_experiences_own() -> None:
    assert_events(
        """
        policy   salon pool
        stock    moon-lamp 3
        pool     salon moon-lamp 1
        10:00    admit bo  moon-lamp 1 in=salon id=adm-bo
        10:01    admit cy  moon-lamp 2 id=adm-cy
        10:02    admit ada moon-lamp 1 in=salon id=adm-ada
        """,
        """
        10:02:00  admitted, with a cart: 1 x moon-lamp  [admitted/0@2]
                  refused 1 x moon-lamp: pool_exhausted
                    fewer units were left in the pool than wanted: 1 was held or sold
                      1 held for admission adm-bo until 10:11:00  [reservation adm-bo/moon-lamp]
        """,
    )


def test_a_cancelled_order_gives_its_units_back() -> None:
    assert_events(
        """
        stock    moon-lamp 5
        10:00    admit  ada moon-lamp 2 id=adm-ada
        10:01    paid   ada order=ord-1 id=adm-ada
        10:02    paid   ada order=ord-2 id=adm-ada
        10:03+1d cancel ada order=ord-1 id=adm-ada
        """,
        """
        10:00:00  admitted, with a cart: 2 x moon-lamp  [admitted/0@0]
                  held 2 x moon-lamp until 10:11:00
        10:01:00  paid, order ord-1  [checkout-completed/0@0]
                  sold 2 x moon-lamp, order ord-1
        10:02:00  paid, order ord-2  [checkout-completed/0@1]
                  cannot deliver order ord-2, refund it: already_paid
                    the admission was paid by another order
        2024-12-02 10:03:00  order ord-1 was cancelled  [checkout-completed/0@2]
                  took back 2 x moon-lamp, order ord-1: order_cancelled
                    the units are in stock again
        """,
    )


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (
            """
            10:01 paid   ada pouch 1 order=ord-1
            10:02 cancel ada order=ord-1
            """,
            "nothing was sold to this order",
        ),
        (
            """
            10:01 paid   ada order=ord-0 id=adm-ada
            10:01 paid   ada order=ord-1 id=adm-ada
            10:02 cancel ada order=ord-1
            """,
            "nothing was sold to this order",
        ),
        (
            """
            10:02 cancel ada order=ord-1 id=adm-ada
            10:01 paid   ada order=ord-1
            """,
            "what followed is told where order ord-1 is named",
        ),
        (
            """
            10:01    paid   ada order=ord-1
            10:01:30 cancel ada order=ord-1
            10:02    cancel ada order=ord-1
            """,
            "it was cancelled before",
        ),
        ("10:02 cancel ada order=ord-1 id=adm-ada", "this order did not pay for it"),
    ],
)
def test_a_cancellation_that_changed_nothing_says_why(story: str, why: str) -> None:
    told = explain(f"stock lamp 5\nstock pouch 0\n10:00 admit ada lamp 1 id=adm-ada\n{story}")

    cancelled = told.split("10:02:00  order ord-1 was cancelled")[1].splitlines()[1]
    assert cancelled.strip() == f"changed nothing: {why}"


def test_an_event_is_not_explained_by_what_came_after_it() -> None:
    assert_events(
        """
        policy  drop items=moon-lamp:1
        stock   moon-lamp 5
        10:00   admit ada id=adm-ada
        10:02   cart  ada moon-lamp 1
        10:03   cart  ada
        10:04   left  ada
        10:05   paid  ada moon-lamp 1
        """,
        """
        10:00:00  admitted  [admitted/0@0]
                  held 1 x moon-lamp until 10:11:00
        10:02:00  the shopper's cart: 1 x moon-lamp  [cart-updated/0@0]
                  changed nothing: there was nothing to hold and nothing to give back
        10:03:00  the shopper's cart: nothing  [cart-updated/0@1]
                  gave back 1 x moon-lamp: cart_changed
                    the cart did not want it any more
        10:04:00  the shopper left  [admission-expired/0@0]
                  changed nothing: nothing was held any more
        10:05:00  paid: 1 x moon-lamp  [checkout-completed/0@0]
                  sold 1 x moon-lamp, late: it was not held when it was paid
        """,
    )


def test_an_extension_that_was_taken_back_is_said_to_be() -> None:
    text = explain(
        """
        stock   moon-lamp 2
        10:00   admit  ada moon-lamp 1 id=adm-ada
        10:05   extend ada 300
        10:04   left   ada
        """
    )

    assert "the hold's end has moved to 10:11:00: an extension was taken back.\n" in text


def test_a_sale_that_was_taken_back_has_no_units() -> None:
    text = explain(
        """
        stock   moon-lamp 1
        stock   pouch 1
        10:00   admit bo  moon-lamp 1 id=adm-bo
        10:06   paid  bo  moon-lamp 1 pouch 1 order=ord-2 id=adm-bo
        10:05   paid  bo  moon-lamp 1 order=ord-1 id=adm-bo
        10:06   admit cy  pouch 1 id=adm-cy
        10:07   admit ada pouch 1 id=adm-ada
        """
    )

    assert "than wanted: 1 was held or sold\n" in text
    assert "held for admission adm-cy until" in text


def test_units_that_an_operator_took_away() -> None:
    assert_events(
        """
        stock    moon-lamp 2
        10:00    admit  ada moon-lamp 2 id=adm-ada
        withdraw ada moon-lamp 1
        10:01    tick
        10:02    paid   ada order=ord-1
        """,
        """
        10:00:00  admitted, with a cart: 2 x moon-lamp  [admitted/0@0]
                  held 2 x moon-lamp until 10:11:00
        10:01:00  a tick  [expiry-ticks/0@0]
                  1 x moon-lamp may not be there when it is paid: stock_withdrawn
                    an operator took units away that were held
        10:02:00  paid, order ord-1  [checkout-completed/0@0]
                  sold 1 x moon-lamp, order ord-1
                  cannot deliver 1 x moon-lamp, order ord-1, refund it: stock_withdrawn
                    an operator took units away that were held
        """,
    )


def test_an_event_that_may_be_about_it_waits() -> None:
    assert_events(
        """
        stock    moon-lamp 2
        10:00    admit  ada moon-lamp 1 id=adm-ada
        09:30    left   ada
        09:40    left   ada via=elsewhere
        09:50    left   ada id=adm-other
        """,
        """
        09:30:00  the shopper left  [admission-expired/0@0]
                  waits for its admission until 2024-12-03 10:00:00, may be about this one
        10:00:00  admitted, with a cart: 1 x moon-lamp  [admitted/0@0]
                  held 1 x moon-lamp until 10:11:00
        """,
    )


def test_an_event_that_fits_two_admissions_waits() -> None:
    assert_events(
        """
        10:00    admit  ada id=adm-ada in=salon
        10:00    admit  ada id=adm-2 in=vault
        10:01    left   ada via=
        10:02    left   ada id=adm-2
        """,
        """
        10:00:00  admitted
                  changed nothing: nothing was wanted then
        10:01:00  the shopper left  [admission-expired/0@0]
                  kept until it fits only one: several_admissions
                    it fits several admissions of the shopper
                  waits for its admission until 2024-12-03 10:00:00, may be about this one
        """,
    )


def test_a_repeated_admission_and_a_sweep() -> None:
    assert_events(
        """
        stock    moon-lamp 2
        10:00    admit  ada moon-lamp 1 id=adm-ada
        09:59    admit  ada moon-lamp 2 id=adm-ada
        10:00    admit  ada id=adm-ada until=10:20
        10:21    tick   sweep=yes
        """,
        """
        10:00:00  an admission of the shopper: this one once more, or another  [admitted/0@0]
                  held 1 x moon-lamp until 10:11:00
        09:59:00  admitted, with a cart: 2 x moon-lamp  [admitted/0@1]
                  decided 1 min later, at 10:00:00
                  held 1 x moon-lamp until 10:10:00
        10:21:00  a tick passed the hold's end, found by a sweep of the lane  [expiry-ticks/0]
                  gave back 2 x moon-lamp: hold_elapsed
                    the hold's time was over
        Since then the hold's end has moved to 10:21:00: the admission came again.
        """,
    )


def test_only_the_newest_ten_who_had_units_are_named() -> None:
    crowd = "\n".join(f"10:00:{n:02} admit s{n} moon-lamp 2 id=adm-{n}" for n in range(12))

    text = explain(f"stock moon-lamp 24\n{crowd}\n10:01 admit ada moon-lamp 1 id=adm-ada")

    told = text.split("all 24 were held or sold\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[4] for line in told[:10]] == [f"adm-{n}" for n in range(11, 1, -1)]
    assert told[10].strip() == "and 2 more, with 4 units"


def test_nobody_had_units_that_were_never_there() -> None:
    text = explain("stock moon-lamp 0\n10:00 admit ada moon-lamp 1 id=adm-ada")

    assert "nobody else had any\n" in text


def test_who_gave_units_back_before_is_not_named() -> None:
    text = explain(
        """
        stock   moon-lamp 1
        10:00   admit bo  moon-lamp 1 id=adm-bo
        10:01   left  bo
        10:02   admit cy  moon-lamp 1 id=adm-cy
        10:03   paid  cy  order=ord-cy
        10:04   cancel cy order=ord-cy
        10:05   admit dee moon-lamp 1 id=adm-dee
        10:06   admit ada moon-lamp 1 id=adm-ada
        10:07   left  dee
        """
    )

    assert "held for admission adm-dee until" in text
    assert "adm-bo" not in text
    assert "adm-cy" not in text


def test_between_lanes_of_one_batch_topics_and_times_tell_who_was_first() -> None:
    world, told = decided(
        """
        stock   moon-lamp 1
        10:00   admit bo  moon-lamp 1 id=adm-bo lane=1
        10:01   left  bo  lane=1
        10:01   admit cy  moon-lamp 1 id=adm-cy lane=1
        10:02   admit ada moon-lamp 1 id=adm-ada
        """
    )
    refusal = told[-1]
    in_one_batch = [replace_time(step_of(one), refusal) for one in told]

    found = holders(in_one_batch, refusal, [], ORDER)

    # bo's end is of a topic that a batch applies after its admissions.
    assert [one.admission_id for one in found] == ["adm-cy", "adm-bo"]
    assert len(world.admissions) == 3


def test_a_migrated_fact_has_no_record() -> None:
    world, told = decided("stock moon-lamp 1\n10:00 admit ada moon-lamp 1 id=adm-ada")
    (admission,) = world.admissions.values()
    (known,) = admission.facts
    admission.facts = [migrated(known)]

    text = plain(tell(story_of(world, "adm-ada", told)))

    assert "10:00:00  the shopper's cart: 1 x moon-lamp  [from before an upgrade]\n" in text
    assert "changed nothing" not in text


def test_a_pruned_journal_is_said_to_be() -> None:
    story = replace(
        story_of(*decided("10:00 admit ada id=adm-ada")[:1], "adm-ada", []), is_cut=True
    )

    assert "The front of the journal was pruned" in plain(tell(story))


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    text = explain("stock lamp 1\n10:00 admit ada lamp 1 id=adm-ada via=d\x1b[2Joor")

    assert "distribution  d?[2Joor (queue)" in text
    assert "\x1b" not in text


def test_every_reason_has_its_words() -> None:
    assert set(REASONS) == set(get_args(Reason))


def test_events_of_an_admission_that_never_came() -> None:
    world, told = decided(
        """
        10:00    paid ada order=ord-1 id=adm-ada
        10:01+3d tick
        10:02+3d paid ada order=ord-2 id=adm-ada
        """
    )

    text = plain(tell_strays(Strays("adm-ada", list(world.facts.values()), told)))

    assert text == dedent(
        """\
        No admission adm-ada has come. What named it:
        2024-12-04, times are UTC
        10:01:00  an event, order ord-1  [checkout-completed/0@0]
                  given up: admission_unknown
                    no admission came for it in time
        10:02:00  paid, order ord-2  [checkout-completed/0@1]
                  waits for its admission until 2024-12-06 10:01:00
        """
    )


def test_the_same_for_machines() -> None:
    world, told = decided(
        """
        stock   moon-lamp 1
        10:00   admit bo  moon-lamp 1 id=adm-bo
        10:01   admit ada moon-lamp 1 id=adm-ada
        """
    )

    shown = document(story_of(world, "adm-ada", told))

    (event,) = shown["events"]
    (outcome,) = event["outcomes"]
    assert event["source"] == {"topic": "admitted", "partition": 0, "offset": 1}
    assert outcome["body"]["reason"] == "insufficient_stock"
    assert [holder["admission_id"] for holder in outcome["holders"]] == ["adm-bo"]
    assert [line["status"] for line in shown["reservations"]] == ["rejected"]
    assert shown["stock"][0]["reserved"] == 1


# How a story is told and explained


def assert_explained(text: str, admission_id: str, expected: str) -> None:
    assert explain(text, admission_id) == dedent(expected).lstrip("\n")


def assert_events(text: str, expected: str) -> None:
    events = explain(text).split("(times are UTC)\n")[1].split("\nHow it stands now")[0]
    assert events == dedent(expected).lstrip("\n")


def explain(text: str, admission_id: str = "adm-ada") -> str:
    world, told = decided(text)
    explained = plain(tell(story_of(world, admission_id, told)))
    for id_, one in world.reservations.items():
        named = f"{one.admission_key.admission_id}/{one.product_id}"
        explained = explained.replace(str(id_), named)
    return explained


def decided(text: str) -> tuple[World, list[Told]]:
    world, now, told = World(), MIDNIGHT, list[Told]()
    for step, outcomes in each_told(world, text):
        now = max(now, event_time(step.arrival.event), world.now or now)
        for outcome in outcomes:
            outcome.sequence = len(told) + 1
            told.append(Told(now, outcome))
    return world, told


def story_of(world: World, admission_id: str, told: Sequence[Told]) -> Story:
    (admission,) = (one for one in world.admissions.values() if one.key[1] == admission_id)
    lines = [one for one in world.reservations.values() if one.admission_key == admission.key]
    return Story(
        admission=admission,
        reservations=lines,
        outcomes=[one for one in told if is_about(one, admission)],
        waiting=[one for one in world.facts.values() if may_be_about(one.known.fact, admission)],
        holders=holders_in(world, admission, told),
        stock=[shown(world.stock[line.stock_key]) for line in lines],
        topics=TOPICS,
    )


def is_about(told: Told, admission: Admission) -> bool:
    is_same_shopper = told.outcome.consumer_id == admission.consumer_id
    named = told.outcome.admission_id == admission.key.admission_id
    return named or (is_same_shopper and may_be_about(told.outcome, admission))


def holders_in(
    world: World, admission: Admission, told: Sequence[Told]
) -> dict[UUID, list[Holder]]:
    same = [one for one in world.admissions.values() if one.consumer_id == admission.consumer_id]
    own, steps = {one.key.admission_id for one in same}, [step_of(one) for one in told]
    return {
        one.outcome.outcome_id: holders(steps, one, own, ORDER) for one in told if is_explained(one)
    }


def step_of(told: Told) -> Step:
    known = {**msgspec.structs.asdict(told.outcome), "topic": told.outcome.cause.topic}
    return Step(told.written_at, **{name: known[name] for name in Step._fields[1:]})


def replace_time(step: Step, refusal: Told) -> Step:
    return step._replace(written_at=refusal.written_at)


def shown(line: StockLine) -> StockShown:
    counted = (line.on_hand, line.reserved, line.available, line.allocated, 0, line.sold)
    received = line.on_hand + line.allocated + line.sold - line.short
    return StockShown(*line.key, line.tracked, received, *counted, line.short)


def migrated(known: KnownFact) -> KnownFact:
    return msgspec.structs.replace(
        known,
        fact=msgspec.structs.replace(known.fact, at_admission=False),
        cause=known.cause._replace(topic="migrated", offset=None),
    )
