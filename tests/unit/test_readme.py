"""README tells the truth of today: settings, topics, commands and reasons as they are."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from schemas.decode import PassedOver, decode
from schemas.vocabulary import OutcomeType, Reason
from schemas.wire import MEANINGS
from service.admin.policy_file import read_policies
from service.admin.pool_file import read_pools
from service.admin.stock_file import read_stock
from service.cli import app
from service.metrics import Metrics
from service.settings import PREFIX, Settings
from tests.benchmarks.results import RESULTS, rows_of

HOME = Path(__file__).parents[2]
README = (HOME / "README.md").read_text()
MUTANTS = HOME / "tests" / "mutants" / "results.json"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_in_the_table_with_its_default(name: str) -> None:
    field = Settings.model_fields[name]
    row = next((row for row in README.splitlines() if row.startswith(f"| `{name.upper()}` |")), "")

    assert row, f"{PREFIX}{name.upper()} is not in the table of settings"
    assert field.description
    assert field.description in row
    if field.default_factory is None:
        default = field.default
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        assert f"`{shown}`" in row


def test_no_row_names_a_setting_that_does_not_exist() -> None:
    table = section("Settings")
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))

    assert named == {name.upper() for name in Settings.model_fields}


def test_every_command_is_named() -> None:
    command = typer.main.get_command(app)

    for name in command.commands:  # type: ignore[attr-defined]
        assert f"`reservations {name}" in README, name


def test_every_outcome_and_every_reason_is_explained() -> None:
    for word in (*get_args(OutcomeType), "adjusted", *get_args(Reason)):
        assert f"`{word}`" in README, word


def test_every_path_that_it_names_exists() -> None:
    for path in re.findall(r"\]\(([a-z][^):#]*)\)", README):
        assert (HOME / path).exists(), path


def test_the_examples_can_be_imported() -> None:
    examples = HOME / "deploy" / "examples"

    stock = read_stock("stock.csv", (examples / "stock.csv").read_bytes())
    policies = read_policies("policy.toml", (examples / "policy.toml").read_bytes())
    pools = read_pools("pools.csv", (examples / "pools.csv").read_bytes())

    on_hand = {(row.product_id, row.variant_id): row.on_hand for row in stock}
    assert len(stock) == 4
    assert [row.policy.strategy for row in policies] == ["soft", "pool"]
    for row in pools:
        assert row.experience_id in {one.experience_id for one in policies}
        assert row.units <= (on_hand[row.product_id, row.variant_id] or 0)


def test_every_type_that_means_something_is_in_the_table() -> None:
    ours = ("cart.", "hold.", "expiry.")
    meant = {name for name, one in MEANINGS.items() if one.payload and not name.startswith(ours)}
    table = section("The rule book").split("| it means | types |")[1].split("\n\n")[0]

    assert set(re.findall(r"`([^`]+)`", table)) == meant


def test_events_that_it_shows_are_what_it_says() -> None:
    shown = re.findall(r"```json\n(.*?)```", README, re.DOTALL)

    events = [event for text in shown for event in _decoded(text)]

    assert [type(event).__name__ for event in events] == ["Admitted", "CartUpdated"]
    assert {event.admission_id for event in events} == {"adm_1"}


def _decoded(text: str) -> list[Any]:
    events = decode(text.encode(), datetime(2026, 5, 1, 10, 2, tzinfo=UTC))
    assert not isinstance(events, PassedOver)
    return list(events)


def test_every_metric_that_it_names_exists() -> None:
    families = Metrics().registry.collect()
    known = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}

    named = set(re.findall(r"\breservations_[a-z_]+", README))

    assert named
    assert named <= known


def test_the_figures_are_those_of_the_last_benchmark() -> None:
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    measured = [f"| {' | '.join(row[:5])} |" for results in kept for row in rows_of(results)]

    told = [line for line in section("Speed").splitlines() if re.match(r"\|.*\d.*\|$", line)]

    assert sorted(told) == sorted(line.replace("|  |", "| |") for line in measured)


def test_the_score_is_that_of_the_last_run_of_the_mutants() -> None:
    results = json.loads(MUTANTS.read_text())
    killed, timeouts, survived = (results[name] for name in ("killed", "timeouts", "survived"))
    told = " ".join(section("The rule book").split("### Is every rule tested?")[1].split())
    by_kind = [int(units) for units in re.findall(r"- (\d+) ", told)]

    total = killed + timeouts + survived
    assert f"{results['score']} % of {total:,} changes are noticed: {killed:,} by a test" in told
    assert f"{timeouts} by one that does not end. The {survived} that survive" in told
    assert sum(by_kind) == survived == len(results["survivors"])


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]
