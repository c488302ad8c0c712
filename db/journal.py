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


async def last_bad_offsets(
    connection: Connection, lanes: Collection[int], limit: int
) -> list[tuple[int, str, int]]:
    """Give lane, topic and offset of the last dead letters, at most `limit` a lane, ascending."""
    rows = await connection.fetch(
        """
        SELECT lane, from_topic, from_offset
          FROM unnest($1::int[]) AS mine (lane)
         CROSS JOIN LATERAL (
               SELECT from_topic, from_offset FROM dead_letters
                WHERE dead_letters.lane = mine.lane
                ORDER BY sequence DESC
                LIMIT $2) AS last
         ORDER BY lane, from_topic, from_offset
        """,
        list(lanes),
        limit,
    )
    return [(lane, topic, offset) for lane, topic, offset in rows]


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
        headers=header_pairs(row["headers"] or ()),
        traceparent=row["traceparent"],
    )


def _flat(headers: Headers) -> list[bytes | None] | None:
    """Names may hold what text columns refuse, so names and values are bytes alike."""
    if not headers:
        return None
    return [part for name, value in headers for part in (name.encode(), value)]


def header_pairs(flat: Sequence[bytes | None]) -> Headers:
    """Give headers as names and values, from the column that has them in a row."""
    names, values = flat[::2], flat[1::2]
    return tuple(
        (str(name or b"", "utf-8"), value) for name, value in zip(names, values, strict=True)
    )
