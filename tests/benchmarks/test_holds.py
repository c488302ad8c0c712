"""Worlds to measure in are as a worker would have left them; measured is what is said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db.connect import Connection
from db.stock_import import StockRow, import_stock
from db.verify import verify_database
from tests.benchmarks.holds import hold
from tests.benchmarks.paced import Sample
from tests.benchmarks.storm import Storm, over_time
from tests.benchmarks.ticking import milliseconds_of
from tests.benchmarks.traffic import records
from tests.benchmarks.worlds import LANES
from tests.e2e.world import World
from tests.integration.conftest import database_url, db

__all__ = ["database_url", "db"]  # fixtures

PRODUCTS = 3


async def differences(db: Connection) -> list[str | None]:
    checks = (await verify_database(db)).checks
    return [check.first_difference for check in checks if check.differences]


@pytest.fixture
async def world(db: Connection, database_url: str, tmp_path: Path) -> World:
    rows = [StockRow(n, "acme", f"lamp-{n}", "", 1_000) for n in range(PRODUCTS)]
    await import_stock(db, rows)
    return World("bench", database_url, "nowhere:9092", tmp_path)


async def test_holds_verify_before_and_after_they_are_due(db: Connection, world: World) -> None:
    url, past = world.database_url, datetime.now(UTC) - timedelta(seconds=1)
    await hold(url, 100, products=PRODUCTS, lanes=LANES)

    assert await differences(db) == []
    assert min(await milliseconds_of(world, ticks=2)) > 0

    await hold(url, 50, products=PRODUCTS, lanes=LANES, first=100, ends_at=past)

    assert await differences(db) == []
    with pytest.raises(RuntimeError, match="50 holds ended"):
        await milliseconds_of(world, ticks=1)
    assert await differences(db) == []
    states = await db.fetch("SELECT status, count(*) FROM reservations GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in states] == [("active", 100), ("expired", 50)]


def test_p99_of_a_storm_is_of_what_was_sent_while_it_lasted() -> None:
    samples = [Sample(-0.1, 900), Sample(0.1, 20), Sample(1.9, 30), Sample(2.1, 900)]

    assert Storm(2.0, [(0.0, 0), (2.0, 9)], samples).p99_ms == 30


def test_samples_over_time_are_put_together_by_when_they_were_sent() -> None:
    samples = [Sample(-0.2, 5), Sample(0.6, 9), Sample(0.1, 7), Sample(0.4, 8)]

    assert over_time(samples) == {
        "p50": [(-0.25, 5), (0.25, 8), (0.75, 9)],
        "p99": [(-0.25, 5), (0.25, 8), (0.75, 9)],
    }


def test_a_longer_stream_begins_as_a_shorter_one() -> None:
    short = [record[:2] for record in records("mixed", 400, 3)]
    long = [record[:2] for record in records("mixed", 1_000, 3)]

    assert long[:400] == short
    assert len(long) == 1_000
    assert len({topic for topic, _ in long}) == 4
