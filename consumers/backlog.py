"""What a lane's last owner has committed and not published: handed over before anything new."""

from collections.abc import Callable, Mapping

import structlog
from asyncpg import Pool

from consumers.publishing import Publisher
from db.journal import read_after
from db.lanes import Lane
from schemas.journal import Marks
from schemas.vocabulary import Stream

log = structlog.get_logger()

BACKLOG_READ_MAX = 5000  # entries of the journal in memory at once, when a lane is taken over
ROOM_SECONDS = 5.0


class LostRecords(Exception):
    """Kafka no longer has records that were never applied: an operator has to decide."""


async def publish_backlog(
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
