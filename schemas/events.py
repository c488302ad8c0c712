"""What a record means, in one vocabulary: Fanfare's five are translated in `schemas.wire`.

All instants are aware UTC. Tokens are secrets: an event carries a token's SHA-256 digest only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.trace import Trace
from schemas.vocabulary import AdmissionEnd, DistributionType


class Item(NamedTuple):
    """A line of a cart or an order: so many units of one product, or of one of its variants."""

    product_id: str
    variant_id: str  # "" for a product without variants
    quantity: int


class Event(BaseModel):
    """What every event has: whose it is, and the id that Fanfare gave its delivery."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    organization_id: str
    consumer_id: str
    experience_id: str = ""  # "" where the event names none
    distribution_id: str = ""
    distribution_type: DistributionType | None = None
    admission_id: str | None = None
    token_digest: str | None = None


class Admitted(Event):
    """A shopper may check out, until `window_ends_at` where Fanfare says so."""

    admitted_at: AwareDatetime
    window_ends_at: AwareDatetime | None = None
    items: tuple[Item, ...] = ()


class CheckoutCompleted(Event):
    """A shopper has paid, for `items` where the event names any, else for all that was held."""

    completed_at: AwareDatetime
    order_id: str | None = None
    items: tuple[Item, ...] = ()


class AdmissionEnded(Event):
    """Fanfare ended an admission without a checkout."""

    ended_at: AwareDatetime
    end: AdmissionEnd


class CartUpdated(Event):
    """A shopper's cart, whole, as it was from `updated_at` on."""

    updated_at: AwareDatetime
    items: tuple[Item, ...] = ()
    at_admission: bool = False  # the items of an admission event: what the shopper came with


class OrderCancelled(Event):
    """An order was cancelled after it was paid."""

    cancelled_at: AwareDatetime
    order_id: str


class ExtendRequested(Event):
    """Somebody asks for the end of a hold to be moved by `seconds`."""

    requested_at: AwareDatetime
    seconds: int


class ReleaseRequested(Event):
    """A shopper gives back all that is held: the cart is empty from `requested_at` on."""

    requested_at: AwareDatetime


class TransferRequested(Event):
    """A guest is linked to an account: the admission belongs to another consumer."""

    requested_at: AwareDatetime
    to_consumer_id: str


class ExpiryTick(BaseModel):
    """The instant up to which a lane shall expire its holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime


class Cause(NamedTuple):
    """Where an event came from; `line` counts the admissions within one record."""

    topic: str
    partition: int
    offset: int | None  # None: the sweep when a lane is taken over, which no record asked for
    line: int = 0
    event_id: str | None = None


# What is known of an admission beside that it began.
Fact = (
    CartUpdated
    | CheckoutCompleted
    | OrderCancelled
    | ExtendRequested
    | ReleaseRequested
    | TransferRequested
    | AdmissionEnded
)
AnyEvent = Admitted | Fact | ExpiryTick


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and where it came in."""

    event: AnyEvent
    lane: int
    cause: Cause
    trace: Trace | None = None


def event_time(event: AnyEvent) -> datetime:
    """Give the instant at which the event says that it happened."""
    return cast(datetime, getattr(event, _TIMES[type(event)]))


_TIMES: Final[dict[type, str]] = {
    Admitted: "admitted_at",
    CartUpdated: "updated_at",
    CheckoutCompleted: "completed_at",
    OrderCancelled: "cancelled_at",
    ExtendRequested: "requested_at",
    ReleaseRequested: "requested_at",
    TransferRequested: "requested_at",
    AdmissionEnded: "ended_at",
    ExpiryTick: "at",
}
