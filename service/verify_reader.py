"""Reads the topics, read committed, and compares each record with its entry in the journal."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaTimeoutError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, TopicPartition

from db.connect import Connection
from db.importing import Progress
from db.verify_journal import journal_ids
from producers.cloudevents import SEQUENCE_HEADERS
from schemas.vocabulary import Stream
from service.kafka_client import client_options
from service.settings import Settings
from service.verify_lane import LaneComparison, Published

_ID_HEADERS: Final = {"outcomes": "ce_id", "dead_letters": "dlq.id"}
_BATCH_RECORDS_MAX: Final = 5000
_SILENCE_SECONDS_MAX: Final = 30.0  # a broker with records to give has given some by then
_LOOK_AGAIN_SECONDS: Final = 0.1
_DIGITS_MAX: Final = 18  # of a sequence: what Postgres has a bigint for

Comparisons = Mapping[TopicPartition, LaneComparison]


def new_consumer(settings: Settings) -> AIOKafkaConsumer:
    """Give a consumer of no group, which leaves no trace in Kafka."""
    return AIOKafkaConsumer(
        **client_options(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
    )


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

    async def _read_to(self, end: Mapping[TopicPartition, int]) -> None:
        begin = sum(self._first[partition] for partition in end)
        positions: dict[TopicPartition, int] = {}
        moved_at = time.monotonic()
        while True:
            # A position moves past transaction markers and aborted records by itself.
            before, positions = positions, {p: await self._consumer.position(p) for p in end}
            left = [partition for partition in end if positions[partition] < end[partition]]
            if not left:
                return
            moved_at = time.monotonic() if positions != before else moved_at
            if time.monotonic() - moved_at > _SILENCE_SECONDS_MAX:
                raise KafkaTimeoutError(f"no record of {left[0]} for {_SILENCE_SECONDS_MAX:g} s")
            done, total = sum(positions.values()) - begin, sum(end.values()) - begin
            self._on_progress("comparing the topics", done, total)
            for partition, records in (await self._getmany(left)).items():
                await self._add(partition, records)

    async def _getmany(self, partitions: Collection[TopicPartition]) -> Mapping[Any, Any]:
        try:
            return dict(
                await self._consumer.getmany(
                    *partitions, timeout_ms=200, max_records=_BATCH_RECORDS_MAX
                )
            )
        except OffsetOutOfRangeError as error:  # retention was faster
            lost = list(error.args[0])
            for partition, offset in (await self._consumer.beginning_offsets(lost)).items():
                self._comparisons[partition].forget_front()
                self._consumer.seek(partition, offset)
            return {}

    async def _add(
        self, partition: TopicPartition, records: "Sequence[ConsumerRecord[bytes, bytes]]"
    ) -> None:
        comparison = self._comparisons[partition]
        lane, stream = comparison.end.lane, comparison.end.stream
        published = [_published(record, stream) for record in records]
        sequences = [one.sequence for one in published if one.sequence is not None]
        # What is published was committed to the journal before, so asking now finds it.
        ids = await journal_ids(self._connection, lane, stream, sequences)
        for one in published:
            comparison.add(one, ids)


def _published(record: "ConsumerRecord[bytes, bytes]", stream: Stream) -> Published:
    sequence = _last_header(record, SEQUENCE_HEADERS[stream])
    if not (sequence.isdigit() and len(sequence) <= _DIGITS_MAX):
        return Published(record.offset, None, None)
    id_ = _last_header(record, _ID_HEADERS[stream]).decode("ascii", "replace")
    return Published(record.offset, int(sequence), id_ or None)


def _last_header(record: "ConsumerRecord[bytes, bytes]", name: str) -> bytes:
    """Give a header, or "" where there is none. A dead letter may carry those of an earlier one."""
    values = [value for header, value in record.headers if header == name]
    return (values[-1] if values else None) or b""
