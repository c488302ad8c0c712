"""A batch that Postgres refuses: who is found, what it costs, and that the order stays."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

import pytest
from aiokafka.structs import TopicPartition
from asyncpg import CheckViolationError
from hypothesis import given
from hypothesis import strategies as st

from consumers.faults import PermanentFault
from consumers.pieces import Piece, Pieces, refusal_of
from consumers.record import Record, Records
from consumers.records import in_order, read_batch
from db.lanes import Lane

TOPICS = ("admitted", "checkout-completed", "expiry-ticks")
TICKS = TOPICS[-1]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSED = CheckViolationError("new row violates check constraint")

Place = tuple[str, int, int]  # topic, partition, offset


def test_the_refused_record_is_a_dead_letter_and_all_others_are_applied_in_their_order() -> None:
    batch = polled(*(("admitted", 0, n) for n in range(2000)))

    applied, dead, transactions = apply(batch, refused={("admitted", 0, 1234)})

    assert dead == [("admitted", 0, 1234)]
    assert applied == [("admitted", 0, n) for n in range(2000) if n != 1234]
    assert transactions <= 2 * math.ceil(math.log2(2000)) + 2


def test_a_batch_that_is_not_refused_is_one_transaction() -> None:
    batch = polled(*(("admitted", 0, n) for n in range(2000)))

    applied, dead, transactions = apply(batch, refused=())

    assert (len(applied), dead, transactions) == (2000, [], 1)


def test_all_may_be_refused() -> None:
    places = [("admitted", 0, n) for n in range(9)]

    applied, dead, _ = apply(polled(*places), refused=places)

    assert (applied, dead) == ([], places)


places = st.tuples(st.sampled_from(TOPICS[:2]), st.integers(0, 2), st.integers(0, 30))


@given(st.sets(places, min_size=1), st.data())
def test_whatever_is_refused_nothing_is_lost_or_moved(
    batch: set[Place], data: st.DataObject
) -> None:
    refused = data.draw(st.sets(st.sampled_from(sorted(batch))))
    times = data.draw(st.lists(st.integers(0, 9), min_size=len(batch), max_size=len(batch)))
    records = polled(*sorted(batch), at_ms=times)
    whole = [place(record) for record in in_order(records, TOPICS)]

    applied, dead, _ = apply(records, refused)

    assert applied == [one for one in whole if one not in refused]
    assert dead == [one for one in whole if one in refused]


def test_what_two_records_do_together_is_refused_and_each_alone_is_not() -> None:
    batch = polled(("admitted", 0, 0), ("admitted", 0, 1))
    pieces = Pieces(TOPICS, TICKS)

    pieces.put_back(Piece(batch), REFUSED)

    assert [places_of(pieces.next()) for _ in range(2)] == [
        [("admitted", 0, 0)],
        [("admitted", 0, 1)],
    ]
    assert not pieces


def test_ticks_alone_cannot_be_to_blame() -> None:
    pieces = Pieces(TOPICS, TICKS)

    with pytest.raises(PermanentFault, match="new row violates check constraint"):
        pieces.put_back(Piece(polled((TICKS, 0, 0), (TICKS, 1, 0))), REFUSED)


def test_nor_can_a_sweep_that_has_no_record() -> None:
    with pytest.raises(PermanentFault):
        Pieces(TOPICS, TICKS).put_back(Piece({}), REFUSED)


def test_a_tick_is_cut_from_the_events_before_it() -> None:
    pieces = Pieces(TOPICS, TICKS)

    pieces.put_back(Piece(polled((TICKS, 0, 0), ("admitted", 0, 0))), REFUSED)

    assert places_of(pieces.next()) == [("admitted", 0, 0)]
    assert places_of(pieces.next()) == [(TICKS, 0, 0)]


def test_a_dead_letter_that_is_refused_too_is_nothing_to_go_on_with() -> None:
    pieces = Pieces(TOPICS, TICKS)
    pieces.put_back(Piece(polled(("admitted", 0, 0))), REFUSED)
    dead_letter = pieces.next()
    assert dead_letter.refusal

    with pytest.raises(PermanentFault):
        pieces.put_back(dead_letter, REFUSED)


def test_after_a_take_over_kafka_gives_them_again() -> None:
    pieces = Pieces(TOPICS, TICKS)
    pieces.put_back(Piece(polled(("admitted", 0, 0), ("admitted", 0, 1))), REFUSED)

    pieces.forget()

    assert not pieces


def test_a_reason_has_names_of_ours_and_no_values() -> None:
    error = CheckViolationError("new row for relation ... violates ...")
    error.detail = "Failing row contains (ada, s3cret)."
    error.table_name, error.constraint_name = "reservations", "no_thirteen"

    assert refusal_of(error) == "the database refuses it: 23514 reservations no_thirteen"
    assert refusal_of(OverflowError("42 is too much")) == "the database refuses it: OverflowError"


def test_a_refused_record_is_not_read_and_is_kept_as_it_came() -> None:
    records = polled(("admitted", 0, 7))

    batch = read_batch(records, {0: lane(0)}, TOPICS, "the database refuses it: 23514")

    (letter,) = batch.dead_letters
    assert (letter.offset, letter.value) == (7, b"{}")
    assert letter.reason == "the database refuses it: 23514"
    assert batch.arrivals == []
    assert batch.next_offsets == {(0, "admitted"): 8}
    assert batch.results == {("admitted", "dead_letter"): 1}
    assert batch.size == 1


def apply(records: Records, refused: Collection[Place]) -> tuple[list[Place], list[Place], int]:
    """Apply as the loop does, with a database that refuses some records."""
    pieces, piece = Pieces(TOPICS, TICKS), Piece(records)
    applied: list[Place] = []
    dead: list[Place] = []
    transactions = 0
    while True:
        transactions += 1
        told = places_of(piece)
        if piece.refusal:
            dead += told
        elif set(told) & set(refused):
            pieces.put_back(piece, REFUSED)
        else:
            applied += told
        if not pieces:
            return applied, dead, transactions
        piece = pieces.next()


def places_of(piece: Piece) -> list[Place]:
    return [place(record) for record in in_order(piece.records, TOPICS)]


def place(record: Record) -> Place:
    return record.topic, record.partition, record.offset


def polled(*where: Place, at_ms: Iterable[int] = ()) -> Records:
    times = [*at_ms] or [0] * len(where)
    found: dict[TopicPartition, list[Record]] = defaultdict(list)
    for (topic, partition, offset), at in zip(where, times, strict=True):
        found[TopicPartition(topic, partition)].append(
            Record(topic, partition, offset, at, None, b"{}", ())
        )
    return found


def lane(number: int) -> Lane:
    return Lane(number, 1, NOON, 0, next_offsets=dict.fromkeys(TOPICS, 0))
