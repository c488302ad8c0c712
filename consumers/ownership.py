"""Whether lanes are still ours: a question that only Postgres can answer."""

from collections.abc import Iterable
from typing import Final

import asyncpg
from asyncpg import Pool

from db.lanes import Lane, owned
from schemas.journal import IsOurs

# Whatever is wrong with Postgres, it is the loop's to tell apart; here there is just no answer.
_NO_ANSWER: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def ownership(pool: Pool, lanes: Iterable[Lane]) -> IsOurs:
    """Give the question for lanes as they were taken, under their epochs of then."""
    epochs = {lane.lane: lane.epoch for lane in lanes}

    async def is_ours(lane: int) -> bool | None:
        try:
            async with pool.acquire() as connection:
                return lane in epochs and await owned(connection, lane, epochs[lane])
        except _NO_ANSWER:
            return None

    return is_ours
