"""An admission as the model knows it: who told of it, its facts, and its rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from schemas.events import AdmissionEnded, Admitted, CheckoutCompleted, Fact, event_time
from schemas.identity import time_ordered_id
from schemas.vocabulary import Reason
from tests.simulation.door import Door
from tests.simulation.facts import Place, Sku
from tests.simulation.row import Row
from tests.simulation.says import Cart, Says, says

Names = frozenset[object]  # of an admission, the same whichever of them came first

NAMES: Final = ("admission_id", "token_digest")


@dataclass(slots=True, eq=False)
class Visit:
    lane: int
    told: list[Admitted]
    front: Door
    own: dict[Place, Fact] = field(default_factory=dict)  # the cart that it came with
    facts: dict[Place, Fact] = field(default_factory=dict)
    rows: dict[Sku, Row] = field(default_factory=dict)
    cart: Cart | None = None  # that the rows follow
    sale: object = None  # that the rows were sold by
    is_told_late: bool = False  # of which experience it is: its rows are to move
    owner: str = ""
    refused: dict[Place, Reason] = field(default_factory=dict)  # transfers, by limits

    def says(self) -> Says:
        return says(self.front, self.facts, self.refused)

    @property
    def people(self) -> set[str]:
        """Whose it was and, after a transfer, whose it is."""
        return {self.front.consumer_id, self.says().owner}

    @property
    def orders(self) -> set[str]:
        paid = (fact for fact in self.facts.values() if isinstance(fact, CheckoutCompleted))
        return {fact.order_id for fact in paid if fact.order_id is not None}

    @property
    def names(self) -> Names:
        """Give its ids and tokens, or who was admitted to what, and when."""
        told = {name for one in self.told for name in (one.admission_id, one.token_digest) if name}
        who = (self.front.consumer_id, self.front.admitted_at, *self.front.entrance)
        return frozenset(told) or frozenset([who])

    @property
    def age(self) -> tuple[datetime, str]:
        """Give its place among others: by its time, then by the first name that it had."""
        one = self.told[0]
        who = (one.distribution_id, one.experience_id, one.consumer_id)
        token = one.token_digest and f"token:{one.token_digest}"
        at = f"at:{time_ordered_id(one.admitted_at, 'admission', *who)}"
        return self.front.admitted_at, one.admission_id or token or at

    def is_of(self, event: Admitted) -> bool:
        """Tell whether it is the admission that an event tells of."""
        if is_named(event):
            return any(self.shares(event, name) for name in NAMES)
        return any(not is_named(one) and _is_same(one, event) for one in self.told)

    def shares(self, event: Admitted | Fact, name: str) -> bool:
        """Tell whether it has the id, or the token, of an event."""
        mine = getattr(event, name)
        return mine is not None and any(getattr(one, name) == mine for one in self.told)

    def is_open(self, at: datetime, others: Iterable["Visit"]) -> bool:
        """Tell whether it had begun, and neither ended nor was followed by another of its kind."""
        front = self.front
        ends = [
            event_time(fact)
            for fact in self.facts.values()
            if isinstance(fact, CheckoutCompleted | AdmissionEnded)
        ]
        is_followed = any(
            front.admitted_at < one.front.admitted_at <= at
            and (one.front.consumer_id, one.front.entrance) == (front.consumer_id, front.entrance)
            for one in others
        )
        until = min([self.says().ends_at, *ends])
        return front.admitted_at <= at <= until and not is_followed


def is_named(event: Admitted | Fact) -> bool:
    return any(getattr(event, name) is not None for name in NAMES)


def label(names: Names) -> tuple[str, ...]:
    """Write names in an order."""
    return tuple(sorted(map(str, names)))


def _is_same(one: Admitted, other: Admitted) -> bool:
    names = ("distribution_id", "experience_id", "consumer_id", "admitted_at")
    return all(getattr(one, name) == getattr(other, name) for name in names)
