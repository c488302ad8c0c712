"""Tens of thousands of rows go while a worker works, and the next one finds what it needs."""

import asyncio
import json

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from db.connect import connect
from service.topic_admin import administering
from tests.e2e.events import admitted, completed
from tests.e2e.test_moved_topics import a_worker_that_sold, make_anew, refused, sell
from tests.e2e.world import World, until

SHOPPERS = 4_000
AGED = """
    UPDATE admissions SET admitted_at = admitted_at - interval '30 days',
                          expires_at = expires_at - interval '30 days';
    UPDATE reservations SET created_at = created_at - interval '30 days',
                            expires_at = expires_at - interval '30 days',
                            ended_at = ended_at - interval '30 days';
    UPDATE journal SET written_at = written_at - interval '30 days'
"""
ROWS = """
    SELECT (SELECT count(*) FROM admissions) + (SELECT count(*) FROM reservations)
           + (SELECT count(*) FROM journal)
"""

# How far was published is noted with the batch that follows, of a tick at the latest.
ALL_NOTED = """
    SELECT bool_and(published_sequence = sequence) FROM lane_outputs WHERE stream = 'outcomes'
"""


async def test_rows_go_while_a_worker_works(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 100_000})
    worker = await world.start_worker()
    await _sell(world, range(SHOPPERS))
    await _sold(world, SHOPPERS)
    assert await _ask(world, ROWS) == 4 * SHOPPERS
    await until(lambda: _is(world, ALL_NOTED))
    await _ask(world, AGED)

    too_short = await world.run("prune", "--older-than", "8d", "--apply")
    counted = json.loads(await world.must("prune", "--older-than", "9d", "--json"))
    selling = asyncio.create_task(_keep_selling(world))
    pruned = json.loads(await world.must("prune", "--older-than", "9d", "--apply", "--json"))
    more = await selling
    await _sold(world, SHOPPERS + more)

    assert too_short.code == 1
    assert "keeps its records for 7 days (retention.ms)" in too_short.err
    for told in (counted, pruned):
        assert (told["admissions"], told["reservations"]) == (SHOPPERS, SHOPPERS)
        assert told["outcomes"] == 2 * SHOPPERS
    await world.must("verify")

    # The next worker takes over from a journal without its front, and prunes by itself.
    assert await worker.stop() == 0
    world.settings["RETENTION_DAYS"] = "3"
    worker = await world.start_worker(PRUNE_INTERVAL="3600")
    line = (await worker.log("prune.refused"))["why"]  # at once, and the worker goes on
    assert await worker.stop() == 0
    await _keep_for_an_hour(world)
    await _ask(world, AGED)
    worker = await world.start_worker(PRUNE_INTERVAL="0.2")
    await world.send([admitted("zoe")])
    await until(lambda: _is(world, "SELECT count(*) = 1 FROM admissions"))
    await until(lambda: _is(world, "SELECT count(*) < 10 FROM journal"))
    assert (await worker.log("prune.done"))["admissions"] == more
    assert line.startswith("3 days are too short: topic ")
    assert line.endswith(": keep it for 9 days, or let the topic keep less")
    assert await worker.stop() == 0
    await world.must("verify")


PRUNED = """
    WITH gone AS (DELETE FROM journal WHERE sequence <= 2 RETURNING lane, stream, sequence),
         raised AS (UPDATE lanes SET pruned_before = now())
    INSERT INTO pruned_journal SELECT lane, stream, max(sequence) FROM gone GROUP BY lane, stream
    RETURNING sequence
"""
LOST = "UPDATE pruned_journal SET sequence = 50 RETURNING sequence"


async def test_a_topic_that_is_made_anew_begins_where_the_journal_does(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo", "cy")
    assert await worker.stop() == 0
    await _ask(world, PRUNED)
    await make_anew(world, "reservation-outcomes")

    worker = await world.start_worker()
    read = await sell(world, "dee", outcomes=2)

    assert [one["sequence"] for one in read] == [3, 4]
    assert await worker.stop() == 0
    await world.must("verify")

    # What the journal has no more, a topic cannot have lost.
    await _ask(world, LOST)
    line = await refused(world)
    assert "ends at sequence 4 in lane 0, and its journal was pruned up to 50" in line
    assert "`reservations topics create`" in line


async def _sell(world: World, numbers: range) -> None:
    await world.send(admitted(f"shopper-{n}") for n in numbers)
    await world.send(completed(f"shopper-{n}") for n in numbers)


async def _keep_selling(world: World) -> int:
    """Sell a little, again and again for about as long as the pruning takes."""
    for n in range(10):
        await _sell(world, range(SHOPPERS + 20 * n, SHOPPERS + 20 * (n + 1)))
    return 200


async def _sold(world: World, units: int) -> None:
    await until(lambda: _is(world, f"SELECT sold = {units} AND reserved = 0 FROM stock_lines"), 90)


async def _keep_for_an_hour(world: World) -> None:
    settings = world.own_settings()
    names = [name for name in settings.input_topics.values() if "ticks" not in name]
    hour = {"retention.ms": str(3600 * 1000)}
    async with administering(settings) as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, hour) for name in names]
        )


async def _is(world: World, question: str) -> bool:
    return bool(await _ask(world, question))


async def _ask(world: World, sql: str) -> int:
    connection = await connect(world.database_url, application_name="test")
    try:
        if sql is AGED:
            await connection.execute(sql)
            return 0
        answer: int = await connection.fetchval(sql)
        return answer
    finally:
        await connection.close()
