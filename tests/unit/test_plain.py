"""What is read in one pass is what the payload reads: it refuses no less and means the same."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import from_json

from schemas.fields import RECORDED_AT
from schemas.payloads import Payload
from schemas.payloads_admissions import Denial, Winners
from schemas.plain import Plain
from schemas.wire import MEANINGS
from tests.unit.records import FIXTURES, encode
from tests.unit.test_decode_laws import DOCUMENTED, TIMES, damaged_records

PAYLOADS = {meaning.payload for meaning in MEANINGS.values() if meaning.payload}
PLAIN = {payload: Plain(payload) for payload in PAYLOADS}
# What these have of their own, and a time that is a number, is for the payload alone.
NOT_PLAIN = (Winners, Denial)
TIMED_BY_NUMBER = {
    "b.draw.prize_claimed",
    "b.draw.prize_expired",
    "b.auction.winner_notified",
    "b.queue.consumer_left",
}


@pytest.mark.parametrize("name", FIXTURES)
def test_nearly_all_documented_records_are_plain(name: str) -> None:
    document = json.loads(FIXTURES[name].read_bytes())
    payload = payload_of(document)

    is_plain = fields(document, None) is not None

    assert is_plain == (payload not in (None, *NOT_PLAIN) and name not in TIMED_BY_NUMBER)


@settings(deadline=None, max_examples=300)
@given(damaged_records(), TIMES)
def test_plain_fields_are_those_of_the_payload(document: Any, recorded_at: datetime | None) -> None:
    assert_the_same(document, recorded_at)


@settings(deadline=None)
@given(st.sampled_from(DOCUMENTED), st.sampled_from(DOCUMENTED), TIMES)
def test_names_of_other_payloads_beside_its_own_change_nothing(
    document: Any, other: Any, recorded_at: datetime | None
) -> None:
    mixed = other | document | {"data": other.get("data", {}) | document.get("data", {})}

    assert_the_same(mixed, recorded_at)
    assert_the_same({**document, "data": mixed["data"]}, recorded_at)


def assert_the_same(damaged: Any, recorded_at: datetime | None) -> None:
    """Hold both against each other on a document as JSON gives it, if it does."""
    try:
        document = from_json(encode(damaged), allow_inf_nan=False)
    except ValueError:
        return
    plain = fields(document, recorded_at)
    if plain is not None:
        assert plain == fields_of_payload(document, recorded_at)


def payload_of(document: Any) -> type[Payload] | None:
    type_ = document.get("type") if isinstance(document, dict) else None
    meaning = MEANINGS.get(type_) if isinstance(type_, str) else None
    return meaning.payload if meaning else None


def fields(document: Any, recorded_at: datetime | None) -> dict[str, Any] | None:
    payload = payload_of(document)
    return PLAIN[payload].fields(document, recorded_at) if payload else None


def fields_of_payload(document: Any, recorded_at: datetime | None) -> dict[str, Any] | str:
    payload = payload_of(document)
    assert payload
    try:
        return vars(payload.model_validate(document, context={RECORDED_AT: recorded_at}))
    except ValidationError as error:
        return str(error)
