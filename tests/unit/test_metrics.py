"""The catalogue keeps its own rules, README's table is made from it, and batches are counted."""

import re
from collections import Counter
from importlib.metadata import version

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.transaction import Applied
from schemas.vocabulary import OutcomeType, Result
from service.metrics import Metrics, catalogue
from service.metrics.catalogue import CATALOGUE
from service.metrics.counting import (
    DISTRIBUTION,
    REASONS,
    begin_series,
    count_applied,
    count_published,
    tell_build,
)
from service.metrics.metric import Metric
from service.metrics.readme import README, with_table
from tests.unit.test_readme import section

# What may be a label: none of these takes more values than the settings or the code know.
LABELS = {"topic", "result", "type", "reason", "phase", "lane", "cause", "state"}
LABELS |= {"version", "python", "server", "sample", "stream", "strategy"}
# Bounded by a setting: the stock lines that sell most.
LABELS |= {"organization", "product", "variant"}


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_keeps_the_rules_of_prometheus_and_ours(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert (metric.unit == "seconds") == ("seconds" in metric.name.split("_"))
    assert set(metric.labels) <= LABELS
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert metric.meaning
    assert metric.to_do
    assert metric.kind == "gauge" or metric.together in ("sum", "max")


def test_no_metric_is_there_twice() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


def test_the_table_in_readme_is_the_catalogue() -> None:
    readme = README.read_text()

    assert with_table(readme) == readme, "run `make readme`"


def test_every_other_metric_that_a_text_names_is_in_the_catalogue() -> None:
    known = {metric.name for metric in CATALOGUE}
    told = [f"{metric.meaning} {metric.to_do}" for metric in CATALOGUE]

    named = re.findall(r"`([a-z_]+_(?:seconds|records|size|outcomes|total|units))`", " ".join(told))

    assert named
    assert set(named) <= known


@pytest.mark.parametrize("outcome_type", REASONS)
def test_the_reasons_that_begin_at_0_are_those_that_readme_tells(outcome_type: OutcomeType) -> None:
    rows = section("The rule book").splitlines()
    row = next(row for row in rows if row.startswith(f"| `{outcome_type}` |"))

    told = re.findall(r"`(\w+)`", row.split("|")[3]) or [""]

    assert sorted(told) == sorted(REASONS[outcome_type])


def test_series_that_alerts_count_begin_at_0() -> None:
    metrics = Metrics()

    begin_series(metrics, ["admitted"])

    text = metrics.render().decode()
    assert 'reservations_events_total{result="dead_letter",topic="admitted"} 0.0' in text
    assert 'reservations_outcomes_total{reason="grace_over",type="unfulfilled"} 0.0' in text


def test_no_series_tells_when_another_was_made() -> None:
    """A reader of the catalogue, the dashboards and the alerts knows of none."""
    metrics = Metrics()
    begin_series(metrics, ["admitted"])
    metrics.observe(catalogue.EVENT_AGE_SECONDS, 0.5)

    families = list(text_string_to_metric_families(metrics.render().decode()))

    ours = {one.name for one in families if not one.name.startswith("process_")}
    assert ours == {metric.full_name.removesuffix("_total") for metric in CATALOGUE}


def test_a_batch_is_counted() -> None:
    metrics = Metrics()
    results: Counter[tuple[str, Result]] = Counter(
        {("admitted", "applied"): 3, ("admitted", "duplicate"): 1}
    )
    seconds = {"load": 0.1, "decide": 0.2}
    applied = Applied({}, [], [], results, set(), 4, 2, 0.03, seconds, overdue_seconds=[2, 3])
    applied.conflicts = 3

    count_applied(metrics, applied)
    count_published(metrics, 5, 0.5)

    assert value(metrics, "events_total", topic="admitted", result="applied") == 3
    assert value(metrics, "misrouted_total") == 2
    assert value(metrics, "conflicts_total") == 3
    assert value(metrics, "batch_size_sum") == 4
    assert value(metrics, "event_age_seconds_sum") == 0.03
    assert value(metrics, "batch_seconds_sum", phase="decide") == 0.2
    assert value(metrics, "expiry_lag_seconds_sum") == 5
    assert value(metrics, "published_total") == 5
    assert value(metrics, "publish_seconds_count") == 1


def test_the_build_is_told() -> None:
    metrics = Metrics()

    tell_build(metrics)

    assert f'version="{version(DISTRIBUTION)}"' in metrics.render().decode()


def test_a_lane_that_went_to_another_worker_leaves_no_series() -> None:
    metrics = Metrics()
    metrics.set(catalogue.HOLDS_ACTIVE, 7, 3)

    metrics.forget(catalogue.HOLDS_ACTIVE)

    assert value(metrics, "holds_active", lane="3") is None


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"reservations_{name}", labels)
