"""A worker of the version before, on the new schema, beside a new one, and after it.

`worker_of_0003.tar.xz` has the packages of the last version that was written for schema 0003. When
a migration is released, what was released before it takes this place.
"""

import tarfile
from collections import Counter
from pathlib import Path

import asyncpg

from tests.e2e.events import admitted, completed
from tests.e2e.world import WorkerProcess, World, count_of, until

BEFORE = Path(__file__).parents[1] / "fixtures" / "worker_of_0003.tar.xz"


async def query(world: World, statement: str) -> str:
    connection = await asyncpg.connect(world.database_url)
    try:
        return str(await connection.fetchval(statement))
    finally:
        await connection.close()


async def hand_over(world: World, old: WorkerProcess, new: WorkerProcess) -> None:
    """Stop one, and wait until the other has its lanes."""
    assert await old.stop() == 0

    async def has_both() -> bool:
        return (await new.metrics())["reservations_lanes_owned"] == 2

    await until(has_both)


async def test_workers_of_the_version_before_go_on_beside_a_new_schema_and_new_workers(
    world: World,
) -> None:
    code = world.directory / "before"
    with tarfile.open(BEFORE) as archive:
        archive.extractall(code, filter="data")
    await world.prepare(partitions=2, stock={"lamp": 100})
    old = await world.start_worker_of(code, TICK_INTERVAL="0.2")
    assert "0003_dead_letters.py" in {path.name for path in code.rglob("0*.py")}
    assert not list(code.rglob("0004*"))

    await world.send(admitted(f"first-{n}") for n in range(10))
    await world.outcomes(lambda read: len(read) == 10)
    await query(world, "UPDATE stock_lines SET on_hand = on_hand - 1")
    await world.must("reconcile", "--apply")
    await world.send(completed(f"first-{n}") for n in range(5))
    by_the_old = await world.outcomes(lambda read: len(read) == 15)
    untold = await query(world, "SELECT count(*) FROM adjustments WHERE sequence IS NULL")
    new = await world.start_worker(TICK_INTERVAL="0.2")
    await hand_over(world, old, new)
    by_the_new = await world.outcomes(lambda read: len(read) == 16)
    again = await world.start_worker_of(code, TICK_INTERVAL="0.2")
    await hand_over(world, new, again)
    await world.send(admitted(f"second-{n}") for n in range(10))
    after = await world.outcomes(lambda read: len(read) == 26)

    assert count_of(by_the_old) == Counter(reserved=10, converted=5)
    assert untold == "1"
    assert count_of(by_the_new)["adjusted"] == 1
    assert count_of(after) == Counter(reserved=20, converted=5, adjusted=1)
    for worker in (old, new, again):
        assert [one for one in worker.lines if one.get("level") in ("warning", "error")] == []
    assert await again.stop() == 0
    await world.must("verify")
