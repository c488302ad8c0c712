"""`explain` finds an admission by whatever id it has, and reads its story from the journal."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Pool

from consumers.records import Batch
from consumers.transaction import apply_batch
from db.connect import Connection
from db.explain import find_admissions
from db.explain_journal import outcomes_of
from db.explain_spans import Span, spans
from db.lanes import Lane
from db.policies import PolicyRow, import_policies
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from schemas.events import (
    Admitted,
    AnyEvent,
    Arrival,
    CartUpdated,
    Cause,
    CheckoutCompleted,
    ExpiryTick,
    Item,
    TransferRequested,
    event_of,
)
from schemas.identity import token_digest
from schemas.policy import Policy
from schemas.reservation import AdmissionKey
from schemas.vocabulary import Topic
from service.explain.lines import plain
from service.explain.reading import explain
from service.explain.story import Story
from service.explain.strays import Strays
from service.explain.text import tell
from service.settings import Settings
from tests.integration.test_cli import reservations

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
TOPICS = Settings().input_topics
TOPIC_OF: dict[type, Topic] = {
    Admitted: "admitted",
    CartUpdated: "cart-updated",
    CheckoutCompleted: "checkout-completed",
    TransferRequested: "hold-commands",
    ExpiryTick: "expiry-ticks",
}


@dataclass
class Sale:
    """Events applied as a worker does, each batch with records that follow those before."""

    pool: Pool
    db: Connection
    lanes: dict[int, Lane]
    offset: int = 0

    async def apply(self, *events: AnyEvent, lane: int = 0) -> None:
        batch = Batch()
        for event in events:
            self.offset += 1
            cause = Cause(TOPIC_OF[type(event)], lane, self.offset)
            arrival = Arrival(event, lane, cause)
            if isinstance(event, ExpiryTick):
                batch.ticks[lane] = arrival
            else:
                batch.arrivals.append(arrival)
        applied = await apply_batch(self.pool, batch, self.lanes, expiry_batch_max=100)
        self.lanes = applied.lanes

    async def explain(self, id_: str, organization_id: str | None = None) -> Story:
        story = await explain(self.db, TOPICS, id_, organization_id)
        assert isinstance(story, Story)
        return story

    async def reservation_of(self, admission_id: str) -> UUID:
        id_ = await self.db.fetchval(
            "SELECT id FROM reservations WHERE admission_id = $1", admission_id
        )
        assert isinstance(id_, UUID)
        return id_


@pytest.fixture
async def sale(pool: Pool, db: Connection) -> Sale:
    """Three lamps, of which nobody may have more than two, and no end of books."""
    await import_stock(
        db, [StockRow(2, "acme", "lamp", "red", 3), StockRow(3, "acme", "book", "", None)]
    )
    await import_policies(db, [PolicyRow("acme", "drop", Policy(units_per_sku_max=2))])
    return Sale(pool, db, await take_lanes(db, range(2), list(TOPICS.values()), "test"))


def admitted(shopper: str, units: int = 1, **rest: Any) -> Admitted:
    known = {
        "event_id": f"a-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "experience_id": "drop",
        "admission_id": f"adm-{shopper}",
        "admitted_at": BEGAN,
        "items": (Item("lamp", "red", units),) if units else (),
    }
    return event_of(Admitted, known | rest)


def paid(shopper: str, **rest: Any) -> CheckoutCompleted:
    known = {
        "event_id": f"c-{shopper}",
        "organization_id": "acme",
        "consumer_id": shopper,
        "admission_id": f"adm-{shopper}",
        "completed_at": BEGAN + timedelta(minutes=2),
        "order_id": f"ord-{shopper}",
    }
    return event_of(CheckoutCompleted, known | rest)


async def test_a_refusal_names_those_who_had_the_units_whatever_their_lane(sale: Sale) -> None:
    await sale.apply(admitted("bo"), admitted("cy"), paid("cy"))
    await sale.apply(admitted("dee"), lane=1)
    await sale.apply(admitted("ada"))
    await sale.apply(ExpiryTick(at=BEGAN + timedelta(minutes=20)), lane=1)
    await sale.apply(admitted("eve", admitted_at=BEGAN + timedelta(minutes=30)), lane=1)

    story = await sale.explain("adm-ada")

    (found,) = story.holders.values()
    assert [(one.admission_id, one.units, one.is_sold, one.order_id) for one in found] == [
        ("adm-dee", 1, False, None),
        ("adm-cy", 1, True, "ord-cy"),
        ("adm-bo", 1, False, None),
    ]
    assert found[0].held_until == BEGAN + timedelta(minutes=11)
    assert found[0].reservation_id == await sale.reservation_of("adm-dee")


async def test_a_story_is_told_in_the_order_of_decision(sale: Sale) -> None:
    cart: dict[str, Any] = {"event_id": "k", "organization_id": "acme", "consumer_id": "ada"}
    items = (Item("lamp", "red", 1), Item("book", "", 2))
    await sale.apply(admitted("ada", admitted_at=BEGAN))
    await sale.apply(
        CartUpdated(**cart, updated_at=BEGAN + timedelta(minutes=1), items=items),
        CartUpdated(**cart, updated_at=BEGAN + timedelta(seconds=30)),
    )
    await sale.apply(ExpiryTick(at=BEGAN + timedelta(minutes=20)))
    await sale.apply(paid("ada"))

    text = plain(tell(await sale.explain("adm-ada")))

    events = [line.partition("  ")[2] for line in text.splitlines() if line.endswith("]")]
    assert events[:5] == [
        "admitted, with a cart: 1 x lamp/red  [admitted/0@1]",
        "the shopper's cart: 1 x lamp/red, 2 x book  [cart-updated/0@2]",
        "the shopper's cart: nothing  [cart-updated/0@3]",
        "a tick passed the hold's end  [expiry-ticks/0@4]",
        "paid, order ord-ada  [checkout-completed/0@5]",
    ]
    assert re.search(r"@5\]\n +decided \d[\d a-z]+ later, at ", text)
    assert "          sold 1 x lamp/red, order ord-ada\n" in text
    assert "stock of book: untracked, sold 2" in text
    assert "stock of lamp/red: received 3, on_hand 2, available 2, sold 1" in text


async def test_a_limit_names_the_shoppers_own_holds(sale: Sale) -> None:
    await sale.apply(
        admitted("ada", 2, admission_id="adm-1", distribution_id="q-1"),
        admitted("ada", 1, admission_id="adm-2", distribution_id="q-2", experience_id="other"),
        admitted("ada", 1, admission_id="adm-3", distribution_id="q-3"),
    )

    story = await sale.explain("adm-3")

    (found,) = story.holders.values()
    assert [(one.admission_id, one.units) for one in found] == [("adm-1", 2)]
    assert story.outcomes[0].outcome.reason == "limit_per_sku"


async def test_a_refused_transfer_names_what_the_other_had(sale: Sale) -> None:
    await sale.apply(admitted("ann", 2), admitted("ada", 1))
    await sale.apply(
        TransferRequested(
            event_id="t",
            organization_id="acme",
            consumer_id="ada",
            requested_at=BEGAN + timedelta(minutes=1),
            to_consumer_id="ann",
        )
    )

    story = await sale.explain("adm-ada")

    (found,) = story.holders.values()
    assert [(one.admission_id, one.units) for one in found] == [("adm-ada", 1), ("adm-ann", 2)]


@pytest.mark.parametrize("id_", ["token:{digest}", "also-1", "{reservation}"])
async def test_an_admission_is_found_by_every_id_it_has(sale: Sale, id_: str) -> None:
    digest = token_digest("a secret")
    await sale.apply(admitted("ada", admission_id=None, token_digest=digest))
    await sale.apply(admitted("ada", admission_id="also-1", token_digest=digest))
    await sale.apply(admitted("bo"))

    reservation = await sale.reservation_of(f"token:{digest}")
    story = await sale.explain(id_.format(digest=digest, reservation=reservation))

    assert story.admission.key == AdmissionKey("acme", f"token:{digest}")
    assert story.admission.consumer_id == "ada"


async def test_an_admission_with_an_id_is_found_by_its_token_too(sale: Sale) -> None:
    digest = token_digest("a secret")
    await sale.apply(admitted("ada", token_digest=digest))

    assert await find_admissions(sale.db, f"token:{digest}") == [AdmissionKey("acme", "adm-ada")]


async def test_an_id_of_several_organizations_has_to_be_told_apart(sale: Sale) -> None:
    await sale.apply(admitted("ada"), admitted("ada", organization_id="bmce"), admitted("bo"))

    both = [AdmissionKey("acme", "adm-ada"), AdmissionKey("bmce", "adm-ada")]
    assert await explain(sale.db, TOPICS, "adm-ada") == both
    story = await sale.explain("adm-ada", "bmce")

    assert story.admission.key == both[1]
    assert [told.outcome.organization_id for told in story.outcomes] == ["bmce"]


async def test_what_names_an_unknown_admission_is_told(sale: Sale) -> None:
    await sale.apply(paid("ada"), paid("bo"))

    found = await explain(sale.db, TOPICS, "adm-ada")
    nothing = await explain(sale.db, TOPICS, "adm-eve")

    assert isinstance(found, Strays)
    assert [early.known.fact.consumer_id for early in found.waiting] == ["ada"]
    assert not nothing


async def test_what_waited_in_vain_is_found_in_the_journal(sale: Sale) -> None:
    await sale.apply(paid("ada", order_id='ord-"1"'))
    await sale.db.execute("UPDATE early_facts SET expires_at = now(), retry_at = now()")
    await sale.apply(ExpiryTick(at=datetime.now(UTC) + timedelta(seconds=1)))

    found = await explain(sale.db, TOPICS, "adm-ada")

    assert isinstance(found, Strays)
    assert [told.outcome.order_id for told in found.outcomes] == ['ord-"1"']
    assert found.waiting == []


async def test_locks_of_a_worker_are_not_waited_for(sale: Sale, pool: Pool) -> None:
    await sale.apply(admitted("ada"))

    async with pool.acquire() as worker, worker.transaction():
        await worker.execute("LOCK TABLE admissions, reservations IN EXCLUSIVE MODE")
        await worker.execute("UPDATE stock_lines SET reserved = reserved")
        story = await sale.explain("adm-ada")

    assert [line.status for line in story.reservations] == ["active"]


async def test_a_long_journal_is_read_part_by_part_from_where_it_matters(sale: Sale) -> None:
    await write_outcomes(sale.db, 45_000)
    written_at = await sale.db.fetch(
        "SELECT written_at FROM journal WHERE sequence IN (1, 20000, 20001, 45000) ORDER BY 1"
    )
    progress: list[tuple[int, int]] = []

    whole = await spans(sale.db, None)
    found = await outcomes_of(
        sale.db,
        whole,
        AdmissionKey("acme", "adm-1"),
        None,
        ["ada"],
        lambda _, done, total: progress.append((done, total)),
    )

    assert whole == [Span(0, 1, 45_001), Span(1, 1, 1)]
    assert [told.outcome.sequence for told in found] == list(range(1, 45_001, 1000))
    assert progress == [(0, 45_000), (20_000, 45_000), (40_000, 45_000)]
    for (at,), first in zip(written_at, (1, 20_000, 20_001, 45_000), strict=True):
        assert await spans(sale.db, [0], since=at) == [Span(0, first, 45_001)]
        assert await spans(sale.db, [0], until=at) == [Span(0, 1, first)]


async def test_a_pruned_front_is_noticed_where_it_may_have_mattered(sale: Sale) -> None:
    await sale.apply(admitted("bo"))
    await sale.apply(admitted("ada"))
    await sale.db.execute("DELETE FROM journal WHERE sequence = 1")
    await sale.db.execute("UPDATE journal SET written_at = now() - interval '1 year'")
    later = await spans(sale.db, [0], since=BEGAN)

    assert later == [Span(0, 3, 3)]
    assert (await spans(sale.db, [0]))[0].is_cut


async def test_the_command_tells_in_plain_lines(sale: Sale, database_url: str) -> None:
    await sale.apply(admitted("bo", 2), admitted("ada", 2, token_digest=token_digest("secret")))

    result = await reservations("explain", "adm-ada", DATABASE_URL=database_url)
    as_json = await reservations("explain", "adm-ada", "--json", DATABASE_URL=database_url)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert "          refused 2 x lamp/red: insufficient_stock\n" in result.stdout
    assert f"held for admission adm-bo until {BEGAN + timedelta(minutes=11):%H:%M:%S}" in (
        result.stdout
    )
    (event,) = json.loads(as_json.stdout)["events"]
    assert event["outcomes"][0]["holders"][0]["admission_id"] == "adm-bo"
    assert token_digest("secret") not in result.stdout + as_json.stdout


async def test_the_command_refuses_what_leads_nowhere(sale: Sale, database_url: str) -> None:
    await sale.apply(admitted("ada"), admitted("ada", organization_id="bmce"))

    unknown = await reservations("explain", "adm-eve", DATABASE_URL=database_url)
    two = await reservations("explain", "adm-ada", DATABASE_URL=database_url)

    assert (unknown.exit_code, two.exit_code) == (1, 1)
    assert unknown.stderr == (
        "adm-eve: no admission and no reservation has this id: "
        "an outcome has them as admissionId and reservationId\n"
    )
    assert two.stderr == (
        "adm-ada: several organizations have this id: "
        "say --organization acme or --organization bmce\n"
    )


async def test_the_help_has_an_example() -> None:
    result = await reservations("explain", "--help")

    assert "Example: reservations explain adm_1234" in result.stdout


async def write_outcomes(db: Connection, count: int) -> None:
    """Write a journal of outcomes a second after another, each thousandth of them of adm-1."""
    body = {
        "type": "reserved",
        "organizationId": "acme",
        "consumerId": "ada",
        "occurredAt": BEGAN.isoformat(),
        "lane": 0,
        "cause": {"topic": "admitted", "partition": 0, "offset": 1},
    }
    await db.execute(
        """
        INSERT INTO journal (lane, stream, sequence, id, type, occurred_at, key, value, written_at)
        SELECT 0, 'outcomes', n, gen_random_uuid(), 'fanfare.reservation.reserved', now(), 'ada',
               convert_to(($2::jsonb || jsonb_build_object('sequence', n, 'admissionId',
                   CASE n % 1000 WHEN 1 THEN 'adm-1' ELSE 'adm-2' END))::text, 'UTF8'),
               $1::timestamptz + n * interval '1 second'
          FROM generate_series(1, $3::int) AS n
        """,
        BEGAN,
        json.dumps(body),
        count,
    )
    await db.execute(
        "UPDATE lane_outputs SET sequence = $1 WHERE lane = 0 AND stream = 'outcomes'", count
    )
