"""The journal, checked: statements in the shape of `db.verify_counters`, and what it has.

A journal whose front was pruned begins where `pruned_journal` says: what is gone is no difference,
and what is missing beyond that is.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from db.connect import Connection
from schemas.vocabulary import Stream


class StreamEnd(NamedTuple):
    """A stream of a lane: the first and the last sequence of its journal, and the published end."""

    lane: int
    stream: Stream
    first_sequence: int = 1
    sequence: int = 0
    published_sequence: int = 0


GAPS: Final = """
    WITH written AS (
        SELECT lane, stream, min(sequence) AS first, max(sequence) AS last, count(*) AS entries
          FROM journal
         GROUP BY lane, stream
    ), judged AS (
        SELECT lane, stream, entries, coalesce(last, begun) AS last,
               coalesce(lane_outputs.sequence, 0) AS sequence, begun,
               coalesce(last - begun - entries, 0) AS missing, first
          FROM written
          FULL JOIN lane_outputs USING (lane, stream)
          LEFT JOIN pruned_journal AS pruned USING (lane, stream)
         CROSS JOIN LATERAL (SELECT coalesce(pruned.sequence, 0)) AS front (begun)
    ), worded AS (
        SELECT *,
               CASE WHEN first > begun + 1 THEN format('sequence %s is missing', begun + 1)
                    WHEN missing < 0 THEN format('sequence %s is there, and was pruned', first)
                    WHEN missing > 0 THEN format('sequence %s is missing', (
                        SELECT min(before.sequence) + 1
                          FROM journal AS before
                         WHERE before.lane = judged.lane AND before.stream = judged.stream
                           AND NOT EXISTS (
                               SELECT FROM journal AS after
                                WHERE after.lane = before.lane AND after.stream = before.stream
                                  AND after.sequence = before.sequence + 1)))
                    WHEN last <> sequence
                    THEN format('the journal ends at sequence %s, the lane at %s', last, sequence)
               END AS words
          FROM judged
    )
    SELECT 'journal sequence',
           coalesce(sum(entries), 0)::bigint,
           coalesce(sum(abs(missing) + abs(sequence - last)), 0)::bigint,
           (array_agg(format('lane %s, %s: %s', lane, stream, words) ORDER BY lane, stream)
                FILTER (WHERE words IS NOT NULL))[1],
           CASE WHEN sum(begun) > 0
                THEN format('%s entries were pruned from its front, and are not looked at',
                            sum(begun)) END
      FROM worded
"""

# An id is made of what an outcome is about and of its cause: the same id twice was said twice.
IDS: Final = """
    WITH written AS (
        SELECT stream, id, count(*) AS times FROM journal GROUP BY stream, id
    )
    SELECT 'journal ids',
           coalesce(sum(times), 0)::bigint,
           coalesce(sum(times - 1), 0)::bigint,
           min(format('%s %s is there %s times', stream, id, times)) FILTER (WHERE times > 1)
      FROM written
"""

# The same, of reservations alone: what is told again after `offsets reset` is of no reservation.
IDS_OF_RESERVATIONS: Final = """
    WITH written AS (
        SELECT id, count(*) AS times
          FROM journal
         WHERE stream = 'outcomes'
           AND type NOT IN ('fanfare.reservation.orphaned', 'fanfare.reservation.ambiguous')
         GROUP BY id
    )
    SELECT 'journal ids',
           coalesce(sum(times), 0)::bigint,
           coalesce(sum(times - 1), 0)::bigint,
           min(format('outcome %s is there %s times', id, times)) FILTER (WHERE times > 1)
      FROM written
"""

# What `reconcile` did is told once, under its own id. What no lane has told yet is no difference.
ADJUSTMENTS: Final = """
    SELECT 'adjustments',
           count(*),
           count(*) FILTER (WHERE NOT is_told),
           min(format('adjustment %s: it is not outcome %s of lane %s', id, sequence, lane))
               FILTER (WHERE NOT is_told)
      FROM adjustments AS kept
     CROSS JOIN LATERAL (
           SELECT sequence IS NULL
                  OR EXISTS (SELECT FROM journal AS entry
                              WHERE entry.lane = kept.lane AND entry.stream = 'outcomes'
                                AND entry.sequence = kept.sequence AND entry.id = kept.id)
                  OR kept.sequence < (SELECT min(entry.sequence) FROM journal AS entry
                                       WHERE entry.lane = kept.lane
                                         AND entry.stream = 'outcomes')) AS found (is_told)
"""

ENDS: Final = """
    SELECT lane, stream, coalesce(pruned.sequence, 0) + 1, output.sequence, published_sequence
      FROM lane_outputs AS output
      LEFT JOIN pruned_journal AS pruned USING (lane, stream)
     ORDER BY lane, stream
"""


async def journal_ids(
    connection: Connection, lane: int, stream: Stream, sequences: Sequence[int]
) -> dict[int, str]:
    """Give the ids of some entries of one lane, by sequence: those that the journal has."""
    rows = await connection.fetch(
        """
        SELECT sequence, id::text
          FROM journal
         WHERE lane = $1 AND stream = $2 AND sequence = ANY($3::bigint[])
        """,
        lane,
        stream,
        sequences,
    )
    return {row["sequence"]: row["id"] for row in rows}
