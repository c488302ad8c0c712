"""A worker is killed after every step of an event's path, by name; the next one goes on."""

import asyncio
import signal
from itertools import count
from typing import get_args

import pytest

from schemas import steps
from schemas.steps import BatchStep, PublishStep, Step, TakeOverStep
from tests.e2e.events import admitted
from tests.e2e.world import World, count_of

SHOPPERS = 20  # for each worker
SETTINGS = {"SESSION_TIMEOUT": "1", "TICK_INTERVAL": "0.5"}

# The one before dies with what it has committed unpublished, so that there is something to lose.
SALES: tuple[tuple[Step, ...], ...] = (
    get_args(BatchStep),
    get_args(PublishStep),
    ("committed", *get_args(TakeOverStep)),
)


@pytest.mark.parametrize("doomed_after", SALES, ids=["batch", "publish", "take-over"])
async def test_every_gap_is_killed_once(world: World, doomed_after: tuple[Step, ...]) -> None:
    world.settings |= SETTINGS
    await world.prepare(partitions=2, stock={"lamp": 100_000})
    shoppers = count()
    for step in doomed_after:
        arriving = [admitted(f"shopper-{next(shoppers)}") for _ in range(SHOPPERS)]
        worker, _ = await asyncio.gather(
            world.start_doomed(step, signal.SIGKILL), world.send(arriving)
        )
        async with asyncio.timeout(20):
            assert await worker.process.wait() == -signal.SIGKILL, f"it never came to {step}"

    worker = await world.start_worker()

    sold = next(shoppers)
    outcomes = await world.outcomes(lambda read: len(read) >= sold)
    assert len({one["headers"]["ce_id"] for one in outcomes}) == len(outcomes) == sold
    assert count_of(outcomes) == {"reserved": sold}
    await world.must("verify")
    assert await worker.stop() == 0


def test_every_step_is_in_one_of_the_sales() -> None:
    known = {step for kind in get_args(Step) for step in get_args(kind)}
    assert {step for sale in SALES for step in sale} == known


def test_a_step_costs_nothing_until_somebody_asks() -> None:
    seen: list[tuple[Step, int]] = []
    steps.done("saved", 1)

    steps.on_step(lambda step, in_hand: seen.append((step, in_hand)))
    steps.done("sent", 2)
    steps.on_step(None)
    steps.done("saved", 3)

    assert seen == [("sent", 2)]
