"""The sampler of a worker on a real Postgres: whose samples are whose, and that it never hangs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from asyncpg import Pool
from structlog.testing import capture_logs

from consumers.loop import Loop
from consumers.loop_settings import LoopSettings
from consumers.records import Batch
from consumers.transaction import Applied, apply_batch
from db.connect import Connection, connect, prefer_whole_tables
from db.taking_lanes import take_lanes
from producers.kafka import Kafka
from producers.publisher import Publisher
from schemas.events import Arrival, Cause
from service.clients import new_consumer, new_reader, new_transactional_producer
from service.membership import Membership
from service.metrics import Metrics
from service.sampling import sampler
from service.sampling.sampler import Sampler
from service.settings import Settings
from tests.e2e.world import until
from tests.integration.sale import BEGAN, admitted
from tests.integration.shop import LAMP, Shop, open_shop

OF_DATABASE = {"stock", "lines", "drift"}
OF_LANES = {"ages", "journal", "refusals"}


@dataclass
class Watched:
    """A member of a group that has not begun to consume, with a sampler that runs."""

    shop: Shop
    membership: Membership
    metrics: Metrics
    sampler: Sampler

    async def owns(self, lanes: Iterable[int]) -> None:
        """Let it own these lanes from now on."""
        taken = await take_lanes(self.shop.db, sorted(lanes), ["events"], "test") if lanes else {}
        self.membership.loop.share.lanes = taken
        self.shop.sale.lanes |= taken

    def value(self, name: str, **labels: str) -> float | None:
        self.metrics.render()  # some are set when asked for
        return self.metrics.registry.get_sample_value(f"reservations_{name}", labels)

    def samples(self) -> set[str]:
        """Give the names of the samples that it says are its own."""
        self.metrics.render()
        families = [one for one in self.metrics.registry.collect() if "sample_age" in one.name]
        return {sample.labels["sample"] for sample in families[0].samples}

    async def tells(self, condition: Callable[[], bool]) -> None:
        async def is_told() -> bool:
            return condition()

        await until(is_told, seconds=10)


@pytest.fixture
async def watched(
    pool: Pool, db: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watched]:
    monkeypatch.setattr(sampler, "REST", 0.0)
    settings = Settings.model_validate({"database_url": database_url, "sample_interval": 0.02})
    kafka = Kafka(
        new_producer=lambda id_: new_transactional_producer(settings, id_),
        new_reader=lambda isolation_level: new_reader(settings, isolation_level),
        topics=settings.output_topics,
        publisher=f"{settings.consumer_group}-test",
    )
    publisher = Publisher(kafka, pending_max=1, publish_seconds_max=1, on_published=_nothing)
    consumer = new_consumer(settings)
    loop = Loop(LoopSettings(["events"], "ticks", "test"), pool, consumer, publisher, _nothing)
    membership = Membership(consumer, publisher, loop)
    metrics = Metrics()
    shop = await open_shop(pool, db, 10, salon=4)
    await shop.hold("ada", 2)
    watched = Watched(shop, membership, metrics, Sampler(settings, metrics, lambda: membership))
    running = asyncio.create_task(watched.sampler.run())
    yield watched
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await consumer.stop()


def _nothing(*_: object) -> None:
    """Publish nothing, and count nothing."""


async def test_the_owner_of_lane_0_tells_of_the_whole_database(watched: Watched) -> None:
    await watched.owns([0, 1])

    line = {"organization": "acme", "product": LAMP, "variant": "", "state": "available"}
    await watched.tells(lambda: watched.value("units_held", strategy="soft") == 2)
    await watched.tells(lambda: watched.value("journal_gaps", lane="1", stream="outcomes") == 0)
    await watched.tells(lambda: watched.value("stock_line_units", **line) == 4)
    await watched.tells(lambda: watched.value("overdue_seconds", lane="0") is not None)
    assert watched.value("stock_units", state="pooled") == 4
    since = datetime.now(UTC) - BEGAN - timedelta(minutes=31)  # the hold's end
    assert watched.value("overdue_seconds", lane="0") == pytest.approx(since.seconds, abs=60)
    assert watched.samples() == OF_DATABASE | OF_LANES


async def test_another_owner_tells_of_its_lanes_alone(watched: Watched) -> None:
    await watched.owns([1])

    await watched.tells(lambda: watched.value("overdue_seconds", lane="1") == 0)
    assert watched.value("units_held", strategy="soft") is None
    assert watched.samples() == OF_LANES


async def test_what_went_to_another_owner_is_told_no_more(watched: Watched) -> None:
    await watched.shop.db.execute("UPDATE stock_lines SET reserved = reserved + 1")
    await watched.owns([0])
    await watched.tells(lambda: watched.value("drift_units") == 1)

    await watched.owns([])

    await watched.tells(lambda: watched.value("drift_units") == 0)
    assert watched.value("units_held", strategy="soft") is None
    assert watched.value("overdue_seconds", lane="0") is None
    assert watched.samples() == set()


async def test_a_stock_line_that_is_gone_is_drift(watched: Watched) -> None:
    await watched.shop.db.execute("DELETE FROM pools")
    await watched.shop.db.execute("DELETE FROM stock_lines")

    await watched.owns([0])

    await watched.tells(lambda: watched.value("drift_units") == 2)


async def test_drift_gaps_and_short_units_are_told(watched: Watched) -> None:
    await watched.shop.hold("bo", 2)
    await watched.shop.hold("cy", 1)
    await watched.shop.take_away(3)  # of five that are held
    await watched.shop.db.execute("UPDATE stock_lines SET sold = sold + 2")
    await watched.shop.db.execute("DELETE FROM journal WHERE sequence = 2")

    await watched.owns([0])

    await watched.tells(lambda: watched.value("drift_units") == 2)
    await watched.tells(lambda: watched.value("short_units") == 2)
    await watched.tells(lambda: watched.value("journal_gaps", lane="0", stream="outcomes") == 1)


async def test_refusals_beside_free_units_are_counted(watched: Watched) -> None:
    """No rule refuses what is there: so the refusal is one of a batch that met none."""
    await watched.shop.db.execute("UPDATE stock_lines SET reserved = on_hand")
    refused = await _refused(watched)
    await watched.shop.db.execute("UPDATE stock_lines SET reserved = 0")
    await watched.owns([1])

    async def refuse_for_ever() -> None:  # between any two samples
        while True:
            watched.sampler.note(refused)
            await asyncio.sleep(0.001)

    refusing = asyncio.create_task(refuse_for_ever())
    await watched.tells(lambda: (watched.value("undersold_seconds_total") or 0) > 0)
    refusing.cancel()


async def _refused(watched: Watched) -> Applied:
    sale = watched.shop.sale
    arrival = Arrival(admitted("cy", (LAMP, 1), minutes=90), 0, Cause("events", 0, 99))
    applied = await apply_batch(
        sale.pool, Batch(arrivals=[arrival]), sale.lanes, expiry_batch_max=1
    )
    assert [one.reason for one in applied.outcomes] == ["insufficient_stock"]
    return applied


async def test_a_sample_that_takes_too_long_is_given_up_and_leaves_nothing_behind(
    watched: Watched, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "SAMPLE_SECONDS_MAX", 0.2)
    transaction = db.transaction()
    await transaction.start()
    with capture_logs() as logs:
        await watched.owns([0])  # within that transaction: the sampler waits for nothing of it
        await db.execute("LOCK TABLE stock_lines IN ACCESS EXCLUSIVE MODE")
        await watched.tells(lambda: [one["sample"] for one in logs].count("stock") >= 2)
        assert watched.value("server_reachable", server="postgres") == 1
        await transaction.rollback()

    await watched.tells(lambda: watched.value("stock_units", state="held") == 2)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%sampler%'"
    assert await db.fetchval(waiting) <= 1


async def test_no_sample_rests_until_its_age_is_alarming(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it took: a hundred times half a minute would be most of an hour."""
    monkeypatch.setattr(sampler, "REST_OF_DRIFT", 1e9)
    monkeypatch.setattr(sampler, "REST_SECONDS_MAX", 0.05)
    looks: list[float] = []

    async def look(_: Connection, __: Membership) -> None:
        looks.append(asyncio.get_running_loop().time())

    monkeypatch.setattr(watched.sampler._database, "drift", look)
    await watched.owns([0])

    await watched.tells(lambda: len(looks) >= 3)

    assert looks[1] - looks[0] >= sampler.REST_SECONDS_MAX


async def test_it_takes_one_processor_at_most(
    watched: Watched, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at all reservations would take two more, which the batches need."""
    plans: list[str] = []

    async def plan(connection: Connection, _: Membership) -> None:
        async with connection.transaction():
            await prefer_whole_tables(connection)
            plans.append(await _plan(connection))

    monkeypatch.setattr(watched.sampler._database, "drift", plan)
    await watched.owns([0])
    await watched.tells(lambda: bool(plans))
    command = await connect(database_url, application_name="reservations reconcile")

    assert "Gather" not in plans[0]
    assert "Gather" in await _plan(command)  # here somebody waits

    await command.close()


async def _plan(connection: Connection) -> str:
    """Give the plan of a count, as Postgres would make it of a large table."""
    cheap = ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size")
    async with connection.transaction():
        await connection.execute("".join(f"SET LOCAL {name} = 0;" for name in cheap))
        rows = await connection.fetch("EXPLAIN SELECT count(*) FROM reservations")
    return "\n".join(row[0] for row in rows)
