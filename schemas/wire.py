"""What each of Fanfare's types means here: the one table from `type` to an event.

Fanfare documents five vocabularies for the same facts; a type means the same in all that have it.
Names deceive: `draw.completed` says that a draw was held, `queue.consumer.completed` that a
shopper paid.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from schemas.events import AnyEvent
from schemas.fields import RECORDED_AT
from schemas.payloads import Payload, Tick
from schemas.payloads_admissions import Admission, Denial, End, Winners
from schemas.payloads_carts import Cart, Extension, Release, Transfer
from schemas.payloads_orders import Cancellation, Completion, Settlement
from schemas.plain import Plain
from schemas.vocabulary import TICK_TYPE, AdmissionEnd, DistributionType


@dataclass(frozen=True)
class Meaning:
    """How a record is read, and what its type says beyond its payload.

    No payload: the type is known, and nothing here depends on it. No distribution type: the
    event's own `distributionType` counts.
    """

    payload: type[Payload] | None
    distribution_type: DistributionType | None = None
    end: AdmissionEnd | None = None

    def events(self, document: dict[str, Any], recorded_at: datetime | None) -> list[AnyEvent]:
        """Give the events in a record's JSON. Raises pydantic's ValidationError."""
        if self.payload is None:
            return []
        fields = self._plain.fields(document, recorded_at)
        if fields is None:
            context = {RECORDED_AT: recorded_at}
            fields = vars(self.payload.model_validate(document, context=context))
        return self.payload.events(fields | self._told)

    @cached_property
    def _plain(self) -> Plain:
        assert self.payload
        return Plain(self.payload)

    @cached_property
    def _told(self) -> dict[str, Any]:
        """What the type has said already: it stands above the payload."""
        told = {"distribution_type": self.distribution_type, "end": self.end}
        return {name: fact for name, fact in told.items() if fact is not None}


PASSED_OVER: Final = Meaning(None)

MEANINGS: Final[dict[str, Meaning]] = {
    TICK_TYPE: Meaning(Tick),
    # ours, for what Fanfare tells nobody: carts, and what shall be done with a hold
    "cart.updated": Meaning(Cart),
    "hold.extend": Meaning(Extension),
    "hold.release": Meaning(Release),
    "hold.transfer": Meaning(Transfer),
    # A: API reference
    "queue.consumer.entered": PASSED_OVER,
    "queue.consumer.admitted": Meaning(Admission, "queue"),
    "queue.consumer.completed": Meaning(Completion, "queue"),
    "queue.consumer.left": Meaning(End, "queue", "left"),
    "queue.consumer.denied": Meaning(Denial, "queue"),
    "draw.consumer.entered": PASSED_OVER,
    "draw.consumer.won": Meaning(Admission, "draw"),
    "draw.consumer.lost": PASSED_OVER,
    "draw.completed": PASSED_OVER,  # the draw was held; nobody has paid
    "auction.bid.placed": PASSED_OVER,
    "auction.bid.outbid": PASSED_OVER,
    "auction.consumer.won": Meaning(Admission, "auction"),
    "auction.settled": Meaning(Settlement, "auction"),
    "order.created": PASSED_OVER,  # not paid yet
    "order.completed": Meaning(Completion),
    "order.cancelled": Meaning(Cancellation),  # the units come back, the admission does not
    "consumer.created": PASSED_OVER,
    "consumer.updated": PASSED_OVER,
    "distribution.updated": PASSED_OVER,
    "distribution.opened": PASSED_OVER,
    "distribution.closed": PASSED_OVER,
    "webhook.delivery.failed": PASSED_OVER,
    # B: webhooks guide
    "queue.consumer_entered": PASSED_OVER,
    "queue.consumer_admitted": Meaning(Admission, "queue"),
    "queue.admission_completed": Meaning(Completion, "queue"),
    "queue.admission_expired": Meaning(End, "queue", "expired"),
    "queue.consumer_left": Meaning(End, "queue", "left"),
    "draw.winners_selected": Meaning(Winners, "draw"),
    "draw.prize_claimed": Meaning(Completion, "draw"),
    "draw.prize_expired": Meaning(End, "draw", "expired"),
    "auction.winner_notified": Meaning(Admission, "auction"),
    "auction.auction_ended": PASSED_OVER,  # its winner is notified by an event of its own
    "experience.started": PASSED_OVER,
    "experience.ended": PASSED_OVER,  # who is admitted may finish the checkout
    "experience.paused": PASSED_OVER,
    "experience.resumed": PASSED_OVER,
    "consumer.authenticated": PASSED_OVER,
    "consumer.linked": PASSED_OVER,  # it says of one consumer only: `hold.transfer` has both
    # C: custom platform guide
    "admission.created": Meaning(Admission),
    "admission.completed": Meaning(Completion),
    "admission.expired": Meaning(End, None, "expired"),
    # D: webhook debugging page
    "queue.access_granted": Meaning(Admission, "queue"),
    "queue.access_expired": Meaning(End, "queue", "expired"),
    "draw.winner_selected": Meaning(Admission, "draw"),
    # E: custom webhooks
    "distribution.joined": PASSED_OVER,
    "distribution.admitted": Meaning(Admission),
    "distribution.completed": Meaning(Completion),
    "distribution.winner_selected": Meaning(Admission, "draw"),
    "order.paid": Meaning(Completion),
    "order.fulfilled": PASSED_OVER,
    "experience.created": PASSED_OVER,
    "experience.activated": PASSED_OVER,
    "experience.completed": PASSED_OVER,
    "experience.cancelled": PASSED_OVER,
    "consumer.deleted": PASSED_OVER,
}

# Fanfare has these mechanisms too, documents no types for them, and no hold depends on them.
_FAMILIES_PASSED_OVER: Final = ("appointment.", "waitlist.")


def meaning_of(type_: str) -> Meaning | None:
    """Give what a type means, or None if nobody here knows it."""
    meaning = MEANINGS.get(type_)
    if meaning is None and type_.startswith(_FAMILIES_PASSED_OVER):
        return PASSED_OVER
    return meaning
