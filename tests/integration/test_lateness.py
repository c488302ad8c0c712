"""How late holds end, as a batch tells it: by the database's clock, and of ticks only."""

from datetime import UTC, datetime, timedelta

import pytest
from asyncpg import Pool

from consumers.records import Batch
from consumers.transaction import Applied, apply_batch
from db.connect import Connection
from db.lanes import Lane
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from schemas.events import AdmissionEnded, AnyEvent, Arrival, Cause, ExpiryTick, event_of
from tests.integration.sale import BEGAN, admitted

BUFFER_SECONDS = 60


@pytest.fixture
async def lanes(db: Connection) -> dict[int, Lane]:
    await import_stock(db, [StockRow(2, "acme", "lamp", "", 100)])
    return await take_lanes(db, [0], ["events", "ticks"], "test")


async def apply(
    pool: Pool, lanes: dict[int, Lane], *events: AnyEvent, tick: datetime | None = None
) -> Applied:
    batch = Batch(arrivals=[Arrival(event, 0, Cause("events", 0, 1)) for event in events])
    if tick is not None:
        batch.ticks[0] = Arrival(ExpiryTick(at=tick), 0, Cause("ticks", 0, 1))
    applied = await apply_batch(pool, batch, lanes, expiry_batch_max=100)
    lanes.update(applied.lanes)
    return applied


def ended(shopper: str) -> AdmissionEnded:
    at = BEGAN + timedelta(minutes=1)
    names = {"organization_id": "acme", "consumer_id": shopper, "admission_id": shopper}
    end = {"event_id": "ended", "ended_at": at, "end": "expired", **names}
    return event_of(AdmissionEnded, end)


async def test_a_hold_that_a_tick_ends_is_as_late_as_its_end_is_past(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    shoppers = [admitted(name, ("lamp", 1), minutes=30) for name in ("ada", "bo")]
    held = await apply(pool, lanes, *shoppers)

    applied = await apply(pool, lanes, tick=datetime.now(UTC))

    late = (datetime.now(UTC) - BEGAN).total_seconds() - 30 * 60 - BUFFER_SECONDS
    assert held.overdue_seconds == []
    assert applied.overdue_seconds == pytest.approx([late, late], abs=10)


async def test_an_end_that_fanfare_told_says_nothing_of_ticks(
    pool: Pool, lanes: dict[int, Lane]
) -> None:
    await apply(pool, lanes, admitted("ada", ("lamp", 1), minutes=90))

    applied = await apply(pool, lanes, ended("ada"), tick=datetime.now(UTC))

    assert [outcome.type for outcome in applied.outcomes] == ["expired"]
    assert applied.overdue_seconds == []
