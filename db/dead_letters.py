"""Dead letters in the journal, as an operator looks for them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from db.columns import columns
from db.connect import Connection
from db.journal import header_pairs
from schemas.journal import Headers

_OURS_FROM = "dlq.topic"  # the first of the headers that were added; a record may have its own


class Place(NamedTuple):
    """Where a record was."""

    topic: str
    partition: int
    offset: int


class Listed(NamedTuple):
    """A dead letter without its content; `replays` is how often it was sent once more."""

    id: UUID
    place: Place
    reason: str
    recorded_at: datetime
    written_at: datetime
    value_bytes: int | None
    replays: int


class Kept(NamedTuple):
    """A dead letter whole, with the record's own headers.

    `truncated_bytes` is the size of one that is too large to be kept, and is not here.
    """

    listed: Listed
    key: bytes | None
    value: bytes | None
    headers: Headers
    truncated_bytes: int | None


class Wanted(NamedTuple):
    """Which dead letters are looked for: all of this that is not None holds."""

    topic: str | None = None
    reason: str | None = None  # is in the reason
    since: datetime | None = None  # became dead letters


async def list_dead_letters(connection: Connection, wanted: Wanted, limit: int) -> list[Listed]:
    """Give dead letters, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, from_topic, from_partition, from_offset, reason, occurred_at, written_at,
               value_bytes, -- and no content: it may be of many megabytes
               (SELECT count(*) FROM dead_letter_replays WHERE dead_letter_id = found.id) AS replays
          FROM lanes
         CROSS JOIN LATERAL (
               SELECT *, length(value) AS value_bytes FROM dead_letters
                WHERE lane = lanes.lane
                  AND ($1::text IS NULL OR from_topic = $1)
                  AND ($2::bytea IS NULL OR position($2 IN reason) > 0)
                  AND ($3::timestamptz IS NULL OR written_at >= $3)
                ORDER BY sequence DESC
                LIMIT $4) AS found
         ORDER BY written_at DESC, found.lane, sequence DESC
         LIMIT $4
        """,
        wanted.topic,
        None if wanted.reason is None else wanted.reason.encode(),
        wanted.since,
        limit,
    )
    return [_listed(row) for row in rows]


async def find_dead_letters(
    connection: Connection, ids: Sequence[UUID] = (), places: Iterable[Place] = ()
) -> list[Kept]:
    """Give these dead letters whole, the newest first."""
    rows = await connection.fetch(
        """
        SELECT found.*, length(value) AS value_bytes,
               (SELECT count(*) FROM dead_letter_replays WHERE dead_letter_id = found.id) AS replays
          FROM lanes
         CROSS JOIN LATERAL (
               SELECT * FROM dead_letters
                WHERE lane = lanes.lane
                  AND (id = ANY($1::uuid[])
                       OR (from_topic, from_partition, from_offset) IN (
                          SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[])))) AS found
         ORDER BY written_at DESC, found.lane, sequence DESC
        """,
        list(ids),
        *columns(list(places), 3),
    )
    return [_kept(row) for row in rows]


def _listed(row: Record) -> Listed:
    return Listed(
        id=row["id"],
        place=Place(row["from_topic"], row["from_partition"], row["from_offset"]),
        reason=(row["reason"] or b"").decode("utf-8", "backslashreplace"),
        recorded_at=row["occurred_at"],
        written_at=row["written_at"],
        value_bytes=row["value_bytes"],
        replays=row["replays"],
    )


def _kept(row: Record) -> Kept:
    size = row["truncated"]
    return Kept(
        listed=_listed(row),
        key=row["key"],
        value=row["value"],
        headers=_own(header_pairs(row["headers"] or ())),
        truncated_bytes=int(size) if size is not None and size.isdigit() else None,
    )


def _own(headers: Headers) -> Headers:
    """Give the headers before the last one that is the first of ours."""
    ours = max((n for n, (name, _) in enumerate(headers) if name == _OURS_FROM), default=None)
    return headers[:ours]
