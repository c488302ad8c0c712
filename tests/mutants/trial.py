"""A trial: the tests of the rules against one mutant, in a process forked for it.

The fork server has loaded what all trials need and nothing of the rules, so that a trial loads the
mutant in the place of its module. Nothing is written anywhere.
"""

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

import hypothesis
import pytest

import schemas.events
import schemas.outcomes
import schemas.policy  # noqa: F401 - loaded here, they are there in every fork

Verdict = Literal["killed", "survived", "timeout", "broken"]

TESTS: Final = Path(__file__).parents[1]
_OF_THE_RULES: Final = re.compile(r"^from (tests\.unit\.world|reservations)\b", re.MULTILINE)
_OF_MORE: Final = re.compile(r"^from (service|consumers|producers|db)\b", re.MULTILINE)
_LONG: Final = ("test_any_order", "test_bad_facts")
_LEFT_OUT: Final = "not ten_thousand"  # a load: seconds of it show nothing of a rule
SEEDS: Final = 20
_BROKEN: Final = 64

_forks = get_context("forkserver")
# Beside what trials need: every fork imports the program that asked for it, and what that imports.
_forks.set_forkserver_preload([__name__, "tests.mutants.making", "rich.progress"])


def stories() -> list[str]:
    """Give the files of the tests that tell stories in memory; those that take long come last."""
    of_the_rules = []
    for file in TESTS.glob("unit/test_*.py"):
        code = file.read_text()
        if _OF_THE_RULES.search(code) and not _OF_MORE.search(code):
            of_the_rules.append(str(file))
    return sorted(of_the_rules, key=lambda file: (Path(file).stem in _LONG, file))


def trial(
    module: str, source: str, files: Sequence[str], timeout: float, *, laws: bool = True
) -> Verdict:
    """Run the tests until one fails. A mutant that cannot even be imported is broken."""
    process = _forks.Process(target=_run, args=(module, source, files, laws))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        return "timeout"
    if process.exitcode == _BROKEN:
        return "broken"
    return "survived" if process.exitcode == pytest.ExitCode.OK else "killed"


def _run(module: str, source: str, files: Sequence[str], laws: bool) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.meta_path.insert(0, _Mutated(module, source))
    try:
        import_module(module)
    except Exception:
        sys.exit(_BROKEN)
    sys.exit(pytest.ExitCode.TESTS_FAILED if laws and _breaks_a_law() else _tests(files))


def _breaks_a_law() -> bool:
    """Compare code and model on some sequences: most mutants are noticed here, and soon."""
    from tests.simulation.laws import trials  # it loads the rules

    return any(trial.fails() for seed in range(SEEDS) for trial in trials(seed))


def _tests(files: Sequence[str]) -> int:
    hypothesis.settings.register_profile(
        "mutants",
        max_examples=10,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutants")
    options = ["--noconftest", "--assert=plain", "--exitfirst", "-p", "no:cacheprovider"]
    return pytest.main([*options, "-k", _LEFT_OUT, *files])


class _Mutated(MetaPathFinder, InspectLoader):
    """Gives the mutant when its module is imported."""

    def __init__(self, module: str, source: str) -> None:
        self.module = module
        self.source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self.module else None

    def get_source(self, fullname: str) -> str:
        return self.source
