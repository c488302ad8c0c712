"""The database itself refuses a row: its record is found and becomes a dead letter, alone."""

import asyncio

import asyncpg

from tests.e2e.events import admitted
from tests.e2e.world import WorkerProcess, World

SHOPPERS = 1000
UNLUCKY = 13  # units that nobody may hold

QUICK = """
[[experience]]
organization_id = "acme"
experience_id = "drop"
window_seconds = { queue = 1 }
buffer_seconds = 0
"""
NO_THIRTEEN = f"ALTER TABLE reservations ADD CONSTRAINT no_thirteen CHECK (quantity <> {UNLUCKY})"
NOTHING_EXPIRES = "ALTER TABLE reservations ADD CONSTRAINT for_ever CHECK (status <> 'expired')"
NO_JOURNAL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'the journal is closed'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON journal EXECUTE FUNCTION refuse()
"""


async def execute(world: World, statement: str) -> None:
    connection = await asyncpg.connect(world.database_url)
    await connection.execute(statement)
    await connection.close()


async def test_one_row_that_is_refused_costs_the_others_nothing(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 1_000_000})
    await execute(world, NO_THIRTEEN)
    unlucky = {"shopper-7", "shopper-600"}
    shoppers = [f"shopper-{n}" for n in range(SHOPPERS)]
    sent = [admitted(one, "lamp", UNLUCKY if one in unlucky else 1) for one in shoppers]
    await world.send(sent)  # before there is a worker: it polls them together

    worker = await world.start_worker()

    outcomes = await world.outcomes(lambda read: len(read) == SHOPPERS - 2)
    assert {one["key"].decode() for one in outcomes} == set(shoppers) - unlucky
    letters = await world.read("reservation-dead-letters", lambda read: len(read) == 2)
    assert {one["key"].decode() for one in letters} == unlucky
    reason = "the database refuses it: 23514 reservations no_thirteen"
    assert {one["headers"]["dlq.reason"] for one in letters} == {reason}
    assert {one["data"]["items"][0]["quantity"] for one in letters} == {UNLUCKY}
    refusals = [line for line in worker.lines if line["event"] == "batch.refused"]
    assert 2 <= len(refusals) <= 24  # two of a thousand: about log2(1000) each
    await world.must("verify")


async def test_ticks_that_are_refused_stop_the_worker(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10}, policy=QUICK)
    await execute(world, NOTHING_EXPIRES)
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    await worker.log("lanes.taken")
    await world.send([admitted("ada")])

    await stops(worker, '"for_ever"')


async def test_a_journal_that_refuses_dead_letters_too_stops_the_worker(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 10})
    await execute(world, NO_JOURNAL)
    worker = await world.start_worker()
    await world.send([admitted("ada")])

    await stops(worker, "the journal is closed (SQLSTATE P0001)")


async def stops(worker: WorkerProcess, why: str) -> None:
    """See a worker stop by itself, with a line that says why."""
    async with asyncio.timeout(30):
        assert await worker.process.wait() == 2
    await worker.stop()  # reads to the end
    line = worker.lines[-1]["line"]
    assert line.startswith("Postgres: ")
    assert why in line
    assert "no record can be blamed for it" in line
