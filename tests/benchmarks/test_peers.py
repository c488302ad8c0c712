"""Each peer really works: a small run of it answers every admission once and oversells nothing."""

import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServers
from tests.benchmarks.peers.measure import measure, problems_of
from tests.benchmarks.peers.serve import PEERS
from tests.integration.conftest import database_url

__all__ = ["database_url"]  # a fixture


@pytest.mark.parametrize("name", PEERS)
async def test_a_run_counts(
    name: str, postgres: EmbeddedPostgres, kafka: EmbeddedKafka, migrated_template: str
) -> None:
    run = await measure(EmbeddedServers(postgres, kafka), name, 200, template=migrated_template)

    assert run.problems == ()
    assert run.rate > 0


async def test_a_run_that_lost_something_does_not_count(database_url: str) -> None:
    problems = await problems_of(database_url, [b"ada", b"ada"], 1, 2)

    assert "answered 0, not 2" in problems
    assert "2 outcomes for 1 of 2 admissions" in problems
