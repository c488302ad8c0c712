"""The short form of `make mutants`: some guards are broken; and what the long form found."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mutants import results
from tests.mutants.__main__ import SCORE_MIN, mutants
from tests.mutants.making import RULES, Mutant
from tests.mutants.results import last_run, update, write
from tests.mutants.trial import TESTS, Verdict, trial

# A module, a guard in it, and the guard as it must not be.
GUARDS = [
    ("stock_moves", "return spare >= 0", "return spare > 0"),
    ("strategies", "pool.available >= quantity", "pool.available > quantity"),
    ("strategies", "short(line) + quantity > budget", "short(line) + quantity >= budget"),
    ("limits", "units > most", "units >= most"),
    ("decide", "event.at <= last and", "event.at < last and"),
    ("standing", "payment.paid_at > over_at", "payment.paid_at >= over_at"),
]
STORIES = [str(TESTS / f"unit/test_{name}.py") for name in ("holds", "limits", "strategies")]


def test_broken_guards_turn_tests_red() -> None:
    rules_as_they_are = ("reservations.decide", (RULES / "decide.py").read_text())
    tried = [rules_as_they_are, *(_broken(*guard) for guard in GUARDS)]

    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(_verdict, tried))

    assert verdicts == ["survived", *("killed" for _ in GUARDS)]


def _verdict(rules: tuple[str, str]) -> Verdict:
    module, source = rules
    return trial(module, source, STORIES, timeout=60, laws=False)


def _broken(module: str, guard: str, wrong: str) -> tuple[str, str]:
    found = [one for one in mutants(module, guard) if wrong in one.after]
    assert found, f"reservations/{module}.py has no guard {guard!r} that becomes {wrong!r}"
    return found[0].module, found[0].source


def test_survivors_of_the_last_run_are_explained() -> None:
    found = last_run()

    assert found["score"] >= SCORE_MIN
    assert [one["change"] for one in found["survivors"] if not one["why"]] == []


@pytest.fixture
def of_limits_and_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    """Results of a run in which of four mutants two survived, one of each module."""
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    tried = [*mutants("limits", "units > most")[:2], *mutants("strategies", "> budget")[:2]]
    write([(one, "survived" if n % 2 else "killed") for n, one in enumerate(tried)])
    return tried


def test_a_module_that_is_tried_again_leaves_the_others_as_they_were(
    of_limits_and_strategies: list[Mutant],
) -> None:
    before = last_run()

    update([(one, "killed") for one in of_limits_and_strategies[:2]], ["limits"])

    assert last_run()["modules"]["limits"] == {"killed": 2, "timeouts": 0, "survived": 0}
    assert last_run()["modules"]["strategies"] == before["modules"]["strategies"]
    assert [one["at"] for one in last_run()["survivors"]] == [of_limits_and_strategies[3].at]
    assert (before["score"], last_run()["score"]) == (50.0, 75.0)


def test_survivors_that_are_tried_again_are_counted_anew(
    of_limits_and_strategies: list[Mutant],
) -> None:
    again = of_limits_and_strategies[1], of_limits_and_strategies[3]

    update([(again[0], "timeout"), (again[1], "survived")], [])

    assert last_run()["modules"] == {
        "limits": {"killed": 1, "timeouts": 1, "survived": 0},
        "strategies": {"killed": 1, "timeouts": 0, "survived": 1},
    }
    assert [one["at"] for one in last_run()["survivors"]] == [again[1].at]
    assert last_run()["score"] == 75.0
