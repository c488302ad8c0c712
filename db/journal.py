"""The journal: all that is published, written in the transaction that it tells of."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from asyncpg import Record

from db.connect import Connection
from schemas.journal import Headers, JournalEntry
from schemas.vocabulary import Stream

COLUMNS = ("lane", "stream", "sequence", "id", "type", "occurred_at", "key", "value", "headers",
           "traceparent")  # fmt: skip


async def append(connection: Connection, entries: Collection[JournalEntry]) -> None:
    """Write entries; (lane, stream, sequence) is the primary key, so none can be there twice."""
    await connection.copy_records_to_table(
        "journal", columns=COLUMNS, records=[_row(entry) for entry in entries]
    )


async def read_after(
    connection: Connection, lane: int, published: Mapping[Stream, int], limit: int
) -> list[JournalEntry]:
    """Give a lane's entries after the published sequences, in order, at most `limit` a stream."""
    rows = await connection.fetch(
        """
        SELECT entry.*
          FROM unnest($2::text[], $3::bigint[]) AS seen (stream, sequence)
         CROSS JOIN LATERAL (
               SELECT * FROM journal
                WHERE lane = $1 AND stream = seen.stream AND sequence > seen.sequence
                ORDER BY sequence
                LIMIT $4) AS entry
        """,
        lane,
        list(published.keys()),
        list(published.values()),
        limit,
    )
    return [_entry(row) for row in rows]


def _row(entry: JournalEntry) -> tuple[Any, ...]:
    return (
        entry.lane,
        entry.stream,
        entry.sequence,
        entry.id,
        entry.type,
        entry.occurred_at,
        entry.key,
        entry.value,
        _flat(entry.headers),
        entry.traceparent,
    )


def _entry(row: Record) -> JournalEntry:
    return JournalEntry(
        lane=row["lane"],
        stream=row["stream"],
        sequence=row["sequence"],
        id=row["id"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        key=row["key"],
        value=row["value"],
        headers=_headers(row["headers"] or ()),
        traceparent=row["traceparent"],
    )


def _flat(headers: Headers) -> list[bytes | None] | None:
    """Names may hold what text columns refuse, so names and values are bytes alike."""
    if not headers:
        return None
    return [part for name, value in headers for part in (name.encode(), value)]


def _headers(flat: Sequence[bytes | None]) -> Headers:
    names, values = flat[::2], flat[1::2]
    return tuple(
        (str(name or b"", "utf-8"), value) for name, value in zip(names, values, strict=True)
    )
