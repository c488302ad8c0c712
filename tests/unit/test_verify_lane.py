"""How a published stream differs from its journal: what comes, and what is said of it."""

import pytest

import service.verify_lane
from db.verify_journal import StreamEnd
from service.verify_lane import LaneComparison, PublishedEntry, note_of

# "7" is the record with sequence 7 and the id that the journal has for it; "7!" has another id,
# "?" is a record of somebody else.
STORIES = [
    ("all there", 5, "1 2 3 4 5", 0, None),
    ("published meanwhile", 3, "1 2 3 4 5", 0, None),
    ("the first missing", 5, "2 3 4 5", 1, "outcomes[0]: sequence 1, id id-1, is missing"),
    ("one missing", 5, "1 2 4 5", 1, "outcomes[0]: sequence 3, id id-3, is missing"),
    ("two missing", 5, "1 3 5", 2, "outcomes[0]: sequence 2, id id-2, is missing"),
    ("the last missing", 5, "1 2 3", 2, "outcomes[0]: sequence 4, id id-4, is unpublished: 5 is"),
    (
        "two changed",
        5,
        "1 3 2 4 5",
        1,
        "outcomes[0]@2: sequence 2, id id-2, comes after sequence 3",
    ),
    ("one twice", 5, "1 2 3 2 4 5", 1, "outcomes[0]@3: sequence 2, id id-2, is there twice"),
    ("late and twice", 3, "1 3 2 2", 2, "outcomes[0]@2: sequence 2, id id-2, comes after"),
    ("all twice", 2, "1 2 1 2", 2, "outcomes[0]@2: sequence 1, id id-1, is there twice"),
    ("one of nobody", 3, "1 2 3 99", 1, "outcomes[0]@3: sequence 99, id id-99, is not in the jou"),
    ("another id", 3, "1 2! 3", 1, "outcomes[0]@1: sequence 2, id other, has the id id-2 in"),
    ("twice under another id", 3, "1 2 2! 3", 1, "outcomes[0]@2: sequence 2, id other, has the"),
    ("a stranger", 3, "1 ? 2 3", 1, "outcomes[0]@1: it has no sequence number or no id"),
    ("the lowest is named", 5, "1 99 4 5", 3, "outcomes[0]: sequence 2, id id-2, is missing"),
]
JOURNAL = {sequence: f"id-{sequence}" for sequence in range(1, 11)}


def compare(records: str, end: StreamEnd, *, front_deleted: bool = False) -> LaneComparison:
    comparison = LaneComparison("outcomes[0]", end, front_deleted=front_deleted)
    for offset, word in enumerate(records.split()):
        comparison.add(read(word, offset), JOURNAL)
    comparison.finish({wanted: JOURNAL[wanted] for wanted in comparison.wanted()})
    return comparison


def read(word: str, offset: int) -> PublishedEntry:
    if word == "?":
        return PublishedEntry(offset, None, None)
    sequence = int(word.rstrip("!"))
    return PublishedEntry(offset, sequence, "other" if word.endswith("!") else f"id-{sequence}")


@pytest.mark.parametrize(
    ("last", "records", "differences", "words"),
    [story[1:] for story in STORIES],
    ids=[story[0] for story in STORIES],
)
def test_a_stream_differs_as_told(
    last: int, records: str, differences: int, words: str | None
) -> None:
    comparison = compare(records, StreamEnd(0, "outcomes", sequence=last))

    assert comparison.looked_at == len(records.split())
    assert comparison.differences == differences
    assert (comparison.first or (0, ""))[1].startswith(words or "")
    assert (comparison.first is None) == (words is None)


def test_a_deleted_front_is_no_difference() -> None:
    comparison = compare("4 5", StreamEnd(0, "outcomes", sequence=5), front_deleted=True)

    assert comparison.differences == 0
    assert note_of([comparison]) == (
        "topic begins at sequence 4 in lane 0: retention deleted 3 records"
    )


def test_a_front_deleted_while_reading_is_no_difference() -> None:
    comparison = LaneComparison("outcomes[0]", StreamEnd(0, "outcomes", 1, 8), front_deleted=False)
    for offset, word in enumerate(["1", "2"]):
        comparison.add(read(word, offset), JOURNAL)
    comparison.forget_front()
    for offset, word in enumerate(["6", "7", "8"], start=5):
        comparison.add(read(word, offset), JOURNAL)
    comparison.finish({})

    assert comparison.differences == 0
    assert "begins at sequence 6" in str(note_of([comparison]))


def test_what_the_journal_has_pruned_cannot_differ() -> None:
    end = StreamEnd(0, "outcomes", first_sequence=4, sequence=5)
    comparison = LaneComparison("outcomes[0]", end, front_deleted=False)
    for offset, word in enumerate(["1", "3", "4", "5"]):
        comparison.add(read(word, offset), {4: "id-4", 5: "id-5"})
    comparison.finish({})

    assert comparison.differences == 0


def test_gaps_beyond_what_is_kept_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.verify_lane, "_GAPS_KEPT_MAX", 2)

    comparison = compare("1 7", StreamEnd(0, "outcomes", sequence=7))

    assert comparison.differences == 5
    assert comparison.first == (2, "outcomes[0]: sequence 2, id id-2, is missing")


def test_many_lanes_begin_later_in_one_line() -> None:
    lanes = [
        compare("3", StreamEnd(lane, "outcomes", sequence=3), front_deleted=True)
        for lane in range(5)
    ]

    assert note_of(lanes) == (
        "topic begins at sequence 3 in lane 0, 3 in lane 1, 3 in lane 2 and later than 1 in 2 more:"
        " retention deleted 10 records"
    )
