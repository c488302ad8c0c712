"""A record of Kafka, and what it says: read once, by whoever has time for it first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from aiokafka.structs import ConsumerRecord, TopicPartition
from msgspec import Struct

from schemas.decode import MalformedRecord, PassedOver, decode
from schemas.events import AnyEvent, Arrival, Cause, Event
from schemas.trace import trace_of


class Said(Struct, frozen=True, gc=False):
    """What a record says: its events, or why it cannot be read. Neither: it means nothing here."""

    arrivals: Sequence[Arrival] = ()
    refusal: str = ""
    is_misrouted: bool = False  # another consumer's id is its key


class Record(Struct, eq=False, gc=False):
    """A record as it was polled. `timestamp` is in milliseconds since 1970, or -1."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, Any]]
    _said: Said | None = None

    @property
    def at(self) -> datetime | None:
        """Give its time, where it has one."""
        return _instant(self.timestamp)

    def said(self) -> Said:
        """Give what it says; the first time takes as long as decoding it."""
        if self._said is None:
            self._said = self._read()
        return self._said

    def _read(self) -> Said:
        try:
            events = decode(self.value, self.at)
        except MalformedRecord as malformed:
            return Said(refusal=malformed.reason)
        if isinstance(events, PassedOver):
            return Said()
        trace = trace_of(self.headers)
        arrivals = [
            Arrival(event, self.partition, self._cause(line, event), trace)
            for line, event in enumerate(events)
        ]
        return Said(arrivals, "", self._is_misrouted(events))

    def _cause(self, line: int, event: AnyEvent) -> Cause:
        event_id = event.event_id if isinstance(event, Event) else None
        return Cause(self.topic, self.partition, self.offset, line, event_id)

    def _is_misrouted(self, events: Sequence[AnyEvent]) -> bool:
        # A draw's record is of many consumers and cannot have the key of each.
        if len(events) != 1 or not isinstance(events[0], Event) or self.key is None:
            return False
        return self.key != events[0].consumer_id.encode()


Records: TypeAlias = Mapping[TopicPartition, Sequence[Record]]


def record_of(polled: "ConsumerRecord[bytes, bytes]") -> Record:
    """Give a record as aiokafka polled it."""
    return Record(
        polled.topic,
        polled.partition,
        polled.offset,
        polled.timestamp,
        polled.key,
        polled.value,
        polled.headers,
    )


@lru_cache(maxsize=1024)
def _instant(timestamp_ms: int) -> datetime | None:
    """Give a record's time; Kafka has -1 for none, and a producer may have sent any number."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC) if timestamp_ms > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
