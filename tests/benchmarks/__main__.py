"""Measure the worker: against COPY, against peers, and against the clock.

    python -m tests.benchmarks                     short, some minutes
    python -m tests.benchmarks --full              the whole of it, an hour
    python -m tests.benchmarks --only latency      one group: see --help

Real Kafka, real Postgres and the workers, all on this machine, with durable settings: fsync and
synchronous_commit on, acks=all. What is compared is measured in one run, one after the other.
Results go to tests/benchmarks/results.
"""

import argparse
import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from service.embedded import embedded_servers
from tests.benchmarks.lines import LINES, summary
from tests.benchmarks.runs import FULL, GROUPS, SHORT, Scale

RESULTS: Final = Path(__file__).parent / "results"

Values = dict[str, list[float]]


async def measure(groups: Sequence[str], scale: Scale, runs: int) -> Values:
    """Run each group so often, on the same servers, and give all that was seen, by name."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    async with embedded_servers() as servers:
        for name in groups:
            for run in range(runs):
                began = time.monotonic()
                seen = await GROUPS[name](servers, scale)
                took = time.monotonic() - began
                print(f"{name}, run {run + 1} of {runs}, {took:.0f} s: {_told(seen)}", flush=True)
                for what, value in seen.items():
                    values[what].append(value)
    return values


def _told(seen: dict[str, float]) -> str:
    return ", ".join(f"{what} {value:,.3g}" for what, value in seen.items() if what in LINES)


def results_of(values: Values, scale: Scale) -> dict[str, Any]:
    """Give what is kept: the lines that promise something, and what else was seen."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "full": scale is FULL,
        "lines": {name: summary(values[name]) for name in LINES if name in values},
        "seen": {what: summary(all_) for what, all_ in values.items() if what not in LINES},
    }


def show(results: dict[str, Any]) -> None:
    """Print the table."""
    columns = ("what", "min", "median", "max", "promised", "aim", "")
    table = Table(*columns, title="The worker, measured")
    for name, found in results["lines"].items():
        line = LINES[name]
        figures = [f"{found[part]:,.3g} {line.unit}" for part in ("min", "median", "max")]
        word = "at least" if line.more_is_better else "at most"
        verdict = "[green]holds[/]" if line.holds(found["median"]) else "[red]falls short[/]"
        table.add_row(line.what, *figures, f"{word} {line.promised:g}", f"{line.aim:g}", verdict)
    for what, found in results["seen"].items():
        table.add_row(what, *(f"{found[part]:,.4g}" for part in ("min", "median", "max")))
    Console(width=None if os.isatty(1) else 140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="as much as the table promises")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    scale = FULL if arguments.full else SHORT
    results = results_of(asyncio.run(measure(arguments.only, scale, arguments.runs)), scale)
    show(results)
    _keep(results)


def _keep(results: dict[str, Any]) -> None:
    """Write the results; groups that were left out keep what an earlier run of that scale found."""
    path = RESULTS / ("full.json" if results["full"] else "short.json")
    before = json.loads(path.read_text()) if path.exists() else {}
    for part in ("lines", "seen"):
        results[part] = {**before.get(part, {}), **results[part]}
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"Results: {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
