"""The short form of the benchmarks: they run, and their worlds verify. They bound no time."""

from aiokafka.producer.message_accumulator import BatchBuilder

from service.embedded import EmbeddedKafka, EmbeddedPostgres, EmbeddedServers
from tests.benchmarks import backlog, copying
from tests.benchmarks.lines import LINES, figure
from tests.benchmarks.paced import batches, latencies_of
from tests.benchmarks.results import results_of
from tests.benchmarks.seen import SHORT, AllSeen, Seen
from tests.benchmarks.storm import strike
from tests.benchmarks.worlds import world_of


async def test_benchmarks_run(postgres: EmbeddedPostgres, kafka: EmbeddedKafka) -> None:
    servers = EmbeddedServers(postgres, kafka)
    async with world_of(servers, products=3) as world:
        rate = await backlog.drain(world, 2_000, kind="mixed", products=3)
        rows = await copying.rows_of(world.database_url)
        storm = await strike(world, 200, first=0, products=3, seconds=1)
    copied = await copying.copy(servers.database_url, "copying_short", rows)

    assert min(rate, copied, storm.seconds, *(one.ms for one in storm.samples)) > 0
    assert storm.ends[-1][1] == 200
    assert len(storm.samples) > 50


def test_nothing_is_left_out_after_a_moment_in_which_nothing_could_be_sent() -> None:
    sent: dict[bytes, float] = {}
    crowd = [(f"shopper-{n}", "lamp") for n in range(500)]

    made = batches(lambda: BatchBuilder(16_384, 0, is_transactional=False), crowd, sent)

    assert len(made) > 1
    assert sum(batch.record_count() for batch in made) == len(sent) == 500


def test_what_was_measured_is_told_by_line() -> None:
    seen = AllSeen()
    for busy in (40.0, 60.0, 50.0):
        seen.add(Seen({"busy": busy, "events/s": 9.0}))

    results = results_of(seen, SHORT)

    assert results["lines"] == {
        "busy": {"runs": [40.0, 60.0, 50.0], "min": 40.0, "median": 50.0, "max": 60.0}
    }
    assert list(results["seen"]) == ["events/s"]


def test_line_holds_where_it_is_what_was_promised_or_better() -> None:
    assert LINES["busy"].holds(80)
    assert not LINES["busy"].holds(81)
    assert LINES["hot"].holds(0.9)
    assert not LINES["hot"].holds(0.89)


def test_figure_has_what_a_person_compares() -> None:
    assert list(map(figure, (0.31234, 1.0, 46.26, 2459.6))) == ["0.312", "1", "46.3", "2,460"]


def test_percentile_is_a_value_that_was_measured() -> None:
    found = latencies_of([float(n) for n in range(100)])

    assert found == (50, 90, 99, 99)
