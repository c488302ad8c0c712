"""The auction: paid for at once or offered to the next, and refused to those who pay too late."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from service.demo.envelope import Shopper
from service.demo.script import Script

_CLOSES: Final = 0.20  # as a share of the sale
_BURST: Final = 0.03  # the share in which all winners are told, the highest bid first


def play_auction(script: Script, names: Iterator[str]) -> None:
    """Let winners pay; offer the units of those who do not to others; then let those pay too."""
    auction, closes_at = script.shop.auction, script.seconds * _CLOSES
    script.chapter(
        closes_at, f"The auction: {auction.shoppers} winning bids for {auction.units} star globes"
    )
    step = script.seconds * _BURST / auction.shoppers
    winners = [
        Shopper(name, auction, "A", closes_at + number * step)
        for number, name in enumerate(islice(names, auction.shoppers))
    ]
    for winner in winners:
        script.admit(winner.admitted_at, winner.consumer_id, script.fanfare.auction_won(winner))
    holders, refused = winners[: auction.units], winners[auction.units :]
    few = max(1, auction.units // 5)
    late, forgetful, prompt = holders[:few], holders[few : 2 * few], holders[2 * few :]
    for winner in prompt:
        _settle(script, winner, script.payment(winner.admitted_at))
    for winner in late:
        _settle(script, winner, script.late())
    offered_at = script.given_back(holders[-1].admitted_at)
    _offer(script, refused[: len(late) + len(forgetful)], offered_at, step)


def _settle(script: Script, winner: Shopper, at: float) -> None:
    script.complete(at, winner.consumer_id, script.fanfare.auction_settled(winner, at))


def _offer(script: Script, bidders: list[Shopper], at: float, step: float) -> None:
    """Admit bidders once more, who were refused the first time; they all pay."""
    script.chapter(at, f"Unpaid: {len(bidders)} star globes are offered to the next bidders")
    for number, bidder in enumerate(bidders):
        again = Shopper(bidder.name, bidder.experience, "B", at + number * step)
        script.admit(again.admitted_at, again.consumer_id, script.fanfare.winner_notified(again))
        paid_at = again.admitted_at + script.shop.hold_seconds * script.random.uniform(0.1, 0.4)
        paid = script.fanfare.order_completed(again, paid_at)
        script.complete(paid_at, again.consumer_id, paid)
