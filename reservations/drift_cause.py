"""Why a stock line has drifted, as far as its counters tell.

What a worker does moves several of them at once, each step in its own way.
"""

from collections.abc import Mapping
from operator import add
from typing import Final, Literal, NamedTuple

from reservations.drift import Place
from reservations.strategies import EFFECTS, Effect
from schemas.vocabulary import Strategy

Step = Literal["hold", "convert", "sale", "give_back", "take_back", "oversell"]


class Missed(NamedTuple):
    """A step of the rows that the counters did not make; `surplus`: that only the counters made."""

    step: Step
    strategy: Strategy
    units: int
    experience_id: str | None
    surplus: bool


def _sum(one: Effect, other: Effect) -> Effect:
    return Effect(*map(add, one, other))


_STRATEGIES: Final[tuple[Strategy, ...]] = ("soft", "hard", "pool")
_STEPS: Final[dict[tuple[Strategy, Step], Effect]] = {
    # Units that were not held, or not any more.
    **{
        (strategy, "sale"): _sum(EFFECTS[strategy, "hold"], EFFECTS[strategy, "convert"])
        for strategy in _STRATEGIES
    },
    **{(strategy, movement): effect for (strategy, movement), effect in EFFECTS.items()},
}
_MOVED_IF_TRACKED: Final = ("on_hand", "short")


def missed_step(moves: Mapping[Place, int], *, tracked: bool) -> Missed | None:
    """Find the one step that explains all that differs; None where none does."""
    experiences = {experience for _, experience in moves if experience is not None}
    if not moves or len(experiences) > 1:
        return None
    experience = min(experiences, default=None)
    found: dict[str, int] = {counter: units for (counter, _), units in moves.items()}
    for surplus in (False, True):
        for (strategy, step), effect in _STEPS.items():
            wanted = _counters(effect, tracked=tracked)
            units = _times(found, wanted, -1 if surplus else 1)
            if units is not None:
                return Missed(step, strategy, units, experience, surplus)
    return None


def _counters(effect: Effect, *, tracked: bool) -> dict[str, int]:
    return {
        counter: units
        for counter, units in effect._asdict().items()
        if units and (tracked or counter not in _MOVED_IF_TRACKED)
    }


def _times(found: Mapping[str, int], one: Mapping[str, int], sign: int) -> int | None:
    """Give how many units moved like `one` make what is found; None where no number does."""
    if found.keys() != one.keys():
        return None
    counts = {sign * units // one[counter] for counter, units in found.items()}
    return counts.pop() if len(counts) == 1 and min(counts) > 0 else None
