"""How an experience holds stock. What an operator leaves out has the default written here."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.vocabulary import CartRule, DistributionType, Strategy

Seconds = Annotated[int, Field(gt=0, le=30 * 24 * 3600)]


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

    def window(self, distribution_type: DistributionType) -> timedelta:
        """Give the time from admission to the end of the window."""
        return timedelta(seconds=getattr(self.window_seconds, distribution_type))


DEFAULT_POLICY = Policy()
