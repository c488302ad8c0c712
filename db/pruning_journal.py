"""The front of the journal, a step at a time: what was published long ago."""

from datetime import datetime
from typing import Final, NamedTuple

from db.connect import Connection
from schemas.vocabulary import Stream


class Front(NamedTuple):
    """Where the journal of a stream begins: after this sequence."""

    lane: int
    stream: Stream
    sequence: int


async def fronts(connection: Connection) -> list[Front]:
    """Give the front of every stream, by lane."""
    rows = await connection.fetch(
        """
        SELECT lane, stream, coalesce(pruned.sequence, 0)
          FROM lane_outputs
          LEFT JOIN pruned_journal AS pruned USING (lane, stream)
         ORDER BY lane, stream
        """
    )
    return [Front(*row) for row in rows]


# Sequences and times of writing grow together, so what is old is a front. It ends before the first
# gap: that is damage, and what is beside it tells of it. What is not known to be published, the
# next owner of the lane may have to publish.
_OLD: Final = """
    SELECT max(sequence) FILTER (WHERE sequence < coalesce(kept_from, sequence + 1))
      FROM (SELECT sequence, min(sequence) FILTER (WHERE written_at >= $5) OVER ()
                   AS kept_from
              FROM (SELECT sequence, written_at,
                           row_number() OVER (ORDER BY sequence) AS place
                      FROM journal
                     WHERE lane = $1 AND stream = $2 AND sequence > $3
                       AND sequence <= (SELECT published_sequence FROM lane_outputs
                                         WHERE lane = $1 AND stream = $2)
                     ORDER BY sequence
                     LIMIT $4) AS next
             WHERE sequence - $3 = place) AS looked_at
"""


async def next_front(connection: Connection, before: datetime, front: Front, limit: int) -> Front:
    """Give where the front would be after a step of at most `limit` entries."""
    sequence = await connection.fetchval(_OLD, *front, limit, before)
    return front._replace(sequence=front.sequence if sequence is None else sequence)


async def prune_journal(connection: Connection, front: Front, until: Front) -> int:
    """Take away what is between two fronts, and give the number of entries.

    To be called in a transaction, in turn, and with what `next_front` gave in it. What is known of
    the replays of dead letters goes with them.
    """
    entries: int = await connection.fetchval(
        """
        WITH gone AS (
            DELETE FROM journal
             WHERE lane = $1 AND stream = $2 AND sequence > $4 AND sequence <= $3
            RETURNING stream, id
        ), noted AS (
            INSERT INTO pruned_journal (lane, stream, sequence) VALUES ($1, $2, $3)
                ON CONFLICT (lane, stream)
                DO UPDATE SET sequence = greatest(pruned_journal.sequence, excluded.sequence)
        ), replays AS (
            DELETE FROM dead_letter_replays AS replay
             USING gone
             WHERE gone.stream = 'dead_letters' AND replay.dead_letter_id = gone.id
        )
        SELECT count(*) FROM gone
        """,
        *until,
        front.sequence,
    )
    return entries
