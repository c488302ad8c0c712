"""What a worker says when it cannot start: one line with the fix, and exit code 2."""

import socket

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from tests.e2e.events import admitted
from tests.e2e.world import Finished, World, until


def said(finished: Finished) -> str:
    """Give the one line that a refused start prints."""
    assert finished.code == 2, finished
    lines = finished.err.splitlines()
    assert len(lines) == 1, finished
    return lines[0]


async def test_without_a_schema_it_names_the_command(world: World, empty_database_url: str) -> None:
    world.database_url = empty_database_url

    assert "run `reservations migrate`" in said(await world.run("worker"))


async def test_without_topics_it_names_them_and_the_command(world: World) -> None:
    line = said(await world.run("worker"))

    assert world.topic("checkout-completed") in line
    assert "run `reservations topics create`" in line


async def test_unequal_partition_counts_are_refused(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 1})
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    await admin.start()
    await admin.create_partitions({world.topic("admitted"): NewPartitions(total_count=3)})
    await admin.close()

    line = said(await world.run("worker"))

    assert f"{world.topic('admitted')} 3" in line
    assert f"{world.topic('checkout-completed')} 1" in line


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/none", "127.0.0.1:1"),
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", "127.0.0.1:1"),
        ("TICK_INTERVAL", "soon", "RESERVATIONS_TICK_INTERVAL=soon"),
    ],
)
async def test_a_wrong_setting_is_named_without_its_password(
    world: World, setting: str, value: str, expected: str
) -> None:
    world.settings[setting] = value

    line = said(await world.run("worker"))

    assert expected in line
    assert "s3cret" not in line


async def test_a_port_in_use_is_said(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 1})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        world.settings["HTTP_PORT"] = str(taken.getsockname()[1])

        finished = await world.run("worker")

    assert finished.code == 2
    assert "RESERVATIONS_HTTP_PORT" in finished.err


async def test_an_outcomes_topic_ahead_of_its_journal_is_refused(world: World) -> None:
    """A database from a backup: to go on would number other outcomes with the same numbers."""
    await world.prepare(partitions=1, stock={"lamp": 100})
    worker = await world.start_worker()
    await world.send([admitted("ada"), admitted("bo")])
    await world.outcomes(lambda read: len(read) == 2)
    await worker.stop()
    connection = await asyncpg.connect(world.database_url)
    await connection.execute("DELETE FROM journal WHERE sequence = 2")
    await connection.execute("UPDATE lane_outputs SET sequence = 1, published_sequence = 0")
    await connection.close()

    finished = await world.run("worker")

    assert finished.code == 2
    assert "has sequence 2 in lane 0, its journal ends at 1" in finished.err


async def test_ticks_that_retention_has_taken_are_no_loss(world: World) -> None:
    """After a long outage the oldest unread ticks are gone, and only the newest means anything."""
    await world.prepare(partitions=1, stock={"lamp": 100})
    worker = await world.start_worker(TICK_INTERVAL="0.1")
    await world.read("expiry-ticks", lambda read: len(read) >= 3)
    await worker.stop()
    await world.send(("expiry-ticks", "0", b"?") for _ in range(20))
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    await admin.start()
    ticks = TopicPartition(world.topic("expiry-ticks"), 0)
    await admin.delete_records({ticks: RecordsToDelete(before_offset=-1)})
    await admin.close()

    again = await world.start_worker()

    await again.log("lanes.taken")
    await world.send([admitted("ada")])
    await world.outcomes(lambda read: len(read) == 1)


async def test_events_that_retention_has_taken_are_refused_and_not_skipped(world: World) -> None:
    await world.prepare(partitions=1, stock={"lamp": 100})
    worker = await world.start_worker(TICK_INTERVAL="0.1")

    async def has_ticked() -> bool:
        return (await worker.metrics()).get('reservations_since_tick_seconds{lane="0"}', 1e9) < 1e6

    await until(has_ticked)
    await worker.stop()
    await world.send(admitted(f"shopper-{n}") for n in range(10))
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap_servers)
    await admin.start()
    events = TopicPartition(world.topic("admitted"), 0)
    await admin.delete_records({events: RecordsToDelete(before_offset=7)})
    await admin.close()

    finished = await world.run("worker")

    assert finished.code == 2
    assert "has offsets 7 to 10, and 0 is the next one to apply" in finished.err
