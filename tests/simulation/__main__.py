"""Try the laws: of one seed, or of as many seeds as the minutes have room for."""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final

from tests.simulation.laws import trials
from tests.simulation.shrink import Broken, check

LINE_SECONDS: Final = 30.0  # between two lines of progress where there is no terminal


def main() -> int:
    arguments = _parser().parse_args()
    first = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    if arguments.minutes is None:
        return simulate([first] if arguments.seed is not None else range(first, first + 100))
    return simulate(_until(time.monotonic() + 60 * arguments.minutes, first))


def simulate(seeds: Iterable[int]) -> int:
    """Try seeds, and report how many sequences were tried. Returns the status to exit with."""
    began = shown = time.monotonic()
    tried = seed = 0
    is_one = isinstance(seeds, Sequence) and len(seeds) == 1
    for number, seed in enumerate(seeds):
        if number == 0:
            print(f"seed {seed}" if is_one else f"seeds from {seed}", flush=True)
        for trial in trials(seed):
            tried += 1
            try:
                check(trial)
            except Broken as broken:
                print(f"\n{broken}\n{tried} sequences were tried", flush=True)
                return 1
        if time.monotonic() - shown > (1 if sys.stdout.isatty() else LINE_SECONDS):
            shown = time.monotonic()
            _show(f"{tried} sequences, seed {seed}")
    if sys.stdout.isatty():
        _show("")
    print(f"{tried} sequences were tried in {time.monotonic() - began:.0f} s: all laws hold")
    return 0


def _show(progress: str) -> None:
    """Show how far it is: in place on a terminal, else as a line now and then."""
    if sys.stdout.isatty():
        print(f"\r\033[K{progress}", end="", flush=True)
    else:
        print(progress, flush=True)


def _until(end: float, first: int) -> Iterator[int]:
    for seed in count(first):
        if time.monotonic() >= end:
            return
        yield seed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="the one to try, or the first")
    parser.add_argument("--minutes", type=float, help="for how long")
    return parser


if __name__ == "__main__":
    sys.exit(main())
