"""What of the dead letters was sent to its topic once more."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.connect import Connection


class Replay(NamedTuple):
    """A replay; without an offset nobody knows whether it was sent."""

    begun_at: datetime
    sent_offset: int | None


async def begin_replay(connection: Connection, letter_id: UUID, *, again: bool) -> int | None:
    """Note that a dead letter will be sent, and give the number of the replay.

    None where it was replayed before and not `again`, or is being replayed right now.
    """
    number: int | None = await connection.fetchval(
        """
        INSERT INTO dead_letter_replays (dead_letter_id, number)
        SELECT $1, count(*) + 1 FROM dead_letter_replays WHERE dead_letter_id = $1
        HAVING $2 OR count(*) = 0
        ON CONFLICT DO NOTHING
        RETURNING number
        """,
        letter_id,
        again,
    )
    return number


async def end_replay(connection: Connection, letter_id: UUID, number: int, offset: int) -> None:
    """Note where a replay is now."""
    await connection.execute(
        "UPDATE dead_letter_replays SET sent_offset = $3 WHERE dead_letter_id = $1 AND number = $2",
        letter_id,
        number,
        offset,
    )


async def forget_replay(connection: Connection, letter_id: UUID, number: int) -> None:
    """Forget a replay that Kafka has refused."""
    await connection.execute(
        "DELETE FROM dead_letter_replays WHERE dead_letter_id = $1 AND number = $2",
        letter_id,
        number,
    )


async def list_replays(connection: Connection, letter_id: UUID) -> list[Replay]:
    """Give the replays of a dead letter, the first one first."""
    rows = await connection.fetch(
        """
        SELECT begun_at, sent_offset FROM dead_letter_replays
         WHERE dead_letter_id = $1 ORDER BY number
        """,
        letter_id,
    )
    return [Replay(*row) for row in rows]
