"""The example of a reader beside a real worker: restarted, repeated, and with outcomes missing."""

import asyncio
import sqlite3
import sys
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from tests.deployment import DEPLOY
from tests.e2e.events import admitted, completed, left
from tests.e2e.world import Finished, World, count_of

EXAMPLE: Final = DEPLOY / "examples" / "analytics.py"


async def analytics(world: World, database: str = "analytics.db") -> Finished:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, EXAMPLE, world.directory / database),
        env=world.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())


def rows(finished: Finished) -> list[dict[str, str]]:
    names, *rows = (line.split() for line in finished.out.splitlines())
    return [dict(zip(names, row, strict=True)) for row in rows]


async def test_it_goes_on_where_it_was_and_tells_what_is_missing(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 3})
    await world.start_worker()
    await world.send([admitted(shopper) for shopper in ("ada", "bo", "cyd", "dee")])
    await world.outcomes(lambda read: len(read) == 4)
    await world.send([completed("ada"), left("bo")])
    await world.outcomes(lambda read: count_of(read)["converted"] + count_of(read)["released"] == 2)

    first = await analytics(world)
    assert (first.code, first.err) == (0, "")
    counts = {"experience": "drop", "holds": "3", "still_held": "1", "paid": "1", "refusals": "1"}
    [row] = rows(first)
    assert counts.items() <= row.items()
    assert row["paid_percent"] == "33.3"

    # All of it once more, as a reader would that has lost its offsets.
    with sqlite3.connect(world.directory / "analytics.db") as database:
        database.execute("UPDATE lanes SET next_offset = 0")
    assert (await analytics(world)).out == first.out

    await world.send([completed("cyd"), admitted("eli")])
    await world.outcomes(lambda read: len(read) == 8)
    [row] = rows(await analytics(world))
    assert (row["holds"], row["still_held"], row["paid"]) == ("4", "1", "2")

    # Retention takes what a new reader has not read.
    await delete_records(world, before_offset=2)
    late = await analytics(world, "late.db")
    assert (late.code, late.err) == (1, "lane 0: outcomes 1 to 2 are missing\n")


async def delete_records(world: World, before_offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    await admin.start()
    try:
        partition = TopicPartition(world.topic("reservation-outcomes"), 0)
        await admin.delete_records({partition: RecordsToDelete(before_offset=before_offset)})
    finally:
        await admin.close()


async def test_it_says_where_there_is_no_kafka_and_no_topic(world: World) -> None:
    unmade = await analytics(world)
    assert unmade.code == 1
    assert "there is no topic" in unmade.err

    world.bootstrap_servers = "127.0.0.1:1"
    away = await analytics(world)
    assert away.code == 1
    assert "no Kafka at 127.0.0.1:1" in away.err
