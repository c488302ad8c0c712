"""What a poll brought becomes a batch: what counts, and in which order."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from consumers.record import Record
from consumers.records import Batch, read_batch
from db.lanes import Lane
from schemas.events import Event
from schemas.trace import Trace
from service.settings import Settings
from tests.unit.records import FIXTURES, encode
from tests.unit.records import record as envelope

TOPICS = tuple(Settings().input_topics)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR_MS = 3600 * 1000
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_topics_are_applied_in_their_order_whatever_their_times() -> None:
    batch = read(
        record("admission-expired", told("admission.expired", "eve"), at_ms=1),
        record("hold-commands", told("hold.release", "dee"), at_ms=2),
        record("checkout-completed", told("admission.completed", "cy"), at_ms=3),
        record("cart-updated", told("cart.updated", "bo", items=[]), at_ms=4),
        record("admitted", told("admission.created", "ada"), at_ms=5),
    )

    assert shoppers(batch) == ["ada", "bo", "cy", "dee", "eve"]
    assert batch.size == 5


def test_lanes_are_merged_by_time_within_a_topic() -> None:
    batch = read(
        record("admitted", shopper="ada", lane=0, offset=0, at_ms=10),
        record("admitted", shopper="cy", lane=0, offset=1, at_ms=30),
        record("admitted", shopper="bo", lane=1, offset=0, at_ms=20),
        record("admitted", shopper="dee", lane=1, offset=1, at_ms=40),
    )

    assert shoppers(batch) == ["ada", "bo", "cy", "dee"]
    assert [arrival.lane for arrival in batch.arrivals] == [0, 1, 0, 1]
    assert batch.oldest_timestamp_ms == 10


def test_within_a_lane_offsets_keep_their_order_whatever_the_times() -> None:
    batch = read(
        record("admitted", shopper="ada", offset=0, at_ms=30),
        record("admitted", shopper="bo", offset=1, at_ms=10),
    )

    assert shoppers(batch) == ["ada", "bo"]
    assert batch.oldest_timestamp_ms == 10


def test_a_lane_that_is_not_ours_is_left_alone() -> None:
    batch = read(record("admitted", lane=0), record("admitted", lane=7))

    assert batch.size == 1
    assert batch.next_offsets == {(0, "admitted"): 1}


def test_what_is_below_the_stored_offset_was_applied_before() -> None:
    mine = lane(0, admitted=2)

    batch = read(*(record("admitted", shopper=f"n-{n}", offset=n) for n in range(4)), lanes=[mine])

    assert shoppers(batch) == ["n-2", "n-3"]
    assert batch.results == {("admitted", "duplicate"): 2}
    assert batch.next_offsets == {(0, "admitted"): 4}
    assert batch.size == 2


def test_nothing_new_moves_nothing() -> None:
    batch = read(record("admitted", offset=1), lanes=[lane(0, admitted=2)])

    assert batch.next_offsets == {}
    assert batch.oldest_timestamp_ms is None


def test_a_record_without_a_time_is_of_no_age() -> None:
    assert read(record("admitted", at_ms=-1)).oldest_timestamp_ms is None

    batch = read(
        record("admitted", offset=0, at_ms=-1),
        record("admitted", offset=1, at_ms=20),
        record("admission-expired", at_ms=0),
    )

    assert batch.size == 3
    assert batch.oldest_timestamp_ms == 20


def test_of_the_ticks_of_a_lane_only_the_newest_counts() -> None:
    minutes = [1, 3, 2]

    batch = read(
        *(record("expiry-ticks", tick(minute), offset=n) for n, minute in enumerate(minutes)),
        record("expiry-ticks", tick(1), lane=1),
    )

    newest = {number: arrival.event.at for number, arrival in batch.ticks.items()}  # type: ignore[union-attr]
    assert newest == {0: NOON + timedelta(minutes=3), 1: NOON + timedelta(minutes=1)}
    assert batch.ticks[0].cause.offset == 1
    assert batch.results == {("expiry-ticks", "stale"): 2}
    assert batch.arrivals == []


def test_an_unreadable_record_is_kept_as_it_came() -> None:
    came = record("admitted", b"?", key=b"k", headers=[("h", None)], offset=5, at_ms=1000)

    (letter,) = read(came).dead_letters

    assert (letter.topic, letter.partition, letter.offset) == ("admitted", 0, 5)
    assert (letter.key, letter.value, letter.headers) == (b"k", b"?", (("h", None),))
    assert letter.timestamp == datetime.fromtimestamp(1, UTC)


def test_a_record_without_a_time_or_with_an_impossible_one_is_of_1970_at_the_earliest() -> None:
    letters = read(
        record("admitted", b"?", offset=0, at_ms=-1),
        record("admitted", b"?", offset=1, at_ms=2**62),
    ).dead_letters

    assert [abs(letter.timestamp.timestamp()) < 1 for letter in letters] == [True, True]


def test_what_means_nothing_here_is_passed_over_and_counts_as_read() -> None:
    batch = read(record("admitted", told("queue.consumer.entered", "ada")))

    assert batch.results == {("admitted", "passed_over"): 1}
    assert batch.next_offsets == {(0, "admitted"): 1}
    assert (batch.arrivals, batch.dead_letters) == ([], [])


@pytest.mark.parametrize(
    "value",
    [
        FIXTURES["a.auction.settled.without_winner"].read_bytes(),
        encode(envelope("draw.winners_selected", data={"winners": []})),
    ],
)
def test_what_nobody_has_won_is_passed_over_and_counts_as_read(value: bytes) -> None:
    batch = read(record("checkout-completed", value))

    assert batch.results == {("checkout-completed", "passed_over"): 1}
    assert batch.next_offsets == {(0, "checkout-completed"): 1}
    assert (batch.arrivals, batch.dead_letters) == ([], [])


@pytest.mark.parametrize(
    ("at_ms", "is_refused"),
    [
        (HOUR_MS, False),
        (HOUR_MS - 1, True),
        (1, True),
        (0, False),  # no time
        (-1, False),  # no time
        (2**62, False),  # no time that there is
    ],
)
def test_what_is_to_happen_long_after_its_record_is_refused(at_ms: int, is_refused: bool) -> None:
    value = told("cart.updated", "ada", items=[], updatedAt="1970-01-01T02:00:00Z")

    batch = read(record("cart-updated", value, at_ms=at_ms))

    reasons = [letter.reason for letter in batch.dead_letters]
    wording = "data.updatedAt: is more than an hour after the record's own time"
    assert reasons == [wording] * is_refused
    assert len(batch.arrivals) == (not is_refused)


def test_a_tick_may_be_of_any_time() -> None:
    batch = read(record("expiry-ticks", tick(1), at_ms=1))

    assert batch.dead_letters == []
    assert batch.ticks[0].event.at == NOON + timedelta(minutes=1)  # type: ignore[union-attr]


def test_another_key_than_the_shopper_is_counted_once_a_record() -> None:
    batch = read(
        record("admitted", shopper="ada", offset=0, key=b"ada"),
        record("admitted", shopper="bo", offset=1, key=b"ada"),
        record("admitted", shopper="cy", offset=2, key=None),
    )

    assert batch.misrouted == 1


def test_a_draw_has_a_cause_for_each_winner_and_is_not_misrouted() -> None:
    winners = FIXTURES["b.draw.winners_selected"].read_bytes()

    batch = read(record("admitted", winners, offset=9, key=b"draw_789"))

    causes = [(arrival.cause.offset, arrival.cause.line) for arrival in batch.arrivals]
    assert causes == [(9, line) for line in range(len(causes))]
    assert len(causes) > 1
    assert batch.misrouted == 0


def test_an_event_has_the_trace_of_its_record() -> None:
    headers = [("traceparent", TRACEPARENT.encode()), ("tracestate", b"shop=1")]

    batch = read(
        record("admitted", shopper="ada", offset=0, headers=headers),
        record("admitted", shopper="bo", offset=1),
    )

    assert [one.trace for one in batch.arrivals] == [Trace(TRACEPARENT, "shop=1"), None]


def read(*records: Record, lanes: Iterable[Lane] | None = None) -> Batch:
    """Read records as one poll brings them: by topic and lane."""
    polled: dict[TopicPartition, list[Record]] = {}
    for one in records:
        polled.setdefault(TopicPartition(one.topic, one.partition), []).append(one)
    mine = [lane(0), lane(1)] if lanes is None else lanes
    return read_batch(polled, {each.lane: each for each in mine}, TOPICS)


def lane(number: int, **next_offsets: int) -> Lane:
    return Lane(number, 1, NOON, 0, next_offsets=dict.fromkeys(TOPICS, 0) | next_offsets)


def record(
    topic: str,
    value: bytes | None = None,
    *,
    shopper: str = "ada",
    lane: int = 0,
    offset: int = 0,
    at_ms: int = 0,
    key: bytes | None = None,
    headers: Iterable[tuple[str, Any]] = (),
) -> Record:
    value = told("admission.created", shopper) if value is None else value
    return Record(topic, lane, offset, at_ms, key, value, tuple(headers))


def told(type_: str, shopper: str, **data: Any) -> bytes:
    """Tell of 1970, which no record's time is before."""
    return encode(envelope(type_, timestamp=0, data={"consumerId": shopper} | data))


def tick(minute: int) -> bytes:
    at = NOON + timedelta(minutes=minute)
    return json.dumps({"type": "expiry.tick", "at": at.isoformat()}).encode()


def shoppers(batch: Batch) -> list[str]:
    events = [arrival.event for arrival in batch.arrivals]
    return [event.consumer_id for event in events if isinstance(event, Event)]
