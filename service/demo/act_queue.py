"""The queue: many shoppers, one after the other, told in three vocabularies."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Final

from service.demo.crowd import Role, Shelf, roles
from service.demo.envelope import Shopper, Vocabulary
from service.demo.script import Script
from service.demo.shop import SHADE

_OPENS, _CLOSES, _LAPSES = 0.02, 0.56, 0.62  # as shares of the sale
_VOCABULARIES: Final[tuple[Vocabulary, ...]] = ("A", "B", "C")
_REPEATED_EVERY: Final = 12


def play_queue(script: Script, names: Iterator[str]) -> None:
    """Admit all shoppers of the queue, and let those who hold a unit do what they do."""
    queue = script.shop.queue
    script.chapter(0, f"The queue opens: {queue.shoppers} shoppers for {queue.units} moon lamps")
    script.chapter(
        script.seconds * _LAPSES, "The queue is over: who never came back loses what was held"
    )
    shelf, cards = Shelf(queue.units), roles(script.random)
    vocabularies = cycle(_VOCABULARIES)
    for number, at in enumerate(_arrivals(script), start=1):
        shopper = _shopper(script, next(names), next(vocabularies), at)
        role = next(cards) if shelf.take(at) else None
        if role == "overtaken":
            shopper = _overtake(script, shopper)
        twice = number % _REPEATED_EVERY == 0
        script.admit(at, shopper.consumer_id, script.fanfare.admitted(shopper), twice=twice)
        if role is not None:
            given_back_at = _play(script, shopper, role)
            if given_back_at is not None:
                shelf.give_back(given_back_at)


def _arrivals(script: Script) -> list[float]:
    """Give the times of admission: a rush at first, and fewer towards the end."""
    span = (_CLOSES - _OPENS) * script.seconds
    draws = (script.random.betavariate(1.1, 1.8) for _ in range(script.shop.queue.shoppers))
    return sorted(_OPENS * script.seconds + span * drawn for drawn in draws)


def _shopper(script: Script, name: str, vocabulary: Vocabulary, at: float) -> Shopper:
    queue = script.shop.queue
    wanted = (queue.product_id, SHADE) if vocabulary == "C" else ()
    return Shopper(name, queue, vocabulary, at, wanted)


def _overtake(script: Script, shopper: Shopper) -> Shopper:
    """Pay at once, and let the completion be delivered before the admission."""
    early = replace(shopper, admitted_at=max(0.0, shopper.admitted_at - 0.5))
    paid_at = max(0.0, shopper.admitted_at - 0.2)
    script.complete(paid_at, early.consumer_id, script.fanfare.completed(early, paid_at))
    return early


def _play(script: Script, shopper: Shopper, role: Role) -> float | None:
    """Let a shopper who holds a unit act; give when it is free again, None where it is sold."""
    key, fanfare = shopper.consumer_id, script.fanfare
    paid_at, window_ends_at = (
        script.payment(shopper.admitted_at),
        shopper.admitted_at + script.shop.window_seconds,
    )
    match role:
        case "buys" | "buys_twice":
            script.complete(paid_at - 0.05, key, fanfare.order_created(shopper, paid_at - 0.05))
            completed = fanfare.completed(shopper, paid_at, _bought(script, shopper))
            script.complete(paid_at, key, completed, twice=role == "buys_twice")
            return None
        case "overtaken":
            return None
        case "leaves":
            script.end(paid_at, key, fanfare.left(shopper, paid_at))
            return paid_at + 1.0
        case "denied":
            script.end(paid_at, key, fanfare.denied(shopper, paid_at))
            return paid_at + 1.0
        case "late":
            late_at = script.late()
            script.complete(late_at, key, fanfare.completed(shopper, late_at))
        case "forgets":
            # Vocabulary A has no word for an expired admission: there only the clock ends it.
            if shopper.vocabulary != "A":
                script.end(window_ends_at, key, fanfare.expired(shopper, window_ends_at))
    return script.given_back(shopper.admitted_at)


def _bought(script: Script, shopper: Shopper) -> tuple[str, ...]:
    """Give what is paid for: of two carts with a shade, one is bought without it."""
    return shopper.products[: script.random.randint(1, 2)]
