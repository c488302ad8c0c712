"""When to stop instead of draining a topic into the dead letters.

A handful of bad records are the sender's; hundreds in a row are a deploy that went wrong, the
sender's or ours, and every good event among them would have to be replayed by hand. So the batch
that would pass a limit is not applied, and nothing of it is committed.
Source: Arroyo's DlqLimit, a largest share and a largest number in a row, per partition.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from consumers.records import Batch

Place: TypeAlias = tuple[int, str]  # lane, topic: a partition

WINDOW_RECORDS: Final = 1_000  # the last ones of a partition, of which the share is taken


class TooManyDeadLetters(Exception):
    """A partition of `topic` has passed a limit: an operator has to look."""

    def __init__(self, topic: str, what: str) -> None:
        self.topic = topic
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest share of a partition's window, and how many in a row are too many.

    A window that is not full counts as if good records came before: a few make no share.
    """

    share_max: float = 0.5  # 1: no limit
    run_max: int = 500  # 0: no limit


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a partition: the number of its next record, the bad ones in its window, and their run.

    The bad ones are ascending; the run is of those that are the last records without a good one.
    Numbers begin at an offset and grow by one a record: a transaction's marker is no record.
    """

    next_number: int = 0
    bad: tuple[int, ...] = ()
    run: int = 0

    def with_bad(self, number: int) -> "Seen":
        """Give this after a bad record; what is between was good."""
        run = self.run + 1 if number == self.next_number else 1
        return Seen(number + 1, (*_window(self.bad, number), number), run)

    def up_to(self, next_number: int) -> "Seen":
        """Give this after good records; none is none."""
        if next_number == self.next_number:
            return self
        return Seen(next_number, _window(self.bad, next_number - 1))


def remembered(next_offset: int, bad_offsets: Iterable[int]) -> Seen:
    """Give what dead letters tell of the records before an offset; they are ascending."""
    seen = Seen()
    for offset in bad_offsets:
        seen = seen.with_bad(offset)
    return seen.up_to(next_offset)


def after(seen: Mapping[Place, Seen], batch: Batch, limits: Limits) -> dict[Place, Seen]:
    """Give what will have been seen once a batch is applied. Raises TooManyDeadLetters."""
    moved = dict(seen)
    for place, count in batch.counts.items():
        before = at = seen.get(place, Seen())
        for index, letter in batch.unreadable.get(place, ()):
            at = at.with_bad(before.next_number + index)
            if passed := _passed(at, limits):
                lane, topic = place
                raise TooManyDeadLetters(
                    topic,
                    f"{topic}[{lane}] has {passed} that cannot be read, up to offset"
                    f" {letter.offset}: {letter.reason}",
                )
        moved[place] = at.up_to(before.next_number + count)
    return moved


def _passed(seen: Seen, limits: Limits) -> str | None:
    """Tell which limit a bad record has passed, in words that go before `records`."""
    if limits.run_max and seen.run >= limits.run_max:
        return f"{seen.run:,} records in a row"
    if len(seen.bad) > limits.share_max * WINDOW_RECORDS:
        return f"{len(seen.bad):,} of its last {WINDOW_RECORDS:,} records"
    return None


def _window(bad: tuple[int, ...], last: int) -> tuple[int, ...]:
    return bad[bisect_right(bad, last - WINDOW_RECORDS) :]
