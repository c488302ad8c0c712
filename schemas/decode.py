"""From the bytes of a record to events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas.events import AnyEvent
from schemas.fields import REFUSED
from schemas.wire import PASSED_OVER, Meaning, meaning_of

REASON_LENGTH_MAX: Final = 200
TYPE_LENGTH_MAX: Final = 80

# Every reason is worded here or beside what refuses: pydantic's own words may quote a payload.
_WORDING: Final = {
    "missing": "is missing",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_long": "must have at most {max_length} entries",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "int_type": "must be an integer >= 1",
    "greater_than_equal": "must be an integer >= 1",
    "less_than_equal": "must be at most {le}",
    "timezone_aware": "must have an offset from UTC",
}
_INSTANT: Final = "must be an ISO 8601 time, or seconds or milliseconds since 1970"


class MalformedRecord(Exception):
    """A record that cannot be read. `reason` says what is wrong and where, and no values."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:REASON_LENGTH_MAX]
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A record whose type is known, and means nothing here."""

    type: str


def decode(value: bytes | None, recorded_at: datetime | None = None) -> list[AnyEvent] | PassedOver:
    """Read a record: none of a draw or an auction that nobody won, one per winner, else one.

    Null is an absent field, and of a field that is there twice the last counts. `recorded_at` is
    the record's time in Kafka, where it has one: what says to happen an hour later is refused.

    Raises MalformedRecord, and nothing else, whatever the bytes are.
    """
    document = _document(value)
    type_ = _type(document)
    meaning = meaning_of(type_)
    if meaning is None:
        raise MalformedRecord(f"type: {type_[:TYPE_LENGTH_MAX]!r} is not known")
    if meaning is PASSED_OVER:
        return PassedOver(type_[:TYPE_LENGTH_MAX])
    return _events(meaning, document, recorded_at)


def _document(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise MalformedRecord("no value: a tombstone means nothing here")
    try:
        document = from_json(value, allow_inf_nan=False)
    except ValueError as error:  # it tells a line and a column, and quotes nothing
        raise MalformedRecord(f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise MalformedRecord("not a JSON object")
    data = document.get("data")
    if isinstance(data, dict):
        document["data"] = _present(data)
    return _present(document)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    if None not in fields.values():
        return fields
    return {name: field for name, field in fields.items() if field is not None}


def _type(document: dict[str, Any]) -> str:
    type_ = document.get("type")
    if type_ is None:
        raise MalformedRecord("type: is missing")
    if not isinstance(type_, str):
        raise MalformedRecord("type: must be a string")
    return type_


def _events(
    meaning: Meaning, document: dict[str, Any], recorded_at: datetime | None
) -> list[AnyEvent]:
    try:
        return meaning.events(document, recorded_at)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    # Raised out here, so that no traceback leads from the reason to the payload and its token.
    raise MalformedRecord(f"{_path(first['loc'])}: {_words(first)}")


def _path(location: Iterable[int | str]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


def _words(error: ErrorDetails) -> str:
    if error["type"] == REFUSED:
        return error["msg"]
    if error["type"].startswith("datetime"):
        return _INSTANT
    return _WORDING.get(error["type"], "cannot be read").format(**error.get("ctx", {}))
