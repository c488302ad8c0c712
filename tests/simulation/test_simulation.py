"""The simulation itself: what it makes, how it tells it, and whether it would notice."""

from dataclasses import replace

import msgspec
import pytest

from schemas.events import Event
from schemas.policy import Policy
from schemas.vocabulary import Status
from tests.simulation.__main__ import simulate
from tests.simulation.generate import Kind, Scenario, scenario
from tests.simulation.laws import Steps, Trial
from tests.simulation.ledger import Withdrawal
from tests.simulation.play import Code, compare, model_of
from tests.simulation.shrink import Broken, check
from tests.simulation.tell import story
from tests.unit.story import Happens, parse

Change = tuple[Status, Status]

# What a row may become, by `schemas.vocabulary`, and by what is learnt late.
EXPECTED: set[Change] = {
    ("active", "converted"),
    ("active", "released"),
    ("active", "expired"),
    ("rejected", "active"),
    ("released", "active"),
    ("expired", "active"),
    ("rejected", "converted"),
    ("released", "converted"),
    ("expired", "converted"),
    ("rejected", "unfulfilled"),
    ("released", "unfulfilled"),
    ("expired", "unfulfilled"),
    ("converted", "returned"),
    ("returned", "converted"),
    ("converted", "active"),
    ("unfulfilled", "converted"),
    ("expired", "released"),
    ("released", "expired"),
}


@pytest.mark.parametrize("kind", ["enough", "scarce", "database"])
def test_same_seed_makes_the_same_scenario(kind: Kind) -> None:
    assert scenario(7, kind) == scenario(7, kind)
    assert scenario(7, kind) != scenario(8, kind)


@pytest.mark.parametrize("seed", range(20))
def test_scenario_is_told_in_the_language_of_stories(seed: int) -> None:
    made = scenario(seed, "scarce")

    told = [step.arrival for step in parse(story(made, made.steps)) if isinstance(step, Happens)]

    assert [(one.lane, _anonymous(one.event)) for one in told] == [
        (lane, _anonymous(event)) for lane, event in made.steps if not _is_withdrawal(event)
    ]


def test_every_change_of_a_row_is_tried() -> None:
    found: set[Change] = set()
    for seed in range(1500):
        found |= _changes(scenario(seed, "scarce"))
        if found >= EXPECTED:
            return
    assert found >= EXPECTED, f"never tried: {EXPECTED - found}"


def test_broken_law_is_told_as_the_shortest_story_with_its_seed() -> None:
    made = scenario(3, "scarce")

    with pytest.raises(Broken) as broken:
        check(Trial(_agree_under_another_policy, made, [made.steps]))

    assert "make simulate SEED=3" in str(broken.value)
    assert len(parse(str(broken.value).partition("\n")[2].partition("\n\n")[0])) < 8


def test_seed_is_simulated_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate([5]) == 0
    assert "sequences were tried" in capsys.readouterr().out


def _agree_under_another_policy(scenario: Scenario, steps: Steps) -> None:
    """What agrees does not if the model is told that nothing is held for longer than a second."""
    policies = {name: Policy(hold_seconds_max=1) for name in scenario.policies}
    code, model = Code(scenario), model_of(replace(scenario, policies=policies))
    for step in steps:
        code.apply([step])
        model.apply(*step)
        compare(code.world, model)


def _changes(scenario: Scenario) -> set[Change]:
    model, found, before = model_of(scenario), set(), dict[object, Status]()
    for step in scenario.steps:
        model.apply(*step)
        for visit in model.visits:
            for sku, row in visit.rows.items():
                was = before.get((visit, sku), row.status)
                before[visit, sku] = row.status
                found.add((was, row.status))
    return found


def _is_withdrawal(event: object) -> bool:
    return isinstance(event, Withdrawal)


def _anonymous(event: object) -> object:
    return msgspec.structs.replace(event, event_id="") if isinstance(event, Event) else event
