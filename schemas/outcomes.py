"""What happened to a hold, as others read it: the JSON body of `reservation-outcomes`."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation
from pydantic.alias_generators import to_camel

from schemas.trace import Trace
from schemas.vocabulary import DistributionType, OutcomeType, Reason, Strategy

CE_TYPE_PREFIX: Final = "fanfare.reservation."


class OutcomeCause(BaseModel):
    """The record behind an outcome. No offset: a lane's first sweep, which no record asked for."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    topic: str
    partition: int
    offset: int | None = None
    event_id: str | None = None


class Outcome(BaseModel):
    """One thing that happened to one stock line of one admission. What does not apply is left out.

    `lane` and `sequence` number the outcomes of a lane without a gap, so a reader can tell that
    none is missing.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    outcome_id: UUID = Field(exclude=True)  # on the wire: the header ce_id
    # On the wire: headers. It comes from an event that was read, so it is not looked at again.
    trace: SkipValidation[Trace | None] = Field(default=None, exclude=True)
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

    def body(self) -> bytes:
        """Give the JSON that is published."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()
