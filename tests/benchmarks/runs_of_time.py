"""A run that tells where the time of a batch goes."""

from typing import Final

from service.embedded import EmbeddedServers
from tests.benchmarks import profile as profiling
from tests.benchmarks.progress import tell
from tests.benchmarks.seen import Scale, Seen

EVENTS: Final = 20_000


async def profile(servers: EmbeddedServers, scale: Scale) -> Seen:
    """Put every microsecond of a worker in this process to the account of a phase."""
    tell(f"{EVENTS:,} admissions to one product, metered")
    found = await profiling.profile(servers, "admissions", EVENTS)
    worker = {name: row.worker for name, row in found.phases.items()} | {"idle": found.idle}
    postgres = {name: row.postgres for name, row in found.phases.items() if row.postgres}
    return Seen(
        {
            "us an event, worker": sum(row.worker for row in found.phases.values()),
            "us an event, Postgres": sum(postgres.values()),
            "us an event, Kafka": found.kafka,
        },
        {"profile": {"worker": [*worker.items()], "Postgres": [*postgres.items()]}},
    )
