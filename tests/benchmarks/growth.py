"""What the size of the tables costs: events a second, and how long an outcome takes.

Tables are filled by SQL: so many admissions, half of which hold a unit still, as many reservations
and entries of the journal. Then one worker drains a backlog, and after that takes admissions at a
steady rate. Nothing should grow faster than the logarithm: ten times the rows cost as much more
each time.
"""

from typing import Final, NamedTuple

from db.connect import ALL_TIME_SECONDS, connect
from service.embedded import EmbeddedServers
from tests.benchmarks.backlog import drain
from tests.benchmarks.paced import Latencies, latencies_of, paced
from tests.benchmarks.progress import tell
from tests.benchmarks.worlds import world_of
from tests.integration.filled import fill, take_journal_back

PRODUCTS: Final = 1000
EVENTS: Final = 20_000  # of the backlog
RATE: Final = 500  # events a second, paced
SECONDS: Final = 10.0  # of the paced part


class Measured(NamedTuple):
    """What one size of the tables costs."""

    events_per_second: float  # from a backlog
    latencies: Latencies  # paced


async def measure(servers: EmbeddedServers, rows: int) -> Measured:
    """Fill a world of its own, and measure a worker in it."""
    async with world_of(servers, products=PRODUCTS) as world:
        tell(f"filling tables with {rows:,} rows each")
        connection = await connect(world.database_url, application_name="bench")
        await fill(connection, rows)
        await connection.execute("VACUUM", timeout=ALL_TIME_SECONDS)
        # What the filling has written goes to the disk now, and not while the worker is measured.
        await connection.execute("CHECKPOINT", timeout=ALL_TIME_SECONDS)
        tell("a worker works on them")
        drained = await drain(world, EVENTS, products=PRODUCTS)
        latencies = latencies_of(await paced(world, RATE, SECONDS, products=PRODUCTS))
        await take_journal_back(connection)
        await connection.close()
    return Measured(drained, latencies)
