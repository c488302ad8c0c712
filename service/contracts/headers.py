"""The headers of what is published, as texts: Kafka's headers are bytes of UTF-8."""

from typing import Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from producers.cloudevents import SEQUENCE_DIGITS_MAX, SOURCE
from schemas.outcomes import CE_TYPE_PREFIX
from schemas.vocabulary import OutcomeType

_SEQUENCE = rf"^[1-9][0-9]{{0,{SEQUENCE_DIGITS_MAX - 1}}}$"
_TYPES = [CE_TYPE_PREFIX + word for word in (*get_args(OutcomeType), "adjusted")]


class OutcomeHeaders(BaseModel):
    """CloudEvents 1.0 in binary mode, with its extension `sequence`."""

    ce_specversion: Literal["1.0"]
    ce_id: UUID = Field(description="The same on every replay of the outcome's cause.")
    ce_source: str = Field(pattern=rf"^{SOURCE}/lanes/[0-9]+$")
    ce_type: str = Field(json_schema_extra={"enum": list(_TYPES)})
    ce_time: AwareDatetime = Field(description="The event's own time.")
    ce_sequence: str = Field(
        pattern=_SEQUENCE, description="Numbers the outcomes of a lane from 1, without a gap."
    )
    content_type: Literal["application/json"] = Field(serialization_alias="content-type")
    traceparent: str | None = Field(
        None, description="W3C Trace Context: the event's trace, carried on."
    )
    tracestate: str | None = Field(None, description="W3C Trace Context, as the event had it.")


class DeadLetterHeaders(BaseModel):
    """What is added to the headers that the record came with."""

    topic: str = Field(serialization_alias="dlq.topic")
    partition: str = Field(serialization_alias="dlq.partition", pattern="^[0-9]+$")
    offset: str = Field(serialization_alias="dlq.offset", pattern="^[0-9]+$")
    reason: str = Field(serialization_alias="dlq.reason")
    time: AwareDatetime = Field(
        serialization_alias="dlq.time", description="The record's time in Kafka."
    )
    truncated: str | None = Field(
        None,
        serialization_alias="dlq.truncated",
        pattern="^[0-9]+$",
        description="Bytes of a record that is too large to be kept here: key and value are null.",
    )
    sequence: str = Field(serialization_alias="dlq.sequence", pattern=_SEQUENCE)
    id: UUID = Field(serialization_alias="dlq.id")
