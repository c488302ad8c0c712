"""What a batch did, in the log: one line for it, and one for each way in which it said no.

A batch serves several lanes, so `lanes` and `epochs` are lists, of those that it had something of,
side by side; `batch` counts within one membership of the group. There is no line for an event.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import structlog

from consumers.records import Batch
from consumers.transaction import Applied
from schemas.adjusted import AnyOutcome
from schemas.journal import DeadLetter
from schemas.vocabulary import OutcomeType

log = structlog.get_logger()

REFUSALS: Final[frozenset[OutcomeType]] = frozenset(
    {"rejected", "refused", "unfulfilled", "ambiguous", "orphaned"}
)


class BatchLog:
    """Tells of the batches of one membership."""

    def __init__(self, ticks_topic: str) -> None:
        self._ticks_topic = ticks_topic
        self._number = 0

    def tell(self, batch: Batch, applied: Applied) -> None:
        """Log a batch that is committed: at debug where it had ticks alone, and said nothing."""
        self._number += 1
        lanes = {lane for lane, _ in batch.next_offsets} | {one.lane for one in applied.entries}
        say = log.debug if self._is_idle(applied) else log.info
        trace = {"trace_id": applied.trace_id} if applied.trace_id else {}
        place = self._place(applied, lanes)
        say("batch.applied", **place, **self._counts(batch, applied), **trace)
        for (kind, reason), by_lane in refusals(applied.outcomes).items():
            where = self._place(applied, by_lane)
            log.info("batch.refusals", **where, type=kind, reason=reason, count=by_lane.total())
        for topic, letters in _by_topic(batch.dead_letters).items():
            where = self._place(applied, {letter.lane for letter in letters})
            first = f"{topic}[{letters[0].partition}]@{letters[0].offset}: {letters[0].reason}"
            log.warning("batch.dead_letters", **where, topic=topic, count=len(letters), first=first)

    def _is_idle(self, applied: Applied) -> bool:
        return not applied.entries and {topic for topic, _ in applied.results} <= {
            self._ticks_topic
        }

    def _place(self, applied: Applied, numbers: Iterable[int]) -> dict[str, Any]:
        lanes = sorted(numbers)
        epochs = [applied.lanes[number].epoch for number in lanes]
        return {"batch": self._number, "lanes": lanes, "epochs": epochs}

    def _counts(self, batch: Batch, applied: Applied) -> dict[str, Any]:
        events: Counter[str] = Counter()
        for (topic, result), count in applied.results.items():
            events[result] += count if topic != self._ticks_topic else 0
        age = applied.age_seconds
        return {
            "records": batch.size_without(self._ticks_topic),
            "ticks": len(batch.ticks),
            "events": dict(+events),
            "outcomes": dict(Counter(outcome.type for outcome in applied.outcomes)),
            "dead_letters": len(batch.dead_letters),
            "seconds": round(sum(applied.seconds.values()), 4),
            "age_seconds": None if age is None else round(age, 3),
        }


def refusals(outcomes: Iterable[AnyOutcome]) -> dict[tuple[OutcomeType, str | None], Counter[int]]:
    """Count the outcomes that say no, by type and reason, and of these by lane."""
    found: dict[tuple[OutcomeType, str | None], Counter[int]] = {}
    for outcome in outcomes:
        if outcome.type in REFUSALS:
            found.setdefault((outcome.type, outcome.reason), Counter())[outcome.lane] += 1
    return found


def _by_topic(letters: Iterable[DeadLetter]) -> dict[str, list[DeadLetter]]:
    found: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        found.setdefault(letter.topic, []).append(letter)
    return found
