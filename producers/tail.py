"""The published end of a lane: what the topics say themselves, read committed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from producers.cloudevents import SEQUENCE_HEADERS, sequence_of
from producers.kafka import IsolationLevel, Kafka
from schemas.journal import Mark, Marks
from schemas.vocabulary import Stream

Place = tuple[int, Stream]

SETTLE_SECONDS: Final = 2.0  # a marker usually follows its commit within milliseconds
SETTLE_POLL_SECONDS: Final = 0.05


async def read_tails(
    kafka: Kafka, lanes: Mapping[int, Marks], probe: Callable[[int], Awaitable[None]]
) -> dict[int, Marks]:
    """Find the last published sequence of each lane's streams, looking from the marks on.

    Call it after the lanes' producers have started: that has ended their open transactions, so
    the end of what is committed is the true end, once it is settled. Raises KafkaError.
    Source: Kafka's documentation, "isolation.level"; the last stable offset.
    """
    if not lanes:
        return {}
    tails = {number: dict(marks) for number, marks in lanes.items()}
    places = {
        TopicPartition(kafka.topics[stream], number): (number, stream)
        for number, marks in lanes.items()
        for stream in marks
    }
    async with _reading(kafka, "read_committed") as committed:
        async with _reading(kafka, "read_uncommitted") as uncommitted:
            end = await _settled_end(committed, uncommitted, list(places), probe)
        await _seek(committed, places, end, tails)
        await _read_to_end(committed, places, end, tails)
    return dict(tails)


@asynccontextmanager
async def _reading(
    kafka: Kafka, isolation_level: IsolationLevel
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = kafka.new_reader(isolation_level)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _settled_end(
    committed: AIOKafkaConsumer,
    uncommitted: AIOKafkaConsumer,
    partitions: list[TopicPartition],
    probe: Callable[[int], Awaitable[None]],
) -> dict[TopicPartition, int]:
    """Wait until all that was written is either readable or aborted, and give the ends.

    A broker acknowledges a commit before its marker is in the partition. One that is killed in
    between may come back without ever writing it; what was committed is then hidden until the
    producer's next marker. So a lane that does not settle by itself is probed: a transaction
    that is aborted brings a marker, and nobody sees what was in it.
    """
    probe_at = time.monotonic() + SETTLE_SECONDS
    while True:
        end: dict[TopicPartition, int] = await committed.end_offsets(partitions)
        last = await uncommitted.end_offsets(partitions)
        unsettled = {partition for partition in partitions if end[partition] < last[partition]}
        if not unsettled:
            return end
        if time.monotonic() > probe_at:
            for lane in {partition.partition for partition in unsettled}:
                await probe(lane)
            probe_at = time.monotonic() + SETTLE_SECONDS
        await asyncio.sleep(SETTLE_POLL_SECONDS)


async def _seek(
    consumer: AIOKafkaConsumer,
    places: Mapping[TopicPartition, Place],
    end: Mapping[TopicPartition, int],
    tails: Mapping[int, Marks],
) -> None:
    """Go to where the published end was last seen, or as near as retention has left."""
    consumer.assign(list(places))
    first = await consumer.beginning_offsets(list(places))
    for partition, (number, stream) in places.items():
        seen = tails[number][stream].offset
        consumer.seek(partition, min(max(seen, first[partition]), end[partition]))


async def _read_to_end(
    consumer: AIOKafkaConsumer,
    places: Mapping[TopicPartition, Place],
    end: Mapping[TopicPartition, int],
    tails: Mapping[int, dict[Stream, Mark]],
) -> None:
    behind = set(places)
    while True:
        # The position moves past transaction markers and aborted records by itself.
        behind = {p for p in behind if await consumer.position(p) < end[p]}
        if not behind:
            return
        for partition, records in (await consumer.getmany(*behind, timeout_ms=200)).items():
            number, stream = places[partition]
            for record in records:
                sequence = sequence_of(record.headers, SEQUENCE_HEADERS[stream])
                if sequence is not None:
                    tails[number][stream] = Mark(sequence, record.offset + 1)
