"""What a record means, in one vocabulary: Fanfare's five are translated in `schemas.wire`.

All instants are aware UTC. Tokens are secrets: an event carries a token's SHA-256 digest only.
Events check nothing: `schemas.payloads` has checked what comes in. They hold no cycles, so the
garbage collector need not look at them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import Struct

from schemas.trace import Trace
from schemas.vocabulary import AdmissionEnd, DistributionType


class Item(NamedTuple):
    """A line of a cart or an order: so many units of one product, or of one of its variants."""

    product_id: str
    variant_id: str  # "" for a product without variants
    quantity: int


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every event has: whose it is, and the id that Fanfare gave its delivery."""

    event_id: str
    organization_id: str
    consumer_id: str
    experience_id: str = ""  # "" where the event names none
    distribution_id: str = ""
    distribution_type: DistributionType | None = None
    admission_id: str | None = None
    token_digest: str | None = None


class Admitted(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A shopper may check out, until `window_ends_at` where Fanfare says so."""

    admitted_at: datetime
    window_ends_at: datetime | None = None
    items: tuple[Item, ...] = ()


class CheckoutCompleted(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A shopper has paid, for `items` where the event names any, else for all that was held."""

    completed_at: datetime
    order_id: str | None = None
    items: tuple[Item, ...] = ()


class AdmissionEnded(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Fanfare ended an admission without a checkout."""

    ended_at: datetime
    end: AdmissionEnd


class CartUpdated(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A shopper's cart, whole, as it was from `updated_at` on."""

    updated_at: datetime
    items: tuple[Item, ...] = ()
    at_admission: bool = False  # the items of an admission event: what the shopper came with


class OrderCancelled(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An order was cancelled after it was paid."""

    cancelled_at: datetime
    order_id: str


class ExtendRequested(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Somebody asks for the end of a hold to be moved by `seconds`."""

    requested_at: datetime
    seconds: int


class ReleaseRequested(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A shopper gives back all that is held: the cart is empty from `requested_at` on."""

    requested_at: datetime


class TransferRequested(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A guest is linked to an account: the admission belongs to another consumer."""

    requested_at: datetime
    to_consumer_id: str


class ExpiryTick(Struct, frozen=True, kw_only=True, gc=False):
    """The instant up to which a lane shall expire its holds."""

    at: datetime


class Cause(NamedTuple):
    """Where an event came from; `line` counts the admissions within one record."""

    topic: str
    partition: int
    offset: int | None  # None: a sweep of the lane's own, which no record asked for
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


class Arrival(Struct, frozen=True, gc=False):
    """An event, and where it came in."""

    event: AnyEvent
    lane: int
    cause: Cause
    trace: Trace | None = None


E = TypeVar("E", bound=Struct)


def event_of(kind: type[E], fields: Mapping[str, Any]) -> E:
    """Make an event of those of the fields that it has."""
    return kind(**{name: fields[name] for name in kind.__struct_fields__ if name in fields})


def event_time(event: AnyEvent) -> datetime:
    """Give the instant at which the event says that it happened."""
    at: datetime = getattr(event, _TIMES[type(event)])
    return at


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
