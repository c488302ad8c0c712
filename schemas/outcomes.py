"""What happened to a hold, as others read it: the JSON body of `reservation-outcomes`."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, json, to_builtins
from msgspec.structs import replace

from schemas.trace import Trace
from schemas.vocabulary import DistributionType, OutcomeType, Reason, Strategy

CE_TYPE_PREFIX: Final = "fanfare.reservation."

# Fields that are headers on the wire, and not in the body.
HEADERS: Final = frozenset({"outcome_id", "trace"})

NO_ID: Final = UUID(int=0)


class OutcomeCause(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """The record behind an outcome. No offset: a lane's first sweep, which no record asked for."""

    topic: str
    partition: int
    offset: int | None = None
    event_id: str | None = None


class Outcome(
    Struct,
    kw_only=True,
    omit_defaults=True,
    rename="camel",
    forbid_unknown_fields=True,
    gc=False,
):
    """One thing that happened to one stock line of one admission. What does not apply is left out.

    `lane` and `sequence` number the outcomes of a lane without a gap, so a reader can tell that
    none is missing.
    """

    outcome_id: UUID = NO_ID  # on the wire: the header ce_id
    trace: Trace | None = None  # on the wire: headers
    type: OutcomeType
    organization_id: str
    experience_id: str | None = None
    distribution_id: str | None = None
    distribution_type: DistributionType | None = None
    consumer_id: str
    admission_id: str | None = None
    reservation_id: UUID | None = None
    product_id: str | None = None
    variant_id: str | None = None
    quantity: int | None = None
    strategy: Strategy | None = None
    reason: Reason | None = None
    expires_at: datetime | None = None
    order_id: str | None = None
    late: bool | None = None
    oversold: bool | None = None  # sold by the policy's oversell budget: the units are not there
    from_consumer_id: str | None = None  # transferred: whose it was
    occurred_at: datetime
    lane: int
    sequence: int = 0  # given when the batch is saved
    cause: OutcomeCause

    def key(self) -> bytes:
        """Give the key of its record."""
        return self.consumer_id.encode()

    def body(self) -> bytes:
        """Give the JSON that is published."""
        return _JSON.encode(self._without_headers())

    def document(self) -> dict[str, Any]:
        """Give the same as objects of JSON."""
        document: dict[str, Any] = to_builtins(self._without_headers())
        return document

    def _without_headers(self) -> "Outcome":
        return replace(self, outcome_id=NO_ID, trace=None)


def read_outcome(outcome_id: UUID, body: bytes) -> Outcome:
    """Read what was published. Raises msgspec.ValidationError on what is no outcome."""
    outcome = _READ.decode(body)
    outcome.outcome_id = outcome_id
    return outcome


_JSON: Final = json.Encoder()
_READ: Final = json.Decoder(Outcome)
