"""What shoppers do, each by a script of their own: the records, and what must come of them."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from tests.chaos.sale import EXPERIENCES, PLENTY, SCARCE, WINDOW_SECONDS
from tests.e2e.events import (
    ADMITTED,
    CARTS,
    COMPLETED,
    Sent,
    admitted,
    cancelled,
    cart,
    completed,
    extend,
    left,
    release,
)

Fate = Literal["pays", "pays late", "leaves", "goes away", "changes cart", "cancels", "asks"]
Doing = tuple[float, Sent]  # seconds after the admission, and what is sent then

_WEIGHTS: Final[Mapping[Fate, int]] = {
    "pays": 45,
    "pays late": 8,
    "leaves": 14,
    "goes away": 13,
    "changes cart": 10,
    "cancels": 4,
    "asks": 6,
}
# What these want never changes, so all that is said of them is known beforehand.
PLAIN: Final[frozenset[Fate]] = frozenset({"pays", "pays late", "leaves", "goes away"})
REPEATED: Final = 0.15
TOPICS_OF_POISON: Final = (ADMITTED, CARTS, COMPLETED)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who is admitted once, with what is wanted: units by product."""

    name: str
    experience: str
    lines: Mapping[str, int]
    fate: Fate

    @property
    def has_paid(self) -> bool:
        return self.fate in ("pays", "pays late")


def new_shopper(name: str, dice: random.Random) -> Shopper:
    products = dice.sample(PLENTY, dice.randint(1, 2))
    if dice.random() < 0.25:
        products.append(dice.choice(SCARCE))
    lines = {product: dice.randint(1, 3) for product in products}
    [fate] = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
    return Shopper(name, dice.choice(EXPERIENCES), lines, fate)


def doings(shopper: Shopper, dice: random.Random) -> Iterator[Doing]:
    """Give a shopper's records; some are sent again, and some come before the admission."""
    for seconds, record in _script(shopper, dice, datetime.now(UTC)):
        yield seconds, record
        if dice.random() < REPEATED:
            yield seconds + dice.uniform(0, 4), record


def _script(shopper: Shopper, dice: random.Random, at: datetime) -> Iterator[Doing]:
    def then(seconds: float) -> str:
        return (at + timedelta(seconds=seconds)).isoformat()

    name = shopper.name
    place: dict[str, Any] = {"experienceId": shopper.experience}
    soon = dice.uniform(0.1, 4)
    yield (
        dice.choice((0.0, 0.0, 0.0, soon)),  # then what follows is there before it
        admitted(name, items=_items(shopper.lines), admittedAt=then(0), **place),
    )
    bought = dict(shopper.lines)
    if shopper.fate == "changes cart":
        bought = {dice.choice(PLENTY): 2}
        yield soon / 2, cart(name, bought, updatedAt=then(soon / 2), **place)
    if shopper.fate == "asks":
        when = {"requestedAt": then(soon / 2)} | place
        ask = dice.choice((release(name, **when), extend(name, 5, **when)))
        yield soon / 2, ask
    if shopper.fate in ("pays", "changes cart", "cancels", "pays late"):
        paid = soon if shopper.fate != "pays late" else WINDOW_SECONDS + soon
        yield paid, completed(name, items=_items(bought), completedAt=then(paid), **place)
    if shopper.fate == "cancels":
        yield soon + 2, cancelled(name, cancelledAt=then(soon + 2))
    if shopper.fate == "leaves":
        yield soon, left(name, leftAt=then(soon), **place)


def poison(name: str, dice: random.Random) -> Sent:
    """Give a record that nobody can read; the name makes it the only one of its kind."""
    values = (
        f'{{"id": "{name}", "type": "queue.consumer.admitted", "data"',
        f'{{"id": "{name}", "type": "nobody.knows", "data": {{}}}}',
        f'{{"id": "{name}", "type": "queue.consumer.admitted", "data": {{"quantity": NaN}}}}',
        f'["{name}"]',
    )
    values_as_bytes = [value.encode() for value in values] + [b"\xff\xfe" + name.encode()]
    return dice.choice(TOPICS_OF_POISON), name, dice.choice(values_as_bytes)


def _items(lines: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"productId": product, "quantity": units} for product, units in lines.items()]
