"""The laws, each tried on what one seed makes.

With stock enough, every permutation and repetition of the events ends the same; with scarce stock,
code and model agree on the same sequence, after every event. Two laws follow: it decides nothing
where a batch is cut, and ticks anywhere change how unsold lines are called, but not what is sold.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.events import ExpiryTick
from schemas.vocabulary import Reason, Status
from tests.simulation.facts import Sku
from tests.simulation.generate import BEGAN, STEP, Scenario, Step, scenario, seconds
from tests.simulation.model import Model
from tests.simulation.play import Code, compare, compare_counters, cut, model_of, names_of, state_of
from tests.simulation.row import State
from tests.simulation.visit import Names
from tests.unit.world import World, assert_same

Steps = Sequence[Step]
Law = Callable[..., None]  # of a scenario and one or more sequences of its steps
Ends = dict[tuple[Names, Sku], State]

LAST_TICKS: Final[Steps] = [(lane, ExpiryTick(at=BEGAN + seconds(24 * 3600))) for lane in range(2)]
PERMUTED_MAX: Final = 4  # so many events are told in all orders, and more in some
ORDERS: Final = 3
SOLD: Final[tuple[Status, ...]] = ("converted", "unfulfilled", "returned")
BY_CART: Final[tuple[Reason, ...]] = ("cart_changed", "released_on_request")


class Trial(NamedTuple):
    """A law, and the sequences that it is tried on."""

    law: Law
    scenario: Scenario
    sequences: Sequence[Steps]

    def fails(self) -> Exception | None:
        try:
            self.law(self.scenario, *self.sequences)
        except Exception as failure:  # whatever it is: a seed replays it
            return failure
        return None


def trials(seed: int) -> Iterator[Trial]:
    """Give all that is tried with a seed."""
    dice = random.Random(seed)
    scarce = scenario(seed, "scarce")
    yield Trial(agree, scarce, [scarce.steps])
    yield Trial(end_the_same_in_batches, scarce, cut(scarce.steps, lambda: dice.random() < 0.3))
    enough = scenario(seed, "enough")
    for order in _orders(enough.steps, dice):
        yield Trial(end_the_same_in_any_order, enough, [enough.steps, order])
    for _ in range(ORDERS):
        order = _with_ticks(_shuffled(enough.steps, dice), dice)
        yield Trial(sell_the_same_with_ticks_anywhere, enough, [enough.steps, order])


# The laws


def agree(scenario: Scenario, steps: Steps) -> None:
    """Code and model agree after every event."""
    code, model = Code(scenario), model_of(scenario)
    for step in steps:
        code.apply([step])
        model.apply(*step)
        code.world.check()
        compare(code.world, model)


def end_the_same_in_batches(scenario: Scenario, *batches: Steps) -> None:
    """All ends the same, and the same is said, where batches load no more than they ask for."""
    one, other = Code(scenario), Code(scenario, loads_all=False)
    for batch in batches:
        for step in batch:
            one.apply([step])
        other.apply(batch)
    assert_same(other.world, one.world)


def end_the_same_in_any_order(scenario: Scenario, one: Steps, other: Steps) -> None:
    """The code ends as the model does that heard of it in another order."""
    model, world = _model(scenario, one), _world(scenario, other)
    _assert_same_ends(_ends(world, model), _ends_of(model))
    compare_counters(world, model)


def sell_the_same_with_ticks_anywhere(scenario: Scenario, one: Steps, other: Steps) -> None:
    """What a line is called that nobody bought depends on the ticks; what is sold does not."""
    model = _model(scenario, one)
    _assert_same_ends(_sold(_ends(_world(scenario, other), model)), _sold(_ends_of(model)))


def _model(scenario: Scenario, steps: Steps) -> Model:
    model = model_of(scenario)
    for step in [*steps, *LAST_TICKS]:
        model.apply(*step)
    return model


def _world(scenario: Scenario, steps: Steps) -> World:
    code = Code(scenario)
    for step in [*steps, *LAST_TICKS]:
        code.apply([step])
    return code.world


def _ends_of(model: Model) -> Ends:
    wanted = _wanted(model)
    return {
        (names, sku): row.state
        for visit in model.visits
        for names in [visit.names]
        for sku, row in visit.rows.items()
        if _counts(row.state, sku in wanted[names])
    }


def _ends(world: World, model: Model) -> Ends:
    wanted, found = _wanted(model), {}
    for one in world.reservations.values():
        names, sku = names_of(world.admissions[one.admission_key]), (one.product_id, one.variant_id)
        if _counts(state_of(one), sku in wanted[names]):
            found[names, sku] = state_of(one)
    return found


def _wanted(model: Model) -> Mapping[Names, Iterable[Sku]]:
    return {visit.names: visit.says().cart.wanted for visit in model.visits}


def _counts(state: State, is_wanted: bool) -> bool:
    """Tell whether it is a row of the last cart: of carts before that, it may have none."""
    status, _, reason, *_ = state
    return is_wanted or (status != "rejected" and reason not in BY_CART)


def _sold(ends: Ends) -> Ends:
    return {key: state for key, state in ends.items() if state[0] in SOLD}


def _assert_same_ends(code: Ends, model: Ends) -> None:
    for key in {**code, **model}:
        assert code.get(key) == model.get(key), (
            f"{'/'.join(key[1])} of {sorted(map(str, key[0]))}\n"
            f"  code   {code.get(key)}\n  model  {model.get(key)}"
        )


# Other orders


def _orders(steps: Steps, dice: random.Random) -> Iterator[Steps]:
    """Give all orders of few steps and some of many, with repetitions in some."""
    if len(steps) <= PERMUTED_MAX:
        yield from map(list, itertools.permutations(steps))
    for _ in range(ORDERS):
        yield [*_shuffled(steps, dice), *dice.sample(steps, k=dice.randint(0, 1))]


def _shuffled(steps: Steps, dice: random.Random) -> list[Step]:
    return dice.sample(steps, len(steps))


def _with_ticks(steps: list[Step], dice: random.Random) -> list[Step]:
    for _ in range(dice.randint(1, 3)):
        tick = ExpiryTick(at=BEGAN + seconds(STEP * dice.randrange(15)))
        steps.insert(dice.randint(0, len(steps)), (dice.randrange(2), tick))
    return steps
