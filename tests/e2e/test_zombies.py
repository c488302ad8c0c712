"""A worker that is frozen for longer than its session while another takes its lanes."""

import signal

import psutil
import pytest

from schemas.steps import Step
from tests.e2e.events import admitted
from tests.e2e.world import WorkerProcess, World, until

LANES = 2
BEFORE, MEANWHILE, AFTER = 30, 30, 30  # shoppers, by when they come
QUICK = {"SESSION_TIMEOUT": "2", "TICK_INTERVAL": "0.2"}


@pytest.mark.parametrize(
    ("step", "publish_timeout"),
    [
        ("polled", "20"),  # before its transaction
        ("saved", "20"),  # in it, with rows locked: Postgres ends it for being idle
        ("committed", "20"),  # with outcomes in hand that the next owner publishes
        ("sent", "2"),  # in mid-publish, and its time for that is over when it wakes up
    ],
)
async def test_a_zombie_changes_nothing_and_recovers(
    world: World, step: Step, publish_timeout: str
) -> None:
    world.settings |= QUICK
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    ready = world.directory / "ready"
    zombie = await world.start_doomed(
        step, signal.SIGSTOP, when=ready, PUBLISH_TIMEOUT=publish_timeout
    )
    await zombie.log("lanes.taken")
    ready.touch()
    await world.send(admitted(f"before-{n}") for n in range(BEFORE))
    await until(lambda: _is_frozen(zombie))

    healthy = await world.start_worker()
    await healthy.log("lanes.taken")
    await world.send(admitted(f"meanwhile-{n}") for n in range(MEANWHILE))
    await world.outcomes(lambda read: len(read) == BEFORE + MEANWHILE)
    zombie.process.send_signal(signal.SIGCONT)

    await _share(world, zombie, healthy)
    await world.send(admitted(f"after-{n}") for n in range(AFTER))
    outcomes = await world.outcomes(lambda read: len(read) >= BEFORE + MEANWHILE + AFTER)
    assert len({one["headers"]["ce_id"] for one in outcomes}) == len(outcomes)
    assert len({one["consumerId"] for one in outcomes}) == len(outcomes)
    assert not [line for line in healthy.lines if line.get("event") == "group.left"]
    await world.must("verify")


@pytest.mark.parametrize("step", ["epochs", "producers", "settled"])
async def test_who_froze_in_a_take_over_publishes_none_of_it(world: World, step: Step) -> None:
    """What one has left unpublished, the next owner has published when this one wakes up."""
    world.settings |= QUICK
    await world.prepare(partitions=LANES, stock={"lamp": 100_000})
    dead = await world.start_doomed("committed", signal.SIGKILL)
    await dead.log("lanes.taken")
    await world.send(admitted(f"before-{n}") for n in range(BEFORE))
    await dead.process.wait()
    zombie = await world.start_doomed(step, signal.SIGSTOP)
    await until(lambda: _is_frozen(zombie))

    healthy = await world.start_worker()
    await healthy.log("lanes.taken")
    await world.outcomes(lambda read: len(read) == BEFORE)
    zombie.process.send_signal(signal.SIGCONT)
    await zombie.log("group.left", "lanes.revoked", "lanes.taken")

    await world.send(admitted(f"after-{n}") for n in range(AFTER))
    outcomes = await world.outcomes(lambda read: len(read) >= BEFORE + AFTER)
    assert len({one["headers"]["ce_id"] for one in outcomes}) == len(outcomes) == BEFORE + AFTER
    assert not [line for line in healthy.lines if line.get("event") == "group.left"]
    await world.must("verify")


async def _is_frozen(worker: WorkerProcess) -> bool:
    return psutil.Process(worker.process.pid).status() == psutil.STATUS_STOPPED


async def _share(world: World, zombie: WorkerProcess, healthy: WorkerProcess) -> None:
    """Wait until each has its share of the lanes, and the zombie has noticed that it was one."""
    await zombie.log("group.left", "lanes.revoked")
    zombie.port = (await zombie.log("worker.started"))["http_port"]

    async def both_own_lanes() -> bool:
        owned = [(await one.metrics())["reservations_lanes_owned"] for one in (zombie, healthy)]
        return owned == [LANES / 2, LANES / 2]

    await until(both_own_lanes)
