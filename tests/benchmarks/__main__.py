"""Measure the worker: against COPY, against peers, and against the clock.

    python -m tests.benchmarks                     short, a quarter of an hour
    python -m tests.benchmarks --full              the whole of it, some hours
    python -m tests.benchmarks --only storm        one group, or several: see --help
    python -m tests.benchmarks --plots             nothing is measured: draw the last results anew

Real Kafka, real Postgres and the workers, all on this machine, with durable settings: fsync and
synchronous_commit on, acks=all. What is compared is measured in one run, one after the other.
The table, as JSON, and plots of it go to tests/benchmarks/results.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from service.garbage import look_for_garbage_rarely
from service.logs import set_up_logs
from tests.benchmarks.lines import LINES, figure
from tests.benchmarks.progress import tell
from tests.benchmarks.results import RESULTS, keep, results_of, show
from tests.benchmarks.runs import GROUPS
from tests.benchmarks.seen import FULL, SHORT, AllSeen, Scale, Seen
from tests.benchmarks.servers import pace_ms, servers_in_use

PACE: Final = "ms for the same piece of Python"  # the machine's own pace, which is not constant


async def measure(groups: Sequence[str], scale: Scale, runs: int) -> AllSeen:
    """Run each group so often, on the same servers, and give all that was seen.

    What was seen is kept after each group: a later one may fail, after hours.
    """
    all_seen = AllSeen()
    tell("starting Postgres and Kafka")
    async with servers_in_use() as servers:
        for name in groups:
            for run in range(runs):
                tell(f"{name}, run {run + 1} of {runs}")
                began = time.monotonic()
                seen = await GROUPS[name](servers, scale)
                tell(f"{name} took {time.monotonic() - began:.0f} s{_told(seen)}")
                all_seen.add(seen)
                all_seen.add(Seen({f"{PACE}, {name}": pace_ms()}))
            keep(results_of(all_seen, scale))
    return all_seen


def _told(seen: Seen) -> str:
    values = seen.values.items()
    told = [f"{what} {figure(value)} {LINES[what].unit}" for what, value in values if what in LINES]
    return f": {', '.join(told)}" if told else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="as much as the table promises")
    groups = list(GROUPS)
    told = f"groups, of {', '.join(groups)}"
    parser.add_argument(
        "--only", nargs="+", choices=groups, default=groups, metavar="GROUP", help=told
    )
    parser.add_argument("--runs", type=int, default=3, help="of each group; the median counts")
    parser.add_argument("--plots", action="store_true", help="draw what was measured before")
    arguments = parser.parse_args()
    if arguments.plots:
        _draw_anew()
        return
    set_up_logs("console", "warning")  # one group has a worker in this process
    look_for_garbage_rarely()  # as its command does
    scale = FULL if arguments.full else SHORT
    results = results_of(asyncio.run(measure(arguments.only, scale, arguments.runs)), scale)
    show(results)
    print(f"Results and plots: {os.path.relpath(keep(results))}, and *.svg beside it")


def _draw_anew() -> None:
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    measured = [results for results in kept if "curves" in results]
    if not measured:
        sys.exit(
            f"{os.path.relpath(RESULTS)} has nothing to draw: measure first, with `make bench`"
        )
    for results in measured:
        print(f"drawn: what {keep(results).name} tells")


if __name__ == "__main__":
    main()
