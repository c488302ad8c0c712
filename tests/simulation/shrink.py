"""From a trial that fails to the shortest that fails in the same way, and how to say so."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tests.simulation.laws import Steps, Trial
from tests.simulation.tell import story

TRIES_MAX: Final = 1000


class Broken(AssertionError):
    """A law is broken: which, by what story, and the seed that replays it."""

    def __init__(self, trial: Trial) -> None:
        short = shortest(trial)
        seed = trial.scenario.seed
        stories = dict.fromkeys(story(short.scenario, steps) for steps in _sequences(short))
        told = "\n  or\n".join(stories)
        super().__init__(
            f"seed {seed}: {_in_words(trial)}? Not so:\n{told}\n\n{short.fails()}\n\n"
            f"replay: make simulate SEED={seed}"
        )


def check(trial: Trial) -> None:
    """Try a law. Raises Broken."""
    if trial.fails():
        raise Broken(trial) from trial.fails()


def shortest(trial: Trial) -> Trial:
    """Leave out events, and bring orders nearer to each other, as long as the law stays broken."""
    tries, is_shorter = 0, True
    while is_shorter and tries < TRIES_MAX:
        is_shorter = False
        for shorter in _shorter(trial):
            tries += 1
            failure = shorter.fails()
            if failure is not None and type(failure) is type(trial.fails()):
                trial, is_shorter = shorter, True
                break
    return trial


def _shorter(trial: Trial) -> Iterator[Trial]:
    events = {id(event): event for steps in trial.sequences for _, event in steps}
    for event in events.values():
        left = [[one for one in steps if one[1] is not event] for steps in trial.sequences]
        yield trial._replace(sequences=[steps for steps in left if steps or len(left) == 2])
    if len(trial.sequences) == 2:
        first, *_, other = trial.sequences
        places = {id(event): place for place, (_, event) in enumerate(first)}
        for place, (one, after) in enumerate(pairwise(other)):
            if places.get(id(one[1]), 0) > places.get(id(after[1]), 0):
                nearer = [*other[:place], after, one, *other[place + 2 :]]
                yield trial._replace(sequences=[first, nearer])


def _sequences(trial: Trial) -> list[Steps]:
    if trial.law.__name__ == "end_the_same_in_batches":
        return [[step for batch in trial.sequences for step in batch]]
    return list(trial.sequences)


def _in_words(trial: Trial) -> str:
    return trial.law.__name__.replace("_", " ")
