"""A worker prunes: now and then, in the background, where the settings say so."""

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from asyncpg import Pool

from consumers.faults import DATABASE_ERRORS
from db.pruning import instant_before, may_prune, raise_horizon
from service.pruning import MAY_NOT, Busy, Lend, Pass
from service.retention import too_short, topics_keep
from service.settings import Settings

log = structlog.get_logger()

# Of a hundred milliseconds it lets Postgres have eighty to itself.
_REST: Final = 4.0


async def keep_pruning(settings: Settings, pool: Pool, stop: asyncio.Event) -> None:
    """Prune what is over for longer than the settings say, until `stop` is set.

    What stands in its way is said at once, and again at each pass; it ends no worker, for a sale
    has to go on after a restart. Nothing that fails here is raised: what was not pruned now is
    pruned by the next pass.
    """
    if not settings.retention_days:
        return
    await _safely(_is_refused(settings, pool))
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), settings.prune_interval)
            return
        await _safely(_prune(settings, pool))


async def _safely(doing: Awaitable[object]) -> None:
    try:
        await doing
    except (*DATABASE_ERRORS, KafkaError) as error:
        log.warning("prune.failed", error=str(error) or repr(error))


async def why_not(settings: Settings, lend: Lend) -> str | None:
    """Say why a worker cannot prune as its settings ask; None: it can, or is not asked to.

    Raises KafkaError. While Kafka is asked, no connection is lent.
    """
    if not settings.retention_days:
        return None
    async with lend() as connection:
        if not await may_prune(connection):
            return MAY_NOT
    return too_short(timedelta(days=settings.retention_days), await topics_keep(settings))


async def _is_refused(settings: Settings, pool: Pool) -> bool:
    refusal = await why_not(settings, pool.acquire)
    if refusal:
        log.warning("prune.refused", why=refusal, setting="RESERVATIONS_RETENTION_DAYS")
    return refusal is not None


async def _prune(settings: Settings, pool: Pool) -> None:
    if await _is_refused(settings, pool):
        return
    kept = timedelta(days=settings.retention_days)
    async with pool.acquire() as connection:
        before = await instant_before(connection, kept.total_seconds())
        await raise_horizon(connection, before)
    walk = Pass(pool.acquire, before, rest=_REST)
    with contextlib.suppress(Busy):
        await walk.run()
    if walk.counts.pruned:
        log.info("prune.done", before=before.isoformat(), **asdict(walk.counts))
