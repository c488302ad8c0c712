"""aiokafka and asyncpg by hand: a task per partition, an offset committed once a second."""

import asyncio
import time

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from tests.benchmarks.peers.shop import Admit, admit, open_pool
from tests.benchmarks.peers.task import Task
from tests.benchmarks.peers.words import Admitted

COMMIT_SECONDS = 1.0


async def serve(task: Task, apply: Admit = admit) -> None:
    """Consume until the process is ended."""
    pool = await open_pool(task.database_url, task.lanes)
    producer = AIOKafkaProducer(
        bootstrap_servers=task.bootstrap_servers, acks="all", enable_idempotence=True
    )
    consumer = AIOKafkaConsumer(
        task.admitted_topic,
        bootstrap_servers=task.bootstrap_servers,
        group_id=task.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=100, max_records=0)
    async with asyncio.TaskGroup() as lanes:
        for partition in consumer.assignment():
            lanes.create_task(_serve_partition(partition, pool, producer, consumer, task, apply))


async def _serve_partition(
    partition: TopicPartition,
    pool: asyncpg.Pool,
    producer: AIOKafkaProducer,
    consumer: AIOKafkaConsumer,
    task: Task,
    apply: Admit,
) -> None:
    """Apply a partition's records one after the other; each is published before the next."""
    committed_at = time.monotonic()
    while True:
        polled = await consumer.getmany(partition, timeout_ms=200, max_records=100)
        for record in polled.get(partition, ()):
            event = Admitted.model_validate_json(record.value)
            for said in await apply(pool, event, record.partition):
                await producer.send_and_wait(
                    task.outcomes_topic,
                    said.body,
                    key=record.key,
                    partition=record.partition,
                    headers=said.headers,
                )
            if time.monotonic() - committed_at > COMMIT_SECONDS:
                await consumer.commit({partition: record.offset + 1})
                committed_at = time.monotonic()
