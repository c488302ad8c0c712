"""The rows that the rules work on. They are mutable: a batch works on its own loaded copies.

They are structs, for there are some of every event: one is made in a fifth of a dataclass's time.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, field

from schemas.facts import KnownFact
from schemas.policy import DEFAULT_POLICY, Policy
from schemas.stock import PoolKey, StockKey
from schemas.vocabulary import DistributionType, Reason, Status, Strategy

NO_STOCK = StockKey("", "", "")


class AdmissionKey(NamedTuple):
    """Names an admission: ids are unique within an organization only."""

    organization_id: str
    admission_id: str


class Admission(Struct, gc=False):
    """A shopper's right to check out, and the facts that are known of it.

    The marks name what was last acted upon: the cart that the holds follow, the payment that the
    sales follow. While they stay, there is nothing to do.
    """

    key: AdmissionKey
    lane: int
    consumer_id: str  # whose it is now
    experience_id: str  # "" where Fanfare names none
    distribution_id: str
    distribution_type: DistributionType
    token_digest: str | None
    admitted_at: datetime
    expires_at: datetime  # the hold's end: window end + buffer, with extensions, capped
    window_ends_at: datetime | None = None  # where an event said so
    also_id: str | None = None  # an admission id that came after the one in `key` was made
    guest_id: str | None = None  # whom it was transferred from
    policy: Policy = DEFAULT_POLICY  # by which it was admitted: a later one changes nothing said
    facts: list[KnownFact] = field(default_factory=list)
    cart_mark: str = ""
    sale_mark: str = ""
    outcomes: int = 0  # of it as a whole: they number the outcomes' ids

    @property
    def admitted_consumer_id(self) -> str:
        """Give whom it let in, whosever it is now."""
        return self.guest_id or self.consumer_id


class Reservation(Struct, gc=False):
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
    missing: int = 0  # units that `order_id` paid for and that are not there
    oversold: int = 0  # of the sold units, those that the policy's oversell budget sold
    restocked: bool = False  # returned: the units are in stock again
    at_risk: int = 0  # units of an active hold that an operator has taken away
    warned: bool = False  # that they are at risk was said
    outcomes: int = 0  # that were said of it: they number the outcomes' ids
    stock_key: StockKey = NO_STOCK  # which its units are of, as the names above say

    def __post_init__(self) -> None:
        # Asked for at every step of a hold, and never another one.
        organization_id = self.admission_key.organization_id
        self.stock_key = StockKey(organization_id, self.product_id, self.variant_id)

    @property
    def pool_key(self) -> PoolKey:
        """Give the pool that the units are of, if the strategy is "pool"."""
        return PoolKey(
            self.admission_key.organization_id,
            self.experience_id,
            self.product_id,
            self.variant_id,
        )


class EarlyFact(Struct, gc=False):
    """A fact that waits for its admission."""

    id: UUID
    lane: int
    known: KnownFact
    retry_at: datetime
    expires_at: datetime
