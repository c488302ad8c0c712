"""The rows that the rules work on. They are mutable: a batch works on its own loaded copies."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from schemas.events import AdmissionEnded, CheckoutCompleted
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import AdmissionEnd, DistributionType, Reason, Status, Strategy


class AdmissionKey(NamedTuple):
    """Names an admission: ids are unique within an organization only."""

    organization_id: str
    admission_id: str


@dataclass(slots=True)
class Admission:
    """A shopper's right to check out, and the facts that are known of it."""

    key: AdmissionKey
    lane: int
    consumer_id: str
    experience_id: str  # "" where Fanfare names none
    distribution_id: str
    distribution_type: DistributionType
    token_digest: str | None
    admitted_at: datetime
    expires_at: datetime  # the hold's end: window end + buffer, capped
    completed_at: datetime | None = None
    order_id: str | None = None
    ended_at: datetime | None = None
    end: AdmissionEnd | None = None


@dataclass(slots=True)
class Reservation:
    """Units of one stock line held for one admission, and how that ended."""

    id: UUID
    lane: int
    admission_key: AdmissionKey
    experience_id: str
    product_id: str
    variant_id: str
    quantity: int
    strategy: Strategy
    status: Status
    expires_at: datetime
    created_at: datetime
    ended_at: datetime | None = None
    reason: Reason | None = None
    order_id: str | None = None
    late: bool = False

    @property
    def stock_key(self) -> StockKey:
        """Give the stock line that the units are of."""
        return StockKey(self.admission_key.organization_id, self.product_id, self.variant_id)

    @property
    def pool_key(self) -> PoolKey:
        """Give the pool that the units are of, if the strategy is "pool"."""
        return PoolKey(
            self.admission_key.organization_id,
            self.experience_id,
            self.product_id,
            self.variant_id,
        )


@dataclass(slots=True)
class EarlyFact:
    """A completion or an end that came before its admission, and waits for it."""

    id: UUID
    lane: int
    fact: CheckoutCompleted | AdmissionEnded
    topic: str
    partition: int
    offset: int
    line: int
    traceparent: str | None
    retry_at: datetime
    expires_at: datetime
