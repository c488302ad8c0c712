"""Outcomes and dead letters, numbered and made ready for the journal."""

from collections.abc import Iterable, Mapping

from db.lanes import Lane
from schemas.identity import time_ordered_id
from schemas.journal import DeadLetter, Headers, JournalEntry
from schemas.outcomes import CE_TYPE_PREFIX, Outcome
from schemas.vocabulary import Stream


def journal_entries(
    lanes: Mapping[int, Lane], outcomes: Iterable[Outcome], dead_letters: Iterable[DeadLetter]
) -> list[JournalEntry]:
    """Give each outcome and each dead letter its lane's next sequence number."""
    entries = [_outcome_entry(lanes[outcome.lane], outcome) for outcome in outcomes]
    return entries + [_dead_letter_entry(lanes[letter.lane], letter) for letter in dead_letters]


def _next_sequence(lane: Lane, stream: Stream) -> int:
    lane.outputs[stream].sequence += 1
    return lane.outputs[stream].sequence


def _outcome_entry(lane: Lane, outcome: Outcome) -> JournalEntry:
    outcome.sequence = _next_sequence(lane, "outcomes")
    return JournalEntry(
        lane=lane.lane,
        stream="outcomes",
        sequence=outcome.sequence,
        id=outcome.outcome_id,
        type=CE_TYPE_PREFIX + outcome.type,
        occurred_at=outcome.occurred_at,
        key=outcome.consumer_id.encode(),
        value=outcome.body(),
        traceparent=outcome.traceparent,
    )


def _dead_letter_entry(lane: Lane, letter: DeadLetter) -> JournalEntry:
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
