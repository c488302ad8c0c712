"""What is in hand: entries that are committed in Postgres and not yet in Kafka, by lane."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from schemas.journal import JournalEntry, Mark
from schemas.vocabulary import Stream

ENTRIES_MAX = 10_000  # of a transaction
# A request has a batch of each lane in it. A broker refuses more than 100 MiB (its
# socket.request.max.bytes), and a dead letter has up to 16.
BYTES_MAX = 32 * 1024 * 1024


class Hand:
    """Entries by lane, in order, and which lanes somebody is busy with."""

    def __init__(self) -> None:
        self._entries: defaultdict[int, deque[JournalEntry]] = defaultdict(deque)
        self._busy: set[int] = set()
        self._changed = asyncio.Event()  # entries have come, or lanes are free again

    def __len__(self) -> int:
        """Give the number of entries."""
        return sum(map(len, self._entries.values()))

    def put(self, entries: Sequence[JournalEntry]) -> None:
        """Take entries, in the order of each lane."""
        for entry in entries:
            self._entries[entry.lane].append(entry)
        self._changed.set()

    async def lanes(self) -> set[int]:
        """Give the lanes that have entries and nobody busy with them, as soon as there are any."""
        while not (lanes := {lane for lane, some in self._entries.items() if some} - self._busy):
            self._changed.clear()
            await self._changed.wait()
        return lanes

    @contextmanager
    def alone_with(self, lanes: set[int]) -> Iterator[set[int]]:
        """Keep everybody else off those of these lanes that nobody is busy with, and give them."""
        ours = lanes - self._busy
        self._busy |= ours
        try:
            yield ours
        finally:
            self._busy -= ours
            self._changed.set()

    def first(self, lanes: set[int]) -> list[JournalEntry]:
        """Give as many of the first entries of lanes as a transaction takes: at least one."""
        each_max = max(1, ENTRIES_MAX // len(lanes))
        in_hand = (entry for lane in lanes for entry in islice(self._entries[lane], each_max))
        return list(_up_to(BYTES_MAX, in_hand))

    def drop(self, entries: Iterable[JournalEntry]) -> None:
        """Forget entries that `first` gave."""
        for entry in entries:
            self._entries[entry.lane].popleft()

    def drop_published(self, marks: Mapping[int, Mapping[Stream, Mark]]) -> None:
        """Forget what these marks say is published."""
        for lane, entries in self._entries.items():
            ends = marks[lane]
            self._entries[lane] = deque(e for e in entries if e.sequence > ends[e.stream].sequence)


def _up_to(bytes_max: int, entries: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """Give entries until they have so many bytes, and the first one in any case."""
    left = bytes_max
    for place, entry in enumerate(entries):
        left -= len(entry.value or b"")
        if left < 0 and place > 0:
            return
        yield entry
