"""Reads what the worker publishes, as everybody else does: read committed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from producers.reading import Records, batches_until
from service.clients import new_reader
from service.settings import Settings

_POLL_MS = 200
_BATCH_RECORDS_MAX = 2000


class Published(NamedTuple):
    """A record of a topic."""

    topic: str
    lane: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class PublishedReader:
    """Reads topics batch by batch; within a batch the records are in the order of their times."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    async def from_beginning(self) -> None:
        """Read all that Kafka has."""
        await self._consumer.seek_to_beginning(*self._partitions)

    async def from_shortly_before_end(self, count: int) -> None:
        """Read what comes, and at least the last `count` records, if there are so many."""
        ends = await self._consumer.end_offsets(list(self._partitions))
        firsts = await self._consumer.beginning_offsets(list(self._partitions))
        for partition in self._partitions:
            # Every transaction of at least one record ends with a marker, which has an offset too.
            offset = max(firsts[partition], ends[partition] - 2 * count)
            self._consumer.seek(partition, offset)

    async def until_end(self) -> AsyncIterator[list[Published]]:
        """Give what is there by now."""
        ends = await self._consumer.end_offsets(list(self._partitions))
        async for found in batches_until(self._consumer, ends):
            yield _in_order(found)

    async def endless(self) -> AsyncIterator[list[Published]]:
        """Give what is there, and what comes."""
        while True:
            yield _in_order(
                await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH_RECORDS_MAX)
            )


@asynccontextmanager
async def published_reader(
    settings: Settings, topics: Sequence[str], lanes: int
) -> AsyncIterator[PublishedReader]:
    """Open a reader of topics that have so many lanes. Raises KafkaError."""
    consumer = new_reader(settings)
    try:
        await consumer.start()
        partitions = [TopicPartition(topic, lane) for topic in topics for lane in range(lanes)]
        consumer.assign(partitions)
        yield PublishedReader(consumer, partitions)
    finally:
        await asyncio.shield(consumer.stop())


def _in_order(found: Records) -> list[Published]:
    return sorted(_published(found), key=lambda record: record.timestamp_ms)


def _published(found: Records) -> Iterator[Published]:
    for partition, records in found.items():
        for record in records:
            yield Published(
                partition.topic,
                partition.partition,
                record.timestamp,
                record.key,
                record.value,
                tuple(record.headers),
            )
