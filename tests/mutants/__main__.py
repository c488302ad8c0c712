"""Break the rules, one change at a time, and see whether a test notices.

    python -m tests.mutants                        all of reservations/: writes results.json
    python -m tests.mutants --module admit         one module, or several: updates results.json
    python -m tests.mutants --sample 50 --seed 7   some of them
    python -m tests.mutants --survivors            those that survived: updates results.json
    python -m tests.mutants --survivors --file guards   ... by the tests that are new or changed

Ends with 1 where fewer than 85 % are noticed. The reasons in results.json are a person's to write.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console
from rich.progress import track

from tests.mutants.making import RULES, Mutant, mutant, places
from tests.mutants.results import Trials, last_run, score, update, write
from tests.mutants.trial import Verdict, stories, trial

SCORE_MIN: Final = 85.0

LINE_EACH: Final = 100

Trying: TypeAlias = "Future[Verdict]"


def mutants(module: str, line: str = "") -> list[Mutant]:
    """Make the mutants of a module, or of all where it is "", of lines that contain a text."""
    return [
        mutant(place)
        for path in sorted(RULES.glob(f"{module or '*'}.py"))
        for place in places(path)
        if line in path.read_text().splitlines()[place.line - 1]
    ]


def survivors() -> list[Mutant]:
    """Make those mutants again that survived the last run: by name, and of several the nearest."""
    made: defaultdict[str, list[Mutant]] = defaultdict(list)
    for one in mutants(""):
        made[one.name].append(one)
    again = []
    for survived in last_run()["survivors"]:
        same, line = made[survived["change"]], int(survived["at"].rsplit(":")[-1])
        if same:  # else the line has changed
            again.append(min(same, key=lambda one: abs(one.place.line - line)))
            same.remove(again[-1])
    return again


def try_all(tried: Sequence[Mutant], file: str = "") -> list[tuple[Mutant, Verdict]]:
    """Try mutants, as many at a time as there are cores. The rules as they are have to pass."""
    files = [each for each in stories() if file in Path(each).stem]
    laws = not file
    began = time.monotonic()
    some_rule = RULES / "decide.py"
    as_it_is = trial("reservations.decide", some_rule.read_text(), files, 300, laws=laws)
    if as_it_is != "survived":
        sys.exit("The tests fail on the rules as they are.")
    timeout = 10 + 5 * (time.monotonic() - began)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        trials = {
            pool.submit(trial, one.module, one.source, files, timeout, laws=laws): number
            for number, one in enumerate(tried)
        }
        verdicts: dict[int, Verdict] = {}
        try:
            for done in _shown(as_completed(trials), len(trials)):
                verdicts[trials[done]] = done.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            sys.exit("interrupted: what is being tried ends by itself, nothing was written")
    return [(one, verdicts[number]) for number, one in enumerate(tried)]


def _shown(done: Iterator[Trying], total: int) -> Iterator[Trying]:
    """Show how far it is: a bar on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        yield from track(done, "Trying", total=total, console=Console(stderr=True))
        return
    for number, one in enumerate(done, start=1):
        if number % LINE_EACH == 0:
            print(f"{number} of {total} tried", file=sys.stderr, flush=True)
        yield one


def report(trials: Trials) -> None:
    """Print the survivors and the score."""
    counts = Counter(verdict for _, verdict in trials)
    for one, verdict in trials:
        if verdict in ("survived", "timeout"):
            print(f"{verdict:>8}  {one.at}  {one.place.function}")
            print(f"          - {one.before}\n          + {one.after}")
    print(
        f"{score(counts)} % of {len(trials) - counts['broken']} mutants were noticed:"
        f" {counts['killed']} killed, {counts['timeout']} timed out, {counts['survived']} survived"
        f" ({counts['broken']} more could not be imported)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--module", action="append", default=[], help="a module of reservations/: admit"
    )
    parser.add_argument("--line", default="", help="only lines that contain this text")
    parser.add_argument("--file", default="", help="only tests in files of such a name, no laws")
    parser.add_argument("--survivors", action="store_true", help="only those of the last run")
    parser.add_argument("--sample", type=int, help="only so many, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.survivors and (arguments.module or arguments.line or arguments.sample):
        parser.error("--survivors tries all that survived: leave out --module, --line and --sample")
    modules, line, size = arguments.module, arguments.line, arguments.sample
    known = sorted(path.stem for path in RULES.glob("[a-z]*.py"))
    for module in modules:
        if module not in known:
            parser.error(f"no module {module}: one of {', '.join(known)}")
    all_of_some = (one for module in modules or [""] for one in mutants(module, line))
    tried = survivors() if arguments.survivors else list(all_of_some)
    if size is not None and size < len(tried):
        tried = random.Random(arguments.seed).sample(tried, size)
    trials = try_all(tried, arguments.file)
    report(trials)
    if arguments.survivors or (modules and not (line or size or arguments.file)):
        update(trials, modules)
        sys.exit(last_run()["score"] < SCORE_MIN)
    if not (line or size or arguments.file):
        write(trials)
    sys.exit(score(Counter(verdict for _, verdict in trials)) < SCORE_MIN)


if __name__ == "__main__":
    main()
