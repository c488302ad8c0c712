"""The short form of `make mutants`: some guards are broken; and what the long form found."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.__main__ import RESULTS, SCORE_MIN, mutants
from tests.mutants.making import RULES
from tests.mutants.trial import TESTS, Verdict, trial

# A module, a guard in it, and the guard as it must not be.
GUARDS = [
    ("strategies", "line.available >= quantity", "line.available > quantity"),
    ("strategies", "pool.available >= quantity", "pool.available > quantity"),
    ("strategies", "line.short + quantity > budget", "line.short + quantity >= budget"),
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
    results = json.loads(RESULTS.read_text())

    assert results["score"] >= SCORE_MIN
    assert [one["change"] for one in results["survivors"] if not one["why"]] == []
