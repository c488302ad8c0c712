"""Taking lanes over: epochs in Postgres, producers in Kafka, what was left unpublished, offsets."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from consumers.loop_settings import LoopSettings
from consumers.ownership import ownership
from consumers.publishing import Publisher
from consumers.retrying import free_locks
from db.journal import read_after
from db.lane_publishers import forget_publishers_before, note_publisher
from db.lanes import Lane, fence
from db.taking_lanes import take_lanes
from schemas import steps
from schemas.journal import Mark, Marks, Superseded
from schemas.vocabulary import Stream

log = structlog.get_logger()

BACKLOG_READ_MAX = 5000  # entries of the journal in memory at once, when a lane is taken over
ROOM_SECONDS = 5.0


class LostRecords(Exception):
    """Kafka no longer has records that were never applied: an operator has to decide."""


class TopicsChanged(Exception):
    """A lane has not a partition of each topic any more: leave the group, and look at them."""


async def take_over(
    pool: Pool,
    publisher: Publisher,
    consumer: AIOKafkaConsumer,
    settings: LoopSettings,
    held: Mapping[int, Lane],
    on_wait: Callable[[], None],
) -> dict[int, Lane]:
    """Own all assigned lanes: fence the last owner, publish what it left, seek to where it was.

    `held` are lanes that we own already and only lost touch with; `on_wait` is called now and
    then while Kafka keeps it waiting. Raises Superseded when a held lane has another owner, and
    LostRecords when a stored offset is no longer (or not yet) in its partition, and TopicsChanged.
    """
    assigned = sorted({partition.partition for partition in consumer.assignment()})
    if not assigned:
        return {}
    _refuse_incomplete_lanes(consumer, assigned, settings.topics)
    transactional_id = publisher.transactional_id  # another one as soon as it is closed
    await free_locks(pool)  # of who had the lanes, and was taken for dead
    async with pool.acquire() as connection, connection.transaction():
        # Whoever was away may have been expelled and not have heard of it: it takes nothing back.
        still = await fence(connection, {lane.lane: lane.epoch for lane in held.values()})
        if still.lost:
            raise Superseded(f"lanes {sorted(still.lost)} have another owner")
        lanes = await take_lanes(connection, assigned, settings.topics, settings.owner)
        before = await note_publisher(
            connection, lanes.values(), transactional_id, settings.lane_prefix
        )
    steps.done("epochs", len(lanes))
    marks = {lane.lane: _marks(lane) for lane in lanes.values()}
    published = await publisher.open(marks, before, ownership(pool, lanes.values()))
    async with pool.acquire() as connection:
        await forget_publishers_before(connection, lanes.values(), transactional_id)
    steps.done("settled", len(lanes))
    for lane in lanes.values():
        await _publish_backlog(pool, publisher, lane, published[lane.lane], on_wait)
    steps.done("backlog", len(lanes))
    await _seek(consumer, lanes, settings.ticks_topic)
    steps.done("sought", len(lanes))
    log.info("lanes.taken", lanes=assigned, epochs=[lane.epoch for lane in lanes.values()])
    return lanes


def _refuse_incomplete_lanes(
    consumer: AIOKafkaConsumer, lanes: Sequence[int], topics: Sequence[str]
) -> None:
    """Take no lane without all of its topics: what comes in there would be read by nobody."""
    wanted = {TopicPartition(topic, lane) for topic in topics for lane in lanes}
    if missing := sorted(wanted - consumer.assignment()):
        raise TopicsChanged(f"no partition {missing[0].topic}[{missing[0].partition}]")


def _marks(lane: Lane) -> Marks:
    return {
        stream: Mark(output.published_sequence, output.published_offset)
        for stream, output in lane.outputs.items()
    }


async def _publish_backlog(
    pool: Pool, publisher: Publisher, lane: Lane, published: Marks, on_wait: Callable[[], None]
) -> None:
    """Hand over what the journal has after the published end, in order, in bounded pieces."""
    after = {stream: mark.sequence for stream, mark in published.items()}
    _refuse_unknown_outcomes(lane, after)
    _refuse_outcomes_without_their_front(lane, published)
    _refuse_what_was_pruned(lane, after)
    for stream in after:  # a topic that was made anew begins where the journal does
        after[stream] = max(after[stream], lane.outputs[stream].pruned_sequence)
    _tell_of_lost_outcomes(lane, after)
    while any(lane.outputs[stream].sequence > sequence for stream, sequence in after.items()):
        async with pool.acquire() as connection:
            entries = await read_after(connection, lane.lane, after, BACKLOG_READ_MAX)
        if not entries:
            raise LostRecords(f"the journal of lane {lane.lane} ends before its sequence number")
        while not await publisher.room(ROOM_SECONDS):
            log.warning("backlog.waits_for_kafka", lane=lane.lane)
            on_wait()
        publisher.put(entries)
        for entry in entries:
            after[entry.stream] = entry.sequence


def _refuse_unknown_outcomes(lane: Lane, published: Mapping[Stream, int]) -> None:
    """Refuse a topic that is ahead of its journal: to go on would skip what is numbered between."""
    for stream, sequence in published.items():
        if sequence > (last := lane.outputs[stream].sequence):
            raise LostRecords(
                f"the topic of {stream} has sequence {sequence} in lane {lane.lane}, its journal"
                f" ends at {last}: the database is an older one, or somebody else writes there:"
                " bring the newer database back, or delete the topic and run `reservations topics"
                " create`: then the journal is published anew"
            )


def _refuse_outcomes_without_their_front(lane: Lane, published: Marks) -> None:
    """Refuse a topic that was made anew and went on: what was before is missing in its midst."""
    for stream, mark in published.items():
        last = lane.outputs[stream]
        if mark.sequence >= last.published_sequence and mark.offset < last.published_offset:
            raise LostRecords(
                f"the topic of {stream} has sequence {mark.sequence} in lane {lane.lane} before"
                f" offset {mark.offset}, and {last.published_sequence} was before"
                f" {last.published_offset}: the topic was made anew while a worker published:"
                " stop all workers, delete the topic, run `reservations topics create`, and start"
                " them: then the journal is published anew"
            )


def _refuse_what_was_pruned(lane: Lane, published: Mapping[Stream, int]) -> None:
    """Refuse a topic that has lost what the journal has no more: a gap would stay in its midst."""
    for stream, sequence in published.items():
        if 0 < sequence < (pruned := lane.outputs[stream].pruned_sequence):
            raise LostRecords(
                f"the topic of {stream} ends at sequence {sequence} in lane {lane.lane}, and its"
                f" journal was pruned up to {pruned}: brokers have lost what they acknowledged:"
                " bring them back, or delete the topic and run `reservations topics create`: then"
                " what the journal has is published anew"
            )


def _tell_of_lost_outcomes(lane: Lane, published: Mapping[Stream, int]) -> None:
    """Say that a topic has less than was published to it: the journal has it, and fills it up."""
    for stream, sequence in published.items():
        if sequence < (mark := lane.outputs[stream].published_sequence):
            log.warning(
                "topic.lost_records",
                lane=lane.lane,
                stream=stream,
                published_again=f"{sequence + 1} to {mark}",
                cause="the topic was made anew, or brokers have lost what they acknowledged",
            )


async def _seek(consumer: AIOKafkaConsumer, lanes: Mapping[int, Lane], ticks_topic: str) -> None:
    partitions = [partition for partition in consumer.assignment() if partition.partition in lanes]
    first = await consumer.beginning_offsets(partitions)
    end = await consumer.end_offsets(partitions)
    for partition in partitions:
        lane = lanes[partition.partition]
        stored = lane.next_offsets[partition.topic]
        # Where nothing was ever read, begin where Kafka begins. A tick that retention has taken
        # is no loss: only the newest one means anything.
        if stored < 0 or partition.topic == ticks_topic:
            stored = lane.next_offsets[partition.topic] = max(stored, first[partition])
        _refuse_lost_records(partition, stored, first[partition], end[partition])
        consumer.seek(partition, stored)
    consumer.resume(*partitions)


def _refuse_lost_records(partition: TopicPartition, stored: int, first: int, end: int) -> None:
    if not first <= stored <= end:
        raise LostRecords(
            f"{partition.topic}[{partition.partition}] has offsets {first} to {end}, and {stored}"
            " is the next one to apply: the topic was made anew, or its retention is too short:"
            " see `reservations offsets show`, and say where to go on, for instance by"
            f" `reservations offsets reset --topic {partition.topic}"
            f" --lane {partition.partition} --to earliest`"
        )
