"""How many holds a batch ends, so that events wait no longer behind many lanes than behind one."""

import pytest

from consumers.records import Batch
from consumers.sweeps import add_sweeps, holds_per_lane


def ticked(lanes: int) -> Batch:
    batch = Batch()
    add_sweeps(batch, range(lanes), "expiry-ticks")
    return batch


@pytest.mark.parametrize("lanes", [1, 3, 4, 8, 2000])
def test_all_lanes_together_end_no_more_holds_than_one_lane_may(lanes: int) -> None:
    assert lanes * holds_per_lane(2000, ticked(lanes)) <= 2000
    assert (lanes + 1) * holds_per_lane(2000, ticked(lanes)) > 2000 - lanes  # as many as can be


def test_a_lane_that_alone_has_more_due_leaves_no_share_to_the_others() -> None:
    batch = Batch()
    add_sweeps(batch, [5], "expiry-ticks")

    assert holds_per_lane(2000, batch) == 2000


def test_a_lane_ends_one_hold_at_least() -> None:
    assert holds_per_lane(3, ticked(4)) == 1


def test_a_batch_without_a_tick_ends_nothing_and_is_asked_all_the_same() -> None:
    assert holds_per_lane(2000, Batch()) == 2000
