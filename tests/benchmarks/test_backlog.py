"""The short form of the benchmark: it runs, and its world verifies. It bounds no time."""

from service.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServers
from tests.benchmarks.backlog import measure


async def test_the_backlog_benchmark_runs(postgres: EmbeddedPostgres, kafka: EmbeddedKafka) -> None:
    servers = EmbeddedServers(postgres, kafka)

    assert await measure(servers, admissions=2_000, products=3, run=0) > 0
