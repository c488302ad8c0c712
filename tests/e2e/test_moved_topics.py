"""Topics that change under a worker: a line with the command that repairs it, and no silent skip.

After each repair the sale goes on, and `verify` finds nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from tests.e2e.events import admitted
from tests.e2e.world import Finished, WorkerProcess, World, until


@asynccontextmanager
async def admin_of(world: World) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    await admin.start()
    yield admin
    await admin.close()


async def delete(world: World, topic: str) -> None:
    async with admin_of(world) as admin:
        await admin.delete_topics([world.topic(topic)])


async def make_anew(world: World, topic: str) -> None:
    await delete(world, topic)
    await world.must("topics", "create", "--partitions", "1")


async def sell(world: World, *shoppers: str, outcomes: int) -> list[dict[str, Any]]:
    await world.send(admitted(shopper) for shopper in shoppers)
    return await world.outcomes(lambda read: len(read) >= outcomes)


async def a_worker_that_sold(world: World, *shoppers: str) -> WorkerProcess:
    await world.prepare(partitions=1, stock={"lamp": 100})
    worker = await world.start_worker()
    await sell(world, *shoppers, outcomes=len(shoppers))
    return worker


async def refused(world: World) -> str:
    finished = await world.run("worker")
    assert finished.code == 2, finished
    (line,) = [line for line in finished.err.splitlines() if line]
    return line


async def offsets_of(world: World, topic: str) -> dict[str, Any]:
    rows = json.loads(await world.must("offsets", "show", "--json"))
    (row,) = [row for row in rows if row["topic"] == world.topic(topic)]
    assert isinstance(row, dict)
    return row


async def repair(world: World, line: str, state: str) -> Finished:
    """Do what the refusal says: it names a command, which changes nothing until it is told to."""
    command = line.rpartition("`reservations ")[2].rstrip("`").split()
    before = await offsets_of(world, "admitted")
    assert before["state"] == state
    dry = await world.must(*command)
    assert state in dry
    assert await offsets_of(world, "admitted") == before

    done = await world.run(*command, "--apply")

    assert done.code == 0, done
    assert '"event": "offsets.reset"' in done.err
    return done


async def test_an_input_topic_made_anew(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo", "cy")
    await worker.stop()
    await make_anew(world, "admitted")

    line = await refused(world)
    assert "offsets 0 to 0, and 3 is the next one to apply: the topic was made anew" in line
    await repair(world, line, "ahead")

    await world.start_worker()
    outcomes = await sell(world, "dee", outcomes=4)
    assert [one["consumerId"] for one in outcomes] == ["ada", "bo", "cy", "dee"]
    await world.must("verify")


async def test_an_input_topic_deleted_under_a_running_worker(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo")

    await delete(world, "admitted")

    async with asyncio.timeout(30):
        assert await worker.process.wait() == 2
    assert f"topics missing: {world.topic('admitted')}: run `reservations topics create`" in str(
        worker.lines[-1]
    )


async def test_retention_that_was_faster_than_the_workers(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada")
    await worker.stop()
    await world.send(admitted(f"lost-{n}") for n in range(6))
    await world.send([admitted("bo")])
    events = TopicPartition(world.topic("admitted"), 0)
    async with admin_of(world) as admin:
        await admin.delete_records({events: RecordsToDelete(before_offset=7)})

    line = await refused(world)
    done = await repair(world, line, "lost")

    (trace,) = [json.loads(one) for one in done.err.splitlines() if one.startswith("{")]
    assert (trace["stored"], trace["to"], trace["gone"], trace["skipped"]) == (1, 7, 6, 0)
    await world.start_worker()
    outcomes = await sell(world, "cy", outcomes=3)
    assert [one["consumerId"] for one in outcomes] == ["ada", "bo", "cy"]
    await world.must("verify")


async def test_offsets_moved_under_a_running_worker_fence_it_and_repeat_no_sale(
    world: World,
) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo", "cy")

    await world.must("offsets", "reset", "--all", "--to", "earliest", "--apply")

    assert (await worker.log("group.left"))["cause"] == "Superseded"
    await worker.log("lanes.taken", count=2)
    outcomes = await sell(world, "dee", outcomes=4)
    assert [one["consumerId"] for one in outcomes] == ["ada", "bo", "cy", "dee"]
    await world.must("verify")
    assert await worker.stop() == 0


async def test_partitions_added_to_all_topics_while_no_worker_runs(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo")
    await worker.stop()
    async with admin_of(world) as admin:
        names = [name for name in await admin.list_topics() if name.startswith(f"{world.name}.")]
        await admin.create_partitions({name: NewPartitions(total_count=3) for name in names})

    worker = await world.start_worker()

    assert (await worker.log("lanes.taken"))["lanes"] == [0, 1, 2]
    shoppers = [f"later-{n}" for n in range(20)]
    outcomes = await sell(world, *shoppers, outcomes=22)
    assert {one["partition"] for one in outcomes} == {0, 1, 2}
    await world.must("verify")


async def test_an_outcomes_topic_made_anew_is_filled_from_the_journal(world: World) -> None:
    worker = await a_worker_that_sold(world, "ada", "bo", "cy")
    await published_mark(world, 3)
    await worker.stop()
    await make_anew(world, "reservation-outcomes")

    worker = await world.start_worker()

    assert (await worker.log("topic.lost_records"))["published_again"] == "1 to 3"
    outcomes = await sell(world, "dee", outcomes=4)
    assert [one["sequence"] for one in outcomes] == [1, 2, 3, 4]
    await world.must("verify")


async def test_an_outcomes_topic_made_anew_that_went_on_without_its_front(world: World) -> None:
    """A worker published into it before anybody noticed: what came before cannot be put before."""
    worker = await a_worker_that_sold(world, "ada", "bo", "cy")
    await published_mark(world, 3)
    await worker.stop()
    await make_anew(world, "reservation-outcomes")
    producer = AIOKafkaProducer(bootstrap_servers=world.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(
        world.topic("reservation-outcomes"), b"{}", headers=[("ce_sequence", b"3")]
    )
    await producer.stop()

    assert "made anew while a worker published: stop all workers" in await refused(world)

    await make_anew(world, "reservation-outcomes")
    await world.start_worker()
    outcomes = await sell(world, "dee", outcomes=4)
    assert [one["sequence"] for one in outcomes] == [1, 2, 3, 4]
    await world.must("verify")


async def published_mark(world: World, sequence: int) -> None:
    """Wait until Postgres knows how far the lane is published: a tick later than it is."""
    connection = await asyncpg.connect(world.database_url)

    async def is_noted() -> bool:
        return bool(
            await connection.fetchval(
                "SELECT published_sequence = $1 FROM lane_outputs WHERE stream = 'outcomes'",
                sequence,
            )
        )

    await until(is_noted)
    await connection.close()
