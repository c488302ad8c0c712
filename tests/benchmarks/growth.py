"""What the size of the tables costs: events a second, and how long an outcome takes.

    python -m tests.benchmarks.growth                         10 and 100 thousand rows, once
    python -m tests.benchmarks.growth --full --runs 3         and 1 and 5 million

Tables are filled by SQL: so many admissions, half of which hold a unit still, as many reservations
and entries of the journal. Then one worker drains a backlog, and after that takes admissions at a
steady rate. Nothing should grow faster than the logarithm: ten times the rows cost as much more
each time. Results go to tests/benchmarks/results/growth.json.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final, NamedTuple

from db.connect import connect
from service.embedded import EmbeddedServers, embedded_servers
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.backlog import drain
from tests.benchmarks.paced import latencies_of, paced
from tests.benchmarks.worlds import world_of
from tests.integration.filled import fill, take_journal_back

SHORT: Final = (10_000, 100_000)
FULL: Final = (*SHORT, 1_000_000, 5_000_000)
PRODUCTS: Final = 1000


class Measured(NamedTuple):
    """What one size of the tables costs."""

    events_per_second: float  # from a backlog
    p50_ms: float  # from sent to readable, paced
    p99_ms: float


async def measure(
    servers: EmbeddedServers, rows: int, *, events: int, rate: float, seconds: float
) -> Measured:
    """Fill a world of its own, and measure a worker in it."""
    async with world_of(servers, products=PRODUCTS) as world:
        connection = await connect(world.database_url, application_name="growth")
        await fill(connection, rows)
        await connection.execute("VACUUM")
        drained = await drain(world, events, products=PRODUCTS)
        found = latencies_of(await paced(world, rate, seconds, products=PRODUCTS))
        await take_journal_back(connection)
        await connection.close()
    return Measured(drained, found.p50, found.p99)


async def benchmark(
    sizes: Sequence[int], runs: int, *, events: int, rate: float, seconds: float
) -> dict[str, Any]:
    """Measure every size, `runs` times each, the sizes in turn."""
    found: dict[int, list[Measured]] = {rows: [] for rows in sizes}
    async with embedded_servers() as servers:
        for run in range(runs):
            for rows in sizes:
                one = await measure(servers, rows, events=events, rate=rate, seconds=seconds)
                found[rows].append(one)
                print(
                    f"{rows:>9,} rows, run {run + 1}: {one.events_per_second:>7,.0f} events/s,"
                    f" p50 {one.p50_ms:,.0f} ms, p99 {one.p99_ms:,.0f} ms",
                    flush=True,
                )
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "events": events,
        "rate": rate,
        "rows": {str(rows): _summary(measured) for rows, measured in found.items()},
    }


def _summary(measured: Sequence[Measured]) -> dict[str, dict[str, float]]:
    columns = zip(Measured._fields, zip(*measured, strict=True), strict=True)
    return {
        name: {"min": min(values), "median": median(values), "max": max(values)}
        for name, values in columns
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="also 1 and 5 million rows")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--events", type=int, default=20_000, help="of the backlog")
    parser.add_argument("--rate", type=float, default=500, help="events a second, paced")
    parser.add_argument("--seconds", type=float, default=10, help="of the paced part")
    asked = parser.parse_args()
    sizes = FULL if asked.full else SHORT
    results = asyncio.run(
        benchmark(sizes, asked.runs, events=asked.events, rate=asked.rate, seconds=asked.seconds)
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "growth.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
