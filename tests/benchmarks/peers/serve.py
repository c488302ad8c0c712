"""The process of a peer: python -m tests.benchmarks.peers.serve NAME."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from tests.benchmarks.peers import with_aiokafka, with_faststream, with_faust
from tests.benchmarks.peers.shop import admit_at_once
from tests.benchmarks.peers.task import Task, own_task

PEERS: Final[dict[str, Callable[[Task], Awaitable[None]]]] = {
    "aiokafka": with_aiokafka.serve,
    "aiokafka-at-once": partial(with_aiokafka.serve, apply=admit_at_once),
    "faststream": with_faststream.serve,
    "faust": with_faust.serve,
}


async def _serve(name: str) -> None:
    await PEERS[name](own_task())


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
