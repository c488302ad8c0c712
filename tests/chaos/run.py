"""One run: start everything, let a crowd come, do the faults one by one, then count."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from db.connect import connect
from tests.chaos import truth
from tests.chaos.acts import act
from tests.chaos.cast import Cast, cast
from tests.chaos.plan import Fault, plan
from tests.chaos.report import Report
from tests.chaos.sale import LANES, WINDOW_SECONDS
from tests.chaos.shoppers import Crowd
from tests.chaos.watch import Watch
from tests.e2e.world import until

RATE: Final = 40.0  # shoppers a second; each sends two events or three
STUCK_SECONDS: Final = 60.0
DRAIN_SECONDS: Final = 90.0

# The longest that an event may wait for its outcome, where only workers come, go and die.
WAIT_SECONDS_MAX: Final = 15.0
BOUNDED: Final = frozenset(
    {
        "kill a worker",
        "restart a worker",
        "restart all, in turn",
        "a fourth worker comes and goes",
        "poison",
    }
)


async def run(seed: int, faults: int, directory: Path, rate: float = RATE) -> Report:
    """Do so many faults of a seed to an installation in a directory, and say what came of it."""
    report = Report(seed, faults)
    report.say(f"seed {seed}, {faults} faults, in {directory}")
    async with cast(directory) as everybody:
        watch = Watch(everybody.settings, LANES)
        crowd = Crowd(everybody.kafka.bootstrap_servers, seed, rate, watch)
        async with _beside(watch, crowd):
            await watch.until_answered(0.0, STUCK_SECONDS)
            report.began = time.monotonic()
            for fault in plan(seed, faults):
                if not await _suffer(fault, everybody, crowd, watch, report):
                    break
            crowd.close()
            await _drain(everybody, crowd, report)
        await _count(everybody, crowd, report)
    report.ended_by_itself = [end for one in everybody.workers for end in one.ended_by_itself]
    return report


async def _suffer(
    fault: Fault, everybody: Cast, crowd: Crowd, watch: Watch, report: Report
) -> bool:
    """Do one fault, and wait until every lane answers what came after it; tell whether it did."""
    watch.longest_seconds()
    try:
        await act(fault, everybody, crowd)
    except TimeoutError:
        report.problems.append(
            f"{fault.number}, {fault}: a worker did not come up, or did not stop"
        )
        return False
    ended = time.monotonic()
    is_answered = await watch.until_answered(ended, STUCK_SECONDS)
    longest, recovered = watch.longest_seconds(), time.monotonic() - ended
    if not is_answered:
        report.problems.append(f"{fault.number}, {fault}: no answer within {STUCK_SECONDS:g} s")
    for name in await everybody.all_are_ready():
        report.problems.append(f"{fault.number}, {fault}: {name} is no healthy member after it")
    if report.problems:
        return False
    report.fault(fault, recovered, longest)
    if fault.kind in BOUNDED and longest > WAIT_SECONDS_MAX:
        report.problems.append(f"{fault.number}, {fault}: an event waited {longest:.1f} s")
    await asyncio.sleep(fault.calm_seconds)
    return True


async def _drain(everybody: Cast, crowd: Crowd, report: Report) -> None:
    """Wait until all is sent and applied, and every hold has ended."""
    report.say(f"no more shoppers; the last windows are over in {WINDOW_SECONDS} s")
    connection = await connect(everybody.postgres.dsn, application_name="chaos")

    async def is_over() -> bool:
        if not crowd.is_done or await truth.applied(everybody.settings, connection):
            return False
        active = "SELECT count(*) FROM reservations WHERE status = 'active'"
        return bool(await connection.fetchval(active) == 0)

    try:
        await until(is_over, DRAIN_SECONDS)
    except TimeoutError:
        report.problems.append(f"not all was applied within {DRAIN_SECONDS:g} s")
        report.problems += await truth.applied(everybody.settings, connection)
    finally:
        await connection.close()


async def _count(everybody: Cast, crowd: Crowd, report: Report) -> None:
    settings = everybody.settings
    report.say("counting")
    connection = await connect(everybody.postgres.dsn, application_name="chaos")
    try:
        report.problems += await truth.verified(settings, connection)
        answers = await truth.read_answers(settings)
        report.problems += answers.problems
        report.problems += truth.shoppers(crowd.ledger, answers)
        report.problems += [one async for one in truth.sold(connection, answers)]
        report.problems += [one async for one in truth.letters(settings, crowd.ledger)]
    finally:
        await connection.close()
    report.events, report.outcomes = crowd.ledger.sent, answers.types


@asynccontextmanager
async def _beside(watch: Watch, crowd: Crowd) -> AsyncIterator[None]:
    """Let outcomes be read and shoppers come meanwhile; a failure of theirs is one of the run."""
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch.run())
            coming = tasks.create_task(crowd.run())
            try:
                yield
            finally:
                watching.cancel()
                coming.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
