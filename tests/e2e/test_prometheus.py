"""A real Prometheus watches a real worker, by what is deployed: rules, alerts and dashboards."""

import asyncio
import json
import math
import re
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from db.connect import connect
from service.metrics.catalogue import CATALOGUE
from tests.e2e.events import ADMITTED, admitted, completed, left
from tests.e2e.proxy import Proxy
from tests.e2e.test_worker import QUICK
from tests.e2e.world import WorkerProcess, World, count_of, until
from tests.prometheus.server import EmbeddedPrometheus

HOME = Path(__file__).parents[2]
DASHBOARDS = HOME / "deploy" / "grafana" / "dashboards"
RUNBOOK = (HOME / "deploy" / "runbook.md").read_text()

SHOPPERS, LAMPS = 12, 9
# Half a minute of waiting is a second here.
IN_PLACE_OF = {"unpublished_age_seconds:max > 30": "unpublished_age_seconds:max > 1"}
# What the sale below has earned, an unreadable record and a payment in vain, or a busy machine.
EARNED = {"ReservationsDeadLetters", "ReservationsDeadLetterFlood", "ReservationsUnfulfilled"}
EARNED |= {"ReservationsSlow"}
VARIABLES = {"$job": "reservations", "$__rate_interval": "1m", "$__range": "5m"}


@dataclass
class Watched:
    world: World
    worker: WorkerProcess
    prometheus: EmbeddedPrometheus

    async def fires(self, alert: str) -> dict[str, Any]:
        """Wait until an alert fires, and see that it tells where to read on."""

        async def is_firing() -> bool:
            return alert in await self.prometheus.alerts()

        await until(is_firing)
        fired = (await self.prometheus.alerts())[alert]
        file, _, heading = fired["annotations"]["runbook_url"].partition("#")
        assert file == "deploy/runbook.md"
        assert heading in {line[3:].lower() for line in RUNBOOK.splitlines() if line[:3] == "## "}
        return fired

    async def ends(self, alert: str) -> None:
        async def is_over() -> bool:
            return alert not in await self.prometheus.alerts()

        await until(is_over)


@pytest.fixture
async def watched(world: World, kafka_proxy: Proxy, directory: Path) -> AsyncIterator[Watched]:
    await world.prepare(partitions=2, stock={"lamp": LAMPS}, policy=QUICK)
    worker = await world.start_worker(
        KAFKA_BOOTSTRAP_SERVERS=kafka_proxy.address, TICK_INTERVAL="0.2", SAMPLE_INTERVAL="0.2"
    )
    await worker.log("lanes.taken")
    prometheus = EmbeddedPrometheus(directory, worker.port, IN_PLACE_OF)
    await prometheus.start()

    async def is_scraped() -> bool:
        return bool(await prometheus.query("up == 1"))

    await until(is_scraped)  # it begins some seconds after it answers
    yield Watched(world, worker, prometheus)
    await prometheus.stop()


async def test_all_that_is_deployed_works_on_a_running_worker(
    watched: Watched, kafka_proxy: Proxy
) -> None:
    await hold_sale(watched.world)

    await every_panel_has_data(watched.prometheus)
    await every_metric_is_fed(watched.prometheus)
    assert set(await watched.prometheus.alerts()) <= EARNED

    await drift_is_told(watched)
    await stalled_publishing_is_told(watched, kafka_proxy)
    await a_stopped_worker_is_told(watched)


async def hold_sale(world: World) -> None:
    """Admit shoppers to too few lamps; some pay, one of them in vain, one leaves, others do not."""
    shoppers = [f"shopper-{n}" for n in range(SHOPPERS)]
    await world.send([*map(admitted, shoppers), (ADMITTED, "ada", b"\xff not json")])
    read = await world.outcomes(lambda read: len(read) == SHOPPERS)
    refused = [one["consumerId"] for one in read if one["type"] == "rejected"]
    held = [one["consumerId"] for one in read if one["type"] == "reserved"]

    await world.send([completed(held[0]), completed(refused[0]), left(held[1])])
    await world.outcomes(lambda read: count_of(read)["expired"] == LAMPS - 2)


def panels() -> Iterator[tuple[str, str]]:
    """Give each query of each dashboard, with the name of its panel."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield f"{dashboard['title']}, {panel['title']}", target["expr"]
        for variable in dashboard["templating"]["list"]:
            metric = re.fullmatch(r"label_values\((\w+), job\)", variable["definition"])
            assert metric
            yield f"{dashboard['title']}, {variable['name']}", metric[1]
        for annotation in dashboard["annotations"]["list"]:
            yield f"{dashboard['title']}, {annotation['name']}", annotation["expr"].split(" > ")[0]


async def every_panel_has_data(prometheus: EmbeddedPrometheus) -> None:
    """Wait until each query has given a number."""
    without = set(panels())
    assert len(without) > 50

    async def all_have_data() -> bool:
        for panel, query in list(without):
            found = await prometheus.query(with_variables(query))
            if any(not math.isnan(float(sample["value"][1])) for sample in found):
                without.remove((panel, query))
        return not without

    try:
        await until(all_have_data, seconds=20)
    except TimeoutError:
        pytest.fail(f"no data in {without}")


def with_variables(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


async def every_metric_is_fed(prometheus: EmbeddedPrometheus) -> None:
    found = await prometheus.query('{__name__=~"reservations_.*"}')
    names = {sample["metric"]["__name__"] for sample in found}
    expected = {
        metric.full_name + ("_bucket" if metric.kind == "histogram" else "") for metric in CATALOGUE
    }

    assert expected - names == set()


async def drift_is_told(watched: Watched) -> None:
    await in_database(watched.world, "UPDATE stock_lines SET reserved = reserved + 2")
    fired = await watched.fires("ReservationsDrift")
    assert fired["annotations"]["summary"] == "Counters of stock differ from their rows by 2 units"

    await in_database(watched.world, "UPDATE stock_lines SET reserved = reserved - 2")
    await watched.ends("ReservationsDrift")


async def stalled_publishing_is_told(watched: Watched, kafka_proxy: Proxy) -> None:
    """Hold back what Kafka answers to whoever writes outcomes: events come in all the same."""
    outcomes = watched.world.topic("reservation-outcomes").encode()
    kafka_proxy.stall_answers(lambda chunk: outcomes in chunk)
    await watched.world.send([admitted("late")])
    await watched.fires("ReservationsPublishingStalled")

    kafka_proxy.heal()
    await watched.ends("ReservationsPublishingStalled")


async def a_stopped_worker_is_told(watched: Watched) -> None:
    await watched.worker.stop(signal.SIGKILL)

    await asyncio.gather(*map(watched.fires, ("ReservationsWorkerDown", "ReservationsNoWorker")))


async def in_database(world: World, statement: str) -> None:
    connection = await connect(world.database_url, application_name="test")
    await connection.execute(statement)
    await connection.close()
