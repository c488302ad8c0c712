"""What decides when facts disagree: the table of precedence, line by line."""

from collections.abc import Sequence
from itertools import permutations

import pytest

from reservations.book import NEVER_TICKED
from reservations.standing import ENDS, PRECEDENCE, Standing, Verdict, standing
from tests.unit.world import story

# A story for each line of the table, how the hold is at its end, and which other lines hold as
# well: what decides is that a line stands above the others.
STORIES: dict[Verdict, tuple[str, str, Sequence[Verdict]]] = {
    "returned": (
        """
        10:05  paid ada order=o-7
        10:04  left ada
        12:00  cancel ada order=o-7
        """,
        "moon-lamp 1 soft returned order_cancelled order=o-7 late",
        ["paid", "left", "open"],
    ),
    "paid": (
        """
        10:13  paid ada order=o-7
        10:11  tick
        10:12  denied ada
        """,
        "moon-lamp 1 soft converted order=o-7 late",
        ["elapsed", "denied", "open"],
    ),
    "elapsed": (
        """
        10:11  tick
        10:13  left ada
        10:12  lapsed ada
        """,
        "moon-lamp 1 soft expired hold_elapsed",
        ["expired", "open"],
    ),
    "expired": (
        """
        10:05  left ada
        10:05  lapsed ada
        10:05  denied ada
        10:11  tick
        """,
        "moon-lamp 1 soft expired admission_expired",
        ["open"],
    ),
    "left": (
        """
        10:06  lapsed ada
        10:05  denied ada
        10:05  left ada
        10:11  tick
        """,
        "moon-lamp 1 soft released consumer_left",
        ["open"],
    ),
    "denied": (
        """
        10:06  left ada
        10:07  lapsed ada
        10:05  denied ada
        10:11  tick
        """,
        "moon-lamp 1 soft released consumer_denied",
        ["open"],
    ),
    "open": (
        """
        10:04  cart ada moon-lamp 1
        10:10  tick
        """,
        "moon-lamp 1 soft active",
        [],
    ),
}


@pytest.mark.parametrize("verdict", STORIES)
def test_line_of_the_table_decides_in_its_story(verdict: Verdict) -> None:
    events, hold, below = STORIES[verdict]
    it = _standing(events, f"holds ada -> {hold}")

    assert it.verdict == verdict
    assert [line for line, holds in PRECEDENCE if holds(it)] == [verdict, *below]


def test_every_line_of_the_table_has_a_story() -> None:
    assert list(STORIES) == [verdict for verdict, _ in PRECEDENCE]


@pytest.mark.parametrize("verdict", STORIES)
def test_first_line_that_is_so_decides_whatever_came_first(verdict: Verdict) -> None:
    events = [line for line in STORIES[verdict][0].splitlines() if line.strip()]

    for order in permutations(events):
        it = _standing("\n".join(order))

        holding = [line for line, holds in PRECEDENCE if holds(it)]
        assert (it.verdict, holding[0]) == (verdict, verdict), "\n".join(order)


@pytest.mark.parametrize("verdict", ENDS)
def test_every_end_of_the_table_ends_a_hold_as_its_story_says(verdict: Verdict) -> None:
    status, reason = ENDS[verdict]

    assert STORIES[verdict][1] == f"moon-lamp 1 soft {status} {reason}"


# Of two ends the earlier counts; at one instant, the one that stands higher.


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("10:05 left ada", "10:06 denied ada", "left"),
        ("10:06 left ada", "10:05 denied ada", "denied"),
        ("10:06 left ada", "10:05 lapsed ada", "expired"),
        ("10:05 left ada", "10:05 denied ada", "left"),
        ("10:05 left ada", "10:05 lapsed ada", "expired"),
        ("10:05 denied ada", "10:05 lapsed ada", "expired"),
        ("10:10:59 left ada", "10:11 lapsed ada", "left"),
        ("10:11 denied ada", "10:12 lapsed ada", "elapsed"),
        ("10:05 extend ada 60", "10:11 left ada", "left"),
        ("10:05 extend ada 60", "10:12 left ada", "elapsed"),
        ("10:06 extend ada 60", "10:05 left ada", "left"),
    ],
)
def test_earliest_end_decides(one: str, other: str, verdict: Verdict) -> None:
    assert _standing(one, other).verdict == verdict
    assert _standing(other, one).verdict == verdict


@pytest.mark.parametrize("end", ["left ada", "denied ada", "lapsed ada"])
def test_end_at_the_hold_s_end_or_after_it_is_none(end: str) -> None:
    assert _standing(f"10:10:59 {end}").verdict != "elapsed"
    assert _standing(f"10:11 {end}").verdict == "elapsed"
    assert _standing(f"10:11:01 {end}").verdict == "elapsed"


@pytest.mark.parametrize(
    ("tick", "verdict"),
    [("10:10:59 tick", "open"), ("10:11 tick", "elapsed"), ("10:12 tick", "elapsed")],
)
def test_tick_that_has_passed_the_hold_s_end_ends_it(tick: str, verdict: Verdict) -> None:
    assert _standing(tick).verdict == verdict


@pytest.mark.parametrize("tick", ["10:04 tick", "10:11 tick", "10:30 tick"])
def test_tick_does_not_change_what_an_earlier_end_was(tick: str) -> None:
    assert _standing("10:05 left ada", tick).verdict == "left"
    assert _standing(tick, "10:05 left ada").verdict == "left"


# A payment is late after whatever ended the hold, and too late after the grace.


@pytest.mark.parametrize(
    ("paid", "end", "late"),
    [
        ("10:11 paid ada", "", False),
        ("10:11:01 paid ada", "", True),
        ("10:05 paid ada", "10:05 left ada", False),
        ("10:06 paid ada", "10:05 left ada", True),
        ("10:06 paid ada", "10:07 left ada", False),
        ("10:12 paid ada", "10:13 left ada", True),
        ("10:12 paid ada", "10:05 extend ada 60", False),
        ("10:12:01 paid ada", "10:05 extend ada 60", True),
        ("10:06 paid ada", "10:11 tick", False),
        ("10:12 paid ada", "10:11 tick", True),
    ],
)
def test_payment_after_the_end_is_late(paid: str, end: str, late: bool) -> None:
    for told in ([paid, end], [end, paid]):
        it = _standing(*told)

        assert (it.verdict, it.late, it.too_late) == ("paid", late, False)


@pytest.mark.parametrize(
    ("paid", "too_late"),
    [("10:11+2d paid ada", False), ("10:11:01+2d paid ada", True), ("10:11 paid ada", False)],
)
def test_payment_after_the_grace_is_too_late(paid: str, too_late: bool) -> None:
    assert _standing(paid).too_late == too_late


def _standing(*events: str) -> Standing:
    """Tell what happens to a hold from 10:00 to 10:11, and give what the facts amount to."""
    world = story("\n".join(["stock moon-lamp 9", "10:00 admit ada moon-lamp 1", *events]))
    [admission] = world.admissions.values()
    return standing(admission, world.last_tick.get(admission.lane, NEVER_TICKED))
