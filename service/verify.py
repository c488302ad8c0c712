"""The whole verification: the database against itself, then the topics against the journal."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence

from aiokafka.structs import TopicPartition

from db.connect import Connection
from db.importing import Progress, silent
from db.lanes import STREAMS
from db.pruning import nothing_pruned
from db.verify import Check, verify_database
from db.verify_journal import StreamEnd, journal_ids
from schemas.vocabulary import Stream
from service.clients import new_reader
from service.settings import Settings
from service.verify_lane import LaneComparison, note_of
from service.verify_reader import Comparisons, Reader


async def verify(
    settings: Settings,
    connection: Connection,
    *,
    lanes: int | None,
    wait_seconds: float = 10.0,
    on_progress: Progress = silent,
) -> list[Check]:
    """Run all checks. `lanes` is the number of partitions; None leaves the topics out.

    Workers may go on meanwhile: what the journal has when its snapshot is taken must be published
    within `wait_seconds` from then on. Raises KafkaError, and what asyncpg raises.
    """
    async with nothing_pruned(connection):
        checks, ends = await verify_database(connection, on_progress)
        if lanes is None:
            return checks
        return checks + await verify_topics(
            settings, connection, ends, lanes, wait_seconds=wait_seconds, on_progress=on_progress
        )


async def verify_topics(
    settings: Settings,
    connection: Connection,
    ends: Sequence[StreamEnd],
    lanes: int,
    *,
    wait_seconds: float = 10.0,
    on_progress: Progress = silent,
) -> list[Check]:
    """Compare what is published, read committed, with a journal that had come to `ends`."""
    deadline = time.monotonic() + wait_seconds
    partitions = _partitions(settings, range(lanes))
    consumer = new_reader(settings, auto_offset_reset="none")
    try:
        await consumer.start()
        consumer.assign(list(partitions))
        first = await consumer.beginning_offsets(list(partitions))
        places = _partitions(settings, {*range(lanes), *(end.lane for end in ends)})
        comparisons = _compare(places, ends, first)
        reader = Reader(consumer, connection, comparisons, first, on_progress)
        await reader.read_until(deadline)
    finally:
        await asyncio.shield(consumer.stop())
    for one in comparisons.values():
        wanted = one.wanted()
        one.finish(await journal_ids(connection, one.end.lane, one.end.stream, wanted))
    return [_check(settings, stream, comparisons) for stream in STREAMS]


def _partitions(
    settings: Settings, lanes: Collection[int]
) -> dict[TopicPartition, tuple[int, Stream]]:
    topics = settings.output_topics
    return {
        TopicPartition(topics[stream], lane): (lane, stream)
        for stream in STREAMS
        for lane in sorted(lanes)
    }


def _compare(
    places: Mapping[TopicPartition, tuple[int, Stream]],
    ends: Sequence[StreamEnd],
    first: Mapping[TopicPartition, int],
) -> dict[TopicPartition, LaneComparison]:
    """Begin a comparison for each partition, and for each lane that has none any more."""
    known = {(end.lane, end.stream): end for end in ends}
    return {
        partition: LaneComparison(
            f"{partition.topic}[{partition.partition}]",
            known.get(place, StreamEnd(*place)),
            front_deleted=first.get(partition, 0) > 0,
        )
        for partition, place in places.items()
    }


def _check(settings: Settings, stream: Stream, comparisons: Comparisons) -> Check:
    mine = [one for one in comparisons.values() if one.end.stream == stream]
    return Check(
        f"topic {settings.output_topics[stream]}",
        sum(one.looked_at for one in mine),
        sum(one.differences for one in mine),
        next((one.first[1] for one in mine if one.first is not None), None),
        note_of(mine),
    )
