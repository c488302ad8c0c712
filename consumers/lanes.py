"""Taking lanes over: epochs in Postgres, producers in Kafka, what was left unpublished, offsets."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from asyncpg import Pool

from consumers.backlog import LostRecords, publish_backlog
from consumers.loop_settings import LoopSettings
from consumers.ownership import ownership
from consumers.publishing import Publisher
from consumers.retrying import free_locks
from db.lane_publishers import forget_publishers_before, note_publisher
from db.lanes import Lane, fence
from db.taking_lanes import take_lanes
from schemas import steps
from schemas.journal import Mark, Marks, Superseded

log = structlog.get_logger()


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
    is_ours = ownership(pool, lanes.values())
    published = await publisher.open(transactional_id, marks, before, is_ours)
    try:
        async with pool.acquire() as connection:
            await forget_publishers_before(connection, lanes.values(), transactional_id)
        steps.done("settled", len(lanes))
        for lane in lanes.values():
            await publish_backlog(pool, publisher, lane, published[lane.lane], on_wait)
        steps.done("backlog", len(lanes))
        await _seek(consumer, lanes, settings.ticks_topic)
        steps.done("sought", len(lanes))
    except BaseException:
        await publisher.close(0)  # the next attempt begins at its beginning
        raise
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
