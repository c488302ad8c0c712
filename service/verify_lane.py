"""One lane's published stream, compared with its journal record by record. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from db.verify_journal import StreamEnd

# Gaps are kept in mind, for a record that is missing may come later. What is beyond this number
# is counted as missing for good.
_GAPS_KEPT_MAX: Final = 10_000


class PublishedEntry(NamedTuple):
    """What a record tells of its entry; without sequence or id it is none of ours."""

    offset: int
    sequence: int | None
    id: str | None


class LaneComparison:
    """Tells, from the records of one partition in their order, how they differ from the journal.

    `end` is the journal at some instant: what it has must be published. Entries that came later
    may be.
    """

    def __init__(self, place: str, end: StreamEnd, *, front_deleted: bool) -> None:
        self.end = end
        self.looked_at = 0
        self.differences = 0
        self.first: tuple[int, str] | None = None  # the lowest sequence that differs, in words
        self.begins_at = 1  # a later sequence where retention has deleted what was before it
        self._place = place
        self._next: int | None = None if front_deleted else 1
        self._missing: set[int] = set()

    @property
    def next_sequence(self) -> int:
        """Give the sequence that the next record should have."""
        if self._next is None:  # all is deleted: the lane remembers what was there
            return max(self.end.published_sequence + 1, self.end.first_sequence)
        return max(self._next, self.end.first_sequence)

    @property
    def is_behind(self) -> bool:
        """Tell whether the journal had more than the topic has."""
        return self.next_sequence <= self.end.sequence

    def forget_front(self) -> None:
        """Go on from wherever the next record is: retention has deleted what was to be read."""
        self._next = None

    def add(self, record: PublishedEntry, journal: Mapping[int, str]) -> None:
        """Compare a record; `journal` has the ids that the journal has, by sequence."""
        self.looked_at += 1
        problem = self._problem(record, journal)
        if problem is not None:
            sequence = self.next_sequence if record.sequence is None else record.sequence
            self._note(sequence, f"{self._place}@{record.offset}: {problem}")

    def wanted(self) -> list[int]:
        """Give sequences whose ids `finish` needs."""
        return sorted(self._missing) + ([self.next_sequence] if self.is_behind else [])

    def finish(self, journal: Mapping[int, str]) -> None:
        """Count what did not come. A sequence that the journal does not have either is its own."""
        for sequence in sorted(self._missing & journal.keys()):
            words = f"sequence {sequence}, id {journal[sequence]}, is missing"
            self._note(sequence, f"{self._place}: {words}")
        if self.is_behind:
            first, last = self.next_sequence, self.end.sequence
            words = f"sequence {first}, id {journal.get(first)}, is unpublished: {last} is the end"
            self._note(first, f"{self._place}: {words}", differences=last - first + 1)

    def _problem(self, record: PublishedEntry, journal: Mapping[int, str]) -> str | None:
        sequence = record.sequence
        if sequence is None or record.id is None:
            return "it has no sequence number or no id: it is none of ours"
        words = f"sequence {sequence}, id {record.id},"
        is_pruned = sequence < self.end.first_sequence  # it cannot be compared any more
        if sequence not in journal and not is_pruned:
            return f"{words} is not in the journal"
        if journal.get(sequence, record.id) != record.id:
            self._advance(sequence)
            return f"{words} has the id {journal[sequence]} in the journal"
        problem = self._advance(sequence)
        return problem and f"{words} {problem}"

    def _advance(self, sequence: int) -> str | None:
        if self._next is None:
            self._next = self.begins_at = sequence
        if sequence >= self._next:
            self._skip(range(self.next_sequence, sequence))
            self._next = sequence + 1
            return None
        if sequence in self._missing:
            self._missing.remove(sequence)
            return f"comes after sequence {self._next - 1}"
        return "is there twice"

    def _skip(self, sequences: range) -> None:
        room = _GAPS_KEPT_MAX - len(self._missing)
        self._missing.update(sequences[:room])
        if beyond := sequences[room:]:
            words = f"{self._place}: sequence {beyond[0]} and those after it are missing"
            self._note(beyond[0], words, differences=len(beyond))

    def _note(self, sequence: int, words: str, *, differences: int = 1) -> None:
        self.differences += differences
        if self.first is None or sequence < self.first[0]:
            self.first = (sequence, words)


def note_of(comparisons: Iterable[LaneComparison]) -> str | None:
    """Say where a topic begins, if retention has deleted its front."""
    begun = [(one.end.lane, one.begins_at) for one in comparisons if one.begins_at > 1]
    if not begun:
        return None
    lanes = ", ".join(f"{sequence} in lane {lane}" for lane, sequence in begun[:3])
    more = f" and later than 1 in {len(begun) - 3} more" if len(begun) > 3 else ""
    deleted = sum(sequence - 1 for _, sequence in begun)
    return f"topic begins at sequence {lanes}{more}: retention deleted {deleted} records"
