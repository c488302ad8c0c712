"""Plays many scenarios at once through the real transactions of a real Postgres.

Each has an organization and two lanes of its own, so that none sees another's rows or ticks; a
batch holds something of each.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count, zip_longest
from typing import Final

from asyncpg import Pool as Connections

from consumers.loading import load_book
from consumers.records import Batch
from consumers.transaction import apply_batch
from db.connect import Connection
from db.policies import PolicyRow, import_policies
from db.pool_fill import PoolRow, fill_pools
from db.rows import admission_of, fact_of, reservation_of
from db.stock_import import StockRow, import_stock
from db.taking_lanes import take_lanes
from schemas.events import Arrival, Cause, Event, ExpiryTick
from schemas.outcomes import Outcome
from schemas.stock import Pool, PoolKey, StockKey, StockLine
from tests.simulation.generate import Scenario, Step
from tests.simulation.ledger import Withdrawal
from tests.simulation.model import Model
from tests.simulation.play import compare, cut, model_of
from tests.unit.world import World

TOPIC: Final = "events"
LANES: Final = 2  # of each scenario


class Run:
    """A scenario, cut into batches, and the model of it."""

    def __init__(self, number: int, scenario: Scenario) -> None:
        self.scenario, self.first_lane = scenario, LANES * number
        self.model: Model = model_of(scenario)
        dice = random.Random(scenario.seed)
        self.batches = cut(scenario.steps, lambda: dice.random() < 0.3)
        self.outcomes: list[Outcome] = []
        self.difference = ""  # the first, if there is any


async def prepare(connection: Connection, runs: Sequence[Run]) -> None:
    """Bring in what is there before the first event."""
    worlds = [run.scenario for run in runs]
    stock = [(one.organization_id, *sku, n) for one in worlds for sku, n in one.received.items()]
    pools = [
        (one.organization_id, name, *sku, n)
        for one in worlds
        for (name, sku), n in one.pooled.items()
    ]
    policies = [
        PolicyRow(one.organization_id, name, policy)
        for one in worlds
        for name, policy in one.policies.items()
    ]
    await import_stock(connection, [StockRow(line, *row) for line, row in enumerate(stock, 1)])
    await import_policies(connection, policies)
    await fill_pools(connection, [PoolRow(line, *row) for line, row in enumerate(pools, 1)])


async def play(connections: Connections, runs: Sequence[Run]) -> None:
    """Apply batch after batch, and compare what is saved with the models after each."""
    async with connections.acquire() as connection:
        lanes = await take_lanes(connection, range(LANES * len(runs)), [TOPIC], "simulation")
    offsets = count(1)
    for each in zip_longest(*(run.batches for run in runs)):
        parts = [(run, steps) for run, steps in zip(runs, each, strict=True) if steps]
        batch = Batch()
        for run, steps in parts:
            _add(batch, run, steps, offsets)
        applied = await apply_batch(connections, batch, lanes, expiry_batch_max=10_000)
        lanes = applied.lanes
        said = _by_organization(
            (one.organization_id, one) for one in applied.outcomes if isinstance(one, Outcome)
        )
        for run, steps in parts:
            run.outcomes += said[run.scenario.organization_id]
            for step in steps:
                run.model.apply(*step)
        async with connections.acquire() as connection:
            saved = await saved_worlds(connection)
        for run, _ in parts:
            _compare(run, saved[run.scenario.organization_id])


def _add(batch: Batch, run: Run, steps: Iterable[Step], offsets: Iterable[int]) -> None:
    for (lane, event), offset in zip(steps, offsets, strict=False):
        assert not isinstance(event, Withdrawal)
        lane += run.first_lane
        event_id = event.event_id if isinstance(event, Event) else None
        arrival = Arrival(event, lane, Cause(TOPIC, lane, offset, 0, event_id))
        if isinstance(event, ExpiryTick):
            batch.ticks[lane] = arrival
        else:
            batch.arrivals.append(arrival)


def _compare(run: Run, world: World) -> None:
    world.outcomes = run.outcomes
    try:
        compare(world, run.model)
    except AssertionError as difference:
        run.difference = run.difference or f"seed {run.scenario.seed}: {difference}"


async def saved_worlds(connection: Connection) -> defaultdict[str, World]:
    """Read all rows, by organization."""
    worlds: defaultdict[str, World] = defaultdict(World)
    for row in await connection.fetch("SELECT * FROM stock_lines"):
        world, key = worlds[row["organization_id"]], StockKey(*row[:3])
        names = ("tracked", "on_hand", "reserved", "allocated", "sold", "short")
        world.stock[key] = StockLine(key, **{name: row[name] for name in names})
    for row in await connection.fetch("SELECT * FROM pools"):
        world, pool_key = worlds[row["organization_id"]], PoolKey(*row[:4])
        world.pools[pool_key] = Pool(pool_key, row["available"], row["allocated"], row["filled"])
    for row in await connection.fetch("SELECT * FROM admissions"):
        admission = admission_of(row)
        worlds[row["organization_id"]].admissions[admission.key] = admission
    for row in await connection.fetch("SELECT * FROM reservations"):
        worlds[row["organization_id"]].reservations[row["id"]] = reservation_of(row)
    for row in await connection.fetch("SELECT * FROM early_facts"):
        worlds[row["organization_id"]].facts[row["id"]] = fact_of(row)
    return worlds


async def compare_loaded(connections: Connections, runs: Sequence[Run]) -> None:
    """Load the book of all events at once, and compare what it holds with the models."""
    events = [
        event
        for run in runs
        for _, event in run.scenario.steps
        if not isinstance(event, ExpiryTick | Withdrawal)
    ]
    async with connections.acquire() as connection, connection.transaction():
        book, _ = await load_book(connection, events, {}, 1)
    worlds: defaultdict[str, World] = defaultdict(World)
    for stock_key, line in book.stock.items():
        worlds[stock_key.organization_id].stock[stock_key] = line
    for pool_key, pool in book.pools.items():
        worlds[pool_key.organization_id].pools[pool_key] = pool
    for key, admission in book.admissions.items():
        worlds[key.organization_id].admissions[key] = admission
        rows = {one.id: one for one in book.reservations[key]}
        worlds[key.organization_id].reservations |= rows
    for (organization_id, _), waiting in book.facts_by_consumer.items():
        worlds[organization_id].facts |= {one.id: one for one in waiting}
    for run in runs:
        _compare(run, worlds[run.scenario.organization_id])


def _by_organization(pairs: Iterable[tuple[str, Outcome]]) -> defaultdict[str, list[Outcome]]:
    found: defaultdict[str, list[Outcome]] = defaultdict(list)
    for organization_id, one in pairs:
        found[organization_id].append(one)
    return found
