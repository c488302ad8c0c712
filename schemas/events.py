"""What a record means, in one vocabulary: Fanfare's five are translated in `schemas.wire`.

All instants are aware UTC. Tokens are secrets: an event carries a token's SHA-256 digest only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

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


AnyEvent = Admitted | CheckoutCompleted | AdmissionEnded | ExpiryTick


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and where it came in."""

    event: AnyEvent
    lane: int
    cause: Cause
    traceparent: str | None = None


def event_time(event: AnyEvent) -> datetime:
    """Give the instant at which the event says that it happened."""
    match event:
        case Admitted():
            return event.admitted_at
        case CheckoutCompleted():
            return event.completed_at
        case AdmissionEnded():
            return event.ended_at
        case ExpiryTick():
            return event.at
