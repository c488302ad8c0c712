"""The sale: what Fanfare tells, and when. Pure: the same seed gives the same sale.

It is made before it is played, so it cannot know who will be refused. It guesses, and where it
is wrong somebody pays for what the worker refused: that happens in shops too.
"""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from service.demo.act_auction import play_auction
from service.demo.act_draw import play_draw
from service.demo.act_queue import play_queue
from service.demo.crowd import names
from service.demo.fanfare import Fanfare
from service.demo.script import Chapter, Move, Script
from service.demo.shop import Shop

_UNREADABLE: Final = b'{"id": "evt_torn", "type": "queue.consumer.admitted", "timestam'
_UNREADABLE_AT, _LATE_AT = 0.25, 0.86  # as shares of the sale


@dataclass(frozen=True, slots=True)
class Sale:
    """The records to send, and the story that they tell, each in the order of time."""

    shop: Shop
    seconds: float
    moves: tuple[Move, ...]
    chapters: tuple[Chapter, ...]
    repeated: int  # records that say again what another one has said


def create_sale(seed: int, shoppers: int, seconds: float, opens_at: datetime) -> Sale:
    """Write a sale of so many shoppers that takes so long; `opens_at` dates its events."""
    shop = Shop.for_crowd(shoppers, seconds)
    random = Random(seed)
    script = Script(shop, seconds, random, Fanfare(opens_at, shop.window_seconds))
    called = names(random)
    play_queue(script, called)
    play_auction(script, called)
    play_draw(script, called)
    script.chapter(
        seconds * _LATE_AT, "Late payers: who still finds a unit gets it, the others a refund"
    )
    torn = Move(seconds * _UNREADABLE_AT, "admitted", f"cons_{next(called)}", _UNREADABLE)
    return Sale(
        shop,
        seconds,
        tuple(sorted([*script.moves, torn], key=lambda move: move.seconds)),
        tuple(sorted(script.chapters)),
        script.repeated,
    )
