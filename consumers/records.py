"""Records in: what was polled, in the order in which a batch applies it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, chain
from operator import attrgetter
from typing import Final

from aiokafka.structs import TopicPartition

from consumers.record import Record, Records
from db.lanes import Lane
from schemas.events import Arrival, ExpiryTick
from schemas.journal import DeadLetter
from schemas.vocabulary import Result

_NO_TIME: Final = datetime.fromtimestamp(0, UTC)

_timestamp: Final = attrgetter("timestamp")
_offset: Final = attrgetter("offset")


@dataclass(slots=True)
class Batch:
    """What was polled: events in order, the newest tick of each lane, and the unreadable."""

    size: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    ticks: dict[int, Arrival] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    next_offsets: dict[tuple[int, str], int] = field(default_factory=dict)
    # By lane and topic: how many were read, and which of them, from 0, are dead letters.
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    unreadable: dict[tuple[int, str], list[tuple[int, DeadLetter]]] = field(default_factory=dict)
    results: Counter[tuple[str, Result]] = field(default_factory=Counter)
    misrouted: int = 0
    oldest_timestamp_ms: int | None = None  # of those that have a time

    def size_without(self, topic: str) -> int:
        """Give the number of records that are of other topics."""
        return sum(count for (_, name), count in self.counts.items() if name != topic)


def read_batch(
    records: Records, lanes: Mapping[int, Lane], topics: Sequence[str], refusal: str = ""
) -> Batch:
    """Decode what belongs to our lanes and was not applied before.

    With a `refusal` nothing is decoded: it is why each of these records is a dead letter.
    """
    batch = Batch()
    sources = {
        at: _unapplied(batch, at, polled, lanes[at.partition].next_offsets[at.topic])
        for at, polled in records.items()
        if at.partition in lanes
    }
    for record in in_order(sources, topics):
        if reason := refusal or _read(batch, record):
            at = TopicPartition(record.topic, record.partition)
            _refuse(batch, record, reason, sources[at])
    return batch


def in_order(records: Records, topics: Sequence[str]) -> Iterator[Record]:
    """Give records in the order in which they are applied.

    `topics` is the order of application. Kafka has none between topics, so the friendliest is
    taken: admissions before the carts and checkouts that need them, and those before the commands,
    ends and ticks that would take their units away. Within a topic the lanes are merged by record
    time, so that no lane's shoppers are served before another's; within a lane, offsets keep their
    order.
    """
    for topic in topics:
        sources = [polled for partition, polled in records.items() if partition.topic == topic]
        # To be merged is to be sorted by the latest time that a lane has come to: of the lanes
        # that wait, the one goes on whose next record is the earliest.
        times = [at for polled in sources for at in accumulate(map(_timestamp, polled), max)]
        merged = list(chain.from_iterable(sources))
        yield from (merged[place] for place in sorted(range(len(merged)), key=times.__getitem__))


def _unapplied(
    batch: Batch, at: TopicPartition, records: Sequence[Record], next_offset: int
) -> Sequence[Record]:
    """Skip what the lane's stored offset says is applied: redelivery is harmless."""
    unapplied = [record for record in records if record.offset >= next_offset]
    if len(unapplied) < len(records):
        batch.results[at.topic, "duplicate"] += len(records) - len(unapplied)
    if unapplied:
        place = at.partition, at.topic
        batch.size += len(unapplied)
        batch.counts[place] += len(unapplied)
        batch.next_offsets[place] = unapplied[-1].offset + 1
        known = [time for time in map(_timestamp, unapplied) if time > 0]  # as in `Record.at`
        if batch.oldest_timestamp_ms is not None:
            known.append(batch.oldest_timestamp_ms)
        batch.oldest_timestamp_ms = min(known, default=None)
    return unapplied


def _read(batch: Batch, record: Record) -> str:
    """Add the events of a record; what is said then is why it cannot be read."""
    said = record.said()
    if said.refusal:
        return said.refusal
    if not said.arrivals:
        batch.results[record.topic, "passed_over"] += 1
    for arrival in said.arrivals:
        _add(batch, arrival)
    batch.misrouted += said.is_misrouted
    return ""


def _refuse(batch: Batch, record: Record, reason: str, partition: Sequence[Record]) -> None:
    letter, place = _dead_letter(record, reason), (record.partition, record.topic)
    batch.dead_letters.append(letter)
    index = bisect_left(partition, record.offset, key=_offset)
    batch.unreadable.setdefault(place, []).append((index, letter))
    batch.results[record.topic, "dead_letter"] += 1


def _add(batch: Batch, arrival: Arrival) -> None:
    event = arrival.event
    if not isinstance(event, ExpiryTick):
        batch.arrivals.append(arrival)
        return
    newest = batch.ticks.get(arrival.lane)
    if newest is None or event.at > newest.event.at:  # type: ignore[union-attr]
        batch.ticks[arrival.lane] = arrival
    if newest is not None:  # after a pause only the newest tick means anything
        batch.results[arrival.cause.topic, "stale"] += 1


def _dead_letter(record: Record, reason: str) -> DeadLetter:
    return DeadLetter(
        lane=record.partition,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
        timestamp=record.at or _NO_TIME,
        reason=reason,
    )
