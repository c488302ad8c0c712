"""What `reconcile` did to a stock line: kept as a row, and published as an outcome."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec import Struct, json
from msgspec.structs import replace

from schemas.outcomes import NO_ID, Outcome, OutcomeCause
from schemas.stock import StockKey

Counter = Literal[
    # of a stock line
    "received",
    "on_hand",
    "reserved",
    "allocated",
    "sold",
    "short",
    # of one of its pools
    "pool_filled",
    "pool_available",
    "pool_allocated",
    # holds of it whose mark of being at risk is wrong
    "marks",
    # of no stock line: of all lanes together
    "holds_active",
]


class CounterChange(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False
):
    """A counter as it was, and as it is; `experience_id` names the pool of a pool's counter."""

    counter: Counter
    before: int
    after: int
    experience_id: str | None = None


class Adjustment(NamedTuple):
    """A repair of one stock line, to be told by a lane."""

    id: UUID
    lane: int
    key: StockKey
    adjusted_at: datetime
    explanation: str
    changes: tuple[CounterChange, ...]


class Adjusted(Struct, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A stock line's counters were made what its reservations say: an operator ran `reconcile`.

    Of no shopper and no hold. Its key is the stock line; it has a place in the lane's sequence as
    every outcome has.
    """

    outcome_id: UUID = NO_ID  # on the wire: the header ce_id
    type: Literal["adjusted"]
    organization_id: str
    product_id: str
    variant_id: str | None = None
    changes: tuple[CounterChange, ...]
    explanation: str
    occurred_at: datetime
    lane: int
    sequence: int = 0  # given when the batch is saved
    cause: OutcomeCause

    @property
    def trace(self) -> None:
        """No event asked for it."""

    @property
    def reason(self) -> None:
        """It has none of the reasons of holds."""

    def key(self) -> bytes:
        """Give the key of its record."""
        return "/".join((self.organization_id, self.product_id, self.variant_id or "")).encode()

    def body(self) -> bytes:
        """Give the JSON that is published."""
        return json.encode(replace(self, outcome_id=NO_ID))


AnyOutcome = Outcome | Adjusted
