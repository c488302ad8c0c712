"""Entries of the journal as Kafka records: CloudEvents in binary mode, and dead letters."""

from typing import Final

from schemas.journal import JournalEntry
from schemas.trace import TRACEPARENT

SOURCE: Final = "/reservations"
SEQUENCE_DIGITS_MAX: Final = 18  # of a bigint; whoever sends more is not us
SEQUENCE_HEADERS: Final = {"outcomes": "ce_sequence", "dead_letters": "dlq.sequence"}


def headers_of(entry: JournalEntry) -> list[tuple[str, bytes | None]]:
    """Give the headers of an entry's record.

    Source: CloudEvents 1.0, "Kafka Protocol Binding", section 3.2; its extensions "sequence" and
    "distributed tracing".
    """
    if entry.stream == "dead_letters":
        return _dead_letter_headers(entry)
    headers: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(entry.id).encode()),
        ("ce_source", f"{SOURCE}/lanes/{entry.lane}".encode()),
        ("ce_type", entry.type.encode()),
        ("ce_time", entry.occurred_at.isoformat().encode()),
        ("ce_sequence", str(entry.sequence).encode()),
        ("content-type", b"application/json"),
    ]
    if entry.traceparent is not None:
        headers.append((TRACEPARENT, entry.traceparent.encode()))
    return [*headers, *entry.headers]


def sequence_of(headers: list[tuple[str, bytes]], name: str) -> int | None:
    """Give the sequence number in a published record, if it is one of ours."""
    # The last one counts: a dead letter may carry the headers of an earlier one.
    for header, value in reversed(headers):
        if header == name and value is not None and value.isdigit():
            return int(value) if len(value) <= SEQUENCE_DIGITS_MAX else None
    return None


def _dead_letter_headers(entry: JournalEntry) -> list[tuple[str, bytes | None]]:
    ours = [("dlq.id", str(entry.id).encode()), ("dlq.sequence", str(entry.sequence).encode())]
    return [*entry.headers, *ours]
