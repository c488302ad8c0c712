"""Gaps in the journal, looked for a stretch at a time: by the primary key, and no whole table."""

from collections.abc import Collection
from typing import NamedTuple

from db.columns import columns
from db.connect import Connection
from schemas.vocabulary import Stream


class Stretch(NamedTuple):
    """A part of a stream's journal that was looked at, and how many entries are missing in it."""

    lane: int
    stream: Stream
    until: int  # its last sequence
    missing: int
    is_end: bool  # nothing comes after it


async def look_for_gaps(
    connection: Connection, after: Collection[tuple[int, Stream, int]], limit: int
) -> list[Stretch]:
    """Look at so many entries of streams, each after a sequence.

    A negative sequence counts from the end. What was pruned from the front is not missing.
    """
    rows = await connection.fetch(
        """
        WITH asked AS (
            SELECT lane, stream, output.sequence AS last, greatest(
                       CASE WHEN place.after < 0 THEN output.sequence + place.after
                            ELSE place.after END,
                       coalesce((SELECT pruned.sequence FROM pruned_journal AS pruned
                                  WHERE pruned.lane = output.lane
                                    AND pruned.stream = output.stream), 0)) AS after
              FROM unnest($1::int[], $2::text[], $3::bigint[]) AS place (lane, stream, after)
              JOIN lane_outputs AS output USING (lane, stream)
        ), stretches AS (
            SELECT *, greatest(after, least(after + $4, last)) AS until FROM asked
        )
        SELECT lane, stream, until,
               until - after - (SELECT count(*) FROM journal AS entry
                                 WHERE entry.lane = stretches.lane
                                   AND entry.stream = stretches.stream
                                   AND entry.sequence > after AND entry.sequence <= until),
               until >= last
          FROM stretches
        """,
        *columns(after, 3),
        limit,
    )
    return [Stretch(*row) for row in rows]
