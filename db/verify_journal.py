"""The journal, checked: statements in the shape of `db.verify_counters`, and what it has.

A journal whose front was pruned may begin later than 1: what is gone is no difference.
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
        SELECT lane, stream, entries, coalesce(last, 0) AS last, coalesce(sequence, 0) AS sequence,
               coalesce(last - first + 1 - entries, 0) AS missing
          FROM written
          FULL JOIN lane_outputs USING (lane, stream)
    ), worded AS (
        SELECT *,
               CASE WHEN missing > 0 THEN format('sequence %s is missing', (
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
           coalesce(sum(missing + abs(sequence - last)), 0)::bigint,
           (array_agg(format('lane %s, %s: %s', lane, stream, words) ORDER BY lane, stream)
                FILTER (WHERE words IS NOT NULL))[1]
      FROM worded
"""

# A reservation goes the arrows of its status, so the set of its outcomes tells its state in
# whatever order its lanes wrote them: converted outdoes an end, an end outdoes the answer.
# Not ends are: `unfulfilled`, and the `released` of a part that was not bought.
STATES: Final = """
    WITH pruned AS (
        SELECT lane
          FROM lane_outputs AS output
         WHERE stream = 'outcomes'
           AND (SELECT min(sequence) FROM journal
                 WHERE journal.lane = output.lane AND journal.stream = output.stream) > 1
    ), told AS (
        SELECT body."reservationId" AS id,
               count(*) FILTER (WHERE kind = 'reserved') AS reserved,
               count(*) FILTER (WHERE kind IN ('reserved', 'rejected')) AS answers,
               count(*) FILTER (WHERE kind IN ('released', 'expired')) AS ends,
               count(*) FILTER (WHERE kind = 'converted') AS sales,
               count(*) FILTER (WHERE kind = 'unfulfilled') AS refunds,
               max(rank) AS rank,
               coalesce(max(quantity) FILTER (WHERE kind = 'converted'),
                        max(quantity) FILTER (WHERE kind IN ('released', 'expired')),
                        max(quantity) FILTER (WHERE kind IN ('reserved', 'rejected'))) AS quantity
          FROM journal
         CROSS JOIN LATERAL json_to_record(convert_from(value, 'UTF8')::json)
            AS body ("reservationId" uuid, quantity bigint)
         CROSS JOIN LATERAL (SELECT substr(type, length('fanfare.reservation.') + 1)) AS t (kind)
         CROSS JOIN LATERAL (SELECT coalesce(array_position(
               ARRAY['reserved', 'rejected', 'released', 'expired', 'converted'], kind), 0)
               ) AS r (rank)
         WHERE stream = 'outcomes' AND body."reservationId" IS NOT NULL
         GROUP BY body."reservationId"
    ), judged AS (
        SELECT id, held.status, held.quantity, told.quantity AS told_quantity,
               answers, ends, reserved, sales,
               -- Lines that a completion brought were never answered.
               held.reason = 'not_in_cart'
               OR held.late AND held.created_at = held.ended_at AS was_brought,
               CASE WHEN rank > 0 THEN (ARRAY['active', 'rejected', 'released', 'expired',
                                              'converted'])[rank]
                    WHEN refunds > 0 AND held.reason = 'not_in_cart' THEN 'rejected'
                    WHEN told.id IS NULL THEN 'nothing' ELSE 'too little' END AS told_status,
               pruned.lane IS NOT NULL AS is_pruned
          FROM reservations AS held
          FULL JOIN told USING (id)
          LEFT JOIN pruned ON pruned.lane = held.lane
    ), worded AS (
        SELECT id, CASE
               WHEN status IS NULL THEN 'it is not there, but the journal has outcomes of it'
               WHEN is_pruned AND told_status IN ('nothing', 'too little') THEN NULL
               WHEN status <> told_status
               THEN format('it is %s, its outcomes say %s', status, told_status)
               WHEN quantity <> told_quantity
               THEN format('it has %s units, its outcomes say %s', quantity, told_quantity)
               WHEN answers > 1 THEN format('it was answered %s times', answers)
               WHEN answers = 0 AND NOT coalesce(was_brought, false) AND NOT is_pruned
               THEN 'it was never answered with reserved or rejected'
               WHEN sales > 1 THEN format('it was converted %s times', sales)
               WHEN ends > reserved AND NOT is_pruned
               THEN format('it was held %s times and ended %s times', reserved, ends)
               END AS problem
          FROM judged
    )
    SELECT 'reservation states',
           count(*),
           count(problem),
           min(format('reservation %s: %s', id, problem)) FILTER (WHERE problem IS NOT NULL)
      FROM worded
"""

ENDS: Final = """
    SELECT lane, stream,
           coalesce((SELECT min(entry.sequence)
                       FROM journal AS entry
                      WHERE entry.lane = output.lane AND entry.stream = output.stream),
                    output.sequence + 1),
           output.sequence, output.published_sequence
      FROM lane_outputs AS output
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
