"""Counters are broken and repaired while a worker serves a crowd."""

import asyncio
from collections import defaultdict
from typing import Any

from db.connect import connect
from tests.e2e.events import admitted, completed
from tests.e2e.world import World, count_of

BROKEN = """
    UPDATE stock_lines SET reserved = reserved + 3 WHERE product_id = 'lamp';
    UPDATE stock_lines SET on_hand = on_hand - 2, received = received + 5 WHERE product_id = 'moon';
    UPDATE lanes SET holds_active = holds_active + 4 WHERE lane = 0
"""


async def come(world: World, enough: asyncio.Event) -> int:
    """Let a crowd come until it is enough, and give how many outcomes it is owed."""
    owed = 0
    for wave in range(1000):
        names = [f"shopper-{wave}-{n}" for n in range(10)]
        lamps = [admitted(one) for one in names]
        moons = [admitted(f"{one}-m", "moon") for one in names]
        paid = [completed(one) for one in names[::2]]
        owed += await world.send([*lamps, *moons, *paid])
        if enough.is_set():
            break
    return owed


def sequences_by_lane(outcomes: list[dict[str, Any]]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for one in outcomes:
        found[one["lane"]].append(one["sequence"])
    return found


async def test_a_repair_under_load_is_told_and_the_worker_goes_on(world: World) -> None:
    await world.prepare(partitions=2, stock={"lamp": 100_000, "moon": 100_000})
    worker = await world.start_worker(TICK_INTERVAL="0.2")
    enough = asyncio.Event()
    crowd = asyncio.create_task(come(world, enough))
    await world.outcomes(lambda read: len(read) > 50)

    connection = await connect(world.database_url, application_name="test")
    for line in BROKEN.split(";"):  # one at a time: together they might wait in a ring with a batch
        await connection.execute(line)
    found = await world.run("reconcile")
    before = await connection.fetchval("SELECT count(*) FROM reservations")
    repaired = await world.run("reconcile", "--apply")
    after = await connection.fetchval("SELECT count(*) FROM reservations")
    await connection.close()
    enough.set()
    owed = await crowd
    told = await world.outcomes(lambda read: len(read) >= owed + 2)

    assert (found.code, found.err) == (1, "nothing was changed: --apply repairs what can be\n")
    assert (repaired.code, repaired.err) == (0, "")
    assert repaired.out.count("  repaired\n") == 3
    assert after > before  # the crowd was served meanwhile
    assert count_of(told)["rejected"] == 0
    assert all(
        numbers == list(range(1, len(numbers) + 1)) for numbers in sequences_by_lane(told).values()
    )
    adjusted = {one["productId"]: one for one in told if one["type"] == "adjusted"}
    assert adjusted.keys() == {"lamp", "moon"}
    assert adjusted["lamp"]["key"] == b"acme/lamp/"
    (change,) = adjusted["lamp"]["changes"]
    assert (change["counter"], change["before"] - change["after"]) == ("reserved", 3)
    metrics = await worker.metrics()
    assert metrics['reservations_outcomes_total{reason="",type="adjusted"}'] == 2
    assert await worker.stop() == 0
    assert [line for line in worker.lines if line.get("level") in ("warning", "error")] == []
    await world.must("verify")
