"""Units of one SKU for one admission, and what was said of them last."""

from dataclasses import dataclass
from typing import Final

from schemas.vocabulary import OutcomeType, Reason, Status, Strategy
from tests.simulation.facts import Sku

Said = tuple[object, ...]  # of an outcome: type, quantity, reason, late, oversold
State = tuple[Status, int, Reason | None, str | None, bool, int, Strategy | None]
PoolName = tuple[str, Sku]  # experience, SKU

BY_CART: Final[tuple[Reason, ...]] = ("cart_changed", "released_on_request")
SOLD: Final[tuple[Status, ...]] = ("converted", "unfulfilled", "returned")


@dataclass(slots=True)
class Row:
    sku: Sku
    experience_id: str  # whose pool the units are of
    strategy: Strategy
    owner: str = ""
    admitted_to: str = ""  # the experience in which limits count it
    status: Status = "released"
    quantity: int = 0
    reason: Reason | None = "cart_changed"
    order_id: str | None = None
    late: bool = False
    missing: int = 0
    restocked: bool = False
    oversold: int = 0  # of those that are sold
    at_risk: int = 0  # of those that are held
    is_warned: bool = False
    last: Said = ()

    def becomes(self, status: Status, reason: Reason | None, quantity: int | None = None) -> None:
        self.status, self.reason = status, reason
        self.quantity = self.quantity if quantity is None else quantity
        self.order_id, self.late, self.missing = None, False, 0
        self.restocked, self.oversold = False, 0
        if status != "active":
            self.at_risk, self.is_warned = 0, False

    def says(
        self,
        type_: OutcomeType,
        quantity: int,
        reason: Reason | None = None,
        late: bool = False,
        oversold: bool = False,
    ) -> None:
        self.last = (type_, quantity, reason, late, oversold)

    @property
    def state(self) -> State:
        """How it ends: the same for every order of events, with stock enough."""
        how = self.strategy if self.held or self.sold else None
        told = self.status, self.quantity, self.reason, self.order_id, self.late, self.missing
        return *told, how

    @property
    def news(self) -> Said:
        """What is worth a word. Why a sold one has nothing is not: nobody shall refund twice."""
        status, quantity, reason, *others, _ = self.state
        why = None if status in SOLD else reason
        return status, quantity, why, *others, self.oversold, self.restocked

    @property
    def held(self) -> int:
        return self.quantity if self.status == "active" else 0

    @property
    def sold(self) -> int:
        is_sold = self.status == "converted" or (self.status == "returned" and not self.restocked)
        return self.quantity if is_sold else 0

    @property
    def had(self) -> int:
        """Units that count against a limit."""
        return self.quantity if self.status in ("active", "converted") else 0

    @property
    def has_ended(self) -> bool:
        """Tell whether a closing has ended it, and not the cart."""
        return self.status in ("released", "expired") and self.reason not in BY_CART

    @property
    def would_be_held(self) -> bool:
        """Tell whether it would be active if its admission were not over."""
        return self.has_ended or (self.status, self.reason) == ("rejected", "window_over")

    @property
    def pool(self) -> PoolName | None:
        return (self.experience_id, self.sku) if self.strategy == "pool" else None
