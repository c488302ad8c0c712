"""`verify` compares what is published with the journal, on a real Kafka."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition
from asyncpg import Pool
from msgspec.structs import replace

from db.connect import Connection
from db.importing import silent
from db.verify import Check, verify_database
from db.verify_journal import StreamEnd
from schemas.journal import JournalEntry
from service.clients import new_reader
from service.embedded import EmbeddedKafka
from service.embedded.server import free_ports
from service.settings import Settings
from service.topics import create_topics
from service.verify import verify, verify_topics
from service.verify_lane import LaneComparison
from service.verify_reader import Reader
from tests.integration.sale import (
    LANES,
    Sale,
    admitted,
    hold_sale,
    paid,
    producer,
    publish,
    publish_later,
    publish_raw,
)
from tests.integration.test_cli import reservations

Entries = list[JournalEntry]
OTHER_ID = UUID(int=7)
ID = "[0-9a-f-]{36}"


@pytest.fixture
async def settings(kafka: EmbeddedKafka, database_url: str) -> Settings:
    """Topics of this test alone."""
    suffix = uuid4().hex[:8]
    settings = Settings(
        kafka_bootstrap_servers=kafka.bootstrap_servers,
        database_url=database_url,
        consumer_group=f"group-{suffix}",  # it names the producers' transactions
        admitted_topic=f"admitted-{suffix}",
        cart_updated_topic=f"cart-updated-{suffix}",
        hold_commands_topic=f"hold-commands-{suffix}",
        checkout_completed_topic=f"checkout-completed-{suffix}",
        admission_expired_topic=f"admission-expired-{suffix}",
        expiry_ticks_topic=f"expiry-ticks-{suffix}",
        outcomes_topic=f"outcomes-{suffix}",
        dead_letters_topic=f"dead-letters-{suffix}",
    )
    await create_topics(settings, partitions=LANES, replication_factor=1)
    return settings


@pytest.fixture
async def admin(kafka: EmbeddedKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    yield admin
    await admin.close()


@pytest.fixture
async def sale(pool: Pool) -> Sale:
    return await hold_sale(pool)


async def topic_checks(settings: Settings, db: Connection, wait_seconds: float = 10) -> list[Check]:
    """Check with time to wait: a commit is acknowledged before readers see what it committed."""
    checks = await verify(settings, db, lanes=LANES, wait_seconds=wait_seconds)
    assert not any(check.differences for check in checks[:-2])
    return checks[-2:]


async def test_what_a_publisher_published_verifies(
    settings: Settings, db: Connection, sale: Sale
) -> None:
    await publish(settings, sale.entries)

    assert await topic_checks(settings, db) == [
        Check(f"topic {settings.outcomes_topic}", 23, 0),
        Check(f"topic {settings.dead_letters_topic}", 4, 0),
    ]


async def test_empty_topics_of_an_empty_database_verify(settings: Settings, db: Connection) -> None:
    assert [check[1:3] for check in await topic_checks(settings, db)] == [(0, 0), (0, 0)]


def place(entries: Entries, lane: int, sequence: int, stream: str = "outcomes") -> int:
    """Tell where an entry is in the list."""
    places = [(entry.lane, str(entry.stream), entry.sequence) for entry in entries]
    return places.index((lane, stream, sequence))


def missing(entries: Entries) -> Entries:
    at = place(entries, 0, 3)
    return entries[:at] + entries[at + 1 :]


def missing_at_the_front(entries: Entries) -> Entries:
    return [entry for entry in entries if entry.lane == 0 or entry.sequence > 4]


def dead_letter_missing(entries: Entries) -> Entries:
    at = place(entries, 1, 1, "dead_letters")
    return entries[:at] + entries[at + 1 :]


def twice(entries: Entries) -> Entries:
    return [*entries, entries[place(entries, 1, 5)]]


def out_of_order(entries: Entries) -> Entries:
    one, other = place(entries, 0, 7), place(entries, 0, 8)
    swapped = list(entries)
    swapped[one], swapped[other] = entries[other], entries[one]
    return swapped


def extra(entries: Entries) -> Entries:
    last = entries[place(entries, 1, 11)]
    return [*entries, replace(last, sequence=12, id=OTHER_ID)]


def other_id(entries: Entries) -> Entries:
    at = place(entries, 0, 2)
    return [*entries[:at], replace(entries[at], id=OTHER_ID), *entries[at + 1 :]]


def unpublished(entries: Entries) -> Entries:
    return [entry for entry in entries if entry.lane == 1 or entry.sequence < 10]


def nothing(entries: Entries) -> Entries:
    return []


@pytest.mark.parametrize(
    ("damage", "topic", "differences", "words"),
    [
        (missing, 0, 1, rf"outcomes-\w+\[0\]: sequence 3, id {ID}, is missing"),
        (missing_at_the_front, 0, 4, rf"outcomes-\w+\[1\]: sequence 1, id {ID}, is missing"),
        (dead_letter_missing, 1, 1, rf"dead-letters-\w+\[1\]: sequence 1, id {ID}, is missing"),
        (twice, 0, 1, rf"outcomes-\w+\[1\]@\d+: sequence 5, id {ID}, is there twice"),
        (out_of_order, 0, 1, rf"outcomes-\w+\[0\]@7: sequence 7, id {ID}, comes after sequence 8"),
        (extra, 0, 1, rf"outcomes-\w+\[1\]@\d+: sequence 12, id {OTHER_ID}, is not in the journal"),
        (
            *(other_id, 0, 1),
            rf"outcomes-\w+\[0\]@1: sequence 2, id {OTHER_ID}, has the id {ID} in the journal",
        ),
        (
            *(unpublished, 0, 3),
            rf"outcomes-\w+\[0\]: sequence 10, id {ID}, is unpublished: 12 is the end",
        ),
        (nothing, 0, 23, rf"outcomes-\w+\[0\]: sequence 1, id {ID}, is unpublished: 12 is the end"),
    ],
)
async def test_damage_is_found_and_named(
    settings: Settings,
    db: Connection,
    sale: Sale,
    damage: Callable[[Entries], Entries],
    topic: int,
    differences: int,
    words: str,
) -> None:
    await publish_raw(settings, damage(sale.entries))

    found = (await topic_checks(settings, db, wait_seconds=0))[topic]

    assert found.differences == differences
    assert re.fullmatch(words, found.first_difference or ""), found.first_difference


async def test_a_record_of_others_is_found(settings: Settings, db: Connection, sale: Sale) -> None:
    await publish(settings, sale.entries)
    stranger = producer(settings, 0)
    await stranger.start()
    async with stranger.transaction():
        headers = [("ce_sequence", b"9" * 5000), ("ce_id", b"\xff")]
        await stranger.send_and_wait(settings.outcomes_topic, b"?", partition=0, headers=headers)
    await stranger.stop()

    outcomes, _ = await topic_checks(settings, db)

    assert outcomes.differences == 1
    assert "it has no sequence number or no id: it is none of ours" in str(
        outcomes.first_difference
    )


async def test_what_was_not_committed_is_not_there(
    settings: Settings, db: Connection, sale: Sale
) -> None:
    await publish(settings, sale.entries[:-8])
    stranger = producer(settings, 99)
    await stranger.start()
    await stranger.begin_transaction()
    await stranger.send_and_wait(settings.outcomes_topic, b"?", partition=0)
    open_ = await topic_checks(settings, db, wait_seconds=1)
    await stranger.abort_transaction()
    await stranger.stop()
    await publish(settings, sale.entries)  # finds the published end and goes on there

    aborted = await topic_checks(settings, db)

    assert [check[1:3] for check in open_] == [(17, 6), (2, 2)]
    assert [check[1:3] for check in aborted] == [(23, 0), (4, 0)]


async def test_what_retention_deleted_is_shown_and_no_difference(
    settings: Settings, db: Connection, sale: Sale, admin: AIOKafkaAdminClient
) -> None:
    await publish(settings, sale.entries)
    partition = TopicPartition(settings.outcomes_topic, 1)
    await admin.delete_records({partition: RecordsToDelete(before_offset=4)})

    outcomes, dead_letters = await topic_checks(settings, db)

    note = "topic begins at sequence 5 in lane 1: retention deleted 4 records"
    assert outcomes[1:] == (19, 0, None, note)
    assert dead_letters[1:] == (4, 0, None, None)


async def test_retention_may_be_faster_than_the_reader(
    settings: Settings, db: Connection, sale: Sale, admin: AIOKafkaAdminClient
) -> None:
    await publish(settings, sale.entries)
    partition = TopicPartition(settings.outcomes_topic, 1)
    comparison = LaneComparison("[1]", StreamEnd(1, "outcomes", 1, 11), front_deleted=False)
    consumer = new_reader(settings, auto_offset_reset="none")
    await consumer.start()
    consumer.assign([partition])
    reader = Reader(consumer, db, {partition: comparison}, {partition: 0}, silent)

    await admin.delete_records({partition: RecordsToDelete(before_offset=4)})
    await reader.read_until(time.monotonic() + 10)
    await consumer.stop()

    assert (comparison.looked_at, comparison.differences) == (7, 0)
    assert comparison.begins_at == 5


async def test_a_broker_that_is_away_is_an_error(settings: Settings, db: Connection) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    away = settings.model_copy(update={"kafka_bootstrap_servers": address})

    with pytest.raises(KafkaConnectionError):
        await verify_topics(away, db, [], LANES)


async def test_all_deleted_is_no_difference_where_the_lane_remembers(
    settings: Settings, db: Connection, sale: Sale, admin: AIOKafkaAdminClient
) -> None:
    await publish(settings, sale.entries)
    await db.execute("UPDATE lane_outputs SET published_sequence = sequence")
    await admin.delete_records(
        {
            TopicPartition(settings.outcomes_topic, lane): RecordsToDelete(before_offset=-1)
            for lane in range(LANES)
        }
    )

    outcomes, _ = await topic_checks(settings, db)

    assert outcomes[1:3] == (0, 0)


async def test_a_running_worker_may_publish_meanwhile(
    settings: Settings, db: Connection, sale: Sale
) -> None:
    _, ends = await verify_database(db)
    await sale.apply([(0, paid("bo")), (1, admitted("mo", ("e-book", 1)))], 0)
    await publish(settings, sale.entries)

    checks = await verify_topics(settings, db, ends, LANES)

    assert [check[1:3] for check in checks] == [(25, 0), (5, 0)]


async def test_entries_on_their_way_are_waited_for(
    settings: Settings, db: Connection, sale: Sale
) -> None:
    await publish(settings, sale.entries[:9])
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish_later(settings, sale.entries, seconds=0.5))
        checks = await topic_checks(settings, db)

    assert [check[1:3] for check in checks] == [(23, 0), (4, 0)]


async def test_a_lane_without_a_partition_is_unpublished(
    settings: Settings, db: Connection, sale: Sale
) -> None:
    await publish(settings, sale.entries)

    outcomes, _ = (await verify(settings, db, lanes=1, wait_seconds=1))[-2:]

    assert outcomes.differences == 11
    assert "[1]: sequence 1," in str(outcomes.first_difference)


async def test_the_command_compares_the_topics(
    settings: Settings, db: Connection, sale: Sale, database_url: str
) -> None:
    variables = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        **{
            f"{role}_TOPIC".upper().replace("-", "_"): name
            for role, name in (settings.input_topics | settings.output_topics).items()
        },
    }
    before = await reservations("verify", "--wait", "0", **variables)
    await publish(settings, sale.entries)
    after = await reservations("verify", **variables)

    name = f"topic {settings.outcomes_topic}"
    assert before.exit_code == 1
    assert before.stderr.startswith(f"{name}: {settings.outcomes_topic}[0]: sequence 1, id ")
    assert (after.exit_code, after.stderr) == (0, "")
    assert re.search(rf"{name} +23 +0  ok\n", after.stdout)


async def test_the_command_needs_the_topics(kafka: EmbeddedKafka, database_url: str) -> None:
    result = await reservations(
        "verify",
        DATABASE_URL=database_url,
        KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers,
        OUTCOMES_TOPIC="not-there",
    )

    assert result.exit_code == 2
    assert "run `reservations topics create`" in result.stderr
