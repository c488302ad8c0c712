"""How many holds a batch ends, so that events wait no longer behind many lanes than behind one."""

import pytest

from consumers.sweeps import holds_per_lane


@pytest.mark.parametrize("lanes", [1, 3, 4, 8, 2000])
def test_all_lanes_together_end_no_more_holds_than_one_lane_may(lanes: int) -> None:
    assert lanes * holds_per_lane(2000, lanes) <= 2000
    assert (lanes + 1) * holds_per_lane(2000, lanes) > 2000 - lanes  # and as many as can be


def test_a_lane_ends_one_hold_at_least() -> None:
    assert holds_per_lane(3, 4) == 1
