"""The profile looks at a real worker, and finds all that it does."""

import gc

import pytest

from service.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServers
from tests.benchmarks.meter import PHASES
from tests.benchmarks.profile import profile, show

# What Faust leaves open when it ends in a process that goes on is told when it is collected: here,
# and not in whichever test comes later.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def test_every_phase_has_its_share(
    postgres: EmbeddedPostgres, kafka: EmbeddedKafka, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await profile(EmbeddedServers(postgres, kafka), "mixed", 500)

    assert found.batches >= 1
    assert all(found.phases[name].worker > 0 for name in PHASES)
    assert found.idle > 0  # Postgres and Kafka were waited for
    show(found)
    told = capsys.readouterr().out
    assert "500 events" in told
    assert "idle" in told
    gc.collect()
