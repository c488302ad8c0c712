"""Entries of the journal as Kafka records: CloudEvents in binary mode, and dead letters."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import to_builtins

from schemas.journal import JournalEntry
from schemas.trace import TRACEPARENT
from schemas.vocabulary import Stream

SOURCE: Final = "/reservations"
SEQUENCE_DIGITS_MAX: Final = 18  # of a bigint; whoever sends more is not us
ID_HEADERS: Final[Mapping[Stream, str]] = {"outcomes": "ce_id", "dead_letters": "dlq.id"}
SEQUENCE_HEADERS: Final[Mapping[Stream, str]] = {
    "outcomes": "ce_sequence",
    "dead_letters": "dlq.sequence",
}
_SPECVERSION: Final = ("ce_specversion", b"1.0")
_CONTENT_TYPE: Final = ("content-type", b"application/json")


def headers_of(entry: JournalEntry) -> list[tuple[str, bytes | None]]:
    """Give the headers of an entry's record.

    Source: CloudEvents 1.0, "Kafka Protocol Binding", section 3.2; its extensions "sequence" and
    "distributed tracing".
    """
    if entry.stream == "dead_letters":
        return _dead_letter_headers(entry)
    headers: list[tuple[str, bytes | None]] = [
        _SPECVERSION,
        (ID_HEADERS["outcomes"], str(entry.id).encode()),
        _source(entry.lane),
        _type(entry.type),
        ("ce_time", _iso(entry.occurred_at)),
        (SEQUENCE_HEADERS["outcomes"], str(entry.sequence).encode()),
        _CONTENT_TYPE,
    ]
    if entry.traceparent is not None:
        headers.append((TRACEPARENT, entry.traceparent.encode()))
    return [*headers, *entry.headers] if entry.headers else headers


@lru_cache(maxsize=1024)
def _source(lane: int) -> tuple[str, bytes]:
    return "ce_source", f"{SOURCE}/lanes/{lane}".encode()


@lru_cache(maxsize=1024)
def _type(type_: str) -> tuple[str, bytes]:
    return "ce_type", type_.encode()


def _iso(at: datetime) -> bytes:
    """Write an instant, which is of UTC, as `isoformat` does: that takes three times as long."""
    text: str = to_builtins(at)
    return text.replace("Z", "+00:00").encode()


def sequence_of(headers: list[tuple[str, bytes]], name: str) -> int | None:
    """Give the sequence number in a published record, if it is one of ours."""
    # The last one counts: a dead letter may carry the headers of an earlier one.
    for header, value in reversed(headers):
        if header == name and value is not None and value.isdigit():
            return int(value) if len(value) <= SEQUENCE_DIGITS_MAX else None
    return None


def _dead_letter_headers(entry: JournalEntry) -> list[tuple[str, bytes | None]]:
    return [
        *entry.headers,
        (ID_HEADERS["dead_letters"], str(entry.id).encode()),
        (SEQUENCE_HEADERS["dead_letters"], str(entry.sequence).encode()),
    ]
