"""Entries as batches of Kafka's records, each of one partition."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from producers.cloudevents import headers_of
from schemas.journal import JournalEntry
from schemas.vocabulary import Stream

Place: TypeAlias = tuple[int, Stream]  # a lane's stream: a partition


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one place, in order, as aiokafka's closed BatchBuilder."""

    builder: Any
    place: Place
    last_sequence: int

    @property
    def count(self) -> int:
        """Give how many entries it has."""
        return int(self.builder.record_count())


def place_of(entry: JournalEntry) -> Place:
    """Give the lane and the stream of an entry: its partition."""
    return entry.lane, entry.stream


def batches_of(entries: Sequence[JournalEntry], new_builder: Callable[[], Any]) -> Iterator[Batch]:
    """Give entries, those of a place together and in order, in as few batches as they fit in."""
    for place, run in groupby(entries, key=place_of):
        builder, last_sequence = new_builder(), 0
        for entry in run:
            if not _append(builder, entry):
                yield _closed(builder, place, last_sequence)
                builder = new_builder()
                _append(builder, entry)  # a first record always fits; the broker has the last word
            last_sequence = entry.sequence
        yield _closed(builder, place, last_sequence)


def _append(builder: Any, entry: JournalEntry) -> bool:
    headers = headers_of(entry)
    added = builder.append(key=entry.key, value=entry.value, timestamp=None, headers=headers)
    return added is not None


def _closed(builder: Any, place: Place, last_sequence: int) -> Batch:
    builder.close()
    return Batch(builder, place, last_sequence)
