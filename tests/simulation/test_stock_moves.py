"""Two workers may decide about one stock line at once, each by what it read of it.

What another has moved since is no reason to decide anew, as long as the line is within the bounds
that the batch noted. That is a law: on a line with any counters within them, the rules say the same
of every event and add the same to every counter.
"""

import random
from copy import deepcopy

import pytest

from reservations.book import Book
from schemas.stock import StockLine, StockMove
from tests.simulation.generate import Kind, scenario
from tests.simulation.play import Code, cut
from tests.unit.story import Happens
from tests.unit.world import World

FAR = 5  # units beyond what the batch has read


@pytest.mark.parametrize("kind", ["scarce", "enough"])
@pytest.mark.parametrize("first_seed", range(0, 300, 100))
def test_any_counters_within_the_bounds_decide_the_same(kind: Kind, first_seed: int) -> None:
    otherwise = 0
    for seed in range(first_seed, first_seed + 100):
        dice, scene = random.Random(seed), scenario(seed, kind)
        code = Code(scene)
        for steps in cut(scene.steps, lambda dice=dice: dice.random() < 0.3):  # type: ignore[misc]
            if batch := code.happening(steps):
                otherwise += _decides_the_same(code.world, batch, dice)
                code.world.apply(batch)
    assert otherwise > 100  # lines that another had moved meanwhile


def _decides_the_same(world: World, batch: list[Happens], dice: random.Random) -> int:
    """Give how many of the lines had other counters the second time."""
    first = deepcopy(world).decided(batch)
    anew, moved = deepcopy(world), 0
    moves = {move[:3]: move for move in first.stock_moves()}
    for key, line in anew.stock.items():
        if (move := moves.get(key)) is not None:
            moved += _move_within(line, move, dice)
        elif line.tracked:  # nobody has asked for it: it may be any other
            line.on_hand, line.short = line.reserved + dice.randint(0, 9), dice.randint(0, 9)
    second = anew.decided(batch)
    assert second.changes.outcomes == first.changes.outcomes
    assert _added(second) == _added(first)
    return moved


def _move_within(line: StockLine, move: StockMove, dice: random.Random) -> bool:
    """Move a line as another worker or an operator may, with no fewer units than none."""
    low, high = max(0, move.low, line.available - FAR), min(move.high, line.available + FAR)
    available = dice.randint(low, high) if line.tracked else line.available
    took, sold = dice.randint(0, FAR), dice.randint(0, FAR)
    before = line.available
    line.on_hand += available - before + took * line.tracked
    line.reserved += took
    line.sold, line.allocated = line.sold + sold, line.allocated + dice.randint(0, FAR)
    return available != before


def _added(book: Book) -> dict[object, object]:
    return {move[:3]: move[7:] for move in book.stock_moves() if any(move[7:])}
