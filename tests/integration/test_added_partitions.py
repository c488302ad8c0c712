"""Partitions that come while a loop runs: all topics alike are new lanes, else nobody goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from consumers.lanes import TopicsChanged
from consumers.loop import Loop
from consumers.loop_settings import LoopSettings
from producers.kafka import Kafka
from producers.publisher import Publisher
from service import clients
from service.clients import new_consumer, new_reader, new_transactional_producer
from service.embedded import EmbeddedKafka
from service.settings import Settings
from service.topics import create_topics, show_topics


@pytest.fixture
async def settings(kafka: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(clients, "METADATA_MS_MAX", 200)
    name = f"added-{uuid4().hex[:8]}"
    roles = Settings().input_topics | Settings().output_topics
    topics = {f"{role.replace('-', '_')}_topic": f"{name}-{role}" for role in roles}
    settings = Settings.model_validate(
        {"kafka_bootstrap_servers": kafka.bootstrap_servers, "consumer_group": name, **topics}
    )
    await create_topics(settings, partitions=1, replication_factor=1)
    return settings


@asynccontextmanager
async def looping(
    settings: Settings, pool: asyncpg.Pool
) -> AsyncIterator[tuple[Loop, asyncio.Task[None]]]:
    """Run a loop as a worker does, from when it owns its lane."""
    consumer = new_consumer(settings)
    publisher = Publisher(
        Kafka(
            new_producer=lambda id_: new_transactional_producer(settings, id_),
            new_reader=lambda isolation_level: new_reader(settings, isolation_level),
            topics=settings.output_topics,
            publisher=f"{settings.consumer_group}-test",
        ),
        pending_max=1000,
        publish_seconds_max=5.0,
        on_published=lambda count, seconds: None,
    )
    loop = Loop(
        LoopSettings(tuple(settings.input_topics.values()), settings.expiry_ticks_topic, "test"),
        pool,
        consumer,
        publisher,
        lambda applied: None,
    )
    stop = asyncio.Event()
    await consumer.start()
    running = asyncio.create_task(loop.run(stop))
    try:
        await owns(loop, [0])
        yield loop, running
    finally:
        stop.set()
        await asyncio.wait({running}, timeout=10)
        await publisher.close(1)
        await consumer.stop()


async def owns(loop: Loop, lanes: Sequence[int]) -> None:
    async with asyncio.timeout(30):
        while sorted(loop.share.lanes) != list(lanes) or not loop.share.is_settled:
            await asyncio.sleep(0.02)


async def add_partitions(settings: Settings, *topics: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(total_count=2) for topic in topics})
    await admin.close()


async def test_partitions_of_all_topics_are_a_new_lane(
    settings: Settings, pool: asyncpg.Pool
) -> None:
    async with looping(settings, pool) as (loop, _):
        names = [topic.name for topic in await show_topics(settings)]
        await add_partitions(settings, *names)

        await owns(loop, [0, 1])


async def test_partitions_of_one_topic_are_no_lane(settings: Settings, pool: asyncpg.Pool) -> None:
    async with looping(settings, pool) as (_, running):
        await add_partitions(settings, settings.admitted_topic)

        with pytest.raises(TopicsChanged, match=rf"{settings.admission_expired_topic}\[1\]"):
            await asyncio.wait_for(asyncio.shield(running), 30)
