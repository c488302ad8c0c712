"""What the last run of the mutants found, in results.json: counts by module, and the survivors."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.mutants.making import Mutant
from tests.mutants.trial import Verdict

RESULTS: Final = Path(__file__).parent / "results.json"

Trials = Sequence[tuple[Mutant, Verdict]]
Counts = dict[str, Counter[Verdict]]  # by module
Survivor = dict[str, str]


def score(counts: Counter[Verdict]) -> float:
    """Give the percentage that a test noticed, be it by not coming to an end."""
    noticed = counts["killed"] + counts["timeout"]
    return round(100 * noticed / max(1, noticed + counts["survived"]), 1)


def by_module(trials: Trials) -> Counts:
    """Count verdicts by module."""
    counts: Counts = defaultdict(Counter)
    for one, verdict in trials:
        counts[one.module.rpartition(".")[2]][verdict] += 1
    return counts


def write(trials: Trials, others: Counts | None = None, kept: Sequence[Survivor] = ()) -> None:
    """Write the results; what a person has written on a survivor stays.

    `others` are counts of what was not tried now, `kept` the survivors among them.
    """
    counts = by_module(trials)
    for module, verdicts in (others or {}).items():
        counts[module] += verdicts
    total = sum(counts.values(), Counter[Verdict]())
    reasons = {one["change"]: one["why"] for one in last_run()["survivors"]}
    survived = [
        {"at": one.at, "change": one.name, "why": reasons.get(one.name, "")}
        for one, verdict in trials
        if verdict == "survived"
    ]
    results = {
        "tool": f"cosmic-ray {version('cosmic-ray')}",
        "score": score(total),
        **_named(total),
        "modules": {module: _named(counts[module]) for module in sorted(counts)},
        "survivors": sorted([*survived, *kept], key=lambda one: one["at"].split(":")[0]),
    }
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def update(trials: Trials, modules: Sequence[str]) -> None:
    """Write the results of `modules` anew, or of what had survived; all the others stay."""
    before = last_run()
    others: Counts = {
        module: Counter[Verdict]({"killed": known["killed"], "timeout": known["timeouts"]})
        for module, known in before["modules"].items()
        if module not in modules
    }
    kept: list[Survivor] = []
    for one in before["survivors"] if modules else ():
        module = Path(one["at"].split(":")[0]).stem
        if module not in modules:
            kept.append(one)
            others[module]["survived"] += 1
    write(trials, others, kept)


def last_run() -> dict[str, Any]:
    nothing: dict[str, Any] = {"modules": {}, "survivors": []}
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else nothing


def _named(counts: Counter[Verdict]) -> dict[str, int]:
    names: dict[str, Verdict] = {"killed": "killed", "timeouts": "timeout", "survived": "survived"}
    return {name: counts[verdict] for name, verdict in names.items()}
