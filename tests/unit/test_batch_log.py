"""What is logged of a batch: a line for it, one for each kind of no, none for an event."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from consumers.batch_log import REFUSALS, BatchLog
from consumers.records import Batch
from consumers.transaction import Applied
from db.lanes import Lane
from schemas.adjusted import AnyOutcome
from schemas.journal import DeadLetter, JournalEntry
from schemas.outcomes import Outcome, OutcomeCause
from schemas.vocabulary import OutcomeType, Reason

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TICKS, ADMITTED = "expiry-ticks", "admitted"
EPOCHS = {0: 7, 3: 9, 5: 2}


def outcome(kind: OutcomeType, reason: Reason | None = None, lane: int = 0) -> Outcome:
    return Outcome(
        outcome_id=UUID(int=1),
        type=kind,
        organization_id="acme",
        consumer_id="ada",
        reason=reason,
        occurred_at=NOON,
        lane=lane,
        cause=OutcomeCause(topic=ADMITTED, partition=lane, offset=1),
    )


def letter(topic: str, offset: int, lane: int = 0) -> DeadLetter:
    return DeadLetter(lane, topic, lane, offset, b"ada", b"?", (), NOON, f"no JSON at {offset}")


def batch_of(places: Iterable[tuple[int, str]], letters: Iterable[DeadLetter] = ()) -> Batch:
    batch = Batch(dead_letters=list(letters))
    for lane, topic in places:
        batch.next_offsets[lane, topic] = batch.next_offsets.get((lane, topic), 0) + 1
        batch.counts[lane, topic] += 1
    return batch


def applied(
    outcomes: Iterable[Outcome] = (), results: dict[Any, int] | None = None, **rest: Any
) -> Applied:
    said: list[AnyOutcome] = list(outcomes)
    entries = [
        JournalEntry(one.lane, "outcomes", 1, one.outcome_id, one.type, NOON, None, None)
        for one in said
    ]
    lanes = {
        number: Lane(number, epoch, NOON, 0, next_offsets={}) for number, epoch in EPOCHS.items()
    }
    return Applied(lanes, entries, said, Counter(results or {}), set(), len(said), **rest)


def lines(batch: Batch, committed: Applied) -> list[Any]:
    with capture_logs() as logged:
        BatchLog(TICKS).tell(batch, committed)
    return logged


def test_a_batch_is_one_line_with_its_lanes_epochs_and_counts() -> None:
    batch = batch_of([(3, ADMITTED), (0, ADMITTED), (0, ADMITTED), (0, TICKS)])
    said = [outcome("reserved"), outcome("reserved", lane=3), outcome("converted", lane=3)]
    results = {(ADMITTED, "applied"): 2, ("carts", "applied"): 1, (TICKS, "applied"): 1}

    [line] = lines(
        batch, applied(said, results, seconds={"load": 0.25, "save": 0.5}, age_seconds=1.23456)
    )

    assert line == {
        "event": "batch.applied",
        "log_level": "info",
        "batch": 1,
        "lanes": [0, 3],
        "epochs": [7, 9],
        "records": 3,
        "ticks": 0,
        "events": {"applied": 3},
        "outcomes": {"reserved": 2, "converted": 1},
        "dead_letters": 0,
        "seconds": 0.75,
        "age_seconds": 1.235,
    }


def test_each_way_to_say_no_is_a_line_with_its_count() -> None:
    said = [
        outcome("rejected", "insufficient_stock"),
        outcome("rejected", "insufficient_stock", lane=3),
        outcome("rejected", "unknown_stock_line"),
        outcome("reserved"),
        outcome("unfulfilled", "grace_over", lane=5),
    ]

    _, *refused = lines(batch_of([(0, ADMITTED)]), applied(said))

    assert [list(line.values()) for line in refused] == [
        [1, [0, 3], [7, 9], "rejected", "insufficient_stock", 2, "batch.refusals", "info"],
        [1, [0], [7], "rejected", "unknown_stock_line", 1, "batch.refusals", "info"],
        [1, [5], [2], "unfulfilled", "grace_over", 1, "batch.refusals", "info"],
    ]


def test_a_thousand_refusals_are_as_many_lines_as_one() -> None:
    said = [outcome("rejected", "insufficient_stock")] * 1000

    counts = [line.get("count") for line in lines(batch_of([(0, ADMITTED)] * 1000), applied(said))]

    assert counts == [None, 1000]


@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_what_says_no_is_a_refusal(kind: OutcomeType) -> None:
    assert len(lines(batch_of([(0, ADMITTED)]), applied([outcome(kind)]))) == 2


def test_dead_letters_are_a_warning_of_each_topic_with_the_first() -> None:
    letters = [letter(ADMITTED, 4), letter("carts", 8, lane=3), letter(ADMITTED, 5)]
    results = {(ADMITTED, "dead_letter"): 2, ("carts", "dead_letter"): 1}

    line, *warnings = lines(
        batch_of([(0, ADMITTED), (3, "carts")], letters), applied(results=results)
    )

    assert line["dead_letters"] == 3
    assert [(one["log_level"], one["count"], one["first"], one["lanes"]) for one in warnings] == [
        ("warning", 2, "admitted[0]@4: no JSON at 4", [0]),
        ("warning", 1, "carts[3]@8: no JSON at 8", [3]),
    ]


@pytest.mark.parametrize(
    ("committed", "level"),
    [
        (applied(), "debug"),
        (applied(results={(TICKS, "applied"): 2}), "debug"),
        (applied([outcome("expired")], {(TICKS, "applied"): 1}), "info"),
        (applied(results={(TICKS, "applied"): 1, (ADMITTED, "duplicate"): 1}), "info"),
        (applied(results={(ADMITTED, "passed_over"): 1}), "info"),
    ],
)
def test_ticks_that_change_nothing_are_told_at_debug_alone(committed: Applied, level: str) -> None:
    [line] = lines(batch_of([(0, TICKS)]), committed)

    assert line["log_level"] == level


def test_batches_are_numbered() -> None:
    log = BatchLog(TICKS)

    with capture_logs() as logged:
        for _ in range(3):
            log.tell(batch_of([(0, ADMITTED)]), applied([outcome("reserved")]))

    assert [line["batch"] for line in logged] == [1, 2, 3]
