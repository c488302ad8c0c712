"""The draw: all winners in one record, and a pool that was set aside for them."""

from collections.abc import Iterator
from itertools import islice

from service.demo.crowd import roles
from service.demo.envelope import Shopper
from service.demo.script import Script

_HELD = 0.30  # as a share of the sale


def play_draw(script: Script, names: Iterator[str]) -> None:
    """Let more win than there are units; the first of them get one, and most of those claim it."""
    draw, at = script.shop.draw, script.seconds * _HELD
    script.chapter(at, f"The draw: {draw.shoppers} winners in one record, {draw.units} sun lamps")
    winners = [Shopper(name, draw, "B", at) for name in islice(names, draw.shoppers)]
    selected = script.fanfare.winners_selected(winners, at)
    script.admit(at, draw.distribution_id, selected, twice=True)
    for winner, role in zip(winners[: draw.units], roles(script.random), strict=False):
        if role in ("leaves", "denied", "forgets"):
            continue  # a prize that nobody claims
        paid_at = script.late() if role == "late" else script.payment(at)
        claimed = script.fanfare.prize_claimed(winner, paid_at)
        script.complete(paid_at, winner.consumer_id, claimed, twice=role == "buys_twice")
