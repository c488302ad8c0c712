"""Records in: what a poll brought, decoded and put in the order in which a batch applies it."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from aiokafka.structs import ConsumerRecord, TopicPartition

from db.lanes import Lane
from schemas.decode import MalformedRecord, PassedOver, decode
from schemas.events import Arrival, Cause, Event, ExpiryTick
from schemas.journal import DeadLetter
from schemas.trace import trace_of
from schemas.vocabulary import Result

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Records: TypeAlias = Mapping[TopicPartition, Sequence[Record]]

_NO_TIME: Final = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Batch:
    """What one poll brought: events in order, the newest tick of each lane, and the unreadable."""

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
    oldest_timestamp_ms: int | None = None

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
    ours = {at: unread for at, unread in records.items() if at.partition in lanes}
    sources = {at: _unapplied(batch, unread, lanes[at.partition]) for at, unread in ours.items()}
    for record in in_order(sources, topics):
        if refusal:
            _refuse(batch, record, refusal)
        else:
            _read(batch, record)
    return batch


def in_order(
    records: Mapping[TopicPartition, Iterable[Record]], topics: Sequence[str]
) -> Iterator[Record]:
    """Give records in the order in which they are applied.

    `topics` is the order of application. Kafka has none between topics, so the friendliest is
    taken: admissions before the carts and checkouts that need them, and those before the commands,
    ends and ticks that would take their units away. Within a topic the lanes are merged by record
    time, so that no lane's shoppers are served before another's; within a lane, offsets keep their
    order.
    """
    for topic in topics:
        sources = [unread for partition, unread in records.items() if partition.topic == topic]
        yield from heapq.merge(*sources, key=_timestamp)


def _unapplied(batch: Batch, records: Iterable[Record], lane: Lane) -> Iterator[Record]:
    """Skip what the lane's stored offset says is applied: redelivery is harmless."""
    for record in records:
        if record.offset < lane.next_offsets[record.topic]:
            batch.results[record.topic, "duplicate"] += 1
        else:
            batch.next_offsets[record.partition, record.topic] = record.offset + 1
            yield record


def _read(batch: Batch, record: Record) -> None:
    try:
        events = decode(record.value, _instant(record.timestamp))
    except MalformedRecord as malformed:
        _refuse(batch, record, malformed.reason)
        return
    _count(batch, record)
    if isinstance(events, PassedOver) or not events:
        batch.results[record.topic, "passed_over"] += 1
        return
    trace = trace_of(record.headers)
    for line, event in enumerate(events):
        event_id = event.event_id if isinstance(event, Event) else None
        cause = Cause(record.topic, record.partition, record.offset, line, event_id)
        _add(batch, Arrival(event, record.partition, cause, trace))
    # A draw's record is of many consumers and cannot have the key of each.
    if len(events) == 1 and isinstance(events[0], Event) and record.key is not None:
        batch.misrouted += record.key != events[0].consumer_id.encode()


def _refuse(batch: Batch, record: Record, reason: str) -> None:
    _count(batch, record)
    letter, place = _dead_letter(record, reason), (record.partition, record.topic)
    batch.dead_letters.append(letter)
    batch.unreadable.setdefault(place, []).append((batch.counts[place] - 1, letter))
    batch.results[record.topic, "dead_letter"] += 1


def _count(batch: Batch, record: Record) -> None:
    batch.size += 1
    batch.counts[record.partition, record.topic] += 1
    if batch.oldest_timestamp_ms is None or record.timestamp < batch.oldest_timestamp_ms:
        batch.oldest_timestamp_ms = record.timestamp


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
        timestamp=_instant(record.timestamp) or _NO_TIME,
        reason=reason,
    )


def _instant(timestamp_ms: int) -> datetime | None:
    """Give a record's time; Kafka has -1 for none, and a producer may have sent any number."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _timestamp(record: Any) -> int:
    return int(record.timestamp)
