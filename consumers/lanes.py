"""Taking lanes over: epochs in Postgres, producers in Kafka, what was left unpublished, offsets."""

from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from consumers.publishing import Publisher
from db.journal import read_after
from db.lanes import Lane, take_lanes
from schemas.journal import Mark, Marks
from schemas.vocabulary import Stream

log = structlog.get_logger()

BACKLOG_READ_MAX = 5000  # entries of the journal in memory at once, when a lane is taken over
ROOM_SECONDS = 5.0


class LostRecords(Exception):
    """Kafka no longer has records that were never applied: an operator has to decide."""


async def take_over(
    pool: Pool,
    publisher: Publisher,
    consumer: AIOKafkaConsumer,
    topics: Sequence[str],
    owner: str,
) -> dict[int, Lane]:
    """Own all assigned lanes: fence the last owner, publish what it left, seek to where it was.

    Raises LostRecords when a stored offset is no longer (or not yet) in its partition.
    """
    assigned = sorted({partition.partition for partition in consumer.assignment()})
    if not assigned:
        return {}
    async with pool.acquire() as connection:
        lanes = await take_lanes(connection, assigned, topics, owner)
    published = await publisher.open({lane.lane: _marks(lane) for lane in lanes.values()})
    for lane in lanes.values():
        await _publish_backlog(pool, publisher, lane, published[lane.lane])
    await _seek(consumer, lanes)
    log.info("lanes.taken", lanes=assigned, epochs=[lane.epoch for lane in lanes.values()])
    return lanes


def _marks(lane: Lane) -> Marks:
    return {
        stream: Mark(output.published_sequence, output.published_offset)
        for stream, output in lane.outputs.items()
    }


async def _publish_backlog(pool: Pool, publisher: Publisher, lane: Lane, published: Marks) -> None:
    """Hand over what the journal has after the published end, in order, in bounded pieces."""
    after = {stream: mark.sequence for stream, mark in published.items()}
    _refuse_unknown_outcomes(lane, after)
    while any(lane.outputs[stream].sequence > sequence for stream, sequence in after.items()):
        async with pool.acquire() as connection:
            entries = await read_after(connection, lane.lane, after, BACKLOG_READ_MAX)
        if not entries:
            raise LostRecords(f"the journal of lane {lane.lane} ends before its sequence number")
        while not await publisher.room(ROOM_SECONDS):
            log.warning("backlog.waits_for_kafka", lane=lane.lane)
        publisher.put(entries)
        for entry in entries:
            after[entry.stream] = entry.sequence


def _refuse_unknown_outcomes(lane: Lane, published: Mapping[Stream, int]) -> None:
    """Refuse a topic that is ahead of its journal: to go on would skip what is numbered between."""
    for stream, sequence in published.items():
        if sequence > (last := lane.outputs[stream].sequence):
            raise LostRecords(
                f"the topic of {stream} has sequence {sequence} in lane {lane.lane}, its journal"
                f" ends at {last}: the database is an older one, or somebody else writes there"
            )


async def _seek(consumer: AIOKafkaConsumer, lanes: Mapping[int, Lane]) -> None:
    partitions = [partition for partition in consumer.assignment() if partition.partition in lanes]
    first = await consumer.beginning_offsets(partitions)
    end = await consumer.end_offsets(partitions)
    for partition in partitions:
        lane = lanes[partition.partition]
        stored = lane.next_offsets[partition.topic]
        if stored == 0:  # nothing was ever read: begin where Kafka begins
            stored = lane.next_offsets[partition.topic] = first[partition]
        _refuse_lost_records(partition, stored, first[partition], end[partition])
        consumer.seek(partition, stored)
    consumer.resume(*partitions)


def _refuse_lost_records(partition: TopicPartition, stored: int, first: int, end: int) -> None:
    if not first <= stored <= end:
        raise LostRecords(
            f"{partition.topic}[{partition.partition}] has offsets {first} to {end}, and {stored}"
            " is the next one to apply: the topic was made anew, or its retention is too short"
        )
