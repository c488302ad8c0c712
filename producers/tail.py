"""The published end of a lane: what the topics say themselves, read committed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from producers.cloudevents import SEQUENCE_HEADERS, sequence_of
from producers.kafka import IsolationLevel, Kafka
from producers.reading import batches_until
from schemas.journal import Mark, Marks

# How far before the mark to look, in offsets: at the record that it is of, and then further.
LOOK_BACK: Final = (1, 1_000, 100_000, 2**62)

SETTLE_SECONDS: Final = 2.0  # a marker usually follows its commit within milliseconds
SETTLE_POLL_SECONDS: Final = 0.05
STOP_SECONDS_MAX: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Span:
    """A partition from its first offset to its settled end, and its header of sequences."""

    partition: TopicPartition
    first: int
    end: int
    header: str


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
            await _meet(list(places), committed, uncommitted)
            end = await _settled_end(committed, uncommitted, list(places), probe)
        first = await committed.beginning_offsets(list(places))
        for partition, (number, stream) in places.items():
            span = _Span(partition, first[partition], end[partition], SEQUENCE_HEADERS[stream])
            tails[number][stream] = await _tail(committed, span, lanes[number][stream])
    return dict(tails)


@asynccontextmanager
async def _reading(
    kafka: Kafka, isolation_level: IsolationLevel
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = kafka.new_reader(isolation_level)
    try:
        await consumer.start()
        yield consumer
    finally:
        with suppress(Exception):  # without a broker it may take for ever
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await consumer.stop()


async def _meet(partitions: list[TopicPartition], *readers: AIOKafkaConsumer) -> None:
    """Let readers hear of topics at once: for each that is new to it, one waits 0.1 s."""
    of_topics = {partition.topic: partition for partition in partitions}.values()
    await asyncio.gather(
        *(reader.end_offsets([partition]) for reader in readers for partition in of_topics)
    )


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


async def _tail(consumer: AIOKafkaConsumer, span: _Span, seen: Mark) -> Mark:
    """Find the last published record, first where it was last seen.

    The mark says what the broker had acknowledged. That it was there is believed only where the
    record itself can be read (or retention has deleted it): else the search goes back.
    """
    for back in LOOK_BACK:
        start = min(max(seen.offset - back, span.first), span.end)
        found = await _last_between(consumer, span, start)
        if found is not None:
            return found
        if start <= span.first:
            break
    return seen if span.first > 0 else Mark()


async def _last_between(consumer: AIOKafkaConsumer, span: _Span, start: int) -> Mark | None:
    consumer.assign([span.partition])
    consumer.seek(span.partition, start)
    found: Mark | None = None
    async for batch in batches_until(consumer, {span.partition: span.end}):
        for record in batch.get(span.partition, ()):
            sequence = sequence_of(record.headers, span.header)
            if sequence is not None:
                found = Mark(sequence, record.offset + 1)
    return found
