"""Times that cannot be: what is to happen long after its record was written."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.decode import decode
from schemas.fields import FUTURE_SECONDS_MAX
from tests.unit.records import Json, encode, record, refusal, with_data

# Every event of these records is of this time.
AT = datetime(2024, 12, 1, 9, 15, tzinfo=UTC)
HOUR = timedelta(seconds=FUTURE_SECONDS_MAX)
MOMENT = timedelta(microseconds=1)
TOO_FAR = "is more than an hour after the record's own time"

RECORDS: dict[str, Json] = {
    "data.admittedAt": with_data(admittedAt=AT.isoformat(), expiresAt="2025-06-01T00:00:00Z"),
    "data.wonAt": with_data("draw.consumer.won", wonAt=AT.isoformat()),
    "data.winners": with_data("draw.winners_selected", winners=[{"consumerId": "bo"}]),
    "data.completedAt": with_data("order.completed", completedAt=AT.isoformat()),
    "data.settledAt": with_data("auction.settled", settledAt=AT.isoformat()),
    "data.cancelledAt": with_data("order.cancelled", orderId="o", cancelledAt=AT.isoformat()),
    "data.leftAt": with_data("queue.consumer.left", leftAt=AT.isoformat()),
    "data.updatedAt": with_data("cart.updated", items=[], updatedAt=AT.isoformat()),
    "data.requestedAt": with_data("hold.extend", seconds=1, requestedAt=AT.isoformat()),
    "data.requested_at": with_data("hold.release", requested_at=AT.isoformat()),
    "timestamp": with_data("hold.transfer", toConsumerId="bo"),
    "created": record(without="timestamp", created=AT.timestamp() * 1000),
}
EACH = pytest.mark.parametrize("field", sorted(RECORDS))


@EACH
def test_what_happens_more_than_an_hour_after_its_record_is_refused(field: str) -> None:
    place = "timestamp" if field == "data.winners" else field

    reason = refusal(encode(RECORDS[field]), AT - HOUR - MOMENT)

    assert reason == f"{place}: {TOO_FAR}"


@EACH
@pytest.mark.parametrize(
    "recorded_at",
    [
        None,  # Kafka has no time for it
        AT - HOUR,
        AT,
        AT + timedelta(days=3650),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_clocks_may_differ_by_an_hour_and_delay_has_no_limit(
    field: str, recorded_at: datetime | None
) -> None:
    assert decode(encode(RECORDS[field]), recorded_at) == decode(encode(RECORDS[field]))


def test_only_the_time_that_counts_is_looked_at() -> None:
    document = record(timestamp="2999-01-01T00:00:00Z", data={"consumerId": "ada", "admittedAt": 0})

    assert decode(encode(document), AT) == decode(encode(document))


def test_a_window_may_end_at_any_time_from_the_admission_on() -> None:
    for ends_at in [AT, AT + timedelta(days=3650)]:
        document = with_data(admittedAt=AT.isoformat(), expiresAt=ends_at.isoformat())

        [event] = decode(encode(document), AT)  # type: ignore[misc]

        assert event.window_ends_at == ends_at  # type: ignore[union-attr]


def test_a_tick_may_be_of_any_time() -> None:
    tick = encode({"type": "expiry.tick", "at": "2999-01-01T00:00:00Z"})

    assert decode(tick, AT) == decode(tick)
