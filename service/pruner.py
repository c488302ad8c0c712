"""A worker prunes: now and then, in the background, where the settings say so."""

import asyncio
import contextlib
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from asyncpg import Pool

from consumers.faults import DATABASE_ERRORS
from db.pruning import instant_before, may_prune, raise_horizon
from service.pruning import MAY_NOT, Busy, Pass
from service.retention import too_short, topics_keep
from service.settings import Settings

log = structlog.get_logger()

# Of a hundred milliseconds it lets Postgres have eighty to itself.
_REST: Final = 4.0


async def keep_pruning(settings: Settings, pool: Pool, stop: asyncio.Event) -> None:
    """Prune what is over for longer than the settings say, until `stop` is set.

    Nothing that fails here is raised: what was not pruned now is pruned by the next pass.
    """
    if not settings.retention_days:
        return
    kept = timedelta(days=settings.retention_days)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), settings.prune_interval)
            return
        try:
            await _prune(settings, pool, kept)
        except (*DATABASE_ERRORS, KafkaError) as error:
            log.warning("prune.failed", error=str(error) or repr(error))


async def _prune(settings: Settings, pool: Pool, kept: timedelta) -> None:
    if refusal := too_short(kept, await topics_keep(settings)):
        log.warning("prune.refused", why=refusal, setting="RESERVATIONS_RETENTION_DAYS")
        return
    async with pool.acquire() as connection:
        if not await may_prune(connection):
            log.warning("prune.refused", why=MAY_NOT, setting="RESERVATIONS_RETENTION_DAYS")
            return
        before = await instant_before(connection, kept.total_seconds())
        await raise_horizon(connection, before)
    walk = Pass(pool.acquire, before, rest=_REST)
    with contextlib.suppress(Busy):
        await walk.run()
    if walk.counts.pruned:
        log.info("prune.done", before=before.isoformat(), **asdict(walk.counts))
