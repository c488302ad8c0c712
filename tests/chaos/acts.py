"""How each fault is done. Nobody mends anything but what a supervisor would start again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.chaos.cast import READY_SECONDS, Cast
from tests.chaos.plan import Fault, Kind
from tests.chaos.shoppers import Crowd
from tests.chaos.worker import Worker
from tests.e2e.proxy import Proxy
from tests.e2e.world import until

SLOW_SECONDS: Final = 0.15  # a chunk, in each direction
DOWN_SECONDS_MAX: Final = 2.0  # of a server, before it is started again
POISON_RECORDS: Final = 12


async def act(fault: Fault, cast: Cast, crowd: Crowd) -> None:
    """Do a fault from its beginning to the end of what it lasts."""
    await _ACTS[fault.kind](fault, cast, crowd)


async def _kill_worker(fault: Fault, cast: Cast, _: Crowd) -> None:
    _hit(fault, cast).signal(signal.SIGKILL)


async def _kill_kafka(fault: Fault, cast: Cast, _: Crowd) -> None:
    await cast.kafka.kill()
    await _stay_down(fault)
    await cast.kafka.start()


async def _kill_postgres(fault: Fault, cast: Cast, _: Crowd) -> None:
    if fault.immediate and cast.postgres.pid is not None:
        os.kill(cast.postgres.pid, signal.SIGQUIT)
        await cast.postgres.stop()
    else:
        await cast.postgres.kill()
    await _stay_down(fault)
    await cast.postgres.start()


async def _kill_two(fault: Fault, cast: Cast, crowd: Crowd) -> None:
    kills = {"worker": _kill_worker, "Kafka": _kill_kafka, "Postgres": _kill_postgres}
    await asyncio.gather(*(kills[victim](fault, cast, crowd) for victim in fault.victims))


async def _freeze(fault: Fault, cast: Cast, _: Crowd) -> None:
    _hit(fault, cast).signal(signal.SIGSTOP)
    await asyncio.sleep(fault.seconds)
    _hit(fault, cast).signal(signal.SIGCONT)


async def _cut_from_kafka(fault: Fault, cast: Cast, _: Crowd) -> None:
    await _cut(fault, _hit(fault, cast).to_kafka)


async def _cut_from_postgres(fault: Fault, cast: Cast, _: Crowd) -> None:
    await _cut(fault, _hit(fault, cast).to_postgres)


async def _cut(fault: Fault, proxy: Proxy) -> None:
    match fault.cut:
        case "silent":
            proxy.stall()
        case "slow":
            proxy.delay(SLOW_SECONDS)
        case "reset":
            proxy.reset()
        case "refused":
            proxy.refuse()
            proxy.reset()
    await asyncio.sleep(fault.seconds)
    proxy.heal()
    await proxy.listen()


async def _restart(fault: Fault, cast: Cast, _: Crowd) -> None:
    _hit(fault, cast).signal(signal.SIGTERM)


async def _restart_all(_: Fault, cast: Cast, __: Crowd) -> None:
    for worker in cast.workers:
        worker.signal(signal.SIGTERM)
        await until(worker.is_not_ready, READY_SECONDS)
        await cast.all_are_ready()


async def _come_and_go(fault: Fault, cast: Cast, _: Crowd) -> None:
    cast.visitor.begin()
    await until(cast.visitor.is_ready, READY_SECONDS)
    await asyncio.sleep(fault.seconds / 3)
    await cast.visitor.dismiss()


async def _poison(_: Fault, __: Cast, crowd: Crowd) -> None:
    crowd.poison(POISON_RECORDS)


def _hit(fault: Fault, cast: Cast) -> Worker:
    return cast.workers[fault.worker - 1]


async def _stay_down(fault: Fault) -> None:
    await asyncio.sleep(min(fault.seconds, DOWN_SECONDS_MAX))


_ACTS: Final[Mapping[Kind, Callable[[Fault, Cast, Crowd], Awaitable[None]]]] = {
    "kill a worker": _kill_worker,
    "kill Kafka": _kill_kafka,
    "kill Postgres": _kill_postgres,
    "kill two at once": _kill_two,
    "freeze a worker": _freeze,
    "cut a worker from Kafka": _cut_from_kafka,
    "cut a worker from Postgres": _cut_from_postgres,
    "restart a worker": _restart,
    "restart all, in turn": _restart_all,
    "a fourth worker comes and goes": _come_and_go,
    "poison": _poison,
}
