"""How far back anything is kept: the horizon of pruning, and whose turn it is to prune."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from db.connect import Connection

# Any number will do: it only has to be the same in every process that prunes or verifies.
_LOCK_KEY: Final = 4_267_331_004


async def instant_before(connection: Connection, seconds: float) -> datetime:
    """Give the instant so long before the database's now."""
    at: datetime = await connection.fetchval(
        "SELECT now() - $1::float8 * interval '1 second'", seconds
    )
    return at


async def raise_horizon(connection: Connection, before: datetime) -> None:
    """Let every lane refuse what happened before; from then on it may be pruned.

    Lane by lane, each in a transaction of its own: a batch that has read the horizon of before
    ends first, and no lane waits for the batch of another. It is never lowered.

    It looks again until no lane is left behind: one that was made meanwhile may have a batch under
    way. Of one that is made later, the first batch reads the horizon of all others.
    """
    behind = "SELECT lane FROM lanes WHERE pruned_before < $1 ORDER BY lane"
    while rows := await connection.fetch(behind, before):
        for row in rows:
            await connection.execute(
                "UPDATE lanes SET pruned_before = $2 WHERE lane = $1 AND pruned_before < $2",
                row["lane"],
                before,
            )


async def may_prune(connection: Connection) -> bool:
    """Tell whether this role may take rows away: to be asked before the horizon is raised."""
    return bool(
        await connection.fetchval(
            """
            SELECT has_table_privilege('admissions', 'DELETE')
               AND has_table_privilege('reservations', 'DELETE')
               AND has_table_privilege('journal', 'DELETE')
            """
        )
    )


async def horizon(connection: Connection) -> datetime | None:
    """Give the instant before which what is over may be gone; None where nothing was pruned."""
    at: datetime | None = await connection.fetchval(
        "SELECT nullif(max(pruned_before), 'epoch') FROM lanes"
    )
    return at


async def take_turn(connection: Connection) -> bool:
    """Be the one who prunes until the transaction ends; False where another does, or verifies."""
    return bool(await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({_LOCK_KEY})"))


@asynccontextmanager
async def nothing_pruned(connection: Connection) -> AsyncIterator[None]:
    """Let nobody prune: who compares two things must not find a part of one of them gone."""
    await connection.execute(f"SELECT pg_advisory_lock_shared({_LOCK_KEY})")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(f"SELECT pg_advisory_unlock_shared({_LOCK_KEY})")
