"""What `reconcile` did to a stock line: kept as a row, and published as an outcome."""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from schemas.outcomes import Outcome, OutcomeCause
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


class CounterChange(BaseModel):
    """A counter as it was, and as it is; `experience_id` names the pool of a pool's counter."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

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


class Adjusted(BaseModel):
    """A stock line's counters were made what its reservations say: an operator ran `reconcile`.

    Of no shopper and no hold. Its key is the stock line; it has a place in the lane's sequence as
    every outcome has.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    outcome_id: UUID = Field(exclude=True)  # on the wire: the header ce_id
    type: Literal["adjusted"] = "adjusted"
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
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


AnyOutcome = Outcome | Adjusted
