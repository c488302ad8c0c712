"""Reads the topics, read committed, and compares each record with its entry in the journal."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from db.connect import Connection
from db.importing import Progress
from db.verify_journal import journal_ids
from producers.cloudevents import SEQUENCE_HEADERS, sequence_of
from producers.reading import Record, batches_until, id_of
from schemas.vocabulary import Stream
from service.verify_lane import LaneComparison, PublishedEntry

_LOOK_AGAIN_SECONDS: Final = 0.1

Comparisons = Mapping[TopicPartition, LaneComparison]


class Reader:
    """Reads partitions from the offsets `first`, batch by batch, to their ends."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        connection: Connection,
        comparisons: Comparisons,
        first: Mapping[TopicPartition, int],
        on_progress: Progress,
    ) -> None:
        self._consumer = consumer
        self._connection = connection
        self._comparisons = comparisons
        self._first = first
        self._on_progress = on_progress

    async def read_until(self, deadline: float) -> None:
        """Read all, then what comes in the partitions that are behind, up to the deadline."""
        for partition, offset in self._first.items():
            self._consumer.seek(partition, offset)
        behind = set(self._first)
        while True:
            await self._read_to(await self._consumer.end_offsets(list(behind)))
            behind = {partition for partition in behind if self._comparisons[partition].is_behind}
            if not behind or time.monotonic() >= deadline:
                return
            self._on_progress("waiting for the workers to publish", 0, 0)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _read_to(self, ends: Mapping[TopicPartition, int]) -> None:
        while True:
            try:
                async for batch in batches_until(self._consumer, ends):
                    for partition, records in batch.items():
                        await self._add(partition, records)
                    await self._report(ends)
                return
            except OffsetOutOfRangeError as error:  # retention was faster
                await self._skip_deleted(list(error.args[0]))

    async def _report(self, ends: Mapping[TopicPartition, int]) -> None:
        begin = sum(self._first[partition] for partition in ends)
        done = sum([await self._consumer.position(partition) for partition in ends]) - begin
        self._on_progress("comparing the topics", done, sum(ends.values()) - begin)

    async def _skip_deleted(self, partitions: list[TopicPartition]) -> None:
        first = await self._consumer.beginning_offsets(partitions)
        for partition, offset in first.items():
            self._comparisons[partition].forget_front()
            self._consumer.seek(partition, offset)

    async def _add(self, partition: TopicPartition, records: Sequence[Record]) -> None:
        comparison = self._comparisons[partition]
        lane, stream = comparison.end.lane, comparison.end.stream
        published = [_published(record, stream) for record in records]
        sequences = [one.sequence for one in published if one.sequence is not None]
        # What is published was committed to the journal before, so asking now finds it.
        ids = await journal_ids(self._connection, lane, stream, sequences)
        for one in published:
            comparison.add(one, ids)


def _published(record: Record, stream: Stream) -> PublishedEntry:
    sequence = sequence_of(record.headers, SEQUENCE_HEADERS[stream])
    id_ = None if sequence is None else id_of(record.headers, stream)
    return PublishedEntry(record.offset, sequence, id_)
