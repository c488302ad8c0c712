"""How an experience holds stock. What an operator leaves out has the default written here."""

from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.vocabulary import AtRiskFirst, CartRule, DistributionType, Strategy

Seconds = Annotated[int, Field(gt=0, le=30 * 24 * 3600)]
Limit = Annotated[int, Field(gt=0, le=1_000_000)]


class Offer(BaseModel):
    """A line that an admission wants when its event names no items."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_id: str = Field(min_length=1)
    variant_id: str = ""
    quantity: int = Field(default=1, gt=0, le=1_000_000)


class Windows(BaseModel):
    """Seconds from admission to the end of the window, where the event does not say.

    Source: Fanfare's documentation names 600 s for queues and timed releases, and up to 48 hours
    to claim a draw or to pay an auction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue: Seconds = 600
    draw: Seconds = 48 * 3600
    auction: Seconds = 48 * 3600
    timed_release: Seconds = 600
    other: Seconds = 600


class Policy(BaseModel):
    """The rules that an experience is held by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy = "soft"
    cart: CartRule = "per_line"
    window_seconds: Windows = Windows()
    # Lets a payment in flight finish. Source: Cart Reservation Guide, "Match Reservation to
    # Admission Window".
    buffer_seconds: int = Field(default=60, ge=0, le=3600)
    # No hold outlives this, whatever window an event asks for.
    hold_seconds_max: Seconds = 72 * 3600
    # How long a completion or an end waits for its admission. Fanfare delivers for 44.5 hours.
    early_fact_seconds: Seconds = 48 * 3600
    items: tuple[Offer, ...] = ()

    # A payment may take units again this long after the hold's end.
    late_seconds: int = Field(default=48 * 3600, ge=0, le=30 * 24 * 3600)
    # Units of a stock line that late payments may be sold though they are not there.
    oversell_units: int = Field(default=0, ge=0, le=1_000_000)
    # Whether the units of a cancelled order go back into stock.
    restock_cancelled: bool = True

    # How often, and by how many seconds altogether, the end of a hold may be moved on request.
    extensions_max: int = Field(default=1, ge=0, le=20)
    extension_seconds_max: int = Field(default=600, ge=0, le=24 * 3600)
    release_allowed: bool = True
    transfer_allowed: bool = True

    # Most units, held and sold, of a consumer in this experience; most active holds.
    units_per_sku_max: Limit | None = None
    units_per_experience_max: Limit | None = None
    open_holds_max: Limit | None = None

    # Whose units are at risk first when an operator takes stock away that is held.
    at_risk_first: AtRiskFirst = "newest"

    @cached_property
    def text(self) -> str:
        """Give it as JSON: what differs from the default. `read_policy` reads it."""
        return self.model_dump_json(exclude_defaults=True)

    @cached_property
    def has_limits(self) -> bool:
        """Tell whether what a consumer has elsewhere may refuse a hold."""
        limits = (self.units_per_sku_max, self.units_per_experience_max, self.open_holds_max)
        return any(limit is not None for limit in limits)

    @cached_property
    def buffer(self) -> timedelta:
        """Give the time from the end of the window to the hold's."""
        return timedelta(seconds=self.buffer_seconds)

    @cached_property
    def hold_max(self) -> timedelta:
        """Give the time that no hold outlives."""
        return timedelta(seconds=self.hold_seconds_max)

    def window(self, distribution_type: DistributionType) -> timedelta:
        """Give the time from admission to the end of the window."""
        return self.windows[distribution_type]

    @cached_property
    def windows(self) -> dict[str, timedelta]:
        """Give the same for each type of distribution: it is asked for at every step of a hold."""
        return {name: timedelta(seconds=seconds) for name, seconds in self.window_seconds}


DEFAULT_POLICY = Policy()


@lru_cache(maxsize=1024)
def read_policy(document: str) -> Policy:
    """Read a policy of what a policy's `text` is. Raises ValueError."""
    return Policy.model_validate_json(document)
