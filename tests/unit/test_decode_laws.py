"""Whatever the bytes are: a record is read, passed over or refused, and no token gets out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decode import REASON_LENGTH_MAX, MalformedRecord, PassedOver, decode
from schemas.events import AnyEvent, ExpiryTick, event_time
from schemas.fields import FUTURE_SECONDS_MAX, ID_BYTES_MAX, QUANTITY_MAX, TOKENS
from tests.unit.records import FIXTURES, Json, encode, refusal

SECRET = "eyJ-very-secret"

TIMES = st.none() | st.datetimes(
    datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)
)
DOCUMENTED = [json.loads(path.read_bytes()) for _, path in sorted(FIXTURES.items())]
OURS = [one for one in DOCUMENTED if one["type"].startswith(("cart.", "hold."))]
PARTS = {part for one in OURS for part in one["data"]}
TRAPS = st.sampled_from(
    [
        "",
        "\0",
        "\ud800",
        "x" * 513,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2024-12-01",
        "2024-12-01T09:15:00\0Z",
        float("nan"),
        float("inf"),
        10**30,
        -(10**30),
        1e300,
        {"id": "x"},
        [{}],
        [None],
    ]
)
ANYTHING = TRAPS | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def places(document: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of every object, list and field of a document, itself included."""
    inner: list[Any] = []
    if isinstance(document, dict):
        inner = list(document.items())
    if isinstance(document, list):
        inner = list(enumerate(document))
    return [above, *(path for step, part in inner for path in places(part, (*above, step)))]


def replaced(document: Any, path: tuple[Any, ...], part: Any) -> Any:
    if not path:
        return part
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], part)
    return copy


@st.composite
def damaged_records(draw: st.DrawFn) -> Any:
    """Give a documented record of which one or two parts are something else."""
    document = draw(st.sampled_from(DOCUMENTED))
    for _ in range(draw(st.integers(1, 2))):
        document = replaced(document, draw(st.sampled_from(places(document))), draw(ANYTHING))
    return document


def read(value: bytes, recorded_at: datetime | None = None) -> tuple[list[AnyEvent], str]:
    """Give the events of a record, or why it was refused."""
    try:
        result = decode(value, recorded_at)
    except MalformedRecord as malformed:
        return [], malformed.reason
    return ([] if isinstance(result, PassedOver) else result), ""


def assert_harmless(value: bytes) -> None:
    events, reason = read(value)

    assert len(reason) <= REASON_LENGTH_MAX
    assert SECRET not in reason
    assert SECRET not in repr(events)
    for event in events:
        assert_storable(event)


def assert_storable(event: AnyEvent) -> None:
    facts = msgspec.structs.asdict(event) | {"at_admission": None}  # ours: no record says it
    assert not getattr(event, "at_admission", False)
    items = facts.get("items", ())
    for fact in [*facts.values(), *(part for item in items for part in item)]:
        if isinstance(fact, str):
            assert "\0" not in fact
            assert len(fact.encode()) <= ID_BYTES_MAX
        if isinstance(fact, datetime):
            assert fact.tzinfo is UTC
            assert fact - timedelta(days=30) < fact + timedelta(days=30)
        if isinstance(fact, int):
            assert 1 <= fact <= QUANTITY_MAX
            assert not isinstance(fact, bool)


@settings(deadline=None)
@given(st.binary())
def test_arbitrary_bytes_are_read_or_refused(value: bytes) -> None:
    assert_harmless(value)


@settings(deadline=None)
@given(ANYTHING)
def test_arbitrary_json_is_read_or_refused(document: Any) -> None:
    assert_harmless(encode(document))


@settings(max_examples=1_500, deadline=None)
@given(damaged_records())
def test_a_damaged_record_is_read_or_refused(document: Any) -> None:
    assert_harmless(encode(document))


@settings(max_examples=500, deadline=None)
@given(damaged_records(), TIMES)
def test_no_event_is_of_long_after_its_record(document: Any, recorded_at: datetime | None) -> None:
    value = encode(document)

    events, reason = read(value, recorded_at)

    at_most = timedelta(seconds=FUTURE_SECONDS_MAX)
    for event in events:
        is_tick = isinstance(event, ExpiryTick)
        assert recorded_at is None or is_tick or event_time(event) - recorded_at <= at_most
    if "own time" not in reason:
        assert (events, reason) == read(value)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(OURS), st.sampled_from(sorted(PARTS)), st.data())
def test_a_cart_or_a_command_with_any_part_is_read_or_refused(
    document: Json, part: str, data: st.DataObject
) -> None:
    changed = document["data"] | {part: data.draw(ANYTHING)}

    assert_harmless(encode(document | {"data": changed}))


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTED), st.data())
def test_a_record_that_was_cut_short_is_refused(document: Json, data: st.DataObject) -> None:
    whole = encode(document)
    length = data.draw(st.integers(0, len(whole) - 1))

    assert refusal(whole[:length]).startswith("not JSON: ")


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTED), st.data())
def test_a_record_with_a_byte_changed_is_read_or_refused(
    document: Json, data: st.DataObject
) -> None:
    value = bytearray(encode(document))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))

    assert_harmless(bytes(value))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(TOKENS), damaged_records())
def test_no_event_and_no_refusal_shows_a_token(name: str, document: Any) -> None:
    if isinstance(document, dict):
        data = document.get("data")
        winners = {"winners": [{"consumerId": "ada", name: SECRET}, {name: SECRET}]}
        document = document | {"data": winners | (data if isinstance(data, dict) else {})}
        document["data"] |= {name: SECRET}

    assert_harmless(encode(document))
