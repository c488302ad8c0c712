"""Whether lanes are still ours: a question that only Postgres can answer."""

from collections.abc import Iterable

from asyncpg import Pool

from consumers.faults import DATABASE_ERRORS
from db.lanes import Lane, owned
from schemas.journal import IsOurs


def ownership(pool: Pool, lanes: Iterable[Lane]) -> IsOurs:
    """Give the question for all of these lanes, under the epochs with which they were taken."""
    epochs = {lane.lane: lane.epoch for lane in lanes}

    async def is_ours() -> bool | None:
        try:
            async with pool.acquire() as connection:
                return await owned(connection, epochs)
        except DATABASE_ERRORS:  # the loop tells them apart; here there is just no answer
            return None

    return is_ours
