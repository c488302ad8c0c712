"""The work of a peer: hold the stock of one admission, in one transaction of Postgres."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg

from tests.benchmarks.peers import statements
from tests.benchmarks.peers.words import HOLD, Admitted, Said, outcome_of

Admit = Callable[[asyncpg.Pool, Admitted, int], Awaitable[list[Said]]]


async def admit(pool: asyncpg.Pool, event: Admitted, lane: int) -> list[Said]:
    """Apply an admission as most would: a transaction of some statements. None: it is known."""
    data, admission_id = event.data, event.admission_id
    until = data.admitted_at + HOLD
    said: list[Said] = []
    whose = (event.organization_id, admission_id)
    door = (data.consumer_id, data.experience_id, data.queue_id)
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(
            statements.ADMIT, *whose, lane, *door, data.admitted_at, until
        ):
            return []
        for line in data.items:
            of = (event.organization_id, line.product_id)
            is_held = bool(await connection.fetchval(statements.TAKE, *of, line.quantity))
            reservation_id = uuid4()
            end = (data.admitted_at, "insufficient_stock") if not is_held else (None, None)
            status = "active" if is_held else "rejected"
            row = (reservation_id, lane, *whose, data.experience_id, line.product_id)
            await connection.execute(
                statements.HOLD, *row, line.quantity, status, until, data.admitted_at, *end
            )
            outcome = outcome_of(event, admission_id, reservation_id, line, is_held=is_held)
            sequence = await connection.fetchval(statements.NUMBER, lane)
            entry = (lane, sequence, outcome.id, outcome.type, data.admitted_at)
            key = data.consumer_id.encode()
            await connection.execute(statements.JOURNAL, *entry, key, outcome.body)
            said.append(outcome)
    return said


async def admit_at_once(pool: asyncpg.Pool, event: Admitted, lane: int) -> list[Said]:
    """Apply an admission of one line in one statement, which is its own transaction."""
    data, admission_id = event.data, event.admission_id
    [line] = data.items
    reservation_id = uuid4()
    held = outcome_of(event, admission_id, reservation_id, line, is_held=True)
    refused = outcome_of(event, admission_id, reservation_id, line, is_held=False)
    written = await pool.fetchrow(
        statements.ADMIT_AT_ONCE,
        event.organization_id, admission_id, lane,
        data.consumer_id, data.experience_id, data.queue_id,
        data.admitted_at, data.admitted_at + HOLD, line.product_id, line.quantity,
        reservation_id, held.id, held.type, refused.type,
        data.consumer_id.encode(), held.body, refused.body,
    )  # fmt: skip
    return [Said(held.id, written["type"], written["value"])] if written else []


async def open_pool(database_url: str, lanes: int) -> asyncpg.Pool:
    """Open a connection per lane; statements are prepared once each and kept."""
    return await asyncpg.create_pool(database_url, min_size=lanes, max_size=lanes)
