"""A batch that takes long holds nobody else on the event loop up: heartbeats, say, and probes."""

from asyncpg import Pool

from consumers.turns import PIECE
from db.taking_lanes import take_lanes
from schemas import steps
from schemas.steps import Step
from tests.integration.sale import Sale, admitted
from tests.unit.test_turns import Others


async def test_others_have_turns_while_a_large_batch_is_decided(pool: Pool) -> None:
    async with pool.acquire() as connection:
        sale = Sale(pool, await take_lanes(connection, range(2), ["events"], "test"))
    others, turns_at = Others(), dict[Step, int]()
    steps.on_step(lambda step, _: turns_at.update({step: others.turns}))
    try:
        async with others.waiting():
            await sale.apply((0, admitted(f"shopper-{n}")) for n in range(10 * PIECE))
    finally:
        steps.on_step(None)

    assert turns_at["decided"] - turns_at["loaded"] == 9
