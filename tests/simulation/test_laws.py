"""The laws of the simulation, on seeds that Hypothesis draws: the same ones in every run.

A failure tells the shortest story of it, and the seed that replays it with `make simulate SEED=N`.
"""

from itertools import count, islice, permutations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.events import ExpiryTick
from tests.simulation.generate import BEGAN, STEP, scenario, seconds
from tests.simulation.laws import (
    Trial,
    end_the_same_in_any_order,
    end_the_same_in_batches,
    sell_the_same_with_ticks_anywhere,
    trials,
)
from tests.simulation.play import cut
from tests.simulation.shrink import check

EVENTS_MAX = 5  # so many have 120 orders

seeds = st.integers(0, 1_000_000)
# Hypothesis neither shrinks nor remembers: `tests.simulation.shrink` does, and seeds are fixed.
settings.register_profile(
    "simulation",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
simulation = settings.get_profile("simulation")


@given(seeds)
@settings(simulation, max_examples=150)
def test_code_and_model_agree(seed: int) -> None:
    for trial in trials(seed):
        check(trial)


def _small_seeds() -> list[int]:
    sizes = ((seed, len(scenario(seed, "enough").steps)) for seed in count())
    return list(islice((seed for seed, size in sizes if size == EVENTS_MAX), 8))


@pytest.mark.parametrize("seed", _small_seeds())
def test_every_order_of_five_events_ends_the_same(seed: int) -> None:
    enough = scenario(seed, "enough")
    for order in permutations(enough.steps):
        check(Trial(end_the_same_in_any_order, enough, [enough.steps, list(order)]))


@given(seeds, st.data())
@settings(simulation, max_examples=200)
def test_any_order_and_any_repetition_ends_the_same(seed: int, data: st.DataObject) -> None:
    enough = scenario(seed, "enough")
    order = data.draw(st.permutations(enough.steps))
    for step in data.draw(st.lists(st.sampled_from(enough.steps), max_size=3)):
        order.insert(data.draw(st.integers(0, len(order))), step)
    check(Trial(end_the_same_in_any_order, enough, [enough.steps, order]))


@given(seeds, st.data())
@settings(simulation, max_examples=150)
def test_ticks_anywhere_decide_nothing_about_what_is_sold(seed: int, data: st.DataObject) -> None:
    enough = scenario(seed, "enough")
    order = data.draw(st.permutations(enough.steps))
    for instant in data.draw(st.lists(st.integers(0, 15 * STEP), min_size=1, max_size=4)):
        tick = data.draw(st.integers(0, 1)), ExpiryTick(at=BEGAN + seconds(instant))
        order.insert(data.draw(st.integers(0, len(order))), tick)
    check(Trial(sell_the_same_with_ticks_anywhere, enough, [enough.steps, order]))


@given(seeds, st.data())
@settings(simulation, max_examples=150)
def test_cuts_into_batches_decide_nothing(seed: int, data: st.DataObject) -> None:
    scarce = scenario(seed, "scarce")
    batches = cut(scarce.steps, lambda: data.draw(st.booleans()))
    check(Trial(end_the_same_in_batches, scarce, batches))
