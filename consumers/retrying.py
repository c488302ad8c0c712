"""A batch that met another transaction's locks or rows is decided again on what that one left."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Final

import asyncpg
import structlog
from asyncpg import Pool

from consumers.faults import DATABASE_ERRORS, fault_of, told
from consumers.records import Batch
from consumers.tracing import Tracing
from consumers.transaction import Applied, apply_batch
from db.frozen import end_frozen_sessions
from db.lanes import Lane
from schemas.outcomes import Outcome
from schemas.stock import StockMoved

log = structlog.get_logger()

CONFLICT_RETRIES_MAX: Final = 10
_FIRST_PAUSE_SECONDS: Final = 0.005


def nothing() -> None:
    """Do nothing meanwhile."""


async def apply_with_retries(
    pool: Pool,
    batch: Batch,
    lanes: Mapping[int, Lane],
    *,
    expiry_batch_max: int,
    tracing: Tracing | None = None,
    on_saving: Callable[[], None] = nothing,
) -> Applied:
    """Apply a batch, and after a conflict apply it again.

    Raises what `apply_batch` does, but StockMoved: a batch that is decided anew locks its lines.

    `on_saving` is called when the batch is decided, and Postgres has the most to do.
    """

    async def attempt_once(conflicts: int) -> Applied:
        with tracing.batch(batch) if tracing else nullcontext() as span:

            def on_decided(outcomes: Sequence[Outcome]) -> None:
                if span:
                    span.carry_on(outcomes)
                on_saving()

            applied = await apply_batch(
                pool,
                batch,
                lanes,
                expiry_batch_max=expiry_batch_max,
                locks_stock=conflicts > 0,  # stock moves no more meanwhile, whatever it was
                on_decided=on_decided,
            )
            applied.conflicts = conflicts
            if span:
                span.commit(applied)
            return applied

    for attempt in range(CONFLICT_RETRIES_MAX):
        try:
            return await attempt_once(attempt)
        except StockMoved as moved:
            log.info("batch.conflict", attempt=attempt + 1, error=str(moved))
        except DATABASE_ERRORS as error:
            if not fault_of(error).is_conflict:
                raise
            log.info("batch.conflict", attempt=attempt + 1, error=told(error))
            if isinstance(error, asyncpg.LockNotAvailableError):
                await free_locks(pool)
            await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
    return await attempt_once(CONFLICT_RETRIES_MAX)


async def free_locks(pool: Pool) -> None:
    """End the sessions of workers that stand still with rows locked."""
    async with pool.acquire() as connection:
        for name in await end_frozen_sessions(connection):
            log.warning("session.ended", of=name, why="it stood still with rows locked")
