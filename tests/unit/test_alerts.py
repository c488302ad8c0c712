"""Alerts, their stories, the runbook and the dashboards fit together, and name metrics that are."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.metrics.catalogue import CATALOGUE
from tests.prometheus.tools import NoPrometheus, fetch

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = (DEPLOY / "prometheus" / "rules" / "alerts.yml").read_text()
RECORDING = (DEPLOY / "prometheus" / "rules" / "recording.yml").read_text()
STORIES = (DEPLOY / "prometheus" / "tests" / "alerts.yml").read_text()
RUNBOOK = (DEPLOY / "runbook.md").read_text()
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

NAMES = re.findall(r"- alert: (\w+)", ALERTS)
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


def rule(name: str) -> str:
    return ALERTS.split(f"- alert: {name}\n")[1].split("- alert:")[0]


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_a_severity_a_story_and_its_place_in_the_runbook(name: str) -> None:
    assert re.search(r"severity: (page|ticket)\b", rule(name))
    assert f"runbook_url: deploy/runbook.md#{name.lower()}\n" in rule(name)
    assert f'- name: "{name}: ' in STORIES
    heads = re.findall(r"^\*\*(\w[\w ]*?)\.?\*\*", SECTIONS[name], re.MULTILINE)
    assert heads == ["Means", "Look", "Do", "Do not"]


def test_the_runbook_has_no_other_alerts() -> None:
    assert list(SECTIONS) == NAMES
    assert len(NAMES) > 20


def test_every_metric_that_rules_and_dashboards_name_is_in_the_catalogue() -> None:
    known = {metric.full_name for metric in CATALOGUE}
    for metric in CATALOGUE:
        if metric.kind == "histogram":
            known |= {f"{metric.full_name}_{part}" for part in ("bucket", "sum", "count")}
    texts = [ALERTS, RECORDING, STORIES, *(path.read_text() for path in DASHBOARDS)]
    # Recorded ones have their level before the name, and the operation after it.
    named = {
        name
        for text in texts
        for name in re.findall(r"(?<![:\w])reservations_[a-z_]+(?![:\w])", text)
    }

    assert len(named) > 30
    assert named <= known


def test_every_recorded_series_that_is_named_is_recorded() -> None:
    recorded = set(re.findall(r"- record: (\S+)", RECORDING))
    texts = [ALERTS, *(path.read_text() for path in DASHBOARDS)]
    named = {name for text in texts for name in re.findall(r"\bjob\w*:reservations_\w+:\w+", text)}

    assert named == recorded


def test_every_metric_is_on_a_dashboard_or_wakes_somebody() -> None:
    texts = " ".join([ALERTS, RECORDING, *(path.read_text() for path in DASHBOARDS)])

    assert [metric.name for metric in CATALOGUE if metric.full_name not in texts] == []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_provisioned(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    provisioned = DEPLOY / "grafana" / "provisioning"
    source = (provisioned / "datasources" / "prometheus.yaml").read_text()

    assert (
        "path: /var/lib/grafana/dashboards"
        in (provisioned / "dashboards" / "reservations.yaml").read_text()
    )
    assert {one["uid"] for one in sources(dashboard)} == set(re.findall(r"uid: (\w+)", source))
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def sources(part: Any) -> Iterator[dict[str, str]]:
    if isinstance(part, dict):
        if "datasource" in part:
            yield part["datasource"]
        for value in part.values():
            yield from sources(value)
    elif isinstance(part, list):
        for value in part:
            yield from sources(value)


def test_uids_of_dashboards_differ() -> None:
    uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]

    assert sorted(uids) == ["reservations-sale", "reservations-worker"]


def test_where_there_is_no_prometheus_somebody_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("apt-get") is None

    with pytest.raises(NoPrometheus, match="install Debian's package `prometheus`, or put both"):
        fetch(tmp_path / "kept")

    assert list(tmp_path.iterdir()) == []
