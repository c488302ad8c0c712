"""Outcomes and dead letters, numbered and made ready for the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from db.lanes import Lane
from schemas.adjusted import AnyOutcome
from schemas.identity import time_ordered_id
from schemas.journal import DeadLetter, Headers, JournalEntry
from schemas.outcomes import CE_TYPE_PREFIX
from schemas.trace import TRACESTATE, Trace
from schemas.vocabulary import Stream

# What the topic of dead letters takes, as `topics create` makes it.
DEAD_LETTER_BYTES_MAX: Final = 16 * 1024 * 1024
_CONTENT_BYTES_MAX: Final = DEAD_LETTER_BYTES_MAX - 1024 * 1024  # the rest is for our headers


def journal_entries(
    lanes: Mapping[int, Lane], outcomes: Iterable[AnyOutcome], dead_letters: Iterable[DeadLetter]
) -> list[JournalEntry]:
    """Give each outcome and each dead letter its lane's next sequence number."""
    entries = [_outcome_entry(lanes[outcome.lane], outcome) for outcome in outcomes]
    return entries + [_dead_letter_entry(lanes[letter.lane], letter) for letter in dead_letters]


def _next_sequence(lane: Lane, stream: Stream) -> int:
    lane.outputs[stream].sequence += 1
    return lane.outputs[stream].sequence


def _outcome_entry(lane: Lane, outcome: AnyOutcome) -> JournalEntry:
    outcome.sequence = _next_sequence(lane, "outcomes")
    return JournalEntry(
        lane=lane.lane,
        stream="outcomes",
        sequence=outcome.sequence,
        id=outcome.outcome_id,
        type=CE_TYPE_PREFIX + outcome.type,
        occurred_at=outcome.occurred_at,
        key=outcome.key(),
        value=outcome.body(),
        headers=_state(outcome.trace),
        traceparent=outcome.trace.parent if outcome.trace else None,
    )


def _state(trace: Trace | None) -> Headers:
    return ((TRACESTATE, trace.state.encode()),) if trace and trace.state else ()


def _dead_letter_entry(lane: Lane, letter: DeadLetter) -> JournalEntry:
    letter = _cut_to_size(letter)
    where = (letter.topic, letter.partition, letter.offset)
    letter_id = time_ordered_id(letter.timestamp, "dead_letter", *where)
    return JournalEntry(
        lane=lane.lane,
        stream="dead_letters",
        sequence=_next_sequence(lane, "dead_letters"),
        id=letter_id,
        type="dead_letter",
        occurred_at=letter.timestamp,
        key=letter.key,
        value=letter.value,
        headers=letter.headers + _headers(letter),
    )


def _cut_to_size(letter: DeadLetter) -> DeadLetter:
    """Take the content of what no topic would take, say a small record that unpacks to a huge one.

    It is still where `dlq.topic`, `dlq.partition` and `dlq.offset` say, and its size is told.
    """
    sizes = [len(letter.key or b""), len(letter.value or b"")]
    sizes += [len(name) + len(value or b"") for name, value in letter.headers]
    if sum(sizes) <= _CONTENT_BYTES_MAX:
        return letter
    truncated = (("dlq.truncated", str(sum(sizes)).encode()),)
    return replace(letter, key=None, value=None, headers=truncated)


def _headers(letter: DeadLetter) -> Headers:
    """Where the record was and why it is here, as text: the record itself stays untouched."""
    facts = {
        "dlq.topic": letter.topic,
        "dlq.partition": letter.partition,
        "dlq.offset": letter.offset,
        "dlq.reason": letter.reason,
        "dlq.time": letter.timestamp.isoformat(),
    }
    return tuple((name, str(fact).encode()) for name, fact in facts.items())
